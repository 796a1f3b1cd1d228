//! Somebody who edits the resource while a scenario is played, and what must be true of the resource afterwards.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flink_operator_api::{
    DeploymentMode, FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus,
    JobState, LifecycleState, ReconciliationState,
};
use flink_operator_core::diff::{self, DiffType};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use simulated_flink::behaviour::Behaviour;

use super::application::{BROKEN_IMAGE, NO_SAVEPOINT, NOT_A_MEMORY, RESOURCE};
use super::invariants;
use super::plan::{OPERATOR, OfEdit, Place};
use super::stage::{self, Stage, Stuck};

/// How long a user who suspends a job waits for that before resuming it.
const SUSPENDED_WITHIN: Duration = Duration::from_mins(2);
/// From the end of a scenario to an edit after it.
const REST: Duration = Duration::from_mins(2);

/// The specs that the resource has had, by generation.
#[derive(Clone, Debug, Default)]
struct Specs(Arc<Mutex<Vec<(i64, Value)>>>);

impl Specs {
    /// Follows the resource from now on.
    fn follow(stage: &Stage) -> Self {
        let specs = Self::default();
        let mut changes = stage.world.follow();
        let noted = specs.clone();
        tokio::spawn(async move {
            while let Some(seen) = changes.recv().await {
                if seen.kind.plural != "flinkdeployments" {
                    continue;
                }
                let object = &seen.change.object.object;
                let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
                let mut noted = noted.0.lock().unwrap_or_else(PoisonError::into_inner);
                if let (Some(generation), Some(spec)) = (generation, object.get("spec"))
                    && noted.last().is_none_or(|(last, _)| *last < generation)
                {
                    noted.push((generation, spec.clone()));
                }
            }
        });
        specs
    }

    /// The one before the newest.
    fn before(&self) -> Option<Value> {
        let specs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, spec) = specs.len().checked_sub(2).and_then(|index| specs.get(index))?;
        Some(spec.clone())
    }
}

/// Waits until the run has come to this place.
pub async fn reached(stage: &Stage, place: Place) -> Result<(), Stuck> {
    let told = match place {
        Place::Start => {
            return stage.until_seen("the resource to be there", || stage.is_there()).await;
        }
        Place::Request(nth) => stage.world.after_request(OPERATOR, nth),
        Place::Rest(nth) => stage.flink.after_call(OPERATOR, nth),
        Place::End => return Ok(()),
    };
    match tokio::time::timeout(stage::PATIENCE, told).await {
        Ok(_) => Ok(()),
        Err(_) => Err(stage.stuck("the place of the edit")),
    }
}

/// Plays a scenario with an edit at a place of it, until the resource is as its last spec wants it.
pub async fn play(
    stage: &Stage,
    scenario: BoxFuture<'_, Result<(), Stuck>>,
    place: Place,
    of: OfEdit,
) -> Result<(), Stuck> {
    let specs = Specs::follow(stage);
    if place == Place::End {
        scenario.await?;
        stage.pass(REST).await;
        edit(stage, &specs, of).await?;
    } else if of.scenario_goes_on() {
        let edited = async {
            reached(stage, place).await?;
            edit(stage, &specs, of).await
        };
        let (played, edited) = futures::join!(scenario, edited);
        played.and(edited)?;
    } else {
        let mut scenario = scenario;
        let reached = reached(stage, place);
        tokio::pin!(reached);
        tokio::select! {
            biased;
            reached = &mut reached => reached?,
            played = &mut scenario => {
                played?;
                reached.await?;
            }
        }
        drop(scenario);
        edit(stage, &specs, of).await?;
        mend(stage).await?;
        restore_by_hand_if_asked(stage).await?;
    }
    if of == OfEdit::Label {
        return Ok(());
    }
    stage
        .until("the resource to be as its last spec wants it", |resource| {
            resource.is_none_or(|resource| unmatched(stage, resource).is_none())
        })
        .await
}

/// What the scenario has broken works again, as it would have in the end; and what goes on for ever by the clock ends, for
/// there would be no quiet.
async fn mend(stage: &Stage) -> Result<(), Stuck> {
    stage.flink.change(RESOURCE, |behaviour| *behaviour = Behaviour::default());
    stage.remove("resourcequotas", "small");
    stage.make_way();
    let Some(resource) = stage.resource() else { return Ok(()) };
    let configuration =
        serde_json::to_value(&resource.spec.flink_configuration).unwrap_or_default();
    for key in [
        "kubernetes.operator.cluster.health-check.enabled",
        "kubernetes.operator.periodic.savepoint.interval",
    ] {
        if configuration.get(key).is_some() {
            stage.edit(json!({"spec": {"flinkConfiguration": {key: null}}})).await?;
        }
    }
    Ok(())
}

/// Does what users do when the operator can do no more: where nobody knows the job's newest state, it is restored by hand,
/// and where Flink does not come to an end with a savepoint, its JobManager is started again.
async fn restore_by_hand_if_asked(stage: &Stage) -> Result<(), Stuck> {
    until_matched_or_told(stage, &["Manual restore required", "It is awaited"]).await?;
    let told = |text| stage.resource().is_some_and(|resource| stage::tells(&resource, text));
    if told("It is awaited") {
        stage.kill_job_manager();
        until_matched_or_told(stage, &["Manual restore required"]).await?;
    }
    if !told("Manual restore required") {
        return Ok(());
    }
    let newest = "s3://state/savepoints/by-the-users-hand";
    stage.copy_newest_state(newest);
    stage.allow_rewind();
    let chosen = json!({"initialSavepointPath": newest, "savepointRedeployNonce": 77});
    stage.edit(json!({"spec": {"job": chosen}})).await
}

async fn until_matched_or_told(stage: &Stage, texts: &[&str]) -> Result<(), Stuck> {
    stage
        .until("the resource to be as its last spec wants it, or its user to be asked", |found| {
            found.is_none_or(|resource| unmatched(stage, resource).is_none())
                || found.is_some_and(|found| texts.iter().any(|text| stage::tells(found, text)))
        })
        .await
}

async fn edit(stage: &Stage, specs: &Specs, of: OfEdit) -> Result<(), Stuck> {
    let Some(resource) = stage.resource() else { return Ok(()) };
    let before = resource.spec.clone();
    let done = match of {
        OfEdit::Label => {
            let metadata = json!({"labels": {"team": "blue"}, "annotations": {"seen": "by-us"}});
            stage.edit(json!({"metadata": metadata})).await
        }
        OfEdit::SecondChange => change(stage, &before, "web.refresh-interval", "5000").await,
        OfEdit::Overrides => {
            change(stage, &before, "pipeline.jobvertex-parallelism-overrides", "vertex:4").await
        }
        OfEdit::Parallelism => {
            allow_as(stage, &before);
            stage.edit(json!({"spec": {"job": {"parallelism": 4}}})).await
        }
        OfEdit::Revert => match specs.before() {
            Some(spec) => {
                allow_as(stage, &before);
                allow_as_of(stage, &before, &spec);
                stage.replace_spec(&spec).await
            }
            None => Ok(()),
        },
        OfEdit::SuspendAndResume => {
            allow_as(stage, &before);
            let suspended = stage.edit(json!({"spec": {"job": {"state": "suspended"}}})).await;
            if !stage.is_there() {
                return Ok(());
            }
            suspended?;
            // A cluster that has never run may not be able to be suspended in good order; the user resumes it anyway.
            drop(tokio::time::timeout(SUSPENDED_WITHIN, stage.until_suspended()).await);
            stage.edit(json!({"spec": {"job": {"state": "running"}}})).await
        }
        OfEdit::Delete => {
            stage.delete().await?;
            return stage.until_gone().await;
        }
    };
    // Whoever edits what has gone meanwhile has nothing to edit.
    if stage.is_there() { done } else { Ok(()) }
}

async fn change(
    stage: &Stage,
    before: &FlinkDeploymentSpec,
    key: &str,
    value: &str,
) -> Result<(), Stuck> {
    allow_as(stage, before);
    stage.edit(json!({"spec": {"flinkConfiguration": {key: value}}})).await
}

/// Whoever changes a stateless application wants it to start anew.
fn allow_as(stage: &Stage, spec: &FlinkDeploymentSpec) {
    let mode = spec.job.as_ref().and_then(|job| job.upgrade_mode.as_ref());
    if mode.is_some_and(|mode| serde_json::to_value(mode).is_ok_and(|mode| mode == "stateless")) {
        stage.allow_rewind();
    }
}

/// A nonce that asks for a start from a chosen savepoint asks for that when it is taken back as well.
fn allow_as_of(stage: &Stage, before: &FlinkDeploymentSpec, after: &Value) {
    let nonce = before.job.as_ref().and_then(|job| job.savepoint_redeploy_nonce);
    let after = after.pointer("/job/savepointRedeployNonce").and_then(Value::as_i64);
    if nonce != after {
        stage.allow_rewind();
    }
}

/// What is not as the spec wants it, in the status and among the jobs. `None`: all is.
pub fn unmatched(stage: &Stage, resource: &FlinkDeployment) -> Option<String> {
    let Some(status) = &resource.status else { return Some("there is no status".to_owned()) };
    let running = invariants::running(&stage.flink);
    if is_hopeless(stage, &resource.spec) {
        let rolls_back = resource.spec.flink_configuration.as_ref().is_some_and(|configuration| {
            let key = "kubernetes.operator.deployment.rollback.enabled";
            let configuration = serde_json::to_value(configuration).unwrap_or_default();
            configuration.get(key).is_some_and(|value| value == "true")
        });
        let was_stable = status.reconciliation_status.last_stable_spec.is_some();
        let was_rolled_back = rolls_back
            && was_stable
            && status.reconciliation_status.state == ReconciliationState::RolledBack
            && running == 1;
        return (!was_rolled_back && status.error.is_none())
            .then(|| "a spec that cannot work is neither told of nor rolled back".to_owned());
    }
    let has_finished = status.job_status.state == Some(FlinkJobStatus::Finished);
    if has_finished && running == 0 && stage::tells(resource, "Manual restore required") {
        // Flink deletes the checkpoints of a job that has finished, so a change that is to keep its state is held.
        return None;
    }
    if !stage::is_observed(resource) {
        return Some("the newest generation was not observed".to_owned());
    }
    if let Some(difference) = not_recorded(status, &resource.spec) {
        return Some(difference);
    }
    let job = resource.spec.job.as_ref();
    if job.is_some_and(|job| job.state == Some(JobState::Suspended)) {
        let is_suspended = status.lifecycle_state == Some(LifecycleState::Suspended);
        return (!is_suspended || running > 0)
            .then(|| format!("{running} jobs run of a suspended application"));
    }
    match (&status.reconciliation_status.state, &status.job_status.state) {
        (
            ReconciliationState::Deployed | ReconciliationState::RolledBack,
            Some(FlinkJobStatus::Running),
        ) if running == 1 => None,
        (
            ReconciliationState::Deployed,
            // Somebody has cancelled it: when the operator does, the state says UPGRADING.
            Some(FlinkJobStatus::Finished | FlinkJobStatus::Failed | FlinkJobStatus::Canceled),
        ) if running == 0 => None,
        (deployed, job) => Some(format!("{deployed:?}, {job:?}, {running} jobs run")),
    }
}

/// How the spec that was deployed differs from the one that is wanted, in what matters to what is deployed: a change of
/// the operator's own options is not recorded.
fn not_recorded(status: &FlinkDeploymentStatus, wanted: &FlinkDeploymentSpec) -> Option<String> {
    let text = status.reconciliation_status.last_reconciled_spec.as_deref()?;
    let record: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let spec = record.get("spec").cloned().unwrap_or(Value::Null);
    let Ok(recorded) = serde_json::from_value::<FlinkDeploymentSpec>(spec) else {
        return Some(format!("the record cannot be read: {text}"));
    };
    let difference = diff::deployment(&recorded, wanted, &DeploymentMode::Native);
    (difference.diff_type() != DiffType::Ignore)
        .then(|| format!("the record is not the spec: {difference}"))
}

/// Whether nothing can come of a spec in a scenario. A savepoint that is not there is none of a job that runs: it started
/// from another one.
fn is_hopeless(stage: &Stage, spec: &FlinkDeploymentSpec) -> bool {
    let memory = spec.job_manager.as_ref().and_then(|job_manager| {
        job_manager.resource.as_ref().and_then(|resource| resource.memory.as_deref())
    });
    let path = spec.job.as_ref().and_then(|job| job.initial_savepoint_path.as_deref());
    spec.image.as_deref() == Some(BROKEN_IMAGE)
        || memory == Some(NOT_A_MEMORY)
        || path == Some(NO_SAVEPOINT)
            && stage.flink.snapshot(NO_SAVEPOINT).is_none()
            && invariants::running(&stage.flink) == 0
}
