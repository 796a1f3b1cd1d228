//! Options of the job: what runs, from which state, and how it keeps its state.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::conf::ConfigOption;

/// Where the job runs: `kubernetes-application`, `kubernetes-session`, `remote`.
pub const TARGET: ConfigOption<String> = ConfigOption::new("execution.target");

/// Main class of the application.
pub const APPLICATION_MAIN: ConfigOption<String> = ConfigOption::new("$internal.application.main");

/// Arguments of the application.
pub const APPLICATION_ARGS: ConfigOption<Vec<String>> =
    ConfigOption::new("$internal.application.program-args");

/// Id that the job gets instead of a random one: 32 hexadecimal digits.
pub const FIXED_JOB_ID: ConfigOption<String> = ConfigOption::new("$internal.pipeline.job-id");

/// Version of Flink that the resource names, such as `v1_20`; written by the operator.
pub const FLINK_VERSION: ConfigOption<String> = ConfigOption::new("$internal.flink.version");

/// Folder with the logging configuration to ship.
pub const CONFIG_DIR: ConfigOption<String> = ConfigOption::new("$internal.deployment.config-dir");

/// Always `NORMAL` on Kubernetes.
pub const CLUSTER_EXECUTION_MODE: ConfigOption<String> =
    ConfigOption::new("internal.cluster.execution-mode").default_text("NORMAL");

/// Name of the job.
pub const PIPELINE_NAME: ConfigOption<String> = ConfigOption::new("pipeline.name");

/// Address of the application's jar.
pub const PIPELINE_JARS: ConfigOption<Vec<String>> = ConfigOption::new("pipeline.jars");

/// Addresses that are put on the class path of the job.
pub const PIPELINE_CLASSPATHS: ConfigOption<Vec<String>> = ConfigOption::new("pipeline.classpaths");

/// Largest parallelism that the job can ever have; -1 leaves it to Flink.
pub const PIPELINE_MAX_PARALLELISM: ConfigOption<i32> =
    ConfigOption::new("pipeline.max-parallelism").default_text("-1");

/// Parallelism by id of the vertex.
pub const PARALLELISM_OVERRIDES: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("pipeline.jobvertex-parallelism-overrides").default_text("");

/// Parallelism of the job.
pub const PARALLELISM: ConfigOption<i32> =
    ConfigOption::new("parallelism.default").default_text("1");

/// Scheduler: `Default`, `Adaptive`, `AdaptiveBatch`.
pub const SCHEDULER: ConfigOption<String> =
    ConfigOption::new("jobmanager.scheduler").default_text("Default");

/// `REACTIVE` or not set.
pub const SCHEDULER_MODE: ConfigOption<String> = ConfigOption::new("scheduler-mode");

/// Whether the cluster goes away with its application.
pub const SHUTDOWN_ON_FINISH: ConfigOption<bool> =
    ConfigOption::new("execution.shutdown-on-application-finish").default_text("true");

/// Whether an error of the main method shows as a failed job.
pub const SUBMIT_FAILED_JOB_ON_ERROR: ConfigOption<bool> =
    ConfigOption::new("execution.submit-failed-job-on-application-error").default_text("false");

/// Whether the client waits for the job.
pub const ATTACHED: ConfigOption<bool> =
    ConfigOption::new("execution.attached").default_text("false");

/// Whether the cluster goes away with its client.
pub const SHUTDOWN_ON_ATTACHED_EXIT: ConfigOption<bool> =
    ConfigOption::new("execution.shutdown-on-attached-exit").default_text("false");

/// Savepoint or checkpoint that the job starts from.
pub const SAVEPOINT_PATH: ConfigOption<String> =
    ConfigOption::new("execution.state-recovery.path").fallback(&["execution.savepoint.path"]);

/// Whether state without an operator is dropped.
pub const SAVEPOINT_IGNORE_UNCLAIMED_STATE: ConfigOption<bool> =
    ConfigOption::new("execution.state-recovery.ignore-unclaimed-state")
        .fallback(&["execution.savepoint.ignore-unclaimed-state"])
        .default_text("false");

/// Who owns the snapshot that the job starts from.
pub const SAVEPOINT_CLAIM_MODE: ConfigOption<String> =
    ConfigOption::new("execution.state-recovery.claim-mode")
        .fallback(&["execution.savepoint-restore-mode"])
        .default_text("NO_CLAIM");

/// Time between two checkpoints; not set means none.
pub const CHECKPOINTING_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("execution.checkpointing.interval");

/// Time after which a checkpoint fails.
pub const CHECKPOINTING_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("execution.checkpointing.timeout").default_text("10 min");

/// Folder of the checkpoints.
pub const CHECKPOINTING_DIR: ConfigOption<String> =
    ConfigOption::new("execution.checkpointing.dir")
        .fallback(&["state.checkpoints.dir", "state.backend.fs.checkpointdir"]);

/// Folder of the savepoints.
pub const SAVEPOINT_DIR: ConfigOption<String> =
    ConfigOption::new("execution.checkpointing.savepoint-dir")
        .fallback(&["state.savepoints.dir", "savepoints.state.backend.fs.dir"]);

/// What becomes of checkpoints when the job is cancelled.
pub const CHECKPOINT_RETENTION: ConfigOption<String> =
    ConfigOption::new("execution.checkpointing.externalized-checkpoint-retention")
        .default_text("NO_EXTERNALIZED_CHECKPOINTS");

/// Failed checkpoints in a row that do not fail the job.
pub const TOLERABLE_FAILED_CHECKPOINTS: ConfigOption<i32> =
    ConfigOption::new("execution.checkpointing.tolerable-failed-checkpoints").default_text("0");

/// Number of completed checkpoints to keep.
pub const NUM_RETAINED_CHECKPOINTS: ConfigOption<i32> =
    ConfigOption::new("execution.checkpointing.num-retained")
        .fallback(&["state.checkpoints.num-retained"])
        .default_text("1");

/// State backend; Flink 1 has no default.
pub const STATE_BACKEND: ConfigOption<String> =
    ConfigOption::new("state.backend.type").fallback(&["state.backend"]);

/// Folder in the JobManager for jars that it fetches.
pub const ARTIFACTS_BASE_DIR: ConfigOption<String> =
    ConfigOption::new("user.artifacts.base-dir").default_text("/opt/flink/artifacts");

/// Further files to fetch.
pub const ARTIFACT_LIST: ConfigOption<Vec<String>> =
    ConfigOption::new("user.artifacts.artifact-list");

/// JVM options of all processes.
pub const JAVA_OPTS: ConfigOption<String> =
    ConfigOption::new("env.java.opts.all").fallback(&["env.java.opts"]).default_text("");

/// JVM options of all processes, before those of the user.
pub const JAVA_DEFAULT_OPTS: ConfigOption<String> =
    ConfigOption::new("env.java.default-opts.all").default_text("");
