//! Rules of the metadata.

use serde_json::{Map, Value};

use super::names;
use crate::api_server::kind::{Kind, NameRule};
use crate::api_server::object::{self, FOREGROUND, ORPHAN};
use crate::api_server::refusal::{Fault, FieldFault};

/// All annotations of an object together have at most this many bytes.
const ANNOTATIONS_MAX: usize = 256 * 1024;

pub(super) fn on_create(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let generate = object::text(object, "generateName");
    if !generate.is_empty() {
        // What comes behind it is good: a dash at the end is no fault.
        let masked = match generate.strip_suffix('-') {
            Some(rest) if !rest.is_empty() => {
                format!("{}a", rest.get(..rest.len() - 1).unwrap_or_default())
            }
            _ => generate.to_owned(),
        };
        faults.extend(
            name_fault(kind.names, &masked)
                .map(|why| FieldFault::invalid("metadata.generateName", generate, why)),
        );
    }
    let name = object::name(object);
    if name.is_empty() {
        faults.push(FieldFault::required("metadata.name", "name or generateName is required"));
    } else {
        faults.extend(
            name_fault(kind.names, name).map(|why| FieldFault::invalid("metadata.name", name, why)),
        );
    }
    if kind.namespaced {
        let namespace = object::namespace(object);
        faults.extend(
            names::label(namespace)
                .map(|why| FieldFault::invalid("metadata.namespace", namespace, why)),
        );
    }
    let generation = object::generation(object);
    if generation < 0 {
        faults.push(FieldFault::invalid("metadata.generation", generation, "must not be negative"));
    }
    faults.extend(common(object));
    faults.extend(finalizers(object));
    faults.extend(standard_finalizers(kind, object));
    faults
}

/// The built-in kinds take only finalizers with a domain, and a few that are known. A Lease takes any.
fn standard_finalizers(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    if kind.custom.is_some() || kind.plural == "leases" {
        return Vec::new();
    }
    let known =
        |name: &str| name.contains('/') || [ORPHAN, FOREGROUND, "kubernetes"].contains(&name);
    let finalizers = object::finalizers(object);
    let unknown = finalizers.into_iter().enumerate().filter(|(_, name)| !known(name));
    unknown
        .map(|(index, name)| {
            let field = format!("metadata.finalizers[{index}]");
            FieldFault::invalid(&field, name, "it has no domain, and is none of the standard ones")
        })
        .collect()
}

pub(super) fn on_update(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldFault> {
    let mut faults = finalizers(new);
    if object::is_deleting(old) {
        let known = object::finalizers(old);
        let mut extra: Vec<&str> =
            object::finalizers(new).into_iter().filter(|name| !known.contains(name)).collect();
        extra.sort_unstable();
        if !extra.is_empty() {
            let detail = format!(
                "no finalizer can be added to an object that is being deleted, found {extra:?}"
            );
            faults.push(FieldFault::forbidden("metadata.finalizers", detail));
        }
    }
    if object::text(new, "resourceVersion").is_empty() {
        faults.push(FieldFault::invalid(
            "metadata.resourceVersion",
            "",
            "must be specified for an update",
        ));
    }
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        let (new, old) = (object::get(new, field), object::get(old, field));
        if new != old {
            let value = new.cloned().unwrap_or_default();
            faults.push(FieldFault::invalid(
                &format!("metadata.{field}"),
                value,
                "field is immutable",
            ));
        }
    }
    faults.extend(common(new));
    faults.extend(standard_finalizers(kind, new));
    faults
}

fn name_fault(rule: NameRule, name: &str) -> Option<String> {
    match rule {
        NameRule::Subdomain => names::subdomain(name),
        NameRule::Label => names::label(name),
        NameRule::Label1035 => names::label_1035(name),
    }
}

/// What holds for new and for changed objects.
fn common(object: &Value) -> Vec<FieldFault> {
    let mut faults = labels(object::labels(object), "metadata.labels");
    faults.extend(annotations(
        object::get(object, "annotations").and_then(Value::as_object),
        "metadata.annotations",
    ));
    faults.extend(owners(object));
    faults
}

pub(super) fn labels(labels: Option<&Map<String, Value>>, field: &str) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    for (key, value) in labels.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        faults.extend(
            names::qualified(key)
                .into_iter()
                .map(|why| FieldFault::invalid(field, key.as_str(), why)),
        );
        faults.extend(
            names::label_value(value).into_iter().map(|why| FieldFault::invalid(field, value, why)),
        );
    }
    faults
}

pub(super) fn annotations(
    annotations: Option<&Map<String, Value>>,
    field: &str,
) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        let why = names::qualified(&key.to_lowercase());
        faults.extend(why.into_iter().map(|why| FieldFault::invalid(field, key.as_str(), why)));
    }
    if size > ANNOTATIONS_MAX {
        let detail = format!("may not be more than {ANNOTATIONS_MAX} bytes");
        faults.push(FieldFault::new(Fault::TooLong, field, Value::Null, detail));
    }
    faults
}

fn owners(object: &Value) -> Vec<FieldFault> {
    let field = "metadata.ownerReferences";
    let mut faults = Vec::new();
    let mut controllers = 0;
    let owners = object::owner_references(object);
    for owner in owners {
        let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or_default();
        for name in ["apiVersion", "kind", "name", "uid"] {
            if text(name).is_empty() {
                faults.push(FieldFault::invalid(
                    &format!("{field}.{name}"),
                    "",
                    "must not be empty",
                ));
            }
        }
        if text("apiVersion") == "v1" && text("kind") == "Event" {
            faults.push(FieldFault::invalid(field, owner.clone(), "an event cannot be an owner"));
        }
        if owner.get("controller") == Some(&Value::Bool(true)) {
            controllers += 1;
            if controllers > 1 {
                let detail = "only one reference can have controller set to true";
                faults.push(FieldFault::invalid(field, owners.to_vec(), detail));
            }
        }
    }
    faults
}

fn finalizers(object: &Value) -> Vec<FieldFault> {
    let field = "metadata.finalizers";
    let mut faults = Vec::new();
    let finalizers = object::finalizers(object);
    for name in &finalizers {
        faults.extend(
            names::qualified(name).into_iter().map(|why| FieldFault::invalid(field, *name, why)),
        );
    }
    if finalizers.contains(&ORPHAN) && finalizers.contains(&FOREGROUND) {
        let detail = format!("{ORPHAN} and {FOREGROUND} cannot both be set");
        faults.push(FieldFault::invalid(
            field,
            Value::from(finalizers.iter().map(|name| Value::from(*name)).collect::<Vec<_>>()),
            detail,
        ));
    }
    faults
}
