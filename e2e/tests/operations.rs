//! Tests of operations on a running job, with real Flink clusters: savepoints by nonce and by schedule, a restore from an older
//! savepoint, another version of Flink.

use std::time::{Duration, Instant};

use e2e::golden::{self, Requests};
use e2e::manifests::Application;
use e2e::stage::Stage;
use e2e::status::{job_id, message, restore_path, runs, status};
use flink_operator_api::{FlinkDeployment, Savepoint, SnapshotTriggerType};
use serde_json::{Value, json};

/// The savepoints of a trigger type in the status, oldest first.
fn savepoints(resource: &FlinkDeployment, kind: &SnapshotTriggerType) -> Vec<Savepoint> {
    let mut all = status(resource).job_status.savepoint_info.savepoint_history;
    all.retain(|savepoint| savepoint.trigger_type.as_ref() == Some(kind));
    all
}

fn location(savepoint: Option<&Savepoint>) -> String {
    savepoint.and_then(|savepoint| savepoint.location.clone()).unwrap_or_default()
}

async fn deployed(test: &str, application: Application) -> anyhow::Result<Stage> {
    let application = application.with_high_availability();
    Stage::set(test, &application, &json!({"job": {"upgradeMode": "savepoint"}})).await
}

/// Takes a savepoint of the running job by nonce, and returns its path.
async fn by_nonce(test: &str, stage: &Stage) -> anyhow::Result<String> {
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 100).await?;
    let mark = stage.mark()?;
    let began = Instant::now();
    stage.patch(&json!({"job": {"savepointTriggerNonce": 7}})).await?;
    let seen = stage
        .until("the savepoint", |seen| !savepoints(seen, &SnapshotTriggerType::Manual).is_empty())
        .await?;
    println!("{test}: a savepoint after {:.1} s", began.elapsed().as_secs_f32());
    let taken = savepoints(&seen, &SnapshotTriggerType::Manual);
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken.first().and_then(|savepoint| savepoint.trigger_nonce), Some(7));
    let path = location(taken.first());
    assert!(path.contains("/savepoints/"), "{path}");

    let seen = stage.until("rest after the savepoint", runs).await?;
    assert_eq!(status(&seen).job_status.savepoint_info.trigger_id, None);
    assert_eq!(job_id(&seen), job_id(&first), "the job goes on");
    let after = stage.counted_more(&job_id(&seen), before.processed + 100).await?;
    assert_eq!(after.restored_checkpoint_id, -1, "it was not restarted for it");
    stage.check_cost("a savepoint by nonce", mark.as_ref())?;

    // The job goes back to the savepoint, and says so itself.
    let began = Instant::now();
    go_back_to(stage, &path, 1).await?;
    let again =
        stage.until("the job from it", |seen| runs(seen) && job_id(seen) != job_id(&first)).await?;
    println!("{test}: back at the savepoint after {:.1} s", began.elapsed().as_secs_f32());
    assert_eq!(restore_path(&again), path);
    let restored = stage.went_on(&job_id(&again), before.processed).await?;
    println!("{test}: before {before:?}, long after {after:?}, restored {restored:?}");
    assert!(
        restored.restored_processed < after.processed,
        "it is the savepoint, and nothing younger"
    );
    Ok(path)
}

async fn go_back_to(stage: &Stage, path: &str, nonce: i64) -> anyhow::Result<()> {
    let job = json!({"initialSavepointPath": path, "savepointRedeployNonce": nonce});
    stage.patch(&json!({"job": job})).await
}

/// Periodic savepoints are switched on and off without a restart of the job.
async fn by_the_clock(test: &str, stage: &Stage) -> anyhow::Result<()> {
    const INTERVAL: &str = "kubernetes.operator.periodic.savepoint.interval";
    let interval = |value: Value| json!({"flinkConfiguration": {INTERVAL: value}});
    let first = stage.until("a running job", runs).await?;
    let began = Instant::now();
    stage.patch(&interval(json!("5 s"))).await?;
    let seen = stage
        .until("two periodic savepoints", |seen| {
            savepoints(seen, &SnapshotTriggerType::Periodic).len() >= 2
        })
        .await?;
    println!("{test}: two periodic savepoints after {:.1} s", began.elapsed().as_secs_f32());
    let taken = savepoints(&seen, &SnapshotTriggerType::Periodic);
    let times: Vec<i64> = taken.iter().map(|savepoint| savepoint.time_stamp).collect();
    for pair in times.windows(2) {
        assert!(matches!(pair, [one, next] if next - one > 5_000), "5 s apart: {times:?}");
    }
    stage.patch(&interval(Value::Null)).await?;
    let seen = stage
        .until("the end of periodic savepoints", |seen| {
            runs(seen) && status(seen).job_status.savepoint_info.trigger_id.is_none()
        })
        .await?;
    assert_eq!(job_id(&seen), job_id(&first), "none of this has restarted the job");

    let path = location(savepoints(&seen, &SnapshotTriggerType::Periodic).last());
    let before = stage.counted_more(&job_id(&first), 0).await?;
    go_back_to(stage, &path, 2).await?;
    let again =
        stage.until("the job from it", |seen| runs(seen) && job_id(seen) != job_id(&first)).await?;
    let restored = stage.went_on(&job_id(&again), 1).await?;
    println!("{test}: before {before:?}, restored from a periodic savepoint {restored:?}");
    assert_eq!(restore_path(&again), path);
    assert!(restored.restored_processed < before.processed + 1_000, "{restored:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_takes_savepoints_by_nonce_and_by_the_clock_and_goes_back_to_them()
-> anyhow::Result<()> {
    let test = "operations-2-2";
    let stage = deployed(test, Application::flink_2_2("app")).await?;
    by_nonce(test, &stage).await?;
    by_the_clock(test, &stage).await?;
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_takes_savepoints_by_nonce_and_by_the_clock_and_becomes_2_2()
-> anyhow::Result<()> {
    let test = "operations-1-20";
    let stage = deployed(test, Application::flink_1_20("app")).await?;
    by_nonce(test, &stage).await?;
    by_the_clock(test, &stage).await?;

    let old = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&old), 0).await?;
    assert!(flink_version(&old).starts_with("1.20"), "{}", flink_version(&old));
    let next = Application::flink_2_2("app");
    let began = Instant::now();
    stage.patch(&json!({"flinkVersion": next.flink_version, "image": next.image})).await?;
    let new = stage
        .until("the job on the next version", |seen| {
            runs(seen) && job_id(seen) != job_id(&old) && flink_version(seen).starts_with("2.2")
        })
        .await?;
    println!(
        "{test}: on {} after {:.1} s: {}",
        flink_version(&new),
        began.elapsed().as_secs_f32(),
        message(&new, "StateKept")
    );
    assert_ne!(restore_path(&new), restore_path(&old), "with a savepoint of its own");
    assert!(restore_path(&new).contains("/savepoints/"), "{}", restore_path(&new));
    let after = stage.went_on(&job_id(&new), before.processed).await?;
    println!("{test}: on 1.20 {before:?}, on 2.2 {after:?}");
    stage.end().await
}

/// The JobManager's log.
fn flink_version(resource: &FlinkDeployment) -> String {
    status(resource).cluster_info.get("flink-version").cloned().unwrap_or_default()
}

#[test]
fn request_more_than_before_is_told_with_its_verb_and_resource() {
    let of = |pairs: &[(&str, usize)]| -> Requests {
        pairs.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    };
    let (fast, slow) = (Duration::from_secs(10), Duration::from_secs(40));
    let golden = of(&[("create pods", 2), ("get nodes", 1), ("write events", 1)]);
    assert!(golden::compare("rest", &golden, &golden, fast).is_ok());
    assert!(golden::compare("rest", &of(&[("create pods", 1)]), &golden, fast).is_ok());
    let more = of(&[("create pods", 3), ("get nodes", 1), ("list pods", 1), ("write events", 2)]);
    let told = format!("{:#}", golden::compare("rest", &more, &golden, fast).unwrap_err());
    assert!(told.contains("create pods: 3, and 2 are allowed"), "{told}");
    assert!(told.contains("list pods: 1, and 0 are allowed"), "{told}");
    assert!(told.contains("write events: 2, and 1 are allowed"), "{told}");
    assert!(!told.contains("get nodes: 1,"), "{told}");
    let told = format!("{:#}", golden::compare("rest", &more, &golden, slow).unwrap_err());
    assert!(!told.contains("write events: 2,"), "a slow start shows its steps: {told}");
}
