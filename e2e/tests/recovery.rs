//! A JobManager that starts anew and cannot bring its job back, on real Flink clusters.

use e2e::manifests::Application;
use e2e::stage::Stage;
use e2e::status::{job_id, message, runs, status};
use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus};
use kube::api::ListParams;
use serde_json::json;

/// How many elements the last checkpoint may be behind what the job has counted: it takes one every two seconds, in which
/// it counts 200.
const LAST_CHECKPOINT: i64 = 500;

/// What Flink keeps of its checkpoints cannot be read when the JobManager starts again, as it is while a store does not
/// answer. Flink ends its JobManager then, again and again, and keeps what it knows; so does the operator, which says what it
/// sees. Once the store answers, the job comes back by itself and with its state.
async fn store_away(test: &str, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage =
        Stage::set(test, &application, &json!({"job": {"upgradeMode": "last-state"}})).await?;
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 700).await?;

    let deployment = format!("deployment/{}", stage.name);
    let away = "mkdir /flink-data/away && \
        find /flink-data/ha -name 'completedCheckpoint*' -exec mv {} /flink-data/away ';' && kill 1";
    stage.namespace.kubectl(&["exec", &deployment, "--", "sh", "-c", away])?;
    let failing = stage
        .until("the failure to be told", |seen| {
            let status = status(seen);
            status.job_manager_deployment_status == JobManagerDeploymentStatus::Error
        })
        .await?;
    println!("{test}: {}", message(&failing, "Ready"));
    assert_ne!(status(&failing).job_status.state, Some(FlinkJobStatus::Running), "it does not run");
    assert_eq!(job_id(&failing), job_id(&first));

    // The TaskManager has the same volume, and waits for its JobManager.
    let pods = ListParams::default().labels("component=taskmanager");
    let task_manager = stage.namespace.pods().list(&pods).await?.items.into_iter().next();
    let task_manager = task_manager.and_then(|pod| pod.metadata.name).unwrap_or_default();
    let back = format!("mv /flink-data/away/* /flink-data/ha/{}/", stage.name);
    stage.namespace.kubectl(&["exec", &task_manager, "--", "sh", "-c", &back])?;
    let again = stage.until("the job to come back", runs).await?;
    assert_eq!(job_id(&again), job_id(&first), "its data are filed under this id");
    let after = stage.went_on(&job_id(&again), before.processed - LAST_CHECKPOINT).await?;
    println!("{test}: before {before:?}, after {after:?}");
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_job_comes_back_when_its_store_does() -> anyhow::Result<()> {
    store_away("recovery-1-20", Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_job_comes_back_when_its_store_does() -> anyhow::Result<()> {
    store_away("recovery-2-2", Application::flink_2_2("app")).await
}
