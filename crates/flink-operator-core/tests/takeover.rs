//! Replaces the Java operator: starts this operator with resources that the Java operator left behind on a real cluster,
//! and checks its first action.

use std::collections::BTreeMap;

use flink_operator_api::{FlinkDeployment, FlinkJobStatus};
use flink_operator_core::conf::Configuration;
use flink_operator_core::deployment::decide;
use flink_operator_core::names::JobId;
use flink_operator_core::observed::{
    Asked, Checkpoints, HaData, JobManagerDeployment, JobView, Observed, Operation, Owner,
    Replicas, RestorePoint, Seen, Source,
};
use flink_operator_core::reconcile::decision::{Action, Decision};
use flink_operator_core::reconcile::questions::Step;
use flink_operator_core::reconcile::{FreshIds, Inputs, Platform, Settings};
use flink_operator_core::record::Record;
use flink_operator_core::validate;
use jiff::Timestamp;
use serde_json::Value;

/// The actions for each recorded moment, without status updates and events.
const EXPECTED: [(&str, &str); 22] = [
    ("app-last-state-ha 32.97: stopped in last-state", "forget job graphs, create"),
    ("app-last-state-ha 66.4: runs", ""),
    ("app-last-state-ha 74.66: suspension asked for", "delete"),
    ("app-last-state-ha 77.08: suspended", ""),
    ("app-last-state-ha 81.18: resumption asked for", ""),
    ("app-last-state-ha 81.24: resumption recorded", "forget job graphs, create"),
    ("app-last-state-ha 124.7: Deployment lost", "forget job graphs, create"),
    ("app-last-state-ha 125.76: brought back, no generation on it", ""),
    ("app-last-state-ha 148.07: runs", ""),
    ("savepoint-legacy 39.42: nonce", "savepoint"),
    ("savepoint-legacy 39.57: savepoint under way", ""),
    ("savepoint-legacy 42.21: stopped with a savepoint", "delete"),
    ("savepoint-legacy 43.98: old cluster gone", "create"),
    ("savepoint-legacy 80.49: suspension asked for", "stop"),
    ("savepoint-legacy 80.8: suspended, its JobManager idle", ""),
    ("savepoint-legacy 80.99: resumption asked for", "delete"),
    ("savepoint-legacy 81.05: resumption recorded", "delete"),
    ("savepoint-legacy 83.07: old cluster gone", "create"),
    ("savepoint-legacy 130.2: periodic savepoint under way", ""),
    ("savepoint-legacy 175.19: deletion", "cancel"),
    ("terminal 27.32: finished", ""),
    ("terminal 80.66: failed", ""),
];

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moment {
    #[serde(rename = "moment")]
    when: String,
    resource: FlinkDeployment,
    deployment: Option<Value>,
    ha_data: Vec<String>,
    ha_keys: Vec<String>,
}

impl Moment {
    /// The state of the cluster at that moment. Every request succeeds.
    fn observed(&self) -> Observed {
        let status = self.resource.status.clone().unwrap_or_default();
        let job = status.job_status.job_id.map(|id| JobView {
            changed_at_ms: None,
            id,
            name: "j".to_owned(),
            state: status.job_status.state.unwrap_or(FlinkJobStatus::Running),
            start_time_ms: status
                .job_status
                .start_time
                .and_then(|text| text.parse().ok())
                .unwrap_or(-1),
        });
        // RECONCILING is what the Java operator writes before it has observed the job, which runs.
        let job = job.map(|job| {
            if job.state == FlinkJobStatus::Reconciling {
                JobView { state: FlinkJobStatus::Running, ..job }
            } else {
                job
            }
        });
        let field = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
        Observed {
            job_manager: self.deployment.as_ref().map_or(Seen::Absent, |found| {
                Seen::Present(JobManagerDeployment {
                    uid: field(found, "uid").as_str().unwrap_or_default().to_owned(),
                    owner: Owner::This,
                    generation: field(found, "generation")
                        .as_str()
                        .and_then(|text| text.parse().ok()),
                    deleting: field(found, "deleting") == Value::Bool(true),
                    created_at: None,
                    replicas: Replicas::Wanted,
                    available: field(found, "available") == Value::Bool(true),
                    never_available: false,
                    replica_failure: None,
                })
            }),
            job_manager_source: Source::ApiServer,
            jobs: Asked::present_is(job.into_iter().collect::<Vec<_>>()),
            cluster: Asked::unanswered("not looked at"),
            last_checkpoint: Asked::absent(),
            checkpoints: Asked::present_is(Checkpoints {
                newest: Some(RestorePoint {
                    id: 3,
                    path: Some("s3://b/c/3".to_owned()),
                    is_savepoint: false,
                    at: None,
                }),
                in_progress_since: None,
            }),
            savepoint: Asked::present_is(Operation::InProgress),
            checkpoint: Asked::present_is(Operation::InProgress),
            ha_data: Asked::present_is(HaData {
                config_maps: self.ha_data.clone(),
                job_metadata: self.ha_data.iter().any(|name| {
                    name.ends_with("-config-map") && !name.ends_with("-cluster-config-map")
                }),
                has_checkpoint: self.ha_keys.iter().any(|key| key.starts_with("checkpointID-")),
                newest_checkpoint: None,
                has_job_graph: self.ha_keys.iter().any(|key| !key.starts_with("checkpointID-")),
            }),
            ..Observed::nothing()
        }
    }

    fn decide(&self) -> Step {
        let mut defaults = Configuration::new();
        // The recorded operator did not use FlinkStateSnapshots.
        defaults.set("kubernetes.operator.snapshot.resource.enabled", "false");
        let platform = Platform::new(defaults, BTreeMap::new()).expect("the defaults can be read");
        let validated = validate::deployment(&self.resource, &platform.defaults);
        assert!(validated.is_ok(), "{}: {validated:?}", self.when);
        let status = self.resource.status.clone().unwrap_or_default();
        let recorded_at = status.reconciliation_status.reconciliation_timestamp;
        let inputs = Inputs {
            resource: &self.resource,
            validated: &validated,
            record: &Record::read(&status),
            platform: &platform,
            settings: &Settings::default(),
            ids: &FreshIds {
                job_id: JobId::from_bytes([7; 16]),
                job_result_store: "r".to_owned(),
                trigger_id: "ab".repeat(16),
            },
            now: Timestamp::from_millisecond(recorded_at + 1_000).expect("a time of this century"),
        };
        decide(&inputs, &self.observed())
    }
}

fn names_of_actions(decision: &Decision) -> String {
    let names = decision.actions.iter().filter_map(|action| match action {
        Action::Record(_) | Action::Publish(_) => None,
        Action::AddFinalizer => Some("add finalizer"),
        Action::CreateCluster { .. } => Some("create"),
        Action::CancelJob { .. } => Some("cancel"),
        Action::StopWithSavepoint { .. } => Some("stop"),
        Action::TriggerSavepoint { .. } => Some("savepoint"),
        Action::TriggerCheckpoint { .. } => Some("checkpoint"),
        Action::DisposeSavepoint { .. } => Some("dispose"),
        Action::Rescale { .. } => Some("rescale"),
        Action::StopJobManager { .. } | Action::DeleteJobManager { .. } => Some("delete"),
        Action::DeleteHaData => Some("delete HA data"),
        Action::ForgetJobGraphs => Some("forget job graphs"),
        Action::RemoveFinalizer => Some("remove finalizer"),
    });
    names.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_first_action_after_the_java_operator_is_as_expected() {
    let moments: Vec<Moment> = include_str!("takeover/moments.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(moments.len(), EXPECTED.len());
    for (moment, (what, expected)) in moments.iter().zip(EXPECTED) {
        assert!(what.starts_with(&moment.when), "{what} stands at the place of {}", moment.when);
        let step = moment.decide();
        let Step::Done(decision) = step else { panic!("{what}: not everything is seen: {step:?}") };
        assert_eq!(names_of_actions(&decision), expected, "{what}: {:?}", decision.because);
    }
}
