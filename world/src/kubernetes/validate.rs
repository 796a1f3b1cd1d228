//! Rules that objects have to keep, on creation and on update.
//!
//! The metadata's rules are complete; of the built-in kinds' own rules there are those that an operator can run into.

use serde_json::Value;

use super::kind::Kind;
use super::object;
use super::refusal::FieldFault;

mod config_map;
mod metadata;
pub(super) mod names;
mod pod;
mod service;
mod workload;

/// What the main resource or one of its subresources is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Main,
    Status,
}

/// What is wrong with a new object.
pub(super) fn on_create(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    let mut faults = if kind.custom.is_some() { type_meta(kind, object) } else { Vec::new() };
    if !faults.is_empty() {
        return faults;
    }
    faults.extend(metadata::on_create(kind, object));
    faults.extend(content(kind, object));
    faults
}

/// What is wrong with a new version of an object.
pub(super) fn on_update(kind: &Kind, part: Part, new: &Value, old: &Value) -> Vec<FieldFault> {
    let mut faults = metadata::on_update(new, old);
    if let Some(schema) = &kind.custom {
        let wrong_type = type_meta(kind, new);
        if !wrong_type.is_empty() {
            faults.extend(wrong_type);
            return faults;
        }
        // What was wrong before and has not changed is let through.
        match part {
            Part::Main => faults.extend(schema.check("", &without_unchanged(new, old))),
            Part::Status => {
                let status = object::field(new, "status");
                if let Some(schema) = schema.property("status").filter(|_| {
                    new.get("status").is_some() && status != object::field(old, "status")
                }) {
                    faults.extend(schema.check("status", status));
                }
            }
        }
        faults.extend(scale_numbers(kind, new));
        return faults;
    }
    match part {
        Part::Main => {
            faults.extend(content(kind, new));
            faults.extend(immutable(kind, new, old));
        }
        Part::Status if kind.plural == "deployments" => {
            faults.extend(workload::deployment_status(new));
        }
        Part::Status => {}
    }
    faults
}

/// The object without the top-level fields that are as they were.
fn without_unchanged(new: &Value, old: &Value) -> Value {
    let mut changed = new.clone();
    if let Some(fields) = changed.as_object_mut() {
        fields.retain(|name, value| {
            matches!(name.as_str(), "apiVersion" | "kind" | "metadata")
                || old.get(name) != Some(value)
        });
    }
    changed
}

/// The kind's own rules.
fn content(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    if let Some(schema) = &kind.custom {
        let mut faults = schema.check("", object);
        faults.extend(scale_numbers(kind, object));
        return faults;
    }
    match kind.plural.as_str() {
        "configmaps" => config_map::content(object),
        "deployments" => workload::deployment(object),
        "replicasets" => workload::replica_set(object),
        "pods" => pod::spec(object::field(object, "spec"), "spec"),
        "services" => service::content(object),
        _ => Vec::new(),
    }
}

fn immutable(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldFault> {
    match kind.plural.as_str() {
        "configmaps" | "secrets" => config_map::immutable(new, old),
        "deployments" | "replicasets" => workload::immutable(new, old),
        "pods" => pod::immutable(new, old),
        "services" => service::immutable(new, old),
        _ => Vec::new(),
    }
}

fn type_meta(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    let wanted = [("kind", kind.kind.clone()), ("apiVersion", kind.api_version())];
    let wrong = wanted
        .into_iter()
        .filter(|(field, wanted)| object::field(object, field) != wanted.as_str());
    wrong
        .map(|(field, wanted)| {
            FieldFault::invalid(
                field,
                object::field(object, field).clone(),
                format!("must be {wanted}"),
            )
        })
        .collect()
}

/// The numbers that the scale subresource reads.
fn scale_numbers(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    let Some(scale) = &kind.scale else { return Vec::new() };
    [&scale.spec_replicas, &scale.status_replicas]
        .into_iter()
        .filter_map(|pointer| {
            let value = object.pointer(pointer)?;
            let number = value.as_i64();
            let field = pointer.replace('/', ".");
            match number {
                Some(number) if number < 0 => {
                    Some(FieldFault::invalid(&field, number, "must not be negative"))
                }
                Some(number) if i32::try_from(number).is_err() => {
                    Some(FieldFault::invalid(&field, number, "is too large"))
                }
                Some(_) => None,
                None => Some(FieldFault::invalid(&field, 0, "must be an integer")),
            }
        })
        .collect()
}

/// A number that must not be below zero.
fn not_negative(object: &Value, pointer: &str, field: &str) -> Option<FieldFault> {
    let number = object.pointer(pointer)?.as_i64()?;
    (number < 0).then(|| FieldFault::invalid(field, number, "must not be negative"))
}
