//! Checkpoints: statistics and configuration.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::object::set_field;

use super::answer::Answer;
use super::jobs::find;
use super::refusal;
use super::site::Call;
use crate::checkpoints::{Restored, Stat, Status};
use crate::job::{Job, VERTICES};
use crate::process::Process;
use crate::settings::Retention;

/// What a checkpoint that cannot be addressed from outside is called.
const NOT_ADDRESSABLE: &str = "<checkpoint-not-externally-addressable>";
/// Bytes; nothing depends on them.
const SIZE: i64 = 4289;

pub(super) fn all(process: &Process, call: &Call) -> Answer {
    let job = match find(process, call) {
        Ok(job) => job,
        Err(answer) => return answer,
    };
    let checkpoints = &job.checkpoints;
    let one = |stat: &Option<Stat>| stat.as_ref().map_or(Value::Null, |stat| shown(stat, job));
    let history: Vec<Value> = checkpoints.shown().iter().map(|stat| shown(stat, job)).collect();
    Answer::ok(json!({
        "counts": {
            "restored": checkpoints.restored_count, "total": checkpoints.total,
            "in_progress": checkpoints.in_progress(), "completed": checkpoints.completed_count,
            "failed": checkpoints.failed_count,
        },
        "summary": summary(checkpoints.completed_count > 0),
        "latest": {
            "completed": one(&checkpoints.completed),
            "savepoint": one(&checkpoints.savepoint),
            "failed": one(&checkpoints.failed),
            "restored": checkpoints.restored.as_ref().map(restored),
        },
        "history": history,
    }))
}

fn restored(restored: &Restored) -> Value {
    let path = if restored.path.starts_with("jobmanager:") {
        NOT_ADDRESSABLE
    } else {
        restored.path.as_str()
    };
    json!({
        "id": restored.id, "restore_timestamp": restored.at, "is_savepoint": restored.is_savepoint,
        "external_path": path,
    })
}

fn summary(has_any: bool) -> Value {
    let of = |value: i64| {
        let quantile = if has_any { json!(value) } else { json!("NaN") };
        let value = if has_any { value } else { 0 };
        json!({
            "min": value, "max": value, "avg": value, "p50": quantile, "p90": quantile,
            "p95": quantile, "p99": quantile, "p999": quantile,
        })
    };
    json!({
        "checkpointed_size": of(SIZE), "state_size": of(SIZE), "end_to_end_duration": of(200),
        "alignment_buffered": of(0), "processed_data": of(0), "persisted_data": of(0),
    })
}

fn shown(stat: &Stat, job: &Job) -> Value {
    let (class, status) = match stat.status {
        Status::InProgress => ("in_progress", "IN_PROGRESS"),
        Status::Completed => ("completed", "COMPLETED"),
        Status::Failed => ("failed", "FAILED"),
    };
    let is_complete = stat.status == Status::Completed;
    let size = if is_complete { SIZE } else { 0 };
    let subtasks = job.parallelism * 2;
    let mut shown = json!({
        "className": class,
        "id": stat.id,
        "status": status,
        "is_savepoint": stat.format.is_some(),
        "savepointFormat": stat.format,
        "trigger_timestamp": stat.triggered,
        "latest_ack_timestamp": if is_complete { stat.ended.unwrap_or(-1) } else { -1 },
        "checkpointed_size": size,
        "state_size": size,
        "end_to_end_duration": stat.ended.map_or(0, |ended| ended - stat.triggered),
        "alignment_buffered": 0,
        "processed_data": 0,
        "persisted_data": 0,
        "num_subtasks": subtasks,
        "num_acknowledged_subtasks": if is_complete { subtasks } else { 0 },
        "checkpoint_type": stat.kind,
        "tasks": {},
    });
    match stat.status {
        Status::Completed => {
            let path = stat.path.as_deref().unwrap_or(NOT_ADDRESSABLE);
            set_field(&mut shown, "external_path", path);
            set_field(&mut shown, "discarded", job.checkpoints.discarded.contains(&stat.id));
        }
        Status::Failed => {
            set_field(&mut shown, "failure_timestamp", stat.ended.unwrap_or(0));
            let message = stat.failure.as_deref().unwrap_or_default();
            set_field(&mut shown, "failure_message", message);
        }
        Status::InProgress => {}
    }
    shown
}

pub(super) fn details(process: &Process, call: &Call) -> Answer {
    let job = match find(process, call) {
        Ok(job) => job,
        Err(answer) => return answer,
    };
    let id = call.part(":checkpoint");
    let known = job.checkpoints.shown();
    let others = [&job.checkpoints.completed, &job.checkpoints.savepoint];
    let mut all = known.iter().chain(others.into_iter().flatten());
    let Some(stat) = all.find(|stat| stat.id.to_string() == id) else {
        return refusal::no_checkpoint(id);
    };
    let mut answer = shown(stat, job);
    let mut tasks = json!({});
    for (vertex, _) in VERTICES {
        let of_vertex = json!({
            "id": stat.id, "status": answer.get("status"), "latest_ack_timestamp": stat.ended,
            "checkpointed_size": SIZE / 2, "state_size": SIZE / 2,
            "end_to_end_duration": answer.get("end_to_end_duration"), "alignment_buffered": 0,
            "processed_data": 0, "persisted_data": 0, "num_subtasks": job.parallelism,
            "num_acknowledged_subtasks": job.parallelism,
        });
        set_field(&mut tasks, vertex, of_vertex);
    }
    set_field(&mut answer, "tasks", tasks);
    Answer::ok(answer)
}

pub(super) fn config(process: &Process, call: &Call) -> Answer {
    if let Err(answer) = find(process, call) {
        return answer;
    }
    let settings = &process.settings;
    let interval = settings.checkpoint_interval_ms;
    Answer::ok(json!({
        "mode": if interval.is_some() { "exactly_once" } else { "at_least_once" },
        "interval": interval.unwrap_or(i64::MAX),
        "timeout": settings.checkpoint_timeout_ms,
        "min_pause": 0,
        "max_concurrent": 1,
        "externalization": {
            "enabled": settings.retention != Retention::Never,
            "delete_on_cancellation": settings.retention == Retention::DeleteOnCancellation,
        },
        "state_backend": "HashMapStateBackend",
        "checkpoint_storage": if settings.checkpoint_dir.is_some() {
            "FileSystemCheckpointStorage"
        } else {
            "JobManagerCheckpointStorage"
        },
        "unaligned_checkpoints": false,
        "tolerable_failed_checkpoints": 0,
        "aligned_checkpoint_timeout": 0,
        "checkpoints_after_tasks_finish": true,
        "state_changelog_enabled": false,
        "changelog_periodic_materialization_interval": 600_000,
        "changelog_storage": "memory",
    }))
}
