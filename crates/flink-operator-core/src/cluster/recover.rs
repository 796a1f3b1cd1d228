//! A cluster that is gone although nobody asked for that: it comes back with its job's state, or not at all.

use flink_operator_api::{ReconciliationState, UpgradeMode};

use crate::cluster::plan::Plan;
use crate::cluster::{create, teardown};
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::{ended, state_kept};
use crate::observed::Seen;
use crate::reconcile::decision::{Action, Because, Blocked, Decision, Event, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::{self, Recorded};
use crate::record::error::{ErrorClass, StatusError};

/// The Deployment is gone although nobody asked us to delete it.
pub(crate) fn lost(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
    if ended::job_has_ended(&pass) {
        let because = ended::ended(&pass);
        return pass.end(because, Requeue::OnChange);
    }
    if !JobOptions::of_current(pass.inputs).recovers_lost_job_managers() {
        let message = "The JobManager's Deployment is gone, and kubernetes.operator.jm-deployment-recovery.enabled is \
                       false."
            .to_owned();
        return pass.end(Because::NeedsUser(Blocked::ClusterLost { message }), requeue);
    }
    let deployed = recorded::deployed(&pass.status, recorded);
    if deployed.spec != recorded.spec {
        pass.status.reconciliation_status.state = ReconciliationState::RollingBack;
    }
    bring_back(pass, &deployed, requeue)
}

/// The Deployment is gone although nobody asked for that: brings the cluster back with its state, or without one where
/// the spec says that there is none to keep.
pub(crate) fn bring_back(mut pass: Pass<'_>, recorded: &Recorded, requeue: Requeue) -> Decision {
    if teardown::running(&pass).next().is_some() {
        // Deleted in the background, or orphaned: the old JobManager may still run jobs.
        return teardown::wait_for_pods_of_lost(pass);
    }
    if recorded.spec.job.is_none() {
        return bring_session_cluster_back(pass, recorded);
    }
    let stateless = pass.inputs.may_start_empty();
    let never_completed_a_checkpoint =
        recorded::starts_from_path(recorded) && pass.last_known().path().is_some();
    let mode = match pass.observed.ha_data.seen() {
        // Started from a path, no checkpoint since: restore from the same path.
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
        Seen::Unknown { why } if pass.may_have_ha_data() => {
            return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
        }
        // Flink looks there itself. Where the state is to be kept, it fails if there is nothing.
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. }
            if pass.deployed_options().keeps_unseen_ha_data() =>
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
                state_kept::hint(&pass)
            );
            pass.set_error(&StatusError::new(ErrorClass::UpgradeFailure, message.as_str()));
            return pass.end(Because::NeedsUser(Blocked::ClusterLost { message }), requeue);
        }
    };
    let mut spec = recorded::as_running(recorded.spec.clone());
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(mode.clone());
    }
    if mode == UpgradeMode::Stateless {
        state_kept::announce(&mut pass, &RestoreFrom::Empty);
    }
    pass.publish(Event::warning("RecoverDeployment", "Bringing the lost cluster back."));
    let generation = pass.status.observed_generation.unwrap_or_else(|| pass.inputs.generation());
    if mode == UpgradeMode::Savepoint {
        // The old high availability data go first, as after any record of this kind.
        return match Plan::new(pass.inputs, spec, generation) {
            Ok(plan) => {
                plan.record_intent(&mut pass);
                pass.end(Because::Deploying, Requeue::Now)
            }
            Err(faults) => pass.end_invalid(&faults),
        };
    }
    create::start(pass, spec, generation, false)
}

/// The high availability data stay as they are: the jobs of the session cluster go on from them. Without such data they
/// are lost with their JobManager, and a cluster that does not come back would not change that.
fn bring_session_cluster_back(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    pass.publish(Event::warning("RecoverDeployment", "Bringing the lost cluster back."));
    let generation = pass.status.observed_generation.unwrap_or_else(|| pass.inputs.generation());
    create::start(pass, recorded.spec.clone(), generation, false)
}
