//! Tests of each state, and a comparison with the states that the Java operator stored.

use flink_operator_api::{FlinkDeploymentSpec, FlinkSessionJobSpec, JobSpec, RecordedSpec};
use serde_json::{Value, json};

use super::*;

fn recorded(state: JobState) -> String {
    let job = JobSpec { state: Some(state), ..JobSpec::default() };
    let spec = FlinkDeploymentSpec { job: Some(job), ..FlinkDeploymentSpec::default() };
    RecordedSpec { spec, resource_metadata: None }.to_text()
}

/// A healthy deployment, stable.
fn stable() -> FlinkDeploymentStatus {
    let mut status = FlinkDeploymentStatus::default();
    status.job_status.state = Some(FlinkJobStatus::Running);
    status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
    status.reconciliation_status.state = ReconciliationState::Deployed;
    status.reconciliation_status.last_reconciled_spec = Some(recorded(JobState::Running));
    record::mark_stable(&mut status);
    status
}

fn deployment(status: &FlinkDeploymentStatus) -> LifecycleState {
    let recorded = record::last_reconciled(status).ok().flatten();
    of_deployment(status, recorded.as_ref().map(|recorded| &recorded.spec))
}

fn session_job(status: &FlinkSessionJobStatus) -> LifecycleState {
    let recorded = record::last_reconciled(status).ok().flatten();
    of_session_job(status, recorded.as_ref().map(|recorded| &recorded.spec))
}

#[track_caller]
fn check(expected: &LifecycleState, change: impl FnOnce(&mut FlinkDeploymentStatus)) {
    let mut status = stable();
    change(&mut status);
    assert_eq!(deployment(&status), *expected);
}

#[test]
fn deleting_and_deleted_are_kept() {
    for state in [LifecycleState::Deleting, LifecycleState::Deleted] {
        check(&state.clone(), |status| {
            status.lifecycle_state = Some(state);
            status.reconciliation_status.last_reconciled_spec = None;
        });
    }
}

#[test]
fn without_a_recorded_spec_the_state_is_created_or_failed() {
    check(&LifecycleState::Created, |status| {
        status.reconciliation_status.last_reconciled_spec = None;
        status.error = Some(String::new());
    });
    check(&LifecycleState::Failed, |status| {
        status.reconciliation_status.last_reconciled_spec = None;
        status.error = Some("e".to_owned());
    });
}

#[test]
fn upgrading_and_rolling_back_override_the_state_of_the_job() {
    for (state, expected) in [
        (ReconciliationState::Upgrading, LifecycleState::Upgrading),
        (ReconciliationState::RollingBack, LifecycleState::RollingBack),
    ] {
        check(&expected, |status| {
            status.reconciliation_status.state = state;
            status.job_status.state = Some(FlinkJobStatus::Failed);
            status.reconciliation_status.last_reconciled_spec = Some(recorded(JobState::Suspended));
        });
    }
}

#[test]
fn a_suspended_job_is_suspended_even_if_it_failed() {
    check(&LifecycleState::Suspended, |status| {
        status.job_status.state = Some(FlinkJobStatus::Failed);
        status.reconciliation_status.last_reconciled_spec = Some(recorded(JobState::Suspended));
    });
}

#[test]
fn a_failed_job_is_failed_even_after_a_rollback() {
    check(&LifecycleState::Failed, |status| {
        status.job_status.state = Some(FlinkJobStatus::Failed);
        status.reconciliation_status.state = ReconciliationState::RolledBack;
    });
}

#[test]
fn a_lost_cluster_is_failed_if_the_error_says_that_it_cannot_be_restored() {
    for phrase in FINAL_ERROR_PHRASES {
        for (job_manager, expected) in [
            (JobManagerDeploymentStatus::Missing, LifecycleState::Failed),
            (JobManagerDeploymentStatus::Error, LifecycleState::Failed),
            (JobManagerDeploymentStatus::Deploying, LifecycleState::Stable),
        ] {
            check(&expected, |status| {
                status.error = Some(format!("so: {phrase}"));
                status.job_manager_deployment_status = job_manager;
            });
        }
    }
    check(&LifecycleState::Stable, |status| {
        status.error = Some("another".to_owned());
        status.job_manager_deployment_status = JobManagerDeploymentStatus::Error;
    });
}

#[test]
fn a_healthy_job_is_rolled_back_stable_or_deployed() {
    check(&LifecycleState::RolledBack, |status| {
        status.reconciliation_status.state = ReconciliationState::RolledBack;
    });
    check(&LifecycleState::Stable, |_| {});
    check(&LifecycleState::Deployed, |status| {
        status.reconciliation_status.last_stable_spec = None;
    });
}

#[test]
fn the_order_of_fields_in_the_stable_spec_does_not_matter() {
    check(&LifecycleState::Stable, |status| {
        let text = recorded(JobState::Running);
        let mut record: Value = serde_json::from_str(&text).unwrap();
        let members = record["spec"].as_object_mut().unwrap();
        let job = members.shift_remove("job").unwrap();
        members.shift_remove("ingress").unwrap();
        members.insert("job".to_owned(), job);
        assert_ne!(record.to_string(), text);
        status.reconciliation_status.last_stable_spec = Some(record.to_string());
    });
    check(&LifecycleState::Deployed, |status| {
        let mut record: Value = serde_json::from_str(&recorded(JobState::Running)).unwrap();
        record["spec"]["image"] = json!("other");
        status.reconciliation_status.last_stable_spec = Some(record.to_string());
    });
}

#[test]
fn with_a_recorded_spec_that_cannot_be_parsed_the_state_is_deployed() {
    check(&LifecycleState::Deployed, |status| {
        status.reconciliation_status.last_reconciled_spec = Some("{".to_owned());
    });
}

#[test]
fn a_session_job_has_no_job_manager_of_its_own() {
    let spec = FlinkSessionJobSpec::default();
    let text = RecordedSpec { spec, resource_metadata: None }.to_text();
    let mut status = FlinkSessionJobStatus::default();
    status.reconciliation_status.state = ReconciliationState::Deployed;
    status.reconciliation_status.last_reconciled_spec = Some(text);
    status.error = Some(FINAL_ERROR_PHRASES.concat());
    assert_eq!(session_job(&status), LifecycleState::Deployed);
}

/// Every distinct status that the Java operator stored in the recorded scenarios.
#[test]
fn every_recorded_status_has_the_state_that_the_java_operator_stored() {
    let file = |text: &str| -> Vec<Value> { serde_json::from_str(text).unwrap() };
    let stored = file(include_str!("../../tests/golden/status/states.json"));
    let texts = file(include_str!("../../tests/golden/status/texts.json"));
    let errors = file(include_str!("../../tests/golden/status/errors.json"));
    let pick = |list: &[Value], index: &Value| {
        index.as_u64().map_or(Value::Null, |at| list[usize::try_from(at).unwrap()].clone())
    };
    for state in &stored {
        let expected = LifecycleState::from_text(state["lifecycleState"].as_str().unwrap());
        // The operator sets DELETING itself, so it is not computed here.
        let deleting = expected == LifecycleState::Deleting;
        let ending = if deleting { state["lifecycleState"].clone() } else { Value::Null };
        let status = json!({
            "lifecycleState": ending,
            "error": pick(&errors, &state["error"]),
            "jobStatus": {"state": state["jobState"]},
            "jobManagerDeploymentStatus": state["jobManagerDeploymentStatus"],
            "reconciliationStatus": {
                "state": state["state"],
                "lastReconciledSpec": pick(&texts, &state["reconciled"]),
                "lastStableSpec": pick(&texts, &state["stable"]),
            },
        });
        let computed = match state["kind"].as_str() {
            Some("FlinkSessionJob") => session_job(&serde_json::from_value(status).unwrap()),
            _ => deployment(&serde_json::from_value(status).unwrap()),
        };
        assert_eq!(computed, expected, "{state}");
    }
    println!("{} distinct statuses, all equal", stored.len());
    assert_eq!(stored.len(), 119);
}
