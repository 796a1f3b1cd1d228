//! A job that has state never starts empty in silence: what is left behind is said before anything is deleted.

use super::stateful::{checkpoints, completed, ha_data, stateful};
use super::*;

/// What is left behind is told in an event and a condition, before the cluster is deleted or the new one created.
#[track_caller]
fn tells_first(case: &mut Case, decision: &Decision, left_behind: &str) {
    let place = |wanted: &dyn Fn(&Action) -> bool| decision.actions.iter().position(wanted);
    let told = place(&|action| {
        matches!(action, Action::Publish(event)
            if event.warning && event.reason == "StartsEmpty" && event.note.contains(left_behind))
    });
    let recorded = place(&|action| {
        matches!(action, Action::Record(status) if status.conditions.iter().any(|condition| {
            condition.type_ == "StateKept" && condition.status == "False"
        }))
    });
    let done = place(&|action| {
        matches!(
            action,
            Action::StopJobManager { .. }
                | Action::DeleteJobManager { .. }
                | Action::CreateCluster { .. }
        )
    });
    assert!(told.is_some() && recorded.is_some(), "{decision:?}");
    assert!(
        told < done.or(Some(usize::MAX)) && recorded < done.or(Some(usize::MAX)),
        "{decision:?}"
    );
    let (status, reason, message) = case.condition("StateKept");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "StartsEmpty"));
    assert!(message.contains(left_behind), "{message}");
}

#[test]
fn stateless_change_of_a_job_with_checkpoints_tells_what_is_left_behind() {
    let mut case = stateful("stateless", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert!(case.questions().checkpoints);
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    let decision = case.step();
    tells_first(&mut case, &decision, "s3://b/c/chk-4");
}

#[test]
fn stateless_change_while_the_job_manager_is_silent_tells_of_the_high_availability_data() {
    let mut case = stateful("stateless", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.jobs = Asked::unanswered("timed out");
    assert!(case.questions().ha_data);
    case.observed.ha_data = ha_data(Some(7));
    let decision = case.step();
    tells_first(&mut case, &decision, "checkpoint 7");
}

#[test]
fn stateless_resumption_after_a_suspension_tells_of_its_savepoint() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.step();
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.step();
    case.edit(&json!({"job": {"state": "running", "upgradeMode": "stateless"}}));
    let decision = case.step();
    tells_first(&mut case, &decision, super::stateful::SAVEPOINT);
}

#[test]
fn stateless_resumption_after_a_suspension_in_last_state_tells_of_the_data() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    case.status().job_status.upgrade_savepoint_path =
        Some("KUBERNETES_OPERATOR_LAST_STATE".to_owned());
    case.observed =
        Observed { job_manager: Seen::Absent, ha_data: ha_data(Some(4)), ..Observed::nothing() };
    case.step();
    case.observed.ha_data = Asked::NotAsked;
    case.edit(&json!({"job": {"state": "running", "upgradeMode": "stateless"}}));
    let decision = case.step();
    tells_first(&mut case, &decision, "high availability data");
}

#[test]
fn lost_cluster_that_comes_back_empty_tells_of_what_the_status_knows() {
    let mut case = stateful("stateless", false);
    case.status().job_status.upgrade_savepoint_path = Some("s3://b/s/first".to_owned());
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    };
    let decision = case.step();
    tells_first(&mut case, &decision, "s3://b/s/first");
}

#[test]
fn job_without_state_starts_empty_without_a_warning() {
    let mut case = stateful("stateless", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(None);
    let decision = case.step();
    check(&decision, &["record", "delete", "event", "event"], "Upgrading");
    assert_eq!(case.condition("StateKept").1, "Stateless");
}

/// The deletion of a cluster that had not started yet can arrive when it has.
#[test]
fn job_that_ran_between_the_decision_and_its_deletion_goes_on_from_its_checkpoint() {
    for (asked, expected) in [("last-state", "last-state"), ("stateless", "stateless")] {
        let mut case = stateful("last-state", true);
        case.edit(&json!({"job": {"upgradeMode": asked}}));
        // As it is recorded for a job that was never seen to run.
        let mut status = case.status().clone();
        status.reconciliation_status.state = ReconciliationState::Upgrading;
        let record = status.reconciliation_status.last_reconciled_spec.as_mut().unwrap();
        assert!(record.contains("\"upgradeMode\":\"stateless\""), "{record}");
        *record = record.replace("\"firstDeployment\":true", "\"firstDeployment\":false");
        status.job_status.state = Some(FlinkJobStatus::Finished);
        *case.status() = status;
        case.observed = Observed {
            job_manager: Seen::Absent,
            ha_data: ha_data(Some(3)),
            ..Observed::nothing()
        };
        let decision = case.step();
        let keeps = !short(&decision).contains(&"delete HA data");
        assert_eq!(keeps, expected == "last-state", "{asked}: {decision:?}");
        if keeps {
            assert!(short(&decision).contains(&"create"), "{decision:?}");
            assert_eq!(case.recorded_mode().as_deref(), Some(expected));
        }
    }
}

/// Flink ends a job that is told to go on from a checkpoint and finds none.
#[test]
fn creation_that_was_cut_short_is_completed_without_a_checkpoint_where_there_is_none() {
    let names_a_checkpoint = |decision: &Decision| {
        let objects = decision.actions.iter().find_map(|action| match action {
            Action::CreateCluster { objects, .. } => Some(&objects.accompanying),
            _ => None,
        });
        let text = serde_json::to_string(objects.expect("a cluster is created")).unwrap();
        text.contains(flink_operator_api::names::LAST_STATE_SAVEPOINT_PATH)
    };
    for (newest, expected) in [(None, false), (Some(4), true)] {
        // Its Deployment is gone, and it comes back from what there is.
        let mut case = stateful("last-state", true);
        case.observed = Observed {
            job_manager: Seen::Absent,
            job_manager_source: Source::ApiServer,
            ha_data: ha_data(newest),
            ..Observed::nothing()
        };
        let decision = case.decide();
        assert_eq!(names_a_checkpoint(&decision), expected, "{decision:?}");
        let intent = decision.actions.iter().find_map(|action| match action {
            Action::Record(status) => Some((**status).clone()),
            _ => None,
        });
        case.resource.status = intent;
        case.observed = Observed::nothing();
        case.sees(deployment(1));
        let decision = case.step();
        assert!(short(&decision).contains(&"complete"), "{decision:?}");
        assert_eq!(names_a_checkpoint(&decision), expected, "{newest:?}");
    }
}

/// The cluster is gone, to go on from a savepoint or its high availability data.
fn taken_down(mode: &str, data: Asked<HaData>) -> Case {
    let mut case = stateful(mode, true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    if mode == "savepoint" {
        case.observed.savepoint = Asked::present_is(completed());
        case.job_is(FlinkJobStatus::Finished);
        case.step();
    }
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ha_data: data,
        ..Observed::nothing()
    };
    case
}

/// Of two edits the later one counts, also while the first one's cluster is on its way.
#[test]
fn edit_to_stateless_during_an_upgrade_starts_the_job_empty_and_tells_of_what_is_left_behind() {
    for (mode, data, left_behind) in [
        ("savepoint", ha_data(None), super::stateful::SAVEPOINT),
        ("last-state", ha_data(Some(4)), "checkpoint 4"),
    ] {
        let mut case = taken_down(mode, data);
        case.edit(&json!({"job": {"upgradeMode": "stateless"}}));
        let decision = case.step();
        tells_first(&mut case, &decision, left_behind);
        assert!(short(&case.step()).contains(&"delete HA data"));
        case.observed.ha_data = Asked::absent();
        let decision = case.step();
        assert!(short(&decision).contains(&"create"), "{decision:?}");
        assert_eq!(case.path(), None);
        assert_eq!(case.recorded_mode().as_deref(), Some("stateless"));
    }
}

/// What the stop brings is there, and was asked for: it costs nothing to keep it.
#[test]
fn edit_to_stateless_while_the_job_stops_with_a_savepoint_goes_on_from_that() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.edit(&json!({"job": {"upgradeMode": "stateless"}}));
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    };
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(super::stateful::SAVEPOINT));
}

/// Where the state is lost, this is the only way to a job that starts empty, short of another resource.
#[test]
fn change_that_is_held_for_lost_data_goes_on_empty_when_the_user_says_so() {
    let mut case = taken_down("last-state", Asked::absent());
    let decision = case.step();
    assert_eq!(decision.because.reason(), "ClusterLost");
    assert!(decision.because.message().contains("stateless"), "{decision:?}");
    case.edit(&json!({"job": {"upgradeMode": "stateless"}}));
    case.step();
    let decision = case.step();
    assert!(short(&decision).contains(&"create"), "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("stateless"));
    assert_eq!(case.status().error, None);
}

/// Manifests whose mode is `stateless` come back from a savepoint by the nonce alone: their mode says nothing about it.
#[test]
fn edit_of_something_else_does_not_take_the_chosen_savepoint_from_a_stateless_job() {
    let mut case = stateful("stateless", false);
    case.edit(&json!({"job": {
        "initialSavepointPath": "s3://b/s/chosen", "savepointRedeployNonce": 1,
    }}));
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    };
    case.edit(&json!({"job": {"parallelism": 2}}));
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/s/chosen"));
}
