//! Operations as requests.

use serde_json::{Value, json};

use crate::operation::{At, Base, Operation, Resource, Shown};
use crate::side::{Answer, Side};

pub const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// The version that a list is asked for.
pub fn asked(side: &Side, operation: &Operation) -> Option<String> {
    match operation {
        Operation::List { at: At::Exact { back }, .. } => Some(side.end_of(*back)),
        // All pages are of one version.
        Operation::Continue { .. } => side.page.as_ref().map(|(_, _, version)| version.clone()),
        _ => None,
    }
}

/// Notes where a list can go on.
pub fn note_page(side: &mut Side, operation: &Operation, answer: &Answer) {
    let (Operation::List { resource, .. } | Operation::Continue { resource }) = operation else {
        return;
    };
    // Some lists have an empty one when they are at their end.
    let token = answer.body.pointer("/metadata/continue").and_then(Value::as_str);
    let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
    let version = answer
        .body
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let Some(token) = token {
        side.page = Some((*resource, token, version.to_owned()));
    } else if matches!(operation, Operation::Continue { .. }) {
        side.page = None;
    }
}

pub fn send(side: &Side, operation: &Operation) -> Answer {
    let namespace = &side.namespace;
    let one = |resource: Resource, name: &str, subresource: &str| {
        let address = format!("{}/{name}", resource.address(namespace));
        if subresource.is_empty() { address } else { format!("{address}/{subresource}") }
    };
    match operation {
        Operation::Create { resource, object, manager, strict } => {
            let query = [
                ("fieldManager", *manager),
                ("fieldValidation", if *strict { "Strict" } else { "" }),
            ];
            side.call(
                "POST",
                &resource.address(namespace),
                &query,
                None,
                Some(&side.filled(object)),
            )
        }
        Operation::Get { resource, name, subresource, shown } => {
            let accept = if *shown == Shown::Metadata { METADATA } else { "application/json" };
            side.call("GET", &one(*resource, name, subresource), &[("$accept", accept)], None, None)
        }
        Operation::List { resource, labels, fields, limit, at, shown } => {
            let limit = if *limit == 0 { String::new() } else { limit.to_string() };
            let (version, matching) = match at {
                At::Latest => (String::new(), ""),
                At::Exact { back } => (side.end_of(*back), "Exact"),
                At::NotOlder => (side.end_of(0), "NotOlderThan"),
            };
            let accept = if *shown == Shown::Metadata { METADATA_LIST } else { "application/json" };
            let query = [
                ("labelSelector", *labels),
                ("fieldSelector", *fields),
                ("limit", &*limit),
                ("resourceVersion", &*version),
                ("resourceVersionMatch", matching),
                ("$accept", accept),
            ];
            side.call("GET", &resource.address(namespace), &query, None, None)
        }
        Operation::Continue { resource } => match &side.page {
            Some((of, token, _)) => {
                let query = [("limit", "1"), ("continue", &**token)];
                side.call("GET", &of.address(namespace), &query, None, None)
            }
            None => side.call("GET", &resource.address(namespace), &[("limit", "1")], None, None),
        },
        Operation::Replace { resource, name, subresource, base, change, version, uid, manager } => {
            let mut object = match base {
                Base::New(object) => side.filled(object),
                Base::LastSeen => side
                    .last_seen(*resource, name)
                    .cloned()
                    .unwrap_or_else(|| json!({"metadata": {"name": name}})),
            };
            json_patch::merge(&mut object, &side.filled(change));
            let version = side.version(*resource, name, *version);
            set(&mut object, "resourceVersion", version);
            let uid = side.uid(*resource, name, *uid);
            set(&mut object, "uid", uid);
            side.call(
                "PUT",
                &one(*resource, name, subresource),
                &[("fieldManager", manager)],
                None,
                Some(&object),
            )
        }
        Operation::Patch { resource, name, subresource, patch, version, manager } => {
            let mut patch = side.filled(patch);
            let content_type = if patch.is_array() {
                "application/json-patch+json"
            } else {
                "application/merge-patch+json"
            };
            if let (Some(version), true) =
                (side.version(*resource, name, *version), patch.is_object())
            {
                json_patch::merge(&mut patch, &json!({"metadata": {"resourceVersion": version}}));
            }
            let query = [("fieldManager", *manager)];
            side.call(
                "PATCH",
                &one(*resource, name, subresource),
                &query,
                Some(content_type),
                Some(&patch),
            )
        }
        Operation::Apply { resource, name, subresource, config, manager, force, version } => {
            let mut config = side.filled(config);
            if let Some(version) = side.version(*resource, name, *version) {
                set(&mut config, "resourceVersion", Some(version));
            }
            let query = [("fieldManager", *manager), ("force", if *force { "true" } else { "" })];
            let content_type = Some("application/apply-patch+yaml");
            side.call(
                "PATCH",
                &one(*resource, name, subresource),
                &query,
                content_type,
                Some(&config),
            )
        }
        Operation::Delete { resource, name, policy, uid, version } => {
            let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
            if let Some(policy) = policy {
                options["propagationPolicy"] = json!(policy);
            }
            let mut preconditions = json!({});
            if let Some(uid) = side.uid(*resource, name, *uid) {
                preconditions["uid"] = json!(uid);
            }
            if let Some(version) = side.version(*resource, name, *version) {
                preconditions["resourceVersion"] = json!(version);
            }
            if preconditions != json!({}) {
                options["preconditions"] = preconditions;
            }
            side.call("DELETE", &one(*resource, name, ""), &[], None, Some(&options))
        }
        Operation::DeleteCollection { resource, labels, policy } => {
            let options = policy.map(|policy| json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}));
            side.call(
                "DELETE",
                &resource.address(namespace),
                &[("labelSelector", labels)],
                None,
                options.as_ref(),
            )
        }
        Operation::Watch { .. } | Operation::WatchFromNothing { .. } => {
            unreachable!("watches are opened, not sent")
        }
    }
}

fn set(object: &mut Value, field: &str, value: Option<String>) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    match value {
        Some(value) => object["metadata"][field] = json!(value),
        None => {
            object["metadata"].as_object_mut().map(|metadata| metadata.remove(field));
        }
    }
}
