//! Reading and writing the metadata of an object.

use serde_json::{Map, Value, json};

/// The finalizer that stands for deletion in the foreground.
pub const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer that stands for leaving the dependents behind.
pub const ORPHAN: &str = "orphan";

pub fn metadata(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.as_object()
}

/// The metadata to write to. It is made if the object has none.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    if !object.get("metadata").is_some_and(Value::is_object) {
        set_field(object, "metadata", json!({}));
    }
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    metadata.expect("it has just been made an object if it was none")
}

pub fn get<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    metadata(object)?.get(field)
}

/// A text of the metadata; empty when it is not there.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    get(object, field).and_then(Value::as_str).unwrap_or_default()
}

pub fn name(object: &Value) -> &str {
    text(object, "name")
}

pub fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

pub fn uid(object: &Value) -> &str {
    text(object, "uid")
}

pub fn generation(object: &Value) -> i64 {
    get(object, "generation").and_then(Value::as_i64).unwrap_or(0)
}

pub fn is_deleting(object: &Value) -> bool {
    get(object, "deletionTimestamp").is_some()
}

pub fn finalizers(object: &Value) -> Vec<&str> {
    let items = get(object, "finalizers").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

pub fn has_finalizer(object: &Value, name: &str) -> bool {
    finalizers(object).contains(&name)
}

pub fn labels(object: &Value) -> Option<&Map<String, Value>> {
    get(object, "labels")?.as_object()
}

pub fn owner_references(object: &Value) -> &[Value] {
    get(object, "ownerReferences").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets a field of the metadata; what is empty is left out.
pub fn set(object: &mut Value, field: &str, value: impl Into<Value>) {
    let value = value.into();
    let metadata = metadata_mut(object);
    if super::types::is_empty(&value) && !value.is_number() {
        metadata.shift_remove(field);
    } else {
        metadata.insert(field.to_owned(), value);
    }
}

pub fn remove(object: &mut Value, field: &str) -> Option<Value> {
    metadata_mut(object).shift_remove(field)
}

/// Copies a field of the metadata, or its absence.
pub fn copy(from: &Value, to: &mut Value, field: &str) {
    match get(from, field).cloned() {
        Some(value) => set(to, field, value),
        None => {
            remove(to, field);
        }
    }
}

/// A top-level field; null when it is not there.
pub fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// Sets a top-level field.
pub fn set_field(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Sets a field of the status.
pub fn set_status(object: &mut Value, name: &str, value: impl Into<Value>) {
    if !object.get("status").is_some_and(Value::is_object) {
        set_field(object, "status", json!({}));
    }
    if let Some(status) = object.get_mut("status") {
        set_field(status, name, value);
    }
}

/// Copies a top-level field, or its absence.
pub fn copy_field(from: &Value, to: &mut Value, name: &str) {
    let Some(fields) = to.as_object_mut() else { return };
    match from.get(name) {
        Some(value) => fields.insert(name.to_owned(), value.clone()),
        None => fields.shift_remove(name),
    };
}
