//! Going back to the last stable spec when a change does not prove itself in time.
//!
//! The record keeps the spec that did not work, so that the unchanged resource shows no change; its state says ROLLING_BACK
//! until the last stable spec is deployed, then ROLLED_BACK. A new edit of the resource ends all of that.

use std::time::Duration;

use flink_operator_api::{FlinkDeploymentSpec, JobState, ReconciliationState, RecordedSpec};

use crate::cluster::deploy;
use crate::cluster::plan::Plan;
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::upgrade::change::Change;
use crate::job::upgrade::strategy::{self, Choice, StopMethod};
use crate::job::upgrade::{facts, transition};
use crate::reconcile::decision::{Because, Decision, Requeue};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Questions;
use crate::reconcile::recorded::{self, Recorded};
use crate::record;

/// The spec to go back to, if the deployed one has exceeded its readiness timeout.
pub(crate) fn target(pass: &Pass<'_>, recorded: &Recorded) -> Option<FlinkDeploymentSpec> {
    let reconciliation = &pass.status.reconciliation_status;
    let options = JobOptions::of_current(pass.inputs);
    if !options.rolls_back()
        || reconciliation.state != ReconciliationState::Deployed
        || record::is_stable(&pass.status)
    {
        return None;
    }
    let stable = record::last_stable(&pass.status).ok().flatten()?.spec;
    let job = stable.job.as_ref()?;
    if recorded::same(recorded, &stable) {
        // A lost cluster that comes back, or a job that is started again: no change that could be taken back.
        return None;
    }
    let runs = job.state != Some(JobState::Suspended);
    // Newer versions of Flink write what older ones do not read.
    let same_version = stable.flink_version == recorded.spec.flink_version;
    (runs && same_version && is_over(pass, options.readiness_timeout()))
        .then(|| recorded::as_running(stable))
}

/// The time until the deployed spec exceeds its readiness timeout.
pub(crate) fn deadline(pass: &Pass<'_>) -> Option<Duration> {
    let options = JobOptions::of_current(pass.inputs);
    let waits = options.rolls_back()
        && pass.status.reconciliation_status.state == ReconciliationState::Deployed
        && !record::is_stable(&pass.status);
    // A moment after it, so that the pass that looks finds it over.
    let moment = Duration::from_millis(100);
    waits
        .then(|| {
            options.readiness_timeout().saturating_sub(used(pass, options.readiness_timeout()))
        })
        .map(|left| if left.is_zero() { left } else { left + moment })
}

fn is_over(pass: &Pass<'_>, timeout: Duration) -> bool {
    used(pass, timeout) > timeout
}

/// How much of its time the deployed spec has had. A JobManager that became ready in time gives its job the whole of it
/// anew, once: a busy machine is not the spec's fault.
fn used(pass: &Pass<'_>, timeout: Duration) -> Duration {
    let since_deployment = pass.since_deployment();
    let ready_since = pass.observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    let since_ready = ready_since
        .and_then(|since| Duration::try_from(pass.inputs.now.duration_since(since)).ok())
        .filter(|since| *since <= since_deployment);
    match since_ready {
        Some(since_ready) => since_ready.max(since_deployment.saturating_sub(timeout)),
        None => since_deployment,
    }
}

/// The record as the rest of a rollback reads it: the last stable spec, started as the record says.
pub(crate) fn stable_record(pass: &Pass<'_>, recorded: &Recorded) -> Option<Recorded> {
    let mut spec = record::last_stable(&pass.status).ok().flatten()?.spec;
    if let Some(job) = &mut spec.job {
        job.state = Some(JobState::Suspended);
        job.upgrade_mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    }
    Some(RecordedSpec { spec, resource_metadata: recorded.resource_metadata.clone() })
}

/// Goes on with a rollback, unless the resource was edited meanwhile.
pub(crate) fn resume(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let edited =
        pass.inputs.validated.as_ref().is_ok_and(|valid| !recorded::same(recorded, &valid.spec));
    let stable = stable_record(&pass, recorded).filter(|_| !edited);
    if let Some(stable) = stable {
        return deploy::resume(pass, &stable);
    }
    // The job is stopped already: the new spec starts where the old one was to go back.
    pass.status.reconciliation_status.state = ReconciliationState::Upgrading;
    let mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    let mut spec = transition::next_spec(&pass, recorded);
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = mode;
    }
    let because = Because::Upgrading { changes: recorded::changes(recorded, &spec) };
    let generation = pass.inputs.generation();
    match Plan::new(pass.inputs, spec, generation) {
        Ok(plan) => {
            plan.record_intent(&mut pass);
            pass.end(because, Requeue::Now)
        }
        Err(faults) => pass.end_invalid(&faults),
    }
}

/// How a rollback can begin.
pub(crate) enum RollBack {
    /// Something has to be seen first.
    Ask(Questions),
    Now(StopMethod, RestoreFrom),
    /// There is no way now that keeps the state.
    NotNow,
}

/// Goes back to the last stable spec if there is a way that keeps the state. The job does not run as it should, so it is
/// not asked to stop: its newest checkpoint is what there is.
pub(crate) fn roll_back(pass: &mut Pass<'_>, recorded: &Recorded, change: &Change) -> RollBack {
    let choice = strategy::choose(&facts::facts(pass, recorded, change));
    let questions = facts::questions(pass, &choice);
    if !questions.is_empty() {
        return RollBack::Ask(questions);
    }
    let (stop, from) = match choice {
        Choice::Go { stop: StopMethod::Cancel, from } => (StopMethod::DeleteCluster, from),
        Choice::Go {
            stop:
                stop @ (StopMethod::Ended
                | StopMethod::DeleteCluster
                | StopMethod::DeleteClusterKeepHaData),
            from,
        } => (stop, from),
        // A savepoint is for a job that runs, and one that runs has proved itself.
        Choice::Go { stop: StopMethod::Savepoint, .. }
        | Choice::Ask(_)
        | Choice::Unseen { .. }
        | Choice::Wait { .. }
        | Choice::Impossible { .. } => return RollBack::NotNow,
    };
    let newest = pass.observed.checkpoints.present().and_then(|seen| seen.newest.as_ref());
    let newest = newest.and_then(|newest| newest.path.clone());
    let from = match (from, newest) {
        (RestoreFrom::Path(_), Some(newest)) => RestoreFrom::Path(newest),
        (from, _) => from,
    };
    transition::note_restore(pass, &from);
    pass.status.reconciliation_status.state = ReconciliationState::RollingBack;
    pass.publish(change.event(""));
    RollBack::Now(stop, from)
}
