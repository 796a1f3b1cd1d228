//! What a job throws is told once, and asked for only when the job's state has changed.

use super::stateful::stateful;
use super::*;
use crate::observed::JobException;
use crate::reconcile::decision::Event;

fn exception(at: i64, text: &str) -> JobException {
    JobException {
        at: Timestamp::from_second(at).unwrap(),
        class: "java.io.IOException".to_owned(),
        stack_trace: text.to_owned(),
        task: Some("Map (1/2)".to_owned()),
        endpoint: Some("10.0.0.7:6122".to_owned()),
        task_manager: Some("a-taskmanager-1-1".to_owned()),
        labels: BTreeMap::from([
            ("type".to_owned(), "USER".to_owned()),
            (" ".to_owned(), String::new()),
        ]),
    }
}

fn told(decision: &Decision) -> Vec<&Event> {
    let events = decision.actions.iter().filter_map(|action| match action {
        Action::Publish(event) if event.reason == "JobException" => Some(event),
        _ => None,
    });
    events.collect()
}

impl Case {
    /// The job's tasks have changed at this second, and the job is in this state now.
    fn job_changed(&mut self, at: i64, state: FlinkJobStatus) -> &mut Self {
        self.job_is(state);
        if let Asked::Answered(Seen::Present(jobs)) = &mut self.observed.jobs {
            jobs[0].changed_at_ms = Some(at * 1_000);
        }
        self
    }

    fn sees_exceptions(&mut self, exceptions: &[JobException]) -> &mut Self {
        self.observed.exceptions = Asked::present_is(exceptions.to_vec());
        self
    }

    fn forgets_answers(&mut self) {
        self.observed.exceptions = Asked::NotAsked;
    }

    fn last_exception(&mut self) -> Option<flink_operator_api::Condition> {
        let conditions = &self.status().conditions;
        conditions.iter().find(|condition| condition.type_ == "JobException").cloned()
    }
}

#[test]
fn job_that_restarts_is_asked_for_its_exceptions_and_they_are_told_once() {
    let mut case = stateful("savepoint", true);
    assert_eq!(case.questions().exceptions, None, "an idle job is not asked");
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Restarting);
    assert_eq!(case.questions().exceptions, Some(10));
    let trace = "java.io.IOException: lost\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n\tat a.B.e(B.java:3)\n\
                 \tat a.B.f(B.java:4)\n\tat a.B.g(B.java:5)\n\tat a.B.h(B.java:6)\n";
    case.sees_exceptions(&[exception(at, trace)]);
    assert_eq!(case.questions().exceptions, None, "asked once");
    let decision = case.step();
    let events = told(&decision);
    assert_eq!(events.len(), 1);
    let event = events[0];
    assert!(event.warning);
    assert!(event.note.starts_with("java.io.IOException: lost\n"), "{}", event.note);
    assert!(event.note.ends_with("... (2 more lines)"), "{}", event.note);
    let annotations = BTreeMap::from(
        [
            ("exception-timestamp", "1970-01-01T00:16:42Z"),
            ("task-name", "Map (1/2)"),
            ("endpoint", "10.0.0.7:6122"),
            ("tm-id", "a-taskmanager-1-1"),
            ("failure-label-type", "USER"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    assert_eq!(event.annotations, annotations);
    let condition = case.last_exception().unwrap();
    assert_eq!(condition.last_transition_time.as_deref(), Some("1970-01-01T00:16:42Z"));
    assert!(condition.message.unwrap().contains("java.io.IOException: lost"));

    case.forgets_answers();
    case.job_is(FlinkJobStatus::Restarting);
    assert_eq!(case.questions().exceptions, None);
    check(&case.step(), &[], "WaitingForJob");
}

#[test]
fn restart_between_two_looks_is_noticed_by_the_time_of_the_tasks_last_change() {
    let mut case = stateful("savepoint", true);
    case.now += 60;
    let at = case.now - 20;
    case.job_changed(at, FlinkJobStatus::Running);
    assert_eq!(case.questions().exceptions, Some(10));
    case.sees_exceptions(&[exception(at, "java.io.IOException: lost")]);
    let decision = case.step();
    assert_eq!(told(&decision).len(), 1);
    case.forgets_answers();
    case.now += 60;
    assert_eq!(case.questions().exceptions, None, "the same change is not asked for again");
    check(&case.step(), &[], "UpToDate");
}

#[test]
fn clock_of_the_job_manager_that_is_ahead_makes_no_question_at_each_look() {
    let mut case = stateful("savepoint", true);
    case.now += 60;
    let ahead = case.now + 3_600;
    case.job_changed(ahead, FlinkJobStatus::Running);
    assert!(case.questions().exceptions.is_some());
    case.sees_exceptions(&[]);
    case.step();
    case.forgets_answers();
    case.now += 60;
    assert_eq!(case.questions().exceptions, None);
    check(&case.step(), &[], "UpToDate");
}

/// The process that told them is gone; the status has the time of the newest.
#[test]
fn exceptions_that_were_told_are_not_told_again_by_another_process() {
    let mut case = stateful("savepoint", true);
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Restarting);
    case.sees_exceptions(&[exception(at, "java.io.IOException: one")]);
    assert_eq!(told(&case.step()).len(), 1);
    case.job_changed(at + 5, FlinkJobStatus::Failing);
    let newer = exception(at + 4, "java.io.IOException: two");
    case.sees_exceptions(&[newer, exception(at, "java.io.IOException: one")]);
    let decision = case.step();
    assert_eq!(
        told(&decision).iter().map(|event| event.note.as_str()).collect::<Vec<_>>(),
        ["java.io.IOException: two"]
    );
}

#[test]
fn crash_before_the_record_repeats_an_event_under_the_same_name() {
    let mut case = stateful("savepoint", true);
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Restarting);
    case.sees_exceptions(&[exception(at, "a"), exception(at - 1, "a")]);
    let keys = |decision: &Decision| -> Vec<String> {
        told(decision).iter().map(|event| event.once.clone().unwrap().key).collect()
    };
    let (first, second) = (case.decide(), case.decide());
    assert_eq!(keys(&first), keys(&second));
    assert_ne!(keys(&first)[0], keys(&first)[1]);
}

#[test]
fn of_many_exceptions_the_newest_are_told_and_of_old_ones_none() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.events.exceptions.limit-per-reconciliation": "2",
        "kubernetes.operator.events.exceptions.stacktrace-lines": "1",
    }}));
    case.step();
    case.now += 10_000;
    let now = case.now;
    case.job_changed(now, FlinkJobStatus::Restarting);
    assert_eq!(case.questions().exceptions, Some(2));
    let many: Vec<_> = (0..4).map(|age| exception(now - age, &format!("e{age}\n\tat f"))).collect();
    case.sees_exceptions(&many);
    let decision = case.step();
    let notes: Vec<_> = told(&decision).iter().map(|event| event.note.clone()).collect();
    assert_eq!(notes, ["e1\n... (1 more line)", "e0\n... (1 more line)"], "oldest first");

    let mut case = stateful("savepoint", true);
    case.now += 10_000;
    let now = case.now;
    case.job_changed(now, FlinkJobStatus::Restarting);
    case.sees_exceptions(&[exception(now - 1_801, "long ago")]);
    assert!(told(&case.step()).is_empty(), "older than half an hour");
}

#[test]
fn exceptions_of_nobodys_interest_are_not_asked_for() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.events.exceptions.limit-per-reconciliation": "0",
    }}));
    case.step();
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Restarting);
    assert_eq!(case.questions().exceptions, None);
}

#[test]
fn job_that_starts_is_not_asked_at_each_of_its_steps() {
    let mut case = fresh();
    case.step();
    case.sees(deployment(1));
    case.observed.pods = vec![ready_pod(case.now)];
    case.observed.cluster = Asked::unanswered("no answer");
    for state in [FlinkJobStatus::Initializing, FlinkJobStatus::Created, FlinkJobStatus::Running] {
        let now = case.now;
        case.job_changed(now, state);
        assert_eq!(case.questions().exceptions, None);
        case.step();
    }
}

#[test]
fn new_job_begins_without_the_exceptions_of_the_last_one() {
    let mut case = stateful("stateless", false);
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Restarting);
    case.sees_exceptions(&[exception(at, "a")]);
    case.step();
    assert!(case.last_exception().is_some());
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.step();
    assert_eq!(case.last_exception(), None);
}

#[test]
fn hostile_texts_are_bounded() {
    let mut case = stateful("savepoint", true);
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Restarting);
    let long = "é\n\u{7}".repeat(100_000);
    let labels = (0..1_000).map(|n| (format!("l{n}"), long.clone())).collect();
    let hostile = JobException { task: Some(long.clone()), labels, ..exception(at, &long) };
    case.sees_exceptions(&[hostile]);
    let decision = case.step();
    let event = told(&decision)[0];
    assert!(event.note.len() <= 5_000);
    assert!(event.annotations.len() <= 30);
    assert!(event.annotations.values().all(|value| value.len() <= 600 && !value.contains('\u{7}')));
    assert!(case.last_exception().unwrap().message.unwrap().len() <= 1_500);
}

/// The execution result is the better word, and one answer may get lost.
#[test]
fn reason_of_a_failed_job_whose_result_was_not_seen_is_its_newest_exception() {
    let mut case = stateful("savepoint", true);
    let at = case.now;
    case.job_changed(at, FlinkJobStatus::Failed);
    case.observed.last_checkpoint = Asked::absent();
    case.observed.job_failure = None;
    case.sees_exceptions(&[
        exception(at, "java.io.IOException: the disk is full\n\tat a.B.c(B.java:1)\n"),
        exception(at - 60, "java.io.IOException: an older one\n"),
    ]);
    let decision = case.step();
    let error = case.status().error.clone().expect("the reason is told");
    assert!(error.contains("java.io.IOException: the disk is full"), "{error}");
    assert!(!error.contains("B.java") && !error.contains("older"), "{error}");
    assert!(decision.because.message().contains("the disk is full"), "{decision:?}");
}
