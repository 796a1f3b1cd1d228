//! A job that was asked to end, and of which nothing is heard: how its change goes on all the same.
//!
//! A wait is bounded, and at its end nothing is guessed. High availability data say where the job is, and so does a user
//! who says that its state may go, or names another place to start from. Where neither does, the change is held, and the
//! status says why.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkJobStatus, JobManagerDeploymentStatus, UpgradeMode,
};

use super::choice::{self, Ask, Choice, From, Stop};
use super::observe::Sight;
use super::pass::Pass;
use super::upgrade::{self, Change};
use super::{Given, Recorded, difference, restore_point, stop};
use crate::decision::{Because, Decision, Requeue, Stuck, Wait};
use crate::diff::DiffType;
use crate::observed::{Observed, Questions, was_not_asked};
use crate::record::error::ErrorClass;

/// What has to be seen before the change can go on.
pub(super) fn questions(
    given: &Given<'_>,
    observed: &Observed,
    recorded: &Recorded,
    sight: &Sight,
) -> Questions {
    let pass = Pass::new(given, observed);
    let wants_ha_data = choose(&pass, recorded, sight) == Choice::Ask(Ask::HaData)
        && given.may_have_ha_data()
        && was_not_asked(&observed.ha_data);
    Questions { ha_data: wants_ha_data, ..Questions::default() }
}

/// What can be done without the job's help.
pub(super) fn choose(pass: &Pass<'_>, recorded: &Recorded, sight: &Sight) -> Choice {
    let change = Change::edited(&stop::next_spec(pass, recorded));
    let mut facts = upgrade::facts(pass, recorded, &change);
    facts.job = Some(FlinkJobStatus::Reconciling);
    facts.job_manager = match sight {
        Sight::Unseen { why } => return Choice::Unseen { why: why.clone() },
        Sight::Gone => JobManagerDeploymentStatus::Missing,
        Sight::Failed(_) => JobManagerDeploymentStatus::Error,
        Sight::Starting { .. } => JobManagerDeploymentStatus::Deploying,
        Sight::NoRest { .. } => JobManagerDeploymentStatus::DeployedNotReady,
        Sight::NoJob | Sight::Job(_) | Sight::Session => JobManagerDeploymentStatus::Ready,
    };
    choice::choose(&facts)
}

/// Where the user says the job goes on, whatever state it has: nowhere, or from a path.
pub(super) fn users_word(pass: &mut Pass<'_>, recorded: &Recorded) -> Option<FlinkDeploymentSpec> {
    let desired = &pass.given.validated.as_ref().ok()?.spec;
    if difference(recorded, desired).diff_type() == DiffType::SavepointRedeploy {
        return Some(upgrade::from_initial_savepoint(pass, desired));
    }
    let stateless = desired
        .job
        .as_ref()
        .is_some_and(|job| matches!(job.upgrade_mode, None | Some(UpgradeMode::Stateless)));
    if !stateless {
        return None;
    }
    restore_point::announce(pass, From::Nothing);
    pass.forget_savepoint_under_way();
    Some(desired.clone())
}

/// Goes on by the user's word or the choice. `overdue` says what has not come in time.
pub(super) fn go_on(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    sight: &Sight,
    overdue: &str,
) -> Decision {
    if let Some(spec) = users_word(&mut pass, recorded) {
        return upgrade::take_down(pass, recorded, spec, Stop::Discard);
    }
    let requeue = Requeue::After(pass.given.settings.progress_interval);
    match choose(&pass, recorded, sight) {
        Choice::Go { stop, from } => {
            pass.forget_savepoint_under_way();
            let change = Change::edited(&stop::next_spec(&pass, recorded));
            upgrade::carry_out(pass, recorded, &change, stop, from)
        }
        Choice::Ask(_) => {
            let why = "its high availability data were not seen".to_owned();
            pass.end(Because::WaitingFor(Wait::Sight { why }), requeue)
        }
        Choice::Unseen { why } => pass.end(Because::WaitingFor(Wait::Sight { why }), requeue),
        Choice::Wait { .. } => {
            let why = format!(
                "{overdue}, and nothing else says where it would go on. With upgradeMode stateless it starts empty; \
                 with a new spec.job.savepointRedeployNonce, from spec.job.initialSavepointPath."
            );
            pass.report(ErrorClass::UpgradeFailure, "CleanupFailed", &why);
            pass.end(Because::WaitingFor(Wait::RestorePoint { why }), requeue)
        }
        Choice::Impossible { message } => {
            let message = format!("{message}{}", restore_point::hint(&pass, recorded));
            pass.report(ErrorClass::UpgradeFailure, "UpgradeFailed", &message);
            pass.end(Because::NeedsUser(Stuck::StatefulChangeHeld { message }), requeue)
        }
    }
}
