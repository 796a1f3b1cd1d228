//! Tests of the custom resource definitions on a real API server: what it stores, what it refuses, and its messages.
//!
//! Needs `KUBECONFIG`. Of the cluster only etcd and the API server have to run. The tests apply the definitions of this tree
//! and do not remove them.

#[path = "crds/changes.rs"]
mod changes;
#[path = "crds/filled.rs"]
mod filled;

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::cluster::Cluster;
use e2e::wait::eventually;
use flink_operator_api::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot, JobState,
    Stored,
};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
};
use kube::core::CustomResourceExt;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// A namespace on a cluster that has the definitions of this tree.
struct Place {
    cluster: Cluster,
    namespace: String,
}

impl Place {
    /// The namespace of the test.
    async fn new(test: &str) -> Self {
        let cluster = Cluster::connect().await.unwrap();
        static APPLIED: OnceCell<()> = OnceCell::const_new();
        APPLIED.get_or_init(|| apply_definitions(&cluster)).await;
        let millis = jiff::Timestamp::now().as_millisecond();
        let namespace = format!("crds-{test}-{millis}");
        let object = serde_json::from_value(json!({ "metadata": { "name": namespace } })).unwrap();
        Api::<Namespace>::all(cluster.client.clone())
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
        Self { cluster, namespace }
    }

    fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.cluster.client.clone(), &self.namespace, resource)
    }

    /// Applies an object with kubectl. The error is kubectl's message.
    fn apply(&self, object: &Value) -> Result<String, String> {
        self.cluster
            .kubectl(&["apply", "-n", &self.namespace, "-f", "-"], Some(&object.to_string()))
            .map_err(|error| error.to_string())
    }

    async fn get(&self, resource: &ApiResource, name: &str) -> Value {
        serde_json::to_value(self.api(resource).get(name).await.unwrap()).unwrap()
    }

    /// Replaces the status, as the operator does.
    async fn write_status(
        &self,
        resource: &ApiResource,
        name: &str,
        status: &Value,
    ) -> Result<Value, kube::Error> {
        let mut object = self.get(resource, name).await;
        object["status"] = status.clone();
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let written =
            self.api(resource).replace_status(name, &PostParams::default(), &object).await?;
        Ok(serde_json::to_value(written).unwrap())
    }

    async fn merge(
        &self,
        resource: &ApiResource,
        name: &str,
        patch: &Value,
    ) -> Result<DynamicObject, kube::Error> {
        self.api(resource).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    /// Removes everything that the test created.
    async fn clear(self, resources: &[ApiResource]) {
        for resource in resources {
            let deleted = self
                .api(resource)
                .delete_collection(&DeleteParams::default(), &ListParams::default())
                .await;
            drop(deleted.unwrap());
        }
        let namespaces = Api::<Namespace>::all(self.cluster.client);
        drop(namespaces.delete(&self.namespace, &DeleteParams::default()).await.unwrap());
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/flink-kubernetes-operator/crds")
}

/// Applies the chart's definitions with kubectl, and waits until the API server serves them.
async fn apply_definitions(cluster: &Cluster) {
    let folder = folder();
    let output = cluster.kubectl(&["apply", "-f", folder.to_str().unwrap()], None).unwrap();
    for resource in resources() {
        let name = format!("{}.flink.apache.org", resource.plural);
        assert!(output.contains(&name), "{output}");
        served(&cluster.client, &name).await;
    }
}

async fn served(client: &Client, name: &str) -> CustomResourceDefinition {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let is = |definition: &CustomResourceDefinition, condition: &str| {
        let conditions = definition.status.as_ref().and_then(|status| status.conditions.as_deref());
        conditions
            .unwrap_or_default()
            .iter()
            .any(|found| found.type_ == condition && found.status == "True")
    };
    eventually("the definition is served", Duration::from_secs(30), || async {
        let definition = api.get(name).await?;
        assert!(!is(&definition, "NonStructuralSchema"), "{:?}", definition.status);
        Ok(is(&definition, "Established").then_some(definition))
    })
    .await
    .unwrap()
}

fn resources() -> [ApiResource; 4] {
    [
        FlinkDeployment::api_resource(),
        FlinkSessionJob::api_resource(),
        FlinkStateSnapshot::api_resource(),
        FlinkBlueGreenDeployment::api_resource(),
    ]
}

fn schema<K: CustomResourceExt>() -> Value {
    let definition = serde_json::to_value(K::crd()).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

fn object(resource: &ApiResource, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": resource.api_version, "kind": resource.kind,
        "metadata": { "name": name }, "spec": spec,
    })
}

fn good_spec() -> Value {
    json!({
        "image": "flink:2.2", "flinkVersion": "v2_2", "serviceAccount": "flink",
        "jobManager": { "resource": { "cpu": 1, "memory": "1024m" } },
        "taskManager": { "resource": { "cpu": 1, "memory": "1024m" } },
        "job": { "jarURI": "local:///opt/flink/job.jar", "parallelism": 2 },
    })
}

fn merged(base: &Value, change: &Value) -> Value {
    fn merge(base: &mut Value, change: &Value) {
        match (base, change) {
            (Value::Object(base), Value::Object(change)) => {
                for (name, value) in change {
                    merge(base.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
            (base, change) => *base = change.clone(),
        }
    }
    let mut result = base.clone();
    merge(&mut result, change);
    result
}

/// Values that satisfy the CEL rules, for an object with every field.
fn to_please_the_rules(path: &str) -> Option<Value> {
    let value = match path.strip_prefix(".template.spec").unwrap_or(path) {
        ".flinkVersion" => json!("v2_2"),
        ".deploymentName" => json!("cluster"),
        ".logConfiguration" => {
            json!({ "log4j-console.properties": "x", "logback-console.xml": "y" })
        }
        ".jobManager.resources.limits" | ".taskManager.resources.limits" => {
            json!({ "cpu": 2, "memory": "2Gi" })
        }
        ".jobManager.resources.requests" | ".taskManager.resources.requests" => {
            json!({ "cpu": "500m", "memory": "2Gi", "example.com/gpu": 1 })
        }
        _ => return None,
    };
    Some(value)
}

/// Creates an object with every field, writes a status with every field, and reads both back.
async fn check_round_trip<K>(place: &Place, name: &str, but: &[&str])
where
    K: CustomResourceExt + serde::de::DeserializeOwned,
{
    let resource = K::api_resource();
    let schema = schema::<K>();
    let mut spec = filled::filled(&schema["properties"]["spec"], "", &to_please_the_rules);
    let status = filled::filled(&schema["properties"]["status"], "", &|_| None);
    for member in but {
        spec.as_object_mut().unwrap().remove(*member);
    }

    place.apply(&object(&resource, name, spec.clone())).unwrap();
    let stored = place.get(&resource, name).await;
    assert_eq!(stored["spec"], spec);
    place.write_status(&resource, name, &status).await.unwrap();
    let stored = place.get(&resource, name).await;
    assert_eq!(stored["status"], status);
    assert_eq!(stored["spec"], spec);
    let read: Stored<K> = serde_json::from_value(stored).unwrap();
    assert!(read.readable().is_some(), "our own types read it");
    println!(
        "{name}: {} fields of the spec and {} of the status came back",
        filled::leaves(&spec),
        filled::leaves(&status)
    );
}

#[tokio::test]
async fn every_field_of_every_kind_survives_a_round_trip() {
    let place = Place::new("round-trip").await;
    check_round_trip::<FlinkDeployment>(&place, "deployment", &[]).await;
    check_round_trip::<FlinkSessionJob>(&place, "session-job", &[]).await;
    check_round_trip::<FlinkStateSnapshot>(&place, "savepoint", &["checkpoint"]).await;
    check_round_trip::<FlinkStateSnapshot>(&place, "checkpoint", &["savepoint"]).await;
    check_round_trip::<FlinkBlueGreenDeployment>(&place, "blue-green", &[]).await;
    place.clear(&resources()).await;
}

#[tokio::test]
async fn kubectl_apply_stores_the_definitions_and_finds_nothing_to_change_the_next_time() {
    let place = Place::new("apply").await;
    let folder = folder();
    let again = place.cluster.kubectl(&["apply", "-f", folder.to_str().unwrap()], None).unwrap();
    assert_eq!(again.lines().filter(|line| line.ends_with("unchanged")).count(), 4, "{again}");
    for resource in resources() {
        let definition =
            served(&place.cluster.client, &format!("{}.flink.apache.org", resource.plural)).await;
        let annotations = definition.metadata.annotations.unwrap();
        let stored = annotations.get("kubectl.kubernetes.io/last-applied-configuration").unwrap();
        println!("{}: kubectl stored {} bytes", resource.plural, stored.len());
    }
    place.clear(&[]).await;
}

#[tokio::test]
async fn bad_resources_are_refused_in_words_that_help() {
    let place = Place::new("refused").await;
    let deployment = |change: Value| {
        object(&FlinkDeployment::api_resource(), "bad", merged(&good_spec(), &change))
    };
    let session_job = |spec: Value| object(&FlinkSessionJob::api_resource(), "bad", spec);
    let snapshot = |spec: Value| object(&FlinkStateSnapshot::api_resource(), "bad", spec);
    let blue_green = |spec: Value| {
        object(
            &FlinkBlueGreenDeployment::api_resource(),
            "bad",
            json!({ "template": { "spec": spec } }),
        )
    };
    let container = |member: &str, value: Value| json!({ "podTemplate": { "spec": { "containers": [{ "name": "c", member: value }] } } });
    let mut misnamed = deployment(json!({}));
    misnamed["metadata"]["name"] = json!("1st.cluster");
    let cases = [
        (
            deployment(json!({ "flinkVersion": "1.20" })),
            "spec.flinkVersion",
            "\"1.20\" is not a version of Flink; write it like v1_20 or v2_2",
        ),
        (
            deployment(json!({ "flinkVersion": null })),
            "spec.flinkVersion",
            "must be set to the version of Flink in the image",
        ),
        (
            deployment(json!({ "serviceAccount": null })),
            "spec.serviceAccount",
            "must be set to the service account",
        ),
        (deployment(json!({ "job": { "parallelism": 0 } })), "spec.job.parallelism", "at least 1"),
        (
            deployment(json!({ "job": { "parallelism": null } })),
            "spec.job.parallelism",
            "must be set",
        ),
        (
            deployment(json!({ "job": { "parallelism": "two" } })),
            "spec.job.parallelism",
            "must be of type integer",
        ),
        (
            deployment(json!({ "job": { "upgradeMode": "carefully" } })),
            "spec.job.upgradeMode",
            "supported values: \"savepoint\", \"last-state\", \"stateless\"",
        ),
        (
            deployment(json!({ "jobManager": { "replicas": 0 } })),
            "spec.jobManager.replicas",
            "at least 1 JobManager",
        ),
        (
            deployment(json!({ "taskManager": { "replicas": -1 } })),
            "spec.taskManager.replicas",
            "at least 1 TaskManager",
        ),
        (
            deployment(json!({ "ingress": { "className": "nginx" } })),
            "spec.ingress.template",
            "must be set",
        ),
        (
            deployment(json!({ "logConfiguration": { "log4j.properties": "" } })),
            "spec.logConfiguration",
            "the only keys are",
        ),
        (
            deployment(
                json!({ "jobManager": { "resources": { "requests": { "cpu": 2 }, "limits": { "cpu": "1500m" } } } }),
            ),
            "spec.jobManager.resources.requests",
            "the request of cpu must not exceed its limit",
        ),
        (
            deployment(json!({ "taskManager": { "resources": { "limits": { "cpu": 0 } } } })),
            "spec.taskManager.resources.limits",
            "greater than 0",
        ),
        (deployment(json!({ "jobmanager": {} })), "unknown field \"spec.jobmanager\"", ""),
        (
            deployment(container("imagePullPolcy", json!("Always"))),
            "unknown field \"spec.podTemplate.spec.containers[0].imagePullPolcy\"",
            "",
        ),
        (
            deployment(container("args", json!("--all"))),
            "spec.podTemplate.spec.containers[0].args",
            "must be of type array",
        ),
        (
            deployment(container("ports", json!([{ "containerPort": "http" }]))),
            "spec.podTemplate.spec.containers[0].ports[0].containerPort",
            "must be of type integer",
        ),
        (misnamed, "metadata.name", "\"1st.cluster\" cannot be the name of a Flink cluster"),
        (session_job(json!({ "deploymentName": "cluster" })), "spec.job", "must be set"),
        (session_job(json!({ "job": { "parallelism": 1 } })), "spec.deploymentName", "must be set"),
        (
            session_job(json!({ "deploymentName": "My_Cluster", "job": {} })),
            "spec.deploymentName",
            "\"My_Cluster\" cannot be the name",
        ),
        (
            snapshot(json!({ "jobReference": { "kind": "FlinkDeployment", "name": "a" } })),
            "spec",
            "exactly one of savepoint and checkpoint",
        ),
        (
            snapshot(json!({ "jobReference": {}, "savepoint": {}, "checkpoint": {} })),
            "spec",
            "exactly one of savepoint and checkpoint",
        ),
        (snapshot(json!({ "savepoint": {} })), "spec.jobReference", "must be set"),
        (snapshot(json!(null)), "spec", "exactly one of savepoint and checkpoint"),
        (
            blue_green(json!({ "flinkVersion": "2.2" })),
            "spec.template.spec.flinkVersion",
            "\"2.2\" is not a version of Flink",
        ),
        (
            blue_green(container("stdinn", json!(true))),
            "unknown field \"spec.template.spec.podTemplate.spec.containers[0].stdinn\"",
            "",
        ),
    ];
    for (object, path, part) in cases {
        let Err(refusal) = place.apply(&object) else { panic!("accepted: {object}") };
        println!("{refusal}\n");
        assert!(
            refusal.contains(path) && refusal.contains(part),
            "expected {path}: …{part}…, but got: {refusal}"
        );
    }
    for resource in resources() {
        assert!(place.api(&resource).list(&ListParams::default()).await.unwrap().items.is_empty());
    }
    place.clear(&[]).await;
}

#[tokio::test]
async fn versions_that_are_not_known_yet_are_kept() {
    let place = Place::new("versions").await;
    let resource = FlinkDeployment::api_resource();
    for version in ["v1_13", "v1_20", "v2_4", "v2_17", "v3_0"] {
        let name = version.replace('_', "-");
        place
            .apply(&object(
                &resource,
                &name,
                merged(&good_spec(), &json!({ "flinkVersion": version })),
            ))
            .unwrap();
        assert_eq!(place.get(&resource, &name).await["spec"]["flinkVersion"], version);
    }
    place.clear(&[resource]).await;
}

#[tokio::test]
async fn a_null_is_as_good_as_nothing_except_in_a_configuration() {
    let place = Place::new("nulls").await;
    let resource = FlinkDeployment::api_resource();
    let spec = json!({
        "flinkVersion": "v2_2", "serviceAccount": "flink", "mode": null, "ingress": null, "logConfiguration": null,
        "job": { "parallelism": 2, "state": null, "args": null, "upgradeMode": null },
        "jobManager": { "replicas": null }, "taskManager": { "replicas": null, "resource": { "memory": null } },
        "podTemplate": { "metadata": null, "spec": { "containers": [{ "name": "c", "image": null }] } },
        "flinkConfiguration": { "a": null, "b": { "c": null } },
    });
    // kubectl apply leaves nulls out itself, so the object is created.
    let object = serde_json::from_value(object(&resource, "nulls", spec)).unwrap();
    place.api(&resource).create(&PostParams::default(), &object).await.unwrap();
    let stored = place.get(&resource, "nulls").await;
    let expected = json!({
        "flinkVersion": "v2_2", "serviceAccount": "flink",
        "job": { "parallelism": 2 }, "jobManager": {}, "taskManager": { "resource": {} },
        "podTemplate": { "spec": { "containers": [{ "name": "c" }] } },
        "flinkConfiguration": { "a": null, "b": { "c": null } },
    });
    assert_eq!(stored["spec"], expected);
    let read: FlinkDeployment = serde_json::from_value(stored).unwrap();
    assert_eq!(read.spec.job.unwrap().state, Some(JobState::Running), "the default counts");
    place.clear(&[resource]).await;
}

#[tokio::test]
async fn canaries_need_no_spec() {
    let place = Place::new("canaries").await;
    let kinds = [FlinkDeployment::api_resource(), FlinkSessionJob::api_resource()];
    for resource in &kinds {
        let mut canary = object(resource, "canary", Value::Null);
        canary["metadata"]["labels"] = json!({ "flink.apache.org/canary": "true" });
        canary.as_object_mut().unwrap().remove("spec");
        place.apply(&canary).unwrap();
        place.merge(resource, "canary", &json!({ "spec": { "restartNonce": 1 } })).await.unwrap();
        place
            .merge(
                resource,
                "canary",
                &json!({ "metadata": { "finalizers": ["example.com/test"] } }),
            )
            .await
            .unwrap();
        place
            .merge(resource, "canary", &json!({ "metadata": { "finalizers": null } }))
            .await
            .unwrap();
    }
    place.clear(&kinds).await;
}

#[tokio::test]
async fn kubectl_explains_lists_and_scales() {
    let place = Place::new("kubectl").await;
    let explained = |path: &str| place.cluster.kubectl(&["explain", path], None).unwrap();
    for (path, parts) in [
        ("flinkdep.spec.job", ["upgradeMode", "savepoint` stops the job with a savepoint"]),
        ("flinkdep.spec.flinkVersion", ["<string>", "for example `v1_20` or `v2_2`"]),
        ("sessionjob.spec", ["deploymentName", "whose cluster runs the job"]),
        ("flinksnp.spec.savepoint", ["disposeOnDelete", "deleted with this resource"]),
        (
            "flinkbgdep.spec.template.spec.podTemplate.spec.containers",
            ["imagePullPolicy", "<string>"],
        ),
        ("flinkdep.status.reconciliationStatus", ["lastStableSpec", "a rollback returns to it"]),
    ] {
        // kubectl breaks lines where it likes.
        let text = explained(path).split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(text.contains(part), "{path}: {part} is not in: {text}");
        }
    }

    let resource = FlinkDeployment::api_resource();
    let spec =
        merged(&good_spec(), &json!({ "mode": "standalone", "taskManager": { "replicas": 2 } }));
    place.apply(&object(&resource, "listed", spec)).unwrap();
    let status = json!({
        "jobStatus": { "state": "RUNNING" }, "lifecycleState": "STABLE",
        "taskManager": { "replicas": 2, "labelSelector": "component=taskmanager,app=listed" },
    });
    place.write_status(&resource, "listed", &status).await.unwrap();
    let listed = place.cluster.kubectl(&["get", "flinkdep", "-n", &place.namespace], None).unwrap();
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(lines, [["NAME", "JOB STATUS", "LIFECYCLE STATE"], ["listed", "RUNNING", "STABLE"]]);
    let scale = [
        "scale",
        "flinkdep/listed",
        "-n",
        &place.namespace,
        "--current-replicas=2",
        "--replicas=5",
    ];
    place.cluster.kubectl(&scale, None).unwrap();
    assert_eq!(place.get(&resource, "listed").await["spec"]["taskManager"]["replicas"], 5);
    place.clear(&[resource]).await;
}
