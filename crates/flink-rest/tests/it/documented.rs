//! Parts of answers that no recording has: failed jobs, failures of single tasks, values that are not numbers.

use flink_rest::jobs::{ApplicationStatus, ExecutionResult};
use flink_rest::metrics::Aggregation;
use flink_rest::{AsyncStatus, JobId, TriggerId, VertexId};
use serde_json::json;

use crate::fake;

const JOB: JobId = JobId::from_bytes([0xab; 16]);

#[tokio::test]
async fn a_failed_job_says_why() {
    let cause = json!({
        "class": "org.apache.flink.runtime.JobException",
        "stack-trace": "org.apache.flink.runtime.JobException: Recovery is suppressed\n\tat a.B.c(B.java:1)\n\
            Caused by: java.lang.IllegalStateException: root\n\t... 3 more\n",
        "serialized-throwable": "rO0ABXNy",
    });
    let answer = json!({"status": {"id": "COMPLETED"}, "job-execution-result": {
        "id": JOB.to_string(), "application-status": "FAILED", "accumulator-results": {}, "net-runtime": 12,
        "failure-cause": cause,
    }});
    let (cluster, _) = fake::answering(200, answer.to_string());
    let result = cluster.execution_result(JOB).await.unwrap();
    let ExecutionResult::Completed(result) = result else { panic!("{result:?}") };
    assert_eq!((result.status, result.net_runtime_ms), (ApplicationStatus::Failed, Some(12)));
    let failure = result.failure.unwrap();
    assert_eq!(failure.class, "org.apache.flink.runtime.JobException");
    assert_eq!(
        failure.summary(),
        "JobException: Recovery is suppressed; root cause: IllegalStateException: root"
    );

    // Without a result the job has not ended, whatever the queue says.
    let (cluster, _) = fake::answering(200, r#"{"status":{"id":"COMPLETED"}}"#);
    assert_eq!(cluster.execution_result(JOB).await.unwrap(), ExecutionResult::InProgress);
}

#[tokio::test]
async fn failures_tell_the_task_and_those_that_followed() {
    let follower = json!({
        "exceptionName": "java.io.EOFException", "stacktrace": "java.io.EOFException\n", "timestamp": 2,
        "taskName": "sink (2/4)", "endpoint": "10.0.0.8:39237", "taskManagerId": "app-taskmanager-1-2",
        "failureLabels": {},
    });
    let first = json!({
        "exceptionName": "java.lang.RuntimeException", "stacktrace": "java.lang.RuntimeException: x\n",
        "timestamp": 1, "taskName": "source (1/4)", "endpoint": "10.0.0.7:39237",
        "taskManagerId": "app-taskmanager-1-1", "failureLabels": {"type": "user"},
        "concurrentExceptions": [follower],
    });
    let answer = json!({"exceptionHistory": {"entries": [first], "truncated": true}});
    let (cluster, log) = fake::answering(200, answer.to_string());
    let history = cluster.exceptions(JOB, 1).await.unwrap();
    assert!(history.truncated);
    let [failure] = history.entries.as_slice() else { panic!("{history:?}") };
    assert_eq!(failure.task_name.as_deref(), Some("source (1/4)"));
    assert_eq!(failure.endpoint.as_deref(), Some("10.0.0.7:39237"));
    assert_eq!(failure.task_manager_id.as_deref(), Some("app-taskmanager-1-1"));
    assert_eq!(failure.failure_labels["type"], "user");
    assert_eq!(failure.concurrent[0].task_name.as_deref(), Some("sink (2/4)"));
    assert_eq!(failure.concurrent[0].class, "java.io.EOFException");
    assert!(log.only().uri.ends_with("/exceptions?maxExceptions=1"));
}

#[tokio::test]
async fn values_that_are_not_numbers_are_kept_as_such() {
    let vertex = VertexId::from_bytes([1; 16]);
    let answer = json!([
        {"id": "busyTimeMsPerSecond", "min": "NaN", "max": "Infinity", "avg": "-Infinity", "sum": 3, "skew": 1.5},
        {"id": "numRecordsIn", "max": 9_223_372_036_854_775_807_i64},
    ]);
    let (cluster, log) = fake::answering(200, answer.to_string());
    let all =
        [Aggregation::Min, Aggregation::Max, Aggregation::Avg, Aggregation::Sum, Aggregation::Skew];
    let metrics =
        cluster.vertex_metrics(JOB, vertex, &["busyTimeMsPerSecond"], &all).await.unwrap();
    let busy = metrics["busyTimeMsPerSecond"];
    assert!(busy.min.unwrap().is_nan());
    assert_eq!((busy.max, busy.avg), (Some(f64::INFINITY), Some(f64::NEG_INFINITY)));
    assert_eq!((busy.sum, busy.skew), (Some(3.0), Some(1.5)));
    let records = metrics["numRecordsIn"];
    assert_eq!((records.min, records.max), (None, Some(9.223_372_036_854_776e18)));
    assert!(log.only().uri.ends_with("?get=busyTimeMsPerSecond&agg=min,max,avg,sum,skew"));

    let vertices = json!({"jid": JOB.to_string(), "state": "RUNNING", "vertices": [{
        "id": vertex.to_string(), "parallelism": 1, "status": "RUNNING",
        "metrics": {"accumulated-busy-time": "NaN", "accumulated-idle-time": null},
    }]});
    let (cluster, _) = fake::answering(200, vertices.to_string());
    let job = cluster.job(JOB).await.unwrap();
    assert!(job.vertices[0].metrics.busy_ms.unwrap().is_nan());
    assert_eq!((job.vertices[0].metrics.idle_ms, job.vertices[0].max_parallelism), (None, -1));
}

#[tokio::test]
async fn what_is_missing_is_not_made_up() {
    let overview = json!({"jobs": [{"jid": JOB.to_string(), "state": "HIBERNATING"}]});
    let (cluster, _) = fake::answering(200, overview.to_string());
    let jobs = cluster.jobs_overview().await.unwrap();
    assert_eq!((jobs[0].start_time_ms, jobs[0].end_time_ms, jobs[0].tasks), (None, None, None));
    assert!(!jobs[0].effective_status().is_globally_terminal());

    // Flink writes -1 for what has not happened.
    let running = json!({"jobs": [{"jid": JOB.to_string(), "state": "RUNNING", "start-time": 5, "end-time": -1}]});
    let (cluster, _) = fake::answering(200, running.to_string());
    let jobs = cluster.jobs_overview().await.unwrap();
    assert_eq!((jobs[0].start_time_ms, jobs[0].end_time_ms), (Some(5), None));

    let (cluster, _) = fake::answering(200, "{}");
    let checkpoints = cluster.checkpoints(JOB).await.unwrap();
    assert_eq!((checkpoints.latest.newest(), checkpoints.history.len()), (None, 0));

    // A job without an id, or with one that is none, is no job.
    for wrong in [
        json!({"jobs": [{"state": "RUNNING"}]}),
        json!({"jobs": [{"jid": "../x", "state": "RUNNING"}]}),
    ] {
        let (cluster, _) = fake::answering(200, wrong.to_string());
        assert!(cluster.jobs_overview().await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn the_answer_decides_under_which_id_an_operation_runs() {
    let (cluster, log) =
        fake::answering(202, r#"{"request-id":"0123456789abcdef0123456789abcdef"}"#);
    let ours = TriggerId::from_bytes([9; 16]);
    let theirs = cluster
        .trigger_checkpoint(JOB, flink_rest::checkpoints::CheckpointKind::Configured, ours)
        .await
        .unwrap();
    assert_eq!(theirs.to_string(), "0123456789abcdef0123456789abcdef");
    let sent: serde_json::Value = serde_json::from_slice(&log.only().body).unwrap();
    assert_eq!(sent, json!({"checkpointType": "CONFIGURED", "triggerId": ours.to_string()}));

    let (cluster, _) =
        fake::answering(200, r#"{"status":{"id":"COMPLETED"},"operation":{"checkpointId":8}}"#);
    assert_eq!(cluster.checkpoint_status(JOB, ours).await.unwrap(), AsyncStatus::Completed(8));
    assert_eq!(cluster.savepoint_status(JOB, ours).await.unwrap(), AsyncStatus::InProgress);
}
