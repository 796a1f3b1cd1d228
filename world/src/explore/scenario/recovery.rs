//! A JobManager that has started anew, and what it brings back, or does not.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Scenario, both, once};
use crate::explore::application::{RESOURCE, configured, with_ha};
use crate::explore::stage::{Stage, Stuck};
use crate::flink::behaviour::Failure;

/// A change that needs another cluster.
fn change() -> Value {
    json!({"spec": {"flinkConfiguration": {"pipeline.object-reuse": "true"}}})
}

async fn running(stage: &Stage, resource: Value, checkpoints: u64) -> Result<(), Stuck> {
    stage.create(resource).await?;
    stage.until_running().await?;
    stage.until_checkpoints(checkpoints).await
}

/// The JobManager starts anew while what the job is restored from cannot be read: the job has FAILED before it was
/// restored, and Flink removes its high availability data.
async fn fails_in_recovery(stage: &Stage) -> Result<(), Stuck> {
    stage.flink.change(RESOURCE, |behaviour| {
        behaviour.job_fails =
            Some(Failure::new("java.io.IOException", "the store does not answer"));
    });
    stage.kill_job_manager();
    stage.until_failed().await?;
    stage.flink.change(RESOURCE, |behaviour| behaviour.job_fails = None);
    Ok(())
}

/// What a user does who is told that the state has to be chosen by hand.
async fn restored_by_hand(stage: &Stage) -> Result<(), Stuck> {
    stage
        .until_status("the loss to be told", |status| {
            status.error.as_ref().is_some_and(|error| error.contains("Manual restore required"))
        })
        .await?;
    let newest = "s3://state/savepoints/by-hand";
    stage.copy_newest_state(newest);
    stage.allow_rewind();
    let chosen = json!({"initialSavepointPath": newest, "savepointRedeployNonce": 1});
    stage.edit(json!({"spec": {"job": chosen}})).await?;
    stage.until_running().await?;
    stage.until_checkpoints(1).await
}

pub(super) const SCENARIOS: &[Scenario] = &[
    both("job-fails-while-it-is-recovered", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state"), 2).await?;
            fails_in_recovery(stage).await?;
            stage.edit(change()).await?;
            restored_by_hand(stage).await
        })
    }),
    once("job-from-a-savepoint-fails-while-it-is-recovered", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "savepoint"), 1).await?;
            stage.edit(json!({"spec": {"job": {"parallelism": 3}}})).await?;
            stage.until_running().await?;
            // By now the savepoint that it has started from is not its newest state.
            stage.until_checkpoints(2).await?;
            fails_in_recovery(stage).await?;
            stage.edit(change()).await?;
            restored_by_hand(stage).await
        })
    }),
    once("failed-job-that-was-recovered-is-not-started-again-by-itself", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "last-state"),
                &json!({"kubernetes.operator.job.restart.failed": "true"}),
            );
            running(stage, resource, 2).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.job_fails =
                    Some(Failure::new("java.io.IOException", "the store does not answer"));
            });
            stage.kill_job_manager();
            stage.pass(Duration::from_secs(45)).await;
            stage.flink.change(RESOURCE, |behaviour| behaviour.job_fails = None);
            restored_by_hand(stage).await
        })
    }),
    once("job-without-a-checkpoint-is-recovered", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "last-state"),
                &json!({"execution.checkpointing.interval": "5 min"}),
            );
            stage.create(resource).await?;
            stage.until_running().await?;
            // There is nothing to come back with.
            stage.allow_rewind();
            fails_in_recovery(stage).await?;
            stage.edit(json!({"spec": {"job": {"upgradeMode": "stateless"}}})).await?;
            stage.edit(change()).await?;
            stage.until_running().await
        })
    }),
];
