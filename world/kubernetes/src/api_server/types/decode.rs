//! Reading an object of a built-in type as the API server does, and writing it back: fields that the type does not have
//! are dropped, what is empty is left out, numbers and times get their canonical forms, defaults are filled in.

use base64::Engine as _;
use serde_json::{Map, Number, Value};

use super::quantity::Quantity;
use super::{Struct, Type, Written, is_empty, time};
use crate::api_server::defaults;

/// The value does not fit the type.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("json: cannot unmarshal {found} into Go struct field {path} of type {expected}")]
pub struct DecodeError {
    pub path: String,
    pub found: String,
    pub expected: &'static str,
}

/// A decoded object, and what it had that its type does not know.
#[derive(Debug, PartialEq)]
pub struct Decoded {
    pub object: Value,
    /// Paths, sorted by where they were met.
    pub unknown: Vec<String>,
}

/// Decodes an object and fills in the defaults of its type.
///
/// # Errors
///
/// A field has a value of another type than its own.
pub fn decode(ty: &Type, value: &Value) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder { path: Vec::new(), unknown: Vec::new() };
    let object = decoder.value(ty, value)?.unwrap_or_else(|| ty.zero());
    Ok(Decoded { object, unknown: decoder.unknown })
}

struct Decoder {
    path: Vec<String>,
    unknown: Vec<String>,
}

impl Decoder {
    fn error(&self, value: &Value, expected: &'static str) -> DecodeError {
        let found = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if expected.starts_with("int") => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        DecodeError { path: self.path.join("."), found, expected }
    }

    /// `None` for null: nothing is set.
    fn value(&mut self, ty: &Type, value: &Value) -> Result<Option<Value>, DecodeError> {
        if value.is_null() {
            return Ok(None);
        }
        let decoded = match ty {
            Type::String => {
                value.as_str().map(Value::from).ok_or_else(|| self.error(value, "string"))?
            }
            Type::Boolean => {
                value.as_bool().map(Value::from).ok_or_else(|| self.error(value, "bool"))?
            }
            Type::Integer { bits: 32 } => {
                let number = value.as_i64().filter(|number| i32::try_from(*number).is_ok());
                number.map(Value::from).ok_or_else(|| self.error(value, "int32"))?
            }
            Type::Integer { .. } => {
                value.as_i64().map(Value::from).ok_or_else(|| self.error(value, "int64"))?
            }
            Type::Number => {
                value.as_f64().map(Value::from).ok_or_else(|| self.error(value, "float64"))?
            }
            Type::Bytes => {
                let text = value.as_str().ok_or_else(|| self.error(value, "[]uint8"))?;
                let bytes = base64::engine::general_purpose::STANDARD.decode(text);
                bytes.map_err(|_| self.error(value, "[]uint8"))?;
                Value::from(text)
            }
            Type::Time => {
                let parsed = value
                    .as_str()
                    .and_then(time::parse)
                    .ok_or_else(|| self.error(value, "v1.Time"))?;
                Value::from(time::seconds(parsed))
            }
            Type::MicroTime => {
                let parsed = value
                    .as_str()
                    .and_then(time::parse)
                    .ok_or_else(|| self.error(value, "v1.MicroTime"))?;
                Value::from(time::micros(parsed))
            }
            Type::Quantity => {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                        String::new()
                    }
                };
                let quantity =
                    Quantity::parse(&text).ok_or_else(|| self.error(value, "resource.Quantity"))?;
                Value::from(quantity.canonical())
            }
            Type::IntOrString => {
                let number =
                    value.as_i64().and_then(|number| i32::try_from(number).ok()).map(Number::from);
                let number = number.map(Value::Number);
                number
                    .or_else(|| value.as_str().map(Value::from))
                    .ok_or_else(|| self.error(value, "intstr.IntOrString"))?
            }
            Type::Any => value.clone(),
            Type::List(list) => {
                let items = value.as_array().ok_or_else(|| self.error(value, "[]"))?;
                let items = items.iter().map(|item| {
                    Ok(self.value(&list.items, item)?.unwrap_or_else(|| list.items.zero()))
                });
                Value::Array(items.collect::<Result<_, DecodeError>>()?)
            }
            Type::Map(map) => {
                let entries = value.as_object().ok_or_else(|| self.error(value, "map"))?;
                let mut decoded = Map::new();
                for (name, entry) in entries {
                    self.path.push(name.clone());
                    let entry =
                        self.value(&map.values, entry)?.unwrap_or_else(|| map.values.zero());
                    self.path.pop();
                    decoded.insert(name.clone(), entry);
                }
                if *map.values == Type::Quantity {
                    defaults::resource_list(&mut decoded);
                }
                Value::Object(decoded)
            }
            Type::Struct(ty) => {
                let fields = value.as_object().ok_or_else(|| self.error(value, "struct"))?;
                Value::Object(self.fields(ty, fields)?)
            }
        };
        Ok(Some(decoded))
    }

    fn fields(
        &mut self,
        ty: &Struct,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, DecodeError> {
        let mut decoded = Map::new();
        for (name, field) in ty.in_order() {
            let value = match given.get(name) {
                Some(value) => {
                    self.path.push(name.to_owned());
                    let value = self.value(&field.ty, value)?;
                    self.path.pop();
                    value
                }
                None => None,
            };
            match (field.written, value) {
                (Written::Always, value) => {
                    decoded.insert(name.to_owned(), value.unwrap_or_else(|| self.zero(&field.ty)));
                }
                (Written::AlwaysOrNull, value) => {
                    decoded.insert(name.to_owned(), value.unwrap_or_default());
                }
                (Written::WhenGiven, Some(value)) => {
                    decoded.insert(name.to_owned(), value);
                }
                // A struct is never empty in Go's eyes, but these fields hold none.
                (Written::WhenNotEmpty, Some(value)) if !is_empty(&value) => {
                    decoded.insert(name.to_owned(), value);
                }
                (Written::WhenGiven | Written::WhenNotEmpty, _) => {}
            }
        }
        let unknown = given.keys().filter(|name| !ty.fields.contains_key(*name));
        let path =
            if self.path.is_empty() { String::new() } else { format!("{}.", self.path.join(".")) };
        self.unknown.extend(unknown.map(|name| format!("{path}{name}")));
        defaults::of_type(&ty.name, &mut decoded);
        Ok(decoded)
    }

    /// A field that is always there has its defaults too.
    fn zero(&mut self, ty: &Type) -> Value {
        // Nothing of an empty object can have the wrong type.
        let inner = ty.as_struct().and_then(|inner| self.fields(inner, &Map::new()).ok());
        inner.map_or_else(|| ty.zero(), Value::Object)
    }
}
