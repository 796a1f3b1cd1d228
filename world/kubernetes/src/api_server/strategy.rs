//! What the API server does to an object on its way in: which fields it resets, and when the generation rises.

use serde_json::{Value, json};

use super::kind::{Generation, Kind};
use super::object;
use super::types::is_empty;
use super::validate::Part;

/// Prepares a new object.
pub(super) fn prepare_create(kind: &Kind, new: &mut Value) {
    if kind.status {
        reset_status(kind, new);
    }
    if kind.generation != Generation::None {
        object::set(new, "generation", 1);
    }
    match kind.plural.as_str() {
        "pods" => {
            let class = quality_of_service(new);
            new["status"] = json!({"phase": "Pending", "qosClass": class});
        }
        "namespaces" => {
            new["spec"] = json!({"finalizers": ["kubernetes"]});
            new["status"] = json!({"phase": "Active"});
            let name = object::name(new).to_owned();
            let labels = object::metadata_mut(new).entry("labels").or_insert_with(|| json!({}));
            labels["kubernetes.io/metadata.name"] = Value::from(name);
        }
        _ => {}
    }
}

/// A new object has no status; what is never left out stays, empty.
fn reset_status(kind: &Kind, new: &mut Value) {
    let zero = kind.ty.as_struct().map(super::types::Struct::zero).unwrap_or_default();
    let Some(fields) = new.as_object_mut() else { return };
    match zero.get("status") {
        Some(status) => fields.insert("status".to_owned(), status.clone()),
        None => fields.shift_remove("status"),
    };
}

/// Prepares a new version of an object.
pub(super) fn prepare_update(kind: &Kind, part: Part, new: &mut Value, old: &Value) {
    object::copy(old, new, "generation");
    match part {
        Part::Main => {
            if kind.status {
                object::copy_field(old, new, "status");
            }
            if kind.plural == "namespaces" {
                object::copy_field(old, new, "spec");
            }
            if generation_rises(kind, new, old) {
                object::set(new, "generation", object::generation(old) + 1);
            }
        }
        Part::Status if kind.custom.is_some() => {
            let mut whole = old.clone();
            object::copy_field(new, &mut whole, "status");
            *new = whole;
        }
        Part::Status => {
            object::copy_field(old, new, "spec");
            match kind.plural.as_str() {
                "deployments" => object::copy(old, new, "labels"),
                "pods" => {
                    object::copy(old, new, "ownerReferences");
                    object::remove(new, "deletionTimestamp");
                    if new.pointer("/status/qosClass").is_none_or(is_empty)
                        && let Some(class) = old.pointer("/status/qosClass")
                    {
                        object::set_status(new, "qosClass", class.clone());
                    }
                }
                _ => {}
            }
        }
    }
}

/// What no update changes, whatever it says.
pub(super) fn keep_system_fields(new: &mut Value, old: &Value) {
    if object::uid(new).is_empty() {
        object::copy(old, new, "uid");
    }
    object::copy(old, new, "creationTimestamp");
    if object::is_deleting(old) {
        object::copy(old, new, "deletionTimestamp");
    }
    if object::get(new, "deletionGracePeriodSeconds").is_none() {
        object::copy(old, new, "deletionGracePeriodSeconds");
    }
}

fn generation_rises(kind: &Kind, new: &Value, old: &Value) -> bool {
    let differs = |field: &str| object::field(new, field) != object::field(old, field);
    match kind.generation {
        Generation::None => false,
        Generation::Spec => differs("spec"),
        Generation::SpecAndAnnotations => {
            differs("spec") || object::get(new, "annotations") != object::get(old, "annotations")
        }
        Generation::AllButMetadata => {
            let rest = |object: &Value| {
                let fields = object.as_object().cloned().unwrap_or_default();
                fields
                    .into_iter()
                    .filter(|(name, _)| name != "metadata")
                    .collect::<serde_json::Map<_, _>>()
            };
            rest(new) != rest(old)
        }
    }
}

/// Guaranteed: every container limits CPU and memory to what it requests. Burstable: anything else that requests
/// something.
fn quality_of_service(pod: &Value) -> &'static str {
    let containers = ["/spec/containers", "/spec/initContainers"]
        .into_iter()
        .filter_map(|list| pod.pointer(list)?.as_array())
        .flatten();
    let (mut any, mut all_guaranteed) = (false, true);
    for container in containers {
        for resource in ["cpu", "memory"] {
            let amount = |list: &str| container.pointer(&format!("/resources/{list}/{resource}"));
            any |= amount("requests").is_some() || amount("limits").is_some();
            all_guaranteed &= amount("limits").is_some() && amount("limits") == amount("requests");
        }
    }
    match (any, all_guaranteed) {
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
        (false, _) => "BestEffort",
    }
}
