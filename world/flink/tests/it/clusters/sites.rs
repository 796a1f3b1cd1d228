//! Requests by the names that logs and faults have for them.

use std::collections::BTreeSet;

use simulated_flink::SITES;
use simulated_flink::log::RestOutcome;
use simulated_kubernetes::run;

use super::*;

#[test]
fn requests_are_known_by_method_and_path() {
    run(1, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        for (method, path, site) in [
            ("GET", "/jobs/overview".to_owned(), "GET /jobs/overview"),
            ("GET", "/v1/config".to_owned(), "GET /config"),
            ("GET", format!("/jobs/{JOB}"), "GET /jobs/:id"),
            ("GET", format!("/jobs/{JOB}/checkpoints/config"), "GET /jobs/:id/checkpoints/config"),
            ("GET", format!("/jobs/{JOB}/checkpoints/{JOB}"), "GET /jobs/:id/checkpoints/:trigger"),
            ("GET", "/nosuch".to_owned(), "?"),
            ("PATCH", format!("/jobs/{JOB}?mode=cancel"), "PATCH /jobs/:id"),
        ] {
            raw(&flink, method, &path, Value::Null).await;
            assert_eq!(flink.log().last().unwrap().site, site, "{method} {path}");
        }
        raw(&flink, "GET", "/jobs/zzz", Value::Null).await;
        assert_eq!(flink.log().last().unwrap().outcome, RestOutcome::Answered(400));
    });
}

#[test]
fn every_site_is_there_once() {
    let all: BTreeSet<&str> = SITES.into_iter().collect();
    assert_eq!(all.len(), SITES.len());
}
