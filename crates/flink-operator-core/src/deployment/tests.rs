//! Decisions as data: a resource, what was seen, and what is done about it.

mod deletion;
mod empty_start;
mod exceptions;
mod fears;
mod invalid;
mod old_cluster;
mod outsiders;
mod patience;
mod recovered;
mod sessions;
mod snapshots;
mod stateful;
mod trouble;
mod waits;
mod walk;
mod warnings;
mod zookeeper;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    LifecycleState, ReconciliationState,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::conf::Configuration;
use crate::fault::Fault;
use crate::invariants;
use crate::names::JobId;
use crate::observed::{
    Asked, ContainerEnd, ContainerState, ContainerView, HaData, JobManagerDeployment,
    JobManagerPod, JobView, Owner, Replicas, Seen, Source,
};
use crate::reconcile::decision::{Action, Wait};
use crate::reconcile::inputs::{FreshIds, Platform};
use crate::reconcile::questions::{Questions, Step};
use crate::reconcile::settings::Settings;
use crate::record::Record;
use crate::validate::{self, ValidDeployment};

/// The id under which a pass of these tests asks Flink for something.
const TRIGGER: &str = "abababababababababababababababab";

const UID: &str = "11111111-2222-3333-4444-555555555555";

/// A resource in a situation, and what a pass over it sees.
struct Case {
    resource: FlinkDeployment,
    observed: Observed,
    now: i64,
    /// The identifiers that a pass may use.
    ids: FreshIds,
    /// The last outcome of validation and what it is of, for it takes most of a test's time.
    validated: RefCell<Option<(FlinkDeployment, Validated)>>,
}

type Validated = Rc<Result<ValidDeployment, Vec<Fault>>>;

/// A valid application that was never deployed, in a namespace where nothing stands.
fn fresh() -> Case {
    let resource = serde_json::from_value(json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {
            "name": "a", "namespace": "n", "uid": UID, "generation": 1,
            "finalizers": ["flinkdeployments.flink.apache.org/finalizer"],
        },
        "spec": {
            "image": "flink:2.2", "flinkVersion": "v2_2", "serviceAccount": "flink",
            "jobManager": {"resource": {"memory": "1g", "cpu": 1.0}},
            "taskManager": {"resource": {"memory": "1g", "cpu": 1.0}},
            "job": {"jarURI": "local:///j.jar", "parallelism": 1},
        },
    }))
    .unwrap();
    Case {
        resource,
        observed: Observed { job_manager: Seen::Absent, ..Observed::nothing() },
        now: 1_000,
        ids: FreshIds {
            job_id: JobId::from_bytes([7; 16]),
            job_result_store: "r".to_owned(),
            trigger_id: TRIGGER.to_owned(),
        },
        validated: RefCell::new(None),
    }
}

impl Case {
    fn decide(&self) -> Decision {
        let decision = self.with_inputs(|inputs| decide_without_answers(inputs, &self.observed));
        let checked = invariants::check(&decision, &self.resource, &self.observed);
        assert_eq!(checked, Ok(()), "{decision:?}");
        if matches!(decision.because, Because::WaitingFor(_)) {
            assert_ne!(decision.requeue, Requeue::OnChange, "a wait without an end: {decision:?}");
        }
        decision
    }

    /// What the pass would ask next.
    fn questions(&self) -> Questions {
        match self.with_inputs(|inputs| decide(inputs, &self.observed)) {
            Step::Ask(questions) => questions,
            Step::Done(_) => Questions::default(),
        }
    }

    fn with_inputs<R>(&self, look: impl FnOnce(&Inputs<'_>) -> R) -> R {
        let platform = Platform::new(Configuration::new(), BTreeMap::new()).unwrap();
        let validated = self.validated(&platform);
        let settings = Settings::default();
        let record = self.resource.status.as_ref().map_or(Ok(Record::default()), Record::read);
        let inputs = Inputs {
            resource: &self.resource,
            validated: &validated,
            record: &record,
            platform: &platform,
            settings: &settings,
            ids: &self.ids,
            now: Timestamp::from_second(self.now).unwrap(),
        };
        look(&inputs)
    }

    fn validated(&self, platform: &Platform) -> Validated {
        let recorded = |resource: &FlinkDeployment| {
            let status = resource.status.as_ref().map(|status| &status.reconciliation_status);
            status.map(|status| (status.last_reconciled_spec.clone(), status.state.clone()))
        };
        let mut known = self.validated.borrow_mut();
        if let Some((of, outcome)) = &*known
            && of.spec == self.resource.spec
            && of.metadata == self.resource.metadata
            && recorded(of) == recorded(&self.resource)
        {
            return Rc::clone(outcome);
        }
        let outcome = Rc::new(validate::deployment(&self.resource, &platform.defaults));
        *known = Some((self.resource.clone(), Rc::clone(&outcome)));
        outcome
    }

    /// Decides, and lives on with the last status that was recorded.
    fn step(&mut self) -> Decision {
        let decision = self.decide();
        for action in &decision.actions {
            if let Action::Record(status) = action {
                self.resource.status = Some((**status).clone());
            }
        }
        self.now += 1;
        decision
    }

    fn status(&mut self) -> &mut FlinkDeploymentStatus {
        self.resource.status.get_or_insert_default()
    }

    fn edit(&mut self, spec: &Value) {
        let mut changed = serde_json::to_value(&self.resource.spec).unwrap();
        merge(&mut changed, spec);
        self.resource.spec = serde_json::from_value(changed).unwrap();
        self.resource.metadata.generation = self.resource.metadata.generation.map(|old| old + 1);
    }

    fn sees(&mut self, deployment: JobManagerDeployment) -> &mut Self {
        self.observed.job_manager = Seen::Present(deployment);
        self
    }

    fn job_is(&mut self, state: FlinkJobStatus) -> &mut Self {
        let id = self.status().job_status.job_id.clone().unwrap_or_default();
        let job =
            JobView { id, name: "j".to_owned(), state, start_time_ms: 5, changed_at_ms: None };
        self.observed.jobs = Asked::present_is(vec![job]);
        self
    }
}

/// Decides on what was seen already: whatever else is asked for does not answer.
fn decide_without_answers(inputs: &Inputs<'_>, observed: &Observed) -> Decision {
    let mut observed = observed.clone();
    loop {
        match decide(inputs, &observed) {
            Step::Done(decision) => return decision,
            Step::Ask(questions) => answer_nothing(&mut observed, questions),
        }
    }
}

fn answer_nothing(observed: &mut Observed, questions: Questions) {
    fn nothing<T>(asked: &mut Asked<T>, question: bool) {
        if question {
            assert!(asked.is_not_asked(), "a question is put once");
            *asked = Asked::unanswered("nobody answers in this test");
        }
    }
    assert!(!questions.is_empty(), "a question that asks for nothing");
    nothing(&mut observed.jobs, questions.jobs);
    nothing(&mut observed.cluster, questions.cluster);
    nothing(&mut observed.last_checkpoint, questions.job_end);
    nothing(&mut observed.exceptions, questions.exceptions.is_some());
    nothing(&mut observed.checkpoints, questions.checkpoints);
    if questions.checkpoints_outlive_cancellation {
        assert!(observed.checkpoints_outlive_cancellation.is_not_asked(), "a question is put once");
        // The operator's own default.
        observed.checkpoints_outlive_cancellation = Asked::present_is(true);
    }
    nothing(&mut observed.parallelism, questions.parallelism);
    nothing(&mut observed.health, questions.health);
    nothing(&mut observed.savepoint, questions.savepoint);
    nothing(&mut observed.checkpoint, questions.checkpoint);
    nothing(&mut observed.ha_data, questions.ha_data);
    nothing(&mut observed.pod_warnings, questions.pod_warnings);
    nothing(&mut observed.session_jobs, questions.session_jobs);
    if questions.confirm_absence {
        // The cache is right, as in nearly all of these cases.
        observed.job_manager_source = Source::ApiServer;
    }
}

fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

fn deployment(generation: i64) -> JobManagerDeployment {
    JobManagerDeployment {
        uid: format!("d{generation}"),
        owner: Owner::This,
        generation: Some(generation),
        created_at: None,
        deleting: false,
        replicas: Replicas::Wanted,
        available: true,
        never_available: false,
        replica_failure: None,
    }
}

fn ready_pod(since: i64) -> JobManagerPod {
    JobManagerPod {
        name: "a-1".to_owned(),
        uid: "p".to_owned(),
        deleting: false,
        created_at: None,
        ready_since: Some(Timestamp::from_second(since).unwrap()),
        unschedulable: None,
        sandbox_ready: true,
        failed: None,
        containers: Vec::new(),
    }
}

/// An application whose job runs.
fn running() -> Case {
    let mut case = fresh();
    case.step();
    case.sees(deployment(1)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable));
    case
}

/// The actions in short: what a reader of a decision looks for.
fn short(decision: &Decision) -> Vec<&'static str> {
    decision
        .actions
        .iter()
        .map(|action| match action {
            Action::AddFinalizer => "add finalizer",
            Action::Record(_) => "record",
            Action::CreateCluster { existing: None, .. } => "create",
            Action::CreateCluster { existing: Some(_), .. } => "complete",
            Action::CancelJob { .. } => "cancel",
            Action::StopWithSavepoint { .. } => "stop",
            Action::TriggerSavepoint { .. } => "savepoint",
            Action::TriggerCheckpoint { .. } => "checkpoint",
            Action::DisposeSavepoint { .. } => "dispose",
            Action::Rescale { .. } => "rescale",
            Action::StopJobManager { .. } => "scale to zero",
            Action::DeleteJobManager { .. } => "delete",
            Action::DeleteHaData => "delete HA data",
            Action::ForgetJobGraphs => "forget job graphs",
            Action::RemoveFinalizer => "remove finalizer",
            Action::Publish(_) => "event",
        })
        .collect()
}

#[track_caller]
fn check(decision: &Decision, actions: &[&str], reason: &str) {
    assert_eq!(short(decision), actions, "{:?}", decision.because);
    assert_eq!(decision.because.reason(), reason);
}

#[test]
fn first_deployment_records_its_intent_before_it_creates_and_its_success_after() {
    let mut case = fresh();
    case.resource.metadata.finalizers = None;
    let decision = case.step();
    let actions = ["add finalizer", "record", "create", "record", "event"];
    check(&decision, &actions, "WaitingForJobManager");
    let Some(Action::Record(intent)) = decision.actions.get(1) else { panic!("no intent") };
    assert_eq!(intent.reconciliation_status.state, ReconciliationState::Upgrading);
    assert_eq!(intent.job_manager_deployment_status, JobManagerDeploymentStatus::Missing);
    assert_eq!(intent.job_status.job_id.as_deref(), Some("07070707070707070707070707070707"));
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
}

#[test]
fn crash_after_the_intent_repeats_the_creation_under_the_same_job_id() {
    let mut case = fresh();
    let Some(Action::Record(intent)) = case.decide().actions.first().cloned() else {
        panic!("no intent")
    };
    case.resource.status = Some(*intent);
    case.status().job_status.job_id = Some("08080808080808080808080808080808".to_owned());
    let decision = case.step();
    check(&decision, &["create", "record", "event"], "WaitingForJobManager");
    assert_eq!(
        case.status().job_status.job_id.as_deref(),
        Some("08080808080808080808080808080808")
    );
}

/// Found in the world, with somebody else's Deployment under the resource's name: each try took the error back and then
/// told it again, in two writes.
#[test]
fn creation_that_is_refused_again_writes_nothing() {
    let mut case = fresh();
    let Some(Action::Record(intent)) = case.decide().actions.first().cloned() else {
        panic!("no intent")
    };
    case.resource.status = Some(*intent);
    let refuse = |case: &Case| {
        case.with_inputs(|inputs| refused(inputs, &case.observed, "AlreadyExists", "it is there"))
    };
    let told = refuse(&case);
    check(&told, &["record", "event"], "ObjectRefused");
    let Some(Action::Record(status)) = told.actions.first().cloned() else { panic!("not told") };
    case.resource.status = Some(*status);
    case.now += 60;
    let again = case.decide();
    assert_eq!(short(&again).first(), Some(&"create"), "{again:?}");
    assert!(!short(&refuse(&case)).contains(&"record"), "it was told");
    case.step();
    assert_eq!(case.status().error, None, "once it stands, the error goes");
}

#[test]
fn crash_after_the_deployment_was_created_completes_its_objects() {
    let mut case = fresh();
    let Some(Action::Record(intent)) = case.decide().actions.first().cloned() else {
        panic!("no intent")
    };
    case.resource.status = Some(*intent);
    case.sees(JobManagerDeployment { available: false, ..deployment(1) });
    check(&case.step(), &["complete", "record"], "WaitingForJobManager");
}

#[test]
fn unseen_deployment_is_never_taken_for_an_absent_one() {
    let mut case = fresh();
    case.observed.job_manager = Seen::unknown("timed out");
    check(&case.step(), &["record"], "ClusterStateUnknown");
    let mut case = running();
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.job_manager = Seen::unknown("timed out");
    check(&case.step(), &["record"], "ClusterStateUnknown");
    let mut case = running();
    case.observed.job_manager = Seen::unknown("timed out");
    check(&case.step(), &["record"], "ClusterStateUnknown");
    let known = case.status().job_manager_deployment_status.clone();
    assert_eq!(known, JobManagerDeploymentStatus::Ready);
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Running));
}

#[test]
fn silent_job_manager_is_not_a_missing_job() {
    let mut case = running();
    case.observed.jobs = Asked::unanswered("timed out");
    check(&case.step(), &["record"], "WaitingForRest");
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Reconciling));
    assert_eq!(case.status().error, None);
    case.job_is(FlinkJobStatus::Running);
    check(&case.step(), &["record", "event"], "UpToDate");
}

#[test]
fn idle_pass_does_nothing() {
    let mut case = running();
    check(&case.step(), &[], "UpToDate");
}

#[test]
fn crash_loop_that_logs_another_time_at_each_turn_is_told_once() {
    let crash = |time: &str| ContainerView {
        name: "flink-main-container".to_owned(),
        init: false,
        restarts: 3,
        image: "flink:2.2".to_owned(),
        state: ContainerState::Waiting {
            reason: "CrashLoopBackOff".to_owned(),
            message: String::new(),
        },
        last_end: Some(ContainerEnd {
            reason: "Error".to_owned(),
            exit_code: 1,
            message: format!("{time} ERROR cannot bind"),
        }),
    };
    let mut case = fresh();
    case.step();
    case.sees(JobManagerDeployment { available: false, ..deployment(1) });
    case.observed.pods = vec![JobManagerPod {
        ready_since: None,
        containers: vec![crash("10:00:01")],
        ..ready_pod(1)
    }];
    check(&case.step(), &["record", "event"], "JobManagerFailed");
    case.observed.pods = vec![JobManagerPod {
        ready_since: None,
        containers: vec![crash("10:01:42")],
        ..ready_pod(1)
    }];
    check(&case.step(), &[], "JobManagerFailed");
}

#[test]
fn job_that_is_not_listed_is_awaited_for_a_minute_and_then_missed() {
    let mut case = running();
    case.observed.jobs = Asked::present_is(Vec::new());
    case.observed.pods = vec![ready_pod(case.now - 59)];
    case.step();
    assert_eq!(case.status().error, None);
    case.observed.pods = vec![ready_pod(case.now - 61)];
    let decision = case.step();
    assert!(short(&decision).contains(&"event"));
    assert_eq!(case.status().error.as_deref(), Some("Job Not Found"));
}

#[test]
fn stateless_change_takes_the_old_cluster_down_and_then_makes_a_new_one_with_a_new_job_id() {
    let mut case = running();
    let first_job = case.status().job_status.job_id.clone();
    case.edit(&json!({"job": {"parallelism": 2}}));
    let decision = case.step();
    check(&decision, &["record", "delete", "event", "event"], "Upgrading");
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Upgrading);

    case.sees(JobManagerDeployment { deleting: true, ..deployment(1) });
    check(&case.step(), &["record"], "WaitingForOldCluster");
    check(&case.step(), &[], "WaitingForOldCluster");

    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.resource.status.as_mut().unwrap().job_status.job_id = Some("old".to_owned());
    let decision = case.step();
    check(&decision, &["record", "create", "record", "event"], "WaitingForJobManager");
    assert_eq!(case.status().job_status.job_id, first_job, "the fresh id of this test");
    assert_eq!(case.status().observed_generation, Some(2));
}

#[test]
fn crash_before_the_old_cluster_was_deleted_deletes_it_then() {
    let mut case = running();
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"), "{:?}", short(&decision));
}

#[test]
fn old_high_availability_data_goes_before_a_job_starts_empty() {
    let mut case = running();
    case.edit(&json!({
        "job": {"parallelism": 2},
        "flinkConfiguration": {"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b"},
    }));
    case.step();
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    check(&case.step(), &["record"], "ClusterStateUnknown");
    case.observed.ha_data = Asked::present_is(HaData {
        config_maps: vec!["a-cluster-config-map".to_owned()],
        ..HaData::default()
    });
    let decision = case.step();
    assert!(short(&decision).contains(&"delete HA data"), "{:?}", short(&decision));
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(short(&decision).contains(&"create"), "{:?}", short(&decision));
}

#[test]
fn invalid_edit_leaves_the_job_alone_and_is_told_once() {
    let mut case = running();
    case.edit(&json!({"taskManager": {"resource": {"memory": "lots"}}}));
    check(&case.step(), &["record", "event"], "InvalidSpec");
    check(&case.step(), &[], "InvalidSpec");
    case.edit(&json!({"taskManager": {"resource": {"memory": "1g"}}}));
    let decision = case.step();
    check(&decision, &["record"], "UpToDate");
    assert_eq!(case.status().error, None);
}

#[test]
fn deletion_cancels_waits_deletes_and_lets_go() {
    let mut case = running();
    let deleted_at = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(deleted_at));
    check(&case.step(), &["record", "cancel", "event"], "WaitingForCancellation");
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Deleting));
    case.job_is(FlinkJobStatus::Cancelling);
    check(&case.step(), &[], "WaitingForCancellation");
    case.job_is(FlinkJobStatus::Canceled);
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"));
    case.sees(JobManagerDeployment { deleting: true, ..deployment(1) });
    check(&case.step(), &[], "WaitingForOldCluster");
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    check(&case.step(), &["record"], "ClusterStateUnknown");
    case.observed.ha_data = Asked::present_is(HaData {
        config_maps: vec!["a-cluster-config-map".to_owned()],
        ..HaData::default()
    });
    check(&case.step(), &["delete HA data"], "Deleting");
    case.observed.ha_data = Asked::absent();
    check(&case.step(), &["remove finalizer"], "Deleting");
}

#[test]
fn deletion_does_not_wait_for_a_job_manager_that_does_not_answer() {
    let mut case = running();
    let deleted_at = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(deleted_at));
    case.step();
    case.observed.jobs = Asked::unanswered("timed out");
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"));
}

#[test]
fn deletion_gives_a_job_that_does_not_end_its_time_and_no_more() {
    let mut case = running();
    let deleted_at = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(deleted_at));
    case.step();
    case.job_is(FlinkJobStatus::Cancelling);
    case.now += 58;
    assert!(!short(&case.step()).contains(&"delete"));
    case.now += 3;
    assert!(short(&case.step()).contains(&"delete"));
}

#[test]
fn deployment_of_another_owner_stays_whatever_happens() {
    let foreign = JobManagerDeployment {
        owner: Owner::Other { described: "nobody".to_owned() },
        ..deployment(1)
    };
    let mut case = fresh();
    case.sees(foreign.clone());
    check(&case.step(), &["record"], "NameTaken");
    let deleted_at = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(deleted_at));
    check(&case.step(), &["remove finalizer", "event"], "Deleting");

    let mut case = running();
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.sees(foreign);
    check(&case.step(), &["record"], "NameTaken");
}

#[test]
fn lost_cluster_of_a_stateless_job_comes_back_and_a_stateful_one_only_from_its_state() {
    let mut case = running();
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.observed.job_manager_source = Source::ApiServer;
    let decision = case.step();
    assert!(short(&decision).contains(&"create"), "{:?}", short(&decision));

    let stateful = json!({
        "job": {"upgradeMode": "last-state"},
        "flinkConfiguration": {
            "high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/h",
            "execution.checkpointing.dir": "s3://b/c",
        },
    });
    let mut case = fresh();
    case.edit(&stateful);
    case.step();
    case.sees(deployment(2)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    case.step();
    let job = case.status().job_status.job_id.clone();
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.observed.job_manager_source = Source::ApiServer;
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(!short(&decision).contains(&"create"), "never empty");
    assert_eq!(decision.because.reason(), "ClusterLost");
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Failed));

    case.observed.ha_data = Asked::present_is(HaData {
        config_maps: vec!["a-x-config-map".to_owned()],
        job_metadata: true,
        has_checkpoint: true,
        newest_checkpoint: Some(4),
        has_job_graph: true,
    });
    let decision = case.step();
    let actions = short(&decision);
    assert!(actions.contains(&"forget job graphs") && actions.contains(&"create"), "{actions:?}");
    assert_eq!(case.status().job_status.job_id, job, "the data is filed under the job's id");
}

#[test]
fn unreadable_record_is_not_an_absent_one() {
    let mut case = running();
    case.status().reconciliation_status.last_reconciled_spec = Some("{".to_owned());
    let decision = case.step();
    check(&decision, &["record"], "UnreadableRecord");
}

#[test]
fn canary_is_left_alone_and_let_go() {
    let mut case = fresh();
    let labels = BTreeMap::from([("flink.apache.org/canary".to_owned(), "True".to_owned())]);
    case.resource.metadata.labels = Some(labels);
    check(&case.step(), &[], "NotOurs");
    let deleted_at = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(deleted_at));
    check(&case.step(), &["remove finalizer"], "NotOurs");
}

#[test]
fn waiting_messages_do_not_change_from_pass_to_pass() {
    let wait = Because::WaitingFor(Wait::Rest { why: "after 10 s".to_owned() });
    let other = Because::WaitingFor(Wait::Rest { why: "after 20 s".to_owned() });
    assert_eq!(wait.message(), other.message());
}
