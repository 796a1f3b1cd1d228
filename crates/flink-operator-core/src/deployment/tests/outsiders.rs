//! Faults that users of other operators reported, or that reading against Flink has shown.

use flink_operator_api::{Savepoint, SnapshotTriggerType};

use super::stateful::{SAVEPOINT, checkpoints, completed, ha_data, stateful};
use super::*;
use crate::observed::{LastCheckpoint, Operation};

fn does(decision: &Decision, action: &str) -> bool {
    short(decision).contains(&action)
}

fn configured(case: &mut Case) -> String {
    let decision = case.decide();
    let created = decision.actions.iter().find_map(|action| match action {
        Action::CreateCluster { objects, .. } => Some(format!("{objects:?}")),
        _ => None,
    });
    created.unwrap_or_else(|| panic!("no cluster is created: {decision:?}"))
}

fn savepoint(path: &str, second: i64, trigger: Option<SnapshotTriggerType>) -> Savepoint {
    Savepoint {
        time_stamp: second * 1_000,
        location: Some(path.to_owned()),
        trigger_type: trigger,
        ..Savepoint::default()
    }
}

/// The paths that Flink is asked to delete while passes follow each other.
fn disposed(case: &mut Case) -> Vec<String> {
    let mut paths = Vec::new();
    for _ in 0..6 {
        for action in case.step().actions {
            if let Action::DisposeSavepoint { path } = action {
                paths.push(path);
            }
        }
    }
    paths
}

fn with_old_savepoints(options: &Value) -> Case {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"flinkConfiguration": options}));
    case.step();
    case.status().job_status.savepoint_info.savepoint_history = vec![
        savepoint("s3://b/s/manual", 1, Some(SnapshotTriggerType::Manual)),
        savepoint("s3://b/s/periodic", 2, Some(SnapshotTriggerType::Periodic)),
        savepoint("s3://b/s/upgrade", 3, Some(SnapshotTriggerType::Upgrade)),
        savepoint("s3://b/s/of-nobody", 4, None),
        savepoint("s3://b/s/newest", 5, Some(SnapshotTriggerType::Periodic)),
    ];
    case.now += 90_000;
    case
}

#[test]
fn savepoints_are_not_deleted_by_default() {
    let mut case = with_old_savepoints(&json!({}));
    assert!(disposed(&mut case).is_empty());
    let history = &case.status().job_status.savepoint_info.savepoint_history;
    assert_eq!(history.len(), 1, "the status stays short: {history:?}");
}

#[test]
fn savepoints_of_users_are_never_deleted_and_others_where_an_option_asks_for_it() {
    let dispose = "kubernetes.operator.savepoint.dispose-on-delete";
    let resources = "kubernetes.operator.snapshot.resource.enabled";
    let cleanup = "kubernetes.operator.savepoint.cleanup.enabled";
    let of_operator = vec!["s3://b/s/periodic".to_owned(), "s3://b/s/upgrade".to_owned()];
    for (options, expected) in [
        (json!({dispose: "true"}), of_operator.clone()),
        (json!({resources: "false"}), of_operator),
        (json!({resources: "false", cleanup: "false"}), vec![]),
        (json!({dispose: "true", cleanup: "false"}), vec![]),
        (json!({dispose: "false", cleanup: "true"}), vec![]),
    ] {
        let mut case = with_old_savepoints(&options);
        assert_eq!(disposed(&mut case), expected, "{options}");
    }
}

#[test]
fn first_start_of_a_last_state_job_takes_checkpoints() {
    let mut case = fresh();
    case.edit(&json!({
        "job": {"upgradeMode": "last-state"},
        "flinkConfiguration": {
            "execution.checkpointing.dir": "s3://b/c", "high-availability.type": "kubernetes",
            "high-availability.storageDir": "s3://b/h",
        },
    }));
    let created = configured(&mut case);
    assert!(created.contains("interval: 5 min"), "{created}");
    case.edit(&json!({"job": {"upgradeMode": "stateless"}}));
    let created = configured(&mut case);
    assert!(!created.contains("interval: 5 min"), "only last-state needs them: {created}");
}

/// R18: FLINK-26577, FLINK-28755.
#[test]
fn high_availability_is_switched_off_in_an_edit_of_a_last_state_job() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"flinkConfiguration": {"high-availability.type": "NONE"}}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.observed.checkpoints_outlive_cancellation = Asked::present_is(true);
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(does(&decision, "cancel"), "{decision:?}");
    case.job_is(FlinkJobStatus::Canceled);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-5".to_owned());
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    assert!(case.questions().ha_data, "the old cluster may have left data");
    case.observed.ha_data = ha_data(Some(5));
    let decision = case.step();
    assert!(does(&decision, "delete HA data"), "{decision:?}");
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-5"));
}

#[test]
fn high_availability_is_switched_off_while_the_job_manager_does_not_respond() {
    for mode in ["last-state", "savepoint"] {
        let mut case = stateful(mode, true);
        case.edit(&json!({"flinkConfiguration": {"high-availability.type": "NONE"}}));
        case.observed.jobs = Asked::unanswered("timed out");
        case.now += 600;
        case.observed.ha_data = ha_data(Some(4));
        let decision = case.step();
        assert_eq!(decision.because.reason(), "WaitingForRestorePoint", "{mode}: {decision:?}");
    }
}

#[test]
fn high_availability_is_switched_on_in_an_edit_of_a_last_state_job() {
    let mut case = stateful("last-state", false);
    case.edit(&json!({"flinkConfiguration": {
        "high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/h",
    }}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.observed.checkpoints_outlive_cancellation = Asked::present_is(true);
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(does(&decision, "cancel"), "{decision:?}");
}

/// A cluster of a spec with high availability is lost after an edit that switches it off.
#[test]
fn lost_cluster_comes_back_from_the_data_that_its_deployed_spec_kept() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"flinkConfiguration": {"high-availability.type": "NONE"}}));
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.job_manager_source = Source::ApiServer;
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(!does(&decision, "delete HA data"), "{decision:?}");
    assert_ne!(Case::restores_from(&decision).as_deref(), None, "{decision:?}");
}

/// `CheckpointConfig` in the program wins over the configuration.
#[test]
fn job_whose_program_deletes_checkpoints_on_cancellation_is_not_cancelled() {
    let mut case = stateful("last-state", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    assert!(case.questions().checkpoints_outlive_cancellation);
    case.observed.checkpoints_outlive_cancellation = Asked::present_is(false);
    let decision = case.step();
    assert!(does(&decision, "stop") && !does(&decision, "cancel"), "{decision:?}");
    let mut case = stateful("last-state", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.observed.checkpoints_outlive_cancellation = Asked::unanswered("timed out");
    let decision = case.step();
    assert!(!does(&decision, "cancel") && !does(&decision, "stop"), "{decision:?}");
}

/// FINISHED, or cancelled by somebody where the program deletes checkpoints: Flink says that they are gone.
#[test]
fn job_does_not_start_from_a_checkpoint_that_flink_has_deleted() {
    for state in [FlinkJobStatus::Finished, FlinkJobStatus::Canceled, FlinkJobStatus::Failed] {
        let mut case = stateful("last-state", false);
        case.job_is(state.clone());
        case.observed.last_checkpoint =
            Asked::present_is(LastCheckpoint::Deleted("s3://b/c/chk-9".to_owned()));
        case.step();
        case.edit(&json!({"job": {"parallelism": 2}}));
        let decision = case.step();
        assert_eq!(decision.because.reason(), "StatefulChangeHeld", "{state}: {decision:?}");
        let message = decision.because.message();
        assert!(message.contains("deleted"), "{message}");
        case.now += 90_000;
        assert!(does(&case.step(), "delete"), "{state}: its cluster goes in time");
        case.edit(&json!({"job": {"upgradeMode": "stateless"}}));
        assert!(does(&case.step(), "delete"), "the user may start it empty");
    }
}

fn is_deleted(case: &mut Case) {
    let now = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
}

fn with_savepoint_on_deletion(high_availability: bool) -> Case {
    let mut case = stateful("savepoint", high_availability);
    let option = "kubernetes.operator.job.savepoint-on-deletion";
    case.edit(&json!({"flinkConfiguration": {option: "true"}}));
    case.step();
    case
}

#[test]
fn deletion_with_a_savepoint_waits_for_a_job_manager_that_does_not_respond() {
    let mut case = with_savepoint_on_deletion(false);
    is_deleted(&mut case);
    case.observed.jobs = Asked::unanswered("timed out");
    for _ in 0..4 {
        case.now += 120;
        let decision = case.step();
        assert!(!does(&decision, "delete"), "{} s: {decision:?}", case.now);
    }
    case.job_is(FlinkJobStatus::Running);
    assert!(does(&case.step(), "stop"));
}

#[test]
fn deletion_without_its_savepoint_names_the_checkpoint_of_the_high_availability_data() {
    let mut case = with_savepoint_on_deletion(true);
    is_deleted(&mut case);
    case.observed.jobs = Asked::unanswered("timed out");
    case.now += 700;
    assert!(case.questions().ha_data || case.questions().jobs);
    case.observed.ha_data = ha_data(Some(17));
    let decision = case.step();
    assert!(does(&decision, "delete"), "{decision:?}");
    let note = decision.actions.iter().find_map(|action| match action {
        Action::Publish(event) if event.reason == "SavepointError" => Some(event.note.clone()),
        _ => None,
    });
    let note = note.expect("the loss is said");
    assert!(note.contains("17"), "{note}");
}

/// Deleted with `kubectl delete deployment`: the Deployment goes at once, its pods after a while.
#[test]
fn lost_cluster_does_not_come_back_beside_its_pods() {
    for mode in ["stateless", "last-state"] {
        let mut case = stateful(mode, mode == "last-state");
        case.observed.job_manager = Seen::Absent;
        case.observed.job_manager_source = Source::ApiServer;
        case.observed.ha_data = ha_data(Some(4));
        if mode == "stateless" {
            case.observed.ha_data = Asked::absent();
        }
        case.observed.pods = vec![JobManagerPod { deleting: true, ..ready_pod(1_000) }];
        let decision = case.step();
        assert!(!does(&decision, "create"), "{decision:?}");
        assert_eq!(decision.because.reason(), "WaitingForOldCluster");
        case.observed.pods = Vec::new();
        assert!(does(&case.step(), "create"));
    }
}

/// R16: FLINK-33522. The savepoint completes, and a task fails while it finishes.
#[test]
fn job_that_fails_at_each_stop_keeps_its_savepoints_and_is_left_alone_after_three() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    let mut stops = 0;
    for attempt in 0..10 {
        case.job_is(FlinkJobStatus::Running);
        case.observed.savepoint = Asked::NotAsked;
        case.now += 120;
        let decision = case.step();
        if !does(&decision, "stop") {
            assert_eq!(decision.because.reason(), "StatefulChangeHeld", "{decision:?}");
            continue;
        }
        stops += 1;
        case.observed.savepoint = Asked::present_is(Operation::Failed {
            class: "StopWithSavepointStoppingException".to_owned(),
            message: "a task failed".to_owned(),
            savepoint: Some(format!("s3://b/s/orphan-{attempt}")),
        });
        case.step();
        assert_eq!(case.path(), None, "the job has gone on since");
    }
    assert_eq!(stops, 3);
    let history = case.status().job_status.savepoint_info.savepoint_history.clone();
    let paths: Vec<_> = history.iter().filter_map(|known| known.location.clone()).collect();
    assert_eq!(paths, ["s3://b/s/orphan-0", "s3://b/s/orphan-1", "s3://b/s/orphan-2"]);
    let (_, _, message) = case.condition("Stalled");
    assert!(message.contains("s3://b/s/orphan-2"), "{message}");
    case.edit(&json!({"job": {"upgradeMode": "last-state"}}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-40"));
    case.observed.checkpoints_outlive_cancellation = Asked::present_is(true);
    assert!(does(&case.step(), "cancel"), "another way is open");
}

/// R17: somebody cancels the job over REST.
#[test]
fn job_that_somebody_cancelled_is_not_ready() {
    let mut case = stateful("savepoint", false);
    case.job_is(FlinkJobStatus::Canceled);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-5".to_owned());
    let decision = case.step();
    assert_eq!(decision.because.reason(), "JobCancelled", "{decision:?}");
    assert_eq!(case.condition("Ready").0, "False");
    assert_eq!(case.condition("Stalled").0, "True");
    let message = decision.because.message();
    assert!(message.contains("restartNonce") && message.contains("s3://b/c/chk-5"), "{message}");
    check(&case.step(), &[], "JobCancelled");
    case.edit(&json!({"restartNonce": 1}));
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-5"));
}

#[test]
fn finished_job_is_as_the_spec_says() {
    let mut case = stateful("savepoint", false);
    case.job_is(FlinkJobStatus::Finished);
    case.observed.last_checkpoint = Asked::absent();
    assert_eq!(case.step().because, Because::UpToDate);
    assert_eq!(case.condition("Ready").0, "True");
}

/// The Java operator's autoscaler changes the spec in memory, and that spec is recorded.
#[test]
fn job_that_the_java_autoscaler_has_scaled_goes_on_and_keeps_its_parallelism() {
    let overrides = "pipeline.jobvertex-parallelism-overrides";
    let vertex = "bc764cd8ddf7a0cff126f51c16239658:4";
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"flinkConfiguration": {"job.autoscaler.enabled": "true"}}));
    case.step();
    let status = case.status();
    for text in [
        &mut status.reconciliation_status.last_reconciled_spec,
        &mut status.reconciliation_status.last_stable_spec,
    ] {
        let mut recorded: Value = serde_json::from_str(text.as_ref().unwrap()).unwrap();
        recorded["spec"]["flinkConfiguration"]["job.autoscaler.enabled"] = json!("true");
        recorded["spec"]["flinkConfiguration"][overrides] = json!(vertex);
        *text = Some(recorded.to_string());
    }
    let decision = case.step();
    assert_eq!(decision.because, Because::UpToDate, "{decision:?}");
    assert!(!does(&decision, "stop") && !does(&decision, "rescale"), "{decision:?}");
    case.edit(&json!({"job": {"args": ["x"]}}));
    assert!(does(&case.step(), "stop"), "an edit is an edit");
    case.job_is(FlinkJobStatus::Finished);
    case.observed.savepoint = Asked::present_is(completed());
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = Asked::absent();
    let created = configured(&mut case);
    assert!(created.contains(vertex), "the parallelism is kept: {created}");
    assert!(created.contains(SAVEPOINT));
}

#[test]
fn parallelism_that_a_user_takes_out_of_the_spec_is_a_change_without_the_autoscaler() {
    let mut case = stateful("savepoint", false);
    let overrides = "pipeline.jobvertex-parallelism-overrides";
    case.edit(&json!({"flinkConfiguration": {overrides: "bc764cd8ddf7a0cff126f51c16239658:4"}}));
    case.step();
    case.job_is(FlinkJobStatus::Finished);
    case.observed.savepoint = Asked::present_is(completed());
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = Asked::absent();
    case.step();
    let generation = case.resource.metadata.generation.unwrap();
    case.sees(deployment(generation)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    case.step();
    let mut spec = serde_json::to_value(&case.resource.spec).unwrap();
    spec["flinkConfiguration"].as_object_mut().unwrap().remove(overrides);
    case.resource.spec = serde_json::from_value(spec).unwrap();
    case.resource.metadata.generation = Some(generation + 1);
    let decision = case.step();
    assert!(does(&decision, "stop") || does(&decision, "rescale"), "{decision:?}");
}

/// The Java operator keeps the time of the last one in its snapshot resources.
#[test]
fn take_over_does_not_ask_all_jobs_for_a_savepoint_at_once() {
    let mut case = stateful("savepoint", false);
    let created = Timestamp::from_second(case.now - 999).unwrap();
    case.resource.metadata.creation_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created));
    let option = "kubernetes.operator.periodic.savepoint.interval";
    case.edit(&json!({"flinkConfiguration": {option: "10 min"}}));
    assert!(!does(&case.step(), "savepoint"));
    case.now += 590;
    assert!(!does(&case.step(), "savepoint"));
    case.now += 20;
    assert!(does(&case.step(), "savepoint"), "the time began with the take-over");
}

#[test]
fn deletion_of_a_job_that_never_started_does_not_wait_for_its_savepoint() {
    let mut case = with_savepoint_on_deletion(false);
    is_deleted(&mut case);
    let starting =
        JobManagerDeployment { available: false, never_available: true, ..deployment(1) };
    case.sees(starting);
    case.observed.pods = Vec::new();
    case.step();
    case.now += 61;
    assert!(does(&case.step(), "delete"));
}
