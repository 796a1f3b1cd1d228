//! Deletion of a FlinkDeployment: a bounded sequence in which each step has a deadline and a fallback.
//!
//! 1. The status says DELETING, and the job is asked to end, so that Flink tidies up behind it.
//! 2. Once it has ended, or the time for that is over, or the JobManager does not answer: the Deployment is deleted,
//!    dependents first, so that its end is the end of everything that it owned.
//! 3. High availability data goes: nothing will ever restore from it.
//! 4. The finalizer goes.
//!
//! No step looks at the spec: a resource that was never valid is deleted like any other.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus, LifecycleState};

use super::pass::Pass;
use super::{Given, Recorded, deploy};
use crate::decision::{Action, Because, Decision, Event, Requeue, Wait};
use crate::observed::{Observed, Owner, Questions, Seen, is_globally_terminal, was_not_asked};

/// A job that was asked to end is looked at this often.
const CANCELLATION_POLL: Duration = Duration::from_millis(250);

pub(super) fn questions(
    given: &Given<'_>,
    recorded: Option<&Recorded>,
    observed: &Observed,
) -> Questions {
    let mut questions = Questions::default();
    if !given.has_finalizer() {
        return questions;
    }
    match &observed.job_manager {
        Seen::Unknown { .. } => {}
        Seen::Absent => {
            questions.confirm_absence = recorded.is_some() && !observed.absence_confirmed;
            questions.ha_data = recorded.is_some()
                && observed.absence_confirmed
                && was_not_asked(&observed.ha_data);
        }
        Seen::Present(deployment) => {
            let cancelling =
                given.resource.status.as_ref().is_some_and(|status| {
                    status.job_status.state == Some(FlinkJobStatus::Cancelling)
                });
            questions.jobs = cancelling
                && deployment.available
                && !deployment.deleting
                && was_not_asked(&observed.jobs);
        }
    }
    questions
}

pub(super) fn decide(mut pass: Pass<'_>, recorded: Option<&Recorded>) -> Decision {
    if !pass.given.has_finalizer() {
        // Others hold it, or nobody does; it is not ours any more.
        return pass.end_without_record(Because::Deleting, Requeue::OnChange);
    }
    if pass.status.lifecycle_state != Some(LifecycleState::Deleting) {
        pass.status.lifecycle_state = Some(LifecycleState::Deleting);
        pass.publish(Event::normal("Cleanup", "Deleting the cluster."));
    }
    let deployment = match &pass.observed.job_manager {
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(pass.given.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::Sight { why }), requeue);
        }
        Seen::Present(found) if found.owner == Owner::This => Some(found.clone()),
        // What belongs to somebody else stays, and so does whatever that cluster may have written under its name.
        Seen::Present(_) => return finish(pass, false),
        Seen::Absent => None,
    };
    match deployment {
        None => finish(pass, recorded.is_some()),
        Some(found) if found.deleting => deploy::wait_for_old_cluster(pass),
        Some(found) => match cancellation(&pass) {
            Cancellation::Ask(job_id) => {
                pass.status.job_status.state = Some(FlinkJobStatus::Cancelling);
                pass.record(&Because::WaitingFor(Wait::JobToEnd));
                pass.act(Action::CancelJob { job_id });
                pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(CANCELLATION_POLL))
            }
            Cancellation::Await => {
                pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(CANCELLATION_POLL))
            }
            Cancellation::Over => {
                pass.record(&Because::WaitingFor(Wait::OldCluster));
                pass.act(Action::DeleteJobManager { uid: found.uid });
                deploy::wait_for_old_cluster(pass)
            }
        },
    }
}

/// How far the job's end is.
enum Cancellation {
    Ask(String),
    Await,
    /// It has ended, or is not waited for any longer.
    Over,
}

fn cancellation(pass: &Pass<'_>) -> Cancellation {
    let job = &pass.status.job_status;
    let (Some(id), Some(state)) = (&job.job_id, &job.state) else { return Cancellation::Over };
    let began = pass.given.resource.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    let elapsed = began.map_or(Duration::ZERO, |began| {
        Duration::try_from(pass.given.now.duration_since(began)).unwrap_or_default()
    });
    if elapsed > pass.given.settings.cancel_timeout || is_globally_terminal(state) {
        return Cancellation::Over;
    }
    if state == &FlinkJobStatus::Cancelling {
        return match &pass.observed.jobs {
            Seen::Present(jobs) => match jobs.iter().find(|listed| &listed.id == id) {
                Some(listed) if !is_globally_terminal(&listed.state) => Cancellation::Await,
                Some(_) | None => Cancellation::Over,
            },
            Seen::Absent | Seen::Unknown { .. } => Cancellation::Over,
        };
    }
    let reachable = pass.status.job_manager_deployment_status == JobManagerDeploymentStatus::Ready;
    if reachable && state != &FlinkJobStatus::Reconciling {
        Cancellation::Ask(id.clone())
    } else {
        Cancellation::Over
    }
}

/// The cluster is gone: what is left is data that only it could use.
fn finish(mut pass: Pass<'_>, was_deployed: bool) -> Decision {
    if was_deployed {
        match &pass.observed.ha_data {
            Seen::Present(data) if !data.config_maps.is_empty() => {
                pass.act(Action::DeleteHaData);
                return pass.end_without_record(Because::Deleting, Requeue::Now);
            }
            Seen::Unknown { why } => {
                let why = why.clone();
                let requeue = Requeue::After(pass.given.settings.progress_interval);
                return pass.end(Because::WaitingFor(Wait::Sight { why }), requeue);
            }
            Seen::Present(_) | Seen::Absent => {}
        }
    }
    pass.remove_finalizer();
    pass.end_without_record(Because::Deleting, Requeue::OnChange)
}
