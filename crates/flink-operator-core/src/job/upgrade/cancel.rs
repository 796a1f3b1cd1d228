//! Cancelling a job that keeps its checkpoints, and finding the last of them.
//!
//! The record is the Java operator's: UPGRADING, the job CANCELLING, the recorded spec still that of the job that runs.
//! Whichever operator reads it goes on from there.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus};

use crate::cluster::state::{self, ClusterState};
use crate::job::restore::RestoreFrom;
use crate::job::upgrade::change::Change;
use crate::job::upgrade::strategy::StopMethod;
use crate::job::upgrade::{transition, unreachable};
use crate::job::{lifecycle, state_kept};
use crate::observed::{Asked, LastCheckpoint, Seen, is_globally_terminal};
use crate::reconcile::decision::{Action, Because, Blocked, Decision, Event, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::{Questions, Step};
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::ErrorClass;

const POLL: Duration = Duration::from_millis(500);

/// Records that the job is being cancelled, and asks for it.
pub(crate) fn begin(mut pass: Pass<'_>, from: &RestoreFrom, event: Event) -> Decision {
    let Some(job_id) = pass.status.job_status.job_id.clone() else {
        let requeue = Requeue::After(pass.inputs.settings.progress_interval);
        let state = "without an id".to_owned();
        return pass.end(Because::WaitingFor(Wait::JobToRun { state }), requeue);
    };
    state_kept::announce(&mut pass, from);
    if pass.observed.checkpoints.present().is_some_and(|seen| seen.newest.is_some()) {
        // The last of them is known when the job has ended. Until then no older path may be taken for it.
        pass.set_restore(&RestoreFrom::Unknown);
    }
    pass.record.cancelling(&mut pass.status, from.upgrade_mode());
    set_state(&mut pass, FlinkJobStatus::Cancelling);
    pass.record(&Because::WaitingFor(Wait::JobToEnd));
    pass.publish(event);
    pass.publish(Event::normal("Suspended", "Cancelling the job; its last checkpoint is kept."));
    pass.act(Action::CancelJob { job_id });
    pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(POLL))
}

/// Whether the status says that the job is being cancelled for a change of its spec.
pub(crate) fn is_under_way(pass: &Pass<'_>, recorded: &Recorded) -> bool {
    recorded::is_being_cancelled(&pass.status, recorded)
}

/// Goes on with a cancellation.
pub(crate) fn proceed(mut pass: Pass<'_>, recorded: &Recorded) -> Step {
    let settings = pass.inputs.settings;
    let id = pass.status.job_status.job_id.clone();
    match (state_in_list(&pass), id) {
        (Some(state), _) if is_globally_terminal(&state) => ended(pass, recorded, &state).into(),
        (Some(_), _) if age(&pass) > settings.cancel_timeout + settings.cleanup_timeout => {
            never_ends(pass, recorded)
        }
        (Some(FlinkJobStatus::Cancelling), _) | (_, None) => wait(pass).into(),
        (Some(_), Some(job_id)) => {
            // The request may have been lost. The record still says what is intended.
            pass.act(Action::CancelJob { job_id });
            wait(pass).into()
        }
        (None, Some(_)) => not_listed(pass, recorded),
    }
}

fn ended(mut pass: Pass<'_>, recorded: &Recorded, state: &FlinkJobStatus) -> Decision {
    let from = match pass.observed.last_checkpoint.seen() {
        Seen::Present(LastCheckpoint::Deleted(_)) => {
            return checkpoint_is_unknown(pass, recorded);
        }
        Seen::Present(LastCheckpoint::Kept(path)) => {
            state_kept::path(&mut pass, path, None);
            RestoreFrom::Path(path.clone())
        }
        Seen::Absent => match state_kept::without_checkpoint(&pass) {
            Some(from) => {
                state_kept::announce(&mut pass, &from);
                from
            }
            None => return checkpoint_is_unknown(pass, recorded),
        },
        Seen::Unknown { why } => {
            let requeue = Requeue::After(POLL);
            return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
        }
    };
    pass.set_restore(&from);
    set_state(&mut pass, state.clone());
    pass.publish(Event::normal(
        "JobStatusChanged",
        format!("The job's state changed from CANCELLING to {state}."),
    ));
    pass.record.job_ended(&mut pass.status);
    let mut spec = transition::next_spec(&pass, recorded);
    from.write_mode(spec.job.as_mut());
    transition::take_down(pass, recorded, spec, StopMethod::Ended)
}

/// Its JobManager has started anew while it was being cancelled, and the job was not restored any more.
fn checkpoint_is_unknown(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    if let Some(spec) = unreachable::explicit_override(&mut pass, recorded) {
        return transition::take_down(pass, recorded, spec, StopMethod::DeleteCluster);
    }
    let message = format!(
        "The job was cancelled, and its last checkpoint is not known, or Flink has deleted it. Manual restore required: set \
         spec.job.initialSavepointPath and a new spec.job.savepointRedeployNonce.{}",
        state_kept::hint(&pass)
    );
    pass.report(ErrorClass::UpgradeFailure, "UpgradeFailed", &message);
    let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
    pass.end(Because::NeedsUser(Blocked::StatefulChangeHeld { message }), requeue)
}

/// The job is neither listed nor known to have ended: its JobManager restarts, or is gone. The record stays until there is
/// a way on: it would not be read as a job that is being cancelled if it said anything else.
fn not_listed(mut pass: Pass<'_>, recorded: &Recorded) -> Step {
    let cluster = state::look(&pass);
    if cluster == ClusterState::Gone {
        pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    } else if age(&pass) <= pass.inputs.settings.cancel_timeout {
        return wait(pass).into();
    }
    unreachable::continue_without_answer(
        pass,
        recorded,
        &cluster,
        "it has not ended in the time for its cancellation, and its JobManager does not answer",
    )
}

/// The job has been ending for longer than Flink itself allows its tasks. While it ends it completes no checkpoint, so
/// the newest one is the last; and it is kept, for the job has not come to its end.
fn never_ends(mut pass: Pass<'_>, recorded: &Recorded) -> Step {
    if let Some(spec) = unreachable::explicit_override(&mut pass, recorded) {
        return transition::take_down(pass, recorded, spec, StopMethod::DeleteCluster).into();
    }
    let newest = match &pass.observed.checkpoints {
        Asked::NotAsked => return Step::Ask(Questions::checkpoints()),
        Asked::Answered(Seen::Unknown { .. }) => return wait(pass).into(),
        Asked::Answered(Seen::Absent) => None,
        Asked::Answered(Seen::Present(checkpoints)) => checkpoints.newest.clone(),
    };
    let from = match newest {
        None => match state_kept::without_checkpoint(&pass) {
            Some(from) => from,
            None => return checkpoint_is_unknown(pass, recorded).into(),
        },
        Some(newest) => match newest.path {
            Some(path) => RestoreFrom::Path(path),
            None => return wait(pass).into(),
        },
    };
    pass.publish(Event::warning(
        "CleanupFailed",
        "The job has not ended after its cancellation. Its cluster is deleted all the same.",
    ));
    let change = Change::edited(&transition::next_spec(&pass, recorded));
    transition::carry_out(pass, recorded, &change, StopMethod::DeleteCluster, &from).into()
}

/// The job's state as its JobManager lists it.
fn state_in_list(pass: &Pass<'_>) -> Option<FlinkJobStatus> {
    state::listed(pass).map(|job| job.state.clone())
}

/// Since the job was asked to end.
fn age(pass: &Pass<'_>) -> Duration {
    lifecycle::age(&pass.status.job_status, pass.inputs.now).unwrap_or_default()
}

/// Most jobs end within a second.
fn wait(pass: Pass<'_>) -> Decision {
    let often = Duration::from_millis(500);
    let poll = if age(&pass) < Duration::from_secs(10) {
        often
    } else {
        pass.inputs.settings.progress_interval.min(Duration::from_secs(5))
    };
    pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(poll))
}

fn set_state(pass: &mut Pass<'_>, state: FlinkJobStatus) {
    lifecycle::enter_state(&mut pass.status.job_status, state, pass.inputs.now);
}
