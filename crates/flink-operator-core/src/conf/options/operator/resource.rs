//! Options of the operator that may stand in the `flinkConfiguration` of a resource.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::conf::{ConfigEnum, ConfigOption};

/// How long a savepoint without a trace is waited for.
pub const SAVEPOINT_TRIGGER_GRACE_PERIOD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.savepoint.trigger.grace-period")
        .fallback(&["kubernetes.operator.observer.savepoint.trigger.grace-period"])
        .default_text("1 min");

/// How long a checkpoint without a trace is waited for.
pub const CHECKPOINT_TRIGGER_GRACE_PERIOD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.checkpoint.trigger.grace-period").default_text("1 min");

/// Whether a specification that does not become stable is rolled back.
pub const ROLLBACK_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.deployment.rollback.enabled").default_text("false");

/// Time in which a new specification must become stable.
pub const READINESS_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.deployment.readiness.timeout").default_text("5 min");

/// Headers with which a session job's jar is fetched.
pub const ARTIFACTS_HTTP_HEADER: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.operator.user.artifacts.http.header");

/// Whether an upgrade does not wait for a savepoint under way.
pub const IGNORE_PENDING_SAVEPOINT: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.upgrade.ignore-pending-savepoint")
        .default_text("false");

/// Whether a change of parallelism is applied to the running job.
pub const INPLACE_SCALING_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.upgrade.inplace-scaling.enabled")
        .default_text("true");

/// Whether a savepoint upgrade may use the last checkpoint of a job that does not run.
pub const LAST_STATE_FALLBACK_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.upgrade.last-state-fallback.enabled")
        .default_text("true");

/// Age of the last checkpoint above which a savepoint is taken instead.
pub const LAST_STATE_MAX_CHECKPOINT_AGE: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age");

/// Whether a last-state upgrade cancels the job.
pub const LAST_STATE_CANCEL_JOB: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.upgrade.last-state.job-cancel.enabled")
        .default_text("false");

/// Whether a failed job is started again.
pub const RESTART_FAILED_JOB: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.restart.failed").default_text("false");

/// Whether a savepoint is taken before the job is deleted.
pub const SAVEPOINT_ON_DELETION: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.savepoint-on-deletion").default_text("false");

/// Whether a job that stops with a savepoint is drained.
pub const DRAIN_ON_SAVEPOINT_DELETION: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.job.drain-on-savepoint-deletion").default_text("false");

/// Whether a JobManager that is gone is deployed again.
pub const JOB_MANAGER_RECOVERY_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.jm-deployment-recovery.enabled")
        .fallback(&["kubernetes.operator.reconciler.jm-deployment-recovery.enabled"])
        .default_text("true");

/// How long the cluster of a finished job is kept.
pub const JOB_MANAGER_SHUTDOWN_TTL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.jm-deployment.shutdown-ttl").default_text("1 d");

/// Whether the JobManager gets a startup probe.
pub const JOB_MANAGER_STARTUP_PROBE_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.jm-deployment.startup.probe.enabled")
        .default_text("true");

/// Whether arrays of pod templates are merged by name and not by position.
pub const MERGE_ARRAYS_BY_NAME: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.pod-template.merge-arrays-by-name")
        .default_text("false");

/// Format of the savepoints.
pub const SAVEPOINT_FORMAT_TYPE: ConfigOption<SavepointFormat> =
    ConfigOption::new("kubernetes.operator.savepoint.format.type").default_text("CANONICAL");

/// Type of the checkpoints that the operator asks for.
pub const CHECKPOINT_TYPE: ConfigOption<CheckpointType> =
    ConfigOption::new("kubernetes.operator.checkpoint.type").default_text("FULL");

/// Whether a savepoint goes away with its resource.
pub const SAVEPOINT_DISPOSE_ON_DELETE: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.savepoint.dispose-on-delete").default_text("false");

/// Whether old snapshots are removed.
pub const SAVEPOINT_CLEANUP_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.savepoint.cleanup.enabled").default_text("true");

/// Snapshots of a type to keep.
pub const SAVEPOINT_HISTORY_MAX_COUNT: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.savepoint.history.max.count").default_text("10");

/// Age up to which snapshots are kept; the newest always is.
pub const SAVEPOINT_HISTORY_MAX_AGE: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.savepoint.history.max.age").default_text("24 h");

/// Whether snapshots are resources of their own.
pub const SNAPSHOT_RESOURCE_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.snapshot.resource.enabled").default_text("true");

/// Duration or cron expression of periodic savepoints; empty is none.
pub const PERIODIC_SAVEPOINT_INTERVAL: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.periodic.savepoint.interval").default_text("");

/// Duration or cron expression of periodic checkpoints; empty is none.
pub const PERIODIC_CHECKPOINT_INTERVAL: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.periodic.checkpoint.interval").default_text("");

/// Whether an unhealthy job is started again.
pub const HEALTH_CHECK_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.cluster.health-check.enabled").default_text("false");

/// Time in which restarts are counted.
pub const HEALTH_CHECK_RESTARTS_WINDOW: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.cluster.health-check.restarts.window")
        .default_text("2 min");

/// Restarts in the window that make a job unhealthy.
pub const HEALTH_CHECK_RESTARTS_THRESHOLD: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.cluster.health-check.restarts.threshold")
        .default_text("64");

/// Whether a job without completed checkpoints is unhealthy.
pub const HEALTH_CHECK_CHECKPOINT_PROGRESS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.cluster.health-check.checkpoint-progress.enabled")
        .default_text("true");

/// Time in which a checkpoint must complete; derived from the job when not set.
pub const HEALTH_CHECK_CHECKPOINT_PROGRESS_WINDOW: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.cluster.health-check.checkpoint-progress.window");

/// Whether a session cluster with session jobs is not deleted.
pub const BLOCK_ON_SESSION_JOBS: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.session.deletion.block-on-session-jobs")
        .default_text("true");

/// Whether a session cluster with other jobs is not deleted.
pub const BLOCK_ON_UNMANAGED_JOBS: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.session.deletion.block-on-unmanaged-jobs")
        .fallback(&["kubernetes.operator.session.block-on-unmanaged-jobs"])
        .default_text("true");

/// How long a new deployment may take before the transition is given up.
pub const BLUE_GREEN_ABORT_GRACE_PERIOD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.bluegreen.abort.grace-period").default_text("10 min");

/// Time between two passes during a transition.
pub const BLUE_GREEN_RESCHEDULE_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.bluegreen.reconciliation.reschedule-interval")
        .default_text("15 s");

/// How long the old deployment is kept after a transition.
pub const BLUE_GREEN_DELETION_DELAY: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.bluegreen.deployment-deletion.delay")
        .default_text("0 ms");

/// Format of a savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavepointFormat {
    /// The same for all state backends.
    Canonical,
    /// That of the state backend.
    Native,
}

impl ConfigEnum for SavepointFormat {
    const NAMES: &'static [(&'static str, Self)] =
        &[("CANONICAL", Self::Canonical), ("NATIVE", Self::Native)];
}

/// Type of a checkpoint on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointType {
    /// As the job is configured.
    Configured,
    Full,
    /// Not implemented by Flink: the REST API answers with an error.
    Incremental,
}

impl ConfigEnum for CheckpointType {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("CONFIGURED", Self::Configured),
        ("FULL", Self::Full),
        ("INCREMENTAL", Self::Incremental),
    ];
}
