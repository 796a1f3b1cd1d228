//! Objects that have every field of a schema, so that a round trip shows whether one is lost.

use serde_json::{Map, Value, json};

/// A value with every member that the schema has. `at` gives other values than the usual ones, by path.
pub fn filled(schema: &Value, path: &str, at: &dyn Fn(&str) -> Option<Value>) -> Value {
    if let Some(value) = at(path) {
        return value;
    }
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return json!("1");
    }
    if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
        return json!({ "flat.key": "text", "nested": { "number": 1, "list": ["a", 2], "none": {} } });
    }
    if let Some(values) = schema.get("additionalProperties") {
        return json!({ "key": filled(values, &format!("{path}.key"), at) });
    }
    if let Some(word) = schema.get("enum").and_then(|words| words.get(0)) {
        return word.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => Value::Object(members(schema, path, at)),
        Some("array") => {
            json!([filled(schema.get("items").unwrap_or(&Value::Null), &format!("{path}[]"), at)])
        }
        Some("string") => json!("text"),
        Some("integer") => json!(1),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        other => panic!("{path} has the type {other:?}"),
    }
}

fn members(schema: &Value, path: &str, at: &dyn Fn(&str) -> Option<Value>) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut members = Map::new();
    for (name, property) in properties.into_iter().flatten() {
        members.insert(name.clone(), filled(property, &format!("{path}.{name}"), at));
    }
    members
}

/// The number of values in it, at any depth.
pub fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(leaves).sum(),
        Value::Array(items) => items.iter().map(leaves).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}
