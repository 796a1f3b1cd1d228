//! Steps that many scenarios take.

use serde_json::{Value, json};

use crate::explore::stage::{Stage, Stuck};

/// A change that needs another cluster.
pub(super) fn change() -> Value {
    json!({"spec": {"flinkConfiguration": {"pipeline.object-reuse": "true"}}})
}

/// A job that has run for so many checkpoints.
pub(super) async fn running_for(
    stage: &Stage,
    resource: Value,
    checkpoints: u64,
) -> Result<(), Stuck> {
    stage.create(resource).await?;
    stage.until_running().await?;
    stage.until_checkpoints(checkpoints).await
}

/// A job that has run for two checkpoints.
pub(super) async fn running(stage: &Stage, resource: Value) -> Result<(), Stuck> {
    running_for(stage, resource, 2).await
}

/// The job runs as the newest spec says, and has completed a checkpoint since.
pub(super) async fn goes_on(stage: &Stage) -> Result<(), Stuck> {
    stage.until_running().await?;
    stage.until_checkpoints(1).await
}

/// The [`change`], and the job goes on with it.
pub(super) async fn changed(stage: &Stage) -> Result<(), Stuck> {
    stage.edit(change()).await?;
    goes_on(stage).await
}

/// What a user does who is told that the state has to be chosen by hand: takes the newest there is.
pub(super) async fn restored_by_hand(stage: &Stage) -> Result<(), Stuck> {
    let newest = "s3://state/savepoints/by-hand";
    stage.copy_newest_state(newest);
    stage.allow_rewind();
    let chosen =
        json!({"state": "running", "initialSavepointPath": newest, "savepointRedeployNonce": 1});
    stage.edit(json!({"spec": {"job": chosen}})).await?;
    goes_on(stage).await
}
