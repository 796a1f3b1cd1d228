//! Clusters made of the objects that the operator builds.

use std::time::Duration;

use flink_operator_core::build::native::{ClusterInput, ClusterMode, build};
use flink_operator_core::flink_version::FlinkVersion;
use flink_rest::{FlinkCluster, FlinkRest};
use serde_json::{Value, json};
use simulated_flink::Flink;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::{World, run};

const RESOURCE: &str = "default/app";
const JOB: &str = "0123456789abcdef0123456789abcdef";

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn client(flink: &Flink) -> FlinkCluster {
    let url = "http://app-rest.default:8081".parse().unwrap();
    FlinkRest::new(flink.transport("test")).cluster(&url).unwrap()
}

/// Whether the container of the JobManager's pod is ready.
fn is_ready(world: &World) -> bool {
    let kind = Kinds::known().plural("pods");
    let pods = world.kubernetes(|kubernetes| kubernetes.stored_list(kind, "default"));
    let is_job_manager =
        |pod: &&Value| pod.pointer("/metadata/labels/component") == Some(&json!("jobmanager"));
    let pods: Vec<Value> = pods.iter().map(|stored| stored.full()).collect();
    let pod = pods.iter().find(is_job_manager).unwrap();
    pod.pointer("/status/containerStatuses/0/ready") == Some(&json!(true))
}

/// Creates a cluster as the operator does, with the image that it takes.
fn create(world: &World, version: FlinkVersion, mode: ClusterMode) {
    let configuration = [
        ("kubernetes.cluster-id", "app"),
        ("kubernetes.namespace", "default"),
        ("execution.target", mode.target()),
        ("jobmanager.memory.process.size", "1600m"),
        ("taskmanager.memory.process.size", "1728m"),
        ("taskmanager.numberOfTaskSlots", "4"),
        ("parallelism.default", "3"),
        ("pipeline.name", "counter"),
        ("pipeline.jars", "local:///opt/flink/usrlib/job.jar"),
        ("$internal.pipeline.job-id", JOB),
        ("execution.checkpointing.interval", "10 s"),
        ("execution.checkpointing.dir", "s3://bucket/checkpoints"),
        ("execution.shutdown-on-application-finish", "false"),
        ("high-availability.type", "kubernetes"),
        ("high-availability.storageDir", "s3://bucket/ha"),
    ];
    let input = ClusterInput::new(version, mode, configuration.into_iter().collect());
    let objects = build(input).unwrap();
    let place = |mut object: Value| {
        object["metadata"]["namespace"] = json!("default");
        world.create(object)
    };
    let deployment = place(objects.deployment.clone());
    for object in objects.owned_by("app", object::uid(&deployment)).accompanying {
        place(object);
    }
}

#[test]
fn what_the_operator_builds_runs_in_every_version() {
    for (version, release) in [
        (FlinkVersion::V1_19, "1.19.3"),
        (FlinkVersion::V1_20, "1.20.5"),
        (FlinkVersion::V2_0, "2.0.2"),
        (FlinkVersion::V2_1, "2.1.3"),
        (FlinkVersion::V2_2, "2.2.1"),
        (FlinkVersion::V2_3, "2.3.0"),
    ] {
        run(1, |world| async move {
            let flink = Flink::new(&world);
            create(&world, version, ClusterMode::Application);
            pass(60).await;
            let [job] = <[_; 1]>::try_from(flink.jobs(RESOURCE)).unwrap();
            assert!(job.runs && job.completed_checkpoints > 3, "{version}: {job:?}");
            assert_eq!((job.id.as_str(), job.parallelism), (JOB, 3));
            assert_eq!(client(&flink).config().await.unwrap().flink_version, release);
            assert!(is_ready(&world));
            assert_eq!(flink.violations(), []);
        });
    }
}

#[test]
fn a_session_cluster_of_the_operator_waits_for_jobs() {
    run(2, |world| async move {
        let flink = Flink::new(&world);
        create(&world, FlinkVersion::V2_2, ClusterMode::Session);
        pass(15).await;
        assert_eq!(client(&flink).jobs_overview().await.unwrap(), []);
    });
}
