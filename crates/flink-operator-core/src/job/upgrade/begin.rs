//! A spec that has changed: what it takes, and whether the job's state allows it.

use flink_operator_api::{FlinkDeploymentSpec, JobState, SnapshotTriggerType, UpgradeMode};

use crate::cluster::recover;
use crate::cluster::state::ClusterState;
use crate::diff::{DiffType, SpecDiff};
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::upgrade::change::{self, Change, Why};
use crate::job::upgrade::strategy::{self, Choice, StopMethod};
use crate::job::upgrade::{cancel, facts, stop_with_savepoint, transition};
use crate::job::{ended, state_kept};
use crate::reconcile::decision::{Because, Blocked, Decision, Event, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Step;
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::ErrorClass;

/// Starts what a change of the spec asks for.
pub(crate) fn decide(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    diff: &SpecDiff,
    cluster: Option<&ClusterState>,
) -> Step {
    let redeploy = diff.diff_type() == DiffType::SavepointRedeploy;
    if !recorded::wants_running(&recorded.spec) {
        return from_suspension(pass, recorded, desired, diff).into();
    }
    if desired.job.is_none() {
        // The jobs of a session cluster go on from the high availability data, where it keeps any.
        pass.publish(Event::normal("SpecChanged", diff.to_string()));
        let spec = desired.clone();
        return transition::take_down(pass, recorded, spec, StopMethod::DeleteClusterKeepHaData)
            .into();
    }
    if redeploy {
        // The user says where the job goes on, whatever state it has now.
        let spec = transition::from_initial_savepoint(&mut pass, desired);
        pass.publish(Event::normal("SpecChanged", diff.to_string()));
        return transition::take_down(pass, recorded, spec, StopMethod::DeleteCluster).into();
    }
    if let Some(ClusterState::Unknown { why }) = cluster {
        let requeue = Requeue::After(pass.inputs.settings.progress_interval);
        return pass
            .end(Because::WaitingFor(Wait::ClusterState { why: why.clone() }), requeue)
            .into();
    }
    let savepoint = &pass.status.job_status.savepoint_info;
    if savepoint.trigger_id.is_some()
        && savepoint.trigger_type != Some(SnapshotTriggerType::Upgrade)
        && change::mode_of(desired) != UpgradeMode::Stateless
        && !JobOptions::of_current(pass.inputs).ignores_pending_savepoint()
    {
        let why = "a savepoint of the job is under way, and is awaited.".to_owned();
        return waits(pass, Wait::RestorePoint { why }).into();
    }
    begin_change(pass, recorded, &Change::edited(desired))
}

/// Stops the job as the choice says.
pub(crate) fn begin_change(pass: Pass<'_>, recorded: &Recorded, change: &Change) -> Step {
    let choice = strategy::choose(&facts::facts(&pass, recorded, change));
    let questions = facts::questions(&pass, &choice);
    if !questions.is_empty() {
        return Step::Ask(questions);
    }
    let event = change.event(&recorded::changes(recorded, &change.desired));
    let decision = match choice {
        Choice::Go { stop: StopMethod::Savepoint, .. } => stop_with_savepoint::begin(pass, event),
        Choice::Go { stop: StopMethod::Cancel, from } => cancel::begin(pass, &from, event),
        Choice::Go { stop, from } => transition::carry_out(pass, recorded, change, stop, &from),
        Choice::Ask(_) => {
            let why = "its high availability data or checkpoints were not seen".to_owned();
            waits(pass, Wait::ClusterState { why })
        }
        Choice::Unseen { why } => waits(pass, Wait::ClusterState { why }),
        // It waits for a job that runs, so the job runs first, as it did before.
        Choice::Wait { .. }
            if pass.observed.job_manager.is_absent() && change.why == Why::Edited =>
        {
            recover::lost(pass, recorded)
        }
        Choice::Wait { why } => waits(pass, Wait::RestorePoint { why }),
        Choice::Impossible { message } => {
            let message = format!("{message}{}", state_kept::hint(&pass));
            impossible(pass, message)
        }
    };
    decision.into()
}

fn waits(pass: Pass<'_>, wait: Wait) -> Decision {
    let settings = pass.inputs.settings;
    let requeue = Requeue::After(settings.progress_interval.min(settings.reconcile_interval));
    pass.end(Because::WaitingFor(wait), requeue)
}

/// The change needs the job's state, and nobody knows it.
fn impossible(mut pass: Pass<'_>, message: String) -> Decision {
    pass.report(ErrorClass::UpgradeFailure, "UpgradeFailed", &message);
    // The cluster of a job that has ended goes when its time is over, whatever waits.
    ended::clear_away(&mut pass);
    let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
    pass.end(Because::NeedsUser(Blocked::StatefulChangeHeld { message }), requeue)
}

/// A suspended job is to run again, in the way that its suspension was recorded.
fn from_suspension(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    diff: &SpecDiff,
) -> Decision {
    if desired.job.as_ref().is_some_and(|job| job.state == Some(JobState::Suspended)) {
        // What is to run is recorded when it runs; that the edit was seen is said at once.
        pass.status.observed_generation = Some(pass.inputs.generation());
        return pass.end(Because::Suspended, Requeue::OnChange);
    }
    pass.publish(Event::normal("SpecChanged", diff.to_string()));
    if diff.diff_type() == DiffType::SavepointRedeploy {
        let spec = transition::from_initial_savepoint(&mut pass, desired);
        return transition::take_down(pass, recorded, spec, StopMethod::Ended);
    }
    let mut spec = desired.clone();
    if let Some(job) = &mut spec.job
        && job.upgrade_mode != Some(UpgradeMode::Stateless)
    {
        job.upgrade_mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    }
    // Where a path is to be restored and none is known, the next step says so.
    let known = Some(pass.last_known()).filter(|known| !known.is_empty());
    let known = known.unwrap_or(RestoreFrom::Unknown);
    let from = RestoreFrom::of_record(Some(&change::mode_of(&spec)), known);
    state_kept::announce(&mut pass, &from);
    transition::take_down(pass, recorded, spec, StopMethod::Ended)
}
