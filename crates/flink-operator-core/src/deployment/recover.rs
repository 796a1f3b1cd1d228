//! A cluster that is gone although nobody asked for that: it comes back with its job's state, or not at all.

use flink_operator_api::{ReconciliationState, UpgradeMode, names};

use super::choice::From;
use super::deploy::{self, as_running};
use super::options::JobOptions;
use super::pass::Pass;
use super::plan::Plan;
use super::replace::starts_from_path;
use super::steady::{ended, job_has_ended};
use super::{Recorded, restore_point, rollback};
use crate::decision::{Action, Because, Decision, Event, Requeue, Stuck, Wait};
use crate::observed::Seen;
use crate::record::error::{ErrorClass, StatusError};

/// The Deployment is gone although nobody asked us to delete it.
pub(super) fn lost(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let requeue = Requeue::After(pass.given.settings.reconcile_interval);
    if job_has_ended(&pass) {
        let because = ended(&pass);
        return pass.end(because, Requeue::OnChange);
    }
    if !JobOptions::of_current(pass.given).recovers_lost_job_managers() {
        let message = "The JobManager's Deployment is gone, and kubernetes.operator.jm-deployment-recovery.enabled is \
                       false."
            .to_owned();
        return pass.end(Because::NeedsUser(Stuck::ClusterLost { message }), requeue);
    }
    let deployed = rollback::deployed(&pass, recorded);
    if deployed.spec != recorded.spec {
        pass.status.reconciliation_status.state = ReconciliationState::RollingBack;
    }
    bring_back(pass, &deployed, requeue)
}

/// The Deployment is gone although nobody asked for that: brings the cluster back with its state, or without one where
/// the spec says that there is none to keep.
pub(super) fn bring_back(mut pass: Pass<'_>, recorded: &Recorded, requeue: Requeue) -> Decision {
    let stateless = pass.given.may_start_empty();
    let never_completed_a_checkpoint = starts_from_path(recorded)
        && pass.last_known_path().is_some_and(|path| path != names::LAST_STATE_SAVEPOINT_PATH);
    let mode = match &pass.observed.ha_data {
        // The job had started from a path, and has come to nothing since.
        Seen::Present(data)
            if data.job_metadata && !data.has_checkpoint && never_completed_a_checkpoint =>
        {
            UpgradeMode::Savepoint
        }
        Seen::Present(data) if data.job_metadata => {
            if data.has_job_graph {
                pass.act(Action::ForgetJobGraphs);
            }
            UpgradeMode::LastState
        }
        Seen::Unknown { why } if pass.needs_ha_answer() => {
            let why = why.clone();
            return pass.end(Because::WaitingFor(Wait::Sight { why }), requeue);
        }
        // Flink looks there itself. Where the state is to be kept, it fails if there is nothing.
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. }
            if JobOptions::of_deployed(pass.given, recorded).keeps_unseen_ha_data() =>
        {
            UpgradeMode::LastState
        }
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } if stateless => {
            UpgradeMode::Stateless
        }
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } => {
            let message = format!(
                "The JobManager's Deployment is gone and HA metadata is not available, so the job cannot go on from its \
                 last state by itself. Manual restore required: set spec.job.initialSavepointPath and a new \
                 spec.job.savepointRedeployNonce.{}",
                restore_point::hint(&pass, recorded)
            );
            pass.set_error(&StatusError::new(ErrorClass::UpgradeFailure, message.as_str()));
            return pass.end(Because::NeedsUser(Stuck::ClusterLost { message }), requeue);
        }
    };
    let mut spec = as_running(recorded.spec.clone());
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(mode.clone());
    }
    if mode == UpgradeMode::Stateless {
        restore_point::announce(&mut pass, From::Nothing);
    }
    pass.publish(Event::warning("RecoverDeployment", "Bringing the lost cluster back."));
    let generation = pass.status.observed_generation.unwrap_or_else(|| pass.given.generation());
    if mode == UpgradeMode::Savepoint {
        // The old high availability data go first, as after any record of this kind.
        return match Plan::new(pass.given, spec, generation) {
            Ok(plan) => {
                plan.record_intent(&mut pass);
                pass.end(Because::Deploying, Requeue::Now)
            }
            Err(faults) => deploy::invalid(pass, &faults),
        };
    }
    deploy::start(pass, spec, generation, false)
}
