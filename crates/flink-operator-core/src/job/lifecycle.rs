//! What the status says of a job: its id, its name, when it was started, its state, and since when it has been in it.
//!
//! Only this file writes these fields, so that `jobStatus.updateTime` is always the time of `jobStatus.state`.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobStatus};
use jiff::Timestamp;

use crate::names::JobId;

/// The job is in this state now. The time changes with the state only.
pub(crate) fn enter_state(job: &mut JobStatus, state: FlinkJobStatus, now: Timestamp) {
    if job.state.as_ref() != Some(&state) {
        set(job, state, now);
    }
}

/// A job is deployed now. Its state is not known yet, and the time of an earlier job's state does not count.
pub(crate) fn enter_deployment(job: &mut JobStatus, now: Timestamp) {
    set(job, FlinkJobStatus::Reconciling, now);
}

/// There is no such job.
pub(crate) fn forget_state(job: &mut JobStatus) {
    if job.state.take().is_some() {
        job.update_time = None;
    }
}

fn set(job: &mut JobStatus, state: FlinkJobStatus, now: Timestamp) {
    job.state = Some(state);
    job.update_time = Some(now.as_millisecond().to_string());
}

/// Since when the job has been in its state; `None` if the status does not say.
pub(crate) fn since(job: &JobStatus) -> Option<Timestamp> {
    Timestamp::from_millisecond(job.update_time.as_ref()?.parse().ok()?).ok()
}

/// How long the job has been in its state; `None` if the status does not say.
pub(crate) fn age(job: &JobStatus, now: Timestamp) -> Option<Duration> {
    Some(Duration::try_from(now.duration_since(since(job)?)).unwrap_or_default())
}

/// The id of the job; `None` if the status has none.
pub(crate) fn id(job: &JobStatus) -> Option<JobId> {
    job.job_id.as_ref()?.parse().ok()
}

/// The job is about to be started under this id.
pub(crate) fn set_id(job: &mut JobStatus, id: JobId) {
    job.job_id = Some(id.to_string());
}

pub(crate) fn set_name(job: &mut JobStatus, name: &str) {
    if job.job_name.as_deref() != Some(name) {
        job.job_name = Some(name.to_owned());
    }
}

pub(crate) fn set_start(job: &mut JobStatus, start_time_ms: i64) {
    job.start_time = Some(start_time_ms.to_string());
}

/// When the job was started, in milliseconds since 1970; `None` if the status does not say.
pub(crate) fn started_ms(job: &JobStatus) -> Option<i64> {
    job.start_time.as_ref()?.parse().ok()
}

/// The status without what changes while a job starts.
pub(crate) fn without_progress(job: &JobStatus) -> JobStatus {
    JobStatus { state: None, job_name: None, start_time: None, update_time: None, ..job.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn time_is_that_of_the_state() {
        let mut job = JobStatus::default();
        assert_eq!(age(&job, at(10)), None);
        enter_state(&mut job, FlinkJobStatus::Reconciling, at(10));
        enter_state(&mut job, FlinkJobStatus::Reconciling, at(20));
        assert_eq!(age(&job, at(30)), Some(Duration::from_secs(20)));
        enter_state(&mut job, FlinkJobStatus::Running, at(30));
        assert_eq!(job.update_time.as_deref(), Some("30000"), "the Java operator's format");
        assert_eq!(age(&job, at(29)), Some(Duration::ZERO), "another clock is ahead");
    }

    #[test]
    fn deployment_does_not_inherit_the_time_of_an_earlier_job() {
        let mut job = JobStatus::default();
        enter_deployment(&mut job, at(10));
        enter_deployment(&mut job, at(20));
        assert_eq!(since(&job), Some(at(20)));
    }
}
