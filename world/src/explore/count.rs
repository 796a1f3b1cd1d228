//! What operations cost: requests and REST calls by kind, for golden figures.

use std::collections::BTreeMap;

use super::run::Report;
use super::sweep;

/// Requests to the API server by verb and resource, without the lists and watches that a process begins with, and REST
/// calls by method and path.
pub fn of(report: &Report) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for site in sweep::sites_in_order(report) {
        if !site.starts_with("GET ") {
            *counts.entry(site).or_default() += 1;
        }
    }
    counts
}
