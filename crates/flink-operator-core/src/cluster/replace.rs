//! The cluster that comes in the place of one that is gone: from what it starts, and what of the old one has to go first.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkJobStatus, JobManagerDeploymentStatus, ReconciliationState,
    UpgradeMode,
};

use crate::cluster::create::{self, Intent};
use crate::cluster::plan::Plan;
use crate::diff::DiffType;
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::state_kept;
use crate::job::upgrade::strategy::StopMethod;
use crate::job::upgrade::transition;
use crate::observed::Seen;
use crate::reconcile::decision::{Action, Because, Blocked, Decision, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::{ErrorClass, StatusError};

/// The old cluster is gone, or there never was one: the next one is made from the newest valid spec.
pub(crate) fn replace(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    if let Some(desired) = redeployment(&pass, recorded) {
        return replace_from_savepoint(pass, desired);
    }
    if let Some(desired) = edited_to_stateless(&pass, recorded) {
        state_kept::announce(&mut pass, &RestoreFrom::Empty);
        return transition::take_down(pass, recorded, desired.clone(), StopMethod::Ended);
    }
    if pass.known_state().is_empty() && recorded::starts_from_path(recorded) {
        pass.set_restore(&pass.last_known());
    }
    if pass.known_state().is_empty() && recorded::starts_from_path(recorded) {
        let message = "The job was stopped to go on from a savepoint, and no path of one is recorded. Set \
                       spec.job.initialSavepointPath and a new spec.job.savepointRedeployNonce to say where it goes \
                       on."
            .to_owned();
        return pass.end(Because::NeedsUser(Blocked::ClusterLost { message }), Requeue::OnChange);
    }
    let is_rolling_back =
        pass.status.reconciliation_status.state == ReconciliationState::RollingBack;
    let mut newest = if is_rolling_back {
        recorded::as_running(recorded.spec.clone())
    } else {
        // If the new spec is invalid, the last valid one is started.
        transition::next_spec(&pass, recorded)
    };
    let runs = recorded::wants_running(&newest);
    let first_attempt =
        recorded.resource_metadata.as_ref().is_some_and(|metadata| metadata.first_deployment);
    if first_attempt && pass.status.observed_generation != Some(pass.inputs.generation()) {
        return create::first(pass);
    }
    if newest.job.is_none() {
        return replace_session_cluster(pass, newest);
    }
    let mut mode = recorded::mode_of(&recorded.spec);
    if has_left_checkpoints(&pass, mode.as_ref()) {
        mode = Some(UpgradeMode::LastState);
    }
    if !first_attempt && let Some(not_yet) = prepare_ha_data(&mut pass, mode.as_ref(), runs) {
        return not_yet.end(pass);
    }
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    let mode_is_recorded = mode == recorded::mode_of(&recorded.spec);
    if let Some(job) = &mut newest.job
        && !is_rolling_back
    {
        job.upgrade_mode = mode;
    }
    let generation = if is_rolling_back {
        pass.status.observed_generation.unwrap_or_else(|| pass.inputs.generation())
    } else {
        pass.target_generation()
    };
    if !runs {
        return create::suspended(pass, newest, generation);
    }
    let intent_is_fresh = pass.status.job_status.job_id.is_some()
        && pass.status.observed_generation == Some(generation)
        && !matches!(
            pass.status.job_status.state,
            Some(FlinkJobStatus::Cancelling | FlinkJobStatus::Finished)
        );
    if intent_is_fresh {
        let intent = if mode_is_recorded { Intent::IsRecorded } else { Intent::IsNew };
        return match Plan::new(pass.inputs, newest, generation) {
            Ok(plan) => create::create(pass, &plan, intent),
            Err(faults) => pass.end_invalid(&faults),
        };
    }
    create::start(pass, newest, generation, false)
}

/// The high availability data stay as they are: the jobs of the session cluster go on from them.
fn replace_session_cluster(mut pass: Pass<'_>, spec: FlinkDeploymentSpec) -> Decision {
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    let generation = pass.target_generation();
    create::start(pass, spec, generation, false)
}

/// What the user wants instead of what the record has begun: a start from a savepoint of their choice. Where the state
/// that the record names is lost, this is the way on that the message tells of.
fn redeployment<'a>(pass: &Pass<'a>, recorded: &Recorded) -> Option<&'a FlinkDeploymentSpec> {
    let desired = &pass.inputs.validated.as_ref().ok()?.spec;
    let is_rolling_back =
        pass.status.reconciliation_status.state == ReconciliationState::RollingBack;
    let asked = recorded::difference(recorded, desired).diff_type() == DiffType::SavepointRedeploy;
    (asked && !is_rolling_back && recorded::wants_running(desired)).then_some(desired)
}

/// The user has said since the record was made that the job starts empty. Upstream takes the recorded mode unless the spec
/// says `stateless`, too. A path that the user has chosen stays chosen: manifests with that mode go back to a savepoint by
/// the nonce alone.
fn edited_to_stateless<'a>(
    pass: &Pass<'a>,
    recorded: &Recorded,
) -> Option<&'a FlinkDeploymentSpec> {
    let desired = &pass.inputs.validated.as_ref().ok()?.spec;
    let stateful = matches!(
        recorded::mode_of(&recorded.spec),
        Some(UpgradeMode::Savepoint | UpgradeMode::LastState)
    );
    let edited = pass.status.observed_generation != Some(pass.inputs.generation());
    let known = pass.known_state();
    let chosen = recorded.spec.job.as_ref().and_then(|job| job.initial_savepoint_path.as_deref());
    let is_chosen = known.path().is_some() && known.path() == chosen;
    let is_rolling_back =
        pass.status.reconciliation_status.state == ReconciliationState::RollingBack;
    let stateless = pass.inputs.may_start_empty() && recorded::wants_running(desired);
    (stateful && edited && stateless && !is_chosen && !is_rolling_back).then_some(desired)
}

fn replace_from_savepoint(mut pass: Pass<'_>, desired: &FlinkDeploymentSpec) -> Decision {
    let mode = Some(UpgradeMode::Savepoint);
    if let Some(not_yet) = prepare_ha_data(&mut pass, mode.as_ref(), true) {
        return not_yet.end(pass);
    }
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    let spec = transition::from_initial_savepoint(&mut pass, desired);
    let generation = pass.target_generation();
    create::start(pass, spec, generation, false)
}

/// The job was found without state, and was about to start empty; but until its cluster was gone it has run, and left
/// checkpoints. Only a user's word gives these up.
fn has_left_checkpoints(pass: &Pass<'_>, mode: Option<&UpgradeMode>) -> bool {
    let asked =
        pass.inputs.validated.as_ref().ok().and_then(|valid| recorded::mode_of(&valid.spec));
    let is_stateful = matches!(asked, Some(UpgradeMode::LastState | UpgradeMode::Savepoint));
    let left = pass.observed.ha_data.present().is_some_and(|data| data.has_checkpoint);
    mode == Some(&UpgradeMode::Stateless) && is_stateful && left
}

/// Ends this pass before the next cluster is created.
enum NotYet {
    Wait(Wait, Requeue),
    Blocked(Blocked),
}

impl NotYet {
    fn end(self, pass: Pass<'_>) -> Decision {
        match self {
            Self::Wait(wait, requeue) => pass.end(Because::WaitingFor(wait), requeue),
            Self::Blocked(blocked) => {
                let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
                pass.end(Because::NeedsUser(blocked), requeue)
            }
        }
    }
}

/// Sees to it that the next JobManager finds what it should in the high availability data: nothing of the old job when
/// it starts from a savepoint or empty, the checkpoints and not the old job graph when it goes on from the last state.
fn prepare_ha_data(pass: &mut Pass<'_>, mode: Option<&UpgradeMode>, runs: bool) -> Option<NotYet> {
    let last_state = mode == Some(&UpgradeMode::LastState);
    match pass.observed.ha_data.seen() {
        Seen::Unknown { why } if pass.may_have_ha_data() => {
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            Some(NotYet::Wait(Wait::ClusterState { why }, requeue))
        }
        Seen::Present(data) if last_state && data.job_metadata => {
            if data.has_job_graph {
                pass.act(Action::ForgetJobGraphs);
            }
            None
        }
        // Flink looks there itself, and fails if there is nothing.
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. }
            if last_state && JobOptions::of_current(pass.inputs).keeps_unseen_ha_data() =>
        {
            None
        }
        // Suspended: the error is reported when the job is to run again.
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } if last_state && !runs => None,
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } if last_state => {
            let message = format!(
                "HA metadata is not available, and the job was stopped to go on from it. What it knew of its last \
                 checkpoint is gone. Manual restore required: set spec.job.initialSavepointPath and a new \
                 spec.job.savepointRedeployNonce; or spec.job.upgradeMode stateless, to start empty.{}",
                state_kept::hint(pass)
            );
            pass.set_error(&StatusError::new(ErrorClass::UpgradeFailure, message.as_str()));
            Some(NotYet::Blocked(Blocked::ClusterLost { message }))
        }
        Seen::Present(data) if !data.config_maps.is_empty() => {
            pass.act(Action::DeleteHaData);
            Some(NotYet::Wait(Wait::OldCluster, Requeue::Now))
        }
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } => None,
    }
}
