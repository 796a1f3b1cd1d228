//! The latest exceptions of a job.

use flink_operator_core::observed::{JobException, Seen};
use jiff::Timestamp;

use super::{FlinkApi, described};

/// Longer than the part of a stack trace that an event shows.
const STACK_TRACE_BYTES: usize = 8 * 1024;

impl FlinkApi {
    /// The latest exceptions of the job, newest first, at most `limit` of them.
    pub async fn observe_exceptions(&self, job_id: &str, limit: u32) -> Seen<Vec<JobException>> {
        let (api, id) = match self.api_and_job(job_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        match api.exceptions(id, limit).await {
            Ok(history) => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Seen::Present(history.entries.into_iter().take(limit).filter_map(seen).collect())
            }
            Err(error) => Seen::unknown(described(&error)),
        }
    }
}

fn seen(exception: flink_rest::jobs::JobException) -> Option<JobException> {
    let mut stack_trace = exception.stack_trace;
    stack_trace.truncate(stack_trace.floor_char_boundary(STACK_TRACE_BYTES));
    Some(JobException {
        at: Timestamp::from_millisecond(exception.timestamp).ok()?,
        class: exception.class,
        stack_trace,
        task: exception.task_name,
        endpoint: exception.endpoint,
        task_manager: exception.task_manager_id,
        labels: exception.failure_labels,
    })
}
