//! The world as its clients see it, through the real `kube::Client`.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::Status;
use kube::{Api, Client};
use serde_json::{Value, json};

mod apply;
mod faults;
mod reads;
mod same_bytes;
mod verbs;
mod watches;

fn config_maps(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), "default")
}

fn deployments(client: &Client) -> Api<Deployment> {
    Api::namespaced(client.clone(), "default")
}

/// A custom resource, without a type of ours in between.
fn flink_deployments(client: &Client) -> Api<kube::core::DynamicObject> {
    let kind = kube::core::GroupVersionKind::gvk("flink.apache.org", "v1beta1", "FlinkDeployment");
    Api::namespaced_with(client.clone(), "default", &kube::core::ApiResource::from_gvk(&kind))
}

fn config_map(name: &str, data: Value) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": data})).unwrap()
}

/// A FlinkDeployment that the rules of its definition let through.
fn flink_deployment(name: &str) -> kube::core::DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name},
        "spec": {
            "image": "flink:2.2.1",
            "flinkVersion": "v2_2",
            "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"},
            "serviceAccount": "flink",
            "jobManager": {"resource": {"memory": "2048m", "cpu": 1}},
            "taskManager": {"resource": {"memory": "2048m", "cpu": 1}},
            "job": {"jarURI": "local:///job.jar", "parallelism": 2, "upgradeMode": "stateless"},
        },
    }))
    .unwrap()
}

/// The refusal of a request that has to be refused.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> Status {
    let error = result.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("no answer of the API server: {error}") };
    *status
}
