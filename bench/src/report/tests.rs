//! Reports of invented runs.

use super::*;
use crate::outcome::{Conditions, Side};

fn writes(millis: f64) -> Writes {
    Writes {
        deployment_s: millis / 1e3,
        first_write_s: 0.002,
        in_server_s: 0.006,
        between_s: 0.001,
        objects_s: 0.02,
        count: 3,
    }
}

fn run(number: u32, ours_ms: f64, bare_ms: f64, late_s: f64, status_writes: usize) -> Run {
    let requests = [("patch flinkdeployments/status", status_writes), ("create deployments", 1)];
    Run {
        number,
        first: Side::Bare,
        load: 0.5,
        ours: Ours {
            writes: writes(ours_ms),
            job_running_s: 8.0,
            tasks_running_s: 15.0,
            stable_s: 15.2,
            late_s,
            late_since_state_s: 7.2,
            requests: requests.map(|(key, count)| (key.to_owned(), count)).into(),
            deleted_s: 3.0,
            delete_requests: [("delete deployments".to_owned(), 1)].into(),
        },
        bare: writes(bare_ms),
    }
}

fn outcome(runs: Vec<Run>) -> Outcome {
    let conditions = Conditions {
        began_at: "2026-01-01T00:00:00Z".to_owned(),
        kubernetes: "v1.34".to_owned(),
        operator: "image operator:1".to_owned(),
        optimised: true,
        cores: 2,
        left_out: Vec::new(),
    };
    Outcome { conditions, runs }
}

fn check_aims(runs: Vec<Run>, expected: [bool; 2]) {
    let aims = aims(&outcome(runs));
    assert_eq!(aims.iter().map(|aim| aim.met).collect::<Vec<_>>(), expected, "{aims:?}");
}

#[test]
fn medians_are_compared_with_targets() {
    check_aims(vec![run(1, 12.9, 10.0, 0.9, 3)], [true, true]);
    check_aims(vec![run(1, 13.1, 10.0, 1.1, 3)], [false, false]);
    let outlier = run(2, 200.0, 10.0, 30.0, 3);
    check_aims(vec![run(1, 12.0, 10.0, 0.2, 3), outlier, run(3, 12.0, 10.0, 0.2, 3)], [true, true]);
    check_aims(Vec::new(), [false, false]);
}

#[test]
fn table_has_both_sides_and_their_ratio() {
    let report =
        of(&outcome(vec![run(1, 12.0, 10.0, 0.2, 3), run(2, 14.0, 11.0, 0.4, 4)]), Form::Markdown);
    for line in [
        "| min / p50 / p90 / max | operator | bare client | ratio of p50 | Java operator |",
        "| resource created -> JobManager Deployment created | 12.0 / 12.0 / 14.0 / 14.0 ms \
         | 10.0 / 10.0 / 11.0 / 11.0 ms | 1.20 | 0.24, 0.31, 1.69 s |",
        "| delay of the status after all tasks run | 0.20 / 0.20 / 0.40 / 0.40 s |  |  |  |",
        "| requests up to RUNNING and STABLE | 4 / 4 / 5 / 5 |  |  | 35, 36, 37 |",
        "| of them status writes | 3 / 3 / 4 / 4 |  |  | 18 |",
        "The operator's requests up to RUNNING and STABLE, per application: 1 create deployments, \
         3 to 4 patch flinkdeployments/status.",
        "- Target: the Deployment within 1.3 times the bare client's time. Measured 1.20: met",
    ] {
        assert!(report.lines().any(|found| found == line), "{line}\nis not in\n{report}");
    }
}

#[test]
fn columns_of_the_text_form_are_aligned() {
    let report = of(&outcome(vec![run(1, 12.0, 10.0, 0.2, 3)]), Form::Text);
    let column = |line: &str, word: &str| {
        report.lines().find(|found| found.starts_with(line)).unwrap().find(word).unwrap()
    };
    assert_eq!(column("min", "Java"), column("deletion ->", "2.2"));
    assert_eq!(column("min", "bare"), column("resource created -> J", "10.0"));
}

#[test]
fn debug_build_is_noted() {
    let mut outcome = outcome(vec![run(1, 12.0, 10.0, 0.2, 3)]);
    assert!(!of(&outcome, Form::Text).contains("debug build"));
    outcome.conditions.optimised = false;
    assert!(of(&outcome, Form::Text).contains("debug build"));
}

#[test]
fn outcome_can_be_stored_and_read_again() {
    let outcome = outcome(vec![run(1, 12.0, 10.0, 0.2, 3)]);
    let text = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
}
