//! What happens to the objects of an application: high availability data, pods, quotas, state.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_flink::behaviour::{LeaderLost, MissingState};

use super::steps::{change, changed, goes_on, restored_by_hand, running};
use super::{Scenario, both, once};
use crate::explore::application::{NAMESPACE, NO_SAVEPOINT, RESOURCE, configured, merged, with_ha};
use crate::explore::stage::{Stage, Stuck};

async fn suspended(stage: &Stage, resource: Value) -> Result<(), Stuck> {
    running(stage, resource).await?;
    stage.edit(json!({"spec": {"job": {"state": "suspended"}}})).await?;
    stage.until_suspended().await
}

async fn resumed(stage: &Stage) -> Result<(), Stuck> {
    stage.edit(json!({"spec": {"job": {"state": "running"}}})).await?;
    goes_on(stage).await
}

/// Leaves no room for pods in the namespace, or makes room again.
fn quota(stage: &Stage, pods: Option<u32>) {
    match pods {
        Some(pods) => drop(stage.world.create(json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": NAMESPACE},
            "spec": {"hard": {"pods": pods.to_string()}},
        }))),
        None => stage.remove("resourcequotas", "small"),
    }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    once("ha-data-is-lost-while-suspended", |stage, version| {
        Box::pin(async move {
            suspended(stage, with_ha(version, "last-state")).await?;
            for name in stage.ha_data() {
                stage.remove("configmaps", &name);
            }
            stage.edit(json!({"spec": {"job": {"state": "running"}}})).await?;
            stage.until_error().await?;
            restored_by_hand(stage).await
        })
    }),
    once("ha-data-is-half-deleted", |stage, version| {
        Box::pin(async move {
            suspended(stage, with_ha(version, "last-state")).await?;
            // Who leads, and which jobs there are; the checkpoints are still known.
            stage.remove("configmaps", "app-cluster-config-map");
            resumed(stage).await
        })
    }),
    once("leader-is-deleted", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.leader_lost = LeaderLost::Ends);
            stage.delete_object("configmaps", "app-cluster-config-map").await;
            stage.pass(Duration::from_secs(1)).await;
            stage.until_running().await?;
            changed(stage).await
        })
    }),
    both("ha-data-of-an-earlier-cluster", |stage, version| {
        Box::pin(async move {
            // Somebody has removed the finalizer of an earlier resource: its data is still there, with the address of a
            // leader that is gone.
            let old = "00000000000000000000000000000009";
            stage.world.create(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {
                    "name": "app-cluster-config-map", "namespace": NAMESPACE,
                    "labels": {
                        "app": "app", "type": "flink-native-kubernetes",
                        "configmap-type": "high-availability",
                    },
                },
                "data": {
                    "org.apache.flink.k8s.leader.restserver": format!("{old},http://10.0.0.9:8081"),
                },
            }));
            running(stage, with_ha(version, "last-state")).await
        })
    }),
    once("cluster-of-somebody-else", |stage, version| {
        Box::pin(async move {
            // Flink's own client has made a cluster of this name.
            stage.world.create(json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "app", "namespace": NAMESPACE, "labels": {"made-by": "hand"}},
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": {"made-by": "hand"}},
                    "template": {
                        "metadata": {"labels": {"made-by": "hand"}},
                        "spec": {"containers": [{"name": "main", "image": "flink:other"}]},
                    },
                },
            }));
            stage.create(with_ha(version, "last-state")).await?;
            stage.until_status("the conflict to be told", |status| status.error.is_some()).await?;
            stage.pass(Duration::from_mins(2)).await;
            stage.delete_object("deployments", "app").await;
            goes_on(stage).await
        })
    }),
    once("job-manager-is-evicted", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            for job_manager in stage.flink.job_managers(RESOURCE) {
                stage.delete_object("pods", &job_manager.pod).await;
            }
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await
        })
    }),
    once("quota-leaves-no-room", |stage, version| {
        Box::pin(async move {
            quota(stage, Some(0));
            stage.create(with_ha(version, "last-state")).await?;
            stage.until_error().await?;
            quota(stage, None);
            goes_on(stage).await
        })
    }),
    once("quota-leaves-no-room-for-an-upgrade", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "savepoint")).await?;
            quota(stage, Some(0));
            stage.edit(change()).await?;
            stage.until_error().await?;
            quota(stage, None);
            goes_on(stage).await
        })
    }),
    once("starts-from-a-savepoint-that-is-not-there", |stage, version| {
        Box::pin(async move {
            let resource = merged(
                with_ha(version, "savepoint"),
                &json!({"spec": {"job": {"initialSavepointPath": NO_SAVEPOINT}}}),
            );
            stage.create(resource).await?;
            stage.until_failed().await?;
            let there = "s3://state/savepoints/of-another";
            stage.put_savepoint(there, 12_345);
            stage.allow_rewind();
            stage
                .edit(json!({"spec": {"job": {
                    "initialSavepointPath": there, "savepointRedeployNonce": 1,
                }}}))
                .await?;
            goes_on(stage).await
        })
    }),
    once("savepoint-that-is-not-there-ends-the-job-manager", |stage, version| {
        Box::pin(async move {
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.missing_state = MissingState::EndsTheJobManager;
            });
            let resource = merged(
                with_ha(version, "savepoint"),
                &json!({"spec": {"job": {"initialSavepointPath": NO_SAVEPOINT}}}),
            );
            stage.create(resource).await?;
            stage.until_error().await?;
            // Somebody puts it back.
            stage.put_savepoint(NO_SAVEPOINT, 12_345);
            goes_on(stage).await
        })
    }),
    once("checkpoint-older-than-the-savepoint", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "last-state"),
                &json!({"execution.checkpointing.timeout": "1 min"}),
            );
            running(stage, resource).await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.checkpoints_fail = true);
            stage.pass(Duration::from_secs(15)).await;
            stage.edit(json!({"spec": {"job": {"savepointTriggerNonce": 7}}})).await?;
            stage
                .until_status("the savepoint to be noted or its loss to be told", |status| {
                    let info = &status.job_status.savepoint_info;
                    info.trigger_id.is_none()
                        && (info.last_savepoint.is_some() || stage.was_told("SavepointError"))
                })
                .await?;
            stage.edit(change()).await?;
            stage.until_running().await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.checkpoints_fail = false);
            stage.until_checkpoints(1).await
        })
    }),
];
