//! The cluster: version, slots, TaskManagers, configuration.

use serde_json::json;

use super::answer::Answer;
use crate::around::Around;
use crate::process::Process;
use crate::version::Version;

/// The commit that the recorded answers name.
fn revision(version: Version) -> (&'static str, &'static str) {
    match (version.major, version.minor) {
        (2, 2) => ("450c63e", "450c63e @ 2026-05-03T10:10:44+02:00"),
        (_, _) => ("0000000", "0000000 @ 2026-01-01T00:00:00+00:00"),
    }
}

pub(super) fn config(process: &Process) -> Answer {
    let version = process.settings.version;
    let is_on = |key: &str| process.settings.configuration.text(&[key]) != Some("false");
    Answer::ok(json!({
        "refresh-interval": 3000,
        "timezone-name": "Coordinated Universal Time",
        "timezone-offset": 0,
        "flink-version": version.release(),
        "flink-revision": revision(version).1,
        "features": {
            "web-submit": !process.settings.is_application() && is_on("web.submit.enable"),
            "web-cancel": is_on("web.cancel.enable"),
            "web-rescale": process.settings.is_adaptive(),
            "web-history": false,
        },
    }))
}

pub(super) fn overview(process: &Process, around: &Around) -> Answer {
    let task_managers = process.registered(around);
    let total = task_managers * process.settings.slots;
    let [running, finished, cancelled, failed] = process.job_counts();
    Answer::ok(json!({
        "taskmanagers": task_managers,
        "slots-total": total,
        "slots-available": total.saturating_sub(slots_used(process)),
        "jobs-running": running,
        "jobs-finished": finished,
        "jobs-cancelled": cancelled,
        "jobs-failed": failed,
        "flink-version": process.settings.version.release(),
        "flink-commit": revision(process.settings.version).0,
    }))
}

/// Slots that tasks are in.
pub(super) fn slots_used(process: &Process) -> u32 {
    process.jobs.iter().filter(|job| job.running_since.is_some()).map(|job| job.parallelism).sum()
}
