//! FlinkStateSnapshot: one savepoint or checkpoint of a job.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    status::{Condition, SavepointFormatType},
    tolerant::null_as_default,
};

kind! {
    /// A savepoint or checkpoint: one to be taken, or a savepoint that exists already.
    pub struct FlinkStateSnapshot {
        spec: FlinkStateSnapshotSpec,
        status: FlinkStateSnapshotStatus,
        plural: "flinkstatesnapshots",
        singular: "flinkstatesnapshot",
        short_name: "flinksnp",
        columns: [("Path", ".status.path"), ("Result Timestamp", ".status.resultTimestamp"), ("Snapshot State", ".status.state")],
        scale: false,
    }
}

/// The desired snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkStateSnapshotSpec {
    /// The resource with the job. Required, unless the savepoint exists already.
    pub job_reference: Option<JobReference>,
    /// Take a savepoint. Exactly one of `savepoint` and `checkpoint` must be set.
    pub savepoint: Option<SavepointSpec>,
    /// Take a checkpoint: `{}`. Exactly one of `savepoint` and `checkpoint` must be set.
    pub checkpoint: Option<CheckpointSpec>,
    /// How often to try again before the snapshot counts as failed: -1 (default) for ever, 0 not
    /// at all.
    #[serde(deserialize_with = "null_as_default")]
    pub backoff_limit: i32,
}

impl FlinkStateSnapshotSpec {
    /// `backoffLimit` of a snapshot that does not set it: no limit.
    pub const BACKOFF_LIMIT_DEFAULT: i32 = -1;
}

impl Default for FlinkStateSnapshotSpec {
    fn default() -> Self {
        Self {
            job_reference: None,
            savepoint: None,
            checkpoint: None,
            backoff_limit: Self::BACKOFF_LIMIT_DEFAULT,
        }
    }
}

/// The resource with the job, in the namespace of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct JobReference {
    /// Kind of the resource: `FlinkDeployment` (with a job) or `FlinkSessionJob`.
    pub kind: Option<JobKind>,
    /// Name of the resource.
    pub name: Option<String>,
}

open_enum! {
    /// Kind of a resource that has a job.
    pub enum JobKind {
        /// An application cluster.
        FlinkDeployment = "FlinkDeployment",
        /// A job on a session cluster.
        FlinkSessionJob = "FlinkSessionJob",
    }
}

/// A savepoint to take, or one that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct SavepointSpec {
    /// Directory to write the savepoint under; unset: the job's savepoint directory. With
    /// `alreadyExists`: the savepoint itself.
    pub path: Option<String>,
    /// Format of the savepoint: `CANONICAL` (default), readable by every state backend, or
    /// `NATIVE`, the state backend's own, which is faster.
    pub format_type: Option<SavepointFormatType>,
    /// Whether the savepoint's files are deleted with this resource. Default: true.
    pub dispose_on_delete: Option<bool>,
    /// The savepoint exists at `path`, so none is taken. Default: false.
    pub already_exists: Option<bool>,
}

impl Default for SavepointSpec {
    fn default() -> Self {
        Self {
            path: None,
            format_type: Some(SavepointFormatType::Canonical),
            dispose_on_delete: Some(true),
            already_exists: Some(false),
        }
    }
}

/// A checkpoint to take. It has no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct CheckpointSpec {}

/// Status of the snapshot, written by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkStateSnapshotStatus {
    /// State of the snapshot.
    #[serde(deserialize_with = "null_as_default")]
    pub state: SnapshotState,
    /// Flink's id of the request, while it is in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_id: Option<String>,
    /// When the snapshot was asked for, as an ISO-8601 instant in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_timestamp: Option<String>,
    /// When the snapshot was completed or failed, as an ISO-8601 instant in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_timestamp: Option<String>,
    /// Where the completed snapshot is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Number of tries that failed.
    #[serde(deserialize_with = "null_as_default")]
    pub failures: i32,
    /// Conditions, by type.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, kept as they are.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// State of a snapshot.
    #[derive(Default)]
    pub enum SnapshotState {
        /// Not asked for yet, or to be tried again.
        #[default]
        TriggerPending = "TRIGGER_PENDING",
        /// Flink works on it.
        InProgress = "IN_PROGRESS",
        /// It exists.
        Completed = "COMPLETED",
        /// It failed and is not tried again.
        Failed = "FAILED",
        /// Its job ended before it was complete.
        Abandoned = "ABANDONED",
    }
}
