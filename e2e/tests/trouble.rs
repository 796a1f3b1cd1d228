//! Tests of failures of a job with state, with real Flink clusters: its Deployment is deleted, upgrades fail and are rolled
//! back. The job reports the state that it was restored from.

use std::time::Instant;

use e2e::manifests::Application;
use e2e::stage::Stage;
use e2e::status::{is, job_id, job_runs, message, runs, status};
use flink_operator_api::LifecycleState;
use serde_json::{Value, json};

const READINESS_TIMEOUT: &str = "kubernetes.operator.deployment.readiness.timeout";

/// How many elements the last checkpoint may be behind the job: it takes one every two seconds, in which the job counts 200.
const LAST_CHECKPOINT: i64 = 500;

async fn deployed(test: &str, application: &Application) -> anyhow::Result<Stage> {
    Stage::set(
        test,
        application,
        &json!({
            "job": {"upgradeMode": "last-state"},
            "flinkConfiguration": {
                "kubernetes.operator.deployment.rollback.enabled": "true",
                // No start is as fast as this, so that one that is no change has to be told from one that is.
                READINESS_TIMEOUT: "1 s",
            },
        }),
    )
    .await
}

/// After somebody deletes the JobManager's Deployment, the operator creates it once, and the job is restored from its last
/// checkpoint.
async fn deleted_by_hand(test: &str, stage: &Stage) -> anyhow::Result<()> {
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 700).await?;
    let uid = stage.namespace.deployments().get(stage.name).await?.metadata.uid;
    let mark = stage.mark()?;
    let began = Instant::now();
    stage.namespace.kubectl(&["delete", "deployment", stage.name, "--wait=false"])?;
    stage.until("the loss in the status", |seen| !runs(seen)).await?;
    let again = stage.until("the job after the deletion", runs).await?;
    println!("{test}: back after {:.1} s", began.elapsed().as_secs_f32());
    assert_eq!(job_id(&again), job_id(&first), "its data are filed under this id");
    let new = stage.namespace.deployments().get(stage.name).await?.metadata.uid;
    assert_ne!(new, uid, "another Deployment");
    let after = stage.went_on(&job_id(&again), before.processed - LAST_CHECKPOINT).await?;
    println!("{test}: before {before:?}, after {after:?}");
    assert_eq!(stage.events("RecoverDeployment").await?, 1, "told once");
    assert_eq!(stage.events("Rollback").await?, 0, "there is nothing to go back from");
    if let Some(mark) = mark {
        let created = stage.requests(&mark)?.into_iter().filter(|request| {
            (request.verb.as_str(), request.resource.as_str()) == ("create", "deployments")
                && request.code < 300
        });
        assert_eq!(created.count(), 1, "made once");
    }
    Ok(())
}

/// An upgrade fails: after the readiness timeout the last stable spec runs again, with the state.
async fn rolled_back(
    test: &str,
    stage: &Stage,
    broken: Value,
    mended: Value,
) -> anyhow::Result<()> {
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 100).await?;
    let rollbacks = stage.events("Rollback").await?;
    let began = Instant::now();
    stage.patch(&broken).await?;
    let back = stage
        .until("the rollback", |seen| is(seen, &LifecycleState::RolledBack) && job_runs(seen))
        .await?;
    println!(
        "{test}: rolled back after {:.1} s: {}",
        began.elapsed().as_secs_f32(),
        message(&back, "StateKept")
    );
    assert!(stage.events("Rollback").await? > rollbacks, "it is told");
    let after = stage.went_on(&job_id(&back), before.processed - LAST_CHECKPOINT).await?;
    println!("{test}: before {before:?}, after {after:?}");
    let from = status(&back).job_status.upgrade_savepoint_path.unwrap_or_default();
    if from.contains("/savepoints/") {
        assert!(
            after.restored_processed >= before.processed,
            "the savepoint of the change: {from}"
        );
    }

    // The user undoes the change: what is wanted runs already, and goes on.
    stage.patch(&mended).await?;
    let mended = stage.until("the end of the rollback", runs).await?;
    assert_eq!(job_id(&mended), job_id(&back), "nothing is restarted");
    let later = stage.went_on(&job_id(&mended), after.restored_processed).await?;
    assert_eq!(later.restored_checkpoint_id, after.restored_checkpoint_id);
    Ok(())
}

async fn troubled(test: &str, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage = deployed(test, &application).await?;
    deleted_by_hand(test, &stage).await?;
    stage.patch(&json!({"flinkConfiguration": {READINESS_TIMEOUT: "20 s"}})).await?;

    println!("{test}: a main method that fails, in mode last-state");
    let args = |args: &[&str]| json!({"job": {"args": args}});
    rolled_back(test, &stage, args(&["--fail-main", "broken"]), args(&[])).await?;

    println!("{test}: an image that is not there, in mode savepoint");
    rolled_back(
        test,
        &stage,
        json!({"image": "flink:nowhere", "job": {"upgradeMode": "savepoint"}}),
        json!({"image": application.image}),
    )
    .await?;
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_comes_back_from_a_deleted_deployment_and_from_changes_that_do_not_work()
-> anyhow::Result<()> {
    troubled("trouble-1-20", Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_comes_back_from_a_deleted_deployment_and_from_changes_that_do_not_work()
-> anyhow::Result<()> {
    troubled("trouble-2-2", Application::flink_2_2("app")).await
}
