//! The schema of pod templates: a core/v1 Pod, field by field, so that a misspelt field or a value
//! of a wrong type is refused when the resource is written, not when its pods are.
//!
//! There are up to three of them in a definition, and `kubectl apply` stores the whole definition
//! in an annotation of at most 262,144 bytes, so they carry types only: no descriptions, no
//! formats, no lists of required fields (a template need not be complete).

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::newer_pod_fields::NEWER_POD_FIELDS;

/// The path under which schemars puts schemas that are referred to.
const DEFINITIONS: &str = "/components/schemas/";
/// The prefix of the names of Kubernetes' core types.
const CORE: &str = "io.k8s.api.core.v1.";

/// The schema of a core/v1 Pod, with the fields of the newest known Kubernetes.
pub(crate) fn pod() -> Value {
    let mut pod = types_only::<Pod>();
    for part in ["metadata", "spec"] {
        if let Some(Value::Object(members)) = pod.pointer_mut(&format!("/properties/{part}")) {
            let text = format!("As of any pod: see `kubectl explain pod.{part}`.");
            members.insert("description".to_owned(), text.into());
        }
    }
    pod
}

/// The schema of a meta/v1 ObjectMeta.
pub(crate) fn object_meta() -> Value {
    types_only::<ObjectMeta>()
}

fn types_only<T: JsonSchema>() -> Value {
    let mut generator =
        SchemaSettings::openapi3().with(|settings| settings.meta_schema = None).into_generator();
    let root = generator.root_schema_for::<T>();
    let definitions = with_newer_fields(generator.definitions().clone());
    resolve(root.as_value(), &definitions)
}

/// Adds the fields and types that are newer than the types that this program is built with.
fn with_newer_fields(mut definitions: Map<String, Value>) -> Map<String, Value> {
    for (definition, fields) in NEWER_POD_FIELDS {
        let entry = definitions
            .entry(format!("{CORE}{definition}"))
            .or_insert_with(|| json!({ "type": "object" }));
        let Value::Object(members) = entry else { continue };
        let properties = members.entry("properties").or_insert_with(|| json!({}));
        let Value::Object(properties) = properties else { continue };
        for (name, notation) in *fields {
            properties.entry(*name).or_insert_with(|| of_notation(notation));
        }
    }
    definitions
}

/// The schema that a notation such as `[]string`, `map[quantity]` or `FileKeySelector` stands for.
fn of_notation(notation: &str) -> Value {
    if let Some(item) = notation.strip_prefix("[]") {
        return json!({ "type": "array", "items": of_notation(item) });
    }
    if let Some(value) = notation.strip_prefix("map[").and_then(|rest| rest.strip_suffix(']')) {
        return json!({ "type": "object", "additionalProperties": of_notation(value) });
    }
    match notation {
        "quantity" => json!({ "x-kubernetes-int-or-string": true }),
        "string" | "integer" | "boolean" => json!({ "type": notation }),
        definition => json!({ "$ref": format!("#{DEFINITIONS}{CORE}{definition}") }),
    }
}

/// Replaces references by their definitions, and drops everything but types.
fn resolve(schema: &Value, definitions: &Map<String, Value>) -> Value {
    if let Some(name) = reference(schema) {
        let definition = definitions
            .get(name)
            .expect("schemars defines what it refers to; our additions are tested");
        return resolve(definition, definitions);
    }
    let mut kept = Map::new();
    if schema.get("x-kubernetes-int-or-string").is_some() {
        kept.insert("x-kubernetes-int-or-string".to_owned(), Value::Bool(true));
        return Value::Object(kept);
    }
    if let Some(kind) = schema.get("type") {
        kept.insert("type".to_owned(), kind.clone());
    }
    if let Some(Value::Object(properties)) = schema.get("properties") {
        let properties =
            properties.iter().map(|(name, schema)| (name.clone(), resolve(schema, definitions)));
        kept.insert("properties".to_owned(), properties.collect());
    }
    for name in ["items", "additionalProperties"] {
        if let Some(schema @ Value::Object(_)) = schema.get(name) {
            kept.insert(name.to_owned(), resolve(schema, definitions));
        }
    }
    Value::Object(kept)
}

/// The name of the definition that a schema refers to, with or without a description.
fn reference(schema: &Value) -> Option<&str> {
    let plain = schema.get("$ref");
    let beside_description = || schema.get("allOf")?.get(0)?.get("$ref");
    plain.or_else(beside_description)?.as_str()?.strip_prefix('#')?.strip_prefix(DEFINITIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_called_newer_are_not_in_the_types() {
        let mut generator = SchemaSettings::openapi3().into_generator();
        generator.root_schema_for::<Pod>();
        for (definition, fields) in NEWER_POD_FIELDS {
            let known = generator.definitions().get(&format!("{CORE}{definition}"));
            for (field, _) in *fields {
                let known =
                    known.and_then(|schema| schema.pointer(&format!("/properties/{field}")));
                assert_eq!(known, None, "{definition}.{field} can be taken off the list");
            }
        }
    }

    #[test]
    fn types_that_are_listed_are_used() {
        let definitions = with_newer_fields(Map::new());
        let used: String = NEWER_POD_FIELDS
            .iter()
            .flat_map(|(_, fields)| fields.iter().map(|(_, kind)| *kind))
            .collect();
        let mut generator = SchemaSettings::openapi3().into_generator();
        generator.root_schema_for::<Pod>();
        for name in definitions.keys() {
            let short = name.trim_start_matches(CORE);
            assert!(
                generator.definitions().contains_key(name) || used.contains(short),
                "{short} is not used"
            );
        }
    }

    #[test]
    fn notations_stand_for_schemas() {
        let expected = json!({ "type": "array", "items": { "type": "object", "additionalProperties": { "type": "string" } } });
        assert_eq!(of_notation("[]map[string]"), expected);
        assert_eq!(
            of_notation("KeyToPath"),
            json!({ "$ref": "#/components/schemas/io.k8s.api.core.v1.KeyToPath" })
        );
        assert_eq!(of_notation("quantity"), json!({ "x-kubernetes-int-or-string": true }));
    }
}
