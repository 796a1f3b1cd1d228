//! How applications end, and what becomes of those that are not well.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_flink::behaviour::{Failure, Flapping, StopOutcome};

use super::steps::{changed, goes_on, running};
use super::{Scenario, once};
use crate::explore::application::{NAME, RESOURCE, Version, configured, fragile, with_ha};
use crate::explore::stage::{self, Stage, Stuck};

fn failure() -> Failure {
    Failure::new("java.lang.IllegalStateException", "the source is gone")
}

/// A savepoint is taken when the resource is deleted.
fn saved(version: Version, more: &Value) -> Value {
    let resource = configured(
        with_ha(version, "savepoint"),
        &json!({"kubernetes.operator.job.savepoint-on-deletion": "true"}),
    );
    configured(resource, more)
}

async fn deleted(stage: &Stage, resource: Value) -> Result<(), Stuck> {
    running(stage, resource).await?;
    stage.delete().await?;
    stage.until_gone().await
}

/// The cluster of a job that has ended is cleared away.
async fn cleared_away(stage: &Stage, version: Version, fails: bool) -> Result<(), Stuck> {
    let ttl = json!({"kubernetes.operator.jm-deployment.shutdown-ttl": "2 min"});
    running(stage, configured(fragile(with_ha(version, "last-state")), &ttl)).await?;
    if fails {
        stage.fail_for_good(&failure()).await?;
    } else {
        stage.flink.finish_job(RESOURCE);
    }
    stage
        .until("the cluster to be cleared away, or to run after somebody else's edit", |found| {
            !stage.has("deployments", NAME) || fails && found.is_some_and(stage::runs_newest_spec)
        })
        .await
}

/// The health of the job is looked at.
fn watched(version: Version, more: &Value) -> Value {
    let resource = configured(
        with_ha(version, "last-state"),
        &json!({"kubernetes.operator.cluster.health-check.enabled": "true"}),
    );
    configured(resource, more)
}

/// What was measured is written down for ever, and there would be no quiet.
async fn no_longer_watched(stage: &Stage) -> Result<(), Stuck> {
    stage
        .edit(json!({"spec": {"flinkConfiguration": {
            "kubernetes.operator.cluster.health-check.enabled": null,
        }}}))
        .await?;
    stage.until_running().await
}

/// Waits until the Deployment is another one than this.
async fn until_restarted(stage: &Stage, before: Option<String>) -> Result<(), Stuck> {
    stage
        .until_seen("another cluster", || {
            let now = stage.uid("deployments", NAME);
            now.is_some() && now != before
        })
        .await
}

pub(super) const SCENARIOS: &[Scenario] = &[
    once("finished-job-is-cleared-away", |stage, version| {
        Box::pin(cleared_away(stage, version, false))
    }),
    once("cleared-away-then-changed", |stage, version| {
        Box::pin(async move {
            cleared_away(stage, version, true).await?;
            changed(stage).await
        })
    }),
    once("job-that-restarts-too-often-is-restarted", |stage, version| {
        Box::pin(async move {
            let limits = json!({
                "kubernetes.operator.cluster.health-check.restarts.threshold": "3",
                "kubernetes.operator.cluster.health-check.restarts.window": "1 min",
            });
            running(stage, watched(version, &limits)).await?;
            let before = stage.uid("deployments", NAME);
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.flapping = Some(Flapping {
                    runs: Duration::from_secs(4),
                    failure: failure(),
                    shows_failed: false,
                });
            });
            until_restarted(stage, before).await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.flapping = None);
            goes_on(stage).await?;
            no_longer_watched(stage).await
        })
    }),
    once("job-without-checkpoints-is-restarted", |stage, version| {
        Box::pin(async move {
            let limits = json!({
                "kubernetes.operator.cluster.health-check.checkpoint-progress.window": "1 min",
                "execution.checkpointing.timeout": "30 s",
            });
            running(stage, watched(version, &limits)).await?;
            let before = stage.uid("deployments", NAME);
            stage.flink.change(RESOURCE, |behaviour| behaviour.checkpoints_fail = true);
            until_restarted(stage, before).await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.checkpoints_fail = false);
            goes_on(stage).await?;
            no_longer_watched(stage).await
        })
    }),
    once("delete-with-drain", |stage, version| {
        let drain = json!({"kubernetes.operator.job.drain-on-savepoint-deletion": "true"});
        Box::pin(deleted(stage, saved(version, &drain)))
    }),
    once("delete-with-savepoint-that-fails", |stage, version| {
        Box::pin(async move {
            running(stage, saved(version, &json!({}))).await?;
            stage.flink.next_stop(RESOURCE, StopOutcome::SavepointFails(failure()));
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("delete-with-savepoint-that-hangs", |stage, version| {
        Box::pin(async move {
            let timeout = json!({"execution.checkpointing.timeout": "1 min"});
            running(stage, saved(version, &timeout)).await?;
            stage.flink.next_stop(RESOURCE, StopOutcome::Hangs);
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("delete-without-a-job-manager", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.job_manager_start = Duration::from_hours(9);
            });
            stage.kill_job_manager();
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("delete-after-the-job-has-failed", |stage, version| {
        Box::pin(async move {
            running(stage, fragile(with_ha(version, "last-state"))).await?;
            stage.fail_for_good(&failure()).await?;
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("suspend-after-the-job-has-failed", |stage, version| {
        Box::pin(async move {
            running(stage, fragile(with_ha(version, "savepoint"))).await?;
            stage.fail_for_good(&failure()).await?;
            stage.edit(json!({"spec": {"job": {"state": "suspended"}}})).await?;
            stage.until_suspended().await?;
            stage.edit(json!({"spec": {"job": {"state": "running"}}})).await?;
            goes_on(stage).await
        })
    }),
];
