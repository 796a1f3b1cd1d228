//! Savepoints: taking them, stopping a job with one, and deleting them.

use http::Method;
use serde::Serialize;

use crate::client::{FlinkCluster, SMALL};
use crate::error::{RestError, Subject};
use crate::ids::{JobId, TriggerId};
use crate::operation::{AsyncStatus, StatusAnswer, Triggered};
use crate::throwable::Throwable;

impl FlinkCluster {
    /// Starts a savepoint while the job continues. A repeated call with the same id starts no second one.
    ///
    /// Flink accepts the request even for an unknown job. [`FlinkCluster::savepoint_status`] then reports the failure.
    pub async fn trigger_savepoint(
        &self,
        job: JobId,
        request: &SavepointRequest,
    ) -> Result<TriggerId, RestError> {
        let call =
            self.job_call("start a savepoint of the job", Method::POST, job, &["savepoints"]);
        let body = SavepointBody {
            target_directory: request.target_directory.as_deref(),
            cancel_job: false,
            format: request.format,
            trigger: request.trigger,
        };
        let answer: Triggered = self.fetch(call.json(&body).at_most(SMALL)).await?;
        Ok(answer.request_id)
    }

    /// Starts to stop a job with a savepoint. A repeated call with the same id starts no second savepoint.
    ///
    /// Flink accepts the request even if the job has ended. [`FlinkCluster::savepoint_status`] then reports the failure.
    pub async fn stop_with_savepoint(
        &self,
        job: JobId,
        request: &SavepointRequest,
        end: StopMode,
    ) -> Result<TriggerId, RestError> {
        let call = self.job_call("stop the job with a savepoint", Method::POST, job, &["stop"]);
        let body = StopBody {
            target_directory: request.target_directory.as_deref(),
            drain: end == StopMode::Drain,
            format: request.format,
            trigger: request.trigger,
        };
        let answer: Triggered = self.fetch(call.json(&body).at_most(SMALL)).await?;
        Ok(answer.request_id)
    }

    /// The status of a savepoint or of a stop with one, and the path of the savepoint once it is complete.
    ///
    /// After a stop the JobManager keeps running until this call has read the result, at most for
    /// `rest.async.store-duration`.
    ///
    /// # Errors
    ///
    /// [`RestError::operation_not_found`] if it was never started, or its result has expired.
    pub async fn savepoint_status(
        &self,
        job: JobId,
        trigger: TriggerId,
    ) -> Result<AsyncStatus<String>, RestError> {
        let trigger = trigger.to_string();
        let path = ["savepoints", trigger.as_str()];
        let call = self.job_call("read the status of the savepoint", Method::GET, job, &path);
        let answer: StatusAnswer = self.fetch(call.about(Subject::Operation)).await?;
        Ok(answer.status(|outcome| outcome.location))
    }

    /// Starts to delete a savepoint. Any JobManager that can reach the storage can do it.
    pub async fn dispose_savepoint(&self, path: &str) -> Result<TriggerId, RestError> {
        let call = self.call("dispose of the savepoint", Method::POST, &["savepoint-disposal"]);
        let answer: Triggered =
            self.fetch(call.json(&DisposalBody { path }).at_most(SMALL)).await?;
        Ok(answer.request_id)
    }

    /// The status of the deletion of a savepoint.
    ///
    /// # Errors
    ///
    /// [`RestError::operation_not_found`] if it was never started, or its result has expired.
    pub async fn disposal_status(&self, trigger: TriggerId) -> Result<AsyncStatus<()>, RestError> {
        let trigger = trigger.to_string();
        let path = ["savepoint-disposal", trigger.as_str()];
        let call = self.call("read the status of the disposal", Method::GET, &path);
        let answer: StatusAnswer = self.fetch(call.about(Subject::Operation)).await?;
        // The outcome of a successful deletion is empty.
        Ok(answer.status(|_| Some(())))
    }
}

/// Where and how to take a savepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavepointRequest {
    /// Flink's configured directory (`execution.checkpointing.savepoint-dir`) if missing.
    pub target_directory: Option<String>,
    pub format: SavepointFormat,
    /// The id of the operation, chosen by the caller.
    pub trigger: TriggerId,
}

/// The format of a savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SavepointFormat {
    /// Readable by every state backend.
    Canonical,
    /// The format of the state backend, which is faster.
    Native,
}

/// How a job is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopMode {
    /// It can be started again from the savepoint.
    Suspend,
    /// Windows and timers fire as at the end of the input, so the job should not be resumed.
    Drain,
}

/// The path of a savepoint that was completed before stopping the job failed.
///
/// Flink has it only in the message of the exception (`StopWithSavepointStoppingException`). The savepoint is usable, but
/// transactions that belong to it may not have been committed.
pub fn savepoint_despite_failure(failure: &Throwable) -> Option<String> {
    let causes = failure.causes();
    let stopping =
        causes.iter().find(|cause| cause.simple_class() == "StopWithSavepointStoppingException")?;
    let (_, rest) = stopping.message.split_once("A savepoint has been created at: ")?;
    let (path, _) = rest.split_once(", but the corresponding job ")?;
    (!path.is_empty()).then(|| path.to_owned())
}

#[derive(Serialize)]
struct SavepointBody<'a> {
    #[serde(rename = "target-directory", skip_serializing_if = "Option::is_none")]
    target_directory: Option<&'a str>,
    #[serde(rename = "cancel-job")]
    cancel_job: bool,
    #[serde(rename = "formatType")]
    format: SavepointFormat,
    #[serde(rename = "triggerId")]
    trigger: TriggerId,
}

#[derive(Serialize)]
struct StopBody<'a> {
    #[serde(rename = "targetDirectory", skip_serializing_if = "Option::is_none")]
    target_directory: Option<&'a str>,
    drain: bool,
    #[serde(rename = "formatType")]
    format: SavepointFormat,
    #[serde(rename = "triggerId")]
    trigger: TriggerId,
}

#[derive(Serialize)]
struct DisposalBody<'a> {
    #[serde(rename = "savepoint-path")]
    path: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_savepoint_that_survives_a_failed_stop_is_found_in_the_message() {
        let failed = |stack_trace: &str| Throwable {
            class: "java.util.concurrent.CompletionException".to_owned(),
            stack_trace: stack_trace.to_owned(),
        };
        let message = "A savepoint has been created at: s3://b/sp, 1/savepoint-abcdef-1, but the corresponding job \
            abcdef0123456789abcdef0123456789 failed during stopping. And so on.";
        let class = "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException";
        let wrapped = format!(
            "java.util.concurrent.CompletionException: {class}: {message}\n\tat a.B.c(B.java:1)\n\
             Caused by: {class}: {message}\n\tat a.B.c(B.java:1)\nCaused by: a.B: x\n"
        );
        let path = Some("s3://b/sp, 1/savepoint-abcdef-1".to_owned());
        assert_eq!(savepoint_despite_failure(&failed(&wrapped)), path);
        assert_eq!(savepoint_despite_failure(&failed(&format!("{class}: {message}"))), path);
        assert_eq!(savepoint_despite_failure(&failed(&format!("{class}: something else"))), None);
        assert_eq!(savepoint_despite_failure(&failed(&format!("a.B: {message}"))), None);
    }
}
