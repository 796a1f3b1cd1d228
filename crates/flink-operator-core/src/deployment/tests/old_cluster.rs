//! Taking the old cluster away: in which order, and what is said of it.

use super::stateful::{checkpoints, ha_data, stateful};
use super::*;
use crate::observed::ReplicaFailure;

/// Found with Flink 1.20 and 2.2 and `restart-strategy.type: none`: garbage collection ends the TaskManagers first, the
/// JobManager takes that for the end of the job, and removes the data that it was to go on from.
#[test]
fn job_manager_ends_before_its_task_managers_where_its_data_is_to_stay() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.observed.pods = vec![ready_pod(1_000)];
    check(&case.step(), &["record", "scale to zero", "event", "event"], "Upgrading");
    // Not carried out: the process died, or the answer was lost.
    check(&case.step(), &["scale to zero", "record"], "WaitingForOldCluster");
    case.sees(JobManagerDeployment { replicas: Replicas::Ending, ..deployment(1) });
    check(&case.step(), &[], "WaitingForOldCluster");
    case.sees(JobManagerDeployment { replicas: Replicas::Ended, ..deployment(1) });
    check(&case.step(), &[], "WaitingForOldCluster");
    // An earlier pod that was evicted stays until its ReplicaSet goes.
    let evicted = ReplicaFailure { reason: "Evicted".to_owned(), message: "low".to_owned() };
    case.observed.pods = vec![JobManagerPod { failed: Some(evicted), ..ready_pod(1_000) }];
    check(&case.step(), &["delete"], "WaitingForOldCluster");
}

/// Somebody has deleted the Deployment, and its pods take their time: a second cluster beside them would run the job twice,
/// and what is suspended would still run.
#[test]
fn pods_of_a_deployment_that_was_deleted_by_hand_are_awaited() {
    for state in ["running", "suspended"] {
        let mut case = stateful("last-state", true);
        case.edit(&json!({"job": {"state": state, "parallelism": 2}}));
        case.observed.ha_data = ha_data(Some(4));
        case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
        case.step();
        case.observed = Observed {
            job_manager: Seen::Absent,
            job_manager_source: Source::ApiServer,
            ha_data: ha_data(Some(4)),
            pods: vec![JobManagerPod { deleting: true, ..ready_pod(1_000) }],
            ..Observed::nothing()
        };
        let decision = case.step();
        assert_eq!(decision.because.reason(), "WaitingForOldCluster");
        assert!(!short(&decision).contains(&"create"), "{decision:?}");
        case.observed.pods.clear();
        let decision = case.step();
        assert_eq!(short(&decision).contains(&"create"), state == "running", "{decision:?}");
    }
}

/// A node that is gone keeps its pods for minutes. That is said, with their names.
#[test]
fn job_manager_that_does_not_end_is_told() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    case.sees(JobManagerDeployment { replicas: Replicas::Ended, ..deployment(1) });
    case.observed.pods = vec![JobManagerPod { deleting: true, ..ready_pod(1_000) }];
    case.step();
    case.now += 301;
    let decision = case.step();
    check(&decision, &["record", "event"], "WaitingForOldCluster");
    assert!(decision.because.message().contains("a-1"), "{decision:?}");
}

/// A process that was cut off had asked for it before the job was suspended by the next one.
#[test]
fn deployment_that_appears_while_nothing_is_to_run_is_taken_back() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    let gone = || Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    };
    case.observed = Observed { ha_data: ha_data(Some(4)), ..gone() };
    check(&case.step(), &["forget job graphs", "record"], "Suspended");
    check(&case.step(), &[], "Suspended");
    case.sees(deployment(1));
    check(&case.step(), &["delete", "record", "event"], "WaitingForOldCluster");
    case.observed = gone();
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Suspended));
}

/// What starts from a path or empty needs nothing of its JobManager.
#[test]
fn job_manager_without_data_to_stay_is_deleted_at_once() {
    let mut case = stateful("stateless", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    assert!(short(&case.step()).contains(&"delete"));
    assert!(short(&case.step()).contains(&"delete"), "and again, if it is still there");
}
