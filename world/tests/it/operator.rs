//! The operator runs in the world.

use std::time::Duration;

use bytes::Bytes;
use flink_operator::deadline::REQUEST;
use flink_rest::{Transport, TransportError};
use serde_json::json;
use simulated_kubernetes::fault::{Effect, FaultPlan, Fits, RequestFault, When};
use simulated_kubernetes::{World, run};
use world::operator::{Operator, Process, client};

/// A Flink that nobody reaches.
fn nowhere() -> Transport {
    Transport::of_bytes(tower::service_fn(|_: http::Request<Bytes>| async {
        let reason = "connection refused".to_owned();
        Err::<http::Response<Bytes>, _>(TransportError::Connect { reason, timed_out: false })
    }))
}

fn application() -> serde_json::Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "app", "namespace": "default"},
        "spec": {
            "image": "flink:2.2", "flinkVersion": "v2_2", "serviceAccount": "flink",
            "jobManager": {"resource": {"cpu": 1.0, "memory": "1g"}},
            "taskManager": {"resource": {"cpu": 1.0, "memory": "1g"}},
            "job": {"jarURI": "local:///opt/job.jar", "parallelism": 1, "upgradeMode": "stateless"},
        },
    })
}

/// What the operator has asked for, apart from lists and watches.
fn requests(world: &World) -> Vec<String> {
    let log = world.log();
    let ours = log.iter().filter(|entry| entry.client == "operator" && entry.method != "GET");
    ours.map(|entry| {
        let path = entry.address.split('?').next().unwrap_or_default();
        let place = path.find("/default/").map_or(0, |start| start + "/default/".len());
        format!("{} {}", entry.method, path.get(place..).unwrap_or_default())
    })
    .collect()
}

fn deployed(seed: u64, kill_after: Option<Duration>) -> (Vec<String>, String) {
    run(seed, |world| async move {
        world.create(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flink", "namespace": "default"},
        }));
        let operator = Operator::start(&world, Process::named("operator"), nowhere());
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.create(application());
        if let Some(time) = kill_after {
            tokio::time::sleep(time).await;
            operator.kill();
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        (requests(&world), world.digest())
    })
}

const FIRST_DEPLOYMENT: [&str; 8] = [
    "PATCH flinkdeployments/app",
    "PATCH flinkdeployments/app/status",
    "POST deployments",
    "POST configmaps",
    "POST services",
    "POST services",
    "PATCH flinkdeployments/app/status",
    "POST events",
];

#[test]
fn first_deployment_costs_eight_requests_and_the_same_seed_gives_the_same_bytes() {
    let (requests, digest) = deployed(1, None);
    assert_eq!(requests, FIRST_DEPLOYMENT);
    assert_eq!(deployed(1, None).1, digest);
}

#[test]
fn operator_that_is_killed_is_followed_by_one_that_goes_on() {
    for millis in (0..30).step_by(5) {
        let (requests, _) = deployed(1, Some(Duration::from_millis(millis)));
        let count = |what: &str| requests.iter().filter(|request| *request == what).count();
        // What was under way when the process died may be asked for twice: it is refused the second time.
        assert!(
            (1..=2).contains(&count("POST deployments")),
            "killed after {millis} ms: {requests:#?}"
        );
        assert!(
            count("PATCH flinkdeployments/app/status") >= 2,
            "killed after {millis} ms: {requests:#?}"
        );
    }
}

/// The operator's own limit is shorter than the patience of the connection.
#[test]
fn request_of_the_operator_that_hangs_is_given_up() {
    run(1, |world| async move {
        let fault = RequestFault { fits: Fits::default(), when: When::ONCE, effect: Effect::Hang };
        world.plan(FaultPlan { requests: vec![fault], watches: Vec::new() });
        let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
            kube::Api::namespaced(client(&world, "operator"), "default");
        assert!(api.get_opt("a").await.is_err());
        let waited = world.clock().elapsed();
        assert!(waited >= REQUEST && waited < REQUEST * 2, "{waited:?}");
    });
}
