//! Resources whose status was written by the Java operator.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{changed, running};
use super::{Scenario, both, once};
use crate::explore::application::{Version, configured, with_ha};
use crate::explore::stage::{self, Stage, Stuck};

/// A cluster that runs, as the Java operator leaves it: the status has what that one writes and nothing else. Then this
/// operator is started, and leaves every object as it is.
async fn taken_over(stage: &Stage, resource: Value) -> Result<(), Stuck> {
    running(stage, resource).await?;
    stage.operator.kill();
    stage.pass(Duration::from_millis(200)).await;
    stage.rewrite_status(as_the_java_operator_writes);
    let (before, generation) = (stage.children(), stage.generation());
    let settled = stage.resource().is_some_and(|resource| stage::runs_newest_spec(&resource));
    stage.pass(Duration::from_mins(3)).await;
    stage.until_running().await?;
    let after = stage.children();
    // Somebody may have edited the resource a moment before, or meanwhile.
    if before != after && settled && generation == stage.generation() {
        return Err(stage.stuck(&format!("the same objects: {before:?} became {after:?}")));
    }
    Ok(())
}

/// Recorded statuses look so: no conditions, and what the REST API says of the cluster.
fn as_the_java_operator_writes(status: &mut Value) {
    let Some(fields) = status.as_object_mut() else { return };
    fields.shift_remove("conditions");
    fields.insert(
        "clusterInfo".to_owned(),
        json!({
            "flink-revision": "450c63e @ 2026-05-03T10:10:44+02:00",
            "flink-version": "2.2.1",
            "state-size": "6296",
            "total-cpu": "4.0",
            "total-memory": "2147483648",
        }),
    );
    if let Some(job) = fields.get_mut("jobStatus").and_then(Value::as_object_mut) {
        job.insert("checkpointInfo".to_owned(), json!({"lastPeriodicCheckpointTimestamp": 0}));
        job.insert(
            "savepointInfo".to_owned(),
            json!({"lastPeriodicSavepointTimestamp": 0, "savepointHistory": []}),
        );
    }
}

async fn then_changed(stage: &Stage, version: Version, mode: &str) -> Result<(), Stuck> {
    taken_over(stage, with_ha(version, mode)).await?;
    changed(stage).await
}

pub(super) const SCENARIOS: &[Scenario] = &[
    both("taken-over-then-changed-last-state", |stage, version| {
        Box::pin(then_changed(stage, version, "last-state"))
    }),
    once("taken-over-then-changed-with-savepoint", |stage, version| {
        Box::pin(then_changed(stage, version, "savepoint"))
    }),
    once("taken-over-then-deleted", |stage, version| {
        Box::pin(async move {
            let resource = configured(
                with_ha(version, "savepoint"),
                &json!({"kubernetes.operator.job.savepoint-on-deletion": "true"}),
            );
            taken_over(stage, resource).await?;
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
];
