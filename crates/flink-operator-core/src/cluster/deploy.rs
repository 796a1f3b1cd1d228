//! Bringing a cluster up: the first time, after an upgrade has taken the old one down, and after a crash in between.

use flink_operator_api::{FlinkDeploymentStatus, JobManagerDeploymentStatus};

use crate::cluster::plan::Plan;
use crate::cluster::{create, replace, teardown};
use crate::observed::{JobManagerDeployment, Owner, Seen};
use crate::reconcile::decision::{Action, Because, Decision, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::{self, Recorded};

/// Goes on where the log of intents says UPGRADING: the old cluster may still be there, the new one may be half made.
pub(crate) fn resume(pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let deployment = match &pass.observed.job_manager {
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
        }
        Seen::Present(deployment) => Some(deployment.clone()),
        Seen::Absent => None,
    };
    match deployment {
        Some(deployment) if deployment.owner != Owner::This => {
            let blocked = create::name_taken(&pass, &deployment);
            let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
            pass.end(Because::NeedsUser(blocked), requeue)
        }
        Some(deployment) if deployment.deleting => teardown::wait_for_pods(pass),
        Some(deployment) if is_the_new_one(&pass.status, &deployment) => {
            complete(pass, recorded, deployment.uid)
        }
        Some(deployment) => teardown::continue_teardown(pass, recorded, &deployment),
        // Somebody has deleted it, and what ran in it has not ended yet.
        None if teardown::running(&pass).next().is_some() => teardown::wait_for_pods(pass),
        None => replace::replace(pass, recorded),
    }
}

/// The recorded generation is on the Deployment, and the record was made before one could stand there: the new cluster's
/// creation was cut short. Upstream takes its existence for success, and a ConfigMap that was not created is never made
/// up for; here every object is checked.
fn is_the_new_one(status: &FlinkDeploymentStatus, deployment: &JobManagerDeployment) -> bool {
    deployment.generation.is_some()
        && deployment.generation == status.observed_generation
        && status.job_manager_deployment_status == JobManagerDeploymentStatus::Missing
}

fn complete(mut pass: Pass<'_>, recorded: &Recorded, uid: String) -> Decision {
    let generation = pass.status.observed_generation.unwrap_or_else(|| pass.inputs.generation());
    let mut plan = Plan::new(pass.inputs, recorded::as_running(recorded.spec.clone()), generation);
    if pass.known_state().is_empty() {
        // The record of the intent names the last state where there is a checkpoint in it. A job that has none yet must
        // not be told to find one.
        plan = plan.map(Plan::without_checkpoint);
    }
    match plan.and_then(|plan| plan.objects(&pass).map(|objects| (plan, objects))) {
        Ok((plan, objects)) => {
            pass.act(Action::CreateCluster { objects: Box::new(objects), existing: Some(uid) });
            create::deployed(pass, &plan)
        }
        Err(faults) => pass.end_invalid(&faults),
    }
}
