//! Holding an object against the schema of its custom kind.

use serde_json::{Map, Value};

use super::Schema;
use crate::api_server::refusal::{Fault, FieldFault};

impl Schema {
    /// What is wrong with the value at a path, `old` being what it replaces. What was wrong before and has not changed
    /// is let through.
    pub fn check(&self, path: &str, value: &Value, old: Option<&Value>) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        self.check_value(path, value, old, &mut faults);
        faults
    }

    fn check_value(
        &self,
        path: &str,
        value: &Value,
        old: Option<&Value>,
        faults: &mut Vec<FieldFault>,
    ) {
        if (value.is_null() && self.nullable) || old == Some(value) {
            return;
        }
        if !self.fits(value) {
            let expected = if self.int_or_string { "integer,string" } else { &self.ty };
            let found = type_name(value);
            let detail = format!("{path} in body must be of type {expected}: {found:?}");
            faults.push(FieldFault::new(Fault::TypeInvalid, path, Value::from(found), detail));
            return;
        }
        self.check_enumeration(path, value, faults);
        match value {
            Value::Object(fields) => self.check_fields(path, fields, old, faults),
            Value::Array(items) => self.check_items(path, items, faults),
            Value::String(text) => self.check_text(path, text, faults),
            Value::Number(number) => {
                self.check_number(path, value, number.as_f64().unwrap_or_default(), faults);
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn fits(&self, value: &Value) -> bool {
        if self.int_or_string {
            return value.is_string() || value.as_i64().is_some();
        }
        match self.ty.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => {
                value.as_i64().is_some()
                    || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            "number" => value.is_number(),
            _ => true,
        }
    }

    fn check_enumeration(&self, path: &str, value: &Value, faults: &mut Vec<FieldFault>) {
        let Some(allowed) = self.enumeration.as_ref().filter(|allowed| !allowed.contains(value))
        else {
            return;
        };
        let allowed = allowed
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let allowed: Vec<String> = allowed.map(|text| format!("{text:?}")).collect();
        let detail = format!("supported values: {}", allowed.join(", "));
        faults.push(FieldFault::new(Fault::NotSupported, path, value.clone(), detail));
    }

    fn check_fields(
        &self,
        path: &str,
        fields: &Map<String, Value>,
        old: Option<&Value>,
        faults: &mut Vec<FieldFault>,
    ) {
        for name in self.required.iter().filter(|name| !fields.contains_key(*name)) {
            faults.push(FieldFault::new(
                Fault::Required,
                &format!("{path}.{name}"),
                Value::Null,
                String::new(),
            ));
        }
        for (name, value) in fields {
            if let Some(schema) = self.properties.get(name).or(self.additional.as_deref()) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                schema.check_value(&path, value, old.and_then(|old| old.get(name)), faults);
            }
        }
    }

    fn check_items(&self, path: &str, items: &[Value], faults: &mut Vec<FieldFault>) {
        let count = items.len() as u64;
        if let Some(most) = self.max_items.filter(|most| count > *most) {
            let unit = if most == 1 { "item" } else { "items" };
            let detail = format!("must have at most {most} {unit}");
            faults.push(FieldFault::new(Fault::TooMany, path, Value::from(count), detail));
        }
        if let Some(least) = self.min_items.filter(|least| count < *least) {
            let detail = format!("{path} in body should have at least {least} items");
            faults.push(FieldFault::new(Fault::Invalid, path, Value::from(count), detail));
        }
        if let Some(schema) = &self.items {
            for (index, item) in items.iter().enumerate() {
                // Which item was which before is not known.
                schema.check_value(&format!("{path}[{index}]"), item, None, faults);
            }
        }
    }

    fn check_text(&self, path: &str, text: &str, faults: &mut Vec<FieldFault>) {
        let length = text.chars().count() as u64;
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            let detail = format!("may not be more than {most} bytes");
            faults.push(FieldFault::new(Fault::TooLong, path, Value::Null, detail));
        }
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            let detail = format!("{path} in body should be at least {least} chars long");
            faults.push(FieldFault::new(Fault::Invalid, path, Value::from(text), detail));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            let detail = format!("{path} in body should match '{pattern}'");
            faults.push(FieldFault::new(Fault::Invalid, path, Value::from(text), detail));
        }
    }

    fn check_number(&self, path: &str, value: &Value, number: f64, faults: &mut Vec<FieldFault>) {
        if let Some(least) = self.minimum.filter(|least| number < *least) {
            let detail = format!("{path} in body should be greater than or equal to {least}");
            faults.push(FieldFault::new(Fault::Invalid, path, value.clone(), detail));
        }
        if let Some(most) = self.maximum.filter(|most| number > *most) {
            let detail = format!("{path} in body should be less than or equal to {most}");
            faults.push(FieldFault::new(Fault::Invalid, path, value.clone(), detail));
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
