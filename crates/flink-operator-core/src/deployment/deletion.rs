//! Deletion of a FlinkDeployment: a bounded sequence in which each step has a deadline and a fallback.
//!
//! 1. The status says DELETING, and the job is asked to end, so that Flink tidies up behind it: with a savepoint where
//!    `kubernetes.operator.job.savepoint-on-deletion` asks for one, else by cancelling it.
//! 2. Once it has ended, or the time for that is over, or the JobManager does not answer: the Deployment is deleted,
//!    dependents first, so that its end is the end of everything that it owned.
//! 3. High availability data is deleted: nothing will ever restore from it.
//! 4. The finalizer is removed.
//!
//! A session cluster with jobs is not deleted before they have ended: see [`session`].
//!
//! No step needs a valid spec: a resource that was never valid is deleted like any other.

mod session;

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus, LifecycleState};
use jiff::Timestamp;

use self::session::Hold;
use crate::cluster::state::{self, ClusterState};
use crate::cluster::teardown;
use crate::cluster::update_status;
use crate::job::lifecycle;
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::upgrade::stop_with_savepoint::{self, Progress};
use crate::observed::{Asked, JobManagerDeployment, Owner, Seen, is_globally_terminal};
use crate::reconcile::conditions::Mode;
use crate::reconcile::decision::{Action, Because, Decision, Event, Requeue, Wait};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::{Questions, Step};
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::ErrorClass;

/// A job that was asked to end is looked at this often.
const CANCELLATION_POLL: Duration = Duration::from_millis(250);

pub(crate) fn decide(mut pass: Pass<'_>, recorded: Option<&Recorded>) -> Step {
    if !pass.inputs.has_finalizer() {
        // Others hold it, or nobody does; it is not ours any more.
        return pass.end_without_record(Because::Deleting, Requeue::OnChange).into();
    }
    if pass.status.lifecycle_state != Some(LifecycleState::Deleting) {
        pass.status.lifecycle_state = Some(LifecycleState::Deleting);
        pass.publish(Event::normal("Cleanup", "Deleting the cluster."));
    }
    let deployment = match &pass.observed.job_manager {
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue).into();
        }
        Seen::Present(found) if found.owner == Owner::This => Some(found.clone()),
        // What belongs to somebody else stays, and so does whatever that cluster may have written under its name.
        Seen::Present(_) => return finish(pass),
        Seen::Absent if recorded.is_some() && !pass.observed.absence_is_confirmed() => {
            return Step::Ask(Questions { confirm_absence: true, ..Questions::default() });
        }
        Seen::Absent => None,
    };
    let ends = deployment.as_ref().is_none_or(|found| found.deleting);
    let stays =
        deployment.is_some() || recorded.is_some() && teardown::running(&pass).next().is_some();
    if ends && stays {
        if !is_overdue(pass.inputs) {
            return teardown::wait(pass).into();
        }
        pass.publish(Event::warning(
            "CleanupFailed",
            "The cluster's pods have not ended in time. They are left to Kubernetes, which has been asked to delete them.",
        ));
    }
    if let Some(recorded) = recorded.filter(|recorded| recorded.spec.job.is_none()) {
        match session::look(&pass, recorded, deployment.as_ref().filter(|_| !ends)) {
            Hold::Ask(questions) => return Step::Ask(questions),
            Hold::Held(message) => return wait_for_session_jobs(pass, message).into(),
            Hold::Unknown(why) => {
                let requeue = Requeue::After(pass.inputs.settings.progress_interval);
                return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue).into();
            }
            // What held the deletion back is over.
            Hold::Free => pass.status.error = None,
        }
    }
    match (deployment.filter(|_| !ends), recorded) {
        (None, None) => finish(pass),
        (None, Some(_)) => delete_ha_data(pass),
        (Some(found), Some(recorded)) if wants_savepoint(pass.inputs, recorded) => {
            with_savepoint(pass, &found)
        }
        (Some(found), _) => without_savepoint(pass, &found),
    }
}

/// Only a user can end it: nothing of the cluster is touched.
fn wait_for_session_jobs(mut pass: Pass<'_>, message: String) -> Decision {
    pass.report(ErrorClass::UpgradeFailure, "CleanupFailed", &message);
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    pass.end(Because::WaitingFor(Wait::SessionJobs { message }), requeue)
}

/// Whether the job is to stop with a savepoint.
fn wants_savepoint(inputs: &Inputs<'_>, recorded: &Recorded) -> bool {
    recorded.spec.job.is_some()
        && recorded::wants_running(&recorded.spec)
        && JobOptions::of_current(inputs).savepoint_on_deletion()
}

/// Whether there is still time for the savepoint: as long as Flink itself allows it, and the time of a cancellation.
fn has_time_for_savepoint(inputs: &Inputs<'_>) -> bool {
    let allowed = JobOptions::of_current(inputs).checkpoint_timeout();
    elapsed(inputs) <= allowed + inputs.settings.cancel_timeout
}

/// Since the resource was asked to go.
fn elapsed(inputs: &Inputs<'_>) -> Duration {
    let began = inputs.resource.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    began
        .and_then(|began| Duration::try_from(inputs.now.duration_since(began)).ok())
        .unwrap_or_default()
}

/// Since the last record of a deployment, or of the deletion of a session cluster, which may have been held back for long.
fn since_teardown(inputs: &Inputs<'_>) -> Duration {
    let status = inputs.resource.status.as_ref();
    let recorded = status.map_or(0, |status| status.reconciliation_status.reconciliation_timestamp);
    Timestamp::from_millisecond(recorded)
        .ok()
        .and_then(|recorded| Duration::try_from(inputs.now.duration_since(recorded)).ok())
        .unwrap_or(Duration::MAX)
}

/// The pods of the cluster have had all the time that every step before and their own end may take.
fn is_overdue(inputs: &Inputs<'_>) -> bool {
    let options = JobOptions::of_current(inputs);
    let savepoint = if options.savepoint_on_deletion() {
        options.checkpoint_timeout() + inputs.settings.cancel_timeout
    } else {
        Duration::ZERO
    };
    let waited = elapsed(inputs).min(since_teardown(inputs));
    waited > savepoint + inputs.settings.cancel_timeout + inputs.settings.cleanup_timeout
}

/// Stops the job with a savepoint. A job that does not run is given as long as one that is cancelled. A job of which
/// nothing is known, because its JobManager does not respond, is given as long as a savepoint may take.
fn with_savepoint(mut pass: Pass<'_>, deployment: &JobManagerDeployment) -> Step {
    if !has_time_for_savepoint(pass.inputs) {
        return without_its_savepoint(pass, deployment.uid.clone(), "the time for it is over");
    }
    let questions = of_savepoint(&pass);
    if deployment.available && !questions.is_empty() {
        return Step::Ask(questions);
    }
    let cluster = update_status::update(&mut pass);
    if stop_with_savepoint::is_under_way(&pass) {
        go_on_with_savepoint(pass, deployment.uid.clone()).into()
    } else {
        begin_savepoint(pass, deployment.uid.clone(), &cluster)
    }
}

/// What has to be seen of the job and its savepoint. The outcome of a stop that is under way is read off the job too.
fn of_savepoint(pass: &Pass<'_>) -> Questions {
    let (job, observed) = (&pass.status.job_status, pass.observed);
    let ended = job.state.as_ref().is_some_and(is_globally_terminal);
    let has_ended = state::listed(pass).is_some_and(|job| is_globally_terminal(&job.state));
    Questions {
        jobs: (!ended || stop_with_savepoint::is_requested(job)) && observed.jobs.is_not_asked(),
        savepoint: job.savepoint_info.trigger_id.is_some() && observed.savepoint.is_not_asked(),
        job_end: has_ended && observed.last_checkpoint.is_not_asked(),
        ..Questions::default()
    }
}

fn wait_for_savepoint(pass: Pass<'_>) -> Decision {
    let requeue = Requeue::After(stop_with_savepoint::poll(&pass));
    pass.end(Because::WaitingFor(Wait::StopWithSavepoint), requeue)
}

fn go_on_with_savepoint(mut pass: Pass<'_>, uid: String) -> Decision {
    match stop_with_savepoint::progress(&pass) {
        Progress::Done(location) => {
            stop_with_savepoint::keep(&mut pass, &location);
            let now = pass.inputs.now;
            lifecycle::enter_state(&mut pass.status.job_status, FlinkJobStatus::Finished, now);
            pass.publish(Event::normal("Cleanup", format!("The last savepoint: {location}")));
            delete_cluster(pass, uid)
        }
        Progress::Ended(_) => delete_cluster(pass, uid),
        Progress::Lost => {
            stop_with_savepoint::send(&mut pass);
            wait_for_savepoint(pass)
        }
        Progress::Failed { message, savepoint } => {
            if let Some(location) = savepoint {
                stop_with_savepoint::keep_in_history(&mut pass, &location);
            }
            pass.status.job_status.savepoint_info.trigger_id = None;
            let message = format!("The savepoint before the deletion has failed: {message}");
            pass.report(ErrorClass::UpgradeFailure, "SavepointError", &message);
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            pass.end(Because::WaitingFor(Wait::StopWithSavepoint), requeue)
        }
        Progress::Wait => wait_for_savepoint(pass),
    }
}

fn begin_savepoint(mut pass: Pass<'_>, uid: String, cluster: &ClusterState) -> Step {
    // A JobManager that has never been available runs no job.
    let has_run = pass.observed.job_manager.present().is_some_and(|found| !found.never_available);
    let is_silent = has_run
        && matches!(cluster, ClusterState::RestUnavailable { .. } | ClusterState::Starting { .. });
    let is_new = elapsed(pass.inputs) <= pass.inputs.settings.cancel_timeout;
    match &pass.status.job_status.state {
        Some(FlinkJobStatus::Running) => {
            stop_with_savepoint::request(&mut pass);
            pass.record(&Because::WaitingFor(Wait::StopWithSavepoint));
            stop_with_savepoint::send(&mut pass);
            wait_for_savepoint(pass).into()
        }
        Some(state) if is_globally_terminal(state) => delete_cluster(pass, uid).into(),
        Some(_) | None if is_silent || is_new => {
            let state = pass.status.job_status.state.as_ref().map(ToString::to_string);
            let state = state.unwrap_or_else(|| "not known".to_owned());
            let poll =
                if is_new { CANCELLATION_POLL } else { pass.inputs.settings.progress_interval };
            pass.end(Because::WaitingFor(Wait::JobToRun { state }), Requeue::After(poll)).into()
        }
        Some(_) | None => without_its_savepoint(pass, uid, "the job does not run"),
    }
}

/// Deletes the cluster of a job that could not be stopped with a savepoint, and says what is left of its state. The high
/// availability data go with the resource, so what they know is said before.
fn without_its_savepoint(mut pass: Pass<'_>, uid: String, why: &str) -> Step {
    if pass.may_ask_for_ha_data() {
        return Step::Ask(Questions::ha_data());
    }
    let known = match pass.last_known() {
        RestoreFrom::Empty | RestoreFrom::NoState => "none".to_owned(),
        RestoreFrom::HaMetadata | RestoreFrom::Unknown => {
            "in the high availability data".to_owned()
        }
        RestoreFrom::Path(path) => path,
    };
    let checkpoint = pass.observed.ha_data.present().and_then(|data| data.newest_checkpoint);
    let checkpoint = checkpoint.map_or(String::new(), |number| {
        let directory = JobOptions::of_current(pass.inputs).checkpoint_directory();
        let job = pass.status.job_status.job_id.as_deref().unwrap_or_default();
        match directory {
            Some(directory) => {
                let directory = directory.trim_end_matches('/');
                format!(" The newest checkpoint: {directory}/{job}/chk-{number}.")
            }
            None => format!(" The newest checkpoint has the number {number}."),
        }
    });
    let message = format!(
        "The job is deleted without a savepoint: {why}. The newest one that is known: {known}.{checkpoint}"
    );
    pass.report(ErrorClass::UpgradeFailure, "SavepointError", &message);
    delete_cluster(pass, uid).into()
}

fn without_savepoint(mut pass: Pass<'_>, deployment: &JobManagerDeployment) -> Step {
    let decision = match cancellation(&pass, deployment) {
        Cancellation::Look => {
            return Step::Ask(Questions { jobs: true, ..Questions::default() });
        }
        Cancellation::Ask(job_id) => {
            let now = pass.inputs.now;
            lifecycle::enter_state(&mut pass.status.job_status, FlinkJobStatus::Cancelling, now);
            pass.record(&Because::WaitingFor(Wait::JobToEnd));
            pass.act(Action::CancelJob { job_id });
            pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(CANCELLATION_POLL))
        }
        Cancellation::Await => {
            pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(CANCELLATION_POLL))
        }
        Cancellation::Over => delete_cluster(pass, deployment.uid.clone()),
    };
    decision.into()
}

fn delete_cluster(mut pass: Pass<'_>, uid: String) -> Decision {
    if pass.mode == Mode::Session {
        let now = pass.inputs.now.as_millisecond();
        pass.status.reconciliation_status.reconciliation_timestamp = now;
    }
    pass.record(&Because::WaitingFor(Wait::OldCluster));
    pass.act(Action::DeleteJobManager { uid });
    teardown::wait(pass)
}

/// How far the job's end is.
enum Cancellation {
    /// The JobManager has to be asked how the job is.
    Look,
    Ask(String),
    Await,
    /// It has ended, or is not waited for any longer.
    Over,
}

fn cancellation(pass: &Pass<'_>, deployment: &JobManagerDeployment) -> Cancellation {
    let job = &pass.status.job_status;
    let (Some(id), Some(state)) = (&job.job_id, &job.state) else { return Cancellation::Over };
    let is_cancelling = state == &FlinkJobStatus::Cancelling;
    if is_cancelling && pass.observed.jobs.is_not_asked() && deployment.available {
        return Cancellation::Look;
    }
    if elapsed(pass.inputs) > pass.inputs.settings.cancel_timeout || is_globally_terminal(state) {
        return Cancellation::Over;
    }
    if is_cancelling {
        return match &pass.observed.jobs {
            Asked::Answered(Seen::Present(_)) => match state::listed(pass) {
                Some(listed) if !is_globally_terminal(&listed.state) => Cancellation::Await,
                Some(_) | None => Cancellation::Over,
            },
            Asked::NotAsked | Asked::Answered(Seen::Absent | Seen::Unknown { .. }) => {
                Cancellation::Over
            }
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
fn delete_ha_data(mut pass: Pass<'_>) -> Step {
    match &pass.observed.ha_data {
        Asked::NotAsked => Step::Ask(Questions::ha_data()),
        Asked::Answered(Seen::Present(data)) if !data.config_maps.is_empty() => {
            let before = pass.inputs.resource.status.as_ref();
            if before.and_then(|status| status.lifecycle_state.as_ref())
                != Some(&LifecycleState::Deleting)
            {
                pass.record(&Because::Deleting);
            }
            pass.act(Action::DeleteHaData);
            pass.end_without_record(Because::Deleting, Requeue::Now).into()
        }
        Asked::Answered(Seen::Unknown { why }) => {
            let why = why.clone();
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue).into()
        }
        Asked::Answered(Seen::Present(_) | Seen::Absent) => {
            if let Some((_, root)) = JobOptions::of_current(pass.inputs).zookeeper() {
                let place = format!("{root}/{}", pass.inputs.name());
                let note = format!(
                    "Flink deletes its high availability data in ZooKeeper when the job ends; the operator deletes nothing \
                     there. If something is left, it is below {place}."
                );
                pass.publish(Event::normal("Cleanup", note));
            }
            finish(pass)
        }
    }
}

/// Nothing is left to do.
fn finish(mut pass: Pass<'_>) -> Step {
    pass.remove_finalizer();
    pass.end_without_record(Because::Deleting, Requeue::OnChange).into()
}
