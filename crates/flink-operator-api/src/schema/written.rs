//! Schemas of types that read more forms than a derived schema could say, or that keep JSON as it is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::pod;
use crate::{FlinkConfiguration, FlinkVersionName, PodTemplate, Quantity, TemplateMetadata};

impl JsonSchema for FlinkVersionName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FlinkVersionName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl JsonSchema for FlinkConfiguration {
    fn schema_name() -> Cow<'static, str> {
        "FlinkConfiguration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer" }, { "type": "string" }], "x-kubernetes-int-or-string": true })
    }
}

impl JsonSchema for PodTemplate {
    fn schema_name() -> Cow<'static, str> {
        "PodTemplate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema_of(pod::pod())
    }
}

impl JsonSchema for TemplateMetadata {
    fn schema_name() -> Cow<'static, str> {
        "TemplateMetadata".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema_of(pod::object_meta())
    }
}

fn schema_of(value: Value) -> Schema {
    Schema::try_from(value).expect("schemas are JSON objects")
}
