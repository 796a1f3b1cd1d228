//! Savepoints and checkpoints of a running job.

use flink_operator_api::SnapshotTriggerType;

use super::stateful::{SAVEPOINT, completed, failed, stateful};
use super::*;
use crate::observed::Operation;

fn events(decision: &Decision) -> Vec<String> {
    decision
        .actions
        .iter()
        .filter_map(|action| {
            if let Action::Publish(event) = action { Some(event.reason.clone()) } else { None }
        })
        .collect()
}

#[test]
fn nonce_asks_for_a_savepoint_once_and_is_recorded_with_its_outcome() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    check(&case.step(), &["record", "savepoint"], "UpToDate");
    assert!(case.questions().savepoint);
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    check(&case.step(), &[], "UpToDate");
    case.observed.savepoint = Asked::present_is(completed());
    check(&case.step(), &["record"], "UpToDate");
    let info = case.status().job_status.savepoint_info.clone();
    assert_eq!(info.trigger_id, None);
    let last = info.last_savepoint.unwrap();
    assert_eq!((last.location.as_deref(), last.trigger_nonce), (Some(SAVEPOINT), Some(7)));
    assert_eq!(info.savepoint_history.len(), 1);
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable), "it stays stable");
    case.observed.savepoint = Asked::NotAsked;
    check(&case.step(), &[], "UpToDate");
    case.edit(&json!({"job": {"savepointTriggerNonce": null}}));
    assert!(!short(&case.step()).contains(&"savepoint"), "a nonce that goes asks for nothing");
}

#[test]
fn checkpoint_nonce_asks_for_a_checkpoint() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"checkpointTriggerNonce": 1}}));
    check(&case.step(), &["record", "checkpoint"], "UpToDate");
    case.observed.checkpoint = Asked::present_is(Operation::Completed { location: String::new() });
    case.step();
    let info = case.status().job_status.checkpoint_info.clone();
    assert_eq!((info.trigger_id, info.last_checkpoint.unwrap().trigger_nonce), (None, Some(1)));
}

/// Flink gives up what takes longer than that by itself, and should it not, a change of the spec waits no longer.
#[test]
fn savepoint_that_is_in_progress_for_ever_is_given_up() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.now += 629;
    check(&case.step(), &[], "UpToDate");
    case.now += 2;
    assert_eq!(events(&case.step()), ["SavepointError"]);
    assert_eq!(case.status().job_status.savepoint_info.trigger_id, None);
}

#[test]
fn lost_request_is_sent_again_under_the_same_id_and_given_up_after_its_grace_period() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::absent();
    check(&case.step(), &["savepoint"], "UpToDate");
    case.now += 60;
    let decision = case.step();
    assert_eq!(events(&decision), ["SavepointError"]);
    case.observed.savepoint = Asked::NotAsked;
    check(&case.step(), &[], "UpToDate");
}

/// The answer about the request arrived, the one about the jobs did not: whether the job runs is not known.
#[test]
fn lost_request_is_not_sent_again_before_the_job_is_seen_to_run() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::absent();
    let jobs = std::mem::replace(&mut case.observed.jobs, Asked::unanswered("timed out"));
    assert!(!short(&case.step()).contains(&"savepoint"));
    case.observed.jobs = jobs;
    assert!(short(&case.step()).contains(&"savepoint"));
}

#[test]
fn failed_savepoint_is_tried_again_within_its_grace_period_counted_from_the_first_attempt() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.now += 40;
    case.observed.savepoint = Asked::present_is(failed());
    let decision = case.step();
    assert_eq!(events(&decision), ["SavepointError"]);
    assert!(short(&decision).contains(&"savepoint"), "again: {decision:?}");
    case.now += 40;
    let decision = case.step();
    assert_eq!(events(&decision), ["SavepointError"]);
    assert!(!short(&decision).contains(&"savepoint"), "not a third time: {decision:?}");
}

#[test]
fn periodic_savepoint_is_taken_when_it_is_due_and_not_twice() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"flinkConfiguration": {"kubernetes.operator.periodic.savepoint.interval": "10 min"}}));
    let created = Timestamp::from_second(1_000).unwrap();
    case.resource.metadata.creation_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created));
    assert!(!short(&case.step()).contains(&"savepoint"));
    case.now = 1_601;
    assert!(short(&case.step()).contains(&"savepoint"));
    case.observed.savepoint = Asked::present_is(completed());
    assert!(!short(&case.step()).contains(&"savepoint"));
    assert_eq!(
        case.status().job_status.savepoint_info.last_periodic_savepoint_timestamp,
        1_601_000
    );
    case.now = 2_201;
    assert!(!short(&case.step()).contains(&"savepoint"));
    case.now = 2_203;
    assert!(short(&case.step()).contains(&"savepoint"));
}

#[test]
fn savepoint_under_way_makes_a_change_wait_unless_that_is_not_wanted() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert_eq!(case.step().because.reason(), "WaitingForRestorePoint");
    case.observed.savepoint = Asked::present_is(completed());
    let decision = case.step();
    assert!(short(&decision).contains(&"stop"), "{decision:?}");

    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.edit(&json!({
        "job": {"parallelism": 2},
        "flinkConfiguration": {"kubernetes.operator.job.upgrade.ignore-pending-savepoint": "true"},
    }));
    assert!(short(&case.step()).contains(&"stop"));
}

#[test]
fn savepoint_of_a_job_that_stops_running_is_abandoned() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::unanswered("timed out");
    case.observed.jobs = Asked::unanswered("timed out");
    assert!(events(&case.step()).is_empty(), "silence says nothing");
    assert!(case.status().job_status.savepoint_info.trigger_id.is_some());
    case.observed.savepoint = Asked::absent();
    case.job_is(FlinkJobStatus::Restarting);
    assert!(events(&case.step()).contains(&"SavepointError".to_owned()));
    assert!(case.status().job_status.savepoint_info.trigger_id.is_none());
}

#[test]
fn savepoint_that_is_too_much_is_deleted_before_it_is_forgotten() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.savepoint.history.max.count": "1",
        "kubernetes.operator.savepoint.dispose-on-delete": "true",
    }}));
    case.step();
    for (at, location) in [(900_000, "s3://b/s/old"), (950_000, "s3://b/s/new")] {
        let savepoint = flink_operator_api::Savepoint {
            time_stamp: at,
            location: Some(location.to_owned()),
            trigger_type: Some(SnapshotTriggerType::Periodic),
            ..flink_operator_api::Savepoint::default()
        };
        let info = &mut case.status().job_status.savepoint_info;
        info.last_savepoint = Some(savepoint.clone());
        info.savepoint_history.push(savepoint);
    }
    let decision = case.step();
    check(&decision, &["dispose", "record"], "UpToDate");
    let disposed = decision.actions.iter().find_map(|action| {
        if let Action::DisposeSavepoint { path } = action { Some(path.as_str()) } else { None }
    });
    assert_eq!(disposed, Some("s3://b/s/old"));
    check(&case.step(), &[], "UpToDate");
}
