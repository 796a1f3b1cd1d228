//! Tests of `explore::sweep`.

use std::time::Duration;

use simulated_kubernetes::log::Entry;
use simulated_kubernetes::log::Outcome as Answered;
use world::explore::sweep::{parallel, site};

#[test]
fn requests_are_told_apart_by_what_they_do() {
    let entry = |method: &str, address: &str| Entry {
        at: Duration::ZERO,
        client: "operator".to_owned(),
        method: method.to_owned(),
        address: address.to_owned(),
        body: String::new(),
        outcome: Answered::Answered(200),
    };
    let status = "/apis/flink.apache.org/v1beta1/namespaces/flink/flinkdeployments/app/status?fieldManager=a";
    assert_eq!(site(&entry("PATCH", status)), "PATCH flinkdeployments/status");
    let watch = "/apis/apps/v1/deployments?watch=true&resourceVersion=1";
    assert_eq!(site(&entry("GET", watch)), "GET deployments (watch)");
    assert_eq!(site(&entry("POST", "/api/v1/namespaces/flink/configmaps")), "POST configmaps");
}

#[test]
fn work_on_all_processors_keeps_its_order() {
    let items: Vec<usize> = (0..100).collect();
    assert_eq!(parallel(&items, |item| item * 2), (0..200).step_by(2).collect::<Vec<_>>());
}
