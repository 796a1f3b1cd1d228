//! Simulated clusters, through the real client and through the simulated Kubernetes.

use std::time::Duration;

use bytes::Bytes;
use flink_rest::jobs::JobOverview;
use flink_rest::savepoints::{SavepointFormat, SavepointRequest, StopMode};
use flink_rest::transport::RequestBody;
use flink_rest::{AsyncStatus, FlinkCluster, FlinkRest, JobId, RestError, TriggerId};
use serde_json::{Value, json};
use simulated_flink::ledger::Violation;
use simulated_flink::{Flink, JobView};
use simulated_kubernetes::World;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::api_server::verbs::{DeleteOptions, Propagation};
use tower::ServiceExt as _;
use url::Url;

mod answers;
mod faults;
mod lives;
mod metadata;
mod misbehaviour;
mod sessions;
mod sites;
mod workers;

const RESOURCE: &str = "default/app";
const JOB: &str = "0123456789abcdef0123456789abcdef";

/// A cluster as its objects say.
struct Cluster {
    image: &'static str,
    parallelism: u32,
    job_id: &'static str,
    high_availability: bool,
    restore: Option<String>,
    replicas: u32,
    more: &'static str,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            image: "flink:2.2",
            parallelism: 2,
            job_id: JOB,
            high_availability: true,
            restore: None,
            replicas: 1,
            more: "",
        }
    }
}

impl Cluster {
    fn without_high_availability() -> Self {
        Self { high_availability: false, ..Self::default() }
    }

    fn configuration(&self) -> String {
        let mut lines = vec![
            "kubernetes.cluster-id: app".to_owned(),
            format!("$internal.pipeline.job-id: {}", self.job_id),
            "pipeline.name: counter".to_owned(),
            format!("parallelism.default: {}", self.parallelism),
            "taskmanager.numberOfTaskSlots: 2".to_owned(),
            "execution.checkpointing.interval: 10 s".to_owned(),
            "execution.checkpointing.dir: s3://bucket/checkpoints".to_owned(),
            "execution.checkpointing.savepoint-dir: s3://bucket/savepoints".to_owned(),
            "execution.checkpointing.externalized-checkpoint-retention: RETAIN_ON_CANCELLATION"
                .to_owned(),
            "execution.shutdown-on-application-finish: false".to_owned(),
        ];
        if self.high_availability {
            lines.push("high-availability.type: kubernetes".to_owned());
            lines.push("high-availability.storageDir: s3://bucket/ha".to_owned());
            lines.push("job-result-store.delete-on-commit: false".to_owned());
        }
        if let Some(path) = &self.restore {
            lines.push(format!("execution.savepoint.path: {path}"));
        }
        // A key may be there once.
        let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
        let more: Vec<String> = self.more.lines().map(str::to_owned).collect();
        lines.retain(|line| !more.iter().any(|other| key(other) == key(line)));
        lines.extend(more);
        lines.join("\n")
    }

    /// Creates the objects, as the operator does: the Deployment owns the rest.
    fn create(&self, world: &World) {
        let labels = json!({
            "app": "app", "component": "jobmanager", "type": "flink-native-kubernetes",
        });
        let target =
            if self.more.contains("kubernetes-session") { "session" } else { "application" };
        let deployment = world.create(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "app", "namespace": "default", "labels": labels},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [{
                            "name": "flink-main-container", "image": self.image,
                            "args": ["bash", "-c", format!("kubernetes-jobmanager.sh kubernetes-{target} ")],
                            "volumeMounts": [{"name": "flink-config-volume", "mountPath": "/opt/flink/conf"}],
                        }],
                        "volumes": [{"name": "flink-config-volume", "configMap": {"name": "flink-config-app"}}],
                    },
                },
            },
        }));
        let owners = json!([{
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": object::uid(&deployment),
            "controller": true, "blockOwnerDeletion": true,
        }]);
        let file = if self.image.contains(":1.") { "flink-conf.yaml" } else { "config.yaml" };
        world.create(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "flink-config-app", "namespace": "default", "ownerReferences": owners,
                "labels": {"app": "app", "type": "flink-native-kubernetes"},
            },
            "data": {file: self.configuration()},
        }));
        world.create(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "app-rest", "namespace": "default", "ownerReferences": owners},
            "spec": {"ports": [{"name": "rest", "port": 8081}], "selector": labels},
        }));
    }
}

/// Deletes the Deployment and waits until everything that it owns is gone.
async fn delete(world: &World) {
    let caller = world.caller("test");
    let options =
        DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    let kind = Kinds::known().plural("deployments");
    world.kubernetes(|kubernetes| {
        drop(kubernetes.delete(kind, "default", "app", &options, &caller).unwrap());
    });
    pass(5).await;
    let pods = Kinds::known().plural("pods");
    let left = world.kubernetes(|kubernetes| kubernetes.stored_list(pods, "default").len());
    assert_eq!(left, 0, "all pods are gone");
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn seconds_since(world: &World, began: Duration) -> u64 {
    world.clock().elapsed().saturating_sub(began).as_secs()
}

fn client(flink: &Flink, name: &str) -> FlinkCluster {
    let url = Url::parse("http://app-rest.default:8081").unwrap();
    FlinkRest::new(flink.transport(name)).cluster(&url).unwrap()
}

fn job_id() -> JobId {
    JobId::parse(JOB).unwrap()
}

/// The only job of the cluster.
#[track_caller]
fn job(flink: &Flink) -> JobView {
    let jobs = flink.jobs(RESOURCE);
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs[0].clone()
}

async fn overview(flink: &Flink) -> Result<JobOverview, RestError> {
    let mut jobs = client(flink, "test").jobs_overview().await?;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    Ok(jobs.remove(0))
}

/// A world with a running cluster.
async fn running(world: &World, cluster: &Cluster) -> Flink {
    let flink = Flink::new(world);
    cluster.create(world);
    pass(15).await;
    assert!(job(&flink).runs, "{:?}", job(&flink));
    flink
}

fn config_map(world: &World, name: &str) -> Option<Value> {
    world.get(Kinds::known().plural("configmaps"), "default", name)
}

fn pods(world: &World, component: &str) -> Vec<Value> {
    let kind = Kinds::known().plural("pods");
    let all = world.kubernetes(|kubernetes| kubernetes.stored_list(kind, "default"));
    all.iter()
        .map(|stored| stored.full())
        .filter(|pod| pod["metadata"]["labels"]["component"] == component)
        .collect()
}

fn request(trigger: u8) -> SavepointRequest {
    SavepointRequest {
        target_directory: None,
        format: SavepointFormat::Canonical,
        trigger: TriggerId::from_bytes([trigger; 16]),
    }
}

/// What is answered, as it is.
async fn raw(flink: &Flink, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://app-rest.default:8081{path}"))
        .body(RequestBody::from(Bytes::from(body)))
        .unwrap();
    let answer = flink.transport("raw").oneshot(request).await.unwrap();
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

/// Stops the job and waits for the path of its savepoint.
async fn stop(flink: &Flink) -> AsyncStatus<String> {
    let api = client(flink, "test");
    let request = request(1);
    api.stop_with_savepoint(job_id(), &request, StopMode::Suspend).await.unwrap();
    for _ in 0..100 {
        match api.savepoint_status(job_id(), request.trigger).await.unwrap() {
            AsyncStatus::InProgress => tokio::time::sleep(Duration::from_millis(100)).await,
            done @ (AsyncStatus::Completed(_) | AsyncStatus::Failed(_)) => return done,
        }
    }
    AsyncStatus::InProgress
}

#[track_caller]
fn assert_no_violations(flink: &Flink) {
    let all: Vec<String> = flink.violations().iter().map(Violation::to_string).collect();
    assert!(all.is_empty(), "{all:#?}");
}
