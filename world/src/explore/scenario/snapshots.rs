//! Savepoints and checkpoints of a job that goes on.

use std::time::Duration;

use serde_json::json;

use super::steps::{changed, running_for};
use super::{Scenario, both, once};
use crate::explore::application::{configured, with_ha};

pub(super) const SCENARIOS: &[Scenario] = &[
    both("savepoint-by-nonce", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "last-state"), 1).await?;
            stage.edit(json!({"spec": {"job": {"savepointTriggerNonce": 7}}})).await?;
            stage
                .until("the savepoint to be in the history, or its loss to be told", |resource| {
                    resource.and_then(|resource| resource.status.as_ref()).is_some_and(|status| {
                        let info = &status.job_status.savepoint_info;
                        info.trigger_id.is_none()
                            && (info.last_savepoint.is_some() || stage.was_told("SavepointError"))
                    })
                })
                .await
        })
    }),
    once("checkpoint-by-nonce", |stage, version| {
        Box::pin(async move {
            stage.create(with_ha(version, "last-state")).await?;
            stage.until_running().await?;
            stage.edit(json!({"spec": {"job": {"checkpointTriggerNonce": 7}}})).await?;
            stage
                .until("the checkpoint to be noted, or its loss to be told", |resource| {
                    resource.and_then(|resource| resource.status.as_ref()).is_some_and(|status| {
                        let info = &status.job_status.checkpoint_info;
                        info.trigger_id.is_none()
                            && (info.last_checkpoint.is_some() || stage.was_told("CheckpointError"))
                    })
                })
                .await
        })
    }),
    once("savepoints-by-the-clock", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "last-state"),
                &json!({
                    "kubernetes.operator.periodic.savepoint.interval": "5 min",
                    "kubernetes.operator.savepoint.history.max.count": "2",
                    "kubernetes.operator.savepoint.dispose-on-delete": "true",
                }),
            );
            stage.create(resource).await?;
            stage.until_running().await?;
            stage.pass(Duration::from_mins(16)).await;
            // It would go on for ever, and there would be no quiet.
            stage
                .edit(json!({"spec": {"flinkConfiguration": {
                    "kubernetes.operator.periodic.savepoint.interval": null,
                }}}))
                .await?;
            stage.until_running().await
        })
    }),
    once("upgrade-while-a-savepoint-is-taken", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "savepoint"), 1).await?;
            stage.edit(json!({"spec": {"job": {"savepointTriggerNonce": 7}}})).await?;
            stage.pass(Duration::from_millis(300)).await;
            changed(stage).await
        })
    }),
];
