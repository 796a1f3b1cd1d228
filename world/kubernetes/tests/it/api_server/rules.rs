//! Tests of `api_server::kind::custom::rules`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::kind::custom::Schema;

fn schema() -> Schema {
    Schema::read(&json!({"type": "object", "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "mode": {"type": "string", "x-kubernetes-validations": [
                    {"rule": "self != 'odd'", "messageExpression": "self + ' is odd'"},
                    {"rule": "self == oldSelf", "message": "it stays", "reason": "FieldValueForbidden"},
                ]},
                "count": {"type": "integer"},
            },
            "x-kubernetes-validations": [
                {"rule": "has(self.count)", "fieldPath": ".count", "message": "needed", "reason": "FieldValueRequired"},
            ],
        },
    }, "x-kubernetes-validations": [
        {"rule": "oldSelf.hasValue() || has(self.spec)", "optionalOldSelf": true, "message": "a spec"},
    ]}))
}

#[test]
fn rule_about_a_whole_object_sees_all_of_it() {
    for at in ["self", "self.spec"] {
        let old = at.replace("self", "oldSelf");
        let schema = Schema::read(&json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"count": {"type": "integer"}}},
        }, "x-kubernetes-validations": [{"rule": format!("{at} == {old}"), "message": "it stays"}]}));
        let (one, two) = (json!({"spec": {"count": 1}}), json!({"spec": {"count": 2}}));
        assert_eq!(schema.check_rules(&two, Some(&one)).len(), 1, "{at}");
        assert_eq!(schema.check_rules(&one, Some(&one)).len(), 0, "{at}");
    }
}

#[test]
fn rules_are_held_against_what_changed() {
    let check = |new: Value, old: Option<Value>, expected: &[&str]| {
        let faults = schema().check_rules(&new, old.as_ref());
        let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{new} after {old:?}");
    };
    let with = |mode: &str| json!({"spec": {"mode": mode, "count": 1}});
    check(with("a"), None, &[]);
    check(json!({}), None, &["<nil>: Invalid value: \"object\": a spec"]);
    check(json!({}), Some(with("a")), &[]);
    check(with("odd"), None, &["spec.mode: Invalid value: \"string\": odd is odd"]);
    check(with("b"), Some(with("a")), &["spec.mode: Forbidden: it stays"]);
    check(with("odd"), Some(with("odd")), &[]);
    check(json!({"spec": {"mode": "a"}}), None, &["spec.count: Required value: needed"]);
    check(json!({"spec": {"mode": "a"}, "status": 1}), Some(json!({"spec": {"mode": "a"}})), &[]);
}
