//! Tests of `api_server::verbs::patch::steps`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::verbs::patch::steps::{Unfit, merge, patch};

#[test]
fn steps_are_taken_one_after_the_other() {
    let check = |steps: Value, expected: Result<Value, Unfit>| {
        let mut value = json!({"a": {"b": 1}, "list": [1, 2], "null": null});
        let result = patch(&mut value, &steps).map(|()| value);
        assert_eq!(result, expected, "{steps}");
    };
    let with = |pointer: &str, new: Value| {
        let mut value = json!({"a": {"b": 1}, "list": [1, 2], "null": null});
        *value.pointer_mut(pointer).unwrap() = new;
        Ok(value)
    };
    check(json!([{"op": "replace", "path": "/a/b", "value": 2}]), with("/a/b", json!(2)));
    check(
        json!([{"op": "replace", "path": "/a/c", "value": 2}]),
        with("/a", json!({"b": 1, "c": 2})),
    );
    check(
        json!([{"op": "copy", "from": "/a/x", "path": "/a/c"}]),
        with("/a", json!({"b": 1, "c": null})),
    );
    check(json!([{"op": "move", "from": "/a/b", "path": "/a/c"}]), with("/a", json!({"c": 1})));
    check(json!([{"op": "add", "path": "/list/-", "value": 3}]), with("/list", json!([1, 2, 3])));
    check(json!([{"op": "add", "path": "/list/-1", "value": 3}]), with("/list", json!([1, 2, 3])));
    check(json!([{"op": "remove", "path": "/list/-1"}]), with("/list", json!([1])));
    check(json!([{"op": "test", "path": "/null", "value": null}]), with("/a/b", json!(1)));
    check(json!([{"op": "remove", "path": "/a/c"}]), Err(Unfit));
    check(json!([{"op": "remove", "path": "/list/2"}]), Err(Unfit));
    check(json!([{"op": "replace", "path": "/list/2", "value": 1}]), Err(Unfit));
    check(json!([{"op": "add", "path": "/null/a", "value": 1}]), Err(Unfit));
    check(json!([{"op": "test", "path": "/a/b", "value": 2}]), Err(Unfit));
    check(json!([{"op": "jump", "path": "/a/b"}]), Err(Unfit));
}

#[test]
fn nulls_of_a_merge_patch_take_away() {
    let check = |value: Value, patch: Value, expected: Value| {
        let mut merged = value.clone();
        merge(&mut merged, &patch);
        assert_eq!(merged, expected, "{value} {patch}");
    };
    check(json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2}));
    check(
        json!({"a": {"b": 1}}),
        json!({"a": {"c": {"d": null}}}),
        json!({"a": {"b": 1, "c": {}}}),
    );
    check(json!({"a": [1]}), json!({"a": [{"b": null}]}), json!({"a": [{}]}));
    check(json!({}), json!({"a": [{"b": null}, null]}), json!({"a": [{}, null]}));
    check(json!({"a": {"b": 1}}), json!({"a": [{"b": null}]}), json!({"a": [{"b": null}]}));
}
