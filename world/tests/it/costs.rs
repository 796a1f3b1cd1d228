//! What each operation costs, in requests to the API server and calls to Flink: golden figures. A rise is a failure to
//! explain; a fall is one to write down.
//!
//! `UPDATE_GOLDEN=1 cargo test --profile fast -p world --test it costs` writes the file anew, and the table in
//! `docs/costs.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
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
    operations_stay_within_their_targets(&counts);
}

/// An operation: what a scenario costs beyond another one, and what it may cost.
struct Operation {
    name: &'static str,
    scenario: &'static str,
    beyond: Option<&'static str>,
    /// At most so many writes, events left out, and so many of them to the status.
    writes: usize,
    status_writes: usize,
    /// Why so many.
    because: &'static str,
}

const OPERATIONS: [Operation; 10] = [
    Operation {
        name: "first deployment, up to RUNNING",
        scenario: "deploy",
        beyond: None,
        writes: 8,
        status_writes: 3,
        because: "finalizer, intent, 4 objects, record of the created objects, RUNNING",
    },
    Operation {
        name: "upgrade, stateless",
        scenario: "upgrade-stateless",
        beyond: Some("deploy"),
        writes: 10,
        status_writes: 5,
        because: "intent, deletion, the wait, the new job's id, 4 objects, record of the created objects, RUNNING",
    },
    Operation {
        name: "upgrade, last-state",
        scenario: "upgrade-last-state",
        beyond: Some("deploy-with-ha"),
        writes: 13,
        status_writes: 7,
        because: "as stateless with one Service less; the JobManager is scaled to zero before its TaskManagers are \
                  deleted; once the status is confirmed, it is deleted and the job graph is removed from the high \
                  availability data",
    },
    Operation {
        name: "upgrade with a savepoint",
        scenario: "upgrade-with-savepoint",
        beyond: Some("deploy-with-ha"),
        writes: 12,
        status_writes: 7,
        because: "as stateless with one Service less; the id of the request, before it is sent; the old job's high \
                  availability data are deleted, once the status is confirmed",
    },
    Operation {
        name: "suspension and resumption, last-state",
        scenario: "suspend-and-resume-last-state",
        beyond: Some("deploy-with-ha"),
        writes: 15,
        status_writes: 9,
        because: "as the upgrade, and the suspended state",
    },
    Operation {
        name: "suspension and resumption with a savepoint",
        scenario: "suspend-and-resume-with-savepoint",
        beyond: Some("deploy-with-ha"),
        writes: 14,
        status_writes: 9,
        because: "the same",
    },
    Operation {
        name: "savepoint by nonce",
        scenario: "savepoint-by-nonce",
        beyond: Some("deploy-with-ha"),
        writes: 2,
        status_writes: 2,
        because: "the id of the request, before it is sent; the outcome",
    },
    Operation {
        name: "rescaling in place",
        scenario: "rescale-in-place",
        beyond: Some("deploy-with-ha"),
        writes: 2,
        status_writes: 2,
        because: "the new spec, once Flink has accepted it; the stable state",
    },
    Operation {
        name: "change that needs no restart",
        scenario: "change-that-needs-no-restart",
        beyond: Some("deploy-with-ha"),
        writes: 1,
        status_writes: 1,
        because: "the new spec is recorded",
    },
    Operation {
        name: "deletion",
        scenario: "deploy-and-delete",
        beyond: Some("deploy-with-ha"),
        writes: 6,
        status_writes: 3,
        because: "record of the deletion, the Deployment, the wait, the high availability data once the status is \
                  confirmed, the finalizer",
    },
];

fn operations_stay_within_their_targets(counts: &Counts) {
    let mut table = String::from(
        "| Operation | Writes | of them to the status | at most | Events | Flink: polls of the job | Flink: other calls | The writes |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut above = Vec::new();
    for operation in &OPERATIONS {
        let sum = |matches: &dyn Fn(&str) -> bool| {
            let of = |scenario: &str| -> usize {
                counts[scenario]
                    .iter()
                    .filter(|(site, _)| matches(site))
                    .map(|(_, count)| *count)
                    .sum()
            };
            of(operation.scenario).saturating_sub(operation.beyond.map_or(0, of))
        };
        let is_flink = |site: &str| site.starts_with("Flink: ");
        let is_look = |site: &str| site == "Flink: GET /jobs/overview";
        let is_event = |site: &str| site.ends_with(" events");
        let writes = sum(&|site| !is_flink(site) && !is_event(site));
        let status_writes = sum(&|site| site.ends_with("/status"));
        let Operation { name, because, .. } = operation;
        writeln!(
            table,
            "| {name} | {writes} | {status_writes} | {}, {} | {} | {} | {} | {because} |",
            operation.writes,
            operation.status_writes,
            sum(&is_event),
            sum(&is_look),
            sum(&|site| is_flink(site) && !is_look(site)),
        )
        .expect("a text can be written to");
        if writes > operation.writes || status_writes > operation.status_writes {
            above.push(format!("{name}: {writes} writes, {status_writes} of the status"));
        }
    }
    assert!(above.is_empty(), "{above:#?}\n{table}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.md");
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (before, rest) = text.split_once("<!-- table -->\n").expect("the table has a beginning");
    let (now, after) = rest.split_once("<!-- end -->").expect("the table has an end");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = format!("{before}<!-- table -->\n{table}<!-- end -->{after}");
        std::fs::write(&path, text).expect("the document can be written");
    } else {
        assert!(now == table, "docs/costs.md has other figures:\n{table}");
    }
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
