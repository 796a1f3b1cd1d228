//! Status types that several kinds share.
//!
//! The operator keeps its state in the status only. Older and newer versions read it, so fields keep
//! their names and meanings, and values that this version does not know are kept.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tolerant::null_as_default;

/// The job as last observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct JobStatus {
    /// Name of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// Flink's id of the job: 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// State of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<FlinkJobStatus>,
    /// When the job started, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// When the state changed last, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
    /// The snapshot that the next start of the job resumes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_savepoint_path: Option<String>,
    /// Savepoints, where they are not FlinkStateSnapshots.
    #[serde(deserialize_with = "null_as_default")]
    pub savepoint_info: SavepointInfo,
    /// Checkpoints, where they are not FlinkStateSnapshots.
    #[serde(deserialize_with = "null_as_default")]
    pub checkpoint_info: CheckpointInfo,
}

open_enum! {
    /// State of a Flink job, as Flink names it.
    pub enum FlinkJobStatus {
        /// The JobManager initializes the job.
        Initializing = "INITIALIZING",
        /// The job is created, no task runs yet.
        Created = "CREATED",
        /// Tasks run, or are scheduled.
        Running = "RUNNING",
        /// The job has failed and its tasks are cancelled.
        Failing = "FAILING",
        /// The job has failed for good.
        Failed = "FAILED",
        /// The job is being cancelled.
        Cancelling = "CANCELLING",
        /// The job was cancelled.
        Canceled = "CANCELED",
        /// The job has finished.
        Finished = "FINISHED",
        /// The job starts again after a failure.
        Restarting = "RESTARTING",
        /// The job was stopped and may be recovered.
        Suspended = "SUSPENDED",
        /// Unknown: the operator has not found the job yet.
        Reconciling = "RECONCILING",
    }
}

/// Savepoints, where they are not FlinkStateSnapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct SavepointInfo {
    /// The latest savepoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_savepoint: Option<Savepoint>,
    /// Flink's id of the request that is in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_id: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_timestamp: Option<i64>,
    /// Why it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_type: Option<SnapshotTriggerType>,
    /// Its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_type: Option<SavepointFormatType>,
    /// Savepoints that are kept, oldest first.
    #[serde(deserialize_with = "null_as_default")]
    pub savepoint_history: Vec<Savepoint>,
    /// When the latest periodic savepoint was asked for, in milliseconds since 1970; 0: never.
    #[serde(deserialize_with = "null_as_default")]
    pub last_periodic_savepoint_timestamp: i64,
}

/// Checkpoints, where they are not FlinkStateSnapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct CheckpointInfo {
    /// The latest checkpoint that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_checkpoint: Option<Checkpoint>,
    /// Flink's id of the request that is in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_id: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_timestamp: Option<i64>,
    /// Why it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_type: Option<SnapshotTriggerType>,
    /// Its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_type: Option<CheckpointFormatType>,
    /// When the latest periodic checkpoint was asked for, in milliseconds since 1970; 0: never.
    #[serde(deserialize_with = "null_as_default")]
    pub last_periodic_checkpoint_timestamp: i64,
}

/// A savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct Savepoint {
    /// When it was asked for, in milliseconds since 1970.
    #[serde(deserialize_with = "null_as_default")]
    pub time_stamp: i64,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Why it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_type: Option<SnapshotTriggerType>,
    /// Its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_type: Option<SavepointFormatType>,
    /// The `savepointTriggerNonce` that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_nonce: Option<i64>,
}

impl Default for Savepoint {
    fn default() -> Self {
        Self {
            time_stamp: 0,
            location: None,
            trigger_type: Some(SnapshotTriggerType::Unknown),
            format_type: Some(SavepointFormatType::Unknown),
            trigger_nonce: None,
        }
    }
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct Checkpoint {
    /// When it was asked for, in milliseconds since 1970.
    #[serde(deserialize_with = "null_as_default")]
    pub time_stamp: i64,
    /// Why it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_type: Option<SnapshotTriggerType>,
    /// Its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_type: Option<CheckpointFormatType>,
    /// The `checkpointTriggerNonce` that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_nonce: Option<i64>,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            time_stamp: 0,
            trigger_type: Some(SnapshotTriggerType::Unknown),
            format_type: Some(CheckpointFormatType::Unknown),
            trigger_nonce: None,
        }
    }
}

open_enum! {
    /// Why a snapshot was taken.
    pub enum SnapshotTriggerType {
        /// A user asked for it.
        Manual = "MANUAL",
        /// It was due by the schedule.
        Periodic = "PERIODIC",
        /// The job was stopped with it.
        Upgrade = "UPGRADE",
        /// Unknown.
        Unknown = "UNKNOWN",
    }
}

open_enum! {
    /// Format of a savepoint.
    pub enum SavepointFormatType {
        /// Readable by every state backend.
        Canonical = "CANONICAL",
        /// The state backend's own.
        Native = "NATIVE",
        /// Unknown.
        Unknown = "UNKNOWN",
    }
}

open_enum! {
    /// Format of a checkpoint.
    pub enum CheckpointFormatType {
        /// All of the state.
        Full = "FULL",
        /// Changes since the previous checkpoint.
        Incremental = "INCREMENTAL",
        /// Unknown.
        Unknown = "UNKNOWN",
    }
}

/// The spec that was deployed last, and the last stable one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct ReconciliationStatus {
    /// When a spec was recorded last, in milliseconds since 1970.
    #[serde(deserialize_with = "null_as_default")]
    pub reconciliation_timestamp: i64,
    /// The spec that was deployed last or is being deployed, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reconciled_spec: Option<String>,
    /// The last stable spec, as JSON: a rollback returns to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_stable_spec: Option<String>,
    /// State of the recorded spec.
    #[serde(deserialize_with = "null_as_default")]
    pub state: ReconciliationState,
}

open_enum! {
    /// State of the recorded spec.
    #[derive(Default)]
    pub enum ReconciliationState {
        /// It is deployed.
        Deployed = "DEPLOYED",
        /// It is being deployed.
        #[default]
        Upgrading = "UPGRADING",
        /// It failed, and the last stable spec is being deployed.
        RollingBack = "ROLLING_BACK",
        /// It failed, and the last stable spec is deployed.
        RolledBack = "ROLLED_BACK",
    }
}

open_enum! {
    /// Lifecycle state of a resource.
    pub enum LifecycleState {
        /// The operator has not deployed it yet.
        Created = "CREATED",
        /// Its job is suspended.
        Suspended = "SUSPENDED",
        /// A change is being deployed.
        Upgrading = "UPGRADING",
        /// The last change is deployed, but not yet stable.
        Deployed = "DEPLOYED",
        /// The last change is deployed and stable.
        Stable = "STABLE",
        /// The last change failed and is being rolled back.
        RollingBack = "ROLLING_BACK",
        /// The last change failed and was rolled back.
        RolledBack = "ROLLED_BACK",
        /// The job has failed for good.
        Failed = "FAILED",
        /// It is being deleted.
        Deleting = "DELETING",
        /// It is deleted.
        Deleted = "DELETED",
    }
}

/// A condition, as Kubernetes defines them.
///
/// The time is text: other writers use other precisions, and it has to be written back unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// When `status` changed last, as an ISO-8601 instant in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<String>,
    /// Details for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `metadata.generation` that the condition is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Why the condition has its status: one word, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    /// What the condition is about.
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub type_: String,
}
