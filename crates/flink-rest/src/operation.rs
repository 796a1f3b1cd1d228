//! Asynchronous operations of Flink: one call starts an operation, others read its status.

use serde::Deserialize;

use crate::ids::TriggerId;
use crate::throwable::Throwable;

/// The status of an asynchronous operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsyncStatus<T> {
    /// Not finished yet; ask again.
    InProgress,
    /// Finished with this result.
    Completed(T),
    /// Failed.
    Failed(Throwable),
}

impl<T> AsyncStatus<T> {
    /// Changes the result of a completed operation.
    pub fn map<R>(self, change: impl FnOnce(T) -> R) -> AsyncStatus<R> {
        match self {
            Self::InProgress => AsyncStatus::InProgress,
            Self::Completed(result) => AsyncStatus::Completed(change(result)),
            Self::Failed(failure) => AsyncStatus::Failed(failure),
        }
    }
}

/// The answer to a request that starts an operation.
#[derive(Deserialize)]
pub(crate) struct Triggered {
    #[serde(rename = "request-id")]
    pub(crate) request_id: TriggerId,
}

/// The answer to a request for the status of an operation.
#[derive(Deserialize)]
pub(crate) struct StatusAnswer {
    status: Queue,
    operation: Option<Outcome>,
}

/// The state of an operation in Flink's queue. Execution results have it too.
#[derive(Deserialize)]
pub(crate) struct Queue {
    pub(crate) id: QueueState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum QueueState {
    InProgress,
    Completed,
    /// A state that a newer Flink added. It does not count as finished.
    #[serde(other)]
    Unrecognised,
}

/// The outcome of an operation. Each kind of operation fills its own field.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    #[serde(rename = "failure-cause")]
    failure_cause: Option<Throwable>,
    /// Savepoints and stops.
    pub(crate) location: Option<String>,
    /// Checkpoints.
    #[serde(rename = "checkpointId")]
    pub(crate) checkpoint_id: Option<i64>,
}

impl StatusAnswer {
    /// The failure if there is one, else what `read` finds in the outcome. `None` from `read` means "in progress".
    pub(crate) fn status<T>(self, read: impl FnOnce(Outcome) -> Option<T>) -> AsyncStatus<T> {
        match (self.status.id, self.operation) {
            (QueueState::Completed, Some(mut outcome)) => match outcome.failure_cause.take() {
                Some(failure) => AsyncStatus::Failed(failure),
                None => read(outcome).map_or(AsyncStatus::InProgress, AsyncStatus::Completed),
            },
            (QueueState::Completed, None)
            | (QueueState::InProgress | QueueState::Unrecognised, _) => AsyncStatus::InProgress,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_without_an_outcome_is_not_finished() {
        let check = |json: &str, expected: &str| {
            let answer: StatusAnswer = serde_json::from_str(json).unwrap();
            let status = match answer.status(|outcome| outcome.location) {
                AsyncStatus::InProgress => "pending".to_owned(),
                AsyncStatus::Completed(location) => location,
                AsyncStatus::Failed(failure) => format!("failed: {}", failure.class),
            };
            assert_eq!(status, expected, "{json}");
        };
        check(r#"{"status":{"id":"IN_PROGRESS"},"operation":null}"#, "pending");
        check(r#"{"status":{"id":"IN_PROGRESS"}}"#, "pending");
        check(r#"{"status":{"id":"COMPLETED"}}"#, "pending");
        check(r#"{"status":{"id":"COMPLETED"},"operation":{}}"#, "pending");
        check(r#"{"status":{"id":"COMPLETED"},"operation":{"location":null}}"#, "pending");
        check(r#"{"status":{"id":"PAUSED"},"operation":{"location":"s3://b/sp"}}"#, "pending");
        check(r#"{"status":{"id":"COMPLETED"},"operation":{"location":"s3://b/sp"}}"#, "s3://b/sp");
        check(
            r#"{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"a.B"}}}"#,
            "failed: a.B",
        );
    }
}
