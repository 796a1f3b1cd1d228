//! Everything that is in the namespace, in a form that can be compared.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::normal::{Names, sorted};
use crate::operation::{Operation, Resource};
use crate::side::Side;

/// Everything in the namespace, in which there is nothing but these kinds and what follows from them.
pub fn state(
    side: &Side,
    names: &mut Names,
    kinds: &BTreeSet<Resource>,
    after: &Operation,
) -> Value {
    let mut state = json!({});
    let namespace = side.namespace.clone();
    let all: Vec<Vec<Value>> =
        kinds.iter().map(|resource| side.all(&resource.address(&namespace))).collect();
    let follows: &[(&str, &str)] = if kinds.contains(&Resource::Deployments) {
        // Deployments tell of their ReplicaSets, whose names have to be known.
        names.learn(&json!(side.all(&format!("/apis/apps/v1/namespaces/{namespace}/replicasets"))));
        &[("apis/apps/v1", "replicasets"), ("api/v1", "pods")]
    } else {
        &[]
    };
    for (resource, items) in kinds.iter().zip(all) {
        names.learn(&json!(items));
        if *resource == Resource::Deployments {
            names.learn_deletions(&items, after.deletes(Resource::Deployments));
        }
        state[resource.plural()] =
            items.iter().map(|item| without_versions(names.normal(item))).collect();
    }
    let mut collected = BTreeSet::new();
    for (address, plural) in follows {
        let items = side.all(&format!("/{address}/namespaces/{namespace}/{plural}"));
        names.learn(&json!(items));
        // The pods of a ReplicaSet that is left out are left out too.
        let (out, items): (Vec<Value>, Vec<Value>) = items
            .into_iter()
            .partition(|item| names.is_collected(item) || is_owned(item, &collected));
        collected.extend(
            out.iter().filter_map(|item| item["metadata"]["uid"].as_str().map(str::to_owned)),
        );
        let mut items: Vec<Value> =
            items.iter().map(|item| without_versions(names.normal(item))).collect();
        if *plural == "pods" {
            items.iter_mut().for_each(hide_token);
        }
        items.sort_by_key(|item| sorted(item).to_string());
        state[*plural] = json!(items);
    }
    state
}

/// Whether one of these owns the object.
fn is_owned(object: &Value, owners: &BTreeSet<String>) -> bool {
    let references = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let mut uids = references.into_iter().flatten().filter_map(|owner| owner["uid"].as_str());
    uids.any(|uid| owners.contains(uid))
}

/// Which operation a controller's write belongs to is seen in the answers; here it is the content that counts.
fn without_versions(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    object
}

/// The token that every pod is given to talk to the API server.
fn hide_token(pod: &mut Value) {
    let is_token =
        |name: &Value| name.as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    let spec = &mut pod["spec"];
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !is_token(&volume["name"]));
        if volumes.is_empty() {
            spec.as_object_mut().map(|spec| spec.remove("volumes"));
        }
    }
    let containers = spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten();
    for container in containers {
        if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
            mounts.retain(|mount| !is_token(&mount["name"]));
            if mounts.is_empty() {
                container.as_object_mut().map(|container| container.remove("volumeMounts"));
            }
        }
    }
}
