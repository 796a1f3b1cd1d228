//! How JobManagers say no: the bodies of errors, in Flink's words.

use serde_json::json;

use super::answer::Answer;

const HANDLER: &str = "org.apache.flink.runtime.rest.handler.RestHandlerException";

/// An error of this status with these texts.
pub(super) fn with(status: u16, errors: &[&str]) -> Answer {
    Answer { status, body: json!({"errors": errors}) }
}

/// An error that a plan or a behaviour asks for.
pub(super) fn of_status(status: u16) -> Answer {
    match status {
        503 => no_leader(),
        404 => with(404, &["org.apache.flink.runtime.rest.NotFoundException: It is not there.\n"]),
        409 => with(409, &[&format!("{HANDLER}: The request conflicts with another one.\n")]),
        500 => internal("java.lang.RuntimeException: something broke"),
        _ => with(status, &[&format!("{HANDLER}: The request was not carried out.\n")]),
    }
}

/// Nobody leads.
pub(super) fn no_leader() -> Answer {
    with(
        503,
        &["Service temporarily unavailable due to an ongoing leader election. Please refresh."],
    )
}

pub(super) fn internal(exception: &str) -> Answer {
    let shown = format!(
        "<Exception on server side:\n{exception}\n\tat java.base/java.util.concurrent.CompletableFuture.encodeThrowable(CompletableFuture.java:315)\n\nEnd of exception on server side>"
    );
    with(500, &["Internal server error.", &shown])
}

pub(super) fn unknown_endpoint(path: &str) -> Answer {
    with(404, &[&format!("Unable to load requested file {path}.")])
}

pub(super) fn bad_parameter(name: &str, value: &str) -> Answer {
    with(
        400,
        &[&format!(
            "{HANDLER}: Bad request, could not parse parameters: Cannot resolve path parameter ({name}) from value \
             \"{value}\".\n\tat org.apache.flink.runtime.rest.handler.AbstractHandler.respondAsLeader(AbstractHandler.java:188)\n"
        )],
    )
}

pub(super) fn bad_request(message: &str) -> Answer {
    with(
        400,
        &[&format!(
            "{HANDLER}: {message}\n\tat org.apache.flink.runtime.dispatcher.Dispatcher.validateMaxParallelism(Dispatcher.java:1256)\n"
        )],
    )
}

fn no_such_job(job: &str) -> String {
    format!(
        "org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job ({job})"
    )
}

pub(super) fn job_not_found(job: &str) -> Answer {
    with(
        404,
        &[&format!(
            "org.apache.flink.runtime.rest.NotFoundException: Job {job} not found\n\
             \tat org.apache.flink.runtime.rest.handler.job.AbstractExecutionGraphHandler.lambda$handleRequest$1(AbstractExecutionGraphHandler.java:99)\n\
             Caused by: {}\n\
             \tat org.apache.flink.runtime.dispatcher.Dispatcher.requestExecutionGraphInfo(Dispatcher.java:920)\n",
            no_such_job(job)
        )],
    )
}

pub(super) fn cancel_unknown(job: &str) -> Answer {
    with(
        404,
        &[&format!(
            "{HANDLER}: Job could not be found.\n\
             \tat org.apache.flink.runtime.rest.handler.job.JobCancellationHandler.lambda$handleRequest$0(JobCancellationHandler.java:128)\n\
             Caused by: {}\n\
             \tat org.apache.flink.runtime.dispatcher.Dispatcher.cancelJob(Dispatcher.java:830)\n",
            no_such_job(job)
        )],
    )
}

pub(super) fn cancel_ended(state: &str) -> Answer {
    with(
        409,
        &[&format!(
            "{HANDLER}: Job cancellation failed because the job has already reached another terminal state ({state}).\n\
             \tat org.apache.flink.runtime.rest.handler.job.JobCancellationHandler.lambda$handleRequest$0(JobCancellationHandler.java:115)\n"
        )],
    )
}

pub(super) fn no_operation(what: &str, trigger: &str, job: &str) -> Answer {
    let of_job = if job.is_empty() { String::new() } else { format!(" for job {job}") };
    with(
        404,
        &[&format!(
            "{HANDLER}: There is no {what} operation with triggerId={trigger}{of_job}.\n\
             \tat org.apache.flink.runtime.rest.handler.job.savepoints.SavepointHandlers$SavepointStatusHandler.maybeCreateNotFoundError(SavepointHandlers.java:325)\n"
        )],
    )
}

pub(super) fn no_checkpoint(id: &str) -> Answer {
    with(
        404,
        &[&format!(
            "{HANDLER}: Could not find checkpointing statistics for checkpoint {id}.\n\
             \tat org.apache.flink.runtime.rest.handler.job.checkpoints.AbstractCheckpointHandler.handleCheckpointStatsRequest(AbstractCheckpointHandler.java:95)\n"
        )],
    )
}
