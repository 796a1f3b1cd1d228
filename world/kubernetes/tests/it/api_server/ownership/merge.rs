//! Tests of `api_server::ownership::merge`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::ownership::merge::{merge, remove};
use simulated_kubernetes::api_server::ownership::set::FieldSet;
use simulated_kubernetes::api_server::types::table::builtin;

fn names(merged: &Value) -> Vec<&str> {
    merged["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

fn containers(names: &[&str]) -> Value {
    let items: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"spec": {"containers": items}})
}

#[test]
fn items_of_the_configuration_come_in_its_order() {
    let check = |live: &[&str], config: &[&str], expected: &[&str]| {
        let merged = merge(&builtin("Pod"), &containers(live), &containers(config)).unwrap();
        assert_eq!(names(&merged), expected, "{live:?} and {config:?}");
    };
    check(&["a", "b"], &["c"], &["a", "b", "c"]);
    check(&["a", "b"], &["b", "a"], &["b", "a"]);
    check(&["a", "b", "c"], &["c", "x"], &["a", "b", "c", "x"]);
    check(&["a", "b", "c"], &["x", "b"], &["a", "x", "b", "c"]);
    check(&[], &["a"], &["a"]);
}

#[test]
fn fields_are_merged_and_atomic_values_replaced() {
    let live = json!({"spec": {"containers": [{"name": "a", "image": "1", "args": ["x", "y"]}]}});
    let config = json!({"spec": {"containers": [{"name": "a", "args": ["z"]}]}});
    let merged = merge(&builtin("Pod"), &live, &config).unwrap();
    assert_eq!(
        merged,
        json!({"spec": {"containers": [{"name": "a", "image": "1", "args": ["z"]}]}})
    );
}

#[test]
fn items_named_twice_are_refused() {
    let error = merge(&builtin("Pod"), &json!({}), &containers(&["a", "a"])).unwrap_err();
    assert_eq!(error, r#"duplicate entries for key [name="a"]"#);
}

#[test]
fn removing_takes_items_and_fields() {
    let set = FieldSet::from_json(&json!({
        "f:metadata": {"f:labels": {"f:x": {}}},
        "f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}}}},
    }))
    .unwrap();
    let value = json!({"metadata": {"labels": {"x": "1", "y": "2"}}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
    let left = remove(&builtin("Pod"), &value, &set).unwrap();
    assert_eq!(
        left,
        json!({"metadata": {"labels": {"y": "2"}}, "spec": {"containers": [{"name": "b"}]}})
    );
}
