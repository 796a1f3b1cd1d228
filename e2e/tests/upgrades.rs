//! Changes that take a job's state along, on real Flink clusters: the job itself says what it was restored from, and
//! whether anything was lost or counted twice.
//!
//! The operator is the installed one; with `OPERATOR_BESIDE` set, one process of this tree for each namespace.

use std::time::{Duration, Instant};

use e2e::cluster::Cluster;
use e2e::flink::{Counted, Flink};
use e2e::manifests::Application;
use e2e::namespace::TestNamespace;
use e2e::operator::{self, Operator};
use e2e::wait::eventually;
use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    LifecycleState,
};
use kube::api::ListParams;
use serde_json::{Value, json};

/// A JobManager and a TaskManager start in 10 to 45 s on two cores; this is what a busy machine may take.
const START: Duration = Duration::from_secs(240);

fn status(resource: &FlinkDeployment) -> FlinkDeploymentStatus {
    resource.status.clone().unwrap_or_default()
}

fn job_id(resource: &FlinkDeployment) -> String {
    status(resource).job_status.job_id.unwrap_or_default()
}

fn restore_path(resource: &FlinkDeployment) -> String {
    status(resource).job_status.upgrade_savepoint_path.unwrap_or_default()
}

/// The job of the newest spec runs.
fn runs(resource: &FlinkDeployment) -> bool {
    let status = status(resource);
    status.job_status.state == Some(FlinkJobStatus::Running)
        && status.job_manager_deployment_status == JobManagerDeploymentStatus::Ready
        && status.lifecycle_state == Some(LifecycleState::Stable)
        && status.observed_generation == resource.metadata.generation
}

fn message(resource: &FlinkDeployment, type_: &str) -> String {
    status(resource)
        .conditions
        .iter()
        .find(|condition| condition.type_ == type_)
        .and_then(|condition| condition.message.clone())
        .unwrap_or_default()
}

/// A namespace, and the operator that looks after it.
struct Stage {
    namespace: TestNamespace,
    name: &'static str,
    _operator: Option<Operator>,
}

impl Stage {
    async fn set(
        test: &str,
        port: u16,
        application: &Application,
        spec: &Value,
    ) -> anyhow::Result<Self> {
        let cluster = Cluster::connect().await?;
        let namespace = TestNamespace::create(&cluster, test).await?;
        let beside = std::env::var_os("OPERATOR_BESIDE").is_some();
        let operator = beside
            .then(|| operator::settings(&cluster, &namespace.name, port)?.start())
            .transpose()?;
        namespace.apply(&application.claim())?;
        let mut resource = application.resource();
        merge(&mut resource["spec"], spec);
        namespace.apply(&resource)?;
        Ok(Self { namespace, name: application.name, _operator: operator })
    }

    fn flink(&self) -> Flink<'_> {
        Flink::of(&self.namespace, self.name)
    }

    async fn until(
        &self,
        what: &str,
        reached: impl Fn(&FlinkDeployment) -> bool,
    ) -> anyhow::Result<FlinkDeployment> {
        self.namespace.until(self.name, what, START, reached).await
    }

    async fn patch(&self, spec: &Value) -> anyhow::Result<()> {
        drop(self.namespace.patch(self.name, &json!({"spec": spec})).await?);
        Ok(())
    }

    /// Waits until the job has counted more than `than`, and has completed a checkpoint.
    async fn counted_more(&self, job: &str, than: i64) -> anyhow::Result<Counted> {
        let flink = self.flink();
        eventually("more counts and a checkpoint", START, || async {
            let counted = flink.counted(job).await?;
            let checkpoints = flink.completed_checkpoints(job).await?;
            Ok((counted.processed > than && checkpoints > 0).then_some(counted))
        })
        .await
    }

    /// What the job says once it has gone on from state in which at least `at_least` elements were counted.
    async fn went_on(&self, job: &str, at_least: i64) -> anyhow::Result<Counted> {
        let flink = self.flink();
        let counted = eventually("the job's own word on its restore", START, || async {
            let counted = flink.counted(job).await?;
            Ok((counted.restored_checkpoint_id > 0
                && counted.processed > counted.restored_processed)
                .then_some(counted))
        })
        .await?;
        assert!(counted.is_exactly_once(), "nothing lost, nothing twice: {counted:?}");
        assert!(
            counted.restored_processed >= at_least,
            "{counted:?} goes on from {at_least} at least"
        );
        Ok(counted)
    }

    async fn end(self) -> anyhow::Result<()> {
        self.namespace.delete_and_await(self.name, Duration::from_secs(120)).await?;
        self.namespace.remove().await
    }
}

fn merge(target: &mut Value, patch: &Value) {
    if let (Value::Object(target), Value::Object(patch)) = (&mut *target, patch) {
        for (key, value) in patch {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    } else {
        *target = patch.clone();
    }
}

/// Savepoint upgrade, suspension, resumption, deletion with a savepoint.
async fn with_savepoints(test: &str, port: u16, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage = Stage::set(
        test,
        port,
        &application,
        &json!({
            "job": {"upgradeMode": "savepoint"},
            "flinkConfiguration": {"kubernetes.operator.job.savepoint-on-deletion": "true"},
        }),
    )
    .await?;
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 100).await?;

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

    let began = Instant::now();
    stage.patch(&json!({"job": {"state": "suspended"}})).await?;
    let suspended = stage
        .until("the suspension", |seen| {
            status(seen).lifecycle_state == Some(LifecycleState::Suspended)
        })
        .await?;
    println!("{test}: suspended after {:.1} s", began.elapsed().as_secs_f32());
    assert_ne!(restore_path(&suspended), restore_path(&second), "with a savepoint of its own");
    let pods = ListParams::default().labels(&format!("app={}", stage.name));
    assert_eq!(
        stage.namespace.pods().list(&pods).await?.items.len(),
        0,
        "suspended means that nothing runs"
    );
    stage.patch(&json!({"job": {"state": "running"}})).await?;
    let resumed = stage.until("the resumed job", runs).await?;
    let counted = stage.went_on(&job_id(&resumed), after.processed).await?;
    println!("{test}: resumed {counted:?}");

    // Deleted with a savepoint, from which a new resource goes on.
    stage.namespace.delete(stage.name).await?;
    let last = std::sync::Mutex::new(String::new());
    eventually("the resource's end", START, || async {
        let Some(seen) = stage.namespace.resources().get_opt(stage.name).await? else {
            return Ok(Some(()));
        };
        *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = restore_path(&seen);
        Ok(None)
    })
    .await?;
    let last = last.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{test}: deleted with {last}");
    assert!(last.contains("/savepoints/") && last != restore_path(&resumed), "{last}");
    let mut again = application.resource();
    merge(&mut again["spec"], &json!({"job": {"initialSavepointPath": last}}));
    stage.namespace.apply(&again)?;
    let third = stage.until("the job from the last savepoint", runs).await?;
    let counted = stage.went_on(&job_id(&third), counted.processed).await?;
    println!("{test}: from the savepoint of the deletion {counted:?}");
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_goes_through_upgrade_suspension_and_deletion_with_savepoints()
-> anyhow::Result<()> {
    with_savepoints("savepoints-1-20", 18_120, Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_goes_through_upgrade_suspension_and_deletion_with_savepoints()
-> anyhow::Result<()> {
    with_savepoints("savepoints-2-2", 18_122, Application::flink_2_2("app")).await
}

/// Last-state upgrade, suspension and resumption, all by high availability data.
async fn with_last_state(test: &str, port: u16, application: Application) -> anyhow::Result<()> {
    let application = application.with_high_availability();
    let stage =
        Stage::set(test, port, &application, &json!({"job": {"upgradeMode": "last-state"}}))
            .await?;
    let first = stage.until("a running job", runs).await?;
    let before = stage.counted_more(&job_id(&first), 300).await?;

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

    stage.patch(&json!({"job": {"state": "suspended"}})).await?;
    stage
        .until("the suspension", |seen| {
            status(seen).lifecycle_state == Some(LifecycleState::Suspended)
        })
        .await?;
    stage.patch(&json!({"job": {"state": "running"}})).await?;
    let resumed = stage.until("the resumed job", runs).await?;
    let counted = stage.went_on(&job_id(&resumed), after.restored_processed).await?;
    println!("{test}: resumed {counted:?}");
    stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_1_20_goes_through_upgrade_and_suspension_in_last_state() -> anyhow::Result<()> {
    with_last_state("last-state-1-20", 18_220, Application::flink_1_20("app")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flink_2_2_goes_through_upgrade_and_suspension_in_last_state() -> anyhow::Result<()> {
    with_last_state("last-state-2-2", 18_222, Application::flink_2_2("app")).await
}
