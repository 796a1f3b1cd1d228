//! Operations in the background: savepoints, stops, checkpoints, disposals.

use serde_json::json;

use super::answer::Answer;
use super::jobs::find;
use super::refusal;
use super::site::Call;
use crate::around::Around;
use crate::behaviour::Failure;
use crate::job::{Job, Place};
use crate::operations::{Operations, Subject, failure_cause, not_running};
use crate::process::Process;

/// The id that the caller chose, or one of Flink's.
fn trigger_of(call: &Call, around: &mut Around) -> String {
    call.text("triggerId").map_or_else(|| around.hex_id(), str::to_lowercase)
}

/// Begins an operation once; an unknown job and one whose tasks do not run are failures that the status tells.
fn begin(
    process: &mut Process,
    (subject, call): (Subject, &Call),
    around: &mut Around,
    act: impl FnOnce(&str, &mut Operations, &mut Job, &Place<'_>, &mut Around),
) -> Answer {
    let id = call.part(":id");
    let trigger = trigger_of(call, around);
    if process.operations.has(subject, id, &trigger) {
        return Answer::begun(&trigger);
    }
    let now = around.now;
    let begun = process.with_job(id, around, |job, operations, place, around| {
        if job.runs() {
            act(&trigger, operations, job, place, around);
        } else {
            operations.refuse(subject, (id, &trigger), &not_running(id), now);
        }
    });
    if begun.is_none() {
        let why = Failure::new(
            "org.apache.flink.runtime.messages.FlinkJobNotFoundException",
            &format!("Could not find Flink job ({id})"),
        );
        process.operations.refuse(subject, (id, &trigger), &why, now);
    }
    Answer::begun(&trigger)
}

fn folder(process: &Process, call: &Call, name: &str) -> Result<String, Answer> {
    let given = call.text(name).map(str::to_owned);
    given.or_else(|| process.settings.savepoint_dir.clone()).ok_or_else(|| {
        refusal::bad_request(&format!(
            "Config key [execution.checkpointing.savepoint-dir] is not set. Property [{name}] must be provided."
        ))
    })
}

fn format(call: &Call) -> String {
    call.text("formatType").unwrap_or("CANONICAL").to_owned()
}

pub(super) fn savepoint(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    let folder = match folder(process, call, "target-directory") {
        Ok(folder) => folder,
        Err(answer) => return answer,
    };
    let format = format(call);
    begin(process, (Subject::Savepoint, call), around, |trigger, operations, job, place, around| {
        operations.savepoint(trigger, job, (&folder, &format), place, around);
    })
}

pub(super) fn stop(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    let folder = match folder(process, call, "targetDirectory") {
        Ok(folder) => folder,
        Err(answer) => return answer,
    };
    let format = format(call);
    let drained = call.body.get("drain") == Some(&json!(true));
    begin(process, (Subject::Savepoint, call), around, |trigger, operations, job, place, around| {
        operations.stop(trigger, job, (&folder, &format, drained), place, around);
    })
}

pub(super) fn status(process: &mut Process, call: &Call) -> Answer {
    let (job, trigger) = (call.part(":id"), call.part(":trigger").to_lowercase());
    match process.operations.status(Subject::Savepoint, job, &trigger) {
        Some(status) => Answer::ok(status),
        None => refusal::no_operation("savepoint", &trigger, job),
    }
}

pub(super) fn checkpoint(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    if call.text("checkpointType") == Some("INCREMENTAL") {
        return refusal::internal(
            "java.lang.IllegalStateException: Flink does not support triggering incremental checkpoint explicitly. See \
             FLINK-33723.",
        );
    }
    begin(
        process,
        (Subject::Checkpoint, call),
        around,
        |trigger, operations, job, place, around| {
            operations.checkpoint(trigger, job, place, around);
        },
    )
}

pub(super) fn checkpoint_status(process: &mut Process, call: &Call) -> Answer {
    let (job, trigger) = (call.part(":id"), call.part(":trigger").to_lowercase());
    if let Err(answer) = find(process, call) {
        return answer;
    }
    match process.operations.status(Subject::Checkpoint, job, &trigger) {
        Some(status) => Answer::ok(status),
        None => refusal::no_operation("checkpoint", &trigger, job),
    }
}

pub(super) fn dispose(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    let trigger = trigger_of(call, around);
    let path = call.text("savepoint-path").unwrap_or_default().to_owned();
    let result = if around.store.remove(&path) {
        json!({})
    } else {
        let cause = format!(
            "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '{path}' on file system 'file'."
        );
        let class = "org.apache.flink.util.FlinkException";
        let trace = format!(
            "{class}: Could not dispose savepoint {path}.\n\
             \tat org.apache.flink.runtime.dispatcher.Dispatcher.lambda$disposeSavepoint$11(Dispatcher.java:800)\n\
             Caused by: {cause}\n"
        );
        failure_cause(class, &trace)
    };
    process.operations.settle(Subject::Disposal, ("", &trigger), result, around.now);
    Answer::ok(json!({"request-id": trigger}))
}

pub(super) fn disposal(process: &mut Process, call: &Call) -> Answer {
    let trigger = call.part(":trigger").to_lowercase();
    match process.operations.status(Subject::Disposal, "", &trigger) {
        Some(status) => Answer::ok(status),
        None => refusal::no_operation("savepoint disposal", &trigger, ""),
    }
}
