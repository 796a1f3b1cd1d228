//! Changes that take the job's state along: savepoint, last state, suspension and what can go wrong on the way.

use flink_operator_api::Savepoint;

use super::*;
use crate::observed::{Checkpoints, Operation, RestorePoint};

pub(super) const SAVEPOINT: &str = "s3://b/s/savepoint-1";

/// A running application with folders for its state, in this upgrade mode.
pub(super) fn stateful(mode: &str, high_availability: bool) -> Case {
    let mut case = fresh();
    let mut configuration = json!({
        "execution.checkpointing.dir": "s3://b/c", "execution.checkpointing.savepoint-dir": "s3://b/s",
    });
    if high_availability {
        configuration["high-availability.type"] = json!("kubernetes");
        configuration["high-availability.storageDir"] = json!("s3://b/h");
    }
    case.edit(&json!({"job": {"upgradeMode": mode}, "flinkConfiguration": configuration}));
    case.resource.metadata.generation = Some(1);
    case.step();
    case.sees(deployment(1)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    case.observed.cluster = Asked::unanswered("no answer");
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable));
    case
}

pub(super) fn ha_data(checkpoint: Option<i64>) -> Asked<HaData> {
    Asked::present_is(HaData {
        config_maps: vec!["a-x-config-map".to_owned()],
        job_metadata: true,
        has_checkpoint: checkpoint.is_some(),
        newest_checkpoint: checkpoint,
        has_job_graph: true,
    })
}

pub(super) fn checkpoints(path: Option<&str>) -> Asked<Checkpoints> {
    Asked::present_is(Checkpoints {
        newest: path.map(|path| RestorePoint {
            id: 4,
            path: Some(path.to_owned()),
            is_savepoint: false,
            at: Timestamp::from_second(990).ok(),
        }),
        in_progress_since: None,
    })
}

impl Case {
    fn savepoint_is(&mut self, operation: Operation) -> &mut Self {
        self.observed.savepoint = Asked::present_is(operation);
        self
    }

    pub(super) fn path(&mut self) -> Option<String> {
        self.status().job_status.upgrade_savepoint_path.clone()
    }

    pub(super) fn recorded_mode(&mut self) -> Option<String> {
        let text =
            self.status().reconciliation_status.last_reconciled_spec.clone().unwrap_or_default();
        let recorded: Value = serde_json::from_str(&text).unwrap_or_default();
        recorded.pointer("/spec/job/upgradeMode").and_then(Value::as_str).map(str::to_owned)
    }

    pub(super) fn condition(&mut self, type_: &str) -> (String, String, String) {
        let condition = self.status().conditions.iter().find(|found| found.type_ == type_).cloned();
        let condition = condition.unwrap_or_default();
        (
            condition.status,
            condition.reason.unwrap_or_default(),
            condition.message.unwrap_or_default(),
        )
    }

    /// What was created from, in the decision.
    pub(super) fn restores_from(decision: &Decision) -> Option<String> {
        let objects = decision.actions.iter().find_map(|action| {
            if let Action::CreateCluster { objects, .. } = action { Some(objects) } else { None }
        })?;
        let text = serde_json::to_string(&objects.accompanying).unwrap();
        let (_, rest) = text.split_once("execution.savepoint.path: ").or_else(|| {
            text.split_once("savepoint:\\n    path: ").or_else(|| text.split_once("path: "))
        })?;
        Some(
            rest.split("\\n").next().unwrap_or_default().trim_matches(['\'', '"', '\\']).to_owned(),
        )
    }
}

pub(super) fn completed() -> Operation {
    Operation::Completed { location: SAVEPOINT.to_owned() }
}

pub(super) fn failed() -> Operation {
    Operation::Failed {
        class: "org.apache.flink.runtime.checkpoint.CheckpointException".to_owned(),
        message: "the folder is full".to_owned(),
        savepoint: None,
    }
}

#[test]
fn savepoint_upgrade_records_the_request_sends_it_and_keeps_the_path_before_anything_is_deleted() {
    let mut case = stateful("savepoint", false);
    let first_job = case.status().job_status.job_id.clone();
    case.edit(&json!({"job": {"parallelism": 2}}));
    check(&case.step(), &["record", "stop", "event", "event"], "WaitingForSavepoint");
    let info = case.status().job_status.savepoint_info.clone();
    assert_eq!(info.trigger_id.as_deref(), Some(TRIGGER));
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
    assert_eq!(case.status().observed_generation, Some(1));

    assert!(case.questions().savepoint);
    case.savepoint_is(Operation::InProgress);
    check(&case.step(), &[], "WaitingForSavepoint");

    case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
    let decision = case.step();
    check(&decision, &["record", "delete"], "Upgrading");
    assert_eq!(case.path().as_deref(), Some(SAVEPOINT));
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Upgrading);
    assert_eq!(case.status().observed_generation, Some(2));
    assert_eq!(case.recorded_mode().as_deref(), Some("savepoint"));
    let info = case.status().job_status.savepoint_info.clone();
    assert_eq!(info.trigger_id, None);
    assert_eq!(info.savepoint_history.len(), 1);
    assert_eq!(case.condition("StateKept").0, "True");
    assert!(case.condition("StateKept").2.contains(SAVEPOINT));

    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    let decision = case.step();
    check(&decision, &["record", "create", "record", "event"], "WaitingForJobManager");
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
    assert_eq!(case.status().job_status.job_id, first_job, "the fresh id of this test");
}

#[test]
fn upgrade_does_not_go_back_to_the_savepoint_that_the_job_had_once_started_from() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2, "initialSavepointPath": "s3://b/s/long-ago"}}));
    case.step();
    case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    let decision = case.step();
    check(&decision, &["record", "create", "record", "event"], "WaitingForJobManager");
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
}

#[test]
fn savepoint_from_before_the_jobs_start_is_not_where_it_goes_on() {
    for (taken_at, expected) in [(4, None), (6, Some("s3://b/s/older"))] {
        let mut case = stateful("savepoint", false);
        case.status().job_status.savepoint_info.last_savepoint = Some(Savepoint {
            time_stamp: taken_at,
            location: Some("s3://b/s/older".to_owned()),
            ..Savepoint::default()
        });
        case.observed.last_checkpoint = Asked::absent();
        case.job_is(FlinkJobStatus::Failed).step();
        case.edit(&json!({"job": {"parallelism": 2}}));
        let decision = case.step();
        assert!(short(&decision).contains(&"delete"), "{decision:?}");
        assert_eq!(case.path().as_deref(), expected, "taken at {taken_at}, started at 5");
    }
}

#[test]
fn request_that_was_lost_is_sent_again_under_the_same_id() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::absent();
    case.ids.trigger_id = "cd".repeat(16);
    let decision = case.step();
    check(&decision, &["stop"], "WaitingForSavepoint");
    let sent = decision.actions.iter().find_map(|action| {
        if let Action::StopWithSavepoint { savepoint, .. } = action {
            Some(savepoint.trigger_id.clone())
        } else {
            None
        }
    });
    assert_eq!(sent.as_deref(), Some(TRIGGER));
    case.observed.savepoint = Asked::unanswered("timed out");
    check(&case.step(), &[], "WaitingForSavepoint");
}

#[test]
fn stop_goes_on_although_the_change_was_taken_back_or_broken_meanwhile() {
    for edit in [
        json!({"job": {"parallelism": 1}}),
        json!({"taskManager": {"resource": {"memory": "lots"}}}),
    ] {
        let mut case = stateful("savepoint", false);
        case.edit(&json!({"job": {"parallelism": 2}}));
        case.step();
        case.edit(&edit);
        case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
        case.step();
        assert_eq!(case.path().as_deref(), Some(SAVEPOINT));
        case.observed.job_manager = Seen::Absent;
        case.observed.pods.clear();
        case.observed.ha_data = Asked::absent();
        let decision = case.step();
        assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT), "{decision:?}");
    }
}

#[test]
fn savepoint_that_fails_leaves_the_job_running_and_is_tried_again_later() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.savepoint_is(failed());
    check(&case.step(), &["record", "event"], "SavepointFailed");
    assert!(case.status().error.clone().unwrap().contains("the folder is full"));
    case.observed.savepoint = Asked::NotAsked;
    assert!(!short(&case.step()).contains(&"stop"), "not at once");
    case.now += 60;
    assert!(short(&case.step()).contains(&"stop"), "but after the interval");
    assert_eq!(case.status().job_status.savepoint_info.trigger_id.as_deref(), Some(TRIGGER));
}

#[test]
fn savepoint_that_was_completed_although_the_stop_failed_counts() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.savepoint_is(Operation::Failed {
        class: String::new(),
        message: String::new(),
        savepoint: Some(SAVEPOINT.to_owned()),
    });
    // It was not started again: nothing was committed since.
    case.job_is(FlinkJobStatus::Failed);
    check(&case.step(), &["record", "delete"], "Upgrading");
    assert_eq!(case.path().as_deref(), Some(SAVEPOINT));
}

#[test]
fn job_that_ended_while_flink_forgot_the_request_goes_on_from_its_last_checkpoint() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::absent();
    case.job_is(FlinkJobStatus::Finished);
    assert!(case.questions().job_end);
    assert_eq!(
        case.step().because.reason(),
        "WaitingForSavepoint",
        "its end is not understood yet"
    );
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/9".to_owned());
    case.step();
    assert_eq!(case.path().as_deref(), Some("s3://b/c/9"));
    assert_eq!(case.recorded_mode().as_deref(), Some("savepoint"));
}

/// The operator was away for longer than Flink remembers the request.
#[test]
fn request_that_flink_forgot_after_the_end_of_the_job_was_recorded_is_not_awaited() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.savepoint_is(Operation::InProgress).job_is(FlinkJobStatus::Finished);
    case.observed.last_checkpoint = Asked::present_is(SAVEPOINT.to_owned());
    case.step();
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Finished));

    case.observed.jobs = Asked::NotAsked;
    case.observed.last_checkpoint = Asked::NotAsked;
    case.observed.savepoint = Asked::absent();
    assert!(case.questions().jobs);
    case.job_is(FlinkJobStatus::Finished);
    assert!(case.questions().job_end);
    case.observed.last_checkpoint = Asked::present_is(SAVEPOINT.to_owned());
    check(&case.step(), &["record", "delete"], "Upgrading");
    assert_eq!(case.path().as_deref(), Some(SAVEPOINT));
}

#[test]
fn slow_savepoint_is_told_and_awaited() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.savepoint_is(Operation::InProgress);
    case.now += 620;
    check(&case.step(), &[], "WaitingForSavepoint");
    case.now += 20;
    check(&case.step(), &["record", "event"], "WaitingForSavepoint");
    assert!(case.status().error.clone().unwrap().contains("execution.checkpointing.timeout"));
    check(&case.step(), &[], "WaitingForSavepoint");
}

#[test]
fn job_manager_that_vanishes_while_the_job_stops_leaves_the_last_state() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    assert!(case.questions().confirm_absence);
    case.observed.job_manager_source = Source::ApiServer;
    case.step();
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(4));
    case.step();
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
    let decision = case.step();
    let actions = short(&decision);
    assert!(actions.contains(&"forget job graphs") && actions.contains(&"create"), "{actions:?}");
}

#[test]
fn last_state_upgrade_deletes_the_deployment_keeps_the_data_and_the_job_id() {
    let mut case = stateful("last-state", true);
    case.status().job_status.job_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    case.job_is(FlinkJobStatus::Running);
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(4));
    assert!(case.questions().checkpoints, "to tell how old what is taken along is");
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    let decision = case.step();
    check(&decision, &["record", "scale to zero", "event", "event"], "Upgrading");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
    assert!(case.condition("StateKept").2.contains("checkpoint 4 at s3://b/c/chk-4"));
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.observed.jobs = Asked::unanswered("gone");
    let decision = case.step();
    check(
        &decision,
        &["forget job graphs", "record", "create", "record", "event"],
        "WaitingForJobManager",
    );
    assert_eq!(
        case.status().job_status.job_id.as_deref(),
        Some("0123456789abcdef0123456789abcdef")
    );
    assert_eq!(case.path().as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
}

#[test]
fn last_state_without_high_availability_cancels_and_goes_on_from_the_last_checkpoint() {
    let mut case = stateful("last-state", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert!(case.questions().checkpoints);
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    let decision = case.step();
    check(&decision, &["record", "cancel", "event", "event"], "WaitingForCancellation");
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Cancelling));
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Upgrading);
    case.job_is(FlinkJobStatus::Cancelling);
    check(&case.step(), &[], "WaitingForCancellation");
    case.job_is(FlinkJobStatus::Running);
    check(&case.step(), &["cancel"], "WaitingForCancellation");
    case.job_is(FlinkJobStatus::Canceled);
    assert!(case.questions().job_end);
    check(&case.step(), &["record"], "ClusterStateUnknown");
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-5".to_owned());
    check(&case.step(), &["record", "delete", "event"], "Upgrading");
    assert_eq!(case.path().as_deref(), Some("s3://b/c/chk-5"));
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-5"));
}

#[test]
fn change_waits_for_the_first_checkpoint_and_nothing_is_recorded_as_done() {
    let mut case = stateful("last-state", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(None);
    check(&case.step(), &["record"], "WaitingForRestorePoint");
    check(&case.step(), &[], "WaitingForRestorePoint");
    assert_eq!(case.status().observed_generation, Some(1));
}

#[test]
fn suspension_with_a_savepoint_ends_the_cluster_and_resumption_starts_from_it() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"state": "suspended"}}));
    check(&case.step(), &["record", "stop", "event", "event"], "WaitingForSavepoint");
    case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
    check(&case.step(), &["record", "delete"], "Upgrading");
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    check(&case.step(), &["record"], "Suspended");
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Suspended));
    assert_eq!(case.status().observed_generation, Some(2));
    check(&case.step(), &[], "Suspended");

    case.edit(&json!({"job": {"state": "running"}}));
    case.step();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT), "{decision:?}");
}

#[test]
fn suspension_in_last_state_keeps_the_data_and_resumption_needs_them() {
    let mut case = stateful("last-state", true);
    case.observed.ha_data = ha_data(Some(4));
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert_eq!(decision.because.reason(), "Suspended");
    assert!(!short(&decision).contains(&"delete HA data"));
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));

    case.edit(&json!({"job": {"state": "running"}}));
    case.observed.ha_data = Asked::NotAsked;
    case.step();
    assert!(case.questions().ha_data);
    check(&case.step(), &["record"], "ClusterStateUnknown");
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert_eq!(decision.because.reason(), "ClusterLost", "never empty");
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
}

#[test]
fn invalid_edit_does_not_wake_a_job_that_is_being_suspended() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.step();
    case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
    case.step();
    case.edit(&json!({"taskManager": {"resource": {"memory": "lots"}}}));
    let gone = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed = Observed { ha_data: Asked::absent(), ..gone };
    check(&case.step(), &["record", "event"], "InvalidSpec");
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Suspended));
}

#[test]
fn redeploy_nonce_decides_where_a_suspended_job_goes_on() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.step();
    case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.step();
    case.edit(&json!({"job": {
        "state": "running", "savepointRedeployNonce": 1, "initialSavepointPath": "s3://b/s/older",
    }}));
    case.step();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/s/older"));
}

#[test]
fn restart_nonce_restarts_with_state_and_operator_options_do_not_restart() {
    let mut case = stateful("savepoint", false);
    case.edit(
        &json!({"flinkConfiguration": {"kubernetes.operator.savepoint.format.type": "NATIVE"}}),
    );
    let decision = case.step();
    assert!(!short(&decision).contains(&"stop"), "{decision:?}");
    assert_eq!(case.status().observed_generation, Some(2));
    case.edit(&json!({"restartNonce": 1}));
    let decision = case.step();
    let format = decision.actions.iter().find_map(|action| {
        if let Action::StopWithSavepoint { savepoint, .. } = action {
            Some(savepoint.format)
        } else {
            None
        }
    });
    let native = crate::conf::options::operator::resource::SavepointFormat::Native;
    assert_eq!(format, Some(native), "options of the operator count at once");
}

#[test]
fn recorded_savepoint_without_a_path_never_deploys_empty() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.savepoint_is(completed()).job_is(FlinkJobStatus::Finished);
    case.step();
    case.status().job_status.upgrade_savepoint_path = None;
    case.status().job_status.savepoint_info.last_savepoint = None;
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    check(&case.step(), &["record"], "ClusterLost");
}

#[test]
fn idle_stateful_job_asks_for_nothing_but_its_state() {
    let case = stateful("savepoint", true);
    assert_eq!(case.questions(), Questions::default());
}
