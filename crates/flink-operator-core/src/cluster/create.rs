//! Making the objects of a cluster, after the record of that intent.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkJobStatus, JobManagerDeploymentStatus, UpgradeMode,
};

use crate::cluster::plan::Plan;
use crate::cluster::teardown;
use crate::job::restore::RestoreFrom;
use crate::job::{exceptions, lifecycle};
use crate::names::JobId;
use crate::observed::{JobManagerDeployment, Owner, Seen};
use crate::reconcile::decision::{Action, Because, Blocked, Decision, Event, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded;

/// The first deployment of a resource: from nothing, or from `initialSavepointPath`.
pub(crate) fn first(mut pass: Pass<'_>) -> Decision {
    let valid = match pass.inputs.validated {
        Ok(valid) => valid,
        Err(faults) => return pass.end_invalid(faults),
    };
    if !recorded::wants_running(&valid.spec) {
        pass.status.observed_generation = Some(pass.inputs.generation());
        return pass.end(Because::Suspended, Requeue::OnChange);
    }
    match &pass.observed.job_manager {
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
        }
        Seen::Present(deployment) if deployment.deleting && deployment.owner == Owner::This => {
            return teardown::wait(pass);
        }
        Seen::Present(deployment) => {
            let blocked = name_taken(&pass, deployment);
            let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
            return pass.end(Because::NeedsUser(blocked), requeue);
        }
        Seen::Absent => {}
    }
    let mut spec = valid.spec.clone();
    if let Some(job) = &mut spec.job {
        let initial = job.initial_savepoint_path.clone();
        job.upgrade_mode =
            Some(if initial.is_some() { UpgradeMode::Savepoint } else { UpgradeMode::Stateless });
        pass.set_restore(&RestoreFrom::at(initial));
    }
    let generation = pass.inputs.generation();
    start(pass, spec, generation, true)
}

/// Records the intent to deploy `spec`, then creates the cluster.
pub(crate) fn start(
    mut pass: Pass<'_>,
    spec: FlinkDeploymentSpec,
    generation: i64,
    first: bool,
) -> Decision {
    let plan = match Plan::new(pass.inputs, spec, generation) {
        Ok(plan) => plan,
        Err(faults) => return pass.end_invalid(&faults),
    };
    plan.record_intent(&mut pass);
    // Facts about the previous cluster. They are requested again once the job runs.
    pass.status.cluster_info.clear();
    if plan.spec.job.is_some() {
        let job_id = next_job_id(&pass, &plan);
        lifecycle::set_id(&mut pass.status.job_status, job_id);
        exceptions::forget(&mut pass);
        note_restore(&mut pass, &plan);
        if !first {
            lifecycle::enter_deployment(&mut pass.status.job_status, pass.inputs.now);
        }
    }
    create(pass, &plan, Intent::IsNew)
}

pub(crate) fn create(mut pass: Pass<'_>, plan: &Plan, intent: Intent) -> Decision {
    match plan.objects(&pass) {
        Ok(objects) => {
            // The error of an attempt that was refused stays until one succeeds: to take it back each time would be two
            // writes for each.
            if intent == Intent::IsNew {
                pass.record(&Because::Deploying);
            }
            pass.act(Action::CreateCluster { objects: Box::new(objects), existing: None });
            pass.publish(Event::normal("Submit", "Starting the deployment."));
            deployed(pass, plan)
        }
        Err(faults) => pass.end_invalid(&faults),
    }
}

/// Whether an earlier pass has recorded what is about to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    IsNew,
    IsRecorded,
}

/// Every object stands: the record says so, and the JobManager's start is awaited.
pub(crate) fn deployed(mut pass: Pass<'_>, plan: &Plan) -> Decision {
    plan.record_success(&mut pass);
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Deploying;
    if plan.spec.job.is_some() {
        lifecycle::enter_deployment(&mut pass.status.job_status, pass.inputs.now);
    }
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    pass.end(Because::WaitingFor(Wait::JobManagerPod { detail: String::new() }), requeue)
}

/// The id of a job that goes on from high availability data is kept: the data is filed under it. Every other start gets a
/// new one, so that no trace of the old job is taken for the new one's (FLINK-19358, FLINK-29109).
pub(crate) fn next_job_id(pass: &Pass<'_>, plan: &Plan) -> JobId {
    let last_state = plan.upgrade_mode() == Some(UpgradeMode::LastState);
    let kept = lifecycle::id(&pass.status.job_status).filter(|_| last_state);
    plan.fixed_job_id().or(kept).unwrap_or(pass.inputs.ids.job_id)
}

/// The status names what the new job starts from. A path that an earlier job had left is no restore point of this one.
pub(crate) fn note_restore(pass: &mut Pass<'_>, plan: &Plan) {
    let from = plan.restore(pass.observed, pass.known_state());
    pass.set_restore(&from);
}

/// The job was to be suspended, and what ran is gone.
pub(crate) fn suspended(
    mut pass: Pass<'_>,
    spec: FlinkDeploymentSpec,
    generation: i64,
) -> Decision {
    match Plan::new(pass.inputs, spec, generation) {
        Ok(plan) => {
            let finished = FlinkJobStatus::Finished;
            lifecycle::enter_state(&mut pass.status.job_status, finished, pass.inputs.now);
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
            plan.record_success(&mut pass);
            pass.end(Because::Suspended, Requeue::OnChange)
        }
        Err(faults) => pass.end_invalid(&faults),
    }
}

pub(crate) fn name_taken(pass: &Pass<'_>, deployment: &JobManagerDeployment) -> Blocked {
    let name = pass.inputs.name();
    let message = match &deployment.owner {
        Owner::Other { described } => format!(
            "There is a Deployment {name} in this namespace that does not belong to this resource (owner: \
             {described}). It is left alone. Delete or rename it, or give the FlinkDeployment another name."
        ),
        Owner::This => format!(
            "The Deployment {name} belongs to this resource, but its status does not say what was deployed. What runs \
             is left alone. Restore the status, or delete the Deployment to deploy anew."
        ),
    };
    Blocked::NameTaken { message }
}
