//! What users change.

use std::time::Duration;

use flink_operator_api::LifecycleState;
use serde_json::{Value, json};

use super::steps::{change, changed, goes_on, running, running_for};
use super::{Scenario, both, once};
use crate::explore::application::{RESOURCE, Version, application, configured, with_ha};
use crate::explore::stage::{Stage, Stuck};

/// Runs, is changed, and runs again.
async fn upgraded(stage: &Stage, resource: Value, change: Value) -> Result<(), Stuck> {
    running(stage, resource).await?;
    stage.edit(change).await?;
    goes_on(stage).await
}

async fn suspended_and_resumed(stage: &Stage, resource: Value) -> Result<(), Stuck> {
    running_for(stage, resource, 1).await?;
    stage.edit(json!({"spec": {"job": {"state": "suspended"}}})).await?;
    stage.until_suspended().await?;
    stage.pass(Duration::from_mins(2)).await;
    stage.edit(json!({"spec": {"job": {"state": "running"}}})).await?;
    goes_on(stage).await
}

pub(super) const SCENARIOS: &[Scenario] = &[
    both("upgrade-stateless", |stage, version| {
        Box::pin(async move {
            running_for(stage, application(version), 1).await?;
            stage.allow_rewind();
            changed(stage).await
        })
    }),
    both("upgrade-with-savepoint", |stage, version| {
        Box::pin(upgraded(stage, with_ha(version, "savepoint"), change()))
    }),
    Scenario {
        // Flink 2.3 writes down that an application has ended, under an id that is the same for each deployment.
        versions: &[Version::V2_3],
        ..once("upgrade-with-savepoint-several-times", |stage, version| {
            Box::pin(async move {
                running_for(stage, with_ha(version, "savepoint"), 1).await?;
                for round in ["one", "two", "three"] {
                    stage.edit(json!({"spec": {"job": {"args": ["--round", round]}}})).await?;
                    goes_on(stage).await?;
                }
                Ok(())
            })
        })
    },
    once("upgrade-with-savepoint-without-ha", |stage, version| {
        let resource = crate::explore::application::with_mode(application(version), "savepoint");
        Box::pin(upgraded(stage, resource, change()))
    }),
    once("upgrade-of-the-rest-port-with-savepoint-without-ha", |stage, version| {
        // The cluster that is to be stopped listens on the old port.
        let resource = crate::explore::application::with_mode(application(version), "savepoint");
        let port = json!({"spec": {"flinkConfiguration": {"rest.port": "9081"}}});
        Box::pin(upgraded(stage, resource, port))
    }),
    both("upgrade-to-rest-with-tls", |stage, version| {
        // Flink 2 does not read the option for all endpoints.
        let key = match version {
            Version::V1_20 => "security.ssl.enabled",
            Version::V2_2 | Version::V2_3 => "security.ssl.rest.enabled",
        };
        let tls = json!({"spec": {"flinkConfiguration": {key: "true"}}});
        Box::pin(upgraded(stage, with_ha(version, "savepoint"), tls))
    }),
    both("upgrade-last-state", |stage, version| {
        Box::pin(upgraded(stage, with_ha(version, "last-state"), change()))
    }),
    both("upgrade-last-state-without-restarts", |stage, version| {
        // A job that Flink gives up with its first failure, and it fails when its TaskManagers go before its JobManager.
        let resource =
            configured(with_ha(version, "last-state"), &json!({"restart-strategy.type": "none"}));
        Box::pin(upgraded(stage, resource, change()))
    }),
    once("upgrade-last-state-by-cancelling", |stage, version| {
        let resource = configured(
            with_ha(version, "last-state"),
            &json!({"kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "true"}),
        );
        Box::pin(upgraded(stage, resource, change()))
    }),
    once("upgrade-to-a-newer-flink", |stage, _| {
        let newer = json!({"spec": {"image": Version::V2_2.image(), "flinkVersion": "v2_2"}});
        Box::pin(upgraded(stage, with_ha(Version::V1_20, "savepoint"), newer))
    }),
    once("two-changes-in-a-row", |stage, version| {
        Box::pin(async move {
            running_for(stage, with_ha(version, "savepoint"), 1).await?;
            stage.edit(change()).await?;
            stage.pass(Duration::from_millis(700)).await;
            stage.edit(json!({"spec": {"job": {"parallelism": 3}}})).await?;
            goes_on(stage).await
        })
    }),
    once("upgrade-is-made-stateless-on-its-way", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.edit(change()).await?;
            stage.pass(Duration::from_millis(700)).await;
            stage.allow_rewind();
            stage.edit(json!({"spec": {"job": {"upgradeMode": "stateless"}}})).await?;
            goes_on(stage).await
        })
    }),
    both("suspend-and-resume-with-savepoint", |stage, version| {
        Box::pin(suspended_and_resumed(stage, with_ha(version, "savepoint")))
    }),
    both("suspend-and-resume-last-state", |stage, version| {
        Box::pin(suspended_and_resumed(stage, with_ha(version, "last-state")))
    }),
    once("restart-nonce", |stage, version| {
        let nonce = json!({"spec": {"restartNonce": 1}});
        Box::pin(upgraded(stage, with_ha(version, "last-state"), nonce))
    }),
    once("savepoint-redeploy", |stage, version| {
        Box::pin(async move {
            let path = "s3://state/savepoints/chosen";
            stage.put_savepoint(path, 77);
            running_for(stage, with_ha(version, "savepoint"), 1).await?;
            stage.allow_rewind();
            stage
                .edit(json!({"spec": {"job": {
                    "initialSavepointPath": path, "savepointRedeployNonce": 1,
                }}}))
                .await?;
            goes_on(stage).await
        })
    }),
    once("change-that-needs-no-restart", |stage, version| {
        let key = json!({"spec": {"flinkConfiguration": {
            "kubernetes.operator.periodic.savepoint.interval": "6 h",
        }}});
        Box::pin(upgraded(stage, with_ha(version, "last-state"), key))
    }),
    once("rescale-in-place", |stage, version| {
        let resource = configured(
            with_ha(version, "last-state"),
            &json!({"jobmanager.scheduler": "adaptive"}),
        );
        Box::pin(async move {
            stage.create(resource).await?;
            stage.until_running().await?;
            let vertex = || {
                let jobs = stage.flink.jobs(RESOURCE);
                jobs.iter().flat_map(|job| job.bounds.keys()).next().cloned()
            };
            // Somebody else's edit may replace the cluster just now.
            stage.until_seen("a vertex of the job", || vertex().is_some()).await?;
            let vertex = vertex().unwrap_or_default();
            let overrides = format!("{vertex}:1");
            stage
                .edit(json!({"spec": {"flinkConfiguration": {
                    "pipeline.jobvertex-parallelism-overrides": &overrides,
                }}}))
                .await?;
            stage.until_running().await?;
            // An answer that got lost may have the job start anew, with the same parallelism.
            let takes_it = || {
                let jobs = stage.flink.jobs(RESOURCE);
                jobs.iter().any(|job| job.bounds.get(&vertex).is_some_and(|(_, upper)| *upper == 1))
                    // Or somebody else has put other overrides in its place.
                    || stage.flink_option("pipeline.jobvertex-parallelism-overrides")
                        != Some(overrides.clone())
            };
            stage.until_seen("the vertex to have its new parallelism", takes_it).await?;
            stage
                .until("the change to be stable", |resource| {
                    let status = resource.and_then(|resource| resource.status.as_ref());
                    status.is_some_and(|status| {
                        status.lifecycle_state == Some(LifecycleState::Stable)
                    })
                })
                .await?;
            stage.until_checkpoints(1).await
        })
    }),
    once("change-while-it-starts", |stage, version| {
        Box::pin(async move {
            stage.create(with_ha(version, "last-state")).await?;
            stage.pass(Duration::from_millis(1_500)).await;
            changed(stage).await
        })
    }),
];
