//! Whether a job that seems to run is healthy: how often it restarts, and whether its checkpoints complete.
//!
//! What was measured is kept in `status.clusterInfo.ClusterHealthInfo`, in the Java operator's form. It is written when it
//! has changed enough to matter, not at each look.

use std::time::Duration;

use flink_operator_api::FlinkJobStatus;
use serde::{Deserialize, Serialize};

use crate::cluster::state::ClusterState;
use crate::job::options::{HealthLimits, JobOptions};
use crate::observed::{HealthSample, Observed, is_globally_terminal};
use crate::reconcile::pass::Pass;

/// The key in `status.clusterInfo`.
const KEY: &str = "ClusterHealthInfo";

/// What was measured, in milliseconds since 1970 where it is a time. The Java operator refuses members that it does not
/// know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    time_stamp: i64,
    num_restarts: i64,
    num_restarts_evaluation_time_stamp: i64,
    num_completed_checkpoints: i64,
    num_completed_checkpoints_increased_time_stamp: i64,
    health_result: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    healthy: bool,
    #[serde(default)]
    error: Option<String>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self { healthy: true, error: Some(String::new()) }
    }
}

/// Whether the job's metrics are to be asked for: one more REST call per interval, only where the check is on.
pub(crate) fn wants_sample(pass: &Pass<'_>, observed: &Observed, job: &FlinkJobStatus) -> bool {
    !is_globally_terminal(job)
        && observed.health.is_not_asked()
        && JobOptions::of_current(pass.inputs).health_check_enabled()
}

/// Whether the last evaluation found the job unhealthy.
pub(crate) fn is_unhealthy(pass: &Pass<'_>) -> bool {
    let ended = pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal);
    !ended
        && JobOptions::of_current(pass.inputs).health_check_enabled()
        && stored(pass).is_some_and(|info| !info.health_result.healthy)
}

fn stored(pass: &Pass<'_>) -> Option<Info> {
    serde_json::from_str(pass.status.cluster_info.get(KEY)?).ok()
}

/// Evaluates what was measured in this pass.
pub(crate) fn update(pass: &mut Pass<'_>, cluster: Option<&ClusterState>) {
    let Some(ClusterState::Job(state)) = cluster else { return };
    let options = JobOptions::of_current(pass.inputs);
    if is_globally_terminal(state) || !options.health_check_enabled() {
        return;
    }
    let Some(sample) = pass.observed.health.present().copied() else { return };
    let now = pass.inputs.now.as_millisecond();
    let limits = options.health_limits();
    let (next, worth_writing) = match stored(pass) {
        None => (first(sample, now), true),
        Some(before) => {
            let next = evaluate(&before, sample, &limits, now);
            let worth_writing = is_worth_writing(&before, &next, &limits);
            (next, worth_writing)
        }
    };
    if worth_writing && let Ok(text) = serde_json::to_string(&next) {
        pass.status.cluster_info.insert(KEY.to_owned(), text);
    }
}

fn first(sample: HealthSample, now: i64) -> Info {
    Info {
        time_stamp: now,
        num_restarts: sample.restarts,
        num_restarts_evaluation_time_stamp: now,
        num_completed_checkpoints: sample.completed_checkpoints,
        num_completed_checkpoints_increased_time_stamp: now,
        health_result: Outcome::default(),
    }
}

fn evaluate(before: &Info, sample: HealthSample, limits: &HealthLimits, now: i64) -> Info {
    let mut next = Info { time_stamp: now, ..before.clone() };
    let mut errors = Vec::new();
    let window = millis(limits.restarts_window);
    let elapsed = now.saturating_sub(before.num_restarts_evaluation_time_stamp);
    let more = sample.restarts.saturating_sub(before.num_restarts);
    // Over a longer time than the window, its share of the restarts counts.
    let in_window =
        if elapsed > window { more.saturating_mul(window) / elapsed.max(1) } else { more };
    if more >= 0 && in_window > limits.restarts_max {
        errors.push(format!("the job has restarted {in_window} times within the window"));
    }
    if more < 0 || elapsed > window {
        next.num_restarts = sample.restarts;
        next.num_restarts_evaluation_time_stamp = now;
    }
    if sample.completed_checkpoints != before.num_completed_checkpoints {
        next.num_completed_checkpoints = sample.completed_checkpoints;
        next.num_completed_checkpoints_increased_time_stamp = now;
    } else if let Some(window) = limits.checkpoint_window
        && now.saturating_sub(before.num_completed_checkpoints_increased_time_stamp)
            > millis(window)
    {
        errors.push(format!("no checkpoint has completed for {} s", window.as_secs()));
    }
    next.health_result = Outcome { healthy: errors.is_empty(), error: Some(errors.join("|")) };
    next
}

/// A verdict that changes is written at once; what it is made of when it is half a window old, so that a restart of the
/// operator forgets little.
fn is_worth_writing(before: &Info, next: &Info, limits: &HealthLimits) -> bool {
    let half = millis(
        limits
            .checkpoint_window
            .map_or(limits.restarts_window, |window| window.min(limits.restarts_window)),
    ) / 2;
    before.health_result.healthy != next.health_result.healthy
        || next.num_restarts_evaluation_time_stamp != before.num_restarts_evaluation_time_stamp
        || next.num_completed_checkpoints < before.num_completed_checkpoints
        || next.time_stamp.saturating_sub(before.time_stamp) >= half
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HealthLimits = HealthLimits {
        restarts_window: Duration::from_mins(2),
        restarts_max: 64,
        checkpoint_window: Some(Duration::from_mins(10)),
    };

    #[track_caller]
    fn check(samples: &[(i64, i64, i64)], healthy: bool) {
        let mut samples = samples.iter();
        let &(at, restarts, completed_checkpoints) = samples.next().unwrap();
        let mut info = first(HealthSample { restarts, completed_checkpoints }, at * 1_000);
        for &(at, restarts, completed_checkpoints) in samples {
            let sample = HealthSample { restarts, completed_checkpoints };
            info = evaluate(&info, sample, &LIMITS, at * 1_000);
        }
        assert_eq!(info.health_result.healthy, healthy, "{info:?}");
    }

    #[test]
    fn more_restarts_than_the_threshold_within_the_window_are_unhealthy() {
        check(&[(0, 0, 0), (60, 64, 1)], true);
        check(&[(0, 0, 0), (60, 65, 1)], false);
        check(&[(0, 0, 0), (240, 100, 1)], true);
        check(&[(0, 0, 0), (240, 200, 1)], false);
    }

    #[test]
    fn counter_that_starts_anew_is_no_sign() {
        check(&[(0, 500, 9), (60, 3, 0)], true);
        check(&[(0, 500, 9), (60, 3, 0), (90, 70, 1)], false);
    }

    #[test]
    fn no_completed_checkpoint_within_the_window_is_unhealthy() {
        check(&[(0, 0, 5), (600, 0, 5)], true);
        check(&[(0, 0, 5), (601, 0, 5)], false);
        check(&[(0, 0, 5), (601, 0, 6)], true);
    }

    #[test]
    fn same_verdict_is_not_written_at_each_look() {
        let before = first(HealthSample { restarts: 0, completed_checkpoints: 5 }, 0);
        let sample = HealthSample { restarts: 0, completed_checkpoints: 6 };
        let soon = evaluate(&before, sample, &LIMITS, 15_000);
        assert!(!is_worth_writing(&before, &soon, &LIMITS));
        let later = evaluate(&before, sample, &LIMITS, 60_000);
        assert!(is_worth_writing(&before, &later, &LIMITS));
    }

    #[test]
    fn stored_text_is_that_of_the_java_operator() {
        let info = first(HealthSample { restarts: 1, completed_checkpoints: 2 }, 3);
        assert_eq!(
            serde_json::to_string(&info).unwrap(),
            r#"{"timeStamp":3,"numRestarts":1,"numRestartsEvaluationTimeStamp":3,"numCompletedCheckpoints":2,"numCompletedCheckpointsIncreasedTimeStamp":3,"healthResult":{"healthy":true,"error":""}}"#
        );
    }
}
