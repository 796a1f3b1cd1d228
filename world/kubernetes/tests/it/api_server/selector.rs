//! Tests of `api_server::selector`.

use serde_json::json;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::selector::{Selector, matches_selector};

#[track_caller]
fn check(selector: &str, expected: bool) {
    let kind = Kinds::known().plural("pods");
    let object = json!({"metadata": {"labels": {"app": "a", "tier": "x", "n": "5"}}});
    assert_eq!(
        Selector::parse(kind, selector, "").unwrap().matches(&object),
        expected,
        "{selector}"
    );
}

#[test]
fn label_selectors_have_every_operator() {
    check("", true);
    check("app=a", true);
    check("app==a,tier!=x", false);
    check("app in (a, b),tier notin (y)", true);
    check("app notin (a)", false);
    check("missing notin (a)", true);
    check("app,!missing", true);
    check("!app", false);
    check("n>4", true);
    check("n<5", false);
}

#[test]
fn field_selectors_know_the_fields_of_their_kind() {
    let pods = Kinds::known().plural("pods");
    let object = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
    let check =
        |fields: &str| Selector::parse(pods, "", fields).map(|selector| selector.matches(&object));
    assert_eq!(check("status.phase=Running,metadata.name!=b"), Ok(true));
    assert_eq!(check("spec.nodeName="), Ok(true));
    assert_eq!(check("spec.color=red").unwrap_err().code, 400);
}

#[test]
fn nonsense_is_refused() {
    let kind = Kinds::known().plural("pods");
    for text in ["a in b", "a b", "=x", "a in (b"] {
        assert!(Selector::parse(kind, text, "").is_err(), "{text}");
    }
}

#[test]
fn selectors_of_objects_match_labels() {
    let selector = json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]});
    let labels = json!({"a": "b", "c": "d"});
    assert!(matches_selector(&selector, labels.as_object()));
    assert!(!matches_selector(&selector, json!({"a": "b"}).as_object()));
}
