//! What a JobManager answers to each request.

use serde_json::{Value, json};

use super::site::{Call, UNKNOWN};
use super::{bounds, checkpoints, cluster, jars, jobs, metrics, refusal, savepoints};
use crate::around::Around;
use crate::process::{Phase, Process};

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// Something was begun under this id.
    pub(super) fn begun(trigger: &str) -> Self {
        Self { status: 202, body: json!({"request-id": trigger}) }
    }
}

/// Answers a request.
pub(super) fn of(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    // These are answered by the REST server itself.
    match call.site {
        "GET /config" => return cluster::config(process),
        UNKNOWN => return refusal::unknown_endpoint(&call.path),
        _ => {}
    }
    if process.phase != Phase::Leading {
        return refusal::no_leader();
    }
    let is_session = !process.settings.is_application();
    match call.site {
        "GET /overview" => cluster::overview(process, around),
        "DELETE /cluster" => {
            process.shut_down();
            Answer::ok(json!({}))
        }
        "GET /taskmanagers/metrics" => metrics::of_task_managers(process, call, around),
        "GET /jobmanager/metrics" => metrics::of_job_manager(process, call, around),
        "GET /jobs" => jobs::list(process),
        "GET /jobs/overview" => jobs::overview(process, around),
        "POST /savepoint-disposal" => savepoints::dispose(process, call, around),
        "GET /savepoint-disposal/:trigger" => savepoints::disposal(process, call),
        "GET /jobs/:id" => jobs::details(process, call, around),
        "PATCH /jobs/:id" => jobs::cancel(process, call, around),
        "GET /jobs/:id/config" => jobs::config(process, call),
        "GET /jobs/:id/plan" => jobs::plan_only(process, call),
        "GET /jobs/:id/execution-result" => jobs::result(process, call),
        "GET /jobs/:id/exceptions" => jobs::exceptions(process, call),
        "GET /jobs/:id/metrics" => metrics::of_job(process, call, around),
        "GET /jobs/:id/vertices/:vertex/subtasks/metrics" => {
            metrics::of_vertex(process, call, around)
        }
        "GET /jobs/:id/resource-requirements" => bounds::requirements(process, call),
        "PUT /jobs/:id/resource-requirements" => bounds::set_requirements(process, call, around),
        "GET /jobs/:id/checkpoints" => checkpoints::all(process, call),
        "GET /jobs/:id/checkpoints/config" => checkpoints::config(process, call),
        "GET /jobs/:id/checkpoints/details/:checkpoint" => checkpoints::details(process, call),
        "POST /jobs/:id/checkpoints" => savepoints::checkpoint(process, call, around),
        "GET /jobs/:id/checkpoints/:trigger" => savepoints::checkpoint_status(process, call),
        "POST /jobs/:id/savepoints" => savepoints::savepoint(process, call, around),
        "GET /jobs/:id/savepoints/:trigger" => savepoints::status(process, call),
        "POST /jobs/:id/stop" => savepoints::stop(process, call, around),
        "GET /jars" if is_session => jars::list(process),
        "POST /jars/upload" if is_session => jars::upload(process, call, around),
        "POST /jars/:jar/run" if is_session => jars::run(process, call, around),
        "DELETE /jars/:jar" if is_session => jars::delete(process, call),
        _ => refusal::unknown_endpoint(&call.path),
    }
}
