//! Tests of `api_server::ownership::compare`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::ownership::compare::compare;
use simulated_kubernetes::api_server::types::table::builtin;

#[track_caller]
fn check(before: Value, after: Value, removed: Value, modified: Value, added: Value) {
    let found = compare(&builtin("Pod"), &before, &after);
    assert_eq!(found.removed.to_json(), removed, "removed");
    assert_eq!(found.modified.to_json(), modified, "modified");
    assert_eq!(found.added.to_json(), added, "added");
}

#[test]
fn fields_of_items_are_told_apart_by_key() {
    check(
        json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}}),
        json!({"spec": {"containers": [{"name": "c"}, {"name": "a", "image": "2"}]}}),
        json!({"f:spec": {"f:containers": {"k:{\"name\":\"b\"}": {".": {}, "f:name": {}}}}}),
        json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {"f:image": {}}}}}),
        json!({"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}}}}}),
    );
}

#[test]
fn order_of_items_with_keys_is_no_difference() {
    check(
        json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}),
        json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}}),
        json!({}),
        json!({}),
        json!({}),
    );
}

#[test]
fn atomic_lists_and_new_maps_count_as_they_do_in_managed_fields() {
    check(
        json!({"metadata": {}, "spec": {"containers": [{"name": "a", "args": ["x"]}]}}),
        json!({"metadata": {"labels": {"k": "v"}}, "spec": {"containers": [{"name": "a", "args": ["y"]}]}}),
        json!({}),
        json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {"f:args": {}}}}}),
        json!({"f:metadata": {"f:labels": {".": {}, "f:k": {}}}}),
    );
}
