//! What the choice of an upgrade strategy depends on, taken from the status and from what was observed.

use std::time::Duration;

use jiff::Timestamp;

use crate::cluster::state;
use crate::job::lifecycle;
use crate::job::options::JobOptions;
use crate::job::upgrade::change::Change;
use crate::job::upgrade::strategy::Facts;
use crate::job::upgrade::strategy::{Ask, Choice, StopMethod};
use crate::observed;
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Questions;
use crate::reconcile::recorded::Recorded;

pub(crate) fn facts<'a>(pass: &Pass<'a>, recorded: &Recorded, change: &Change) -> Facts<'a> {
    let desired = &change.desired;
    let inputs = pass.inputs;
    let (deployed, next) = (pass.deployed_options(), JobOptions::of_current(inputs));
    let job = &pass.status.job_status;
    Facts {
        mode: change.mode.clone(),
        job: job.state.clone(),
        main_failed: job.job_name.as_deref().is_some_and(observed::is_main_failed),
        job_manager: pass.status.job_manager_deployment_status.clone(),
        state_age: lifecycle::age(job, inputs.now).unwrap_or(Duration::MAX),
        job_started: lifecycle::started_ms(job)
            .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        keeps_ha_data: deployed.keeps_ha_data() && next.keeps_ha_data(),
        may_have_ha_data: deployed.keeps_ha_data() || next.keeps_ha_data(),
        unseen_ha_data: deployed.keeps_unseen_ha_data(),
        shares_zookeeper: deployed.zookeeper().is_some()
            && deployed.zookeeper() == next.zookeeper(),
        ha_data: &pass.observed.ha_data,
        checkpoints: &pass.observed.checkpoints,
        last_known: pass.last_known(),
        version_changed: recorded.spec.flink_version != desired.flink_version,
        savepoint_directory: next.savepoint_directory().is_some(),
        last_state_fallback: next.last_state_fallback(),
        last_state_cancels: next.last_state_cancels(),
        checkpoint_age_max: next.checkpoint_age_max(),
        checkpoints_outlive_cancellation: &pass.observed.checkpoints_outlive_cancellation,
        recorded_mode: recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone()),
        never_available: pass
            .observed
            .job_manager
            .present()
            .is_some_and(|deployment| deployment.never_available),
        now: inputs.now,
    }
}

/// What has to be seen before the choice can be carried out. Nothing if it cannot be asked for now.
pub(crate) fn questions(pass: &Pass<'_>, choice: &Choice) -> Questions {
    let observed = pass.observed;
    if !pass.may_ask() {
        return Questions::default();
    }
    match choice {
        Choice::Ask(Ask::HaData) => Questions::ha_data(),
        Choice::Ask(Ask::Checkpoints) => Questions::checkpoints(),
        Choice::Ask(Ask::CheckpointsOutliveCancellation) => {
            Questions::checkpoints_outlive_cancellation()
        }
        // What is left behind, and how old what is taken along is, is told if it can be had.
        Choice::Go {
            stop: StopMethod::DeleteCluster | StopMethod::DeleteClusterKeepHaData,
            ..
        } => {
            let listed = state::listed(pass).is_some();
            Questions {
                checkpoints: listed && observed.checkpoints.is_not_asked(),
                ha_data: !listed && pass.may_ask_for_ha_data(),
                ..Questions::default()
            }
        }
        Choice::Go { .. }
        | Choice::Unseen { .. }
        | Choice::Wait { .. }
        | Choice::Impossible { .. } => Questions::default(),
    }
}
