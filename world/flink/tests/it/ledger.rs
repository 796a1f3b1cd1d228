//! Records that are doubled, lost, or begun anew, as the ledger sees them.

use jiff::Timestamp;
use simulated_flink::ledger::{Attempt, Cause, Ledger, Violation};

const R: &str = "n/a";

fn attempt(job: &str, path: Option<&str>, offset: u64) -> Attempt {
    Attempt {
        resource: R.to_owned(),
        job_id: job.to_owned(),
        pod_uid: format!("pod from {offset}"),
        cause: Cause::Start,
        restored_path: path.map(str::to_owned),
        restored_offset: offset,
        started: Timestamp::UNIX_EPOCH,
        ended: None,
        end: None,
        committed: offset,
    }
}

fn end(ledger: &mut Ledger, number: usize) {
    ledger.end(number, Timestamp::UNIX_EPOCH, "JobManager");
}

fn numbers(ledger: &Ledger) -> Vec<(&'static str, u64)> {
    let name = |violation: &Violation| match violation {
        Violation::Doubled { .. } => "doubled",
        Violation::Lost { .. } => "lost",
        Violation::Together { .. } => "together",
        Violation::Empty { .. } => "empty",
        Violation::Older { .. } => "older",
    };
    ledger.violations().iter().map(|one| (name(one), one.records())).collect()
}

/// A ledger in which one attempt has committed 100 records and ended.
fn hundred() -> Ledger {
    let mut ledger = Ledger::default();
    let first = ledger.begin(attempt("1", None, 0));
    ledger.commit(first, 40);
    ledger.commit(first, 100);
    ledger.complete(first, 100);
    end(&mut ledger, first);
    ledger
}

#[test]
fn going_on_from_the_newest_state_is_no_violation() {
    let mut ledger = hundred();
    let second = ledger.begin(attempt("1", Some("c"), 100));
    ledger.commit(second, 150);
    assert_eq!(numbers(&ledger), []);
    assert_eq!(ledger.committed(R), [(0, 150)]);
}

#[test]
fn records_that_are_left_out_are_counted_once_something_behind_them_is_committed() {
    let mut ledger = hundred();
    let second = ledger.begin(attempt("1", Some("c"), 130));
    assert_eq!(numbers(&ledger), []);
    ledger.commit(second, 150);
    assert_eq!(numbers(&ledger), [("lost", 30)]);
    // Whoever holds them back may still commit them.
    ledger.commit(0, 130);
    assert_eq!(numbers(&ledger), []);
}

#[test]
fn records_that_are_committed_again_are_counted() {
    let mut ledger = hundred();
    let second = ledger.begin(attempt("1", Some("c"), 60));
    ledger.commit(second, 80);
    ledger.commit(second, 120);
    assert_eq!(numbers(&ledger), [("older", 40), ("doubled", 20), ("doubled", 20)]);
    // The same transactions once more change nothing.
    ledger.commit(second, 120);
    ledger.commit(0, 100);
    assert_eq!(numbers(&ledger).len(), 3);
}

#[test]
fn a_start_without_state_needs_permission_if_there_was_some() {
    let mut ledger = hundred();
    ledger.begin(attempt("1", None, 0));
    assert_eq!(numbers(&ledger), [("empty", 100)]);

    let mut ledger = Ledger::default();
    let first = ledger.begin(attempt("1", None, 0));
    end(&mut ledger, first);
    ledger.begin(attempt("1", None, 0));
    assert_eq!(numbers(&ledger), [], "nothing was complete");
}

#[test]
fn a_permission_holds_for_one_start() {
    let mut ledger = hundred();
    ledger.allow_rewind(R);
    let second = ledger.begin(attempt("2", None, 0));
    ledger.commit(second, 50);
    ledger.complete(second, 50);
    end(&mut ledger, second);
    assert_eq!(numbers(&ledger), []);
    assert_eq!(ledger.committed(R), [(0, 50)], "the input was begun anew");
    ledger.begin(attempt("3", None, 0));
    assert_eq!(numbers(&ledger), [("empty", 50)]);

    let mut ledger = hundred();
    ledger.allow_rewind(R);
    let second = ledger.begin(attempt("2", Some("c"), 100));
    end(&mut ledger, second);
    ledger.begin(attempt("3", None, 0));
    assert_eq!(numbers(&ledger), [("empty", 100)], "another job has used it up");

    let mut ledger = hundred();
    ledger.allow_rewind(R);
    ledger.forbid_rewind(R);
    ledger.begin(attempt("2", None, 0));
    assert_eq!(numbers(&ledger), [("empty", 100)]);
}

#[test]
fn attempts_that_run_together_are_told() {
    let mut ledger = Ledger::default();
    ledger.begin(attempt("1", None, 0));
    ledger.begin(attempt("1", None, 0));
    assert_eq!(numbers(&ledger), [("together", 1)]);
    let text = ledger.violations()[0].to_string();
    assert_eq!(text, "n/a: attempt 1 began while attempt 0 was running");
}

/// Its JobManager has died in the moment between a stop's savepoint and the word of it.
#[test]
fn container_that_is_started_again_goes_on_from_the_newest_checkpoint_that_flink_knows() {
    let in_pod = |offset, path| Attempt { pod_uid: "p".to_owned(), ..attempt("1", path, offset) };
    let mut ledger = Ledger::default();
    let first = ledger.begin(in_pod(0, None));
    ledger.commit(first, 60);
    ledger.complete(first, 60);
    ledger.commit(first, 100);
    ledger.complete(first, 100);
    end(&mut ledger, first);
    let second = ledger.begin(in_pod(60, Some("c")));
    ledger.commit(second, 120);
    assert_eq!(numbers(&ledger), []);
    end(&mut ledger, second);
    ledger.begin(in_pod(0, None));
    assert_eq!(numbers(&ledger), [("empty", 60)], "without state is another thing");
}
