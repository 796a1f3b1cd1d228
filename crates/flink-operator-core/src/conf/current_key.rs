//! Keys that Flink has renamed because one was the beginning of another.

/// Older keys that overlap with others, each with the key that Flink 2 documents.
const RENAMED: [(&str, &str); 16] = [
    ("classloader.parent-first-patterns", "classloader.parent-first-patterns.default"),
    ("cleanup-strategy", "cleanup-strategy.type"),
    ("env.java.opts", "env.java.opts.all"),
    ("execution.buffer-timeout", "execution.buffer-timeout.interval"),
    (
        "execution.checkpointing.checkpoints-after-tasks-finish",
        "execution.checkpointing.checkpoints-after-tasks-finish.enabled",
    ),
    ("execution.checkpointing.unaligned", "execution.checkpointing.unaligned.enabled"),
    ("high-availability", "high-availability.type"),
    ("kubernetes.container.image", "kubernetes.container.image.ref"),
    ("kubernetes.jobmanager.cpu", "kubernetes.jobmanager.cpu.amount"),
    ("kubernetes.pod-template-file", "kubernetes.pod-template-file.default"),
    ("kubernetes.taskmanager.cpu", "kubernetes.taskmanager.cpu.amount"),
    ("metrics.scope.jm.job", "metrics.scope.jm-job"),
    ("metrics.scope.tm.job", "metrics.scope.tm-job"),
    ("pipeline.operator-chaining", "pipeline.operator-chaining.enabled"),
    ("restart-strategy", "restart-strategy.type"),
    ("state.backend", "state.backend.type"),
];

/// The key to use in Flink 2 instead of an older one that overlaps with others.
pub fn current_key(key: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == key).map(|(_, current)| *current)
}
