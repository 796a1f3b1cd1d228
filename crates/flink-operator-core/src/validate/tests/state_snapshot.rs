//! Tests of the rules on FlinkStateSnapshots.

use flink_operator_api::{FlinkStateSnapshot, SavepointFormatType};
use serde_json::{Value, json};

use super::fields;
use crate::validate::{SnapshotKind, SnapshotTarget, state_snapshot};

fn snapshot(spec: &Value, state: Option<&str>) -> FlinkStateSnapshot {
    let status = state.map(|state| json!({"state": state}));
    serde_json::from_value(json!({"metadata": {"name": "s"}, "spec": spec, "status": status}))
        .unwrap()
}

fn reference() -> Value {
    json!({"kind": "FlinkDeployment", "name": "app"})
}

#[track_caller]
fn check(spec: &Value, expected: &[&str]) {
    let result = state_snapshot(&snapshot(spec, None), SnapshotTarget::Found);
    assert_eq!(fields(result), expected, "{spec}");
}

#[test]
fn exactly_one_kind_of_snapshot_must_be_set() {
    check(&json!({"jobReference": reference()}), &["spec"]);
    check(&json!({"jobReference": reference(), "savepoint": {}, "checkpoint": {}}), &["spec"]);
    check(&json!({"jobReference": reference(), "savepoint": {}}), &[]);
    check(&json!({"jobReference": reference(), "checkpoint": {}}), &[]);
}

#[test]
fn the_job_must_be_named_unless_the_savepoint_exists() {
    check(&json!({"savepoint": {}}), &["spec.jobReference"]);
    check(
        &json!({"savepoint": {}, "jobReference": {}}),
        &["spec.jobReference.kind", "spec.jobReference.name"],
    );
    check(
        &json!({"checkpoint": {}, "jobReference": {"kind": "CronJob", "name": "a"}}),
        &["spec.jobReference.kind"],
    );
    check(&json!({"savepoint": {"alreadyExists": true, "path": "s3://s"}}), &[]);
    check(&json!({"savepoint": {"alreadyExists": true}}), &["spec.savepoint.path"]);
}

#[test]
fn defaults_are_filled_in() {
    let spec = json!({"jobReference": reference(), "savepoint": {"path": " "}});
    let valid = state_snapshot(&snapshot(&spec, None), SnapshotTarget::Unknown).unwrap();
    assert_eq!(valid.retries, None);
    let SnapshotKind::Savepoint { directory, format, dispose_on_delete, job_name, .. } = valid.kind
    else {
        panic!()
    };
    assert_eq!((directory, format), (None, SavepointFormatType::Canonical));
    assert!(dispose_on_delete);
    assert_eq!(job_name, "app");
    let spec = json!({"jobReference": reference(), "checkpoint": {}, "backoffLimit": 3});
    let valid = state_snapshot(&snapshot(&spec, None), SnapshotTarget::Unknown).unwrap();
    assert_eq!(valid.retries, Some(3));
}

#[test]
fn a_missing_job_is_a_fault_until_the_snapshot_is_triggered() {
    let spec = json!({"jobReference": reference(), "savepoint": {}});
    let missing = |state| fields(state_snapshot(&snapshot(&spec, state), SnapshotTarget::Missing));
    assert_eq!(missing(None), ["spec.jobReference"]);
    assert_eq!(missing(Some("TRIGGER_PENDING")), ["spec.jobReference"]);
    for state in ["IN_PROGRESS", "COMPLETED", "FAILED", "ABANDONED"] {
        assert_eq!(missing(Some(state)), Vec::<String>::new(), "{state}");
    }
}
