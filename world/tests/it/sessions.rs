//! Session clusters in the world: the jobs that users run in them outlive what happens to their cluster.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flink_operator_api::{FlinkDeployment, LifecycleState};
use flink_rest::jars::{JarContent, RunRequest};
use flink_rest::{FlinkRelease, FlinkRest, JarName, JobId};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use simulated_flink::Flink;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::request::{Target, Verb};
use simulated_kubernetes::{World, run};
use url::Url;
use world::operator::{Operator, Process, client};

const RESOURCE: &str = "default/app";

/// The operator with the controllers of all kinds.
fn process() -> Process {
    Process { kinds: world::operator::Kinds::All, ..Process::named("operator") }
}

/// What a test acts on.
struct Stage {
    world: World,
    flink: Flink,
    _operator: Operator,
}

fn session_cluster(restarts: &str) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "app", "namespace": "default"},
        "spec": {
            "image": "flink:2.2", "flinkVersion": "v2_2", "serviceAccount": "flink",
            "jobManager": {"resource": {"cpu": 1.0, "memory": "1g"}},
            "taskManager": {"resource": {"cpu": 1.0, "memory": "1g"}},
            "flinkConfiguration": {
                "high-availability.type": "kubernetes",
                "high-availability.storageDir": "s3://state/ha",
                "execution.checkpointing.interval": "10 s",
                "execution.checkpointing.dir": "s3://state/checkpoints",
                "restart-strategy.type": restarts,
            },
        },
    })
}

fn session_job() -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob",
        "metadata": {
            "name": "counter", "namespace": "default",
            "finalizers": ["flinksessionjobs.flink.apache.org/finalizer"],
        },
        "spec": {
            "deploymentName": "app",
            "job": {"jarURI": "https://example.org/job.jar", "parallelism": 1, "upgradeMode": "stateless"},
        },
    })
}

impl Stage {
    /// A session cluster that is ready, with a job that has completed checkpoints.
    async fn with_job(world: &World, restarts: &str) -> Self {
        world.create(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flink", "namespace": "default"},
        }));
        let flink = Flink::new(world);
        let operator = Operator::start(world, process(), flink.transport("operator"));
        world.create(session_cluster(restarts));
        let stage = Self { world: world.clone(), flink, _operator: operator };
        stage.until("the cluster to be stable", Self::is_stable).await;
        let url = Url::parse("http://app-rest.default:8081").unwrap();
        let api = FlinkRest::new(stage.flink.transport("user")).cluster(&url).unwrap();
        let content = JarContent::Bytes(Bytes::from_static(b"PK"));
        let jar = api.upload_jar(&JarName::from_file_name("job.jar"), content).await.unwrap();
        let request = RunRequest {
            job_id: Some(JobId::from_bytes([9; 16])),
            parallelism: Some(1),
            ..RunRequest::default()
        };
        api.run_jar(FlinkRelease::new(2, 2), &jar, &request).await.unwrap();
        stage.until_checkpoints(2).await;
        stage
    }

    fn resource(&self) -> Option<FlinkDeployment> {
        let kind = Kinds::known().plural("flinkdeployments");
        serde_json::from_value(self.world.get(kind, "default", "app")?).ok()
    }

    fn api(&self) -> Api<FlinkDeployment> {
        Api::namespaced(client(&self.world, "user"), "default")
    }

    async fn edit(&self, patch: Value) {
        self.api().patch("app", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    async fn delete(&self) {
        self.api().delete("app", &DeleteParams::default()).await.unwrap();
    }

    async fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        for _ in 0..2_400 {
            if reached(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let status = self.resource().map(|resource| resource.status);
        panic!("waited in vain for {what}: {status:?}, jobs {:?}", self.flink.jobs(RESOURCE));
    }

    async fn until_checkpoints(&self, more: u64) {
        let count = |stage: &Self| {
            let jobs = stage.flink.jobs(RESOURCE);
            jobs.iter().filter(|job| job.runs).map(|job| job.completed_checkpoints).sum::<u64>()
        };
        let before = count(self);
        self.until("checkpoints", |stage| count(stage) >= before + more).await;
    }

    /// The newest spec is deployed, and its JobManager answers.
    fn is_stable(&self) -> bool {
        self.resource().is_some_and(|resource| {
            let status = resource.status.clone().unwrap_or_default();
            status.lifecycle_state == Some(LifecycleState::Stable)
                && status.job_manager_deployment_status
                    == flink_operator_api::JobManagerDeploymentStatus::Ready
                && status.observed_generation == resource.metadata.generation
        })
    }

    fn job_goes_on(&self) -> bool {
        let id = JobId::from_bytes([9; 16]).to_string();
        self.flink.jobs(RESOURCE).iter().any(|job| job.id == id && job.runs)
    }

    fn check(&self) {
        assert_eq!(self.flink.violations(), [], "no record is lost or committed twice");
        assert_eq!(self.resource().unwrap().status.unwrap().job_status.state, None);
    }

    /// The error of the status.
    fn error(&self) -> String {
        let status = self.resource().and_then(|resource| resource.status);
        status.and_then(|status| status.error).unwrap_or_default()
    }

    fn events(&self, reason: &str) -> usize {
        let kind = Kinds::known().plural("events");
        let all = self.world.kubernetes(|kubernetes| kubernetes.stored_list(kind, "default"));
        all.iter().filter(|event| event.object["reason"] == reason).count()
    }

    async fn delete_object(&self, plural: &str, name: &str) {
        let kind = Kinds::known().plural(plural);
        let resource = kube::core::ApiResource {
            group: kind.group.clone(),
            version: kind.version.clone(),
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            plural: kind.plural.clone(),
        };
        let api: Api<kube::core::DynamicObject> =
            Api::namespaced_with(client(&self.world, "user"), "default", &resource);
        drop(api.delete(name, &DeleteParams::default()).await.unwrap());
    }
}

#[test]
fn jobs_go_on_when_their_session_cluster_is_changed() {
    run(1, |world| async move {
        // A job that sees its TaskManagers end before its JobManager is given up, and its data with it.
        let stage = Stage::with_job(&world, "none").await;
        stage
            .edit(json!({"spec": {"flinkConfiguration": {"taskmanager.numberOfTaskSlots": "4"}}}))
            .await;
        stage.until("the change to be stable", Stage::is_stable).await;
        stage.until("the job to go on", Stage::job_goes_on).await;
        stage.until_checkpoints(1).await;
        stage.check();
    });
}

#[test]
fn jobs_go_on_when_their_session_cluster_is_lost() {
    run(2, |world| async move {
        // Whoever deletes the Deployment ends the TaskManagers first.
        let stage = Stage::with_job(&world, "exponential-delay").await;
        stage.delete_object("deployments", "app").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        stage.until("the cluster to be there again", Stage::is_stable).await;
        stage.until("the job to go on", Stage::job_goes_on).await;
        stage.until_checkpoints(1).await;
        stage.check();
    });
}

#[test]
fn session_cluster_is_deleted_when_nothing_runs_in_it_any_more() {
    run(3, |world| async move {
        let stage = Stage::with_job(&world, "none").await;
        world.create(session_job());
        tokio::time::sleep(Duration::from_secs(5)).await;
        stage.delete().await;
        stage.until("the session job to be named", |stage| stage.error().contains("counter")).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(stage.events("CleanupFailed"), 1, "it is told once");
        assert!(stage.job_goes_on(), "nothing of the cluster is touched");

        stage.delete_object("flinksessionjobs", "counter").await;
        let id = JobId::from_bytes([9; 16]).to_string();
        stage.until("the job to be named", |stage| stage.error().contains(&id)).await;
        assert!(stage.job_goes_on(), "nothing of the cluster is touched");

        stage.flink.cancel_job(RESOURCE);
        stage.until("the resource to be gone", |stage| stage.resource().is_none()).await;
        let left = world.kubernetes(|kubernetes| {
            let kinds =
                ["configmaps", "deployments", "pods"].map(|kind| Kinds::known().plural(kind));
            kinds.map(|kind| kubernetes.stored_list(kind, "default").len())
        });
        assert_eq!(left, [0, 0, 0]);
        assert_eq!(stage.flink.violations(), []);
    });
}

#[test]
fn session_cluster_is_deleted_with_its_jobs_if_the_user_says_so() {
    run(4, |world| async move {
        let stage = Stage::with_job(&world, "none").await;
        stage.delete().await;
        stage.until("the deletion to wait", |stage| stage.events("CleanupFailed") == 1).await;
        let option = "kubernetes.operator.session.deletion.block-on-unmanaged-jobs";
        stage.edit(json!({"spec": {"flinkConfiguration": {option: "false"}}})).await;
        stage.until("the resource to be gone", |stage| stage.resource().is_none()).await;
    });
}

/// The API server takes no status from whoever creates an object.
fn set_status(world: &World, plural: &str, object: &Value) {
    let kind = Kinds::known().plural(plural);
    let name = object["metadata"]["name"].as_str().unwrap();
    let mut stored = world.get(kind, "default", name).unwrap();
    stored["status"] = object["status"].clone();
    let target = Target {
        kind: Arc::clone(kind),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        subresource: "status".to_owned(),
        verb: Verb::Update,
    };
    let caller = world.caller("java-operator");
    let written = world.kubernetes(|kubernetes| kubernetes.update(&target, stored, &caller));
    written.unwrap_or_else(|refusal| panic!("refused: {}", refusal.message));
}

/// What is released, and the note of the event about it.
fn check_released(object: &Value, plural: &'static str, note: &str) {
    let (object, note) = (object.clone(), note.to_owned());
    run(5, |world| async move {
        let name = object["metadata"]["name"].as_str().unwrap();
        let flink = Flink::new(&world);
        let operator = Operator::start(&world, process(), flink.transport("operator"));
        world.create(object.clone());
        set_status(&world, plural, &object);
        let stage = Stage { world: world.clone(), flink, _operator: operator };
        tokio::time::sleep(Duration::from_secs(5)).await;
        let kind = Kinds::known().plural(plural);
        let is_there = |stage: &Stage| stage.world.get(kind, "default", name).is_some();
        assert!(is_there(&stage), "nothing is done before its deletion");
        stage.delete_object(plural, name).await;
        stage.until("the resource to be gone", |stage| !is_there(stage)).await;
        let events = Kinds::known().plural("events");
        let events = world.kubernetes(|kubernetes| kubernetes.stored_list(events, "default"));
        let told = |found: &Value| {
            let note = found.get("note").or_else(|| found.get("message"));
            note.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let notes: Vec<String> = events.iter().map(|event| told(&event.object)).collect();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains(&note), "{notes:?}");
    });
}

/// Of the Java operator, with the status that it writes.
fn with_finalizer(mut object: Value, finalizer: &str, status: Value) -> Value {
    object["metadata"]["finalizers"] = json!([finalizer]);
    object["status"] = status;
    object
}

#[test]
fn session_job_of_the_java_operator_can_be_deleted() {
    let finalizer = "flinksessionjobs.flink.apache.org/finalizer";
    let running = json!({"jobStatus": {"jobId": "09", "state": "RUNNING"}});
    let job = with_finalizer(session_job(), finalizer, running);
    check_released(&job, "flinksessionjobs", "job 09 still runs in the session cluster app");
    let finished = json!({"jobStatus": {"jobId": "09", "state": "FINISHED"}});
    let job = with_finalizer(session_job(), finalizer, finished);
    check_released(&job, "flinksessionjobs", "Nothing was left to do");
}

#[test]
fn snapshot_of_the_java_operator_can_be_deleted() {
    let finalizer = "flinkstatesnapshots.flink.apache.org/finalizer";
    let snapshot = |disposes: bool| {
        let object = json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkStateSnapshot",
            "metadata": {"name": "snapshot", "namespace": "default"},
            "spec": {
                "jobReference": {"kind": "FlinkDeployment", "name": "app"},
                "savepoint": {"disposeOnDelete": disposes},
            },
        });
        let status = json!({"state": "COMPLETED", "path": "s3://state/savepoint-1"});
        with_finalizer(object, finalizer, status)
    };
    check_released(&snapshot(true), "flinkstatesnapshots", "still at s3://state/savepoint-1");
    check_released(&snapshot(false), "flinkstatesnapshots", "Nothing was left to do");
}
