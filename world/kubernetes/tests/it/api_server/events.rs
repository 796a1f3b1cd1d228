//! Tests of `api_server::events`.

use serde_json::json;
use simulated_kubernetes::api_server::kind::Kinds;

#[test]
fn events_are_the_same_in_both_groups() {
    let kind = Kinds::known().by_resource("events.k8s.io", "v1", "events").unwrap();
    let shown = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": {"name": "a"}, "note": "n"});
    let stored = kind.stored(shown.clone());
    assert_eq!(
        stored,
        json!({"apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "a"}, "message": "n"})
    );
    assert_eq!(*kind.shown(&stored), shown);
}
