//! Rules of a custom kind in the expression language (`x-kubernetes-validations`).

use std::collections::BTreeMap;
use std::fmt;

use kube::core::cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::{Map, Value, json};

use super::Schema;
use crate::api_server::refusal::{Fault, FieldFault};

/// In rules about a value that may not have been there.
const HAD_VALUE: &str = "oldSelf.hasValue()";

thread_local! {
    static VALIDATOR: Validator = Validator::new();
}

/// A rule about the value at one place.
pub(super) struct Rule {
    /// The rule for a value that is new, and for one that was there before.
    on_create: CompiledSchema,
    on_update: CompiledSchema,
    /// What the rule speaks of in the value.
    needed: Needed,
    /// It compares with the value of before.
    compares: bool,
    /// It is held against new values too, although it compares.
    optional: bool,
    /// The field that a fault is about, from the place of the rule.
    field: String,
    fault: Fault,
    ty: String,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("field", &self.field).finish_non_exhaustive()
    }
}

impl Rule {
    /// The rules of a schema about its own value.
    pub(super) fn read_all(schema: &Value) -> Vec<Self> {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
        rules.into_iter().flatten().map(|rule| Self::read(schema, rule)).collect()
    }

    fn read(schema: &Value, rule: &Value) -> Self {
        let text = |field: &str| rule.get(field).and_then(Value::as_str).unwrap_or_default();
        let all = format!("{} {}", text("rule"), text("messageExpression"));
        Self {
            on_create: compiled(schema, rule, &all, "false"),
            on_update: compiled(schema, rule, &all, "true"),
            needed: Needed::read(schema, &all),
            compares: all.contains("oldSelf"),
            optional: rule.get("optionalOldSelf") == Some(&Value::Bool(true)),
            field: text("fieldPath").to_owned(),
            fault: match text("reason") {
                "FieldValueRequired" => Fault::Required,
                "FieldValueForbidden" => Fault::Forbidden,
                "FieldValueDuplicate" => Fault::Duplicate,
                _ => Fault::Invalid,
            },
            ty: schema.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }
    }

    fn check(&self, path: &str, value: &Value, old: Option<&Value>) -> Option<FieldFault> {
        let compiled = if old.is_some() { &self.on_update } else { &self.on_create };
        let (value, old) = (self.needed.of(value), old.map(|old| self.needed.of(old)));
        let result =
            VALIDATOR.with(|validator| validator.validate_compiled(compiled, &value, old.as_ref()));
        let errors = result.err()?.into_vec();
        let error = errors.into_iter().next()?;
        let is_answer = error.kind == ErrorKind::ValidationFailure;
        let field = if is_answer { format!("{path}{}", self.field) } else { path.to_owned() };
        let field = if field.is_empty() { "<nil>" } else { field.trim_start_matches('.') };
        let fault = if is_answer { self.fault } else { Fault::Invalid };
        Some(FieldFault::new(fault, field, Value::from(self.ty.clone()), error.message))
    }
}

/// The part of a value that a rule speaks of: the rest is not worth converting.
enum Needed {
    All,
    /// These fields of an object, and of each a part.
    Fields(BTreeMap<String, Self>),
}

impl Needed {
    /// Of the fields that a schema names, a rule can speak of those whose names are in its text. Without any it may speak
    /// of the object as a whole, as in `self == oldSelf`.
    fn read(schema: &Value, text: &str) -> Self {
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let named = properties.filter(|(name, _)| text.contains(name.as_str()));
        let parts: BTreeMap<_, _> =
            named.map(|(name, schema)| (name.clone(), Self::read(schema, text))).collect();
        if parts.is_empty() { Self::All } else { Self::Fields(parts) }
    }

    fn of(&self, value: &Value) -> Value {
        match (self, value) {
            (Self::Fields(parts), Value::Object(fields)) => {
                let part = |(name, value): (&String, &Value)| {
                    parts.get(name).map(|part| (name.clone(), part.of(value)))
                };
                Value::Object(fields.iter().filter_map(part).collect())
            }
            (Self::Fields(_) | Self::All, value) => value.clone(),
        }
    }
}

/// The schema with this one rule, and of its fields those that the rule speaks of.
fn compiled(schema: &Value, rule: &Value, text: &str, had_value: &str) -> CompiledSchema {
    let mut rule = rule.clone();
    if let Some(Value::String(text)) = rule.get_mut("rule") {
        *text = text.replace(HAD_VALUE, had_value);
    }
    let mut schema = without_rules(schema, text);
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("x-kubernetes-validations".to_owned(), json!([rule]));
    }
    compile_schema(&schema)
}

fn without_rules(schema: &Value, text: &str) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let mut kept = Map::new();
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("x-kubernetes-validations" | "description" | "default", _) => {}
            ("properties", Value::Object(properties)) => {
                let named = properties.iter().filter(|(name, _)| text.contains(name.as_str()));
                let named = named.map(|(name, schema)| (name.clone(), without_rules(schema, text)));
                kept.insert(name.clone(), Value::Object(named.collect()));
            }
            ("items" | "additionalProperties", value) => {
                kept.insert(name.clone(), without_rules(value, text));
            }
            _ => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(kept)
}

impl Schema {
    /// What the rules say against a value, `old` being what it replaces. What was wrong before and has not changed is
    /// let through.
    pub fn check_rules(&self, value: &Value, old: Option<&Value>) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        self.try_rules("", value, old, old == Some(value), &mut faults);
        faults
    }

    fn try_rules(
        &self,
        path: &str,
        value: &Value,
        old: Option<&Value>,
        unchanged: bool,
        faults: &mut Vec<FieldFault>,
    ) {
        if !self.has_rules() || value.is_null() {
            return;
        }
        let old = old.filter(|old| !old.is_null());
        for rule in &self.rules {
            let applies = if rule.compares { old.is_some() || rule.optional } else { !unchanged };
            if applies {
                faults.extend(rule.check(path, value, old));
            }
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let Some(schema) = self.properties.get(name).or(self.additional.as_deref())
                    else {
                        continue;
                    };
                    let old = old.and_then(|old| old.get(name));
                    let unchanged = unchanged || old == Some(value);
                    schema.try_rules(&format!("{path}.{name}"), value, old, unchanged, faults);
                }
            }
            Value::Array(items) => {
                // Which item was which before is not known.
                for (index, item) in items.iter().enumerate() {
                    if let Some(schema) = &self.items {
                        schema.try_rules(
                            &format!("{path}[{index}]"),
                            item,
                            None,
                            unchanged,
                            faults,
                        );
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
