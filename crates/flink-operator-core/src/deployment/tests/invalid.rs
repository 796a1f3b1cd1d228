//! While the newest spec is invalid, the job is looked after as its last valid spec says.

use super::stateful::{checkpoints, completed, ha_data, stateful};
use super::*;
use crate::observed::Operation;

const BROKEN: &str = "lots";

impl Case {
    fn is_edited_into_an_invalid_one(&mut self) -> &mut Self {
        self.edit(&json!({"taskManager": {"resource": {"memory": BROKEN}}}));
        let decision = self.step();
        assert_eq!(decision.because.reason(), "InvalidSpec", "{decision:?}");
        self
    }

    fn with_options(mode: &str, options: &Value) -> Self {
        let mut case = stateful(mode, false);
        case.edit(&json!({"flinkConfiguration": options}));
        // The options are the operator's: they restart nothing.
        let decision = case.step();
        assert!(!short(&decision).contains(&"delete"), "{decision:?}");
        case
    }

    fn job_has_failed(&mut self) {
        self.job_is(FlinkJobStatus::Failed);
        self.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-9".to_owned());
    }
}

fn count(decision: &Decision, reason: &str) -> usize {
    let is_it =
        |action: &&Action| matches!(action, Action::Publish(event) if event.reason == reason);
    decision.actions.iter().filter(is_it).count()
}

#[test]
fn periodic_savepoints_are_taken() {
    let mut case = Case::with_options(
        "savepoint",
        &json!({"kubernetes.operator.periodic.savepoint.interval": "1 min"}),
    );
    case.step();
    case.observed.savepoint = Asked::present_is(completed());
    case.step();
    case.observed.savepoint = Asked::NotAsked;
    case.is_edited_into_an_invalid_one();
    case.now += 61;
    let decision = case.step();
    assert!(short(&decision).contains(&"savepoint"), "{decision:?}");
    assert_eq!(decision.because.reason(), "InvalidSpec");
    assert_eq!(count(&decision, "ValidationError"), 0, "the faults are published once");
}

#[test]
fn failed_job_is_restarted_where_its_last_valid_spec_says_so() {
    let mut case =
        Case::with_options("savepoint", &json!({"kubernetes.operator.job.restart.failed": "true"}));
    case.is_edited_into_an_invalid_one();
    case.now += 600;
    case.job_has_failed();
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"), "{decision:?}");
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-9"));
    assert_eq!(case.status().observed_generation, Some(2), "that of the last valid spec");
}

#[test]
fn failed_job_is_left_alone_where_only_the_invalid_spec_asks_for_a_restart() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({
        "flinkConfiguration": {"kubernetes.operator.job.restart.failed": "true"},
        "taskManager": {"resource": {"memory": BROKEN}},
    }));
    case.step();
    case.now += 600;
    case.job_has_failed();
    for _ in 0..3 {
        let decision = case.step();
        assert!(!short(&decision).contains(&"delete"), "{decision:?}");
    }
}

#[test]
fn savepoint_that_is_under_way_is_recorded_with_its_nonce() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    case.step();
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.is_edited_into_an_invalid_one();
    case.observed.savepoint = Asked::present_is(completed());
    case.step();
    case.observed.savepoint = Asked::NotAsked;
    case.edit(&json!({"taskManager": {"resource": {"memory": "1g"}}}));
    for _ in 0..2 {
        let decision = case.step();
        assert!(!short(&decision).contains(&"savepoint"), "asked for twice: {decision:?}");
    }
}

#[test]
fn nonce_of_an_invalid_spec_asks_for_nothing_until_the_spec_is_valid() {
    let mut case = stateful("savepoint", false);
    let broken = json!({"resource": {"memory": BROKEN}});
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}, "taskManager": broken}));
    for _ in 0..3 {
        assert!(!short(&case.step()).contains(&"savepoint"));
    }
    case.edit(&json!({"taskManager": {"resource": {"memory": "1g"}}}));
    assert!(short(&case.step()).contains(&"savepoint"));
}

/// The recorded spec of a rollback is the one that was given up.
#[test]
fn lost_cluster_comes_back_with_the_spec_that_was_rolled_back_to() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"parallelism": 3}}));
    case.status().reconciliation_status.state = ReconciliationState::RolledBack;
    let stable = case.status().reconciliation_status.last_stable_spec.clone().unwrap();
    let given_up = stable.replace("\"parallelism\":1", "\"parallelism\":3");
    assert_ne!(stable, given_up);
    let generation = case.resource.metadata.generation;
    case.status().reconciliation_status.last_reconciled_spec = Some(given_up);
    case.status().observed_generation = generation;
    case.is_edited_into_an_invalid_one();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    let created = decision.actions.iter().find_map(|action| match action {
        Action::CreateCluster { objects, .. } => Some(format!("{objects:?}")),
        _ => None,
    });
    let created = created.expect("the cluster comes back");
    assert!(created.contains("parallelism:\\n  default: '1'"), "{created}");
}

#[test]
fn lost_cluster_stays_away_where_recovery_is_off() {
    let option = "kubernetes.operator.jm-deployment-recovery.enabled";
    let mut case = Case::with_options("last-state", &json!({option: "false"}));
    case.is_edited_into_an_invalid_one();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(!short(&decision).contains(&"create"), "{decision:?}");
    let message = decision.because.message();
    assert!(message.contains("memory") && message.contains(option), "both are said: {message}");
    assert!(case.step().actions.is_empty(), "once");
}

#[test]
fn deletion_takes_the_savepoint_that_the_last_valid_spec_asks_for() {
    let mut case = Case::with_options(
        "savepoint",
        &json!({"kubernetes.operator.job.savepoint-on-deletion": "true"}),
    );
    case.is_edited_into_an_invalid_one();
    // An invalid spec that does not ask for one any more, in the same edit as the mistake.
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.job.savepoint-on-deletion": "false",
    }}));
    case.step();
    let deleted_at = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(deleted_at));
    let decision = case.step();
    assert!(short(&decision).contains(&"stop"), "{decision:?}");
}

#[test]
fn conditions_are_of_the_invalid_generation_and_the_record_of_the_valid_one() {
    let mut case = stateful("savepoint", false);
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    let valid = case.resource.metadata.generation;
    case.is_edited_into_an_invalid_one();
    let invalid = case.resource.metadata.generation;
    let status = case.status();
    assert_eq!(status.observed_generation, valid);
    let stalled = status.conditions.iter().find(|condition| condition.type_ == "Stalled").unwrap();
    assert_eq!((stalled.status.as_str(), stalled.observed_generation), ("True", invalid));
}

/// One slip of the indentation makes a spec invalid and moves `upgradeMode` out of it.
#[test]
fn invalid_spec_without_its_upgrade_mode_does_not_make_the_job_start_empty() {
    let broken = json!({
        "job": {"upgradeMode": null}, "taskManager": {"resource": {"memory": BROKEN}},
    });
    let mut case = stateful("savepoint", false);
    case.edit(&broken);
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.ha_data = Asked::absent();
    for _ in 0..3 {
        let decision = case.step();
        assert!(!short(&decision).contains(&"create"), "lost: {decision:?}");
    }
    // A savepoint that takes long, for a valid edit before.
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.edit(&broken);
    for _ in 0..3 {
        case.now += 700;
        let decision = case.step();
        assert!(!short(&decision).contains(&"delete"), "stopped: {decision:?}");
    }
}

#[test]
fn what_is_reported_while_the_spec_is_invalid_is_reported_once() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    case.edit(&json!({"taskManager": {"resource": {"memory": BROKEN}}}));
    case.now += 700;
    let decision = case.step();
    assert_eq!(count(&decision, "SavepointError"), 1, "{decision:?}");
    for _ in 0..3 {
        case.now += 5;
        let decision = case.step();
        assert_eq!(count(&decision, "SavepointError"), 0, "{decision:?}");
        assert_eq!(count(&decision, "ValidationError"), 0, "{decision:?}");
    }
}
