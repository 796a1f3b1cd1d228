//! Tests of merging templates and of the settings that the operator adds.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(arrays: ArrayMerge, base: Value, overlay: &Value, expected: &Value) {
    let mut merged = base;
    merge(&mut merged, overlay, arrays);
    assert_eq!(merged, *expected);
}

#[test]
fn objects_merge_field_by_field() {
    check(
        ArrayMerge::ByIndex,
        json!({"spec": {"a": 1, "b": {"x": 1}}}),
        &json!({"spec": {"b": {"y": 2}, "c": 3}}),
        &json!({"spec": {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}}),
    );
}

#[test]
fn a_scalar_does_not_replace_an_object_but_anything_replaces_a_scalar() {
    let base = json!({"object": {"a": 1}, "scalar": 1, "null": null, "text": "t"});
    check(
        ArrayMerge::ByIndex,
        base,
        &json!({"object": 7, "scalar": {"b": 2}, "null": "set", "text": "u"}),
        &json!({"object": {"a": 1}, "scalar": {"b": 2}, "null": "set", "text": "u"}),
    );
}

#[test]
fn a_null_in_the_overlay_has_no_effect() {
    check(ArrayMerge::ByIndex, json!({"a": 1}), &json!({"a": null}), &json!({"a": 1}));
}

#[test]
fn arrays_merge_by_index_and_keep_the_scalars_of_the_base() {
    check(
        ArrayMerge::ByIndex,
        json!({"l": [{"name": "a", "x": 1}, {"name": "b"}], "args": ["one", "two"]}),
        &json!({"l": [{"name": "c", "y": 2}], "args": ["1", "2", "3"]}),
        &json!({"l": [{"name": "c", "x": 1, "y": 2}, {"name": "b"}], "args": ["one", "two", "3"]}),
    );
}

#[test]
fn arrays_merge_by_name_in_the_order_of_the_base() {
    check(
        ArrayMerge::ByName,
        json!({"l": [{"name": "a", "x": 1}, {"name": "b", "x": 1}]}),
        &json!({"l": [{"name": "c"}, {"name": "b", "x": 2, "y": 3}]}),
        &json!({"l": [{"name": "a", "x": 1}, {"name": "b", "x": 2, "y": 3}, {"name": "c"}]}),
    );
}

#[test]
fn nested_arrays_merge_by_name_too() {
    check(
        ArrayMerge::ByName,
        json!({"l": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}),
        &json!({"l": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]}),
        &json!({"l": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}]}),
    );
}

#[test]
fn one_element_without_a_name_makes_the_whole_array_merge_by_index() {
    check(
        ArrayMerge::ByName,
        json!({"l": [{"key": "k1", "value": "v"}]}),
        &json!({"l": [{"name": "a", "value": "w"}]}),
        &json!({"l": [{"key": "k1", "name": "a", "value": "w"}]}),
    );
}

#[test]
fn an_array_and_another_type_are_not_merged_but_replaced() {
    check(
        ArrayMerge::ByIndex,
        json!({"a": [1], "b": 1}),
        &json!({"a": "x", "b": [2]}),
        &json!({"a": "x", "b": [2]}),
    );
}

#[test]
fn a_single_template_is_used_unchanged() {
    let template = json!({"spec": {"hostname": "h"}});
    let by_index = ArrayMerge::ByIndex;
    assert_eq!(join(None, None, by_index), None);
    assert_eq!(join(Some(&template), None, by_index).as_ref(), Some(&template));
    assert_eq!(join(None, Some(&template), by_index).as_ref(), Some(&template));
    assert_eq!(
        join(Some(&template), Some(&json!({"spec": {"subdomain": "s"}})), by_index),
        Some(json!({"spec": {"hostname": "h", "subdomain": "s"}}))
    );
}

fn storage(request: &str) -> ExtraResources {
    ExtraResources {
        requests: BTreeMap::from([("ephemeral-storage".to_owned(), request.to_owned())]),
        limits: BTreeMap::from([("ephemeral-storage".to_owned(), "2Gi".to_owned())]),
    }
}

#[test]
fn extra_resources_are_added_to_the_main_container_and_replace_the_same_name() {
    let template = json!({"spec": {"containers": [
        {"name": "sidecar"},
        {"name": MAIN_CONTAINER, "resources": {"requests": {"ephemeral-storage": "9Gi", "gpu": "1"}}},
    ]}});
    assert_eq!(
        add_resources(Some(template), &storage("1Gi")),
        Some(json!({"spec": {"containers": [
            {"name": "sidecar"},
            {"name": MAIN_CONTAINER, "resources": {
                "requests": {"ephemeral-storage": "1Gi", "gpu": "1"},
                "limits": {"ephemeral-storage": "2Gi"},
            }},
        ]}}))
    );
}

#[test]
fn without_extra_resources_no_template_is_made() {
    assert_eq!(add_resources(None, &ExtraResources::default()), None);
    assert!(add_resources(None, &storage("1Gi")).is_some());
}

#[test]
fn the_startup_probe_is_added_even_if_the_main_container_is_missing() {
    let probe = json!({
        "httpGet": {"path": "/config", "port": "rest"},
        "periodSeconds": 1,
        "failureThreshold": 2_147_483_647,
    });
    assert_eq!(
        add_startup_probe(Some(json!({"spec": {"containers": [{"name": "sidecar"}]}}))),
        json!({"spec": {"containers": [
            {"name": "sidecar"},
            {"name": MAIN_CONTAINER, "startupProbe": probe},
        ]}})
    );
    assert_eq!(container_names(&add_startup_probe(None)).collect::<Vec<_>>(), vec![MAIN_CONTAINER]);
}

#[test]
fn a_startup_probe_of_the_user_is_kept() {
    let template = json!({"spec": {"containers": [
        {"name": MAIN_CONTAINER, "startupProbe": {"tcpSocket": {"port": 1}}},
    ]}});
    assert_eq!(add_startup_probe(Some(template.clone())), template);
}

#[test]
fn a_value_of_the_wrong_type_is_found() {
    for (template, place) in [
        (json!({}), None),
        (json!({"spec": null}), None),
        (json!({"spec": {"containers": [{"name": "a", "resources": {"limits": {}}}]}}), None),
        (json!("x"), Some("the template")),
        (json!({"spec": []}), Some("spec")),
        (json!({"spec": {"containers": {}}}), Some("spec.containers")),
        (json!({"spec": {"containers": ["x"]}}), Some("an element of spec.containers")),
        (
            json!({"spec": {"containers": [{"resources": {"limits": 1}}]}}),
            Some("an element of spec.containers"),
        ),
    ] {
        assert_eq!(find_wrong_type(&template), place, "{template}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                prop_oneof!["[a-c]", Just("name".to_owned()), Just("spec".to_owned())],
                inner,
                0..4
            )
            .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn merging_the_same_template_again_changes_nothing(
        base in any_json(), overlay in any_json()
    ) {
        let mut once = base;
        merge(&mut once, &overlay, ArrayMerge::ByIndex);
        let mut twice = once.clone();
        merge(&mut twice, &overlay, ArrayMerge::ByIndex);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn any_template_gets_exactly_one_main_container_with_a_probe(template in any_json()) {
        let probed = add_startup_probe(Some(template));
        let count = container_names(&probed).filter(|name| *name == MAIN_CONTAINER).count();
        prop_assert_eq!(count, 1);
        prop_assert_eq!(add_startup_probe(Some(probed.clone())), probed);
    }
}
