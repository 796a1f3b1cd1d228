//! Schemas of custom kinds: reading them, dropping what they do not know, and holding objects against them.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

use crate::api_server::types::{
    Field, Key, List, MapOf, Merged, Struct, Type, Written, table::builtin,
};

pub mod check;
pub mod rules;

use rules::Rule;

/// The part of a structural schema that the API server acts on.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the schema language")]
pub struct Schema {
    /// `object`, `array`, `string`, `integer`, `number`, `boolean`; empty where any type is good.
    ty: String,
    int_or_string: bool,
    nullable: bool,
    preserve_unknown: bool,
    embedded: bool,
    properties: BTreeMap<String, Self>,
    additional: Option<Box<Self>>,
    items: Option<Box<Self>>,
    list_type: String,
    list_keys: Vec<String>,
    atomic_map: bool,
    default: Option<Value>,
    required: Vec<String>,
    enumeration: Option<Vec<Value>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    pattern: Option<Regex>,
    rules: Vec<Rule>,
    /// It has rules in the expression language, or something in it has.
    has_rules: bool,
}

impl Schema {
    /// Reads an `openAPIV3Schema`.
    pub fn read(json: &Value) -> Self {
        let text =
            |field: &str| json.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let flag = |field: &str| json.get(field).and_then(Value::as_bool).unwrap_or(false);
        let number = |field: &str| json.get(field).and_then(Value::as_u64);
        let strings = |field: &str| -> Vec<String> {
            let items = json.get(field).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let inner = |field: &str| {
            json.get(field)
                .filter(|schema| schema.is_object())
                .map(|schema| Box::new(Self::read(schema)))
        };
        let properties = json.get("properties").and_then(Value::as_object);
        let (additional, items) = (inner("additionalProperties"), inner("items"));
        let properties: BTreeMap<String, Self> = properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| (name.clone(), Self::read(schema)))
            .collect();
        let rules = Rule::read_all(json);
        let has_rules = !rules.is_empty()
            || properties.values().any(|schema| schema.has_rules)
            || [&additional, &items].into_iter().flatten().any(|schema| schema.has_rules);
        Self {
            ty: text("type"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            nullable: flag("nullable"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            properties,
            additional,
            items,
            list_type: text("x-kubernetes-list-type"),
            list_keys: strings("x-kubernetes-list-map-keys"),
            atomic_map: text("x-kubernetes-map-type") == "atomic",
            default: json.get("default").cloned(),
            required: strings("required"),
            enumeration: json.get("enum").and_then(Value::as_array).cloned(),
            minimum: json.get("minimum").and_then(Value::as_f64),
            maximum: json.get("maximum").and_then(Value::as_f64),
            min_length: number("minLength"),
            max_length: number("maxLength"),
            min_items: number("minItems"),
            max_items: number("maxItems"),
            pattern: json
                .get("pattern")
                .and_then(Value::as_str)
                .and_then(|pattern| Regex::new(pattern).ok()),
            rules,
            has_rules,
        }
    }

    /// Whether there are rules in the expression language.
    pub fn has_rules(&self) -> bool {
        self.has_rules
    }

    /// How objects of the kind are merged: their metadata as that of every object.
    pub fn root_type(&self) -> Arc<Type> {
        let Type::Struct(mut ty) = self.merge_type(self.preserve_unknown) else {
            return Arc::new(Type::Any);
        };
        for (name, field) in [
            ("apiVersion", Arc::new(Type::String)),
            ("kind", Arc::new(Type::String)),
            ("metadata", builtin("ObjectMeta")),
        ] {
            ty.fields.insert(name.to_owned(), Field { ty: field, written: Written::WhenNotEmpty });
        }
        ty.order = ["apiVersion", "kind", "metadata", "spec", "status"].map(str::to_owned).to_vec();
        Arc::new(Type::Struct(ty))
    }

    /// `open`: fields that are not declared are kept here or somewhere above.
    fn merge_type(&self, open: bool) -> Type {
        let open = open || self.preserve_unknown;
        if self.int_or_string {
            return Type::IntOrString;
        }
        match self.ty.as_str() {
            "string" => Type::String,
            "integer" => Type::Integer { bits: 64 },
            "number" => Type::Number,
            "boolean" => Type::Boolean,
            "array" => {
                let items = self.items.as_ref().map_or(Type::Any, |items| items.merge_type(open));
                let merged = match self.list_type.as_str() {
                    "set" => Merged::ByValue,
                    "map" => Merged::ByKeys(
                        self.list_keys
                            .iter()
                            .map(|name| Key { name: name.clone(), default: None })
                            .collect(),
                    ),
                    _ => Merged::Whole,
                };
                Type::List(List { items: Arc::new(items), merged })
            }
            "object" => {
                if let Some(values) =
                    self.additional.as_ref().filter(|_| self.properties.is_empty())
                {
                    return Type::Map(MapOf {
                        values: Arc::new(values.merge_type(open)),
                        atomic: self.atomic_map,
                    });
                }
                let fields: BTreeMap<String, Field> = self
                    .properties
                    .iter()
                    .map(|(name, schema)| {
                        let ty = Arc::new(schema.merge_type(open));
                        (name.clone(), Field { ty, written: Written::WhenNotEmpty })
                    })
                    .collect();
                let order = fields.keys().cloned().collect();
                Type::Struct(Struct {
                    name: String::new(),
                    fields,
                    order,
                    atomic: self.atomic_map,
                    open,
                })
            }
            _ => Type::Any,
        }
    }

    /// Drops what the schema does not know, and nulls where it wants none. Returns the paths of what was unknown.
    pub fn prune(&self, object: &mut Map<String, Value>) -> Vec<String> {
        let mut unknown = Vec::new();
        self.prune_fields(object, true, "", &mut unknown);
        self.drop_nulls(object);
        unknown.sort();
        unknown
    }

    fn prune_fields(
        &self,
        fields: &mut Map<String, Value>,
        root: bool,
        path: &str,
        unknown: &mut Vec<String>,
    ) {
        let keeps_meta = root || self.embedded;
        fields.retain(|name, value| {
            if keeps_meta && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                return true;
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match self.properties.get(name).or(self.additional.as_deref()) {
                Some(schema) => {
                    schema.prune_value(value, &path, unknown);
                    true
                }
                None if self.preserve_unknown => true,
                None => {
                    unknown.push(path);
                    false
                }
            }
        });
    }

    fn prune_value(&self, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
        if let Some(fields) = value.as_object_mut() {
            self.prune_fields(fields, false, path, unknown);
        } else if let (Some(items), Some(schema)) = (value.as_array_mut(), &self.items) {
            for (index, item) in items.iter_mut().enumerate() {
                schema.prune_value(item, &format!("{path}[{index}]"), unknown);
            }
        }
    }

    fn drop_nulls(&self, fields: &mut Map<String, Value>) {
        fields.retain(|name, value| {
            let Some(schema) = self.properties.get(name).or(self.additional.as_deref()) else {
                return true;
            };
            if value.is_null() && !schema.nullable && schema.default.is_none() {
                return false;
            }
            schema.drop_nulls_inside(value);
            true
        });
    }

    fn drop_nulls_inside(&self, value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            self.drop_nulls(fields);
        } else if let (Some(items), Some(schema)) = (value.as_array_mut(), &self.items) {
            for item in items {
                schema.drop_nulls_inside(item);
            }
        }
    }

    /// Fills in the defaults.
    pub fn fill_defaults(&self, value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            for (name, schema) in &self.properties {
                if let Some(default) = &schema.default {
                    let missing =
                        fields.get(name).is_none_or(|value| value.is_null() && !schema.nullable);
                    if missing {
                        fields.insert(name.clone(), default.clone());
                    }
                }
            }
            for (name, value) in fields.iter_mut() {
                if let Some(schema) = self.properties.get(name).or(self.additional.as_deref()) {
                    schema.fill_defaults(value);
                }
            }
        } else if let (Some(items), Some(schema)) = (value.as_array_mut(), &self.items) {
            for item in items {
                schema.fill_defaults(item);
            }
        }
    }

    /// The schema of a top-level field.
    pub fn property(&self, name: &str) -> Option<&Self> {
        self.properties.get(name)
    }
}
