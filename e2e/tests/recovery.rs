//! Tests of a JobManager that restarts and cannot restore its job, with real Flink clusters.

use e2e::manifests::Application;
use e2e::stage::Stage;
use e2e::status::{job_id, message, runs, status};
use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus};
use serde_json::{Value, json};

/// How many elements the last checkpoint may be behind the job: it takes one every two seconds, in which the job counts 200.
const LAST_CHECKPOINT: i64 = 500;

/// A pod with the application's volume. The JobManager's container restarts repeatedly, and the TaskManagers may be gone, so
/// their pods cannot be used.
const BESIDE: &str = "beside";

/// The temporary folder for Flink's HA data.
const AWAY: &str = "/flink-data/away";

fn pod_with_the_volume(application: &Application) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": BESIDE},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "shell",
                "image": application.image,
                "command": ["sleep", "infinity"],
                "volumeMounts": [{"name": "state", "mountPath": "/flink-data"}],
            }],
            "volumes": [{
                "name": "state",
                "persistentVolumeClaim": {"claimName": application.claim_name()},
            }],
        },
    })
}

/// The HA data cannot be read when the JobManager restarts, as when the storage does not respond. The JobManager exits each
/// time and keeps its HA data; the operator changes nothing and reports the failure. When the storage responds again, Flink
/// restores the job with its state.
async fn store_away(test: &str, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage =
        Stage::set(test, &application, &json!({"job": {"upgradeMode": "last-state"}})).await?;
    let first = stage.until("a running job", runs).await?;
    stage.namespace.apply(&pod_with_the_volume(&application))?;
    stage.namespace.kubectl(&["wait", "--for=condition=Ready", "pod", BESIDE, "--timeout=120s"])?;
    let before = stage.counted_more(&job_id(&first), 700).await?;

    // Until the store answers again, whatever is written there about checkpoints is out of reach: the job completes one
    // more in the moment in which its JobManager ends.
    let away = format!(
        "mkdir {AWAY} && cd /flink-data/ha/{} && \
        {{ (while [ ! -e /flink-data/answers ]; do mv completedCheckpoint* {AWAY}; sleep 0.05; done) >/dev/null 2>&1 & }}",
        stage.name
    );
    stage.namespace.kubectl(&["exec", BESIDE, "--", "sh", "-c", &away])?;
    let deployment = format!("deployment/{}", stage.name);
    stage.namespace.kubectl(&["exec", &deployment, "--", "sh", "-c", "sleep 3; kill 1"])?;
    let failing = stage
        .until("the failure to be told", |seen| {
            let status = status(seen);
            status.job_manager_deployment_status == JobManagerDeploymentStatus::Error
        })
        .await?;
    println!("{test}: {}", message(&failing, "Ready"));
    assert_ne!(status(&failing).job_status.state, Some(FlinkJobStatus::Running), "it does not run");
    assert_eq!(job_id(&failing), job_id(&first));

    let back =
        format!("touch /flink-data/answers; sleep 1; mv {AWAY}/* /flink-data/ha/{}/", stage.name);
    stage.namespace.kubectl(&["exec", BESIDE, "--", "sh", "-c", &back])?;
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
