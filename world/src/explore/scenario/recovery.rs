//! A JobManager that has started anew, and what it brings back, or does not.

use std::time::Duration;

use serde_json::json;
use simulated_flink::behaviour::Failure;

use super::steps::{change, goes_on, restored_by_hand, running, running_for};
use super::{Scenario, both, once};
use crate::explore::application::{RESOURCE, configured, with_ha};
use crate::explore::stage::{self, Stage, Stuck};

/// In every message that asks a user to choose the state.
const BY_HAND: &str = "Manual restore required";

/// What a JobManager that starts anew needs to bring the job back cannot be read, or can again.
fn store_answers(stage: &Stage, answers: bool) {
    stage.flink.change(RESOURCE, |behaviour| {
        let failure = Failure::new("java.io.IOException", "the store does not answer");
        behaviour.recovery_fails = (!answers).then_some(failure);
    });
}

/// The JobManager starts anew, and somebody cancels the job before it was restored: it says of no checkpoint then, and
/// Flink removes its high availability data.
async fn cancelled_in_recovery(stage: &Stage) -> Result<(), Stuck> {
    stage.flink.change(RESOURCE, |behaviour| {
        behaviour.job_initialisation = Duration::from_secs(20);
    });
    stage.kill_job_manager();
    stage
        .until_seen("the job to be brought back", || {
            stage.flink.jobs(RESOURCE).iter().any(|job| job.state == "INITIALIZING")
        })
        .await?;
    stage.flink.cancel_job(RESOURCE);
    stage.flink.change(RESOURCE, |behaviour| {
        behaviour.job_initialisation = Duration::from_millis(300);
    });
    stage
        .until_status("the job's end to be seen", |status| {
            status.job_status.state == Some(flink_operator_api::FlinkJobStatus::Canceled)
        })
        .await
}

/// A change is held until the user has chosen the state.
async fn changed_by_hand(stage: &Stage) -> Result<(), Stuck> {
    stage.edit(change()).await?;
    stage
        .until("the loss to be told", |found| {
            found.is_some_and(|resource| stage::tells(resource, BY_HAND))
        })
        .await?;
    restored_by_hand(stage).await
}

pub(super) const SCENARIOS: &[Scenario] = &[
    both("job-manager-cannot-bring-its-job-back-for-a-while", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            store_answers(stage, false);
            stage.kill_job_manager();
            stage.pass(Duration::from_mins(2)).await;
            store_answers(stage, true);
            goes_on(stage).await
        })
    }),
    once("change-while-the-job-manager-cannot-bring-its-job-back", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            store_answers(stage, false);
            stage.kill_job_manager();
            stage.pass(Duration::from_mins(2)).await;
            stage.edit(change()).await?;
            stage.pass(Duration::from_secs(1)).await;
            store_answers(stage, true);
            goes_on(stage).await
        })
    }),
    both("job-is-cancelled-while-it-is-recovered", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            cancelled_in_recovery(stage).await?;
            changed_by_hand(stage).await
        })
    }),
    once("job-from-a-savepoint-is-cancelled-while-it-is-recovered", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "savepoint"), 1).await?;
            stage.edit(json!({"spec": {"job": {"parallelism": 3}}})).await?;
            stage.until_running().await?;
            // By now the savepoint that it has started from is not its newest state.
            stage.until_checkpoints(2).await?;
            cancelled_in_recovery(stage).await?;
            changed_by_hand(stage).await
        })
    }),
    once("job-without-a-checkpoint-is-cancelled-while-it-is-recovered", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "last-state"),
                &json!({"execution.checkpointing.interval": "5 min"}),
            );
            stage.create(resource).await?;
            stage.until_running().await?;
            // There is nothing to come back with.
            stage.allow_rewind();
            cancelled_in_recovery(stage).await?;
            stage.edit(json!({"spec": {"job": {"upgradeMode": "stateless"}}})).await?;
            stage.edit(change()).await?;
            stage.until_running().await
        })
    }),
    once("store-does-not-answer-in-a-last-state-upgrade", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                let failure = Failure::new("java.io.IOException", "the store does not answer");
                behaviour.job_fails = Some(failure);
            });
            stage.edit(change()).await?;
            // It was submitted anew, and so Flink gives it up with what it knew; in the middle of another change, if
            // there is one.
            stage
                .until("the job to be FAILED, or its loss to be told", |found| {
                    found.is_some_and(|resource| {
                        stage::is_failed(resource) || stage::tells(resource, BY_HAND)
                    })
                })
                .await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.job_fails = None);
            restored_by_hand(stage).await
        })
    }),
];
