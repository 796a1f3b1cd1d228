//! What others do beside an application and its operator, and how slowly.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{changed, goes_on, running};
use super::{Scenario, both, once};
use crate::explore::application::{
    NAME, NAMESPACE, RESOURCE, Version, application, configured, with_ha, with_mode,
};
use crate::explore::stage::{Stage, Stuck};

async fn upgraded(stage: &Stage, resource: Value) -> Result<(), Stuck> {
    running(stage, resource).await?;
    changed(stage).await
}

/// Somebody else's ConfigMap under the labels of Flink's own: a tool that keeps what it knows of a cluster beside it.
fn foreign_data(stage: &Stage) {
    stage.world.create(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "tool", "namespace": NAMESPACE},
        "data": {"watches": "app"},
    }));
    let owner = stage.uid("configmaps", "tool").unwrap_or_default();
    stage.world.create(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": FOREIGN, "namespace": NAMESPACE,
            "labels": {
                "app": "app", "type": "flink-native-kubernetes", "configmap-type": "high-availability",
            },
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "ConfigMap", "name": "tool", "uid": owner,
            }],
        },
        "data": {"checkpointID-0000000000000000099": "of nobody's concern"},
    }));
}

const FOREIGN: &str = "app-of-a-tool-config-map";

fn is_left_alone(stage: &Stage) -> Result<(), Stuck> {
    let is_there = stage.has("configmaps", FOREIGN);
    is_there.then_some(()).ok_or_else(|| stage.stuck("somebody else's ConfigMap to be left alone"))
}

/// A job whose pods take their time to end, as those with large caches do.
fn slow_to_end(stage: &Stage) {
    stage.world.controllers(|controllers| {
        let pods = &mut controllers.pods;
        pods.default.stop_after = Duration::from_secs(25);
        for rule in &mut pods.rules {
            rule.behaviour.stop_after = Duration::from_secs(25);
        }
    });
}

pub(super) const SCENARIOS: &[Scenario] = &[
    once("annotations-change-every-second-and-flink-is-slow", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "savepoint")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.slow.insert("GET /jobs/overview", Duration::from_secs(2));
            });
            let others = stage.clone();
            let annotating = tokio::spawn(async move {
                for round in 0_u32.. {
                    let mark = json!({"metadata": {"annotations": {"seen": round.to_string()}}});
                    drop(others.edit(mark).await);
                    others.pass(Duration::from_millis(700)).await;
                }
            });
            let upgraded = async { changed(stage).await };
            let upgraded = upgraded.await;
            annotating.abort();
            upgraded
        })
    }),
    once("ha-data-of-somebody-else-in-a-stateless-upgrade", |stage, version| {
        Box::pin(async move {
            foreign_data(stage);
            running(stage, with_mode(with_ha(version, "stateless"), "stateless")).await?;
            stage.allow_rewind();
            changed(stage).await?;
            is_left_alone(stage)
        })
    }),
    once("ha-data-of-somebody-else-when-the-application-goes", |stage, version| {
        Box::pin(async move {
            foreign_data(stage);
            running(stage, with_ha(version, "last-state")).await?;
            stage.delete().await?;
            stage.until_gone().await?;
            is_left_alone(stage)
        })
    }),
    once("job-manager-is-evicted-by-its-node", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.evict_job_manager("The node was low on resource: ephemeral-storage.");
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await?;
            changed(stage).await
        })
    }),
    both("upgrade-last-state-with-pods-that-end-slowly", |stage, version| {
        slow_to_end(stage);
        Box::pin(upgraded(stage, without_restarts(version)))
    }),
    once("upgrade-with-savepoint-with-pods-that-end-slowly", |stage, version| {
        slow_to_end(stage);
        Box::pin(upgraded(stage, with_ha(version, "savepoint")))
    }),
    once("deployment-is-deleted-and-its-pods-end-slowly", |stage, version| {
        slow_to_end(stage);
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.delete_object("deployments", NAME).await;
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await
        })
    }),
    once("deployment-of-a-stateless-job-is-deleted-and-its-pods-end-slowly", |stage, version| {
        slow_to_end(stage);
        Box::pin(async move {
            running(stage, application(version)).await?;
            stage.allow_rewind();
            stage.delete_object("deployments", NAME).await;
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await
        })
    }),
    once("suspension-with-pods-that-end-slowly", |stage, version| {
        slow_to_end(stage);
        Box::pin(async move {
            running(stage, without_restarts(version)).await?;
            stage.edit(json!({"spec": {"job": {"state": "suspended"}}})).await?;
            stage.until_suspended().await?;
            stage.edit(json!({"spec": {"job": {"state": "running"}}})).await?;
            goes_on(stage).await
        })
    }),
];

/// In mode last-state, and Flink does not start the job again when it fails.
fn without_restarts(version: Version) -> Value {
    configured(with_ha(version, "last-state"), &json!({"restart-strategy.type": "none"}))
}
