//! Records of specs, against those that the Java operator wrote.

use flink_operator_api::{
    FlinkConfiguration, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkSessionJobSpec,
    FlinkSessionJobStatus,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;

fn golden(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn texts() -> Vec<Value> {
    golden(include_str!("../../tests/golden/status/texts.json"))
}

fn pick(list: &[Value], index: &Value) -> Value {
    index.as_u64().map_or(Value::Null, |at| list[usize::try_from(at).unwrap()].clone())
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000).unwrap()
}

fn deployment(job: &Value) -> FlinkDeploymentSpec {
    serde_json::from_value(json!({"image": "i", "serviceAccount": "flink", "job": job})).unwrap()
}

fn intent(spec: &FlinkDeploymentSpec, mode: UpgradeMode) -> Deployed<'_, FlinkDeploymentSpec> {
    Deployed {
        spec,
        upgrade_mode: Some(mode),
        generation: 7,
        now: now(),
        task_managers: Some(task_managers(&"c".parse().unwrap(), 5, 2)),
    }
}

fn reconciled(status: &FlinkDeploymentStatus) -> RecordedSpec<FlinkDeploymentSpec> {
    last_reconciled(status).unwrap().unwrap()
}

fn read<S: Status>(status: &S) -> Record<S::Spec> {
    Record::read(status).unwrap()
}

fn is_first(status: &FlinkDeploymentStatus) -> bool {
    reconciled(status).resource_metadata.unwrap().first_deployment
}

#[test]
fn every_recorded_text_reads_and_writes_back_identically() {
    let texts = texts();
    for text in &texts {
        let text = text.as_str().unwrap();
        let again = if text.contains(r#""deploymentName""#) {
            RecordedSpec::<FlinkSessionJobSpec>::parse(text).unwrap().to_text()
        } else {
            RecordedSpec::<FlinkDeploymentSpec>::parse(text).unwrap().to_text()
        };
        assert_eq!(again, text);
    }
    println!("{} recorded texts, all identical", texts.len());
    assert_eq!(texts.len(), 45);
}

/// Replays every change of a record in the recorded scenarios: from what was recorded before and
/// the spec of that moment, the same text comes out.
#[test]
fn every_recorded_change_comes_out_as_the_java_operator_wrote_it() {
    let transitions = golden(include_str!("../../tests/golden/status/transitions.json"));
    let specs = golden(include_str!("../../tests/golden/status/specs.json"));
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    for transition in &transitions {
        let spec = pick(&specs, &transition["spec"]);
        let kind = match transition["kind"].as_str() {
            Some("FlinkSessionJob") => {
                replay::<FlinkSessionJobStatus>(transition, &serde_json::from_value(spec).unwrap())
            }
            _ => {
                replay::<FlinkDeploymentStatus>(transition, &serde_json::from_value(spec).unwrap())
            }
        };
        *kinds.entry(kind).or_default() += 1;
    }
    println!("{} recorded changes: {kinds:?}", transitions.len());
    assert_eq!(transitions.len(), 59);
    for kind in ["before", "after", "nonces", "cancelling", "ended"] {
        assert!(kinds.contains_key(kind), "{kind}");
    }
}

fn status_of(side: &Value, texts: &[Value]) -> Value {
    json!({
        "observedGeneration": side["observedGeneration"],
        "taskManager": side["taskManager"],
        "reconciliationStatus": {
            "state": side["state"],
            "lastReconciledSpec": pick(texts, &side["reconciled"]),
            "lastStableSpec": pick(texts, &side["stable"]),
        },
    })
}

/// Carries out the change that was recorded, and says which it is.
fn replay<S: Status + Serialize + DeserializeOwned>(
    transition: &Value,
    spec: &S::Spec,
) -> &'static str {
    let texts = texts();
    let before: S = serde_json::from_value(status_of(&transition["before"], &texts)).unwrap();
    let after: S = serde_json::from_value(status_of(&transition["after"], &texts)).unwrap();
    let Some(written) = last_reconciled(&after).unwrap() else {
        assert!(last_reconciled(&before).unwrap().is_none(), "{transition}");
        return "nothing recorded";
    };
    let previous = last_reconciled(&before).unwrap();
    let written_job = written.spec.job().cloned();
    let old_job = previous.as_ref().and_then(|previous| previous.spec.job().cloned());
    let upgrade_mode = written_job.as_ref().and_then(|job| job.upgrade_mode.clone());
    let suspended = written_job.as_ref().is_some_and(|job| job.state == Some(JobState::Suspended));
    let generation = transition["generation"].as_i64().unwrap();
    let cluster = transition["name"].as_str().unwrap().parse().unwrap();
    let intent = Deployed {
        spec,
        upgrade_mode: upgrade_mode.clone(),
        generation,
        now: now(),
        // Every recorded spec has two slots for each TaskManager.
        task_managers: spec.job().map(|job| task_managers(&cluster, job.parallelism, 2)),
    };
    let mut status = before.clone();
    let reached = after.reconciliation().state.clone();
    let behind = transition["after"]["observedGeneration"] != transition["generation"];
    let upgrading = reached == ReconciliationState::Upgrading;
    let was_deployed =
        old_job.is_some() && before.reconciliation().state == ReconciliationState::Deployed;
    let kind = if upgrading && behind && suspended {
        read(&status).job_ended(&mut status);
        "ended"
    } else if upgrading && behind {
        read(&status).cancelling(&mut status, upgrade_mode.unwrap());
        "cancelling"
    } else if upgrading {
        read(&status).before_deploy(&mut status, &intent);
        "before"
    } else if was_deployed && !suspended {
        let wanted = spec.job().unwrap();
        read(&status).nonces(&mut status, generation, now(), |job| {
            job.savepoint_trigger_nonce = wanted.savepoint_trigger_nonce;
            job.checkpoint_trigger_nonce = wanted.checkpoint_trigger_nonce;
        });
        "nonces"
    } else {
        read(&status).after_deploy(&mut status, &intent);
        "after"
    };
    assert_eq!(
        status.reconciliation().last_reconciled_spec,
        after.reconciliation().last_reconciled_spec,
        "{kind} {transition}"
    );
    assert_eq!(status.reconciliation().state, reached, "{kind} {transition}");
    let json = |status: &S| serde_json::to_value(status).unwrap();
    for member in ["observedGeneration", "taskManager"] {
        assert_eq!(json(&status)[member], json(&after)[member], "{kind} {member} {transition}");
    }
    // A nonce leaves a stable job stable, where the Java operator had it prove itself again.
    if kind != "nonces" {
        let stable = |status: &S| status.reconciliation().last_stable_spec.clone();
        assert_eq!(stable(&status), stable(&after), "{kind} {transition}");
    }
    kind
}

#[test]
fn a_first_deployment_is_one_until_the_first_upgrade_starts() {
    let spec = deployment(&json!({"parallelism": 5}));
    let mut status = FlinkDeploymentStatus::default();
    let intent = intent(&spec, UpgradeMode::Stateless);
    read(&status).before_deploy(&mut status, &intent);
    assert!(is_first(&status));
    assert_eq!(reconciled(&status).spec.job.unwrap().state, Some(JobState::Suspended));
    assert_eq!(status.task_manager, Some(no_task_managers()));
    read(&status).after_deploy(&mut status, &intent);
    assert!(is_first(&status));
    assert_eq!(status.task_manager.as_ref().unwrap().replicas, 3);
    read(&status).refresh_metadata(&mut status, 8);
    assert!(is_first(&status));
    assert_eq!(status.observed_generation, Some(8));
    read(&status).before_deploy(&mut status, &intent);
    assert!(!is_first(&status));
}

#[test]
fn a_recording_clears_the_error_and_keeps_the_nonces_of_the_record() {
    let old = deployment(&json!({"savepointTriggerNonce": 1, "checkpointTriggerNonce": 2}));
    let new = deployment(&json!({"savepointTriggerNonce": 8, "checkpointTriggerNonce": 9}));
    let mut status = FlinkDeploymentStatus::default();
    read(&status).after_deploy(&mut status, &intent(&old, UpgradeMode::Stateless));
    status.error = Some("old".to_owned());
    read(&status).after_deploy(&mut status, &intent(&new, UpgradeMode::Savepoint));
    let job = reconciled(&status).spec.job.unwrap();
    assert_eq!((job.savepoint_trigger_nonce, job.checkpoint_trigger_nonce), (Some(1), Some(2)));
    assert_eq!(job.upgrade_mode, Some(UpgradeMode::Savepoint));
    assert_eq!(status.error, None);
    assert_eq!(status.reconciliation_status.reconciliation_timestamp, now().as_millisecond());
}

#[test]
fn a_suspended_spec_is_stable_at_once() {
    let spec = deployment(&json!({"state": "suspended"}));
    let mut status = FlinkDeploymentStatus::default();
    read(&status).after_deploy(&mut status, &intent(&spec, UpgradeMode::LastState));
    assert!(is_stable(&status));
    assert_eq!(status.task_manager, Some(no_task_managers()));
}

#[test]
fn a_rollback_keeps_the_record_of_what_did_not_work() {
    let failed = deployment(&json!({"entryClass": "Bad", "upgradeMode": "savepoint"}));
    let stable = deployment(&json!({"entryClass": "Good"}));
    let mut status = FlinkDeploymentStatus::default();
    read(&status).after_deploy(&mut status, &intent(&stable, UpgradeMode::Stateless));
    mark_stable(&mut status);
    read(&status).after_deploy(&mut status, &intent(&failed, UpgradeMode::Savepoint));
    status.observed_generation = Some(3);
    status.reconciliation_status.state = ReconciliationState::RollingBack;

    read(&status).before_deploy(&mut status, &intent(&stable, UpgradeMode::LastState));
    assert_eq!(status.reconciliation_status.state, ReconciliationState::RollingBack);
    read(&status).after_deploy(&mut status, &intent(&stable, UpgradeMode::LastState));
    assert_eq!(status.reconciliation_status.state, ReconciliationState::RolledBack);

    let job = reconciled(&status).spec.job.unwrap();
    assert_eq!(job.entry_class.as_deref(), Some("Bad"));
    assert_eq!(job.upgrade_mode, Some(UpgradeMode::LastState));
    assert_eq!(status.observed_generation, Some(3));
    let runs = last_stable(&status).unwrap().unwrap().spec;
    assert_eq!(runs.job.unwrap().entry_class.as_deref(), Some("Good"));
}

#[test]
fn a_nonce_leaves_a_stable_job_stable_and_an_unproven_one_unproven() {
    let spec = deployment(&json!({}));
    for stable in [true, false] {
        let mut status = FlinkDeploymentStatus::default();
        read(&status).after_deploy(&mut status, &intent(&spec, UpgradeMode::Stateless));
        if stable {
            mark_stable(&mut status);
        }
        read(&status).nonces(&mut status, 9, now(), |job| job.savepoint_trigger_nonce = Some(4));
        assert_eq!(is_stable(&status), stable);
        assert_eq!(reconciled(&status).spec.job.unwrap().savepoint_trigger_nonce, Some(4));
        assert_eq!(status.observed_generation, Some(9));
    }
}

#[test]
fn a_first_deployment_is_another_record_than_a_later_one_of_the_same_spec() {
    let spec = deployment(&json!({}));
    let mut status = FlinkDeploymentStatus::default();
    read(&status).after_deploy(&mut status, &intent(&spec, UpgradeMode::Stateless));
    mark_stable(&mut status);
    read(&status).before_deploy(&mut status, &intent(&spec, UpgradeMode::Stateless));
    read(&status).after_deploy(&mut status, &intent(&spec, UpgradeMode::Stateless));
    // The cluster was deployed anew, and has yet to prove itself.
    assert!(!is_stable(&status));
}

#[test]
fn the_metadata_of_an_upgrade_or_of_nothing_is_not_touched() {
    let mut status = FlinkDeploymentStatus::default();
    read(&status).refresh_metadata(&mut status, 5);
    assert_eq!(status, FlinkDeploymentStatus::default());
    read(&status)
        .before_deploy(&mut status, &intent(&deployment(&json!({})), UpgradeMode::Stateless));
    let recorded = status.clone();
    read(&status).refresh_metadata(&mut status, 9);
    assert_eq!(status, recorded);
}

#[test]
fn options_that_ask_for_nothing_are_recorded_and_a_working_job_stays_proven() {
    let mut status = FlinkDeploymentStatus::default();
    let mut spec = deployment(&json!({}));
    read(&status).after_deploy(&mut status, &intent(&spec, UpgradeMode::Savepoint));
    mark_stable(&mut status);
    let before = status.clone();
    read(&status).options(&mut status, &spec);
    assert_eq!(status, before);
    let written = json!({"kubernetes": {"operator": {"savepoint.history.max.count": 3}}});
    spec.flink_configuration = Some(written.into());
    read(&status).options(&mut status, &spec);
    assert_eq!(reconciled(&status).spec.flink_configuration, spec.flink_configuration);
    let mode = reconciled(&status).spec.job.unwrap().upgrade_mode;
    assert_eq!(mode, Some(UpgradeMode::Savepoint), "only the options are recorded");
    assert!(is_stable(&status) && is_first(&status));
}

#[test]
fn an_old_record_is_read_and_gets_metadata_with_the_next_refresh() {
    let old = r#"{"apiVersion":"flink.apache.org/v1beta1","image":"i","job":{"parallelism":2}}"#;
    let older = r#"{"spec":{"image":"i","job":{"parallelism":2}},"resource_metadata":{"apiVersion":"flink.apache.org/v1beta1","metadata":{"generation":2},"firstDeployment":true}}"#;
    for (text, first) in [(old, false), (older, true)] {
        let mut status = FlinkDeploymentStatus::default();
        status.reconciliation_status.state = ReconciliationState::Deployed;
        status.reconciliation_status.last_reconciled_spec = Some(text.to_owned());
        mark_stable(&mut status);
        read(&status).refresh_metadata(&mut status, 3);
        assert_eq!(is_first(&status), first);
        assert!(is_stable(&status), "{text}");
        assert_eq!(reconciled(&status).spec.job.unwrap().parallelism, 2);
    }
}

#[test]
fn a_broken_record_is_an_error_and_not_taken_for_none() {
    let mut status = FlinkDeploymentStatus { error: Some("e".to_owned()), ..Default::default() };
    status.reconciliation_status.last_reconciled_spec = Some(r#"{"spec":{"job":7}}"#.to_owned());
    assert!(Record::read(&status).is_err());
    assert!(!is_stable(&status));
}

#[test]
fn a_session_cluster_has_no_job_to_record() {
    let spec = FlinkDeploymentSpec {
        flink_configuration: Some(FlinkConfiguration::from_iter([("a", "b")])),
        ..FlinkDeploymentSpec::default()
    };
    let mut status = FlinkDeploymentStatus::default();
    let intent = Deployed {
        spec: &spec,
        upgrade_mode: None,
        generation: 1,
        now: now(),
        task_managers: None,
    };
    read(&status).before_deploy(&mut status, &intent);
    let text = status.reconciliation_status.last_reconciled_spec.clone();
    read(&status).after_deploy(&mut status, &intent);
    assert_eq!(status.reconciliation_status.last_reconciled_spec, text);
    assert_eq!(status.task_manager, None);
}
