//! What each operation costs, in requests to the API server and calls to Flink: golden figures. A rise is a failure to
//! explain; a fall is one to write down.
//!
//! `UPDATE_GOLDEN=1 cargo test --profile fast -p world --test costs` writes the file anew.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use world::explore::application::Version;
use world::explore::count;
use world::explore::plan::Plan;
use world::explore::run::Run;
use world::explore::scenario;

type Counts = BTreeMap<String, BTreeMap<String, usize>>;

fn run(name: &str, quiet: Duration) -> Run {
    let scenario = scenario::named(name).unwrap_or_else(|| panic!("there is no scenario {name}"));
    Run { scenario, version: Version::V2_2, seed: 1, plan: Plan::Undisturbed, quiet }
}

#[test]
fn operations_cost_what_they_did() {
    let counts: Counts = scenario::all()
        .filter(|scenario| scenario.versions.contains(&Version::V2_2))
        .map(|scenario| {
            let report = run(scenario.name, Duration::ZERO).play();
            assert!(report.violations.is_empty(), "{}: {:?}", scenario.name, report.violations);
            (scenario.name.to_owned(), count::of(&report))
        })
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/costs.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&counts).expect("counts can be written");
        std::fs::write(&path, text + "\n").expect("the file can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden figures are there");
    let golden: Counts = serde_json::from_str(&golden).expect("the golden figures can be read");
    let mut differences = Vec::new();
    for name in golden.keys().chain(counts.keys()).collect::<std::collections::BTreeSet<_>>() {
        let none = BTreeMap::new();
        let (before, now) = (golden.get(name).unwrap_or(&none), counts.get(name).unwrap_or(&none));
        for site in before.keys().chain(now.keys()).collect::<std::collections::BTreeSet<_>>() {
            let count = |counts: &BTreeMap<String, usize>| counts.get(site).copied().unwrap_or(0);
            if count(before) != count(now) {
                differences.push(format!(
                    "{name}: {site}: {} became {}",
                    count(before),
                    count(now)
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// A job that runs and is left alone costs no write, and little more than one call to Flink per look.
#[test]
fn running_job_at_rest_costs_nothing_but_looks() {
    let short = run("deploy-with-ha", Duration::from_mins(1)).play();
    let long = run("deploy-with-ha", Duration::from_mins(61)).play();
    assert!(short.violations.is_empty() && long.violations.is_empty(), "{:?}", long.violations);
    let calls = long.rest.len() - short.rest.len();
    // The interval of `operator::Process::named`.
    let looks = 3_600 / 15;
    println!("an hour at rest: {calls} calls to Flink in {looks} intervals");
    assert!(calls * 10 <= looks * 12, "{calls} calls in {looks} intervals");
    let writes = |report: &world::explore::run::Report| {
        report.requests.iter().filter(|request| request.method != "GET").count()
    };
    assert_eq!(writes(&short), writes(&long));
}
