//! Tests of `api_server::kind::custom::check`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::kind::custom::Schema;

fn schema() -> Schema {
    Schema::read(
        &json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "maxLength": 3},
            "count": {"type": "integer", "minimum": 1},
            "state": {"type": "string", "enum": ["on", "off"]},
            "port": {"x-kubernetes-int-or-string": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "none": {"type": "object"},
        }}}}),
    )
}

#[track_caller]
fn check(spec: Value, expected: &[&str]) {
    let mut found: Vec<String> =
        schema().check("", &json!({"spec": spec}), None).iter().map(ToString::to_string).collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn values_are_held_against_the_schema() {
    check(json!({"name": "a", "count": 1, "state": "on", "port": "x"}), &[]);
    check(json!({"name": "a", "port": 80}), &[]);
    check(
        json!({"count": 0}),
        &[
            "spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1",
            "spec.name: Required value",
        ],
    );
    check(
        json!({"name": "long", "count": "1", "state": "up"}),
        &[
            "spec.count: Invalid value: \"string\": spec.count in body must be of type integer: \"string\"",
            "spec.name: Too long: may not be more than 3 bytes",
            "spec.state: Unsupported value: \"up\": supported values: \"on\", \"off\"",
        ],
    );
}

#[test]
fn unknown_fields_and_nulls_are_dropped() {
    let mut object = json!({
        "apiVersion": "a/v1", "kind": "A", "metadata": {"x": 1}, "extra": 1,
        "spec": {"name": null, "color": "red", "free": {"x": {"y": null}}, "none": {"z": 1}},
    });
    let unknown = schema().prune(object.as_object_mut().unwrap());
    assert_eq!(unknown, ["extra", "spec.color", "spec.none.z"]);
    let expected = json!({
        "apiVersion": "a/v1", "kind": "A", "metadata": {"x": 1},
        "spec": {"free": {"x": {"y": null}}, "none": {}},
    });
    assert_eq!(object, expected);
}
