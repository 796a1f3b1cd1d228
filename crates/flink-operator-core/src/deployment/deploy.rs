//! Bringing a cluster up: the first time, after an upgrade has taken the old one down, and after a crash in between.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    JobState, UpgradeMode, names,
};

use super::pass::Pass;
use super::plan::Plan;
use super::replace::replace;
use super::{Recorded, exceptions, old_cluster, wants_running};
use crate::decision::{Action, Because, Decision, Event, Requeue, Stuck, Wait};
use crate::effective::Restore;
use crate::fault::Fault;
use crate::observed::{JobManagerDeployment, Owner, Seen};

/// The first deployment of a resource: from nothing, or from `initialSavepointPath`.
pub(super) fn first(mut pass: Pass<'_>) -> Decision {
    let valid = match pass.given.validated {
        Ok(valid) => valid,
        Err(faults) => return invalid(pass, faults),
    };
    if !wants_running(&valid.spec) {
        pass.status.observed_generation = Some(pass.given.generation());
        return pass.end(Because::Suspended, Requeue::OnChange);
    }
    match &pass.observed.job_manager {
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(pass.given.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::Sight { why }), requeue);
        }
        Seen::Present(deployment) if deployment.deleting && deployment.owner == Owner::This => {
            return old_cluster::wait(pass);
        }
        Seen::Present(deployment) => {
            let stuck = name_taken(&pass, deployment);
            let requeue = Requeue::After(pass.given.settings.reconcile_interval);
            return pass.end(Because::NeedsUser(stuck), requeue);
        }
        Seen::Absent => {}
    }
    let mut spec = valid.spec.clone();
    if let Some(job) = &mut spec.job {
        let initial = job.initial_savepoint_path.clone();
        job.upgrade_mode =
            Some(if initial.is_some() { UpgradeMode::Savepoint } else { UpgradeMode::Stateless });
        pass.status.job_status.upgrade_savepoint_path = initial;
    }
    let generation = pass.given.generation();
    start(pass, spec, generation, true)
}

/// Goes on where the log of intents says UPGRADING: the old cluster may still be there, the new one may be half made.
pub(super) fn resume(pass: Pass<'_>, recorded: Recorded) -> Decision {
    let deployment = match &pass.observed.job_manager {
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(pass.given.settings.progress_interval);
            return pass.end(Because::WaitingFor(Wait::Sight { why }), requeue);
        }
        Seen::Present(deployment) => Some(deployment.clone()),
        Seen::Absent => None,
    };
    match deployment {
        Some(deployment) if deployment.owner != Owner::This => {
            let stuck = name_taken(&pass, &deployment);
            let requeue = Requeue::After(pass.given.settings.reconcile_interval);
            pass.end(Because::NeedsUser(stuck), requeue)
        }
        Some(deployment) if deployment.deleting => old_cluster::ends(pass),
        Some(deployment) if is_the_new_one(&pass.status, &deployment) => {
            complete(pass, recorded, deployment.uid)
        }
        Some(deployment) => old_cluster::go_on(pass, &recorded, &deployment),
        // Somebody has deleted it, and what ran in it has not ended yet.
        None if old_cluster::running(&pass).next().is_some() => old_cluster::ends(pass),
        None => replace(pass, &recorded),
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

fn complete(mut pass: Pass<'_>, recorded: Recorded, uid: String) -> Decision {
    let generation = pass.status.observed_generation.unwrap_or_else(|| pass.given.generation());
    let mut plan = Plan::new(pass.given, as_running(recorded.spec), generation);
    if pass.status.job_status.upgrade_savepoint_path.is_none() {
        // The record of the intent names the last state where there is a checkpoint in it. A job that has none yet must
        // not be told to find one.
        plan = plan.map(Plan::without_checkpoint);
    }
    match plan.and_then(|plan| plan.objects(&pass).map(|objects| (plan, objects))) {
        Ok((plan, objects)) => {
            pass.act(Action::CreateCluster { objects: Box::new(objects), existing: Some(uid) });
            deployed(pass, &plan)
        }
        Err(faults) => invalid(pass, &faults),
    }
}

/// The job was to be suspended, and what ran is gone.
pub(super) fn suspended(
    mut pass: Pass<'_>,
    spec: FlinkDeploymentSpec,
    generation: i64,
) -> Decision {
    match Plan::new(pass.given, spec, generation) {
        Ok(plan) => {
            set_job_state(&mut pass, FlinkJobStatus::Finished);
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
            plan.record_success(&mut pass);
            pass.end(Because::Suspended, Requeue::OnChange)
        }
        Err(faults) => invalid(pass, &faults),
    }
}

/// Records the intent to deploy `spec`, then creates the cluster.
pub(super) fn start(
    mut pass: Pass<'_>,
    spec: FlinkDeploymentSpec,
    generation: i64,
    first: bool,
) -> Decision {
    let plan = match Plan::new(pass.given, spec, generation) {
        Ok(plan) => plan,
        Err(faults) => return invalid(pass, &faults),
    };
    plan.record_intent(&mut pass);
    // Facts about the previous cluster. They are asked for anew once the job runs.
    pass.status.cluster_info.clear();
    if plan.spec.job.is_some() {
        pass.status.job_status.job_id = Some(next_job_id(&pass, &plan));
        exceptions::forget(&mut pass);
        note_restore(&mut pass, &plan);
        if !first {
            set_job_state(&mut pass, FlinkJobStatus::Reconciling);
        }
    }
    create(pass, &plan, Intent::IsNew)
}

/// The id of a job that goes on from high availability data is kept: the data is filed under it. Every other start gets a
/// new one, so that no trace of the old job is taken for the new one's (FLINK-19358, FLINK-29109).
fn next_job_id(pass: &Pass<'_>, plan: &Plan) -> String {
    let last_state = plan.upgrade_mode() == Some(UpgradeMode::LastState);
    let kept = pass.status.job_status.job_id.clone().filter(|_| last_state);
    plan.fixed_job_id()
        .map(|id| id.to_string())
        .or(kept)
        .unwrap_or_else(|| pass.given.ids.job_id.to_string())
}

/// The status names what the new job starts from. A path that an earlier job had left is no restore point of this one.
fn note_restore(pass: &mut Pass<'_>, plan: &Plan) {
    let path = &mut pass.status.job_status.upgrade_savepoint_path;
    match plan.restore(pass.observed, path.as_deref()) {
        Restore::Savepoint { .. } => {}
        Restore::LastState { has_checkpoint: true } => {
            *path = Some(names::LAST_STATE_SAVEPOINT_PATH.to_owned());
        }
        Restore::LastState { has_checkpoint: false } | Restore::Empty => *path = None,
    }
}

/// Whether an earlier pass has recorded what is about to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    IsNew,
    IsRecorded,
}

pub(super) fn create(mut pass: Pass<'_>, plan: &Plan, intent: Intent) -> Decision {
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
        Err(faults) => invalid(pass, &faults),
    }
}

pub(super) fn mode_of(spec: &FlinkDeploymentSpec) -> Option<UpgradeMode> {
    spec.job.as_ref().and_then(|job| job.upgrade_mode.clone())
}

/// Every object stands: the record says so, and the JobManager's start is awaited.
fn deployed(mut pass: Pass<'_>, plan: &Plan) -> Decision {
    plan.record_success(&mut pass);
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Deploying;
    if plan.spec.job.is_some() {
        set_job_state(&mut pass, FlinkJobStatus::Reconciling);
    }
    let requeue = Requeue::After(pass.given.settings.progress_interval);
    pass.end(Because::WaitingFor(Wait::JobManagerPod { detail: String::new() }), requeue)
}

fn set_job_state(pass: &mut Pass<'_>, state: FlinkJobStatus) {
    pass.status.job_status.state = Some(state);
}

/// The recorded spec as it is deployed: the record says `suspended` until the deployment has succeeded.
pub(super) fn as_running(mut spec: FlinkDeploymentSpec) -> FlinkDeploymentSpec {
    if let Some(job) = &mut spec.job {
        job.state = Some(JobState::Running);
    }
    spec
}

pub(super) fn name_taken(pass: &Pass<'_>, deployment: &JobManagerDeployment) -> Stuck {
    let name = pass.given.name();
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
    Stuck::NameTaken { message }
}

/// Nothing is done with a spec that has faults; they are told once.
pub(super) fn invalid(mut pass: Pass<'_>, faults: &[Fault]) -> Decision {
    let text = crate::fault::summary(faults);
    pass.refuse_spec(&text);
    pass.end(Because::NeedsUser(Stuck::InvalidSpec { faults: text }), Requeue::OnChange)
}
