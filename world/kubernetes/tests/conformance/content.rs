//! What objects are made of: a few values for each field, so that sequences meet in them.

use serde_json::{Value, json};
use simulated_kubernetes::chance::Chance;

use crate::operation::Resource;

/// Names of objects: few, so that operations meet.
pub const NAMES: [&str; 3] = ["a", "b", "c"];
pub const MANAGERS: [&str; 4] = ["", "one", "two", "three"];
pub const TIERS: [&str; 3] = ["x", "y", "z"];

pub fn maybe(
    chance: &mut Chance,
    percent: u64,
    object: &mut Value,
    field: &str,
    value: impl FnOnce(&mut Chance) -> Value,
) {
    if chance.percent(percent) {
        object[field] = value(chance);
    }
}

pub fn one<T: Clone>(chance: &mut Chance, choices: &[T]) -> T {
    chance.pick(choices).expect("there are choices").clone()
}

/// Metadata that a client writes.
pub fn metadata(chance: &mut Chance, name: Option<&str>) -> Value {
    let mut metadata = json!({});
    if let Some(name) = name {
        metadata["name"] = json!(name);
    }
    maybe(chance, 50, &mut metadata, "labels", labels);
    maybe(
        chance,
        30,
        &mut metadata,
        "annotations",
        |chance| json!({ one(chance, &["note", "example.com/more"]): one(chance, &["1", "2"]) }),
    );
    maybe(chance, 15, &mut metadata, "finalizers", finalizers);
    maybe(chance, 25, &mut metadata, "ownerReferences", |chance| {
        let count = 1 + chance.below(2);
        (0..count).map(|_| owner(chance)).collect()
    });
    if chance.percent(4) {
        metadata["labels"] = json!({"bad key": "x"});
    }
    if chance.percent(3) {
        metadata["labels"] = json!({"tier": "bad value!"});
    }
    maybe(chance, 2, &mut metadata, "generation", |_| json!(7));
    maybe(chance, 2, &mut metadata, "namespace", |_| json!("elsewhere"));
    metadata
}

pub fn labels(chance: &mut Chance) -> Value {
    let mut labels = json!({"tier": one(chance, &TIERS)});
    maybe(chance, 30, &mut labels, "app", |chance| json!(one(chance, &["a", "b"])));
    labels
}

pub fn finalizers(chance: &mut Chance) -> Value {
    let choices = [
        json!(["example.com/one"]),
        json!(["example.com/one", "example.com/two"]),
        json!(["foregroundDeletion"]),
        json!(["orphan"]),
        json!([]),
        json!(["no domain"]),
    ];
    one(chance, &choices)
}

/// A reference to an object of the sequence: its uid is filled in for each server.
pub fn owner(chance: &mut Chance) -> Value {
    let resource =
        one(chance, &[Resource::ConfigMaps, Resource::ConfigMaps, Resource::FlinkDeployments]);
    let name = one(chance, &NAMES);
    let mut owner = json!({
        "apiVersion": resource.api_version(),
        "kind": resource.kind(),
        "name": name,
        "uid": format!("$uid:{}/{name}", resource.plural()),
    });
    maybe(chance, 60, &mut owner, "blockOwnerDeletion", |chance| json!(chance.percent(70)));
    maybe(chance, 25, &mut owner, "controller", |_| json!(true));
    owner
}

/// A whole object.
pub fn object(chance: &mut Chance, resource: Resource, name: Option<&str>) -> Value {
    let mut object = match resource {
        Resource::ConfigMaps => config_map(chance),
        Resource::Deployments => deployment(chance, name.unwrap_or("d")),
        Resource::FlinkDeployments => json!({"spec": flink_deployment_spec(chance)}),
        Resource::FlinkBlueGreenDeployments => json!({"spec": blue_green_spec(chance)}),
        Resource::FlinkSessionJobs => json!({"spec": session_job_spec(chance)}),
        Resource::FlinkStateSnapshots => json!({"spec": snapshot_spec(chance)}),
    };
    object["apiVersion"] = json!(resource.api_version());
    object["kind"] = json!(resource.kind());
    object["metadata"] = metadata(chance, name);
    if resource != Resource::ConfigMaps {
        maybe(chance, 15, &mut object, "status", |chance| status(chance, resource));
    }
    maybe(chance, 4, &mut object, "unknown", |_| json!({"field": 1}));
    object
}

pub fn data(chance: &mut Chance) -> Value {
    let mut data = json!({});
    for key in ["k1", "k2", "k3"] {
        maybe(chance, 50, &mut data, key, |chance| json!(one(chance, &["1", "2", "3"])));
    }
    data
}

fn config_map(chance: &mut Chance) -> Value {
    let mut object = json!({});
    maybe(chance, 85, &mut object, "data", data);
    maybe(
        chance,
        10,
        &mut object,
        "binaryData",
        |chance| json!({ one(chance, &["b1", "k1"]): "AQI=" }),
    );
    maybe(chance, 4, &mut object, "immutable", |chance| json!(chance.percent(50)));
    if chance.percent(3) {
        object["data"] = json!({"bad key": "1"});
    }
    if chance.percent(3) {
        object["data"] = json!({"k1": 1});
    }
    object
}

pub fn container(chance: &mut Chance) -> Value {
    let mut container = json!({
        "name": one(chance, &["main", "main", "side"]),
        "image": one(chance, &["i:1", "i:2", "i", "reg:5000/i:latest"]),
    });
    maybe(
        chance,
        30,
        &mut container,
        "env",
        |chance| json!([{"name": one(chance, &["A", "B"]), "value": one(chance, &["1", ""])}]),
    );
    maybe(chance, 30, &mut container, "ports", |chance| {
        one(
            chance,
            &[
                json!([{"containerPort": 8081}]),
                json!([{"containerPort": 8081, "protocol": "UDP", "name": "rest"}]),
                json!([{"containerPort": 8081}, {"containerPort": 6123}]),
            ],
        )
    });
    maybe(chance, 25, &mut container, "resources", |chance| {
        one(
            chance,
            &[
                json!({"limits": {"memory": "1024Mi", "cpu": "0.5"}}),
                json!({"requests": {"memory": "1Gi", "cpu": 1}, "limits": {"cpu": "2000m"}}),
            ],
        )
    });
    maybe(chance, 15, &mut container, "livenessProbe", |_| json!({"httpGet": {"port": 8081}}));
    maybe(chance, 15, &mut container, "args", |chance| {
        one(chance, &[json!(["x"]), json!(["y", "z"]), json!([])])
    });
    maybe(
        chance,
        10,
        &mut container,
        "volumeMounts",
        |_| json!([{"name": "v", "mountPath": "/v"}]),
    );
    container
}

fn template(chance: &mut Chance, name: &str) -> Value {
    let mut spec = json!({"containers": [container(chance)]});
    maybe(chance, 40, &mut spec, "volumes", |chance| {
        one(
            chance,
            &[
                json!([{"name": "v"}]),
                json!([{"name": "v", "configMap": {"name": "a"}}]),
                json!([{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}, {"name": "w", "secret": {"secretName": "s"}}]),
            ],
        )
    });
    maybe(chance, 20, &mut spec, "serviceAccountName", |_| json!("flink"));
    maybe(chance, 20, &mut spec, "terminationGracePeriodSeconds", |_| json!(5));
    maybe(chance, 15, &mut spec, "nodeSelector", |_| json!({"disk": "fast"}));
    let mut metadata = json!({"labels": {"app": name}});
    maybe(chance, 10, &mut metadata, "labels", |_| json!({"app": "other"}));
    maybe(chance, 20, &mut metadata, "annotations", |_| json!({"note": "t"}));
    json!({"metadata": metadata, "spec": spec})
}

/// Each Deployment has labels of its own: which of two that match takes a free ReplicaSet is chance.
pub fn deployment(chance: &mut Chance, name: &str) -> Value {
    let mut spec =
        json!({"selector": {"matchLabels": {"app": name}}, "template": template(chance, name)});
    spec["replicas"] = json!(one(chance, &[0, 0, 0, 1, 2]));
    maybe(chance, 25, &mut spec, "strategy", |chance| {
        one(
            chance,
            &[
                json!({"type": "Recreate"}),
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
                json!({}),
            ],
        )
    });
    maybe(chance, 10, &mut spec, "paused", |_| json!(true));
    maybe(chance, 10, &mut spec, "revisionHistoryLimit", |_| json!(1));
    maybe(chance, 3, &mut spec, "replicas", |_| json!(-1));
    maybe(chance, 3, &mut spec, "selector", |_| json!({"matchLabels": {"app": "other"}}));
    json!({"spec": spec})
}

pub fn flink_deployment_spec(chance: &mut Chance) -> Value {
    let mut spec = json!({
        "image": one(chance, &["flink:1.20.5", "flink:2.2.1"]),
        "flinkVersion": one(chance, &["v1_20", "v2_2"]),
        "serviceAccount": "flink",
        "job": job(chance),
    });
    maybe(chance, 60, &mut spec, "flinkConfiguration", |chance| {
        one(
            chance,
            &[
                json!({"taskmanager.numberOfTaskSlots": "2"}),
                json!({"taskmanager.numberOfTaskSlots": 2, "state": {"backend": "rocksdb"}}),
                json!({}),
            ],
        )
    });
    maybe(
        chance,
        50,
        &mut spec,
        "jobManager",
        |chance| json!({"resource": resource(chance), "replicas": 1}),
    );
    maybe(
        chance,
        50,
        &mut spec,
        "taskManager",
        |chance| json!({"resource": resource(chance), "replicas": 1 + chance.below(3)}),
    );
    maybe(
        chance,
        20,
        &mut spec,
        "podTemplate",
        |chance| json!({"spec": {"containers": [container(chance)]}}),
    );
    maybe(chance, 8, &mut spec, "color", |_| json!("red"));
    maybe(chance, 4, &mut spec, "image", |_| json!(5));
    spec
}

pub fn blue_green_spec(chance: &mut Chance) -> Value {
    let mut spec = json!({"template": {"spec": flink_deployment_spec(chance)}});
    maybe(
        chance,
        40,
        &mut spec["template"],
        "metadata",
        |chance| json!({"labels": labels(chance)}),
    );
    maybe(chance, 40, &mut spec, "configuration", |chance| {
        let key = one(chance, &["abort.grace-period", "deployment-deletion.delay"]);
        json!({format!("kubernetes.operator.bluegreen.{key}"): one(chance, &[json!("1 min"), json!("2 min"), json!(5)])})
    });
    maybe(chance, 20, &mut spec, "ingress", |chance| {
        one(chance, &[json!({"template": "x.example.com"}), json!({"className": "c"})])
    });
    spec
}

fn resource(chance: &mut Chance) -> Value {
    json!({"memory": one(chance, &["2048m", "4g"]), "cpu": one(chance, &[json!(1), json!(0.5)])})
}

pub fn job(chance: &mut Chance) -> Value {
    let mut job = json!({"jarURI": "local:///job.jar", "parallelism": 1 + chance.below(4)});
    maybe(chance, 50, &mut job, "upgradeMode", |chance| {
        json!(one(chance, &["stateless", "savepoint", "last-state"]))
    });
    maybe(chance, 30, &mut job, "args", |chance| {
        one(chance, &[json!(["--x"]), json!([]), json!(["--x", "--y"])])
    });
    maybe(chance, 30, &mut job, "state", |chance| json!(one(chance, &["running", "suspended"])));
    maybe(chance, 4, &mut job, "upgradeMode", |_| json!("sideways"));
    maybe(chance, 4, &mut job, "parallelism", |_| json!("two"));
    maybe(chance, 10, &mut job, "entryClass", |_| Value::Null);
    job
}

pub fn session_job_spec(chance: &mut Chance) -> Value {
    json!({"deploymentName": one(chance, &["session", "other"]), "job": job(chance)})
}

pub fn snapshot_spec(chance: &mut Chance) -> Value {
    let mut spec =
        json!({"jobReference": {"kind": "FlinkDeployment", "name": one(chance, &NAMES)}});
    let kind = one(chance, &["savepoint", "checkpoint"]);
    spec[kind] = json!({});
    maybe(chance, 30, &mut spec, "backoffLimit", |chance| json!(one(chance, &[-1, 0, 3])));
    spec
}

pub fn status(chance: &mut Chance, resource: Resource) -> Value {
    let mut status = json!({});
    match resource {
        Resource::FlinkDeployments | Resource::FlinkSessionJobs => {
            status["jobStatus"] =
                json!({"state": one(chance, &["RUNNING", "FAILED"]), "jobId": "j"});
            maybe(chance, 40, &mut status, "error", |chance| json!(one(chance, &["e1", "e2"])));
            maybe(chance, 40, &mut status, "observedGeneration", |chance| json!(chance.below(4)));
            maybe(chance, 15, &mut status, "color", |_| json!("red"));
            maybe(chance, 6, &mut status, "error", |_| json!(5));
        }
        Resource::FlinkBlueGreenDeployments => {
            status["blueGreenState"] =
                json!(one(chance, &["INITIALIZING_BLUE", "ACTIVE_BLUE", "ACTIVE_RED"]));
            maybe(chance, 40, &mut status, "error", |chance| json!(one(chance, &["e1", "e2"])));
        }
        Resource::FlinkStateSnapshots => {
            status["state"] = json!(one(chance, &["IN_PROGRESS", "COMPLETED", "ODD"]));
            maybe(chance, 40, &mut status, "failures", |chance| json!(chance.below(3)));
        }
        Resource::Deployments => {
            status["collisionCount"] = json!(0);
        }
        Resource::ConfigMaps => {}
    }
    status
}
