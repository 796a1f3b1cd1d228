//! Every call of the client, found by the request that it sends, with what it understood in Flink's own names.

use std::collections::BTreeMap;

use bytes::Bytes;
use flink_rest::checkpoints::{Checkpoint, CheckpointKind, CheckpointStatus, ExternalPath};
use flink_rest::jars::{ClaimMode, JarContent, RunRequest};
use flink_rest::jobs::{
    ApplicationStatus, ExecutionResult, JobDetails, JobException, JobOverview, TaskCounts,
    TaskState,
};
use flink_rest::metrics::Aggregation;
use flink_rest::savepoints::{SavepointFormat, SavepointRequest, StopMode};
use flink_rest::{
    AsyncStatus, FlinkCluster, FlinkRelease, JarId, JarName, JobId, JobStatus, RestError,
    Throwable, TriggerId, VertexId,
};
use serde_json::{Value, json};

/// The id under which operations are started here.
pub(crate) const TRIGGER: TriggerId = TriggerId::from_bytes([0x5a; 16]);

/// A request as it was recorded.
pub(crate) struct Wanted<'a> {
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
    pub(crate) body: &'a Value,
}

/// Makes the call that sends this request. The value holds all that the client read out of the answer, under the names that
/// Flink uses: written down here a second time, so that a wrong name in the client shows.
pub(crate) async fn call(cluster: &FlinkCluster, wanted: &Wanted<'_>) -> Result<Value, RestError> {
    let (path, query) = wanted.path.split_once('?').unwrap_or((wanted.path, ""));
    let query: BTreeMap<&str, &str> =
        query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let get: Vec<&str> =
        query.get("get").map(|names| names.split(',').collect()).unwrap_or_default();
    let body = |field: &str| wanted.body[field].as_str().map(str::to_owned);
    match (wanted.method, segments.as_slice()) {
        ("GET", ["config"]) => cluster
            .config()
            .await
            .map(|c| json!({"flink-version": c.flink_version, "flink-revision": c.flink_revision})),
        ("GET", ["overview"]) => cluster.overview().await.map(|o| {
            json!({
                "taskmanagers": o.task_managers, "slots-total": o.slots_total,
                "slots-available": o.slots_available, "jobs-running": o.jobs_running,
                "jobs-finished": o.jobs_finished, "jobs-cancelled": o.jobs_cancelled,
                "jobs-failed": o.jobs_failed,
            })
        }),
        ("GET", ["jobs", "overview"]) => cluster
            .jobs_overview()
            .await
            .map(|jobs| json!({"jobs": jobs.iter().map(overview).collect::<Vec<_>>()})),
        ("GET", ["jobmanager", "metrics"]) => values(cluster.job_manager_metrics(&get).await),
        ("GET", ["taskmanagers", "metrics"]) => {
            aggregated(cluster.task_manager_metrics(&get, &aggregations(&query)).await)
        }
        ("POST", ["savepoint-disposal"]) => {
            cluster.dispose_savepoint(&body("savepoint-path").unwrap()).await.map(triggered)
        }
        ("GET", ["savepoint-disposal", trigger]) => cluster
            .disposal_status(trigger.parse().unwrap())
            .await
            .map(|status| operation(status, |()| json!({}))),
        ("POST", ["jars", "upload"]) => {
            let jar = JarContent::Bytes(Bytes::from_static(b"PK"));
            let name = JarName::from_file_name("job.jar");
            cluster.upload_jar(&name, jar).await.map(|id| json!({"jar": id.as_str()}))
        }
        ("POST", ["jars", jar, "run"]) => {
            let request = run_request(wanted.body);
            let release = FlinkRelease::new(2, 3);
            let job = cluster.run_jar(release, &JarId::parse(jar).unwrap(), &request).await;
            job.map(|job| json!({"jobid": job.to_string()}))
        }
        ("DELETE", ["jars", jar]) => {
            cluster.delete_jar(&JarId::parse(jar).unwrap()).await.map(|()| json!({}))
        }
        (method, ["jobs", job, below @ ..]) => {
            of_job(cluster, method, job.parse().unwrap(), below, wanted.body, &query, &get).await
        }
        (method, _) => panic!("no call sends {method} {path}"),
    }
}

async fn of_job(
    cluster: &FlinkCluster,
    method: &str,
    job: JobId,
    below: &[&str],
    body: &Value,
    query: &BTreeMap<&str, &str>,
    get: &[&str],
) -> Result<Value, RestError> {
    match (method, below) {
        ("GET", []) => cluster.job(job).await.map(|job| details(&job)),
        ("PATCH", []) => cluster.cancel(job).await.map(|()| json!({})),
        ("GET", ["execution-result"]) => cluster.execution_result(job).await.map(execution_result),
        ("GET", ["exceptions"]) => {
            let limit = query.get("maxExceptions").map_or(20, |limit| limit.parse().unwrap());
            cluster.exceptions(job, limit).await.map(|history| {
                let entries: Vec<_> = history.entries.iter().map(exception).collect();
                json!({"exceptionHistory": {"entries": entries, "truncated": history.truncated}})
            })
        }
        ("GET", ["resource-requirements"]) => cluster
            .resource_requirements(job)
            .await
            .map(|requirements| serde_json::to_value(requirements).unwrap()),
        ("PUT", ["resource-requirements"]) => {
            let wanted = serde_json::from_value(body.clone()).unwrap();
            cluster.set_resource_requirements(job, &wanted).await.map(|()| json!({}))
        }
        ("GET", ["metrics"]) => values(cluster.job_metrics(job, get).await),
        ("GET", ["vertices", vertex, "subtasks", "metrics"]) => {
            let vertex: VertexId = vertex.parse().unwrap();
            if get.is_empty() {
                let names = cluster.vertex_metric_names(job, vertex).await;
                return names.map(|names| names.iter().map(|name| json!({"id": name})).collect());
            }
            aggregated(cluster.vertex_metrics(job, vertex, get, &aggregations(query)).await)
        }
        ("POST", ["savepoints"]) => {
            let request = savepoint_request(body, "target-directory");
            cluster.trigger_savepoint(job, &request).await.map(triggered)
        }
        ("POST", ["stop"]) => {
            let request = savepoint_request(body, "targetDirectory");
            let end = if body["drain"] == true { StopMode::Drain } else { StopMode::Suspend };
            cluster.stop_with_savepoint(job, &request, end).await.map(triggered)
        }
        ("GET", ["savepoints", trigger]) => cluster
            .savepoint_status(job, trigger.parse().unwrap())
            .await
            .map(|status| operation(status, |location| json!({"location": location}))),
        ("GET", ["checkpoints"]) => checkpoints(cluster, job).await,
        ("GET", ["checkpoints", "config"]) => checkpoint_config(cluster, job).await,
        ("GET", ["checkpoints", "details", id]) => {
            cluster.checkpoint_details(job, id.parse().unwrap()).await.map(|c| checkpoint(&c))
        }
        ("POST", ["checkpoints"]) => {
            let kind = match body["checkpointType"].as_str().unwrap() {
                "FULL" => CheckpointKind::Full,
                "CONFIGURED" => CheckpointKind::Configured,
                "INCREMENTAL" => CheckpointKind::Incremental,
                kind => panic!("{kind}"),
            };
            cluster.trigger_checkpoint(job, kind, TRIGGER).await.map(triggered)
        }
        ("GET", ["checkpoints", trigger]) => cluster
            .checkpoint_status(job, trigger.parse().unwrap())
            .await
            .map(|status| operation(status, |id| json!({"checkpointId": id}))),
        (method, below) => panic!("no call sends {method} /jobs/:id/{}", below.join("/")),
    }
}

async fn checkpoints(cluster: &FlinkCluster, job: JobId) -> Result<Value, RestError> {
    let all = cluster.checkpoints(job).await?;
    let restored = all.latest.restored.as_ref().map(|r| {
        json!({
            "id": r.id, "restore_timestamp": r.restore_timestamp_ms, "is_savepoint": r.is_savepoint,
            "external_path": r.external_path.as_ref().map(pointer),
        })
    });
    Ok(json!({
        "counts": {
            "restored": all.counts.restored, "total": all.counts.total,
            "in_progress": all.counts.in_progress, "completed": all.counts.completed,
            "failed": all.counts.failed,
        },
        "latest": {
            "completed": all.latest.completed.as_ref().map(checkpoint),
            "savepoint": all.latest.savepoint.as_ref().map(checkpoint),
            "failed": all.latest.failed.as_ref().map(checkpoint),
            "restored": restored,
        },
        "history": all.history.iter().map(checkpoint).collect::<Vec<_>>(),
    }))
}

async fn checkpoint_config(cluster: &FlinkCluster, job: JobId) -> Result<Value, RestError> {
    let config = cluster.checkpoint_config(job).await?;
    Ok(json!({
        "mode": config.mode, "interval": config.interval_ms.unwrap_or(i64::MAX),
        "timeout": config.timeout_ms, "min_pause": config.min_pause_ms,
        "max_concurrent": config.max_concurrent,
        "externalization": {
            "enabled": config.externalization.enabled,
            "delete_on_cancellation": config.externalization.delete_on_cancellation,
        },
        "state_backend": config.state_backend, "checkpoint_storage": config.checkpoint_storage,
        "unaligned_checkpoints": config.unaligned_checkpoints,
    }))
}

fn checkpoint(c: &Checkpoint) -> Value {
    let status = match c.status {
        CheckpointStatus::InProgress => "IN_PROGRESS",
        CheckpointStatus::Completed => "COMPLETED",
        CheckpointStatus::Failed => "FAILED",
        CheckpointStatus::Unrecognised => "UNRECOGNISED",
    };
    json!({
        "id": c.id, "status": status, "is_savepoint": c.is_savepoint,
        "trigger_timestamp": c.trigger_timestamp_ms,
        "latest_ack_timestamp": c.latest_ack_timestamp_ms.unwrap_or(-1),
        "end_to_end_duration": c.duration_ms, "state_size": c.state_size_bytes,
        "checkpointed_size": c.checkpointed_size_bytes,
        "external_path": c.external_path.as_ref().map(pointer),
        "discarded": (c.status == CheckpointStatus::Completed).then_some(c.discarded),
        "failure_message": c.failure_message,
    })
}

fn pointer(path: &ExternalPath) -> &str {
    path.path().unwrap_or("<checkpoint-not-externally-addressable>")
}

fn overview(job: &JobOverview) -> Value {
    json!({
        "jid": job.id.to_string(), "name": job.name, "state": job.status.as_str(),
        "start-time": job.start_time_ms, "end-time": job.end_time_ms.unwrap_or(-1),
        "last-modification": job.last_modification_ms,
        "tasks": job.tasks.map(|tasks| counts(tasks, str::to_owned)),
    })
}

fn details(job: &JobDetails) -> Value {
    let vertices: Vec<_> = job
        .vertices
        .iter()
        .map(|vertex| {
            let state = match vertex.state {
                TaskState::Created => "CREATED",
                TaskState::Running => "RUNNING",
                TaskState::Finished => "FINISHED",
                TaskState::Canceled => "CANCELED",
                TaskState::Scheduled => "SCHEDULED",
                TaskState::Deploying => "DEPLOYING",
                TaskState::Initializing => "INITIALIZING",
                TaskState::Canceling => "CANCELING",
                TaskState::Failed => "FAILED",
                TaskState::Reconciling => "RECONCILING",
                TaskState::Unrecognised => "UNRECOGNISED",
            };
            let mut tasks = counts(vertex.tasks, str::to_uppercase);
            tasks.as_object_mut().unwrap().remove("TOTAL");
            json!({
                "id": vertex.id.to_string(), "name": vertex.name, "parallelism": vertex.parallelism,
                "maxParallelism": vertex.max_parallelism, "status": state,
                "slotSharingGroupId": vertex.slot_sharing_group, "tasks": tasks,
                "metrics": {
                    "read-records": vertex.metrics.records_in,
                    "read-records-complete": vertex.metrics.records_in_complete,
                    "write-records": vertex.metrics.records_out,
                    "write-records-complete": vertex.metrics.records_out_complete,
                    "accumulated-busy-time": number(vertex.metrics.busy_ms),
                    "accumulated-backpressured-time": number(vertex.metrics.backpressured_ms),
                    "accumulated-idle-time": number(vertex.metrics.idle_ms),
                },
            })
        })
        .collect();
    let nodes =
        job.plan.iter().flat_map(|plan| &plan.nodes).map(|node| {
            let inputs: Vec<_> = node.inputs.iter().map(
            |input| json!({"id": input.id.to_string(), "ship_strategy": input.ship_strategy}),
        ).collect();
            let inputs = if inputs.is_empty() { Value::Null } else { inputs.into() };
            json!({"id": node.id.to_string(), "inputs": inputs})
        });
    let states = [
        JobStatus::Initializing,
        JobStatus::Created,
        JobStatus::Running,
        JobStatus::Restarting,
        JobStatus::Failing,
        JobStatus::Failed,
        JobStatus::Cancelling,
        JobStatus::Canceled,
        JobStatus::Finished,
        JobStatus::Suspended,
        JobStatus::Reconciling,
    ];
    let timestamps: BTreeMap<_, _> =
        states.iter().map(|state| (state.as_str(), job.timestamps_ms.get(state))).collect();
    json!({
        "jid": job.id.to_string(), "name": job.name, "state": job.status.as_str(),
        "job-type": job.job_type, "schedulerType": job.scheduler_type,
        "start-time": job.start_time_ms, "end-time": job.end_time_ms.unwrap_or(-1),
        "now": job.now_ms, "timestamps": timestamps, "vertices": vertices,
        "plan": {"nodes": nodes.collect::<Vec<_>>()},
    })
}

fn counts(tasks: TaskCounts, name: impl Fn(&str) -> String) -> Value {
    [
        ("created", tasks.created),
        ("scheduled", tasks.scheduled),
        ("deploying", tasks.deploying),
        ("initializing", tasks.initializing),
        ("running", tasks.running),
        ("finished", tasks.finished),
        ("canceling", tasks.canceling),
        ("canceled", tasks.canceled),
        ("failed", tasks.failed),
        ("reconciling", tasks.reconciling),
        ("total", tasks.total),
    ]
    .into_iter()
    .map(|(state, count)| (name(state), json!(count)))
    .collect::<serde_json::Map<_, _>>()
    .into()
}

fn execution_result(result: ExecutionResult) -> Value {
    match result {
        ExecutionResult::InProgress => json!({"status": {"id": "IN_PROGRESS"}}),
        ExecutionResult::Completed(result) => {
            let status = match result.status {
                ApplicationStatus::Succeeded => "SUCCEEDED",
                ApplicationStatus::Failed => "FAILED",
                ApplicationStatus::Canceled => "CANCELED",
                ApplicationStatus::Unknown => "UNKNOWN",
                ApplicationStatus::Unrecognised => "UNRECOGNISED",
            };
            json!({"status": {"id": "COMPLETED"}, "job-execution-result": {
                "application-status": status, "net-runtime": result.net_runtime_ms,
                "failure-cause": result.failure.as_ref().map(throwable),
            }})
        }
    }
}

fn exception(exception: &JobException) -> Value {
    json!({
        "exceptionName": exception.class, "stacktrace": exception.stack_trace,
        "timestamp": exception.timestamp, "taskName": exception.task_name,
        "endpoint": exception.endpoint, "taskManagerId": exception.task_manager_id,
        "failureLabels": exception.failure_labels,
        "concurrentExceptions": exception.concurrent.iter().map(self::exception).collect::<Vec<_>>(),
    })
}

fn throwable(failure: &Throwable) -> Value {
    json!({"class": failure.class, "stack-trace": failure.stack_trace})
}

fn operation<T>(status: AsyncStatus<T>, result: impl Fn(T) -> Value) -> Value {
    match status {
        AsyncStatus::InProgress => json!({"status": {"id": "IN_PROGRESS"}}),
        AsyncStatus::Completed(found) => {
            json!({"status": {"id": "COMPLETED"}, "operation": result(found)})
        }
        AsyncStatus::Failed(failure) => json!({
            "status": {"id": "COMPLETED"}, "operation": {"failure-cause": throwable(&failure)},
        }),
    }
}

fn triggered(id: TriggerId) -> Value {
    json!({"request-id": id.to_string()})
}

fn values(metrics: Result<BTreeMap<String, String>, RestError>) -> Result<Value, RestError> {
    metrics.map(|m| m.iter().map(|(id, value)| json!({"id": id, "value": value})).collect())
}

fn aggregated(
    metrics: Result<flink_rest::metrics::AggregatedMetrics, RestError>,
) -> Result<Value, RestError> {
    metrics.map(|metrics| {
        metrics
            .iter()
            .map(|(id, m)| {
                json!({
                    "id": id, "min": number(m.min), "max": number(m.max), "avg": number(m.avg),
                    "sum": number(m.sum), "skew": number(m.skew),
                })
            })
            .collect()
    })
}

/// JSON has no NaN, so Flink writes it as text.
fn number(value: Option<f64>) -> Value {
    match value {
        Some(value) if value.is_nan() => json!("NaN"),
        value => json!(value),
    }
}

fn aggregations(query: &BTreeMap<&str, &str>) -> Vec<Aggregation> {
    query
        .get("agg")
        .into_iter()
        .flat_map(|list| list.split(','))
        .map(|one| match one {
            "min" => Aggregation::Min,
            "max" => Aggregation::Max,
            "avg" => Aggregation::Avg,
            "sum" => Aggregation::Sum,
            "skew" => Aggregation::Skew,
            one => panic!("{one}"),
        })
        .collect()
}

fn savepoint_request(body: &Value, directory: &str) -> SavepointRequest {
    SavepointRequest {
        target_directory: body[directory].as_str().map(str::to_owned),
        format: match body["formatType"].as_str() {
            None | Some("CANONICAL") => SavepointFormat::Canonical,
            Some("NATIVE") => SavepointFormat::Native,
            Some(format) => panic!("{format}"),
        },
        trigger: TRIGGER,
    }
}

fn run_request(body: &Value) -> RunRequest {
    RunRequest {
        entry_class: body["entryClass"].as_str().map(str::to_owned),
        program_args: serde_json::from_value(body["programArgsList"].clone()).unwrap(),
        parallelism: body["parallelism"].as_i64().map(|p| i32::try_from(p).unwrap()),
        job_id: body["jobId"].as_str().map(|id| id.parse().unwrap()),
        allow_non_restored_state: body["allowNonRestoredState"].as_bool(),
        savepoint_path: body["savepointPath"].as_str().map(str::to_owned),
        claim_mode: body["claimMode"].as_str().map(|mode| match mode {
            "NO_CLAIM" => ClaimMode::NoClaim,
            "CLAIM" => ClaimMode::Claim,
            mode => panic!("{mode}"),
        }),
        flink_configuration: serde_json::from_value(body["flinkConfiguration"].clone()).unwrap(),
    }
}
