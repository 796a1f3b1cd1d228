//! Jobs: lists, details, ends, exceptions, bounds.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use simulated_kubernetes::api_server::object::set_field;

use super::answer::Answer;
use super::refusal;
use super::site::Call;
use crate::around::Around;
use crate::behaviour::millis;
use crate::job::{Job, Stage, VERTICES};
use crate::process::Process;
use crate::version::Version;

const TASK_STATES: [&str; 10] = [
    "CREATED",
    "SCHEDULED",
    "DEPLOYING",
    "INITIALIZING",
    "RUNNING",
    "FINISHED",
    "CANCELING",
    "CANCELED",
    "FAILED",
    "RECONCILING",
];

const JOB_STATES: [&str; 11] = [
    "INITIALIZING",
    "CREATED",
    "RUNNING",
    "FAILING",
    "FAILED",
    "CANCELLING",
    "CANCELED",
    "FINISHED",
    "RESTARTING",
    "SUSPENDED",
    "RECONCILING",
];

/// A job of the request, or the answer that there is none.
pub(super) fn find<'a>(process: &'a Process, call: &Call) -> Result<&'a Job, Answer> {
    let id = call.part(":id");
    process.jobs.iter().find(|job| job.id == id).ok_or_else(|| refusal::job_not_found(id))
}

/// The state that is shown: a behaviour may have another word for it.
fn shown_state(job: &Job, process: &Process, around: &Around) -> String {
    let behaviour = around.behaviours.of(&process.resource);
    let flaps = behaviour.flapping.as_ref().is_some_and(|flapping| flapping.shows_failed);
    match (&behaviour.shown_state, job.stage) {
        (Some(other), Stage::Running) => other.clone(),
        (_, Stage::Restarting { .. }) if flaps && job.restarts.is_multiple_of(2) => {
            "FAILED".to_owned()
        }
        (_, _) => job.state.to_owned(),
    }
}

pub(super) fn list(process: &Process) -> Answer {
    let all: Vec<Value> =
        process.jobs.iter().map(|job| json!({"id": job.id, "status": job.state})).collect();
    Answer::ok(json!({"jobs": all}))
}

pub(super) fn overview(process: &Process, around: &Around) -> Answer {
    let behaviour = around.behaviours.of(&process.resource);
    let hidden_until = process.started + millis(behaviour.overview_empty);
    if around.now < hidden_until {
        return Answer::ok(json!({"jobs": []}));
    }
    let all: Vec<Value> = process.jobs.iter().map(|job| line(job, process, around)).collect();
    Answer::ok(json!({"jobs": all}))
}

fn scheduler(process: &Process) -> &'static str {
    if process.settings.is_adaptive() { "Adaptive" } else { "Default" }
}

fn line(job: &Job, process: &Process, around: &Around) -> Value {
    let version = process.settings.version;
    let tasks = job.tasks();
    let mut counts = Map::new();
    counts.insert("total".to_owned(), json!(tasks.values().sum::<u32>()));
    for state in TASK_STATES {
        let count = tasks.get(state).copied().unwrap_or(0);
        counts.insert(state.to_lowercase(), json!(count));
    }
    let mut shown = json!({"jid": job.id, "name": job.name});
    if version >= Version::V2_3 {
        set_field(&mut shown, "jobType", "STREAMING");
        set_field(&mut shown, "schedulerType", scheduler(process));
    }
    let modified = job.stamps.values().copied().chain(job.running_since).max();
    let initialises = matches!(job.stage, Stage::Initializing { .. });
    let modified = if initialises { 0 } else { modified.unwrap_or(0) };
    for (name, value) in [
        ("start-time", json!(job.started)),
        ("end-time", json!(job.ended.unwrap_or(-1))),
        ("duration", json!(job.ended.unwrap_or(around.now) - job.started)),
        ("state", json!(shown_state(job, process, around))),
        ("last-modification", json!(modified)),
        ("tasks", Value::Object(counts)),
    ] {
        set_field(&mut shown, name, value);
    }
    if version >= Version::V2_0 {
        set_field(&mut shown, "pending-operators", 0);
    }
    shown
}

pub(super) fn details(process: &Process, call: &Call, around: &Around) -> Answer {
    match find(process, call) {
        Ok(job) => Answer::ok(detailed(job, process, around)),
        Err(answer) => answer,
    }
}

fn detailed(job: &Job, process: &Process, around: &Around) -> Value {
    let version = process.settings.version;
    let stamps: Map<String, Value> = JOB_STATES
        .iter()
        .map(|state| ((*state).to_owned(), json!(job.stamps.get(state).copied().unwrap_or(0))))
        .collect();
    let is_made = !job.tasks().is_empty();
    let vertices: Vec<Value> = VERTICES
        .iter()
        .filter(|_| is_made)
        .enumerate()
        .map(|(index, (id, name))| vertex(index, id, name, job, process, around))
        .collect();
    let count = u32::try_from(vertices.len()).unwrap_or(0);
    let mut shown = json!({
        "jid": job.id, "name": job.name, "isStoppable": false,
        "state": shown_state(job, process, around),
    });
    if version >= Version::V1_20 {
        set_field(&mut shown, "job-type", "STREAMING");
    }
    if version >= Version::V2_3 {
        set_field(&mut shown, "schedulerType", scheduler(process));
        set_field(&mut shown, "application-id", job.id.clone());
    }
    for (name, value) in [
        ("start-time", json!(job.started)),
        ("end-time", json!(job.ended.unwrap_or(-1))),
        ("duration", json!(job.ended.unwrap_or(around.now) - job.started)),
        ("maxParallelism", json!(-1)),
        ("now", json!(around.now)),
        ("timestamps", Value::Object(stamps)),
        ("vertices", Value::Array(vertices)),
        ("status-counts", counts(&per_vertex(job, count))),
        ("plan", plan(job)),
    ] {
        set_field(&mut shown, name, value);
    }
    if version >= Version::V2_0 {
        set_field(&mut shown, "pending-operators", 0);
    }
    shown
}

fn per_vertex(job: &Job, each: u32) -> BTreeMap<&'static str, u32> {
    job.tasks().into_keys().map(|state| (state, each)).collect()
}

fn counts(tasks: &BTreeMap<&'static str, u32>) -> Value {
    let count = |state: &str| tasks.get(state).copied().unwrap_or(0);
    Value::Object(
        TASK_STATES.map(|state| (state.to_owned(), json!(count(state)))).into_iter().collect(),
    )
}

fn vertex(
    index: usize,
    id: &str,
    name: &str,
    job: &Job,
    process: &Process,
    around: &Around,
) -> Value {
    let tasks = per_vertex(job, job.parallelism);
    let state = tasks.keys().next().copied().unwrap_or("CREATED");
    let start = job.running_since.unwrap_or(-1);
    let behaviour = around.behaviours.of(&process.resource);
    let records = job.offset_at(around.now, behaviour);
    let (read, written) = if index == 0 { (0, records) } else { (records, 0) };
    json!({
        "id": id,
        "slotSharingGroupId": "f5b5941680b600b8df39fe72483c858a",
        "name": name,
        "maxParallelism": 128,
        "parallelism": job.parallelism,
        "status": state,
        "start-time": start,
        "end-time": job.ended.unwrap_or(-1),
        "duration": job.running_since.map_or(-1, |since| around.now - since),
        "tasks": counts(&tasks),
        "metrics": {
            "read-bytes": read * 20, "read-bytes-complete": true,
            "write-bytes": written * 20, "write-bytes-complete": true,
            "read-records": read, "read-records-complete": true,
            "write-records": written, "write-records-complete": true,
            "accumulated-backpressured-time": 0, "accumulated-idle-time": 0,
            "accumulated-busy-time": 0.0,
        },
    })
}

fn plan(job: &Job) -> Value {
    let [(source, source_name), (sink, sink_name)] = VERTICES;
    let node = |id: &str, name: &str| {
        json!({
            "id": id, "operator": "", "parallelism": job.parallelism, "operator_strategy": "",
            "description": format!("{name}<br/>"), "optimizer_properties": {},
        })
    };
    let mut second = node(sink, sink_name);
    let input = json!([{
        "id": source, "num": 0, "exchange": "pipelined_bounded", "ship_strategy": "HASH",
    }]);
    set_field(&mut second, "inputs", input);
    json!({
        "jid": job.id, "name": job.name, "type": "STREAMING",
        "nodes": [node(source, source_name), second],
    })
}

pub(super) fn plan_only(process: &Process, call: &Call) -> Answer {
    find(process, call).map_or_else(|answer| answer, |job| Answer::ok(json!({"plan": plan(job)})))
}

pub(super) fn config(process: &Process, call: &Call) -> Answer {
    find(process, call).map_or_else(
        |answer| answer,
        |job| {
            Answer::ok(json!({
                "jid": job.id, "name": job.name,
                "execution-config": {
                    "restart-strategy": "default", "job-parallelism": job.parallelism,
                    "object-reuse-mode": false, "user-config": {},
                },
            }))
        },
    )
}

pub(super) fn result(process: &Process, call: &Call) -> Answer {
    let job = match find(process, call) {
        Ok(job) => job,
        Err(answer) => return answer,
    };
    let Some(ended) = job.ended else {
        return Answer::ok(json!({"status": {"id": "IN_PROGRESS"}}));
    };
    let new = process.settings.version >= Version::V2_3;
    let mut shown = json!({"id": job.id});
    if new {
        set_field(&mut shown, "name", job.name.clone());
    }
    let status = match job.state {
        "FINISHED" => "SUCCEEDED",
        other => other,
    };
    set_field(&mut shown, "application-status", status);
    set_field(&mut shown, "accumulator-results", json!({}));
    set_field(&mut shown, "net-runtime", ended - job.started);
    if new {
        set_field(&mut shown, "application-id", job.id.clone());
        set_field(&mut shown, "start-time", job.started);
        set_field(&mut shown, "end-time", ended);
    }
    if let Some((class, trace)) = &job.failure {
        let cause = json!({
            "class": class, "stack-trace": trace, "serialized-throwable": "rO0ABXNyAClvcmcuYXBhY2hl",
        });
        set_field(&mut shown, "failure-cause", cause);
    }
    Answer::ok(json!({"status": {"id": "COMPLETED"}, "job-execution-result": shown}))
}

pub(super) fn exceptions(process: &Process, call: &Call) -> Answer {
    let job = match find(process, call) {
        Ok(job) => job,
        Err(answer) => return answer,
    };
    let most = call.query("maxExceptions").and_then(|text| text.parse().ok()).unwrap_or(20);
    let entries: Vec<Value> = job
        .failures
        .iter()
        .rev()
        .take(most)
        .map(|(at, failure)| {
            json!({
                "exceptionName": failure.class, "stacktrace": failure.trace(), "timestamp": at,
                "failureLabels": {}, "concurrentExceptions": [],
            })
        })
        .collect();
    let history = json!({"entries": entries, "truncated": job.failures.len() > most});
    if process.settings.version >= Version::V2_0 {
        return Answer::ok(json!({"exceptionHistory": history}));
    }
    let root = job.failure.as_ref().and(job.failures.last());
    Answer::ok(json!({
        "root-exception": root.map(|(_, failure)| failure.trace()),
        "timestamp": root.map(|(at, _)| *at),
        "all-exceptions": [],
        "truncated": false,
        "exceptionHistory": history,
    }))
}

pub(super) fn cancel(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    let id = call.part(":id");
    let Some(job) = process.jobs.iter().find(|job| job.id == id) else {
        return refusal::cancel_unknown(id);
    };
    if job.has_ended() && job.state != "CANCELED" {
        return refusal::cancel_ended(job.state);
    }
    let behaviour = around.behaviours.of(&process.resource);
    if around.now >= process.started + millis(behaviour.cancel_ignored) {
        process.with_job(id, around, |job, _, place, around| {
            job.cancel(around.now, place, around);
        });
    }
    Answer { status: 202, body: json!({}) }
}
