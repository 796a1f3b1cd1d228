//! Jobs that a later JobManager has brought back, and that have ended before they were restored.

use super::stateful::{SAVEPOINT, stateful};
use super::*;

/// A job with high availability data that has run, been brought back by a JobManager that has started anew, and ended
/// before it was restored: Flink says of no checkpoint.
fn ended_in_its_recovery(mode: &str, state: FlinkJobStatus) -> Case {
    let mut case = stateful(mode, true);
    case.status().job_status.upgrade_savepoint_path = Some(SAVEPOINT.to_owned());
    case.status().cluster_info.insert("flink-version".to_owned(), "2.2.0".to_owned());
    case.job_is(FlinkJobStatus::Running).step();
    case.job_is(FlinkJobStatus::Initializing);
    started_at(&mut case, 900);
    case.step();
    case.job_is(FlinkJobStatus::Cancelling);
    started_at(&mut case, 900);
    case.step();
    assert_eq!(case.status().job_status.start_time.as_deref(), Some("5"), "until it runs again");
    case.job_is(state);
    started_at(&mut case, 900);
    case.observed.last_checkpoint = Asked::absent();
    case.observed.ha_data = Asked::absent();
    case.observed.exceptions = Asked::absent();
    case
}

fn started_at(case: &mut Case, start_time_ms: i64) {
    let Asked::Answered(Seen::Present(jobs)) = &mut case.observed.jobs else {
        panic!("it is listed")
    };
    for job in jobs {
        job.start_time_ms = start_time_ms;
    }
}

/// It had started from a savepoint, and has completed checkpoints since. To go back to that savepoint, or to start empty,
/// would be a silent loss.
#[test]
fn job_that_ends_in_its_recovery_is_held_until_the_user_says_where_it_goes_on() {
    for state in [FlinkJobStatus::Failed, FlinkJobStatus::Canceled] {
        for mode in ["last-state", "savepoint"] {
            let mut case = ended_in_its_recovery(mode, state.clone());
            case.step();
            case.edit(&json!({"job": {"parallelism": 2}}));
            let decision = case.step();
            assert!(!short(&decision).contains(&"delete"), "{decision:?}");
            assert_eq!(decision.because.reason(), "StatefulChangeHeld");
            assert!(decision.because.message().contains("Manual restore required"));
            case.edit(&json!({"job": {
                "initialSavepointPath": "s3://b/c/chk-9", "savepointRedeployNonce": 1,
            }}));
            assert!(short(&case.step()).contains(&"delete"));
            let path = case.status().job_status.upgrade_savepoint_path.clone();
            assert_eq!(path.as_deref(), Some("s3://b/c/chk-9"));
        }
    }
}

/// While nobody was looking: the status does not say when the job had started, its pod says that another JobManager was
/// there before.
#[test]
fn job_that_has_ended_under_a_later_job_manager_is_held_too() {
    let of_a_second_container = |pod: &mut JobManagerPod| {
        pod.containers = vec![ContainerView {
            name: "flink-main-container".to_owned(),
            init: false,
            restarts: 1,
            image: "flink".to_owned(),
            state: ContainerState::Running,
            last_end: None,
        }];
    };
    let replaced = |pod: &mut JobManagerPod| pod.created_at = Timestamp::from_second(1_061).ok();
    let first = |pod: &mut JobManagerPod| pod.created_at = Timestamp::from_second(1_002).ok();
    let unknown = "KUBERNETES_OPERATOR_LAST_STATE";
    for (change, expected) in [
        (of_a_second_container as fn(&mut JobManagerPod), unknown),
        (replaced, unknown),
        (first, SAVEPOINT),
    ] {
        let mut case = stateful("last-state", true);
        case.status().job_status.upgrade_savepoint_path = Some(SAVEPOINT.to_owned());
        let created_at = Timestamp::from_second(1_000).ok();
        case.sees(JobManagerDeployment { created_at, ..deployment(1) });
        case.job_is(FlinkJobStatus::Failed);
        let mut pod = ready_pod(1_000);
        change(&mut pod);
        case.observed.pods = vec![pod];
        case.observed.last_checkpoint = Asked::absent();
        case.observed.exceptions = Asked::absent();
        case.step();
        let path = case.status().job_status.upgrade_savepoint_path.clone();
        assert_eq!(path.as_deref(), Some(expected));
    }
}

/// Without high availability data a JobManager that starts anew runs the job from where it was to start, as the spec says.
#[test]
fn job_without_high_availability_data_cannot_have_been_brought_back() {
    let mut case = stateful("savepoint", false);
    case.status().job_status.upgrade_savepoint_path = Some(SAVEPOINT.to_owned());
    case.status().cluster_info.insert("flink-version".to_owned(), "2.2.0".to_owned());
    case.job_is(FlinkJobStatus::Running).step();
    case.job_is(FlinkJobStatus::Failed);
    started_at(&mut case, 900);
    case.observed.last_checkpoint = Asked::absent();
    case.observed.exceptions = Asked::absent();
    case.step();
    assert_eq!(case.status().job_status.upgrade_savepoint_path.as_deref(), Some(SAVEPOINT));
}

/// Flink removes the high availability data of a job that it could not set up. That is said at once, not with the next
/// change.
#[test]
fn job_that_fails_before_it_is_restored_says_where_its_checkpoints_are() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"flinkConfiguration": {"execution.checkpointing.dir": "s3://b/c"}}));
    case.status().job_status.upgrade_savepoint_path =
        Some("KUBERNETES_OPERATOR_LAST_STATE".to_owned());
    let record = case.status().reconciliation_status.last_reconciled_spec.clone().unwrap();
    let with_directory = record.replacen(
        r#""flinkConfiguration":{"#,
        r#""flinkConfiguration":{"execution.checkpointing.dir":"s3://b/c","#,
        1,
    );
    case.status().reconciliation_status.last_reconciled_spec = Some(with_directory);
    case.job_is(FlinkJobStatus::Failed);
    case.observed.last_checkpoint = Asked::absent();
    case.observed.exceptions = Asked::absent();
    let decision = case.step();
    assert_eq!(decision.because.reason(), "JobFailed");
    let message = decision.because.message();
    assert!(message.contains("Manual restore required"), "{message}");
    let folder = format!("below s3://b/c/{}", case.status().job_status.job_id.clone().unwrap());
    assert!(message.contains(&folder), "{message}");
}
