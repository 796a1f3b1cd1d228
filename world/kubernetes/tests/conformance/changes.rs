//! What is changed of objects: parts to merge, JSON patches, configurations to apply.

use serde_json::{Value, json};
use simulated_kubernetes::chance::Chance;

use crate::content::{
    TIERS, blue_green_spec, container, data, deployment, finalizers, flink_deployment_spec, job,
    maybe, metadata, one, owner, session_job_spec, snapshot_spec, status,
};
use crate::operation::Resource;

/// A part of an object, to be merged into one.
pub fn change(chance: &mut Chance, resource: Resource, subresource: &str) -> Value {
    if subresource == "status" {
        return json!({"status": status(chance, resource), "metadata": small_metadata(chance)});
    }
    let mut part = json!({});
    maybe(chance, 40, &mut part, "metadata", small_metadata);
    match resource {
        Resource::ConfigMaps => {
            maybe(chance, 80, &mut part, "data", |chance| {
                let mut data = data(chance);
                maybe(chance, 30, &mut data, "k1", |_| Value::Null);
                data
            });
            maybe(chance, 3, &mut part, "immutable", |_| json!(true));
            maybe(chance, 3, &mut part, "data", |_| Value::Null);
        }
        Resource::Deployments => {
            let spec = one(
                chance,
                &[
                    json!({"replicas": 0}),
                    json!({"replicas": 1}),
                    json!({"revisionHistoryLimit": 3}),
                    json!({"paused": true}),
                    json!({"paused": null}),
                    json!({"minReadySeconds": 1}),
                    json!({"selector": {"matchLabels": {"app": "new"}}}),
                    json!({"template": {"spec": {"terminationGracePeriodSeconds": 7}}}),
                    json!({"template": {"metadata": {"annotations": {"note": "n"}}}}),
                    json!({"strategy": {"type": "Recreate", "rollingUpdate": null}}),
                ],
            );
            part["spec"] = spec;
            maybe(
                chance,
                20,
                &mut part,
                "spec",
                |chance| json!({"template": {"spec": {"containers": [container(chance)]}}}),
            );
        }
        Resource::FlinkDeployments => {
            let spec = one(
                chance,
                &[
                    json!({"image": "flink:3"}),
                    json!({"job": {"parallelism": 5}}),
                    json!({"job": {"args": ["--z"]}}),
                    json!({"job": {"parallelism": "many"}}),
                    json!({"flinkConfiguration": {"a.b": "c", "taskmanager.numberOfTaskSlots": null}}),
                    json!({"flinkConfiguration": null}),
                    json!({"taskManager": {"replicas": 2}}),
                    json!({"color": "blue"}),
                    json!({"podTemplate": {"spec": {"serviceAccountName": "s"}}}),
                ],
            );
            part["spec"] = spec;
        }
        Resource::FlinkBlueGreenDeployments => {
            let job = job(chance);
            part["spec"] = one(
                chance,
                &[
                    json!({"template": {"spec": {"image": "flink:3"}}}),
                    json!({"template": {"spec": {"flinkConfiguration": {"a.b": "c"}}}}),
                    json!({"template": {"spec": {"job": job}}}),
                    json!({"template": {"metadata": null}}),
                    json!({"template": {"color": "blue"}}),
                    json!({"configuration": {"k": "v"}}),
                    json!({"configuration": null}),
                    json!({"ingress": {"template": "y.example.com"}}),
                    json!({"ingress": null}),
                ],
            );
        }
        Resource::FlinkSessionJobs => {
            part["spec"] = json!({"job": job(chance)});
        }
        Resource::FlinkStateSnapshots => {
            part["spec"] = json!({"backoffLimit": one(chance, &[json!(1), json!(2), Value::Null, json!("x")])});
        }
    }
    maybe(chance, 15, &mut part, "status", |chance| status(chance, resource));
    part
}

fn small_metadata(chance: &mut Chance) -> Value {
    let choices = [
        json!({"labels": {"tier": one(chance, &TIERS)}}),
        json!({"labels": {"tier": null}}),
        json!({"labels": null}),
        json!({"annotations": {"note": one(chance, &["1", "2"])}}),
        json!({"finalizers": finalizers(chance)}),
        json!({"finalizers": null}),
        json!({"ownerReferences": [owner(chance)]}),
        json!({"ownerReferences": null}),
        json!({"labels": {"tier": "!"}}),
        json!({"name": "other"}),
        json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        json!({"creationTimestamp": null}),
        json!({"generation": 9}),
        json!({"uid": "00000000-0000-4000-8000-00000000000f"}),
    ];
    // The first ones more often than those that are refused.
    let index = chance.below(14).min(chance.below(14));
    choices.into_iter().nth(usize::try_from(index).unwrap_or(0)).unwrap_or_default()
}

/// The operations of a JSON patch.
pub fn json_patch(chance: &mut Chance, resource: Resource) -> Value {
    let path = match resource {
        Resource::ConfigMaps => "/data/k1",
        Resource::Deployments => "/spec/replicas",
        Resource::FlinkDeployments | Resource::FlinkSessionJobs => "/spec/job/parallelism",
        Resource::FlinkBlueGreenDeployments => "/spec/template/spec/job/parallelism",
        Resource::FlinkStateSnapshots => "/spec/backoffLimit",
    };
    let value = if resource == Resource::ConfigMaps { json!("9") } else { json!(1) };
    let choices = [
        json!([{"op": "add", "path": path, "value": value}]),
        json!([{"op": "replace", "path": path, "value": value}]),
        json!([{"op": "add", "path": "/metadata/labels", "value": {"tier": "y"}}]),
        json!([{"op": "remove", "path": "/metadata/labels"}]),
        json!([{"op": "test", "path": path, "value": value}, {"op": "add", "path": "/metadata/annotations", "value": {"note": "p"}}]),
        json!([{"op": "remove", "path": "/metadata/finalizers"}]),
        json!([{"op": "add", "path": "/metadata/finalizers", "value": ["example.com/one"]}]),
        json!([{"op": "remove", "path": "/metadata/ownerReferences/0"}]),
        json!([{"op": "copy", "from": path, "path": path}]),
        json!([{"op": "add", "path": "/nowhere/at/all", "value": 1}]),
        json!([{"op": "jump", "path": path}]),
    ];
    one(chance, &choices)
}

/// A configuration to apply: only some fields.
pub fn config(chance: &mut Chance, resource: Resource, name: &str, subresource: &str) -> Value {
    let mut config = json!({
        "apiVersion": resource.api_version(),
        "kind": resource.kind(),
        "metadata": {"name": name},
    });
    if subresource == "status" {
        config["status"] = status(chance, resource);
        return config;
    }
    match resource {
        Resource::ConfigMaps => {
            maybe(chance, 90, &mut config, "data", data);
            maybe(chance, 4, &mut config, "color", |_| json!("red"));
        }
        Resource::Deployments => {
            let whole = deployment(chance, name);
            config["spec"] = whole["spec"].clone();
            if chance.percent(40) {
                config["spec"] = json!({"template": {"spec": {"containers": [container(chance)]}}});
            }
            if chance.percent(10) {
                config["spec"] = json!({"template": {"spec": {"containers": [container(chance), container(chance)]}}});
            }
        }
        Resource::FlinkDeployments => {
            config["spec"] = flink_deployment_spec(chance);
            if chance.percent(30) {
                let choices = [json!({"x": "1"}), json!({"x": "2"}), json!({}), Value::Null];
                config["spec"] = json!({"flinkConfiguration": one(chance, &choices)});
            }
        }
        Resource::FlinkBlueGreenDeployments => {
            config["spec"] = blue_green_spec(chance);
            if chance.percent(30) {
                config["spec"] = json!({"configuration": {one(chance, &["x", "y"]): "1"}});
            }
        }
        Resource::FlinkSessionJobs => config["spec"] = session_job_spec(chance),
        Resource::FlinkStateSnapshots => config["spec"] = snapshot_spec(chance),
    }
    if chance.percent(40) {
        let mut metadata = metadata(chance, Some(name));
        if let Some(fields) = metadata.as_object_mut() {
            fields.remove("namespace");
        }
        config["metadata"] = metadata;
    }
    maybe(chance, 10, &mut config, "status", |chance| status(chance, resource));
    config
}
