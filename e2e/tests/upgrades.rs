//! Tests of upgrades that keep the state, with real Flink clusters. The job reports what it was restored from, and whether
//! elements were lost or counted twice.

use std::time::Instant;

use e2e::manifests::Application;
use e2e::stage::Stage;
use e2e::status::{is, job_id, message, restore_path, runs, status};
use flink_operator_api::LifecycleState;
use kube::api::ListParams;
use serde_json::json;

/// Upgrade with a savepoint, suspension, resumption, deletion with a savepoint.
async fn with_savepoints(test: &str, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage = Stage::set(
        test,
        &application,
        &json!({
            "job": {"upgradeMode": "savepoint"},
            "flinkConfiguration": {"kubernetes.operator.job.savepoint-on-deletion": "true"},
        }),
    )
    .await?;
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 100).await?;

    let mark = stage.mark()?;
    let began = Instant::now();
    stage.patch(&json!({"job": {"parallelism": 2}})).await?;
    let second =
        stage.until("the changed job", |seen| runs(seen) && job_id(seen) != job_id(&first)).await?;
    println!(
        "{test}: upgraded after {:.1} s: {}",
        began.elapsed().as_secs_f32(),
        message(&second, "StateKept")
    );
    assert!(restore_path(&second).contains("/savepoints/"), "{}", restore_path(&second));
    assert_eq!(status(&second).job_status.savepoint_info.savepoint_history.len(), 1);
    let after = stage.went_on(&job_id(&second), before.processed).await?;
    println!("{test}: {after:?}");
    stage.check_cost("an upgrade with a savepoint", mark.as_ref())?;

    let mark = stage.mark()?;
    let began = Instant::now();
    stage.patch(&json!({"job": {"state": "suspended"}})).await?;
    let suspended =
        stage.until("the suspension", |seen| is(seen, &LifecycleState::Suspended)).await?;
    println!("{test}: suspended after {:.1} s", began.elapsed().as_secs_f32());
    assert_ne!(restore_path(&suspended), restore_path(&second), "with a savepoint of its own");
    let pods = ListParams::default().labels(&format!("app={}", stage.name));
    assert_eq!(
        stage.namespace.pods().list(&pods).await?.items.len(),
        0,
        "suspended means that nothing runs"
    );
    stage.check_cost("a suspension with a savepoint", mark.as_ref())?;

    let mark = stage.mark()?;
    stage.patch(&json!({"job": {"state": "running"}})).await?;
    let resumed = stage.until("the resumed job", runs).await?;
    let counted = stage.went_on(&job_id(&resumed), after.processed).await?;
    println!("{test}: resumed {counted:?}");
    stage.check_cost("a resumption from a savepoint", mark.as_ref())?;

    // Deleted with a savepoint, from which a new resource goes on.
    let mark = stage.mark()?;
    let last = stage.delete_and_read_the_last_path().await?;
    println!("{test}: deleted with {last}");
    assert!(last.contains("/savepoints/") && last != restore_path(&resumed), "{last}");
    stage.check_cost("a deletion with a savepoint", mark.as_ref())?;
    stage.apply(&application, &json!({"job": {"initialSavepointPath": last}}))?;
    let third = stage.until("the job from the last savepoint", runs).await?;
    let counted = stage.went_on(&job_id(&third), counted.processed).await?;
    println!("{test}: from the savepoint of the deletion {counted:?}");
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_goes_through_upgrade_suspension_and_deletion_with_savepoints()
-> anyhow::Result<()> {
    with_savepoints("savepoints-1-20", Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_goes_through_upgrade_suspension_and_deletion_with_savepoints()
-> anyhow::Result<()> {
    with_savepoints("savepoints-2-2", Application::flink_2_2("app")).await
}

/// Upgrade in `last-state`, suspension and resumption, all with high availability data.
async fn with_last_state(test: &str, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage =
        Stage::set(test, &application, &json!({"job": {"upgradeMode": "last-state"}})).await?;
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 300).await?;

    let mark = stage.mark()?;
    let began = Instant::now();
    stage.patch(&json!({"job": {"parallelism": 2}})).await?;
    let second = stage.until("the changed job", runs).await?;
    println!(
        "{test}: upgraded after {:.1} s: {}",
        began.elapsed().as_secs_f32(),
        message(&second, "StateKept")
    );
    assert_eq!(job_id(&second), job_id(&first), "its data are filed under this id");
    let after = stage.went_on(&job_id(&second), 1).await?;
    println!("{test}: before {before:?}, after {after:?}");
    stage.check_cost("an upgrade with the last state", mark.as_ref())?;

    let mark = stage.mark()?;
    stage.patch(&json!({"job": {"state": "suspended"}})).await?;
    stage.until("the suspension", |seen| is(seen, &LifecycleState::Suspended)).await?;
    stage.check_cost("a suspension with the last state", mark.as_ref())?;

    let mark = stage.mark()?;
    stage.patch(&json!({"job": {"state": "running"}})).await?;
    let resumed = stage.until("the resumed job", runs).await?;
    let counted = stage.went_on(&job_id(&resumed), after.restored_processed).await?;
    println!("{test}: resumed {counted:?}");
    stage.check_cost("a resumption from the last state", mark.as_ref())?;
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_goes_through_upgrade_and_suspension_in_last_state() -> anyhow::Result<()> {
    with_last_state("last-state-1-20", Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_goes_through_upgrade_and_suspension_in_last_state() -> anyhow::Result<()> {
    with_last_state("last-state-2-2", Application::flink_2_2("app")).await
}

/// Upgrades in `last-state` of a job that Flink does not restart. If its TaskManagers were deleted before its JobManager, the job
/// would fail terminally, and Flink would delete the HA data that the next cluster needs.
async fn without_restarts(test: &str, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage = Stage::set(
        test,
        &application,
        &json!({
            "job": {"upgradeMode": "last-state"},
            "flinkConfiguration": {"restart-strategy.type": "none"},
        }),
    )
    .await?;
    let first = stage.until("a running job", runs).await?;
    let mut before = stage.counted_more(&job_id(&first), 300).await?;
    for (round, parallelism) in [2, 1, 2].into_iter().enumerate() {
        stage.patch(&json!({"job": {"parallelism": parallelism}})).await?;
        let next = stage.until("the changed job", runs).await?;
        assert_eq!(job_id(&next), job_id(&first), "its data are filed under this id");
        let after = stage.went_on(&job_id(&next), before.restored_processed + 1).await?;
        println!("{test}: upgrade {}: before {before:?}, after {after:?}", round + 1);
        before = stage.counted_more(&job_id(&next), after.restored_processed + 300).await?;
    }
    assert_eq!(stage.events("JobException").await?, 0, "nothing has failed on the way");
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_without_restarts_keeps_its_state_in_upgrades() -> anyhow::Result<()> {
    without_restarts("no-restarts-1-20", Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_without_restarts_keeps_its_state_in_upgrades() -> anyhow::Result<()> {
    without_restarts("no-restarts-2-2", Application::flink_2_2("app")).await
}
