//! What happens to applications.

use std::time::Duration;

use flink_operator_api::ReconciliationState;
use serde_json::json;
use simulated_flink::behaviour::{Failure, StopOutcome};

use super::steps::{changed, goes_on, running, running_for};
use super::{Scenario, both, once};
use crate::explore::application::{
    BROKEN_IMAGE, NAME, RESOURCE, configured, fragile, merged, with_ha,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    both("job-manager-killed", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.kill_job_manager();
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await
        })
    }),
    both("job-manager-deployment-deleted", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.delete_object("deployments", NAME).await;
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await
        })
    }),
    once("job-manager-lost-before-an-upgrade", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "savepoint")).await?;
            stage.kill_job_manager();
            changed(stage).await
        })
    }),
    both("broken-upgrade-is-rolled-back", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "last-state"),
                &json!({
                    "kubernetes.operator.deployment.rollback.enabled": "true",
                    "kubernetes.operator.deployment.readiness.timeout": "2 min",
                }),
            );
            stage.image_is_missing(BROKEN_IMAGE);
            running(stage, resource).await?;
            stage.edit(json!({"spec": {"image": BROKEN_IMAGE}})).await?;
            stage
                .until("the change to be rolled back", |resource| {
                    resource.and_then(|resource| resource.status.as_ref()).is_some_and(|status| {
                        status.reconciliation_status.state == ReconciliationState::RolledBack
                    })
                })
                .await?;
            stage.until_checkpoints(1).await
        })
    }),
    once("broken-first-deployment-is-mended", |stage, version| {
        Box::pin(async move {
            stage.image_is_missing(BROKEN_IMAGE);
            let broken =
                merged(with_ha(version, "last-state"), &json!({"spec": {"image": BROKEN_IMAGE}}));
            stage.create(broken).await?;
            stage.until_error().await?;
            stage.edit(json!({"spec": {"image": version.image()}})).await?;
            goes_on(stage).await
        })
    }),
    once("broken-upgrade-is-mended", |stage, version| {
        Box::pin(async move {
            stage.image_is_missing(BROKEN_IMAGE);
            running(stage, with_ha(version, "savepoint")).await?;
            stage.edit(json!({"spec": {"image": BROKEN_IMAGE}})).await?;
            stage.until_error().await?;
            stage.edit(json!({"spec": {"image": version.image()}})).await?;
            goes_on(stage).await
        })
    }),
    once("failed-job-is-restarted", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                fragile(with_ha(version, "last-state")),
                &json!({"kubernetes.operator.job.restart.failed": "true"}),
            );
            running(stage, resource).await?;
            let gone = Failure::new("java.lang.IllegalStateException", "the source is gone");
            stage.fail_for_good(&gone).await?;
            goes_on(stage).await
        })
    }),
    once("savepoint-fails-then-works", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "savepoint"), 1).await?;
            let failure = Failure::new("java.io.IOException", "the store does not answer");
            stage.flink.next_stop(RESOURCE, StopOutcome::SavepointFails(failure));
            changed(stage).await
        })
    }),
    once("namespace-is-deleted", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "last-state"), 1).await?;
            stage.delete_namespace().await;
            stage.until_gone().await
        })
    }),
    once("applied-again-and-again", |stage, version| {
        Box::pin(async move {
            let resource = with_ha(version, "savepoint");
            stage.apply(&resource).await?;
            stage.until_running().await?;
            for _ in 0..20 {
                stage.apply(&resource).await?;
                stage.pass(Duration::from_secs(3)).await;
            }
            let changed = configured(resource, &json!({"pipeline.object-reuse": "true"}));
            for _ in 0..20 {
                stage.apply(&changed).await?;
                stage.pass(Duration::from_secs(1)).await;
            }
            stage.until_running().await
        })
    }),
];
