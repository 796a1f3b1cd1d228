//! Publishes one event for each exception of the job, also after an operator restart.
//!
//! Flink is asked for exceptions only when the job's state has changed, or its tasks' states have changed since the last
//! look: a restart can begin and end between two looks. What was told is remembered in the condition `JobException`, whose
//! time is that of the newest exception. An event is named after its exception, so that a crash before the record repeats
//! it under the same name. The changes of tasks for which Flink was asked are remembered in `status.clusterInfo`.

use std::collections::BTreeMap;
use std::time::Duration;

use flink_operator_api::{Condition, FlinkJobStatus};
use jiff::Timestamp;

use crate::cluster::state::{self, ClusterState};
use crate::job::lifecycle;
use crate::job::options::JobOptions;
use crate::observed::{JobException, JobFailure, JobView};
use crate::reconcile::conditions;
use crate::reconcile::decision::{Event, Occurrence};
use crate::reconcile::pass::Pass;

/// Condition: the newest exception for which an event was published.
pub(crate) const JOB_EXCEPTION: &str = "JobException";

/// Key in `status.clusterInfo`: when the tasks had last changed, by the JobManager's clock and in milliseconds since 1970,
/// when exceptions were requested because of that. A new deployment removes it.
const SEEN_UNTIL: &str = "exceptions-seen-until";

/// Without the condition, exceptions older than this are skipped, as in the Java operator.
const NEWS_FOR: Duration = Duration::from_mins(30);

/// How many exceptions the job is to be asked for; `None` if it is not to be asked.
pub(crate) fn wanted(pass: &Pass<'_>, listed: &JobView) -> Option<u32> {
    if !pass.observed.exceptions.is_not_asked() {
        return None;
    }
    let limit = JobOptions::of_current(pass.inputs).exceptions_max()?;
    let job = &pass.status.job_status;
    let fails = match &listed.state {
        FlinkJobStatus::Failing | FlinkJobStatus::Failed | FlinkJobStatus::Restarting => true,
        FlinkJobStatus::Initializing
        | FlinkJobStatus::Created
        | FlinkJobStatus::Running
        | FlinkJobStatus::Cancelling
        | FlinkJobStatus::Canceled
        | FlinkJobStatus::Finished
        | FlinkJobStatus::Suspended
        | FlinkJobStatus::Reconciling
        | FlinkJobStatus::Unrecognised(_) => false,
    };
    let state_is_new = job.state.as_ref() != Some(&listed.state);
    // State changes during a start do not count: the start time must match the recorded one.
    let is_known = lifecycle::started_ms(job) == Some(listed.start_time_ms);
    let has_changed = is_known && changed_since_seen(pass, listed);
    let is_due = state_is_new || since_seen(pass) >= pass.inputs.settings.progress_interval;
    ((state_is_new && fails) || (has_changed && is_due)).then_some(limit)
}

/// When the job's state changed last, or exceptions were requested since then.
fn seen_until(pass: &Pass<'_>) -> Option<Timestamp> {
    let since = lifecycle::since(&pass.status.job_status)?;
    let noted = pass.status.cluster_info.get(SEEN_UNTIL).and_then(|text| text.parse().ok());
    let noted = noted.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Some(noted.map_or(since, |noted| since.max(noted)))
}

fn changed_since_seen(pass: &Pass<'_>, listed: &JobView) -> bool {
    match (listed.changed_at_ms, seen_until(pass)) {
        (Some(changed), Some(seen)) => changed > seen.as_millisecond(),
        (_, None) | (None, _) => false,
    }
}

fn since_seen(pass: &Pass<'_>) -> Duration {
    seen_until(pass)
        .and_then(|seen| Duration::try_from(pass.inputs.now.duration_since(seen)).ok())
        .unwrap_or_default()
}

/// Publishes the exceptions that were not published yet.
pub(crate) fn publish_new(pass: &mut Pass<'_>, cluster: Option<&ClusterState>) {
    let observed = pass.observed;
    let (Some(ClusterState::Job(_)), Some(seen)) = (cluster, observed.exceptions.present()) else {
        return;
    };
    note_change(pass);
    let told = told_until(pass);
    let horizon = pass.inputs.now.checked_sub(NEWS_FOR).unwrap_or(Timestamp::MIN);
    let limit = JobOptions::of_current(pass.inputs).exceptions_max().unwrap_or(0);
    let mut news: Vec<&JobException> =
        seen.iter().filter(|exception| exception.at > told.unwrap_or(horizon)).collect();
    news.sort_by_key(|exception| std::cmp::Reverse(exception.at));
    news.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let Some(newest) = news.first().copied() else { return };
    let lines = JobOptions::of_current(pass.inputs).exception_lines();
    for exception in news.into_iter().rev() {
        let event = event(pass, exception, lines);
        pass.publish(event);
    }
    remember(pass, newest);
}

/// Remembers the time, so that the next pass does not request exceptions again for the same task changes.
fn note_change(pass: &mut Pass<'_>) {
    let Some(listed) = state::listed(pass).filter(|listed| changed_since_seen(pass, listed)) else {
        return;
    };
    let now = pass.inputs.now.as_millisecond();
    // The JobManager's clock may be ahead of this one.
    let at = now.max(listed.changed_at_ms.unwrap_or(now));
    pass.status.cluster_info.insert(SEEN_UNTIL.to_owned(), at.to_string());
}

fn told_until(pass: &Pass<'_>) -> Option<Timestamp> {
    let known = pass.status.conditions.iter().find(|known| known.type_ == JOB_EXCEPTION)?;
    known.last_transition_time.as_ref()?.parse().ok()
}

/// The newest exception that was seen, as the reason for which the job has failed.
pub(crate) fn newest(pass: &Pass<'_>) -> Option<JobFailure> {
    let newest = pass.observed.exceptions.present()?.iter().max_by_key(|exception| exception.at)?;
    Some(JobFailure { class: newest.class.clone(), message: words(newest) })
}

/// The first line of the stack trace.
fn words(exception: &JobException) -> String {
    let line = exception.stack_trace.lines().next().filter(|line| !line.trim().is_empty());
    one_line(line.unwrap_or(&exception.class), 500)
}

fn remember(pass: &mut Pass<'_>, newest: &JobException) {
    let place = newest.task.as_deref().map(|task| format!(" in {}", one_line(task, 200)));
    let words = words(newest);
    let condition = Condition {
        type_: JOB_EXCEPTION.to_owned(),
        status: "True".to_owned(),
        reason: Some(JOB_EXCEPTION.to_owned()),
        message: Some(format!("At {}{}: {words}", newest.at, place.unwrap_or_default())),
        observed_generation: Some(pass.inputs.generation()),
        last_transition_time: Some(newest.at.to_string()),
    };
    conditions::put(&mut pass.status, condition);
}

/// Removes the condition when a new job is started.
pub(crate) fn forget(pass: &mut Pass<'_>) {
    pass.status.conditions.retain(|condition| condition.type_ != JOB_EXCEPTION);
}

fn event(pass: &Pass<'_>, exception: &JobException, lines: usize) -> Event {
    let job = pass.status.job_status.job_id.as_deref().unwrap_or_default();
    let task = exception.task.as_deref().unwrap_or_default();
    let at = exception.at.as_millisecond();
    let key = format!("{job}/{at}/{}/{}", exception.class, cut(task, 200));
    Event {
        annotations: annotations(exception),
        once: Some(Occurrence { key, at: exception.at }),
        ..Event::warning(JOB_EXCEPTION, excerpt(exception, lines))
    }
}

/// The first lines of the stack trace.
fn excerpt(exception: &JobException, lines: usize) -> String {
    const CHARACTERS: usize = 1_024;
    let text = exception.stack_trace.trim();
    let text = if text.is_empty() { exception.class.as_str() } else { text };
    let mut kept: String = text.lines().take(lines).collect::<Vec<_>>().join("\n");
    let left = text.lines().count().saturating_sub(lines);
    let more = match left {
        0 => String::new(),
        1 => "\n... (1 more line)".to_owned(),
        left => format!("\n... ({left} more lines)"),
    };
    kept = cut(&kept, CHARACTERS - more.len()).to_owned();
    kept.push_str(&more);
    kept.trim().to_owned()
}

/// The Java operator's annotations, which dashboards read.
fn annotations(exception: &JobException) -> BTreeMap<String, String> {
    const LABELS: usize = 20;
    let known = [
        ("task-name", &exception.task),
        ("endpoint", &exception.endpoint),
        ("tm-id", &exception.task_manager),
    ];
    let mut annotations: BTreeMap<String, String> = known
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), one_line(value.as_deref()?, 256))))
        .collect();
    annotations.insert("exception-timestamp".to_owned(), exception.at.to_string());
    let labels = exception
        .labels
        .iter()
        .map(|(key, value)| (format!("failure-label-{key}"), value))
        .filter(|(key, _)| can_name_an_annotation(key))
        .take(LABELS);
    annotations.extend(labels.map(|(key, value)| (key, one_line(value, 256))));
    annotations
}

fn can_name_an_annotation(key: &str) -> bool {
    key.len() <= 63
        && key.ends_with(|letter: char| letter.is_ascii_alphanumeric())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Without line breaks and control characters, at most `most` characters.
fn one_line(text: &str, most: usize) -> String {
    let letters = text.chars().filter_map(|letter| match letter {
        '\n' | '\r' | '\t' => Some(' '),
        letter if letter.is_control() => None,
        letter => Some(letter),
    });
    letters.take(most).collect::<String>().trim().to_owned()
}

fn cut(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}
