//! Errors as callers see them.

use super::*;

const UNKNOWN_JOB: &str = "org.apache.flink.runtime.rest.NotFoundException: Job ffffffffffffffffffffffffffffffff not found\n\
    \tat org.apache.flink.A.b(A.java:1)\n\
    Caused by: org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (ff)\n\t... 3 more\n";

#[expect(clippy::unnecessary_box_returns, reason = "errors hold it boxed")]
fn site(subject: Subject) -> Box<CallSite> {
    Box::new(CallSite {
        doing: "cancel the job",
        cluster: "http://app-rest.ns:8081".to_owned(),
        method: Method::PATCH,
        path: "/jobs/ff?mode=cancel".to_owned(),
        subject,
    })
}

fn answered(subject: Subject, status: u16, body: &[u8]) -> RestError {
    let status = StatusCode::from_u16(status).unwrap();
    RestError::Http { site: site(subject), answer: Box::new(HttpAnswer::read(status, None, body)) }
}

fn flink(subject: Subject, status: u16, errors: &[&str]) -> RestError {
    answered(subject, status, serde_json::json!({ "errors": errors }).to_string().as_bytes())
}

/// The message with all causes, as logs show it.
fn whole(error: &RestError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[test]
fn a_message_says_what_was_done_where_and_repeats_nothing() {
    let reason = "tcp connect error: Connection refused (os error 111)".to_owned();
    let source = TransportError::Connect { reason, timed_out: false };
    assert_eq!(
        whole(&RestError::Unreachable { site: site(Subject::Job), source }),
        "failed to cancel the job (PATCH http://app-rest.ns:8081/jobs/ff?mode=cancel): no connection to the JobManager: \
         tcp connect error: Connection refused (os error 111)"
    );
    assert_eq!(
        whole(&RestError::TimedOut { site: site(Subject::Job), after: Duration::from_secs(10) }),
        "failed to cancel the job (PATCH http://app-rest.ns:8081/jobs/ff?mode=cancel): no complete answer within 10s"
    );
    assert_eq!(
        whole(&flink(Subject::Job, 404, &[UNKNOWN_JOB])),
        "failed to cancel the job (PATCH http://app-rest.ns:8081/jobs/ff?mode=cancel): the answer is 404 Not Found: \
         Job ffffffffffffffffffffffffffffffff not found; root cause: FlinkJobNotFoundException: Could not find Flink job (ff)"
    );
}

#[test]
fn the_exception_counts_and_not_the_sentence_before_it() {
    let exception = "<Exception on server side:\njava.util.concurrent.CompletionException: a.b.Invocation: no class\n\
        \tat a.B.c(B.java:1)\nCaused by: a.b.Invocation: no class\n\t... 1 more\n\nEnd of exception on server side>";
    let error = flink(Subject::Other, 500, &["Internal server error.", exception]);
    let answer = error.answer().unwrap();
    assert_eq!(
        answer.errors,
        [
            "Internal server error.",
            "java.util.concurrent.CompletionException: a.b.Invocation: no class"
        ]
    );
    assert_eq!(answer.summary(), "Invocation: no class");
    assert_eq!(
        flink(Subject::Other, 500, &["Internal server error."]).answer().unwrap().summary(),
        "Internal server error."
    );
}

#[test]
fn a_job_is_missing_only_if_flink_says_so() {
    let missing = |error: &RestError| error.job_not_found();
    assert!(missing(&flink(Subject::Job, 404, &[UNKNOWN_JOB])));
    assert!(missing(&flink(
        Subject::Job,
        404,
        &["a.RestHandlerException: Job could not be found."]
    )));
    // Statistics of checkpoints say it with a cause, and some paths with status 500.
    assert!(missing(&flink(Subject::Other, 404, &[UNKNOWN_JOB])));
    assert!(missing(&flink(Subject::Operation, 500, &["Internal server error.", UNKNOWN_JOB])));

    assert!(!missing(&answered(Subject::Job, 404, b"404 page not found")));
    assert!(!missing(&answered(Subject::Job, 404, b"")));
    assert!(!missing(&answered(Subject::Job, 404, br#"{"errors":[]}"#)));
    assert!(!missing(&flink(
        Subject::Job,
        404,
        &["Unable to load requested file /jobs/ff/status."]
    )));
    assert!(!missing(&flink(
        Subject::Other,
        404,
        &["a.B: Could not find checkpointing statistics for checkpoint 9."]
    )));
    assert!(!missing(&flink(
        Subject::Operation,
        404,
        &["a.B: There is no savepoint operation with triggerId=0"]
    )));
    assert!(!missing(&flink(
        Subject::Job,
        503,
        &["Service temporarily unavailable due to an ongoing leader election."]
    )));
    assert!(!missing(&RestError::TimedOut { site: site(Subject::Job), after: Duration::ZERO }));
}

#[test]
fn an_operation_is_missing_only_if_flink_says_so() {
    let missing = |error: &RestError| error.operation_not_found();
    assert!(missing(&flink(
        Subject::Operation,
        404,
        &["a.B: There is no savepoint operation with triggerId=0"]
    )));
    assert!(!missing(&flink(Subject::Operation, 404, &[UNKNOWN_JOB])));
    assert!(!missing(&flink(Subject::Operation, 404, &["Unable to load requested file /x."])));
    assert!(!missing(&answered(Subject::Operation, 404, b"<html>")));
    assert!(!missing(&flink(
        Subject::Job,
        404,
        &["a.B: There is no savepoint operation with triggerId=0"]
    )));
}

#[test]
fn a_job_that_ended_by_itself_is_told_by_status_or_text() {
    let text = "a.RestHandlerException: Job cancellation failed because the job has Already Reached another terminal state (FINISHED).";
    assert!(flink(Subject::Job, 409, &["anything"]).already_terminal());
    assert!(flink(Subject::Job, 500, &[text]).already_terminal());
    assert!(!flink(Subject::Job, 404, &[UNKNOWN_JOB]).already_terminal());
}

#[test]
fn special_cases_are_told_by_flinks_own_words() {
    assert!(
        flink(Subject::Other, 404, &["a.B: Checkpointing has not been enabled."])
            .checkpointing_disabled()
    );
    for class in ["DuplicateJobSubmissionException", "DuplicateApplicationSubmissionException"] {
        let cause = format!(
            "a.B: Could not execute application.\nCaused by: org.x.{class}: It has already been submitted."
        );
        assert!(flink(Subject::Other, 400, &[&cause]).already_submitted());
    }
    assert!(
        !flink(Subject::Other, 400, &["a.B: Could not execute application."]).already_submitted()
    );
    let scheduler = "<Exception on server side:\njava.lang.UnsupportedOperationException: The DefaultScheduler does not";
    assert!(flink(Subject::Job, 500, &["Internal server error.", scheduler]).not_supported());
    assert!(
        flink(Subject::Other, 404, &["Unable to load requested file /jars."]).unknown_endpoint()
    );
    assert!(
        !flink(Subject::Other, 404, &["a.B: Could not find checkpointing statistics"])
            .unknown_endpoint()
    );
}

#[test]
fn every_failure_says_whether_to_wait_and_whether_to_look_for_its_effect() {
    let connect = |timed_out| {
        let source = TransportError::Connect { reason: "x".to_owned(), timed_out };
        RestError::Unreachable { site: site(Subject::Job), source }
    };
    let interrupted = TransportError::Interrupted { reason: "x".to_owned() };
    let check = |error: RestError, unreachable: bool, timeout: bool, effect: bool| {
        let found = (error.is_unreachable(), error.is_timeout(), error.may_have_taken_effect());
        assert_eq!(found, (unreachable, timeout, effect), "{error}");
    };
    check(connect(false), true, false, false);
    check(connect(true), true, true, false);
    check(
        RestError::Interrupted { site: site(Subject::Job), source: interrupted },
        false,
        false,
        true,
    );
    check(
        RestError::TimedOut { site: site(Subject::Job), after: Duration::ZERO },
        false,
        true,
        true,
    );
    check(RestError::TooLarge { site: site(Subject::Job), limit: 1 }, false, false, true);
    check(
        RestError::Malformed { site: site(Subject::Job), what: "x".to_owned() },
        false,
        false,
        true,
    );
    check(
        RestError::Invalid { site: site(Subject::Job), what: "x".to_owned() },
        false,
        false,
        false,
    );
    check(answered(Subject::Job, 302, b""), false, false, false);
    check(answered(Subject::Job, 400, b""), false, false, false);
    check(answered(Subject::Job, 404, b""), false, false, false);
    check(answered(Subject::Job, 408, b""), false, true, true);
    check(answered(Subject::Job, 500, b""), false, false, true);
    check(answered(Subject::Job, 502, b""), true, false, true);
    check(answered(Subject::Job, 503, b""), true, false, false);
    check(answered(Subject::Job, 504, b""), true, true, true);
}

#[test]
fn texts_of_others_are_shortened_and_kept_on_one_line() {
    let error = answered(Subject::Job, 500, "<html>\u{1b}[31m\nü".repeat(100_000).as_bytes());
    let answer = error.answer().unwrap();
    assert!(answer.text.len() <= TEXT_MAX);
    assert!(answer.errors.is_empty() && !answer.is_of_flink());
    let message = error.to_string();
    assert!(message.chars().count() < 400, "{message}");
    assert!(!message.contains(['\n', '\u{1b}']), "{message}");

    let error = flink(Subject::Job, 500, &["é".repeat(1_000_000).as_str()]);
    let answer = error.answer().unwrap();
    assert_eq!(
        answer.errors.iter().map(|line| line.chars().count()).collect::<Vec<_>>(),
        [LINE_MAX + 1]
    );
    assert!(answer.text.len() <= TEXT_MAX);
    assert!(error.to_string().chars().count() < 1_000);

    // Bytes that are no text are an answer as well.
    assert!(!answered(Subject::Job, 500, &[0xff, 0xfe, 0]).to_string().contains('\0'));
}

#[test]
fn a_redirect_is_named_with_its_target() {
    let status = StatusCode::MOVED_PERMANENTLY;
    let answer = HttpAnswer::read(status, Some("https://app-rest:8081/"), b"");
    assert_eq!(answer.to_string(), "301 Moved Permanently: redirect to https://app-rest:8081/;");
}

#[test]
fn shortening_counts_characters() {
    assert_eq!(shorten("äöü", 3), "äöü");
    assert_eq!(shorten("äöüß", 3), "äöü…");
    assert_eq!(shorten("😀".repeat(10).as_str(), 2), "😀😀…");
    assert_eq!(shorten("a\tb\r\nc", 10), "a b  c");
    assert_eq!(shorten("", 3), "");
}
