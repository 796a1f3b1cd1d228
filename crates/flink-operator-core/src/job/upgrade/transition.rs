//! From the running job to the record that it is replaced.

use flink_operator_api::{FlinkDeploymentSpec, FlinkJobStatus, JobState, UpgradeMode};

use crate::cluster::plan::Plan;
use crate::cluster::teardown;
use crate::job::restore::RestoreFrom;
use crate::job::upgrade::change::Change;
use crate::job::upgrade::strategy::StopMethod;
use crate::job::{lifecycle, state_kept};
use crate::observed::Owner;
use crate::reconcile::conditions::Mode;
use crate::reconcile::decision::{Because, Decision, Event, Requeue};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::{self, Recorded};

/// Records the intent, then deletes the old cluster. The next pass finds the record and goes on.
pub(crate) fn take_down(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    spec: FlinkDeploymentSpec,
    stop: StopMethod,
) -> Decision {
    let inputs = pass.inputs;
    let because = Because::Upgrading { changes: recorded::changes(recorded, &spec) };
    match Plan::new(inputs, spec, inputs.generation()) {
        Ok(plan) => plan.record_intent(&mut pass),
        Err(faults) => return pass.end_invalid(&faults),
    }
    if pass.mode == Mode::Application {
        let state = if stop == StopMethod::Ended {
            FlinkJobStatus::Finished
        } else {
            FlinkJobStatus::Cancelling
        };
        lifecycle::enter_state(&mut pass.status.job_status, state, inputs.now);
    }
    pass.record(&because);
    let deployment = pass.observed.job_manager.present().filter(|found| found.owner == Owner::This);
    if let Some(deployment) = deployment.filter(|found| !found.deleting) {
        if stop != StopMethod::Ended {
            pass.publish(Event::normal("Suspended", "Taking the running cluster down."));
        }
        let next =
            teardown::next_step(&pass, deployment, stop == StopMethod::DeleteClusterKeepHaData);
        if let Some(action) = next {
            pass.act(action);
        }
        return pass.end(because, Requeue::After(inputs.settings.progress_interval));
    }
    pass.end(because, Requeue::Now)
}

/// Stops the job in a way that does not need its help.
pub(crate) fn carry_out(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    change: &Change,
    stop: StopMethod,
    from: &RestoreFrom,
) -> Decision {
    note_restore(&mut pass, from);
    let mut spec = change.desired.clone();
    from.write_mode(spec.job.as_mut());
    pass.publish(change.event(&recorded::changes(recorded, &change.desired)));
    take_down(pass, recorded, spec, stop)
}

/// Announces what the next job starts from, and puts it into the status. What the status knows stays there until a job
/// starts that does not use it.
pub(crate) fn note_restore(pass: &mut Pass<'_>, from: &RestoreFrom) {
    state_kept::announce(pass, from);
    match from {
        RestoreFrom::NoState | RestoreFrom::Path(_) => pass.set_restore(from),
        RestoreFrom::Empty | RestoreFrom::HaMetadata | RestoreFrom::Unknown => {}
    }
}

pub(crate) fn from_initial_savepoint(
    pass: &mut Pass<'_>,
    desired: &FlinkDeploymentSpec,
) -> FlinkDeploymentSpec {
    let mut spec = desired.clone();
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(UpgradeMode::Savepoint);
        pass.set_restore(&RestoreFrom::at(job.initial_savepoint_path.clone()));
        if let Some(path) = job.initial_savepoint_path.clone() {
            state_kept::path(pass, &path, None);
        }
    }
    pass.forget_savepoint_under_way();
    spec
}

/// What is wanted now; if that has faults, what was wanted last, unless it says plainly that nothing is to run.
pub(crate) fn next_spec(pass: &Pass<'_>, recorded: &Recorded) -> FlinkDeploymentSpec {
    if let Ok(valid) = pass.inputs.validated {
        return valid.spec.clone();
    }
    let mut spec = recorded.spec.clone();
    if let Some(job) = &mut spec.job {
        let raw = pass.inputs.resource.spec.job.as_ref();
        // The record says how the job was started, which for a first start is never how its state is to be kept.
        // A newest spec without a job does not say that the state may be given up.
        job.upgrade_mode = raw.map_or(Some(UpgradeMode::LastState), |job| job.upgrade_mode.clone());
        job.state = Some(match raw.and_then(|job| job.state.clone()) {
            Some(JobState::Suspended) => JobState::Suspended,
            Some(JobState::Running | JobState::Unrecognised(_)) | None => JobState::Running,
        });
    }
    spec
}
