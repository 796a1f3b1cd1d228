//! Metrics of jobs, vertices, TaskManagers and the JobManager.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::object::set_field;

use super::answer::Answer;
use super::cluster::slots_used;
use super::jobs::find;
use super::site::Call;
use crate::around::Around;
use crate::job::VERTICES;
use crate::process::Process;

/// Values by name, as text, of those that were asked for; without a question the names.
fn values(call: &Call, known: &[(&str, String)]) -> Answer {
    let Some(asked) = call.query("get") else { return names(known.iter().map(|(name, _)| *name)) };
    let all: Vec<Value> = asked
        .split(',')
        .filter_map(|name| known.iter().find(|(known, _)| *known == name))
        .map(|(name, value)| json!({"id": name, "value": value}))
        .collect();
    Answer::ok(Value::Array(all))
}

fn names<'a>(known: impl Iterator<Item = &'a str>) -> Answer {
    Answer::ok(Value::Array(known.map(|name| json!({"id": name})).collect()))
}

/// One value of each of so many, over all of them.
fn aggregated(call: &Call, known: &[(&str, f64)], count: u32) -> Answer {
    let Some(asked) = call.query("get") else { return names(known.iter().map(|(name, _)| *name)) };
    let aggregations: Vec<&str> =
        call.query("agg").map_or_else(Vec::new, |agg| agg.split(',').collect());
    let wants = |name: &str| aggregations.is_empty() || aggregations.contains(&name);
    let all: Vec<Value> = asked
        .split(',')
        .filter_map(|name| known.iter().find(|(known, _)| *known == name))
        .map(|(name, value)| {
            let mut shown = json!({"id": name});
            for (aggregation, value) in [
                ("min", *value),
                ("max", *value),
                ("avg", *value),
                ("sum", value * f64::from(count)),
                ("skew", 0.0),
            ] {
                if wants(aggregation) {
                    set_field(&mut shown, aggregation, value);
                }
            }
            shown
        })
        .collect();
    Answer::ok(Value::Array(all))
}

pub(super) fn of_job(process: &Process, call: &Call, around: &Around) -> Answer {
    // Metrics of what is not there are none.
    let Ok(job) = find(process, call) else { return Answer::ok(json!([])) };
    let checkpoints = &job.checkpoints;
    let running = job.running_since.map_or(0, |since| around.now - since);
    values(
        call,
        &[
            ("numRestarts", job.restarts.to_string()),
            ("fullRestarts", job.restarts.to_string()),
            ("numberOfCompletedCheckpoints", checkpoints.completed_count.to_string()),
            ("numberOfFailedCheckpoints", checkpoints.failed_count.to_string()),
            ("numberOfInProgressCheckpoints", checkpoints.in_progress().to_string()),
            ("totalNumberOfCheckpoints", checkpoints.total.to_string()),
            ("lastCheckpointSize", "4289".to_owned()),
            ("runningTime", running.to_string()),
            ("uptime", running.to_string()),
            ("restartingTime", "0".to_owned()),
        ],
    )
}

pub(super) fn of_vertex(process: &Process, call: &Call, around: &Around) -> Answer {
    let job = match find(process, call) {
        Ok(job) => job,
        Err(answer) => return answer,
    };
    let Some(index) = VERTICES.iter().position(|(id, _)| *id == call.part(":vertex")) else {
        return Answer::ok(json!([]));
    };
    if !job.runs() {
        return Answer::ok(json!([]));
    }
    let behaviour = around.behaviours.of(&process.resource);
    let share = f64::from(job.parallelism);
    let per_second =
        f64::from(u32::try_from(behaviour.records_per_second).unwrap_or(u32::MAX)) / share;
    let offset = job.offset_at(around.now, behaviour);
    let records = f64::from(u32::try_from(offset).unwrap_or(u32::MAX)) / share;
    let (source, sink) = if index == 0 { (1.0, 0.0) } else { (0.0, 1.0) };
    aggregated(
        call,
        &[
            ("numRecordsIn", records * sink),
            ("numRecordsOut", records * source),
            ("numRecordsInPerSecond", per_second * sink),
            ("numRecordsOutPerSecond", per_second * source),
            ("busyTimeMsPerSecond", 100.0),
            ("backPressuredTimeMsPerSecond", 0.0),
            ("idleTimeMsPerSecond", 900.0),
        ],
        job.parallelism,
    )
}

pub(super) fn of_job_manager(process: &Process, call: &Call, around: &Around) -> Answer {
    let total = process.registered(around) * process.settings.slots;
    let available = total.saturating_sub(slots_used(process));
    values(
        call,
        &[
            ("taskSlotsAvailable", available.to_string()),
            ("taskSlotsTotal", total.to_string()),
            ("numRegisteredTaskManagers", process.registered(around).to_string()),
            ("numRunningJobs", process.job_counts().first().map_or(0, |count| *count).to_string()),
            ("Status.JVM.Memory.Heap.Used", "134761880".to_owned()),
            ("Status.JVM.Memory.Heap.Max", "654311424".to_owned()),
        ],
    )
}

pub(super) fn of_task_managers(process: &Process, call: &Call, around: &Around) -> Answer {
    let count = process.registered(around);
    if count == 0 {
        return Answer::ok(json!([]));
    }
    aggregated(
        call,
        &[
            ("Status.JVM.Memory.Heap.Used", 71_048_848.0),
            ("Status.JVM.Memory.Heap.Max", 310_378_496.0),
            ("Status.JVM.Memory.Metaspace.Used", 45_104_648.0),
        ],
        count,
    )
}
