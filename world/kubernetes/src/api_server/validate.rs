//! Rules that objects have to keep, on creation and on update.
//!
//! The metadata's rules are complete; of the built-in kinds' own rules there are those that an operator can run into.

use serde_json::Value;

use super::kind::Kind;
use super::kind::custom::Schema;
use super::object;
use super::refusal::{Fault, FieldFault};

mod config_map;
mod metadata;
pub mod names;
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
    if faults.is_empty() {
        faults.extend(metadata::on_create(kind, object));
        faults.extend(content(kind, object));
    }
    if let Some(schema) = &kind.custom {
        faults.extend(rules(schema, object, None, &faults));
    }
    faults
}

/// What is wrong with a new version of an object.
pub(super) fn on_update(kind: &Kind, part: Part, new: &Value, old: &Value) -> Vec<FieldFault> {
    if let Some(schema) = &kind.custom {
        let mut faults = type_meta(kind, new);
        if faults.is_empty() {
            faults.extend(metadata::on_update(kind, new, old));
            faults.extend(custom(kind, schema, part, new, old));
        }
        faults.extend(rules(schema, new, Some(old), &faults));
        return faults;
    }
    let mut faults = metadata::on_update(kind, new, old);
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

/// The schema of a custom kind, and the numbers that its scale subresource reads.
fn custom(kind: &Kind, schema: &Schema, part: Part, new: &Value, old: &Value) -> Vec<FieldFault> {
    match part {
        Part::Main => {
            let mut faults = schema.check("", new, Some(old));
            faults.extend(scale_numbers(kind, new));
            faults
        }
        Part::Status => {
            let status = schema.property("status").zip(new.get("status"));
            let mut faults = status.map_or_else(Vec::new, |(schema, status)| {
                schema.check("status", status, old.get("status"))
            });
            let scale = scale_numbers(kind, new).into_iter();
            faults.extend(scale.filter(|fault| fault.field.starts_with(".status")));
            faults
        }
    }
}

/// What the rules in the expression language say. On an object whose fields are wrong they are not tried; the answer says
/// so.
fn rules(
    schema: &Schema,
    new: &Value,
    old: Option<&Value>,
    faults: &[FieldFault],
) -> Vec<FieldFault> {
    let blocks = |fault: &FieldFault| match fault.fault {
        Fault::Required
        | Fault::TypeInvalid
        | Fault::NotSupported
        | Fault::TooLong
        | Fault::TooMany => true,
        Fault::Invalid | Fault::Duplicate | Fault::NotFound | Fault::Forbidden => false,
    };
    if !faults.iter().any(blocks) {
        return schema.check_rules(new, old);
    }
    let detail = "the rules of the kind were not tried, for the object has other faults";
    let untried = || FieldFault::invalid("<nil>", Value::Null, detail);
    schema.has_rules().then(untried).into_iter().collect()
}

/// The kind's own rules.
fn content(kind: &Kind, object: &Value) -> Vec<FieldFault> {
    if let Some(schema) = &kind.custom {
        let mut faults = schema.check("", object, None);
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
