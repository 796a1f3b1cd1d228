//! The choice as data.

use flink_operator_api::{JobStatus, names};

use super::*;
use crate::observed::RestorePoint;

static RETAINED: Asked<bool> = Asked::Answered(Seen::Present(true));
static DELETED: Asked<bool> = Asked::Answered(Seen::Present(false));

/// A job of mode last-state that runs, with high availability data and a checkpoint.
fn facts<'a>(ha_data: &'a Asked<HaData>, checkpoints: &'a Asked<Checkpoints>) -> Facts<'a> {
    Facts {
        mode: UpgradeMode::LastState,
        job: Some(FlinkJobStatus::Running),
        main_failed: false,
        job_manager: JobManagerDeploymentStatus::Ready,
        state_age: Duration::from_hours(1),
        job_started: Timestamp::from_second(1_000).ok(),
        keeps_ha_data: true,
        may_have_ha_data: true,
        unseen_ha_data: false,
        shares_zookeeper: false,
        ha_data,
        checkpoints,
        last_known: known(Some("s3://b/s/1")),
        version_changed: false,
        savepoint_directory: true,
        last_state_fallback: true,
        last_state_cancels: false,
        checkpoint_age_max: None,
        checkpoints_outlive_cancellation: &RETAINED,
        recorded_mode: Some(UpgradeMode::Stateless),
        never_available: false,
        now: Timestamp::from_second(10_000).unwrap(),
    }
}

fn ha(checkpoint: Option<i64>) -> Asked<HaData> {
    Asked::present_is(HaData {
        config_maps: vec!["a-x-config-map".to_owned()],
        job_metadata: true,
        has_checkpoint: checkpoint.is_some(),
        newest_checkpoint: checkpoint,
        has_job_graph: true,
    })
}

fn checkpoint_at(second: i64) -> Asked<Checkpoints> {
    Asked::present_is(Checkpoints {
        newest: Some(RestorePoint {
            id: 9,
            path: Some("s3://b/c/9".to_owned()),
            is_savepoint: false,
            at: Timestamp::from_second(second).ok(),
        }),
        in_progress_since: None,
    })
}

fn no_checkpoint() -> Asked<Checkpoints> {
    Asked::present_is(Checkpoints::default())
}

fn not_asked<T>() -> Asked<T> {
    Asked::NotAsked
}

/// What a status with this path knows.
fn known(path: Option<&str>) -> RestoreFrom {
    let upgrade_savepoint_path = path.map(str::to_owned);
    RestoreFrom::of_status(&JobStatus { upgrade_savepoint_path, ..JobStatus::default() })
}

/// A choice in a word or two.
fn short(choice: &Choice) -> String {
    match choice {
        Choice::Go { stop: StopMethod::Savepoint, .. } => "Savepoint".to_owned(),
        Choice::Go { stop, from: RestoreFrom::Path(_) } => format!("{stop:?} Path"),
        Choice::Go { stop, from } => format!("{stop:?} {from:?}"),
        Choice::Ask(ask) => format!("ask {ask:?}"),
        Choice::Unseen { .. } => "unseen".to_owned(),
        Choice::Wait { .. } => "wait".to_owned(),
        Choice::Impossible { .. } => "impossible".to_owned(),
    }
}

#[track_caller]
fn check(facts: &Facts<'_>, expected: &str) {
    assert_eq!(short(&choose(facts)), expected, "{facts:#?}");
}

/// Checks with high availability data, checkpoints, and a change of the facts.
#[track_caller]
fn case(
    ha_data: impl Into<Asked<HaData>>,
    checkpoints: impl Into<Asked<Checkpoints>>,
    change: impl FnOnce(&mut Facts<'_>),
    expected: &str,
) {
    let (ha_data, checkpoints) = (ha_data.into(), checkpoints.into());
    let mut facts = facts(&ha_data, &checkpoints);
    change(&mut facts);
    check(&facts, expected);
}

const JOB_STATES: [FlinkJobStatus; 11] = [
    FlinkJobStatus::Initializing,
    FlinkJobStatus::Created,
    FlinkJobStatus::Running,
    FlinkJobStatus::Failing,
    FlinkJobStatus::Failed,
    FlinkJobStatus::Cancelling,
    FlinkJobStatus::Canceled,
    FlinkJobStatus::Finished,
    FlinkJobStatus::Restarting,
    FlinkJobStatus::Suspended,
    FlinkJobStatus::Reconciling,
];

#[test]
fn stateless_discards_what_runs_and_leaves_alone_what_has_ended() {
    for state in JOB_STATES {
        let expected =
            if is_globally_terminal(&state) { "Ended Empty" } else { "DeleteCluster Empty" };
        let change = |facts: &mut Facts<'_>| {
            facts.mode = UpgradeMode::Stateless;
            facts.job = Some(state);
        };
        case(not_asked(), not_asked(), change, expected);
    }
}

#[test]
fn savepoint_is_taken_of_a_running_job_and_of_no_other() {
    for (state, expected) in [
        (FlinkJobStatus::Running, "Savepoint"),
        (FlinkJobStatus::Created, "DeleteClusterKeepHaData HaMetadata"),
        (FlinkJobStatus::Restarting, "DeleteClusterKeepHaData HaMetadata"),
        (FlinkJobStatus::Reconciling, "DeleteClusterKeepHaData HaMetadata"),
        (FlinkJobStatus::Cancelling, "wait"),
        (FlinkJobStatus::Canceled, "Ended Path"),
        (FlinkJobStatus::Finished, "Ended Path"),
        (FlinkJobStatus::Failed, "Ended Path"),
    ] {
        let change = |facts: &mut Facts<'_>| {
            facts.mode = UpgradeMode::Savepoint;
            facts.job = Some(state);
        };
        case(ha(Some(4)), not_asked(), change, expected);
    }
}

#[test]
fn silent_job_manager_is_given_its_time_before_a_savepoint_upgrade_goes_without_it() {
    for (age, expected) in [(59, "wait"), (61, "DeleteClusterKeepHaData HaMetadata")] {
        let change = |facts: &mut Facts<'_>| {
            facts.mode = UpgradeMode::Savepoint;
            facts.job = Some(FlinkJobStatus::Reconciling);
            facts.state_age = Duration::from_secs(age);
        };
        case(ha(Some(4)), not_asked(), change, expected);
    }
}

#[test]
fn savepoint_upgrade_without_fallback_waits_for_the_job_to_run() {
    let change = |facts: &mut Facts<'_>| {
        facts.mode = UpgradeMode::Savepoint;
        facts.job = Some(FlinkJobStatus::Restarting);
        facts.last_state_fallback = false;
    };
    case(ha(Some(4)), not_asked(), change, "wait");
}

#[test]
fn last_state_keeps_the_high_availability_data_or_else_cancels() {
    case(ha(Some(4)), not_asked(), |_| {}, "DeleteClusterKeepHaData HaMetadata");
    case(not_asked(), not_asked(), |_| {}, "ask HaData");
    case(Asked::unanswered("timed out"), not_asked(), |_| {}, "unseen");
    case(Asked::absent(), not_asked(), |_| {}, "ask Checkpoints");
    case(Asked::absent(), checkpoint_at(9_999), |_| {}, "Cancel Path");
    case(Asked::absent(), Asked::unanswered("timed out"), |_| {}, "unseen");
    case(not_asked(), checkpoint_at(9_999), |facts| facts.may_have_ha_data = false, "Cancel Path");
    case(ha(Some(4)), checkpoint_at(9_999), |facts| facts.last_state_cancels = true, "Cancel Path");
}

#[test]
fn running_job_is_not_stopped_before_its_first_checkpoint() {
    case(ha(None), not_asked(), |_| {}, "wait");
    case(Asked::absent(), no_checkpoint(), |_| {}, "wait");
}

/// A job that is cancelled before it was restored forgets where from.
#[test]
fn job_that_was_not_restored_yet_goes_on_from_where_it_was_to_start() {
    let starting = |from: Option<&str>| {
        let from = known(from);
        move |facts: &mut Facts<'_>| {
            facts.job = Some(FlinkJobStatus::Initializing);
            facts.last_known = from;
        }
    };
    case(Asked::absent(), no_checkpoint(), starting(None), "Cancel NoState");
    case(Asked::absent(), no_checkpoint(), starting(Some("s3://b/s/1")), "Cancel Path");
    let last_state = || starting(Some(names::LAST_STATE_SAVEPOINT_PATH));
    case(Asked::absent(), no_checkpoint(), last_state(), "wait");
    let cancels = |facts: &mut Facts<'_>| {
        last_state()(facts);
        facts.last_state_cancels = true;
    };
    case(ha(Some(4)), no_checkpoint(), cancels, "DeleteClusterKeepHaData HaMetadata");
    let of_another_version = |facts: &mut Facts<'_>| {
        last_state()(facts);
        facts.version_changed = true;
    };
    case(ha(Some(4)), no_checkpoint(), of_another_version, "wait");
}

/// Data without a checkpoint say nothing of a job that could not be asked. Left to them, it may fail in the moment before
/// its JobManager ends, and nobody knows then whether it had come to a checkpoint.
#[test]
fn job_without_a_checkpoint_in_its_data_is_cancelled_and_its_end_is_seen() {
    for state in [FlinkJobStatus::Initializing, FlinkJobStatus::Created, FlinkJobStatus::Restarting]
    {
        let is = |from: Option<&str>| {
            let (state, from) = (state.clone(), known(from));
            move |facts: &mut Facts<'_>| {
                facts.job = Some(state);
                facts.last_known = from;
            }
        };
        case(ha(None), not_asked(), is(None), "ask Checkpoints");
        case(ha(None), no_checkpoint(), is(None), "Cancel NoState");
        case(ha(None), no_checkpoint(), is(Some("s3://b/s/1")), "Cancel Path");
        case(ha(Some(4)), not_asked(), is(None), "DeleteClusterKeepHaData HaMetadata");
        let last_state = is(Some(names::LAST_STATE_SAVEPOINT_PATH));
        case(ha(None), no_checkpoint(), last_state, "DeleteClusterKeepHaData HaMetadata");
    }
}

#[test]
fn cancelling_that_would_delete_the_checkpoints_gives_way_to_a_savepoint() {
    let deletes = |facts: &mut Facts<'_>| facts.checkpoints_outlive_cancellation = &DELETED;
    case(Asked::absent(), checkpoint_at(9_999), deletes, "Savepoint");
    let nowhere = |facts: &mut Facts<'_>| {
        facts.checkpoints_outlive_cancellation = &DELETED;
        facts.savepoint_directory = false;
    };
    case(Asked::absent(), checkpoint_at(9_999), nowhere, "wait");
}

#[test]
fn another_version_of_flink_never_reads_old_high_availability_data() {
    let changed = |facts: &mut Facts<'_>| facts.version_changed = true;
    case(ha(Some(4)), not_asked(), changed, "Savepoint");
    let without_folder = |facts: &mut Facts<'_>| {
        facts.version_changed = true;
        facts.savepoint_directory = false;
    };
    case(ha(Some(4)), checkpoint_at(9_999), without_folder, "Cancel Path");
    let not_listed = |facts: &mut Facts<'_>| {
        facts.version_changed = true;
        facts.job = Some(FlinkJobStatus::Reconciling);
    };
    case(ha(Some(4)), not_asked(), not_listed, "wait");
}

#[test]
fn checkpoint_that_is_too_old_makes_a_savepoint_the_better_way() {
    let hour = Some(Duration::from_hours(1));
    let limited = |facts: &mut Facts<'_>| facts.checkpoint_age_max = hour;
    case(ha(Some(4)), not_asked(), limited, "ask Checkpoints");
    case(ha(Some(4)), checkpoint_at(9_000), limited, "DeleteClusterKeepHaData HaMetadata");
    case(ha(Some(4)), checkpoint_at(5_000), limited, "Savepoint");
    let Asked::Answered(Seen::Present(mut under_way)) = checkpoint_at(5_000) else {
        panic!("it is present")
    };
    under_way.in_progress_since = Timestamp::from_second(9_990).ok();
    case(ha(Some(4)), Asked::present_is(under_way), limited, "wait");
    let young = |facts: &mut Facts<'_>| {
        facts.checkpoint_age_max = hour;
        facts.job_started = Timestamp::from_second(9_000).ok();
    };
    case(ha(Some(4)), not_asked(), young, "DeleteClusterKeepHaData HaMetadata");
}

#[test]
fn job_that_has_ended_goes_on_from_what_the_status_knows() {
    let ended = |last_known: Option<&str>, job_manager: JobManagerDeploymentStatus| {
        let last_known = known(last_known);
        move |facts: &mut Facts<'_>| {
            facts.job = Some(FlinkJobStatus::Failed);
            facts.last_known = last_known;
            facts.job_manager = job_manager;
        }
    };
    let ready = JobManagerDeploymentStatus::Ready;
    let missing = JobManagerDeploymentStatus::Missing;
    case(not_asked(), not_asked(), ended(Some("s3://b/s"), ready.clone()), "Ended Path");
    case(not_asked(), not_asked(), ended(None, ready.clone()), "Ended NoState");
    let marker = ended(Some(names::LAST_STATE_SAVEPOINT_PATH), ready);
    case(not_asked(), not_asked(), marker, "impossible");
    case(not_asked(), not_asked(), ended(Some("s3://b/s"), missing.clone()), "ask HaData");
    case(
        ha(Some(4)),
        not_asked(),
        ended(Some("s3://b/s"), missing.clone()),
        "DeleteClusterKeepHaData HaMetadata",
    );
    case(Asked::absent(), not_asked(), ended(Some("s3://b/s"), missing), "Ended Path");
}

#[test]
fn main_method_that_failed_says_nothing_of_the_state() {
    let failed = |facts: &mut Facts<'_>| {
        facts.job = Some(FlinkJobStatus::Failed);
        facts.main_failed = true;
    };
    case(not_asked(), not_asked(), failed, "ask HaData");
    case(ha(Some(4)), not_asked(), failed, "DeleteClusterKeepHaData HaMetadata");
    case(Asked::absent(), not_asked(), failed, "Ended Path");
    let another_version = |facts: &mut Facts<'_>| {
        failed(facts);
        facts.version_changed = true;
    };
    case(ha(Some(4)), not_asked(), another_version, "wait");
}

#[test]
fn lost_job_manager_leaves_the_high_availability_data_or_a_question_to_the_user() {
    let lost = |facts: &mut Facts<'_>| {
        facts.job = Some(FlinkJobStatus::Reconciling);
        facts.job_manager = JobManagerDeploymentStatus::Missing;
    };
    case(ha(Some(4)), not_asked(), lost, "DeleteClusterKeepHaData HaMetadata");
    case(Asked::absent(), not_asked(), lost, "impossible");
    case(Asked::unanswered("timed out"), not_asked(), lost, "unseen");
    let off_from_now_on = |facts: &mut Facts<'_>| {
        facts.job = Some(FlinkJobStatus::Reconciling);
        facts.job_manager = JobManagerDeploymentStatus::Missing;
        facts.keeps_ha_data = false;
    };
    case(ha(Some(4)), not_asked(), off_from_now_on, "wait");
}

#[test]
fn job_manager_that_has_never_answered_leaves_the_restore_point_as_it_was() {
    let never = |mode: UpgradeMode| {
        move |facts: &mut Facts<'_>| {
            facts.job = Some(FlinkJobStatus::Reconciling);
            facts.job_manager = JobManagerDeploymentStatus::Error;
            facts.never_available = true;
            facts.recorded_mode = Some(mode);
        }
    };
    case(Asked::absent(), not_asked(), never(UpgradeMode::Savepoint), "Ended Path");
    case(Asked::absent(), not_asked(), never(UpgradeMode::LastState), "impossible");
    case(
        ha(Some(4)),
        not_asked(),
        never(UpgradeMode::LastState),
        "DeleteClusterKeepHaData HaMetadata",
    );
}

#[test]
fn job_that_came_to_nothing_after_a_restore_starts_from_the_same_path_again() {
    let restarted = |mode: UpgradeMode| {
        move |facts: &mut Facts<'_>| {
            facts.job = Some(FlinkJobStatus::Reconciling);
            facts.recorded_mode = Some(mode);
        }
    };
    case(ha(None), not_asked(), restarted(UpgradeMode::Savepoint), "DeleteCluster Path");
    case(
        ha(None),
        not_asked(),
        restarted(UpgradeMode::Stateless),
        "DeleteClusterKeepHaData HaMetadata",
    );
}

#[test]
fn nothing_ever_starts_empty_but_a_job_that_has_no_state() {
    let all_ha = [not_asked(), Asked::absent(), ha(None), ha(Some(4))];
    let all_checkpoints = [not_asked(), Asked::absent(), no_checkpoint(), checkpoint_at(9_999)];
    for mode in [UpgradeMode::Savepoint, UpgradeMode::LastState] {
        for state in JOB_STATES {
            for ha_data in &all_ha {
                for checkpoints in &all_checkpoints {
                    for last_known in
                        [None, Some("s3://b/s"), Some(names::LAST_STATE_SAVEPOINT_PATH)]
                    {
                        let facts = Facts {
                            mode: mode.clone(),
                            job: Some(state.clone()),
                            last_known: known(last_known),
                            ..facts(ha_data, checkpoints)
                        };
                        let choice = choose(&facts);
                        let Choice::Go { from, stop } = choice else { continue };
                        assert_ne!(from, RestoreFrom::Empty, "{facts:?}");
                        if from == RestoreFrom::NoState {
                            let none_known = match checkpoints.seen() {
                                Seen::Present(seen) => seen.newest.is_none(),
                                Seen::Absent => true,
                                Seen::Unknown { .. } => false,
                            };
                            assert!(
                                (stop == StopMethod::Ended && last_known.is_none())
                                    || (stop == StopMethod::Cancel
                                        && none_known
                                        && !facts.is_running()),
                                "{facts:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// As `case`, with high availability data in ZooKeeper.
#[track_caller]
fn zookeeper(change: impl FnOnce(&mut Facts<'_>), expected: &str) {
    case(
        not_asked(),
        checkpoint_at(1),
        |facts| {
            (facts.keeps_ha_data, facts.may_have_ha_data) = (false, false);
            (facts.unseen_ha_data, facts.shares_zookeeper) = (true, true);
            change(facts);
        },
        expected,
    );
}

#[test]
fn data_that_nobody_can_look_into_are_never_taken_for_absent() {
    zookeeper(|_| {}, "DeleteClusterKeepHaData HaMetadata");
    zookeeper(|facts| facts.last_state_cancels = true, "Cancel Path");
    zookeeper(|facts| facts.job = Some(FlinkJobStatus::Restarting), "Cancel Path");
    zookeeper(|facts| facts.shares_zookeeper = false, "Cancel Path");
    zookeeper(|facts| facts.mode = UpgradeMode::Savepoint, "Savepoint");
    for job_manager in [
        JobManagerDeploymentStatus::Missing,
        JobManagerDeploymentStatus::Error,
        JobManagerDeploymentStatus::DeployedNotReady,
    ] {
        let silent = |facts: &mut Facts<'_>| {
            facts.job = Some(FlinkJobStatus::Reconciling);
            facts.job_manager = job_manager.clone();
        };
        zookeeper(silent, "DeleteClusterKeepHaData HaMetadata");
        let moved = |facts: &mut Facts<'_>| {
            silent(facts);
            facts.shares_zookeeper = false;
        };
        zookeeper(moved, "wait");
    }
    let never_started = |facts: &mut Facts<'_>| {
        facts.job = Some(FlinkJobStatus::Reconciling);
        facts.job_manager = JobManagerDeploymentStatus::Error;
        facts.never_available = true;
    };
    zookeeper(never_started, "Ended Path");
}

#[test]
fn ended_job_of_a_job_manager_that_is_about_to_answer_is_awaited() {
    let ended = |job_manager: JobManagerDeploymentStatus| {
        move |facts: &mut Facts<'_>| {
            facts.job = Some(FlinkJobStatus::Failed);
            facts.job_manager = job_manager;
        }
    };
    zookeeper(ended(JobManagerDeploymentStatus::Ready), "Ended Path");
    zookeeper(ended(JobManagerDeploymentStatus::Missing), "Ended Path");
    zookeeper(ended(JobManagerDeploymentStatus::DeployedNotReady), "wait");
}
