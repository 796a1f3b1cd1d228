//! How long the job's state has been what it is counts from the deployment, not from what an earlier job had been.

use super::stateful::{completed, ha_data, stateful};
use super::*;

/// The job of a new deployment, an hour after the old job was stopped; its JobManager does not respond yet.
fn deployed_anew() -> Case {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished).step();
    case.observed.savepoint = Asked::NotAsked;
    case.now += 3_600;
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(short(&decision).contains(&"create"), "{decision:?}");
    case.sees(deployment(2));
    case.observed.pods = vec![ready_pod(case.now)];
    case
}

/// The spec changes while the JobManager does not respond: the upgrade waits for a minute, then continues from the high
/// availability data.
#[track_caller]
fn check_patience(mut case: Case) {
    case.observed.jobs = Asked::unanswered("timed out");
    case.observed.ha_data = ha_data(Some(4));
    case.edit(&json!({"job": {"parallelism": 3}}));
    let decision = case.step();
    assert_eq!(decision.because.reason(), "WaitingForRestorePoint", "{decision:?}");
    case.now += 30;
    let decision = case.step();
    assert_eq!(decision.because.reason(), "WaitingForRestorePoint", "{decision:?}");
    case.now += 31;
    let decision = case.step();
    assert!(short(&decision).contains(&"scale to zero"), "{decision:?}");
}

#[test]
fn job_manager_of_a_new_deployment_is_given_a_minute_to_respond() {
    check_patience(deployed_anew());
}

#[test]
fn job_manager_of_the_first_deployment_is_given_a_minute_to_respond() {
    let mut case = fresh();
    case.edit(&json!({
        "job": {"upgradeMode": "savepoint"},
        "flinkConfiguration": {
            "execution.checkpointing.dir": "s3://b/c", "execution.checkpointing.savepoint-dir": "s3://b/s",
            "high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/h",
        },
    }));
    case.step();
    case.sees(deployment(2));
    case.observed.pods = vec![ready_pod(case.now)];
    check_patience(case);
}

/// The status said RECONCILING for an hour when the cluster was lost, and says so again for the one that is brought back.
#[test]
fn job_manager_that_is_brought_back_is_given_a_minute_to_respond() {
    let mut case = stateful("savepoint", true);
    case.observed.jobs = Asked::unanswered("timed out");
    case.step();
    case.now += 3_600;
    case.observed.job_manager = Seen::Absent;
    case.observed.job_manager_source = Source::ApiServer;
    case.observed.pods.clear();
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(short(&decision).contains(&"create"), "{decision:?}");
    case.sees(deployment(1));
    case.observed.pods = vec![ready_pod(case.now)];
    check_patience(case);
}

/// A clock that is ahead by an hour would keep the cluster of an ended job for an hour longer.
#[test]
fn change_of_tasks_is_no_change_of_the_jobs_state() {
    let mut case = stateful("savepoint", true);
    let since = case.status().job_status.update_time.clone();
    case.now += 60;
    case.job_is(FlinkJobStatus::Running);
    if let Asked::Answered(Seen::Present(jobs)) = &mut case.observed.jobs {
        jobs[0].changed_at_ms = Some((case.now + 3_600) * 1_000);
    }
    assert!(case.questions().exceptions.is_some());
    case.observed.exceptions = Asked::present_is(Vec::new());
    case.step();
    assert_eq!(case.status().job_status.update_time, since);
    case.observed.exceptions = Asked::NotAsked;
    case.now += 60;
    assert_eq!(case.questions().exceptions, None, "the same change is not asked for again");
}
