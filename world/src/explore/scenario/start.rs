//! How an application begins and ends.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, LifecycleState};
use serde_json::json;

use super::steps::{running, running_for};
use super::{Scenario, both, once};
use crate::explore::application::{
    BROKEN_IMAGE, NOT_A_MEMORY, RESOURCE, application, configured, merged, with_ha, with_mode,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    both("deploy", |stage, version| {
        Box::pin(async move {
            stage.create(application(version)).await?;
            stage.until_running().await
        })
    }),
    both("deploy-with-ha", |stage, version| {
        Box::pin(running(stage, with_ha(version, "last-state")))
    }),
    both("deploy-and-delete", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "last-state"), 1).await?;
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("delete-while-it-starts", |stage, version| {
        Box::pin(async move {
            stage.create(with_ha(version, "last-state")).await?;
            stage
                .until("the JobManager to start", |resource| {
                    resource.and_then(|resource| resource.status.as_ref()).is_some_and(|status| {
                        // A status that comes late may show that it runs already.
                        matches!(
                            status.lifecycle_state,
                            Some(LifecycleState::Deployed | LifecycleState::Stable)
                        )
                    })
                })
                .await?;
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    both("delete-with-savepoint", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "savepoint"),
                &json!({"kubernetes.operator.job.savepoint-on-deletion": "true"}),
            );
            running_for(stage, resource, 1).await?;
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("delete-what-never-started", |stage, version| {
        Box::pin(async move {
            let resource = merged(application(version), &json!({"spec": {"image": BROKEN_IMAGE}}));
            stage.image_is_missing(BROKEN_IMAGE);
            stage.create(resource).await?;
            stage.until_error().await?;
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("finishes-by-itself", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "last-state"), 1).await?;
            stage.flink.finish_job(RESOURCE);
            stage
                .until("the job to be FINISHED", |resource| {
                    resource.and_then(|resource| resource.status.as_ref()).is_some_and(|status| {
                        status.job_status.state == Some(FlinkJobStatus::Finished)
                    })
                })
                .await
        })
    }),
    once("invalid-then-mended", |stage, version| {
        Box::pin(async move {
            let bad = merged(
                application(version),
                &json!({"spec": {"jobManager": {"resource": {"memory": NOT_A_MEMORY}}}}),
            );
            stage.create(bad).await?;
            stage
                .until("the fault to be told", |resource| {
                    resource
                        .and_then(|resource| resource.status.as_ref())
                        .is_some_and(|status| status.error.is_some())
                })
                .await?;
            stage.edit(json!({"spec": {"jobManager": {"resource": {"memory": "1g"}}}})).await?;
            stage.until_running().await
        })
    }),
    once("created-suspended-then-started", |stage, version| {
        Box::pin(async move {
            let resource = with_mode(application(version), "savepoint");
            stage
                .create(merged(resource, &json!({"spec": {"job": {"state": "suspended"}}})))
                .await?;
            stage.pass(Duration::from_secs(10)).await;
            stage.edit(json!({"spec": {"job": {"state": "running"}}})).await?;
            stage.until_running().await
        })
    }),
    once("starts-from-a-savepoint-of-another", |stage, version| {
        Box::pin(async move {
            let path = "s3://state/savepoints/of-another";
            stage.put_savepoint(path, 12_345);
            stage.allow_rewind();
            let resource = merged(
                with_ha(version, "savepoint"),
                &json!({"spec": {"job": {"initialSavepointPath": path}}}),
            );
            running_for(stage, resource, 1).await
        })
    }),
];
