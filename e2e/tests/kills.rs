//! Tests that kill the operator during upgrades with a savepoint, with real Flink clusters. The next operator has to complete
//! each upgrade, and do each step only once.
//!
//! The operator is a process on this machine, so that a test can kill it at an exact moment and start it again without a
//! back-off. It connects to the addresses of the pods, so these tests need the rig.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use e2e::born::Born;
use e2e::cluster::Cluster;
use e2e::manifests::Application;
use e2e::moments;
use e2e::namespace::TestNamespace;
use e2e::operator;
use e2e::stage::Stage;
use e2e::status::{job_id, restore_path, runs, status};
use flink_operator_api::FlinkDeployment;
use serde_json::json;

/// This time covers the savepoint, the end of the old cluster's pods, the creation of the new cluster, and its start.
const SPAN: Duration = Duration::from_secs(4);

/// The number of kills for each Flink version. The variable `KILL_ROUNDS` sets another number.
fn rounds() -> u32 {
    std::env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// The progress of the upgrade.
fn phase(resource: &FlinkDeployment) -> String {
    let status = status(resource);
    let savepoint = match &status.job_status.savepoint_info.trigger_id {
        Some(_) => ", a savepoint under way",
        None => "",
    };
    format!(
        "{}, JobManager {}, job {}{savepoint}",
        status.reconciliation_status.state,
        status.job_manager_deployment_status,
        status.job_status.state.map(|state| state.to_string()).unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_killed_in_savepoint_upgrades_loses_nothing_and_does_nothing_twice_with_flink_1_20()
-> anyhow::Result<()> {
    operator_is_killed_in_upgrades(&Application::flink_1_20("app"), "kills-1-20").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_killed_in_savepoint_upgrades_loses_nothing_and_does_nothing_twice_with_flink_2_2()
-> anyhow::Result<()> {
    operator_is_killed_in_upgrades(&Application::flink_2_2("app"), "kills-2-2").await
}

async fn operator_is_killed_in_upgrades(
    application: &Application,
    test: &str,
) -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    if cluster.audit_log.is_none() {
        println!("pods cannot be reached from here on this cluster: the operator runs in it only");
        return Ok(());
    }
    let _paused = operator::pause(&cluster)?;
    let namespace = TestNamespace::create(&cluster, test).await?;
    let settings = operator::settings(&cluster, &namespace.name, operator::free_port()?)?;
    let mut operator = settings.start()?;
    let application = application.clone().with_high_availability();
    let spec = json!({"job": {"upgradeMode": "savepoint"}});
    let stage = Stage::within(namespace, settings.user(), None, &application, &spec)?;
    let mut seen = stage.until("a running job", runs).await?;
    let mut paths = BTreeSet::new();

    for (round, moment) in moments::within(SPAN, rounds()).into_iter().enumerate() {
        let before = stage.counted_more(&job_id(&seen), 0).await?;
        let born = Born::watch(&stage.namespace, stage.name).await?;
        let began = Instant::now();
        stage.patch(&json!({"job": {"parallelism": 2 - round % 2}})).await?;
        tokio::time::sleep(moment.saturating_sub(began.elapsed())).await;
        operator.kill()?;
        println!(
            "round {round}: killed {moment:?} after the change: {}",
            phase(&stage.resource().await?)
        );
        operator = settings.start()?;

        let next = stage
            .until("the changed job", |next| runs(next) && job_id(next) != job_id(&seen))
            .await?;
        let after = stage.went_on(&job_id(&next), before.processed).await?;
        println!(
            "round {round}: upgraded after {:.1} s, from {} at {} of {}",
            began.elapsed().as_secs_f32(),
            before.processed,
            after.restored_processed,
            restore_path(&next)
        );
        assert!(paths.insert(restore_path(&next)), "a savepoint of its own: {paths:?}");
        let objects = stage.namespace.objects_of(stage.name).await?;
        let deployments = objects.iter().filter(|name| name.starts_with("Deployment/")).count();
        assert_eq!(deployments, 1, "{objects:?}");
        let old = job_id(&seen);
        assert!(!objects.iter().any(|name| name.contains(&old)), "left of {old}: {objects:?}");
        let deployment = format!("Deployment/{}", stage.name);
        assert_eq!(born.count().get(&deployment), Some(&2), "the old one and one new one");
        seen = next;
    }

    // The savepoints on the volume are those of the status, and no others.
    let history = status(&seen).job_status.savepoint_info.savepoint_history;
    let known: BTreeSet<String> =
        history.into_iter().filter_map(|savepoint| savepoint.location).collect();
    assert_eq!(known, paths, "the status has each of them, once");
    let deployment = format!("deployment/{}", stage.name);
    let listed =
        stage.namespace.kubectl(&["exec", &deployment, "--", "ls", "/flink-data/savepoints"])?;
    let on_volume: Vec<&str> = listed.lines().collect();
    println!("savepoints on the volume: {on_volume:?}");
    assert_eq!(on_volume.len(), paths.len(), "one savepoint for each upgrade");
    stage.end().await?;
    operator.terminate()?;
    Ok(())
}
