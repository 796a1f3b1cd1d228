//! The custom resource definitions and their schemas, which the API server validates objects with.
//!
//! Types, names and enums are those of upstream's definitions, so that every object that a cluster
//! holds stays valid and keeps all its fields. As in upstream's, nothing is `required` or `nullable`
//! and nothing has a default: the API server drops a `null`, and the reader fills in defaults. We
//! add documentation for `kubectl explain`, and rules (see [`rules`]).

mod newer_pod_fields;
mod pod;
mod rules;
mod written;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::{JsonSchema, generate::SchemaSettings, transform::AddNullable};
use serde_json::{Map, Value, json};

use crate::names;

/// Properties of a definition besides its schema.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) short_name: &'static str,
    pub(crate) description: &'static str,
    /// Columns of `kubectl get`: title and JSON path.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// Whether `kubectl scale` changes the number of TaskManagers.
    pub(crate) scale: bool,
}

/// Builds the definition of a kind whose objects have the given spec and status.
pub(crate) fn definition<Spec: JsonSchema, Status: JsonSchema>(
    kind: &Kind,
) -> CustomResourceDefinition {
    let mut schema = json!({
        "description": first_paragraph(kind.description),
        "type": "object",
        "properties": { "metadata": { "type": "object", "properties": { "name": { "type": "string" } } }, "spec": structural_schema::<Spec>(), "status": structural_schema::<Status>() },
    });
    rules::add_rules(kind.name, &mut schema);

    let scale = json!({
        "specReplicasPath": ".spec.taskManager.replicas",
        "statusReplicasPath": ".status.taskManager.replicas",
        "labelSelectorPath": ".status.taskManager.labelSelector",
    });
    let subresources =
        if kind.scale { json!({ "status": {}, "scale": scale }) } else { json!({ "status": {} }) };
    let columns: Vec<Value> = kind
        .columns
        .iter()
        .map(|(name, path)| json!({ "name": name, "jsonPath": path, "type": "string" }))
        .collect();
    let definition = json!({
        "metadata": { "name": format!("{}.{}", kind.plural, names::GROUP) },
        "spec": {
            "group": names::GROUP,
            "names": {
                "kind": kind.name,
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short_name],
            },
            "scope": "Namespaced",
            "versions": [{
                "name": names::VERSION,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "subresources": subresources,
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    });
    serde_json::from_value(definition).expect("the JSON above has the form of a definition")
}

/// The schema of a type in the form that the API server requires: structural, without references.
fn structural_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .with_transform(AddNullable::default());
    structural(settings.into_generator().into_root_schema_for::<T>().as_value())
}

/// Removes what the API server does not need, and all but the first paragraph of descriptions.
fn structural(schema: &Value) -> Value {
    let mut kept = Map::new();
    let Value::Object(members) = schema else { return Value::Object(kept) };
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            ("description", Value::String(text)) => Value::String(first_paragraph(text)),
            ("format", Value::String(format)) if !matches!(format.as_str(), "int32" | "int64") => {
                continue;
            }
            (
                "type"
                | "format"
                | "enum"
                | "x-kubernetes-int-or-string"
                | "x-kubernetes-preserve-unknown-fields",
                value,
            ) => value.clone(),
            ("properties", Value::Object(properties)) => {
                properties.iter().map(|(name, schema)| (name.clone(), structural(schema))).collect()
            }
            ("items" | "additionalProperties", schema @ Value::Object(_)) => structural(schema),
            _ => continue,
        };
        kept.insert(name.clone(), value);
    }
    Value::Object(kept)
}

/// The first paragraph of a documentation text, on one line. The others are for programmers.
fn first_paragraph(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
