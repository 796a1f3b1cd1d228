//! One decision for each invariant that breaks it, beside one that is nearly the same and does not.

use std::collections::BTreeMap;

use flink_operator_api::{ReconciliationState, UpgradeMode};
use serde_json::{Value, json};

use super::*;
use crate::build::native::ClusterObjects;
use crate::conf::options::operator::resource::{CheckpointType, SavepointFormat};
use crate::observed::{
    Asked, Checkpoints, HaData, JobManagerDeployment, JobManagerPod, JobView, Owner, Replicas, Seen,
};
use crate::reconcile::decision::{Event, Requeue, SavepointRequest};

const JOB: &str = "0123456789abcdef0123456789abcdef";

/// A resource whose job keeps its state, what was seen of it, and what was decided.
struct Case {
    resource: FlinkDeployment,
    observed: Observed,
    actions: Vec<Action>,
    because: Because,
}

/// A job that runs, and whose cluster was seen.
fn running() -> Case {
    let mut resource: FlinkDeployment = serde_json::from_value(json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "a", "namespace": "n", "uid": "u"},
        "spec": {"job": {"jarURI": "local:///j.jar", "upgradeMode": "last-state"}},
    }))
    .unwrap();
    resource.status = Some(status(ReconciliationState::Deployed, "last-state"));
    let mut observed = Observed::nothing();
    observed.job_manager = Seen::Present(deployment());
    observed.jobs = Asked::present_is(vec![JobView {
        id: JOB.to_owned(),
        name: "j".to_owned(),
        state: FlinkJobStatus::Running,
        start_time_ms: 5,
        changed_at_ms: None,
    }]);
    Case { resource, observed, actions: Vec::new(), because: Because::UpToDate }
}

/// What a recorded upgrade leaves when the old cluster is gone.
fn replacing(mode: &str) -> Case {
    let mut case = running();
    case.resource.status = Some(status(ReconciliationState::Upgrading, mode));
    case.observed.job_manager = Seen::Absent;
    case.observed.jobs = Asked::unanswered("there is no JobManager");
    case
}

fn deleting() -> Case {
    let mut case = running();
    case.resource.metadata.deletion_timestamp =
        serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
    case.status().lifecycle_state = Some(LifecycleState::Deleting);
    case
}

fn status(state: ReconciliationState, mode: &str) -> FlinkDeploymentStatus {
    let mut status = FlinkDeploymentStatus::default();
    status.reconciliation_status.state = state;
    status.reconciliation_status.last_reconciled_spec = Some(record(mode));
    status.job_status.job_id = Some(JOB.to_owned());
    status.job_status.state = Some(FlinkJobStatus::Reconciling);
    status
}

fn record(mode: &str) -> String {
    json!({"spec": {"job": {"jarURI": "local:///j.jar", "upgradeMode": mode}}}).to_string()
}

fn deployment() -> JobManagerDeployment {
    JobManagerDeployment {
        uid: "seen".to_owned(),
        owner: Owner::This,
        generation: Some(1),
        created_at: None,
        deleting: false,
        replicas: Replicas::Wanted,
        available: true,
        never_available: false,
        replica_failure: None,
    }
}

impl Case {
    fn status(&mut self) -> &mut FlinkDeploymentStatus {
        self.resource.status.get_or_insert_default()
    }

    fn does(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.actions.extend(actions);
        self
    }

    fn records(mut self, change: impl FnOnce(&mut FlinkDeploymentStatus)) -> Self {
        let mut next = self.status().clone();
        change(&mut next);
        self.does([Action::Record(Box::new(next))])
    }

    fn sees_ha_data(mut self, has_checkpoint: bool) -> Self {
        let config_maps = vec!["a-cluster-config-map".to_owned()];
        self.observed.ha_data =
            Asked::present_is(HaData { config_maps, has_checkpoint, ..HaData::default() });
        self
    }

    #[track_caller]
    fn keeps(self) {
        assert_eq!(self.outcome(), Ok(()), "{:?}", self.actions);
    }

    #[track_caller]
    fn breaks(self, name: &str) {
        let broken = self.outcome().expect_err("an invariant is broken");
        assert_eq!(broken.name(), name, "{broken}");
    }

    fn outcome(&self) -> Result<(), BrokenInvariant> {
        let (actions, because) = (self.actions.clone(), self.because.clone());
        let decision = Decision { actions, because, requeue: Requeue::OnChange };
        check(&decision, &self.resource, &self.observed)
    }
}

fn create(existing: Option<&str>) -> Action {
    let objects =
        ClusterObjects { deployment: Value::Null, accompanying: Vec::new(), ignored: Vec::new() };
    Action::CreateCluster { objects: Box::new(objects), existing: existing.map(str::to_owned) }
}

fn delete(uid: &str) -> Action {
    Action::DeleteJobManager { uid: uid.to_owned() }
}

fn cancel(job_id: &str) -> Action {
    Action::CancelJob { job_id: job_id.to_owned() }
}

fn savepoint() -> Action {
    Action::TriggerSavepoint { job_id: JOB.to_owned(), savepoint: request() }
}

fn stop() -> Action {
    Action::StopWithSavepoint { job_id: JOB.to_owned(), savepoint: request(), drain: false }
}

fn request() -> SavepointRequest {
    SavepointRequest {
        trigger_id: "t".to_owned(),
        directory: None,
        format: SavepointFormat::Canonical,
    }
}

fn is_requested(status: &mut FlinkDeploymentStatus) {
    status.job_status.savepoint_info.trigger_id = Some("t".to_owned());
    status.job_status.savepoint_info.trigger_type = Some(SnapshotTriggerType::Upgrade);
}

fn is_replaced(status: &mut FlinkDeploymentStatus) {
    status.reconciliation_status.state = ReconciliationState::Upgrading;
}

fn is_cancelled(status: &mut FlinkDeploymentStatus) {
    is_replaced(status);
    status.job_status.state = Some(FlinkJobStatus::Cancelling);
}

#[test]
fn second_action_that_cannot_be_undone_is_refused() {
    running().records(is_cancelled).does([cancel(JOB)]).keeps();
    let twice = running().records(is_cancelled).does([cancel(JOB), delete("seen")]);
    twice.breaks("SecondIrreversibleAction");
}

#[test]
fn action_without_a_record_before_it_is_refused() {
    running().records(is_replaced).does([delete("seen")]).keeps();
    running().does([delete("seen")]).breaks("IntentNotRecorded");
    running().does([delete("seen")]).records(is_replaced).breaks("IntentNotRecorded");
    running().does([cancel(JOB)]).breaks("IntentNotRecorded");
    let mut fresh = replacing("last-state").does([create(None)]);
    fresh.resource.status = None;
    fresh.breaks("IntentNotRecorded");
    running().does([stop()]).breaks("IntentNotRecorded");
    let path = "s3://b/1".to_owned();
    let mut newest = running();
    newest.status().job_status.upgrade_savepoint_path = Some(path.clone());
    newest.does([Action::DisposeSavepoint { path }]).breaks("IntentNotRecorded");
}

#[test]
fn what_is_unknown_is_not_acted_upon() {
    let mut blind = replacing("last-state");
    blind.observed.job_manager = Seen::unknown("timed out");
    blind.does([create(None)]).breaks("ActedOnUnknown");
    let mut blind = running().records(is_replaced).does([delete("seen")]);
    blind.observed.job_manager = Seen::unknown("timed out");
    blind.breaks("ActedOnUnknown");
    replacing("savepoint").does([Action::DeleteHaData]).breaks("ActedOnUnknown");
    replacing("savepoint").does([Action::ForgetJobGraphs]).breaks("ActedOnUnknown");
    let mut silent = running().records(is_requested).does([stop()]);
    silent.observed.jobs = Asked::unanswered("timed out");
    silent.breaks("ActedOnUnknown");
    let mut silent = deleting().does([Action::RemoveFinalizer]);
    silent.observed.job_manager = Seen::unknown("timed out");
    silent.breaks("ActedOnUnknown");
    let rescale = Action::Rescale { job_id: JOB.to_owned(), bounds: BTreeMap::new() };
    running().does([rescale.clone()]).keeps();
    let mut gone = running().does([rescale]);
    gone.observed.jobs = Asked::present_is(Vec::new());
    gone.breaks("ActedOnUnknown");
}

#[test]
fn deployment_that_was_not_seen_is_left_alone() {
    running().records(is_replaced).does([delete("other")]).breaks("UidNotSeen");
    let stop = Action::StopJobManager { uid: "other".to_owned() };
    running().records(is_replaced).does([stop]).breaks("UidNotSeen");
    running().records(is_replaced).does([create(Some("other"))]).breaks("UidNotSeen");
}

#[test]
fn deployment_of_somebody_else_is_left_alone() {
    let mut foreign = running().records(is_replaced).does([delete("seen")]);
    let owner = Owner::Other { described: "a Helm release".to_owned() };
    foreign.observed.job_manager = Seen::Present(JobManagerDeployment { owner, ..deployment() });
    foreign.breaks("NotOurs");
}

#[test]
fn second_cluster_is_not_created_beside_the_first() {
    replacing("last-state").does([create(None)]).keeps();
    running().records(is_replaced).does([create(None)]).breaks("SecondCluster");
    let mut pods = replacing("last-state").does([create(None)]);
    pods.observed.pods = vec![JobManagerPod {
        name: "a-1".to_owned(),
        uid: "p".to_owned(),
        deleting: true,
        created_at: None,
        ready_since: None,
        unschedulable: None,
        sandbox_ready: true,
        failed: None,
        containers: Vec::new(),
    }];
    pods.breaks("SecondCluster");
}

#[test]
fn high_availability_data_that_the_next_job_restores_from_stay() {
    let case = |mode: &str| replacing(mode).sees_ha_data(false).does([Action::DeleteHaData]);
    case("savepoint").keeps();
    case("last-state").breaks("HaDataInUse");
    let mut redeployed = case("last-state");
    redeployed.resource.spec.job.as_mut().unwrap().savepoint_redeploy_nonce = Some(1);
    redeployed.keeps();
    let mut in_use = case("savepoint");
    in_use.observed.job_manager = Seen::Present(deployment());
    in_use.breaks("HaDataInUse");
    let session = |action: Action| {
        let mut case = replacing("last-state").sees_ha_data(true).does([action]);
        let record = json!({"spec": {"flinkVersion": "v2_2"}}).to_string();
        case.status().reconciliation_status.last_reconciled_spec = Some(record);
        case
    };
    session(Action::DeleteHaData).breaks("HaDataInUse");
    session(Action::ForgetJobGraphs).breaks("HaDataInUse");
}

#[test]
fn job_whose_state_was_seen_does_not_start_empty() {
    let empty = || replacing("stateless").does([create(None)]);
    empty().keeps();
    empty().sees_ha_data(false).keeps();
    empty().sees_ha_data(true).breaks("StateDropped");
    let mut wanted = empty().sees_ha_data(true);
    wanted.resource.spec.job.as_mut().unwrap().upgrade_mode = Some(UpgradeMode::Stateless);
    wanted.keeps();
    let drops = running().records(|status| {
        is_replaced(status);
        status.reconciliation_status.last_reconciled_spec = Some(record("stateless"));
    });
    let mut ended = drops;
    ended.observed.last_checkpoint = Asked::present_is("s3://b/chk-1".to_owned());
    ended.breaks("StateDropped");
    let mut never = empty();
    never.observed.checkpoints = Asked::present_is(Checkpoints::default());
    never.keeps();
    replacing("stateless").sees_ha_data(true).does([Action::DeleteHaData]).breaks("StateDropped");
}

#[test]
fn path_is_in_the_status_before_what_held_the_job_is_deleted() {
    let to_a_path = |path: Option<&str>| {
        running()
            .records(|status| {
                is_replaced(status);
                status.reconciliation_status.last_reconciled_spec = Some(record("savepoint"));
                status.job_status.upgrade_savepoint_path = path.map(str::to_owned);
            })
            .does([delete("seen")])
    };
    to_a_path(Some("s3://b/1")).keeps();
    to_a_path(None).breaks("RestorePathNotRecorded");
    replacing("savepoint").does([create(None)]).breaks("RestorePathNotRecorded");
}

#[test]
fn request_to_another_job_is_refused() {
    running().records(is_cancelled).does([cancel("other")]).breaks("UnknownJob");
}

#[test]
fn savepoint_is_requested_under_a_recorded_id_and_once() {
    running().records(is_requested).does([savepoint()]).keeps();
    running().does([savepoint()]).breaks("RequestNotRecorded");
    let checkpoint = Action::TriggerCheckpoint {
        job_id: JOB.to_owned(),
        trigger_id: "t".to_owned(),
        kind: CheckpointType::Full,
    };
    running().does([checkpoint]).breaks("RequestNotRecorded");
    running().records(is_requested).does([savepoint(), stop()]).breaks("SecondRequest");
}

#[test]
fn finalizer_goes_last() {
    let gone = || {
        let mut case = deleting();
        case.observed.job_manager = Seen::Absent;
        case
    };
    let event = Action::Publish(Event::normal("Cleanup", "done"));
    gone().does([Action::RemoveFinalizer, event]).keeps();
    gone()
        .does([Action::RemoveFinalizer])
        .records(|status| status.error = Some("e".to_owned()))
        .breaks("FinalizerTooEarly");
    gone().sees_ha_data(false).does([Action::RemoveFinalizer]).breaks("FinalizerTooEarly");
    deleting().does([Action::RemoveFinalizer]).breaks("FinalizerTooEarly");
    let mut kept = gone().does([Action::RemoveFinalizer]);
    kept.resource.metadata.deletion_timestamp = None;
    kept.breaks("FinalizerTooEarly");
    let mut canary = deleting().does([Action::RemoveFinalizer]);
    canary.because = Because::NotOurs;
    canary.keeps();
}

#[test]
fn status_claims_nothing_that_was_not_seen() {
    let runs = |status: &mut FlinkDeploymentStatus| {
        status.job_status.state = Some(FlinkJobStatus::Running);
    };
    running().records(runs).keeps();
    let mut silent = running().records(runs);
    silent.observed.jobs = Asked::unanswered("timed out");
    silent.breaks("ClaimNotSeen");
    let ready = |status: &mut FlinkDeploymentStatus| {
        status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
    };
    running().records(ready).keeps();
    let mut starting = running().records(ready);
    starting.observed.job_manager =
        Seen::Present(JobManagerDeployment { available: false, ..deployment() });
    starting.breaks("ClaimNotSeen");
}

#[test]
fn job_is_suspended_when_nothing_of_it_runs() {
    let suspended = |status: &mut FlinkDeploymentStatus| {
        status.lifecycle_state = Some(LifecycleState::Suspended);
    };
    running().records(suspended).breaks("SuspendedWhileRunning");
    replacing("savepoint").records(suspended).keeps();
}

#[test]
fn record_of_what_was_deployed_is_never_dropped() {
    running()
        .records(|status| status.reconciliation_status.last_reconciled_spec = None)
        .breaks("RecordDropped");
}
