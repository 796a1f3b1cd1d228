//! Rules of ConfigMaps, and of what they share with Secrets.

use serde_json::{Map, Value};

use super::names;
use crate::api_server::object;
use crate::api_server::refusal::{Fault, FieldFault};

/// All values of a ConfigMap together have at most this many bytes.
const SIZE_MAX: usize = 1024 * 1024;

pub(super) fn content(object: &Value) -> Vec<FieldFault> {
    let entries =
        |field: &str| object::field(object, field).as_object().cloned().unwrap_or_default();
    let (data, binary) = (entries("data"), entries("binaryData"));
    let mut faults = keys(&data, "data");
    for key in data.keys().filter(|key| binary.contains_key(*key)) {
        faults.push(FieldFault::invalid(
            &format!("data[{key}]"),
            key.as_str(),
            "is in binaryData too",
        ));
    }
    faults.extend(keys(&binary, "binaryData"));
    let texts: usize = data.values().filter_map(Value::as_str).map(str::len).sum();
    // Four letters of base64 are three bytes.
    let bytes: usize = binary
        .values()
        .filter_map(Value::as_str)
        .map(|text| text.trim_end_matches('=').len() * 3 / 4)
        .sum();
    if texts + bytes > SIZE_MAX {
        let detail = format!("may not be more than {SIZE_MAX} bytes");
        faults.push(FieldFault::new(Fault::TooLong, "", Value::Null, detail));
    }
    faults
}

fn keys(entries: &Map<String, Value>, field: &str) -> Vec<FieldFault> {
    let faults = entries.keys().flat_map(|key| {
        names::config_key(key)
            .into_iter()
            .map(move |why| FieldFault::invalid(&format!("{field}[{key}]"), key.as_str(), why))
    });
    faults.collect()
}

pub(super) fn immutable(new: &Value, old: &Value) -> Vec<FieldFault> {
    if object::field(old, "immutable") != true {
        return Vec::new();
    }
    let mut changed = Vec::new();
    if object::field(new, "immutable") != true {
        changed.push("immutable");
    }
    let fields = ["data", "binaryData"].into_iter();
    changed.extend(fields.filter(|field| object::field(new, field) != object::field(old, field)));
    changed
        .into_iter()
        .map(|field| FieldFault::forbidden(field, "is immutable when `immutable` is set"))
        .collect()
}
