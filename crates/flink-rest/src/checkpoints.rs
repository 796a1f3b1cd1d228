//! Checkpoints: statistics, configuration, and checkpoints on demand.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::client::{FlinkCluster, SMALL};
use crate::error::{RestError, Subject};
use crate::ids::{JobId, TriggerId};
use crate::operation::{AsyncStatus, StatusAnswer, Triggered};
use crate::wire;

impl FlinkCluster {
    /// Statistics of a job's checkpoints and savepoints. A streaming job without a checkpoint interval has them as well,
    /// all zero.
    ///
    /// # Errors
    ///
    /// [`RestError::checkpointing_disabled`] tells a job that takes none at all.
    pub async fn checkpoints(&self, job: JobId) -> Result<Checkpoints, RestError> {
        let call =
            self.job_call("read the checkpoints of the job", Method::GET, job, &["checkpoints"]);
        self.fetch(call.about(Subject::Other)).await
    }

    /// How a job takes checkpoints.
    ///
    /// # Errors
    ///
    /// [`RestError::checkpointing_disabled`] tells a job that takes none at all.
    pub async fn checkpoint_config(&self, job: JobId) -> Result<CheckpointConfig, RestError> {
        let path = ["checkpoints", "config"];
        let call =
            self.job_call("read the checkpoint configuration of the job", Method::GET, job, &path);
        self.fetch(call.about(Subject::Other).at_most(SMALL)).await
    }

    /// One checkpoint, as long as it is in Flink's history (`web.checkpoints.history`, the last 10 by default).
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

    /// Starts a checkpoint now. Repeating the call under the same id starts no second one.
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

    /// How far a checkpoint on demand is; when it is complete, its id.
    ///
    /// # Errors
    ///
    /// [`RestError::operation_not_found`] tells an operation that was never started, or has been forgotten.
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
    /// All state is written anew.
    Full,
    /// As the job does by itself.
    Configured,
    /// Only what changed. All versions of Flink so far refuse it with 500 (FLINK-33723).
    Incremental,
}

/// Statistics of a job's checkpoints and savepoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checkpoints {
    /// How many there were.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub counts: CheckpointCounts,
    /// The latest of each sort.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub latest: LatestCheckpoints,
    /// The last ones, newest first.
    #[serde(default, deserialize_with = "wire::list::<_, _, 10_000>")]
    pub history: Vec<Checkpoint>,
}

/// How many checkpoints there were since the job started under this JobManager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct CheckpointCounts {
    /// How often the job went back to one.
    #[serde(default)]
    pub restored: i64,
    /// All that were started.
    #[serde(default)]
    pub total: i64,
    /// Those that go on.
    #[serde(default)]
    pub in_progress: i64,
    /// Those that can be restored from.
    #[serde(default)]
    pub completed: i64,
    /// Those that came to nothing.
    #[serde(default)]
    pub failed: i64,
}

/// The latest of each sort.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct LatestCheckpoints {
    /// Not counting savepoints.
    #[serde(default)]
    pub completed: Option<Checkpoint>,
    /// The latest savepoint that was completed.
    #[serde(default)]
    pub savepoint: Option<Checkpoint>,
    /// The latest that came to nothing.
    #[serde(default)]
    pub failed: Option<Checkpoint>,
    /// What the job last started from.
    #[serde(default)]
    pub restored: Option<RestoredCheckpoint>,
}

impl LatestCheckpoints {
    /// The newest of those that a job could start from, by id: restored, completed, savepoint. Those without a path do
    /// not count.
    pub fn newest(&self) -> Option<(i64, &ExternalPath)> {
        let of = |checkpoint: &'_ Checkpoint| checkpoint.id;
        let restored = self.restored.as_ref().and_then(|c| Some((c.id, c.external_path.as_ref()?)));
        let completed =
            self.completed.as_ref().and_then(|c| Some((of(c), c.external_path.as_ref()?)));
        let savepoint =
            self.savepoint.as_ref().and_then(|c| Some((of(c), c.external_path.as_ref()?)));
        // The last of equal ones wins, and a savepoint wins over a checkpoint only if its id is larger.
        [savepoint, restored, completed].into_iter().flatten().max_by_key(|(id, _)| *id)
    }
}

/// One checkpoint or savepoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checkpoint {
    /// Counts up per job, savepoints included.
    pub id: i64,
    /// How far it got.
    pub status: CheckpointStatus,
    /// Whether it belongs to the user.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub is_savepoint: bool,
    /// Milliseconds since 1970.
    #[serde(default, rename = "trigger_timestamp", deserialize_with = "wire::unless_negative")]
    pub trigger_timestamp_ms: Option<i64>,
    /// When the last task confirmed, in milliseconds since 1970.
    #[serde(default, rename = "latest_ack_timestamp", deserialize_with = "wire::unless_negative")]
    pub latest_ack_timestamp_ms: Option<i64>,
    /// From its start to the last confirmation.
    #[serde(default, rename = "end_to_end_duration", deserialize_with = "wire::unless_negative")]
    pub duration_ms: Option<i64>,
    /// The state that it holds, with what it shares with earlier ones.
    #[serde(default, rename = "state_size", deserialize_with = "wire::unless_negative")]
    pub state_size_bytes: Option<i64>,
    /// What was written for it.
    #[serde(default, rename = "checkpointed_size", deserialize_with = "wire::unless_negative")]
    pub checkpointed_size_bytes: Option<i64>,
    /// Where it is, once it is complete.
    #[serde(default)]
    pub external_path: Option<ExternalPath>,
    /// Whether it has been deleted since.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub discarded: bool,
    /// Why it failed.
    #[serde(default)]
    pub failure_message: Option<String>,
}

/// What a job started from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RestoredCheckpoint {
    /// That of the checkpoint.
    pub id: i64,
    /// Milliseconds since 1970.
    #[serde(default, rename = "restore_timestamp", deserialize_with = "wire::unless_negative")]
    pub restore_timestamp_ms: Option<i64>,
    /// Whether it was a savepoint.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub is_savepoint: bool,
    /// Where it was read from.
    #[serde(default)]
    pub external_path: Option<ExternalPath>,
}

/// How far a checkpoint got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckpointStatus {
    InProgress,
    Completed,
    Failed,
    /// A state that a newer Flink added. Never taken for complete.
    #[serde(other)]
    Unrecognised,
}

/// Where a checkpoint is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub enum ExternalPath {
    /// A path that a job can start from.
    At(String),
    /// It lives in the JobManager's memory, and goes with it.
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

/// How a job takes checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckpointConfig {
    /// `exactly_once` or `at_least_once`.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub mode: String,
    /// Missing if the job takes none by itself.
    #[serde(default, rename = "interval", deserialize_with = "wire::unless_forever")]
    pub interval_ms: Option<i64>,
    /// After this a checkpoint is given up.
    #[serde(default, rename = "timeout")]
    pub timeout_ms: Option<i64>,
    /// The shortest time between two checkpoints.
    #[serde(default, rename = "min_pause")]
    pub min_pause_ms: Option<i64>,
    /// How many may go on at once.
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
    /// Whether they contain data in flight.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub unaligned_checkpoints: bool,
}

/// Whether checkpoints outlive their job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Externalization {
    /// Whether they are kept at all when the job ends.
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
