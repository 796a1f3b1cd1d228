//! Checkpoints: statistics, configuration, and checkpoints on demand.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::client::{FlinkCluster, SMALL};
use crate::error::{RestError, Subject};
use crate::ids::{JobId, TriggerId};
use crate::operation::{AsyncStatus, StatusAnswer, Triggered};
use crate::wire;

impl FlinkCluster {
    /// Statistics of a job's checkpoints and savepoints. They are all zero for a streaming job without a checkpoint
    /// interval.
    ///
    /// # Errors
    ///
    /// [`RestError::checkpointing_disabled`] if the job cannot take checkpoints, as batch jobs.
    pub async fn checkpoints(&self, job: JobId) -> Result<Checkpoints, RestError> {
        let call =
            self.job_call("read the checkpoints of the job", Method::GET, job, &["checkpoints"]);
        self.fetch(call.about(Subject::Other)).await
    }

    /// The checkpoint configuration of a job.
    ///
    /// # Errors
    ///
    /// [`RestError::checkpointing_disabled`] if the job cannot take checkpoints, as batch jobs.
    pub async fn checkpoint_config(&self, job: JobId) -> Result<CheckpointConfig, RestError> {
        let path = ["checkpoints", "config"];
        let call =
            self.job_call("read the checkpoint configuration of the job", Method::GET, job, &path);
        self.fetch(call.about(Subject::Other).at_most(SMALL)).await
    }

    /// One checkpoint. Flink answers 404 if it is no longer in the history (`web.checkpoints.history`, the last 10 by default).
    pub async fn checkpoint_details(
        &self,
        job: JobId,
        checkpoint: i64,
    ) -> Result<Checkpoint, RestError> {
        let id = checkpoint.to_string();
        let path = ["checkpoints", "details", id.as_str()];
        let call = self.job_call("read the details of the checkpoint", Method::GET, job, &path);
        self.fetch(call.about(Subject::Other)).await
    }

    /// Starts a checkpoint now. A repeated call with the same id starts no second one.
    pub async fn trigger_checkpoint(
        &self,
        job: JobId,
        kind: CheckpointKind,
        trigger: TriggerId,
    ) -> Result<TriggerId, RestError> {
        let call =
            self.job_call("start a checkpoint of the job", Method::POST, job, &["checkpoints"]);
        let body = CheckpointRequest { kind, trigger };
        let answer: Triggered = self.fetch(call.json(&body).at_most(SMALL)).await?;
        Ok(answer.request_id)
    }

    /// The status of a checkpoint on demand, and its id once it is complete.
    ///
    /// # Errors
    ///
    /// [`RestError::operation_not_found`] if it was never started, or its result has expired.
    pub async fn checkpoint_status(
        &self,
        job: JobId,
        trigger: TriggerId,
    ) -> Result<AsyncStatus<i64>, RestError> {
        let trigger = trigger.to_string();
        let path = ["checkpoints", trigger.as_str()];
        let call = self.job_call("read the status of the checkpoint", Method::GET, job, &path);
        let answer: StatusAnswer = self.fetch(call.about(Subject::Operation)).await?;
        Ok(answer.status(|outcome| outcome.checkpoint_id))
    }
}

#[derive(Serialize)]
struct CheckpointRequest {
    #[serde(rename = "checkpointType")]
    kind: CheckpointKind,
    #[serde(rename = "triggerId")]
    trigger: TriggerId,
}

/// Which kind of checkpoint to take on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckpointKind {
    /// Writes all state.
    Full,
    /// Writes all state or the changes, as the job's periodic checkpoints do.
    Configured,
    /// Writes the changes only. Flink up to 2.3 answers 500 (FLINK-33723).
    Incremental,
}

/// Statistics of a job's checkpoints and savepoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checkpoints {
    /// Number of checkpoints by outcome.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub counts: CheckpointCounts,
    /// The latest checkpoint of each kind.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub latest: LatestCheckpoints,
    /// The last ones, newest first.
    #[serde(default, deserialize_with = "wire::list::<_, _, 10_000>")]
    pub history: Vec<Checkpoint>,
}

/// Number of checkpoints since the job started under this JobManager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct CheckpointCounts {
    /// How often the job was restored.
    #[serde(default)]
    pub restored: i64,
    /// All checkpoints that were started.
    #[serde(default)]
    pub total: i64,
    /// Checkpoints in progress.
    #[serde(default)]
    pub in_progress: i64,
    /// Completed checkpoints.
    #[serde(default)]
    pub completed: i64,
    /// Failed checkpoints.
    #[serde(default)]
    pub failed: i64,
}

/// The latest checkpoint of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct LatestCheckpoints {
    /// The latest completed checkpoint that is not a savepoint.
    #[serde(default)]
    pub completed: Option<Checkpoint>,
    /// The latest completed savepoint.
    #[serde(default)]
    pub savepoint: Option<Checkpoint>,
    /// The latest failed checkpoint.
    #[serde(default)]
    pub failed: Option<Checkpoint>,
    /// The checkpoint that the job was last restored from.
    #[serde(default)]
    pub restored: Option<RestoredCheckpoint>,
}

impl LatestCheckpoints {
    /// The newest checkpoint that a job could be restored from: the one of restored, completed and savepoint with the
    /// highest id. Those without a path do not count.
    pub fn newest(&self) -> Option<(i64, &ExternalPath)> {
        let of = |checkpoint: &'_ Checkpoint| checkpoint.id;
        let restored = self.restored.as_ref().and_then(|c| Some((c.id, c.external_path.as_ref()?)));
        let completed =
            self.completed.as_ref().and_then(|c| Some((of(c), c.external_path.as_ref()?)));
        let savepoint =
            self.savepoint.as_ref().and_then(|c| Some((of(c), c.external_path.as_ref()?)));
        // Of equal ids `max_by_key` returns the last: completed before restored before savepoint.
        [savepoint, restored, completed].into_iter().flatten().max_by_key(|(id, _)| *id)
    }
}

/// One checkpoint or savepoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checkpoint {
    /// A number per job that grows by one with each checkpoint and savepoint.
    pub id: i64,
    /// Its status.
    pub status: CheckpointStatus,
    /// Whether it is a savepoint.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub is_savepoint: bool,
    /// Milliseconds since 1970.
    #[serde(default, rename = "trigger_timestamp", deserialize_with = "wire::unless_negative")]
    pub trigger_timestamp_ms: Option<i64>,
    /// When the last task acknowledged it, in milliseconds since 1970.
    #[serde(default, rename = "latest_ack_timestamp", deserialize_with = "wire::unless_negative")]
    pub latest_ack_timestamp_ms: Option<i64>,
    /// From the trigger to the last acknowledgement.
    #[serde(default, rename = "end_to_end_duration", deserialize_with = "wire::unless_negative")]
    pub duration_ms: Option<i64>,
    /// Size of its state, including files that it shares with earlier checkpoints.
    #[serde(default, rename = "state_size", deserialize_with = "wire::unless_negative")]
    pub state_size_bytes: Option<i64>,
    /// Number of bytes that were written for it.
    #[serde(default, rename = "checkpointed_size", deserialize_with = "wire::unless_negative")]
    pub checkpointed_size_bytes: Option<i64>,
    /// Where it is stored, once it is complete.
    #[serde(default)]
    pub external_path: Option<ExternalPath>,
    /// Whether it has been deleted since.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub discarded: bool,
    /// Why it failed.
    #[serde(default)]
    pub failure_message: Option<String>,
}

/// The checkpoint that a job was restored from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RestoredCheckpoint {
    /// The id of the checkpoint.
    pub id: i64,
    /// Milliseconds since 1970.
    #[serde(default, rename = "restore_timestamp", deserialize_with = "wire::unless_negative")]
    pub restore_timestamp_ms: Option<i64>,
    /// Whether it was a savepoint.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub is_savepoint: bool,
    /// Where it is stored.
    #[serde(default)]
    pub external_path: Option<ExternalPath>,
}

/// The status of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckpointStatus {
    InProgress,
    Completed,
    Failed,
    /// A status that a newer Flink added. It does not count as completed.
    #[serde(other)]
    Unrecognised,
}

/// Where a checkpoint is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub enum ExternalPath {
    /// A path that a job can start from.
    At(String),
    /// In the memory of the JobManager only.
    NotAddressable,
}

impl ExternalPath {
    /// The path, if a job can start from it.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::At(path) => Some(path),
            Self::NotAddressable => None,
        }
    }
}

impl From<String> for ExternalPath {
    fn from(pointer: String) -> Self {
        if pointer == "<checkpoint-not-externally-addressable>" {
            Self::NotAddressable
        } else {
            Self::At(pointer)
        }
    }
}

/// The checkpoint configuration of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckpointConfig {
    /// `exactly_once` or `at_least_once`.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub mode: String,
    /// Missing if the job takes no periodic checkpoints.
    #[serde(default, rename = "interval", deserialize_with = "wire::unless_forever")]
    pub interval_ms: Option<i64>,
    /// When a checkpoint is aborted.
    #[serde(default, rename = "timeout")]
    pub timeout_ms: Option<i64>,
    /// The shortest time between two checkpoints.
    #[serde(default, rename = "min_pause")]
    pub min_pause_ms: Option<i64>,
    /// How many checkpoints may be in progress at once.
    #[serde(default)]
    pub max_concurrent: Option<i64>,
    /// Whether checkpoints outlive their job.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub externalization: Externalization,
    /// Simple name of its class, e.g. `HashMapStateBackend`.
    #[serde(default)]
    pub state_backend: Option<String>,
    /// Simple name of its class, e.g. `FileSystemCheckpointStorage`.
    #[serde(default)]
    pub checkpoint_storage: Option<String>,
    /// Whether checkpoints contain in-flight data.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub unaligned_checkpoints: bool,
}

/// Whether checkpoints outlive their job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Externalization {
    /// Whether checkpoints are kept when the job ends.
    #[serde(default)]
    pub enabled: bool,
    /// Whether cancelling the job deletes them.
    #[serde(default)]
    pub delete_on_cancellation: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_checkpoint_is_that_of_the_highest_id_with_a_path() {
        let check = |latest: &str, expected: Option<(i64, Option<&str>)>| {
            let latest: LatestCheckpoints = serde_json::from_str(latest).unwrap();
            assert_eq!(latest.newest().map(|(id, path)| (id, path.path())), expected);
        };
        let one = |id: i64, path: &str| {
            format!(r#"{{"id":{id},"status":"COMPLETED","external_path":{path}}}"#)
        };
        check("{}", None);
        check(r#"{"completed":null,"savepoint":null,"failed":null,"restored":null}"#, None);
        check(&format!(r#"{{"failed":{}}}"#, one(9, "\"f\"")), None);
        check(
            &format!(r#"{{"completed":{},"savepoint":{}}}"#, one(4, "\"c\""), one(5, "\"s\"")),
            Some((5, Some("s"))),
        );
        check(
            &format!(r#"{{"completed":{},"savepoint":{}}}"#, one(5, "\"c\""), one(5, "\"s\"")),
            Some((5, Some("c"))),
        );
        check(
            &format!(
                r#"{{"completed":{},"restored":{{"id":3,"external_path":"r"}}}}"#,
                one(7, "null")
            ),
            Some((3, Some("r"))),
        );
        check(
            r#"{"restored":{"id":27,"external_path":"<checkpoint-not-externally-addressable>"}}"#,
            Some((27, None)),
        );
    }

    #[test]
    fn an_interval_of_for_ever_is_none() {
        let config: CheckpointConfig =
            serde_json::from_str(r#"{"interval":9223372036854775807,"timeout":600000}"#).unwrap();
        assert_eq!((config.interval_ms, config.timeout_ms), (None, Some(600_000)));
    }
}
