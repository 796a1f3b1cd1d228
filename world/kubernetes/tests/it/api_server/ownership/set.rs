//! Tests of `api_server::ownership::set`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::ownership::set::FieldSet;

fn set(json: Value) -> FieldSet {
    FieldSet::from_json(&json).unwrap()
}

#[test]
fn sets_are_read_back_as_written() {
    let json =
        json!({"f:a": {".": {}, "f:b": {}}, "f:c": {"k:{\"name\":\"x\"}": {".": {}, "f:d": {}}}});
    assert_eq!(set(json.clone()).to_json(), json);
    assert_eq!(set(json).paths().len(), 4);
}

#[test]
fn difference_keeps_what_is_inside_and_outside_does_not() {
    let all = set(json!({"f:a": {".": {}, "f:b": {}}, "f:c": {}}));
    let parent = set(json!({"f:a": {}}));
    assert_eq!(all.difference(&parent).to_json(), json!({"f:a": {"f:b": {}}, "f:c": {}}));
    assert_eq!(all.outside(&parent).to_json(), json!({"f:c": {}}));
}

#[test]
fn union_and_intersection_work_by_path() {
    let one = set(json!({"f:a": {"f:b": {}}}));
    let two = set(json!({"f:a": {"f:b": {}, "f:c": {}}}));
    assert_eq!(one.intersection(&two), one);
    assert_eq!(one.union(&two), two);
    assert!(one.difference(&two).is_empty());
}
