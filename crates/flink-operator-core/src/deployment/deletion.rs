//! Deletion of a FlinkDeployment: a bounded sequence in which each step has a deadline and a fallback.
//!
//! 1. The status says DELETING, and the job is asked to end, so that Flink tidies up behind it: with a savepoint where
//!    `kubernetes.operator.job.savepoint-on-deletion` asks for one, else by cancelling it.
//! 2. Once it has ended, or the time for that is over, or the JobManager does not answer: the Deployment is deleted,
//!    dependents first, so that its end is the end of everything that it owned.
//! 3. High availability data goes: nothing will ever restore from it.
//! 4. The finalizer goes.
//!
//! No step looks at the spec: a resource that was never valid is deleted like any other.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus, LifecycleState};

use crate::cluster::observe;
use crate::cluster::teardown;
use crate::job::options::JobOptions;
use crate::job::upgrade::stop_with_savepoint::{self, Progress};
use crate::observed::{Observed, Owner, Questions, Seen, is_globally_terminal, was_not_asked};
use crate::reconcile::decision::{Action, Because, Decision, Event, Requeue, Wait};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::ErrorClass;

/// A job that was asked to end is looked at this often.
const CANCELLATION_POLL: Duration = Duration::from_millis(250);

pub(crate) fn questions(
    inputs: &Inputs<'_>,
    recorded: Option<&Recorded>,
    observed: &Observed,
) -> Questions {
    let mut questions = Questions::default();
    if !inputs.has_finalizer() {
        return questions;
    }
    match &observed.job_manager {
        Seen::Absent => {
            questions.confirm_absence = recorded.is_some() && !observed.absence_confirmed;
            questions.ha_data = recorded.is_some()
                && observed.absence_confirmed
                && was_not_asked(&observed.ha_data);
        }
        Seen::Present(deployment) if deployment.deleting => {
            questions.ha_data = recorded.is_some()
                && deployment.owner == Owner::This
                && is_overdue(inputs)
                && was_not_asked(&observed.ha_data);
        }
        Seen::Present(deployment) if deployment.available => {
            let job = inputs.resource.status.as_ref().map(|status| &status.job_status);
            let state = job.and_then(|job| job.state.as_ref());
            let savepoint = wants_savepoint(inputs, recorded);
            let ended = state.is_some_and(is_globally_terminal);
            // How a stop that is under way has come out is read off the job too.
            let stopping = job.is_some_and(stop_with_savepoint::is_requested);
            questions.jobs = (state == Some(&FlinkJobStatus::Cancelling)
                || (savepoint && (!ended || stopping)))
                && was_not_asked(&observed.jobs);
            questions.savepoint = savepoint
                && job.is_some_and(|job| job.savepoint_info.trigger_id.is_some())
                && was_not_asked(&observed.savepoint);
            let has_ended = observed.jobs.present().is_some_and(|jobs| {
                jobs.iter().any(|listed| {
                    Some(&listed.id) == job.and_then(|job| job.job_id.as_ref())
                        && is_globally_terminal(&listed.state)
                })
            });
            questions.job_end = savepoint && has_ended && was_not_asked(&observed.last_checkpoint);
        }
        Seen::Present(_) | Seen::Unknown { .. } => {}
    }
    questions
}

pub(crate) fn decide(mut pass: Pass<'_>, recorded: Option<&Recorded>) -> Decision {
    if !pass.inputs.has_finalizer() {
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
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
        }
        Seen::Present(found) if found.owner == Owner::This => Some(found.clone()),
        // What belongs to somebody else stays, and so does whatever that cluster may have written under its name.
        Seen::Present(_) => return finish(pass, false),
        Seen::Absent => None,
    };
    let ends = deployment.as_ref().is_none_or(|found| found.deleting);
    let stays =
        deployment.is_some() || recorded.is_some() && teardown::running(&pass).next().is_some();
    if ends && stays {
        if !is_overdue(pass.inputs) {
            return teardown::wait(pass);
        }
        pass.publish(Event::warning(
            "CleanupFailed",
            "The cluster's pods have not ended in time. They are left to Kubernetes, which has been asked to delete them.",
        ));
    }
    match (deployment.filter(|_| !ends), recorded) {
        (None, recorded) => finish(pass, recorded.is_some()),
        (Some(found), Some(recorded)) if wants_savepoint(pass.inputs, Some(recorded)) => {
            with_savepoint(pass, recorded, found.uid)
        }
        (Some(found), _) => without_savepoint(pass, found.uid),
    }
}

/// Whether the job is to stop with a savepoint, and there is still time for it.
fn wants_savepoint(inputs: &Inputs<'_>, recorded: Option<&Recorded>) -> bool {
    let options = JobOptions::of_current(inputs);
    recorded.is_some_and(|recorded| {
        recorded.spec.job.is_some() && recorded::wants_running(&recorded.spec)
    }) && options.savepoint_on_deletion()
        && elapsed(inputs) <= options.checkpoint_timeout() + inputs.settings.cancel_timeout
}

/// Since the resource was asked to go.
fn elapsed(inputs: &Inputs<'_>) -> Duration {
    let began = inputs.resource.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    began
        .and_then(|began| Duration::try_from(inputs.now.duration_since(began)).ok())
        .unwrap_or_default()
}

/// The pods of the cluster have had all the time that every step before and their own end may take.
fn is_overdue(inputs: &Inputs<'_>) -> bool {
    let options = JobOptions::of_current(inputs);
    let savepoint = if options.savepoint_on_deletion() {
        options.checkpoint_timeout() + inputs.settings.cancel_timeout
    } else {
        Duration::ZERO
    };
    elapsed(inputs) > savepoint + inputs.settings.cancel_timeout + inputs.settings.cleanup_timeout
}

/// Stops the job with a savepoint. A job that does not run is given as long as one that is cancelled.
fn with_savepoint(mut pass: Pass<'_>, recorded: &Recorded, uid: String) -> Decision {
    observe::update(&mut pass);
    let wait = |pass: Pass<'_>| {
        let requeue = Requeue::After(stop_with_savepoint::poll(&pass));
        pass.end(Because::WaitingFor(Wait::StopWithSavepoint), requeue)
    };
    if stop_with_savepoint::is_under_way(&pass) {
        return match stop_with_savepoint::progress(&pass) {
            Progress::Done(location) => {
                stop_with_savepoint::keep(&mut pass, &location);
                pass.status.job_status.state = Some(FlinkJobStatus::Finished);
                pass.publish(Event::normal("Cleanup", format!("The last savepoint: {location}")));
                delete_cluster(pass, uid)
            }
            Progress::Ended(_) => delete_cluster(pass, uid),
            Progress::Lost => {
                stop_with_savepoint::send(&mut pass, recorded);
                wait(pass)
            }
            Progress::Failed { message } => {
                pass.status.job_status.savepoint_info.trigger_id = None;
                let message = format!("The savepoint before the deletion has failed: {message}");
                pass.report(ErrorClass::UpgradeFailure, "SavepointError", &message);
                let requeue = Requeue::After(pass.inputs.settings.progress_interval);
                pass.end(Because::WaitingFor(Wait::StopWithSavepoint), requeue)
            }
            Progress::Wait => wait(pass),
        };
    }
    match &pass.status.job_status.state {
        Some(FlinkJobStatus::Running) => {
            stop_with_savepoint::request(&mut pass);
            pass.record(&Because::WaitingFor(Wait::StopWithSavepoint));
            stop_with_savepoint::send(&mut pass, recorded);
            wait(pass)
        }
        Some(state) if is_globally_terminal(state) => delete_cluster(pass, uid),
        Some(_) | None if elapsed(pass.inputs) <= pass.inputs.settings.cancel_timeout => {
            let state = pass.status.job_status.state.as_ref().map(ToString::to_string);
            let state = state.unwrap_or_else(|| "not known".to_owned());
            let requeue = Requeue::After(CANCELLATION_POLL);
            pass.end(Because::WaitingFor(Wait::JobToRun { state }), requeue)
        }
        Some(_) | None => {
            let known = pass.last_known_path().unwrap_or_else(|| "none".to_owned());
            let message = format!(
                "The job does not run, so it is deleted without a savepoint. The newest one that is known: {known}"
            );
            pass.report(ErrorClass::UpgradeFailure, "SavepointError", &message);
            delete_cluster(pass, uid)
        }
    }
}

fn without_savepoint(mut pass: Pass<'_>, uid: String) -> Decision {
    match cancellation(&pass) {
        Cancellation::Ask(job_id) => {
            pass.status.job_status.state = Some(FlinkJobStatus::Cancelling);
            pass.record(&Because::WaitingFor(Wait::JobToEnd));
            pass.act(Action::CancelJob { job_id });
            pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(CANCELLATION_POLL))
        }
        Cancellation::Await => {
            pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(CANCELLATION_POLL))
        }
        Cancellation::Over => delete_cluster(pass, uid),
    }
}

fn delete_cluster(mut pass: Pass<'_>, uid: String) -> Decision {
    pass.record(&Because::WaitingFor(Wait::OldCluster));
    pass.act(Action::DeleteJobManager { uid });
    teardown::wait(pass)
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
    if elapsed(pass.inputs) > pass.inputs.settings.cancel_timeout || is_globally_terminal(state) {
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
                let recorded = pass.inputs.resource.status.as_ref();
                if recorded.and_then(|status| status.lifecycle_state.as_ref())
                    != Some(&LifecycleState::Deleting)
                {
                    pass.record(&Because::Deleting);
                }
                pass.act(Action::DeleteHaData);
                return pass.end_without_record(Because::Deleting, Requeue::Now);
            }
            Seen::Unknown { why } => {
                let why = why.clone();
                let requeue = Requeue::After(pass.inputs.settings.progress_interval);
                return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
            }
            Seen::Present(_) | Seen::Absent => {}
        }
    }
    let zookeeper = JobOptions::of_current(pass.inputs).zookeeper();
    if let Some((_, root)) = zookeeper.filter(|_| was_deployed) {
        let place = format!("{root}/{}", pass.inputs.name());
        let note = format!(
            "Flink deletes its high availability data in ZooKeeper when the job ends; the operator deletes nothing there. \
             If something is left, it is below {place}."
        );
        pass.publish(Event::normal("Cleanup", note));
    }
    pass.remove_finalizer();
    pass.end_without_record(Because::Deleting, Requeue::OnChange)
}
