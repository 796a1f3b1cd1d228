//! Tests of `fault`.

use std::sync::Arc;
use std::time::Duration;

use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::request::{Target, Verb};
use simulated_kubernetes::api_server::watch::{EventKind, Line};
use simulated_kubernetes::fault::{
    Effect, FaultPlan, Faults, Fits, RequestFault, WatchEffect, WatchFault, When,
};

fn target(plural: &str, name: &str, verb: Verb) -> Target {
    let kind = Arc::clone(Kinds::known().plural(plural));
    Target {
        kind,
        namespace: "n".to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        verb,
    }
}

#[test]
fn faults_hit_the_requests_they_name() {
    let fault = |fits: Fits, when: When, effect: Effect| RequestFault { fits, when, effect };
    let mut faults = Faults::new(FaultPlan {
        requests: vec![
            fault(Fits::verb(Verb::Create, "pods"), When::nth(1), Effect::FailBefore),
            fault(
                Fits::client("b"),
                When { from: Duration::from_secs(5), ..When::ALWAYS },
                Effect::LoseAnswer,
            ),
        ],
        watches: Vec::new(),
    });
    let mut check = |seconds, client, target: Option<&Target>| {
        faults.on_request(Duration::from_secs(seconds), client, target)
    };
    let create = target("pods", "", Verb::Create);
    assert_eq!(check(0, "a", Some(&create)), None, "the first is let through");
    assert_eq!(check(0, "a", Some(&create)), Some(Effect::FailBefore));
    assert_eq!(check(0, "a", Some(&create)), None, "only one is hit");
    assert_eq!(check(0, "a", Some(&target("pods", "x", Verb::Get))), None);
    assert_eq!(check(4, "b", None), None);
    assert_eq!(check(5, "b", None), Some(Effect::LoseAnswer));
}

#[test]
fn faults_hit_the_events_they_name() {
    let mut faults = Faults::new(FaultPlan {
        requests: Vec::new(),
        watches: vec![WatchFault {
            fits: Fits { resource: Some("pods".to_owned()), ..Fits::default() },
            event: Some(EventKind::Deleted),
            object: Some("x".to_owned()),
            when: When::ONCE,
            effect: WatchEffect::Drop,
        }],
    });
    let line = |event, object: &str| Line {
        event,
        version: 1,
        object: object.to_owned(),
        text: bytes::Bytes::new(),
    };
    let pods = target("pods", "", Verb::Watch);
    let mut check =
        |event, object| faults.on_event(Duration::ZERO, "a", &pods, &line(event, object));
    assert_eq!(check(EventKind::Added, "n/x"), None);
    assert_eq!(check(EventKind::Deleted, "n/y"), None);
    assert_eq!(check(EventKind::Deleted, "n/x"), Some(WatchEffect::Drop));
    assert_eq!(check(EventKind::Deleted, "n/x"), None);
}
