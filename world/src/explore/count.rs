//! What operations cost: requests and REST calls by kind, for golden figures.

use std::collections::BTreeMap;
use std::time::Duration;

use super::run::Report;
use super::sweep;

/// Requests to the API server by verb and resource, without the lists and watches that a process begins with, and REST
/// calls by method and path; from the beginning of the scenario until a second after its end.
pub fn of(report: &Report) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for site in sweep::sites_until(report, report.played + Duration::from_secs(1)) {
        if !site.starts_with("GET ") {
            *counts.entry(site).or_default() += 1;
        }
    }
    counts
}
