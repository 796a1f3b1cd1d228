//! Tests of the installed operator with real Flink clusters. The test job reports its state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::audit::{self, Request};
use e2e::cluster::Cluster;
use e2e::flink::{Counted, Flink};
use e2e::golden;
use e2e::manifests::Application;
use e2e::namespace::TestNamespace;
use e2e::stage::{INSTALLED, START};
use e2e::status::{is, job_id, message, runs, status};
use e2e::wait::eventually;
use flink_operator_api::{FlinkDeployment, FlinkJobStatus, LifecycleState};
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

async fn deployed(
    namespace: &TestNamespace,
    application: &Application,
) -> anyhow::Result<FlinkDeployment> {
    if application.high_availability {
        namespace.apply(&application.claim())?;
    }
    namespace.apply(&application.resource())?;
    namespace.until(application.name, "a running job", START, runs).await
}

/// Waits until the job has counted more than `than`, and has completed a checkpoint since.
async fn counted_more(flink: &Flink<'_>, job: &str, than: i64) -> anyhow::Result<Counted> {
    let before = flink.completed_checkpoints(job).await?;
    eventually("more counts and a checkpoint", START, || async {
        let counted = flink.counted(job).await?;
        let checkpoints = flink.completed_checkpoints(job).await?;
        Ok((counted.processed > than && checkpoints > before).then_some(counted))
    })
    .await
}

fn of(requests: &[Request], namespace: &TestNamespace) -> Vec<Request> {
    requests.iter().filter(|request| request.namespace == namespace.name).cloned().collect()
}

fn status_writes(counts: &BTreeMap<String, usize>) -> usize {
    counts.get("patch flinkdeployments/status").copied().unwrap_or(0)
}

/// An application is deployed, upgraded, and deleted; no object is left.
async fn life(test: &str, application: Application) -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    let namespace = TestNamespace::create(&cluster, test).await?;
    let mark = cluster.audit_log.is_some().then(|| audit::mark(&cluster)).transpose()?;
    let began = Instant::now();
    let first = deployed(&namespace, &application).await?;
    println!("{test}: RUNNING and STABLE after {:.1} s", began.elapsed().as_secs_f32());
    let name = application.name;
    if let Some(mark) = &mark {
        let counts = audit::counts(&of(&mark.requests(INSTALLED)?, &namespace));
        println!("{test}: requests up to RUNNING: {counts:?}");
        assert!(
            status_writes(&counts) <= 3,
            "at most three status writes up to RUNNING: {counts:?}"
        );
    }
    let flink = Flink::of(&namespace, name);
    let counted = counted_more(&flink, &job_id(&first), 100).await?;
    println!("{test}: {counted:?}");
    assert!(counted.is_exactly_once());
    assert_eq!(counted.restored_checkpoint_id, -1, "it started empty");

    // A change in stateless mode: another cluster, and a job that knows nothing of the first.
    let mark = cluster.audit_log.is_some().then(|| audit::mark(&cluster)).transpose()?;
    let began = Instant::now();
    namespace.patch(name, &json!({"spec": {"job": {"parallelism": 2}}})).await?;
    let second = namespace
        .until(name, "the changed job", START, |seen| runs(seen) && job_id(seen) != job_id(&first))
        .await?;
    println!("{test}: changed and RUNNING after {:.1} s", began.elapsed().as_secs_f32());
    let counted = counted_more(&flink, &job_id(&second), 10).await?;
    assert!(counted.is_exactly_once());
    assert_eq!(counted.restored_checkpoint_id, -1, "stateless is without state");
    if let Some(mark) = &mark {
        let operation = "an upgrade in stateless mode";
        let counts = golden::counted(&of(&mark.requests(INSTALLED)?, &namespace));
        println!("{test}: requests of {operation}: {}", json!(counts));
        golden::compare(operation, &counts, &golden::of_operation(operation)?, mark.age())?;
    }

    let began = Instant::now();
    namespace.delete_and_await(name, Duration::from_secs(90)).await?;
    println!("{test}: gone without a trace after {:.1} s", began.elapsed().as_secs_f32());
    namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_of_flink_1_20_is_deployed_changed_and_deleted() -> anyhow::Result<()> {
    life("life-1-20", Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_of_flink_2_2_is_deployed_changed_and_deleted() -> anyhow::Result<()> {
    life("life-2-2", Application::flink_2_2("app")).await
}

/// After a kill of the JobManager the job is restored from its last checkpoint, as the job reports.
async fn killed(test: &str, application: Application) -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    let namespace = TestNamespace::create(&cluster, test).await?;
    let first = deployed(&namespace, &application).await?;
    let (name, job) = (application.name, job_id(&first));
    let flink = Flink::of(&namespace, name);
    let before = counted_more(&flink, &job, 300).await?;
    println!("{test}: before the kill {before:?}");
    assert!(before.is_exactly_once());

    let selector = ListParams::default().labels(&format!("app={name},component=jobmanager"));
    let pods = namespace.pods().list(&selector).await?;
    let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    for pod in &pods {
        drop(namespace.pods().delete(&pod.name_any(), &now).await?);
    }
    let began = Instant::now();
    let lost = namespace
        .until(name, "the loss in the status", Duration::from_secs(20), |seen| !runs(seen))
        .await?;
    println!(
        "{test}: the loss was shown after {:.1} s: {}",
        began.elapsed().as_secs_f32(),
        message(&lost, "Ready")
    );
    let again = namespace.until(name, "the job after the kill", START, runs).await?;
    println!("{test}: RUNNING again after {:.1} s", began.elapsed().as_secs_f32());
    assert_eq!(job_id(&again), job, "it is the same job");
    let after = eventually("the job's own word on its restore", START, || async {
        let counted = flink.counted(&job).await?;
        Ok((counted.restored_checkpoint_id > 0 && counted.processed > before.processed)
            .then_some(counted))
    })
    .await?;
    println!("{test}: after the kill {after:?}");
    assert!(after.is_exactly_once(), "nothing lost, nothing twice");
    assert!(after.restored_processed > 0);
    assert!(after.processed > before.processed);

    namespace.delete_and_await(name, Duration::from_secs(90)).await?;
    namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_job_manager_of_flink_1_20_comes_back_from_the_last_checkpoint() -> anyhow::Result<()>
{
    killed("killed-1-20", Application::flink_1_20("app").with_high_availability()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_job_manager_of_flink_2_2_comes_back_from_the_last_checkpoint() -> anyhow::Result<()>
{
    killed("killed-2-2", Application::flink_2_2("app").with_high_availability()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_job_at_rest_costs_the_api_server_nothing_for_two_minutes() -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    if cluster.audit_log.is_none() {
        println!("requests cannot be counted on this cluster: it has no audit log here");
        return Ok(());
    }
    let namespace = TestNamespace::create(&cluster, "rest").await?;
    deployed(&namespace, &Application::flink_2_2("app")).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mark = audit::mark(&cluster)?;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let idle = of(&mark.requests(INSTALLED)?, &namespace);
    assert!(idle.is_empty(), "two minutes of rest cost {:?}", audit::counts(&idle));
    namespace.delete_and_await("app", Duration::from_secs(90)).await?;
    namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounded_job_that_finishes_is_ready_and_stays_so() -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    let namespace = TestNamespace::create(&cluster, "bounded").await?;
    let application = Application::flink_2_2("app").with_args(&["--bounded", "200"]);
    namespace.apply(&application.resource())?;
    let seen = namespace
        .until("app", "the job's end", START, |seen| {
            status(seen).job_status.state == Some(FlinkJobStatus::Finished)
        })
        .await?;
    println!("finished: {}", message(&seen, "Ready"));
    assert!(is(&seen, &LifecycleState::Stable));
    namespace.delete_and_await("app", Duration::from_secs(90)).await?;
    namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_jar_and_missing_image_each_get_an_answer_that_names_them() -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    let namespace = TestNamespace::create(&cluster, "answers").await?;
    let mut jar = Application::flink_2_2("jar").resource();
    jar["spec"]["job"]["jarURI"] = json!("local:///opt/flink/usrlib/nowhere.jar");
    let mut image = Application::flink_2_2("image").resource();
    image["spec"]["image"] = json!("flink:2.2.l");
    namespace.apply(&image)?;
    let seen = namespace
        .until("image", "the answer", START, |seen| {
            !message(seen, "Stalled").is_empty() && message(seen, "Stalled").contains("flink:2.2.l")
        })
        .await?;
    println!("a missing image: {}", message(&seen, "Stalled"));
    namespace.delete_and_await("image", Duration::from_secs(90)).await?;

    namespace.apply(&jar)?;
    let seen = namespace
        .until("jar", "the answer", START, |seen| message(seen, "Stalled").contains("nowhere.jar"))
        .await?;
    println!("a missing jar: {}", message(&seen, "Stalled"));
    namespace.delete_and_await("jar", Duration::from_secs(90)).await?;
    namespace.remove().await
}
