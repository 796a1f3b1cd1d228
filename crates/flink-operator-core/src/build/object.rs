//! Parts of Kubernetes objects that more than one kind needs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Metadata with a name and labels. Without labels the field is left out.
pub(super) fn metadata(name: &str, labels: &BTreeMap<String, String>) -> Map<String, Value> {
    let mut metadata = Map::from_iter([("name".to_owned(), json!(name))]);
    put_texts(&mut metadata, "labels", labels);
    metadata
}

/// A ConfigMap with `data`.
pub(super) fn config_map(
    name: &str,
    labels: &BTreeMap<String, String>,
    data: &BTreeMap<String, String>,
) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(name, labels),
        "data": data,
    })
}

/// The source of a volume: a ConfigMap of which only `keys` become files, with the same names.
pub(super) fn config_map_source<'k>(
    name: &str,
    keys: impl IntoIterator<Item = &'k str>,
) -> (&'static str, Value) {
    let items: Vec<Value> =
        keys.into_iter().map(|key| json!({ "key": key, "path": key })).collect();
    ("configMap", json!({ "name": name, "items": items }))
}

/// Makes a Deployment the owner of `object`, so that Kubernetes deletes them together.
pub(super) fn set_owner(object: &mut Value, deployment: &str, uid: &str) {
    let owner = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": deployment,
        "uid": uid,
        "controller": true,
        "blockOwnerDeletion": true,
    });
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("ownerReferences".to_owned(), json!([owner]));
    }
}

/// Sets a field to a map of strings, unless the map is empty.
pub(super) fn put_texts(
    target: &mut Map<String, Value>,
    field: &str,
    texts: &BTreeMap<String, String>,
) {
    if !texts.is_empty() {
        target.insert(field.to_owned(), json!(texts));
    }
}
