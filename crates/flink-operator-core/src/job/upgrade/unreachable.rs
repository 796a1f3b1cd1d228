//! Continues an upgrade when the JobManager stops answering after the job was asked to end.
//!
//! The wait is bounded, and nothing is guessed at its end. The upgrade continues from the high availability data, or as the
//! user says explicitly: without state, or from another path. Otherwise the change is held, and the status says why.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkJobStatus, JobManagerDeploymentStatus, UpgradeMode,
};

use crate::cluster::state::ClusterState;
use crate::diff::DiffType;
use crate::job::restore::RestoreFrom;
use crate::job::state_kept;
use crate::job::upgrade::change::Change;
use crate::job::upgrade::strategy::{self, Ask, Choice, StopMethod};
use crate::job::upgrade::{facts, transition};
use crate::reconcile::decision::{Because, Blocked, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::{Questions, Step};
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::ErrorClass;

/// What can be done without the job's help.
pub(crate) fn choose(pass: &Pass<'_>, recorded: &Recorded, cluster: &ClusterState) -> Choice {
    let change = Change::edited(&transition::next_spec(pass, recorded));
    let mut facts = facts::facts(pass, recorded, &change);
    facts.job = Some(FlinkJobStatus::Reconciling);
    facts.job_manager = match cluster {
        ClusterState::Unknown { why } => return Choice::Unseen { why: why.clone() },
        ClusterState::Gone => JobManagerDeploymentStatus::Missing,
        ClusterState::Failed(_) => JobManagerDeploymentStatus::Error,
        ClusterState::Starting { .. } => JobManagerDeploymentStatus::Deploying,
        ClusterState::RestUnavailable { .. } => JobManagerDeploymentStatus::DeployedNotReady,
        ClusterState::JobNotListed | ClusterState::Job(_) | ClusterState::Session => {
            JobManagerDeploymentStatus::Ready
        }
    };
    strategy::choose(&facts)
}

/// Where the user says the job goes on, whatever state it has: nowhere, or from a path.
pub(crate) fn explicit_override(
    pass: &mut Pass<'_>,
    recorded: &Recorded,
) -> Option<FlinkDeploymentSpec> {
    if pass.newest_spec_is_invalid() {
        // What the user wants now cannot be read in it.
        return None;
    }
    let desired = &pass.inputs.validated.as_ref().ok()?.spec;
    if recorded::difference(recorded, desired).diff_type() == DiffType::SavepointRedeploy {
        return Some(transition::from_initial_savepoint(pass, desired));
    }
    let stateless = desired
        .job
        .as_ref()
        .is_some_and(|job| matches!(job.upgrade_mode, None | Some(UpgradeMode::Stateless)));
    if !stateless {
        return None;
    }
    state_kept::announce(pass, &RestoreFrom::Empty);
    pass.forget_savepoint_under_way();
    Some(desired.clone())
}

/// Goes on as the user says explicitly, or as the choice says. `overdue` says what has not come in time.
pub(crate) fn continue_without_answer(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    cluster: &ClusterState,
    overdue: &str,
) -> Step {
    if let Some(spec) = explicit_override(&mut pass, recorded) {
        return transition::take_down(pass, recorded, spec, StopMethod::DeleteCluster).into();
    }
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    let decision = match choose(&pass, recorded, cluster) {
        Choice::Go { stop, from } => {
            pass.forget_savepoint_under_way();
            let change = Change::edited(&transition::next_spec(&pass, recorded));
            transition::carry_out(pass, recorded, &change, stop, &from)
        }
        Choice::Ask(Ask::HaData) if pass.may_ask_for_ha_data() => {
            return Step::Ask(Questions::ha_data());
        }
        Choice::Ask(_) => {
            let why = "its high availability data were not seen".to_owned();
            pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue)
        }
        Choice::Unseen { why } => {
            pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue)
        }
        Choice::Wait { .. } => {
            let why = format!(
                "{overdue}, and nothing else says where it would go on. With upgradeMode stateless it starts empty; \
                 with a new spec.job.savepointRedeployNonce, from spec.job.initialSavepointPath."
            );
            pass.report(ErrorClass::UpgradeFailure, "CleanupFailed", &why);
            pass.end(Because::WaitingFor(Wait::RestorePoint { why }), requeue)
        }
        Choice::Impossible { message } => {
            let message = format!("{message}{}", state_kept::hint(&pass));
            pass.report(ErrorClass::UpgradeFailure, "UpgradeFailed", &message);
            pass.end(Because::NeedsUser(Blocked::StatefulChangeHeld { message }), requeue)
        }
    };
    decision.into()
}
