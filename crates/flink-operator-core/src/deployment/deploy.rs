//! Bringing a cluster up: the first time, after an upgrade has taken the old one down, and after a crash in between.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    JobState, ReconciliationState, UpgradeMode, names,
};

use super::choice::{From, Stop};
use super::options::JobOptions;
use super::pass::Pass;
use super::plan::Plan;
use super::{
    Recorded, difference, exceptions, old_cluster, restore_point, stop, upgrade, wants_running,
};
use crate::decision::{Action, Because, Decision, Event, Requeue, Stuck, Wait};
use crate::diff::DiffType;
use crate::effective::Restore;
use crate::fault::Fault;
use crate::observed::{JobManagerDeployment, Owner, Seen};
use crate::record::error::{ErrorClass, StatusError};

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

/// The old cluster is gone, or there never was one: the next one is made from the newest valid spec.
fn replace(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    if let Some(desired) = redeployment(&pass, recorded) {
        return replace_from_savepoint(pass, recorded, desired);
    }
    if let Some(desired) = given_up(&pass, recorded) {
        restore_point::announce(&mut pass, From::Nothing);
        return upgrade::take_down(pass, recorded, desired.clone(), Stop::Ended);
    }
    if pass.status.job_status.upgrade_savepoint_path.is_none() && starts_from_path(recorded) {
        pass.status.job_status.upgrade_savepoint_path = pass.last_known_path();
    }
    if pass.status.job_status.upgrade_savepoint_path.is_none() && starts_from_path(recorded) {
        let message = "The job was stopped to go on from a savepoint, and no path of one is recorded. Set \
                       spec.job.initialSavepointPath and a new spec.job.savepointRedeployNonce to say where it goes \
                       on."
            .to_owned();
        return pass.end(Because::NeedsUser(Stuck::ClusterLost { message }), Requeue::OnChange);
    }
    let going_back = pass.status.reconciliation_status.state == ReconciliationState::RollingBack;
    let mut newest = if going_back {
        as_running(recorded.spec.clone())
    } else {
        // An invalid edit in between does not keep the job down: it comes back as it was last asked for.
        stop::next_spec(&pass, recorded)
    };
    let runs = wants_running(&newest);
    let first_attempt =
        recorded.resource_metadata.as_ref().is_some_and(|metadata| metadata.first_deployment);
    if first_attempt && pass.status.observed_generation != Some(pass.given.generation()) {
        return first(pass);
    }
    let mut mode = mode_of(&recorded.spec);
    if has_run_after_all(&pass, mode.as_ref()) {
        mode = Some(UpgradeMode::LastState);
    }
    if !first_attempt
        && let Some(detour) = prepare_ha_data(&mut pass, recorded, mode.as_ref(), runs)
    {
        return detour.end(pass);
    }
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    let mode_is_recorded = mode == mode_of(&recorded.spec);
    if let Some(job) = &mut newest.job
        && !going_back
    {
        job.upgrade_mode = mode;
    }
    let generation = if going_back {
        pass.status.observed_generation.unwrap_or_else(|| pass.given.generation())
    } else {
        pass.target_generation()
    };
    if !runs {
        return suspended(pass, newest, generation);
    }
    let intent_is_fresh = pass.status.job_status.job_id.is_some()
        && pass.status.observed_generation == Some(generation)
        && !matches!(
            pass.status.job_status.state,
            Some(FlinkJobStatus::Cancelling | FlinkJobStatus::Finished)
        );
    if intent_is_fresh {
        let intent = if mode_is_recorded { Intent::IsRecorded } else { Intent::IsNew };
        return match Plan::new(pass.given, newest, generation) {
            Ok(plan) => create(pass, &plan, intent),
            Err(faults) => invalid(pass, &faults),
        };
    }
    start(pass, newest, generation, false)
}

/// What the user wants instead of what the record has begun: a start from a savepoint of their choice. Where the state
/// that the record names is lost, this is the way on that the message tells of.
fn redeployment<'a>(pass: &Pass<'a>, recorded: &Recorded) -> Option<&'a FlinkDeploymentSpec> {
    let desired = &pass.given.validated.as_ref().ok()?.spec;
    let going_back = pass.status.reconciliation_status.state == ReconciliationState::RollingBack;
    let asked = difference(recorded, desired).diff_type() == DiffType::SavepointRedeploy;
    (asked && !going_back && wants_running(desired)).then_some(desired)
}

/// The user has said since the record was made that the job starts empty. Upstream takes the recorded mode unless the spec
/// says `stateless`, too. A path that the user has chosen stays chosen: manifests with that mode go back to a savepoint by
/// the nonce alone.
fn given_up<'a>(pass: &Pass<'a>, recorded: &Recorded) -> Option<&'a FlinkDeploymentSpec> {
    let desired = &pass.given.validated.as_ref().ok()?.spec;
    let stateful =
        matches!(mode_of(&recorded.spec), Some(UpgradeMode::Savepoint | UpgradeMode::LastState));
    let edited = pass.status.observed_generation != Some(pass.given.generation());
    let path = pass.status.job_status.upgrade_savepoint_path.as_ref();
    let chosen = recorded.spec.job.as_ref().and_then(|job| job.initial_savepoint_path.as_ref());
    let is_chosen = path.is_some() && path == chosen;
    let going_back = pass.status.reconciliation_status.state == ReconciliationState::RollingBack;
    let stateless = pass.given.may_start_empty() && wants_running(desired);
    (stateful && edited && stateless && !is_chosen && !going_back).then_some(desired)
}

fn replace_from_savepoint(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
) -> Decision {
    let mode = Some(UpgradeMode::Savepoint);
    if let Some(detour) = prepare_ha_data(&mut pass, recorded, mode.as_ref(), true) {
        return detour.end(pass);
    }
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    let spec = upgrade::from_initial_savepoint(&mut pass, desired);
    let generation = pass.target_generation();
    start(pass, spec, generation, false)
}

/// The job was found without state, and was about to start empty; but until its cluster was gone it has run, and left
/// checkpoints. Only a user's word gives these up.
fn has_run_after_all(pass: &Pass<'_>, mode: Option<&UpgradeMode>) -> bool {
    let asked = pass.given.validated.as_ref().ok().and_then(|valid| mode_of(&valid.spec));
    let is_stateful = matches!(asked, Some(UpgradeMode::LastState | UpgradeMode::Savepoint));
    let left = pass.observed.ha_data.present().is_some_and(|data| data.has_checkpoint);
    mode == Some(&UpgradeMode::Stateless) && is_stateful && left
}

/// What ends a pass before the next cluster is made.
enum Detour {
    Wait(Wait, Requeue),
    Stuck(Stuck),
}

impl Detour {
    fn end(self, pass: Pass<'_>) -> Decision {
        match self {
            Self::Wait(wait, requeue) => pass.end(Because::WaitingFor(wait), requeue),
            Self::Stuck(stuck) => {
                let requeue = Requeue::After(pass.given.settings.reconcile_interval);
                pass.end(Because::NeedsUser(stuck), requeue)
            }
        }
    }
}

/// Sees to it that the next JobManager finds what it should in the high availability data: nothing of the old job when
/// it starts from a savepoint or empty, the checkpoints and not the old job graph when it goes on from the last state.
fn prepare_ha_data(
    pass: &mut Pass<'_>,
    recorded: &Recorded,
    mode: Option<&UpgradeMode>,
    runs: bool,
) -> Option<Detour> {
    let last_state = mode == Some(&UpgradeMode::LastState);
    match &pass.observed.ha_data {
        Seen::Unknown { why } if pass.needs_ha_answer() => {
            let requeue = Requeue::After(pass.given.settings.progress_interval);
            Some(Detour::Wait(Wait::Sight { why: why.clone() }, requeue))
        }
        Seen::Present(data) if last_state && data.job_metadata => {
            if data.has_job_graph {
                pass.act(Action::ForgetJobGraphs);
            }
            None
        }
        // Flink looks there itself, and fails if there is nothing.
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. }
            if last_state && JobOptions::of_current(pass.given).keeps_unseen_ha_data() =>
        {
            None
        }
        // Whoever wants it suspended is told when it is to run again.
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } if last_state && !runs => None,
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } if last_state => {
            let message = format!(
                "HA metadata is not available, and the job was stopped to go on from it. What it knew of its last \
                 checkpoint is gone. Manual restore required: set spec.job.initialSavepointPath and a new \
                 spec.job.savepointRedeployNonce; or spec.job.upgradeMode stateless, to start empty.{}",
                restore_point::hint(pass, recorded)
            );
            pass.set_error(&StatusError::new(ErrorClass::UpgradeFailure, message.as_str()));
            Some(Detour::Stuck(Stuck::ClusterLost { message }))
        }
        Seen::Present(data) if !data.config_maps.is_empty() => {
            pass.act(Action::DeleteHaData);
            Some(Detour::Wait(Wait::OldCluster, Requeue::Now))
        }
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } => None,
    }
}

pub(super) fn starts_from_path(recorded: &Recorded) -> bool {
    mode_of(&recorded.spec) == Some(UpgradeMode::Savepoint)
}

/// The job was to be suspended, and what ran is gone.
fn suspended(mut pass: Pass<'_>, spec: FlinkDeploymentSpec, generation: i64) -> Decision {
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
enum Intent {
    IsNew,
    IsRecorded,
}

fn create(mut pass: Pass<'_>, plan: &Plan, intent: Intent) -> Decision {
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

fn mode_of(spec: &FlinkDeploymentSpec) -> Option<UpgradeMode> {
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
