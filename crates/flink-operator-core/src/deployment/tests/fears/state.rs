//! Fears for the state of a job.

use super::super::stateful::{SAVEPOINT, checkpoints, completed, ha_data, stateful};
use super::super::trouble::{image, unproven};
use super::*;
use crate::observed::Operation;

/// What a pass may see of high availability data while something is wrong with them.
fn bad_ha_data() -> [Asked<HaData>; 3] {
    [Asked::absent(), Asked::unanswered("timed out"), ha_data(None)]
}

/// Row 1: "HA metadata not available". At each step of each mode the data are gone, or cannot be seen: the job is never
/// started empty, nor from where it had once started, and the resource says why it waits.
///
/// FLINK-30266, FLINK-27572, FLINK-30437, FLINK-31277, FLINK-33011, FLINK-39270, FLINK-37571.
#[test]
fn fear_01_high_availability_data_gone_at_any_step_of_an_upgrade_loses_nothing() {
    for mode in ["savepoint", "last-state"] {
        for data in bad_ha_data() {
            for steps_before in 0..3 {
                let mut case = stateful(mode, true);
                case.status().job_status.upgrade_savepoint_path = None;
                case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
                case.observed.ha_data = ha_data(Some(4));
                if steps_before > 0 {
                    case.edit(&json!({"job": {"parallelism": 2}}));
                }
                for _ in 1..steps_before {
                    case.step();
                }
                case.observed = Observed { ha_data: data.clone(), ..gone() };
                for _ in 0..6 {
                    case.now += 61;
                    let decision = case.step();
                    if does(&decision, "create") {
                        let path = Case::restores_from(&decision);
                        let from_data = data.present().is_some()
                            && case.recorded_mode().as_deref() == Some("last-state");
                        assert!(
                            from_data || path.as_deref() == Some(SAVEPOINT),
                            "{mode} {decision:?}"
                        );
                        break;
                    }
                    assert_ne!(decision.because.reason(), "UpToDate", "{mode} {data:?}");
                }
            }
        }
    }
}

/// Row 1 again: a good checkpoint lies in object storage, and the message that asks for help does not say where.
#[test]
fn fear_01_message_that_asks_for_a_manual_restore_says_where_checkpoints_are() {
    let id = "07070707070707070707070707070707";
    let mut lost = stateful("last-state", true);
    lost.status().job_status.upgrade_savepoint_path = Some("s3://b/s/begin".to_owned());
    lost.observed = Observed { ha_data: Asked::absent(), ..gone() };
    let mut changed = stateful("last-state", true);
    changed.status().job_status.upgrade_savepoint_path = Some("s3://b/s/begin".to_owned());
    changed.edit(&json!({"job": {"parallelism": 2}}));
    changed.observed = Observed { ha_data: Asked::absent(), ..gone() };
    for mut case in [lost, changed] {
        let message = case.step().because.message();
        assert!(message.contains(&format!("s3://b/c/{id}")), "{message}");
        assert!(message.contains("s3://b/s/begin"), "{message}");
        assert!(message.contains("savepointRedeployNonce"), "{message}");
    }
}

/// Row 2: the cluster of a finished or failed job goes after `jm-deployment.shutdown-ttl`, and with it what knows its last
/// checkpoint. A change a month later starts from it all the same, without help.
#[test]
fn fear_02_timer_that_clears_a_cluster_away_takes_no_state_along() {
    for state in [FlinkJobStatus::Finished, FlinkJobStatus::Failed] {
        for data in [Asked::absent(), Asked::unanswered("not looked at")] {
            let mut case = stateful("last-state", true);
            case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
            case.job_is(state.clone());
            case.step();
            assert_eq!(
                case.status().job_status.upgrade_savepoint_path.as_deref(),
                Some("s3://b/c/chk-8"),
                "written before anything is cleared away"
            );
            case.now += 86_400;
            assert!(does(&case.step(), "delete"));
            case.observed = gone();
            case.now += 30 * 86_400;
            case.step();
            case.edit(&json!({"job": {"parallelism": 2}}));
            case.observed.ha_data = data.clone();
            case.step();
            case.observed.ha_data = Asked::absent();
            case.step();
            let decision = case.step();
            let path = Case::restores_from(&decision);
            if data == Asked::absent() || path.is_some() {
                assert_eq!(case.recorded_mode().as_deref(), Some("savepoint"));
            }
        }
    }
}

/// Row 3: a job that was to keep its state starts empty, and nobody notices. FLINK-35857, FLINK-36037, FLINK-30527.
#[test]
fn fear_03_failed_job_is_not_started_again_before_its_last_checkpoint_is_known() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"flinkConfiguration": {"kubernetes.operator.job.restart.failed": "true"}}));
    case.step();
    case.now += 600;
    case.job_is(FlinkJobStatus::Failed);
    case.observed.last_checkpoint = Asked::unanswered("timed out");
    let decision = case.step();
    assert!(!does(&decision, "delete"), "{decision:?}");
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
    assert!(does(&case.step(), "delete"));
    case.observed = Observed { ha_data: Asked::absent(), ..gone() };
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-8"));
}

/// Row 3: the record of a first deployment says `stateless` whatever the user wants, so it says nothing about that. Found
/// by a random walk.
#[test]
fn fear_03_invalid_edit_does_not_make_a_lost_or_silent_job_start_empty() {
    let broken = json!({"taskManager": {"resource": {"memory": "lots"}}});
    for high_availability in [false, true] {
        let mut case = stateful("savepoint", high_availability);
        case.edit(&broken);
        case.observed = Observed { ha_data: Asked::absent(), ..gone() };
        for _ in 0..3 {
            let decision = case.step();
            assert!(!does(&decision, "create"), "{decision:?}");
        }
    }
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.edit(&broken);
    case.observed.jobs = Asked::unanswered("timed out");
    case.observed.savepoint = Asked::unanswered("timed out");
    case.observed.ha_data = Asked::absent();
    for _ in 0..3 {
        case.now += 700;
        let decision = case.step();
        assert!(!does(&decision, "delete"), "{decision:?}");
    }
}

/// Row 3: a version change after a suspension in `last-state` reads high availability data of another version.
#[test]
fn fear_03_version_change_of_a_suspended_last_state_job_is_refused() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    case.observed = Observed { ha_data: ha_data(Some(4)), ..gone() };
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Suspended));
    case.edit(&json!({"flinkVersion": "v1_20", "job": {"state": "running"}}));
    let decision = case.step();
    assert_eq!(decision.because.reason(), "InvalidSpec", "{decision:?}");
    assert!(!does(&decision, "create"));
}

/// Row 4: the rollback loses the state, or picks an older one. FLINK-33107, FLINK-32012.
#[test]
fn fear_04_rollback_goes_on_from_the_state_before_the_change() {
    let mut case = unproven("savepoint");
    case.sees(JobManagerDeployment { available: false, never_available: true, ..deployment(3) });
    case.now += 301;
    case.step();
    case.observed = Observed { ha_data: Asked::absent(), ..gone() };
    let decision = case.step();
    assert_eq!(image(&decision).as_deref(), Some("flink:2.2"));
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
}

/// Row 4, and the recordings of the Java operator: the mended spec was rolled back too, for its time had been running
/// since the deployment while the JobManager was starting on a busy machine.
#[test]
fn fear_04_mended_spec_after_a_rollback_gets_its_own_time_counted_from_readiness() {
    let mut case = unproven("savepoint");
    case.sees(JobManagerDeployment { available: false, never_available: true, ..deployment(3) });
    case.now += 301;
    case.step();
    case.edit(&json!({"image": "flink:mended"}));
    case.observed =
        Observed { ha_data: Asked::absent(), cluster: Asked::unanswered("no answer"), ..gone() };
    case.step();
    let decision = case.step();
    assert_eq!(image(&decision).as_deref(), Some("flink:mended"), "{decision:?}");
    // 290 of 300 s until the JobManager is ready; the job is created then.
    case.now += 290;
    let ready = case.now;
    case.sees(deployment(4)).job_is(FlinkJobStatus::Created);
    case.observed.pods = vec![ready_pod(ready)];
    case.step();
    case.observed.checkpoints = checkpoints(None);
    case.now = ready + 250;
    assert!(!does(&case.step(), "delete"), "the job has its time from here on");
    case.now = ready + 310;
    assert!(does(&case.step(), "delete"));
}

/// Row 4: a JobManager that becomes ready again and again does not put the end off for ever.
#[test]
fn fear_04_rollback_comes_although_the_job_manager_becomes_ready_anew() {
    let mut case = unproven("savepoint");
    case.sees(deployment(3)).job_is(FlinkJobStatus::Created);
    let deployed = case.now;
    case.observed.checkpoints = checkpoints(None);
    for after in [100, 290, 500] {
        case.now = deployed + after;
        let now = case.now;
        case.observed.pods = vec![ready_pod(now - 1)];
        assert!(!does(&case.step(), "delete"), "{after}");
    }
    case.now = deployed + 620;
    let now = case.now;
    case.observed.pods = vec![ready_pod(now - 1)];
    assert!(does(&case.step(), "delete"));
}

/// Row 5: a savepoint that the new job cannot read gives an empty cluster, or a loop without an end. FLINK-30444,
/// FLINK-32340, FLINK-37372.
#[test]
fn fear_05_savepoint_that_does_not_fit_is_told_and_not_tried_without_a_pause() {
    for restarts in ["false", "true"] {
        let mut case = stateful("savepoint", false);
        case.edit(
            &json!({"flinkConfiguration": {"kubernetes.operator.job.restart.failed": restarts}}),
        );
        case.step();
        case.edit(&json!({"job": {"parallelism": 2}}));
        case.step();
        case.observed.savepoint = Asked::present_is(completed());
        case.job_is(FlinkJobStatus::Finished);
        case.step();
        case.observed = Observed { cluster: Asked::unanswered("no answer"), ..gone() };
        case.step();
        let deployed = case.now;
        case.sees(deployment(3)).job_is(FlinkJobStatus::Failed);
        case.observed.pods = vec![ready_pod(deployed)];
        case.observed.last_checkpoint = Asked::absent();
        case.observed.job_failure = Some(crate::observed::JobFailure {
            class: "java.lang.IllegalStateException".to_owned(),
            message: "There is no operator for the state abc".to_owned(),
        });
        let decision = case.step();
        assert!(!does(&decision, "delete") && !does(&decision, "create"), "{decision:?}");
        assert_eq!(decision.because.reason(), "JobFailed");
        assert!(decision.because.message().contains("no operator for the state"));
        assert_eq!(case.status().job_status.upgrade_savepoint_path.as_deref(), Some(SAVEPOINT));
        case.now = deployed + 301;
        let decision = case.step();
        assert_eq!(does(&decision, "delete"), restarts == "true", "{decision:?}");
        case.observed = gone();
        if restarts == "true" {
            let decision = case.step();
            assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
        }
    }
}

/// Row 5: a `main()` that throws, or a JobManager that never started, leaves the upgrade stuck. FLINK-30406.
#[test]
fn fear_05_mended_spec_replaces_a_job_manager_that_never_started() {
    for mode in ["savepoint", "last-state", "stateless"] {
        let mut case = stateful(mode, false);
        case.edit(&json!({"image": "flink:broken", "job": {"upgradeMode": "savepoint"}}));
        case.step();
        case.observed.savepoint = Asked::present_is(completed());
        case.job_is(FlinkJobStatus::Finished);
        case.step();
        case.observed = Observed { cluster: Asked::unanswered("no answer"), ..gone() };
        case.step();
        case.sees(JobManagerDeployment {
            available: false,
            never_available: true,
            ..deployment(2)
        });
        case.observed.pods = vec![crash_loop("Error", 1, "Caused by: java.lang.Error: main")];
        let decision = case.step();
        assert_eq!(decision.because.reason(), "JobManagerFailed");
        assert!(decision.because.message().contains("java.lang.Error: main"));
        case.edit(&json!({"image": "flink:mended", "job": {"upgradeMode": mode}}));
        case.step();
        case.observed = gone();
        let decision = case.step();
        assert_eq!(image(&decision).as_deref(), Some("flink:mended"), "{mode}: {decision:?}");
        if mode != "stateless" {
            assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
        }
    }
}

/// Row 8: `last-state` hides `allowNonRestoredState`. FLINK-30638.
#[test]
fn fear_08_allow_non_restored_state_is_written_in_each_mode() {
    for mode in ["savepoint", "last-state", "stateless"] {
        let mut case = fresh();
        case.edit(&json!({
            "job": {"upgradeMode": mode, "allowNonRestoredState": true},
            "flinkConfiguration": {
                "execution.checkpointing.dir": "s3://b/c",
                "execution.checkpointing.savepoint-dir": "s3://b/s",
            },
        }));
        let decision = case.step();
        let written = format!("{decision:?}");
        assert!(written.contains("ignore-unclaimed-state"), "{mode}");
    }
}

/// Row 8: users ask for a mode that takes a savepoint or nothing. FLINK-29258.
#[test]
fn fear_08_savepoint_mode_never_falls_back_where_that_is_not_wanted() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"parallelism": 2}, "flinkConfiguration": {
        "kubernetes.operator.job.upgrade.last-state-fallback.enabled": "false",
    }}));
    for state in [FlinkJobStatus::Restarting, FlinkJobStatus::Created, FlinkJobStatus::Failing] {
        case.job_is(state);
        case.observed.ha_data = ha_data(Some(4));
        case.now += 600;
        let decision = case.step();
        assert_eq!(decision.because.reason(), "WaitingForRestorePoint", "{decision:?}");
        assert!(decision.because.message().contains("last-state-fallback"));
    }
    case.job_is(FlinkJobStatus::Running);
    assert!(does(&case.step(), "stop"));
}

/// Row 9: the savepoint that the next start needs is disposed of, or one is forgotten whose disposal failed. FLINK-38033,
/// FLINK-39439.
#[test]
fn fear_09_savepoint_that_a_start_needs_is_kept_and_others_go_before_they_are_forgotten() {
    let mut case = stateful("savepoint", false);
    let option = "kubernetes.operator.savepoint.dispose-on-delete";
    case.edit(&json!({"flinkConfiguration": {option: "true"}}));
    case.step();
    let savepoint = |path: &str, second: i64| flink_operator_api::Savepoint {
        time_stamp: second * 1_000,
        location: Some(path.to_owned()),
        trigger_type: Some(flink_operator_api::SnapshotTriggerType::Periodic),
        ..flink_operator_api::Savepoint::default()
    };
    case.status().job_status.upgrade_savepoint_path = Some("s3://b/s/needed".to_owned());
    let info = &mut case.status().job_status.savepoint_info;
    info.savepoint_history = vec![
        savepoint("s3://b/s/needed", 1),
        savepoint("s3://b/s/old", 2),
        savepoint("s3://b/s/newest", 3),
    ];
    case.now += 90_000;
    let decision = case.step();
    check(&decision, &["dispose", "record"], "UpToDate");
    let disposed = decision.actions.iter().find_map(|action| match action {
        Action::DisposeSavepoint { path } => Some(path.as_str()),
        _ => None,
    });
    assert_eq!(disposed, Some("s3://b/s/old"));
    assert_eq!(case.status().job_status.savepoint_info.savepoint_history.len(), 2);
    check(&case.step(), &[], "UpToDate");
}

/// Row 9: a savepoint that fails makes an event at each look. FLINK-40384.
#[test]
fn fear_09_savepoint_that_goes_on_failing_is_one_event() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    let mut told = 0;
    for _ in 0..4 {
        case.step();
        case.observed.savepoint = Asked::present_is(Operation::Failed {
            class: "a.B".to_owned(),
            message: "the folder is full".to_owned(),
            savepoint: None,
        });
        told += usize::from(tells(&case.step(), "SavepointError"));
        case.observed.savepoint = Asked::NotAsked;
        case.now += 61;
    }
    assert_eq!(told, 1);
}

/// Row 10: leftovers of high availability need hand clean-up. FLINK-27569.
#[test]
fn fear_10_leftovers_of_the_old_job_go_before_a_new_one_starts_and_with_the_resource() {
    let mut case = stateful("stateless", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(None);
    case.step();
    case.observed = Observed { ha_data: ha_data(Some(4)), ..gone() };
    assert!(does(&case.step(), "delete HA data"));
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(does(&decision, "create"));
    assert!(format!("{decision:?}").contains("job-result-store/a/r"), "a folder of its own");
}
