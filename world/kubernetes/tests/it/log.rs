//! Tests of `log`.

use std::time::Duration;

use bytes::Bytes;
use simulated_kubernetes::api_server::request::Request;
use simulated_kubernetes::log::{Entry, Log, Outcome, Said};

fn said(path: &str, body: &str) -> Said {
    Said::by(&Request {
        method: http::Method::POST,
        path: path.to_owned(),
        query: String::new(),
        content_type: String::new(),
        accept: String::new(),
        user_agent: String::new(),
        user: String::new(),
        body: Bytes::from(body.to_owned()),
    })
}

#[test]
fn events_are_the_same_whenever_they_are_published() {
    let body = |time: &str| {
        format!(
            r#"{{"metadata":{{"name":"job.{time}"}},"eventTime":"{time}","series":{{"lastObservedTime":"{time}"}},"note":"n"}}"#
        )
    };
    let path = "/apis/events.k8s.io/v1/namespaces/n/events";
    assert_eq!(said(path, &body("17a8b9c0d1e2f3a4")), said(path, &body("18a8b9c0d1e2f3a5")));
    let one = said(&format!("{path}/job.17a8b9c0d1e2f3a4"), "");
    assert_eq!(one, said(&format!("{path}/job.18a8b9c0d1e2f3a4"), ""));
    assert_ne!(
        said("/api/v1/namespaces/n/configmaps", "a"),
        said("/api/v1/namespaces/n/configmaps", "b")
    );
}

#[test]
fn digest_depends_on_every_entry() {
    let entry = |code| Entry {
        at: Duration::from_millis(2),
        client: "a".to_owned(),
        method: "GET".to_owned(),
        address: "/version".to_owned(),
        body: String::new(),
        outcome: Outcome::Answered(code),
    };
    let digest = |codes: &[u16]| {
        let mut log = Log::default();
        for code in codes {
            log.add(entry(*code), true);
        }
        log.digest()
    };
    assert_eq!(digest(&[200, 404]), digest(&[200, 404]));
    assert_ne!(digest(&[200, 404]), digest(&[404, 200]));
    assert_eq!(entry(200).to_string(), "0.002 a GET /version  200");
}
