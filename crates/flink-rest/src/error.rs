//! Errors of a call, and methods that classify them.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;

use crate::throwable::{self, Cause};
use crate::transport::{TlsProblem, TransportError};
use crate::wire;

/// The longest error text of an answer that is kept. Flink's are 5 to 15 KiB each.
const TEXT_MAX: usize = 64 * 1024;
/// The longest single error that is kept in one line, in characters.
const LINE_MAX: usize = 500;

/// A call that did not succeed.
///
/// No variant means that something does not exist. Only [`RestError::job_not_found`] and
/// [`RestError::operation_not_found`] say so, and only if Flink itself reported it.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The connection could not be made, so the request was not sent.
    #[error("{site}: no connection to the JobManager")]
    Unreachable { site: Box<CallSite>, source: TransportError },
    /// The connection was lost after the request was sent completely or in part.
    #[error("{site}: the connection was lost before the answer was complete")]
    Interrupted { site: Box<CallSite>, source: TransportError },
    /// Connecting, waiting and reading took longer than the deadline of the call.
    #[error("{site}: no complete answer within {after:?}")]
    TimedOut { site: Box<CallSite>, after: Duration },
    /// The answer is longer than this call accepts.
    #[error("{site}: the answer is longer than the limit of {limit} bytes")]
    TooLarge { site: Box<CallSite>, limit: usize },
    /// The answer has a status other than success.
    #[error("{site}: the answer is {answer}")]
    Http { site: Box<CallSite>, answer: Box<HttpAnswer> },
    /// The status is a success, but the body is not what Flink sends.
    #[error("{site}: the answer cannot be read: {what}")]
    Malformed { site: Box<CallSite>, what: String },
    /// The request could not be built, so it was not sent.
    #[error("{site}: the request cannot be formed: {what}")]
    Invalid { site: Box<CallSite>, what: String },
}

impl RestError {
    /// Which call failed.
    pub fn site(&self) -> &CallSite {
        match self {
            Self::Unreachable { site, .. }
            | Self::Interrupted { site, .. }
            | Self::TimedOut { site, .. }
            | Self::TooLarge { site, .. }
            | Self::Http { site, .. }
            | Self::Malformed { site, .. }
            | Self::Invalid { site, .. } => site,
        }
    }

    /// The answer, if there was one and its status was not success.
    pub fn answer(&self) -> Option<&HttpAnswer> {
        match self {
            Self::Http { answer, .. } => Some(answer),
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Invalid { .. } => None,
        }
    }

    /// Why there is no TLS connection to the JobManager. It does not go away by itself.
    pub fn tls_problem(&self) -> Option<&TlsProblem> {
        let Self::Unreachable { source: TransportError::Tls { problem }, .. } = self else {
            return None;
        };
        Some(problem)
    }

    /// Whether the answer is 404, for whatever reason: no such job, operation, checkpoint, or no such endpoint.
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
    }

    /// Whether a timeout ended the call: the deadline of the call, the timeout for connecting, or a timeout that the
    /// JobManager or a proxy reports (408, 504).
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Unreachable { source, .. } => source.is_timeout(),
            Self::Http { answer, .. } => {
                matches!(answer.status, StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT)
            }
            Self::Interrupted { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// Whether no JobManager handled the call: nothing listens, the JobManager is not the leader yet (503), or a proxy
    /// cannot reach it (502, 503, 504). This says nothing about jobs.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Http { answer, .. } => matches!(
                answer.status,
                StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// Whether Flink may have carried out the request although the call failed. The caller then has to check its effect.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Invalid { .. } => false,
            Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. } => true,
            Self::Http { answer, .. } => {
                // Flink answers 503 without a leader, before it handles the request.
                answer.status == StatusCode::REQUEST_TIMEOUT
                    || (answer.status.is_server_error()
                        && answer.status != StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    /// Whether Flink itself says that it has no such job.
    ///
    /// A 404 that does not come from Flink (a proxy's page), or that is about an operation, a checkpoint or an unknown
    /// endpoint, does not count.
    pub fn job_not_found(&self) -> bool {
        let Self::Http { site, answer } = self else { return false };
        answer.mentions("FlinkJobNotFoundException")
            || (answer.status == StatusCode::NOT_FOUND
                && site.subject == Subject::Job
                && answer.is_of_flink()
                && !answer.is_unknown_endpoint())
    }

    /// Whether Flink knows no asynchronous operation of this id. Either it was never started, or its result has expired
    /// (`rest.async.store-duration`, 5 min by default), or the JobManager has restarted since.
    pub fn operation_not_found(&self) -> bool {
        let Self::Http { site, answer } = self else { return false };
        answer.status == StatusCode::NOT_FOUND
            && site.subject == Subject::Operation
            && answer.is_of_flink()
            && !answer.is_unknown_endpoint()
            && !answer.mentions("FlinkJobNotFoundException")
    }

    /// Whether a job could not be cancelled because it has ended by itself.
    pub fn already_terminal(&self) -> bool {
        let Self::Http { answer, .. } = self else { return false };
        answer.status == StatusCode::CONFLICT
            || answer.mentions("FlinkJobTerminatedWithoutCancellationException")
            || answer.text.to_ascii_lowercase().contains("already reached another terminal state")
    }

    /// Whether the job takes no checkpoints at all, as batch jobs do.
    pub fn checkpointing_disabled(&self) -> bool {
        self.mentions("Checkpointing has not been enabled")
    }

    /// Whether a job of this id was submitted before. Flink 2.3 names the application instead of the job.
    pub fn already_submitted(&self) -> bool {
        self.mentions("DuplicateJobSubmissionException")
            || self.mentions("DuplicateApplicationSubmissionException")
    }

    /// Whether the scheduler of the job cannot do what was asked, e.g. the default one cannot rescale in place.
    pub fn not_supported(&self) -> bool {
        self.mentions("UnsupportedOperationException")
    }

    /// Whether the cluster has no such endpoint, e.g. `/jars` of an application cluster.
    pub fn unknown_endpoint(&self) -> bool {
        self.answer().is_some_and(|answer| {
            answer.status == StatusCode::NOT_FOUND && answer.is_unknown_endpoint()
        })
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.answer().is_some_and(|answer| answer.status == status)
    }

    fn mentions(&self, word: &str) -> bool {
        self.answer().is_some_and(|answer| answer.mentions(word))
    }
}

/// Identifies a call in messages: its purpose, its cluster, its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// What the call was for, e.g. `cancel the job`.
    pub doing: &'static str,
    /// The base URL of the cluster.
    pub cluster: String,
    /// The method of the request.
    pub method: Method,
    /// Path and query, shortened.
    pub path: String,
    pub(crate) subject: Subject,
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, cluster, method, path, .. } = self;
        write!(f, "failed to {doing} ({method} {cluster}{path})")
    }
}

/// What is missing if a call is answered with 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The job that the path names.
    Job,
    /// The asynchronous operation that the path names.
    Operation,
    Other,
}

/// An answer whose status is not success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status of the answer.
    pub status: StatusCode,
    /// The first line of each error that Flink names, shortened; empty if the body is not Flink's.
    pub errors: Vec<String>,
    /// The first 64 KiB of the body: Flink's errors with their stack traces, or any other body as text.
    pub text: String,
    causes: Vec<Cause>,
}

impl HttpAnswer {
    pub(crate) fn read(status: StatusCode, location: Option<&str>, body: &[u8]) -> Self {
        let listed =
            serde_json::from_slice::<ErrorBody>(body).map(|body| body.errors).unwrap_or_default();
        let listed: Vec<&str> = listed.iter().map(|error| without_frame_marks(error)).collect();
        let errors = listed
            .iter()
            .filter_map(|error| error.lines().find(|line| !line.trim().is_empty()))
            .map(|line| shorten(line, LINE_MAX))
            .collect();
        // Flink puts this sentence before the exception itself.
        let telling =
            listed.iter().filter(|error| listed.len() == 1 || **error != "Internal server error.");
        let causes = telling.flat_map(|error| throwable::causes(error)).collect();
        let mut text = if listed.is_empty() {
            String::from_utf8_lossy(body.get(..TEXT_MAX).unwrap_or(body)).into_owned()
        } else {
            listed.join("\n")
        };
        if let Some(location) = location {
            text = format!("redirect to {}; {text}", shorten(location, LINE_MAX));
        }
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        Self { status, errors, text, causes }
    }

    /// The exceptions in the answer from the outermost to the root; empty if the body is not Flink's.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// The message of the answer, in one line of at most 500 characters.
    pub fn summary(&self) -> String {
        if self.causes.is_empty() {
            shorten(self.text.trim(), 200)
        } else {
            throwable::summary(&self.causes)
        }
    }

    /// Whether the body has the form in which Flink reports errors.
    pub fn is_of_flink(&self) -> bool {
        !self.errors.is_empty()
    }

    fn is_unknown_endpoint(&self) -> bool {
        // Paths of no endpoint are answered by the handler of static files.
        self.mentions("Unable to load requested file")
    }

    fn mentions(&self, word: &str) -> bool {
        self.text.contains(word)
    }
}

impl fmt::Display for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = self.summary();
        if summary.is_empty() {
            write!(f, "{}", self.status)
        } else {
            write!(f, "{}: {summary}", self.status)
        }
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(deserialize_with = "wire::list::<_, _, 100>")]
    errors: Vec<String>,
}

/// Removes the markers that Flink puts around an exception of the server side.
fn without_frame_marks(error: &str) -> &str {
    let error = error.trim();
    let error = error.strip_prefix("<Exception on server side:").unwrap_or(error);
    error.strip_suffix("End of exception on server side>").unwrap_or(error).trim()
}

/// Cuts a text to `limit` characters and marks the cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Makes one line of at most `limit` characters, without control characters, out of an untrusted text.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    // Four times the limit in bytes holds the limit in characters.
    let head = text
        .get(..text.floor_char_boundary(limit.saturating_mul(4).saturating_add(4)))
        .unwrap_or(text);
    let line: String = head.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&line, limit)
}

#[cfg(test)]
mod tests;
