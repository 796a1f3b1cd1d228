//! Nothing is waited for without an end: each wait has a deadline, a way on, and a reason that is shown.

use super::stateful::{checkpoints, ha_data, stateful};
use super::trouble::image;
use super::*;
use crate::observed::Operation;

/// A job that is being cancelled for a change, in mode last-state. It had started from an old savepoint.
fn cancelling(high_availability: bool) -> Case {
    let mut case = stateful("last-state", high_availability);
    case.edit(&json!({
        "job": {"parallelism": 2},
        "flinkConfiguration": {"kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "true"},
    }));
    case.status().job_status.upgrade_savepoint_path = Some("s3://b/s/old".to_owned());
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.observed.ha_data = ha_data(Some(4));
    check(&case.step(), &["record", "cancel", "event", "event"], "WaitingForCancellation");
    case.observed.checkpoints = Asked::NotAsked;
    case.observed.ha_data = Asked::NotAsked;
    case
}

fn silent(case: &mut Case) {
    case.observed.jobs = Asked::unanswered("timed out");
}

fn gone() -> Observed {
    Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    }
}

fn has(decision: &Decision, action: &str) -> bool {
    short(decision).contains(&action)
}

#[test]
fn cancelled_job_of_a_silent_job_manager_goes_on_from_its_high_availability_data() {
    let mut case = cancelling(true);
    silent(&mut case);
    check(&case.step(), &[], "WaitingForCancellation");
    assert!(!case.questions().ha_data, "not before its time is over");
    case.now += 60;
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(has(&decision, "scale to zero"), "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
}

/// It was cancelled while it was INITIALIZING, and so Flink says of no checkpoint, and of none that it was restored from.
#[test]
fn job_that_is_cancelled_before_its_restore_goes_on_from_the_same_path() {
    let mut case = stateful("last-state", false);
    case.status().job_status.upgrade_savepoint_path = Some("s3://b/s/start".to_owned());
    case.job_is(FlinkJobStatus::Initializing);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(None);
    assert!(has(&case.step(), "cancel"));
    case.job_is(FlinkJobStatus::Canceled);
    case.observed.last_checkpoint = Asked::absent();
    check(&case.step(), &["record", "delete", "event"], "Upgrading");
    assert_eq!(case.recorded_mode().as_deref(), Some("savepoint"));
    assert_eq!(case.path().as_deref(), Some("s3://b/s/start"));
    assert!(case.condition("StateKept").2.contains("s3://b/s/start"));
}

/// Its JobManager has started anew meanwhile, and has cancelled the job before it was restored: the checkpoint that was
/// there is not known any more, and an older path would be a step back.
#[test]
fn cancelled_job_that_has_forgotten_its_last_checkpoint_is_held_until_the_user_chooses() {
    let mut case = cancelling(true);
    case.job_is(FlinkJobStatus::Canceled);
    case.observed.last_checkpoint = Asked::absent();
    let decision = case.step();
    check(&decision, &["record", "event"], "StatefulChangeHeld");
    assert!(decision.because.message().contains("Manual restore required"), "{decision:?}");
    check(&case.step(), &[], "StatefulChangeHeld");
    case.edit(&json!({"job": {
        "initialSavepointPath": "s3://b/c/chk-4", "savepointRedeployNonce": 1,
    }}));
    assert!(has(&case.step(), "delete"));
    assert_eq!(case.path().as_deref(), Some("s3://b/c/chk-4"));
}

/// The same of one that does not come to its end: it is told, and not awaited in silence.
#[test]
fn job_that_never_ends_and_has_forgotten_its_last_checkpoint_is_held_and_told() {
    let mut case = cancelling(true);
    case.job_is(FlinkJobStatus::Cancelling);
    case.observed.checkpoints = checkpoints(None);
    case.now += 3_600;
    let decision = case.step();
    check(&decision, &["record", "event"], "StatefulChangeHeld");
    assert!(decision.because.message().contains("Manual restore required"), "{decision:?}");
}

#[test]
fn cancelled_job_of_which_nothing_can_be_known_is_held_and_that_is_told_once() {
    let mut case = cancelling(true);
    silent(&mut case);
    case.now += 61;
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(!has(&decision, "delete"), "{decision:?}");
    assert_eq!(decision.because.reason(), "WaitingForRestorePoint");
    assert!(case.status().error.clone().unwrap().contains("has not ended"));
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Cancelling));
    check(&case.step(), &[], "WaitingForRestorePoint");
    case.job_is(FlinkJobStatus::Canceled);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-5".to_owned());
    check(&case.step(), &["record", "delete", "event"], "Upgrading");
}

/// The path of the last start is still in the status, and is older than what the job has done since.
#[test]
fn cancelled_job_whose_cluster_vanishes_never_goes_back_to_what_it_had_started_from() {
    for data in [Asked::absent(), Asked::unanswered("timed out")] {
        let mut case = cancelling(true);
        case.observed = Observed { ha_data: data, ..gone() };
        for _ in 0..3 {
            let decision = case.step();
            assert!(!has(&decision, "create"), "{decision:?}");
        }
        assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Cancelling));
        case.observed.ha_data = ha_data(Some(5));
        case.step();
        let decision = case.step();
        let path = Case::restores_from(&decision);
        assert_eq!(path.as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"), "{decision:?}");
    }
}

#[test]
fn users_word_ends_the_wait_for_a_job_of_which_nothing_can_be_known() {
    let edits = [
        (json!({"job": {"upgradeMode": "stateless"}}), None),
        (
            json!({"job": {"savepointRedeployNonce": 7, "initialSavepointPath": "s3://b/s/mine"}}),
            Some("s3://b/s/mine"),
        ),
    ];
    for (edit, path) in edits {
        let mut case = cancelling(false);
        case.observed = Observed { ha_data: Asked::absent(), ..gone() };
        check(&case.step(), &["record", "event"], "StatefulChangeHeld");
        case.edit(&edit);
        case.step();
        let decision = case.step();
        assert!(has(&decision, "create"), "{decision:?}");
        let from = Case::restores_from(&decision);
        assert_eq!(from.as_deref().filter(|_| path.is_some()), path);
    }
}

#[test]
fn job_that_does_not_end_after_its_cancellation_goes_on_from_its_newest_checkpoint() {
    let mut case = cancelling(false);
    case.job_is(FlinkJobStatus::Cancelling);
    case.now += 300;
    check(&case.step(), &[], "WaitingForCancellation");
    assert!(!case.questions().checkpoints);
    case.now += 61;
    assert!(case.questions().checkpoints);
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-9"));
    let decision = case.step();
    assert!(has(&decision, "delete"), "{decision:?}");
    case.observed = gone();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-9"));
}

fn stopping(high_availability: bool) -> Case {
    let mut case = stateful("savepoint", high_availability);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case
}

#[test]
fn stop_with_a_savepoint_of_a_silent_job_manager_goes_on_from_the_last_state_in_the_end() {
    let mut case = stopping(true);
    silent(&mut case);
    case.observed.savepoint = Asked::unanswered("timed out");
    case.step();
    case.now += 600;
    case.step();
    assert!(!case.questions().ha_data);
    case.now += 60;
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(has(&decision, "scale to zero"), "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
    assert_eq!(case.status().job_status.savepoint_info.trigger_id, None);

    let mut case = stopping(true);
    silent(&mut case);
    case.observed.savepoint = Asked::unanswered("timed out");
    case.now += 660;
    case.step();
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(
        !has(&decision, "delete") && !has(&decision, "scale to zero"),
        "the savepoint may be there: {decision:?}"
    );
}

/// A JobManager that has started anew may list no job, and knows nothing of the request either.
#[test]
fn stop_with_a_savepoint_of_a_job_that_is_not_listed_goes_on_from_the_last_state_in_the_end() {
    let mut case = stopping(true);
    case.observed.savepoint = Asked::absent();
    case.observed.jobs = Asked::present_is(Vec::new());
    assert_eq!(case.step().because.reason(), "WaitingForSavepoint");
    case.now += 660;
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(has(&decision, "scale to zero"), "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
}

#[test]
fn request_that_flink_never_takes_is_given_up_and_made_anew_later() {
    let mut case = stopping(false);
    case.observed.savepoint = Asked::absent();
    assert!(has(&case.step(), "stop"));
    case.now += 700;
    let decision = case.step();
    assert_eq!(decision.because.reason(), "SavepointFailed");
    assert!(!has(&decision, "stop"));
}

#[test]
fn users_word_ends_the_wait_for_a_savepoint_that_is_overdue() {
    let mut case = stopping(false);
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.edit(&json!({"job": {"upgradeMode": "stateless"}}));
    let decision = case.step();
    assert!(!has(&decision, "delete"), "{decision:?}");
    case.now += 640;
    let decision = case.step();
    assert!(has(&decision, "delete"), "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("stateless"));
    assert_eq!(case.status().job_status.savepoint_info.trigger_id, None);
}

#[test]
fn pods_of_the_old_cluster_that_do_not_end_are_named() {
    let mut case = stateful("stateless", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.sees(JobManagerDeployment { deleting: true, ..deployment(1) });
    case.observed.pods = vec![JobManagerPod { deleting: true, ..ready_pod(1_000) }];
    case.step();
    case.now += 290;
    check(&case.step(), &[], "WaitingForOldCluster");
    case.now += 20;
    check(&case.step(), &["record", "event"], "WaitingForOldCluster");
    let error = case.status().error.clone().unwrap();
    assert!(error.contains("a-1"), "{error}");
    check(&case.step(), &[], "WaitingForOldCluster");
    case.observed = gone();
    case.step();
    assert_eq!(case.status().error, None);
}

/// While a change can not be made for want of a job that runs, the job has to run again first.
#[test]
fn lost_cluster_comes_back_before_a_change_that_needs_a_running_job() {
    let edits = [
        json!({"image": "flink:2.3", "flinkVersion": "v2_3"}),
        json!({"image": "flink:new", "flinkConfiguration": {
            "kubernetes.operator.job.upgrade.last-state-fallback.enabled": "false",
        }}),
    ];
    for edit in edits {
        let mut case = stateful("savepoint", true);
        case.edit(&edit);
        case.observed = Observed { ha_data: ha_data(Some(4)), ..gone() };
        case.now += 61;
        case.step();
        let decision = case.step();
        assert_eq!(image(&decision).as_deref(), Some("flink:2.2"), "{decision:?}");
    }
}

/// What the message of a lost state asks for has to be enough: the record has begun a start from what is gone.
#[track_caller]
fn goes_on_from_the_users_savepoint(mut case: Case) {
    check(&case.step(), &[], "ClusterLost");
    case.edit(&json!({"job": {
        "initialSavepointPath": "s3://b/s/chosen", "savepointRedeployNonce": 1,
    }}));
    let decision = case.step();
    assert!(matches!(decision.actions.first(), Some(Action::Record(_))), "{decision:?}");
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/s/chosen"));
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
    case.sees(deployment(4)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(case.now)];
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable));
    check(&case.step(), &[], "UpToDate");
}

/// A job whose high availability data went while it was suspended, and that is to run again.
fn resumed_without_its_data() -> Case {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.observed.ha_data = ha_data(Some(4));
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        ha_data: Asked::absent(),
        cluster: Asked::unanswered("no answer"),
        ..Observed::nothing()
    };
    case.step();
    case.edit(&json!({"job": {"state": "running"}}));
    case.step();
    case.step();
    case
}

#[test]
fn job_whose_ha_data_is_lost_while_it_is_suspended_goes_on_from_the_users_savepoint() {
    goes_on_from_the_users_savepoint(resumed_without_its_data());
}

/// Whoever sees that and takes the resumption back has a suspended job again, and no error.
#[test]
fn resumption_that_is_held_for_lost_data_can_be_taken_back() {
    let mut case = resumed_without_its_data();
    assert!(case.status().error.is_some());
    case.edit(&json!({"job": {"state": "suspended"}}));
    check(&case.step(), &["record"], "Suspended");
    assert_eq!(case.status().error, None);
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Suspended));
    let generation = case.resource.metadata.generation;
    assert_eq!(case.status().observed_generation, generation);
    check(&case.step(), &[], "Suspended");
    case.edit(&json!({"job": {"state": "running"}}));
    case.step();
    assert_eq!(case.step().because.reason(), "ClusterLost", "it is as lost as before");
}

#[test]
fn change_of_a_failed_job_whose_cluster_was_cleared_away_goes_on_from_its_last_checkpoint() {
    let mut case = stateful("last-state", true);
    case.job_is(FlinkJobStatus::Failed);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-4".to_owned());
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    };
    case.step();
    case.observed.job_manager_source = Source::Cache;
    assert!(!case.questions().ha_data, "nothing is asked while nothing is to be done");
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert!(case.questions().ha_data, "the change needs it");
    case.observed.ha_data = Asked::absent();
    case.step();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-4"), "{decision:?}");
}

#[test]
fn stop_that_flink_has_forgotten_goes_on_from_the_checkpoint_of_the_ended_job_however_late_that_is_seen()
 {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::absent();
    case.observed.last_checkpoint = Asked::unanswered("500");
    case.job_is(FlinkJobStatus::Finished);
    case.step();
    let asked = Asked::NotAsked;
    case.observed.jobs = asked;
    case.observed.last_checkpoint = Asked::NotAsked;
    assert!(case.questions().jobs, "the job is looked at again");
    case.job_is(FlinkJobStatus::Finished);
    assert!(case.questions().job_end);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-4".to_owned());
    check(&case.step(), &["record", "delete", "event"], "Upgrading");
    assert_eq!(case.status().job_status.upgrade_savepoint_path.as_deref(), Some("s3://b/c/chk-4"));
}

#[test]
fn job_that_goes_on_after_the_savepoint_of_its_stop_does_not_go_back_to_it() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    let there = Operation::Completed { location: "s3://b/s/left-behind".to_owned() };
    case.observed.savepoint = Asked::present_is(there);
    case.job_is(FlinkJobStatus::Running);
    check(&case.step(), &[], "WaitingForSavepoint");
    let jobs = std::mem::replace(&mut case.observed.jobs, Asked::unanswered("timed out"));
    assert!(!short(&case.step()).contains(&"delete"), "it may go on unseen");
    case.observed.jobs = jobs;
    let failed = Operation::Failed {
        class: "StopWithSavepointStoppingException".to_owned(),
        message: "the savepoint is there, and the job was started again".to_owned(),
        savepoint: Some("s3://b/s/left-behind".to_owned()),
    };
    case.observed.savepoint = Asked::present_is(failed);
    let decision = case.step();
    assert!(!short(&decision).contains(&"delete"), "{decision:?}");
    assert_eq!(case.status().job_status.upgrade_savepoint_path, None);
    assert_eq!(case.status().job_status.savepoint_info.trigger_id, None, "it is asked for anew");
}
