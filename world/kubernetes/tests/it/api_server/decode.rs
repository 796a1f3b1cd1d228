//! Tests of `api_server::types::decode`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::types::decode::decode;
use simulated_kubernetes::api_server::types::table::builtin;

fn check(ty: &str, given: Value, expected: Value) {
    let decoded = decode(&builtin(ty), &given).unwrap();
    assert_eq!(decoded.object, expected);
    let again = decode(&builtin(ty), &decoded.object).unwrap();
    assert_eq!(again.object, expected, "decoding twice changes nothing");
}

#[test]
fn empty_values_are_left_out_and_given_pointers_stay() {
    check(
        "ConfigMap",
        json!({"metadata": {"name": "a", "labels": {}, "finalizers": []}, "data": {}, "immutable": false}),
        json!({"metadata": {"name": "a"}, "immutable": false}),
    );
    check(
        "ConfigMap",
        json!({"metadata": null, "data": {"a": null, "b": "c"}}),
        json!({"metadata": {}, "data": {"a": "", "b": "c"}}),
    );
}

#[test]
fn unknown_fields_are_dropped_and_told() {
    let given = json!({"metadata": {"name": "a", "color": "red"}, "x": 1});
    let decoded = decode(&builtin("ConfigMap"), &given).unwrap();
    assert_eq!(decoded.object, json!({"metadata": {"name": "a"}}));
    assert_eq!(decoded.unknown, ["metadata.color", "x"]);
}

#[test]
fn wrong_types_are_refused_with_their_place() {
    let error = decode(&builtin("ConfigMap"), &json!({"data": {"a": 1}})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "json: cannot unmarshal number into Go struct field data.a of type string"
    );
    let error =
        decode(&builtin("apps.Deployment"), &json!({"spec": {"replicas": 1.5}})).unwrap_err();
    assert_eq!(error.path, "spec.replicas");
    assert_eq!(error.expected, "int32");
}

#[test]
fn times_and_quantities_get_their_canonical_forms() {
    check(
        "coordination.Lease",
        json!({"metadata": {}, "spec": {"renewTime": "2026-01-01T01:00:00.5+01:00"}}),
        json!({"metadata": {}, "spec": {"renewTime": "2026-01-01T00:00:00.500000Z"}}),
    );
    check(
        "ResourceRequirements",
        json!({"limits": {"memory": "1024Mi", "cpu": 0.5}}),
        json!({"limits": {"memory": "1Gi", "cpu": "500m"}}),
    );
}
