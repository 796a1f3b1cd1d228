//! What was seen of the job, put into the status: never more than was seen.

use std::time::Duration;

use flink_operator_api::FlinkJobStatus;

use crate::cluster::state;
use crate::job::restore::RestoreFrom;
use crate::job::{exceptions, ha_recovery, lifecycle};
use crate::observed::{LastCheckpoint, Seen};
use crate::reconcile::conditions::Mode;
use crate::reconcile::decision::Event;
use crate::reconcile::pass::Pass;
use crate::record::error::{ErrorClass, StatusError};

/// A job that its JobManager does not list this long after it became ready is missing: until then it is being submitted,
/// or recovered from high availability data.
const JOB_EXPECTED_WITHIN: Duration = Duration::from_mins(1);

/// REST answers and does not list the job. A JobManager that has just started has not submitted or recovered it yet.
pub(crate) fn no_job(pass: &mut Pass<'_>) {
    if state::was_terminal(pass) {
        return;
    }
    let ready_since = pass.observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    let young = ready_since.is_none_or(|since| {
        Duration::try_from(pass.inputs.now.duration_since(since)).unwrap_or_default()
            < JOB_EXPECTED_WITHIN
    });
    set_state(pass, FlinkJobStatus::Reconciling);
    if young {
        return;
    }
    // The text is one that deletion of a session job by the Java operator depends on.
    let missing = "Job Not Found";
    if pass.status.error.as_deref() != Some(missing) {
        pass.status.error = Some(missing.to_owned());
        let id = pass.status.job_status.job_id.clone().unwrap_or_default();
        pass.publish(Event::warning(
            "Missing",
            format!("The JobManager answers and does not list the job {id}."),
        ));
    }
}

pub(crate) fn job(pass: &mut Pass<'_>) {
    let Some(job) = state::listed(pass) else { return };
    let before = pass.status.job_status.state.clone();
    set_state(pass, job.state.clone());
    lifecycle::set_name(&mut pass.status.job_status, &job.name);
    if before.as_ref() == Some(&job.state) {
        ha_recovery::note_start(pass, job);
        return;
    }
    if job.state == FlinkJobStatus::Failed {
        job_failed(pass);
    }
    match pass.observed.last_checkpoint.seen() {
        Seen::Present(LastCheckpoint::Kept(path)) => {
            pass.set_restore(&RestoreFrom::Path(path.clone()));
        }
        Seen::Present(LastCheckpoint::Deleted(_)) => {
            let lost = !pass.inputs.may_start_empty();
            pass.set_restore(if lost { &RestoreFrom::Unknown } else { &RestoreFrom::NoState });
        }
        Seen::Absent => ha_recovery::note_end(pass, job),
        Seen::Unknown { .. } => {}
    }
    ha_recovery::note_start(pass, job);
    let note = match before {
        Some(before) => format!("The job's state changed from {before} to {}.", job.state),
        None => format!("The job's state is {}.", job.state),
    };
    pass.publish(Event::normal("JobStatusChanged", note));
}

pub(crate) fn job_failed(pass: &mut Pass<'_>) {
    // The result is asked for once, and its answer may get lost; the exceptions are another question.
    let result = pass.observed.job_failure.clone();
    let Some(failure) = result.or_else(|| exceptions::newest(pass)) else { return };
    let error = StatusError::new(ErrorClass::Other(failure.class), failure.message.as_str());
    pass.set_error(&error);
    pass.publish(Event::warning("Error", format!("The job has failed: {}", failure.message)));
}

/// The job's state is not known any more; a state that ends a job stays what it is.
pub(crate) fn set_unknown(pass: &mut Pass<'_>) {
    if !state::was_terminal(pass) && pass.mode == Mode::Application {
        set_state(pass, FlinkJobStatus::Reconciling);
    }
}

pub(crate) fn set_state(pass: &mut Pass<'_>, state: FlinkJobStatus) {
    lifecycle::enter_state(&mut pass.status.job_status, state, pass.inputs.now);
}
