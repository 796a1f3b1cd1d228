//! A spec that has changed: what it takes, and whether the job's state allows it.

use flink_operator_api::{FlinkDeploymentSpec, FlinkJobStatus, JobState, UpgradeMode};

use super::pass::Pass;
use super::plan::Plan;
use super::{Recorded, deploy, wants_running};
use crate::decision::{Action, Because, Decision, Event, Requeue, Stuck};
use crate::diff::{DiffType, SpecDiff};
use crate::observed::Owner;

/// Starts what a change of the spec asks for.
pub(super) fn decide(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    diff: &SpecDiff,
) -> Decision {
    let changes = diff.to_string();
    if !wants_running(&recorded.spec) {
        return resume_suspended(pass, recorded, desired, changes);
    }
    let mode = desired.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    if diff.diff_type() == DiffType::SavepointRedeploy {
        // The user says where the job goes on, whatever state it has now.
        let mut spec = desired.clone();
        if let Some(job) = &mut spec.job {
            job.upgrade_mode = Some(UpgradeMode::Savepoint);
            pass.status.job_status.upgrade_savepoint_path.clone_from(&job.initial_savepoint_path);
        }
        return take_down(pass, spec, changes);
    }
    match mode {
        Some(UpgradeMode::Stateless) | None => take_down(pass, desired.clone(), changes),
        Some(
            mode @ (UpgradeMode::Savepoint | UpgradeMode::LastState | UpgradeMode::Unrecognised(_)),
        ) => hold(pass, &mode, &changes),
    }
}

/// Records the intent, then deletes the old cluster. The next pass finds the record and goes on.
fn take_down(mut pass: Pass<'_>, spec: FlinkDeploymentSpec, changes: String) -> Decision {
    let given = pass.given;
    match Plan::new(given, spec, given.generation()) {
        Ok(plan) => plan.record_intent(&mut pass),
        Err(faults) => return deploy::invalid(pass, &faults),
    }
    pass.status.job_status.state = Some(FlinkJobStatus::Cancelling);
    let because = Because::Upgrading { changes: changes.clone() };
    pass.record(&because);
    pass.publish(Event::normal("SpecChanged", changes));
    let deployment = pass.observed.job_manager.present().filter(|found| found.owner == Owner::This);
    if let Some(deployment) = deployment.filter(|found| !found.deleting) {
        pass.publish(Event::normal("Suspended", "Taking the running cluster down."));
        pass.act(Action::DeleteJobManager { uid: deployment.uid.clone() });
        return pass.end(because, Requeue::After(given.settings.progress_interval));
    }
    pass.end(because, Requeue::Now)
}

/// A suspended job is to run again, in the way that its suspension was recorded.
fn resume_suspended(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    changes: String,
) -> Decision {
    if desired.job.as_ref().is_some_and(|job| job.state == Some(JobState::Suspended)) {
        return pass.end(Because::Suspended, Requeue::OnChange);
    }
    let mut spec = desired.clone();
    if let Some(job) = &mut spec.job
        && job.upgrade_mode != Some(UpgradeMode::Stateless)
    {
        job.upgrade_mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    }
    pass.publish(Event::normal("SpecChanged", changes));
    let generation = pass.given.generation();
    deploy::start(pass, spec, generation, false)
}

/// The change would need the job's state, and taking it along is not possible: the job keeps running as it is.
fn hold(pass: Pass<'_>, mode: &UpgradeMode, changes: &str) -> Decision {
    let message = format!(
        "The change is held, and the job keeps running with its last spec: upgradeMode {mode} asks for the job's state \
         to be kept, which this version cannot do for a running application. With upgradeMode stateless the job starts \
         empty; with a new savepointRedeployNonce it starts from initialSavepointPath. Held: {changes}"
    );
    let requeue = Requeue::After(pass.given.settings.reconcile_interval);
    pass.end(Because::NeedsUser(Stuck::StatefulChangeHeld { message }), requeue)
}
