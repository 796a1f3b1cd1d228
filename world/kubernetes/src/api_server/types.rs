//! Types of objects: what fields they have, how these are written, and how two writers' values of them are merged.
//!
//! A type is the common ground of the built-in kinds (from a table) and of custom kinds (from their schemas); field
//! ownership, apply and decoding work on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

pub mod decode;
pub mod quantity;
pub mod table;
pub mod time;

/// The type of a value.
#[derive(Debug, PartialEq)]
pub enum Type {
    String,
    Integer {
        /// 32 or 64.
        bits: u8,
    },
    Number,
    Boolean,
    /// Bytes, as base64 in JSON.
    Bytes,
    /// To the second, in UTC.
    Time,
    /// To the microsecond, in UTC.
    MicroTime,
    Quantity,
    IntOrString,
    /// Anything: its own form tells how it is merged (objects by field, lists as a whole).
    Any,
    List(List),
    Map(MapOf),
    Struct(Struct),
}

#[derive(Debug, PartialEq)]
pub struct List {
    pub items: Arc<Type>,
    pub merged: Merged,
}

/// How two writers' values of a list are merged.
#[derive(Debug, PartialEq)]
pub enum Merged {
    /// The list has one owner.
    Whole,
    /// It is a set of scalars: each value has its owners.
    ByValue,
    /// Its items are objects, told apart by these fields.
    ByKeys(Vec<Key>),
}

#[derive(Debug, PartialEq)]
pub struct Key {
    pub name: String,
    /// What counts where the field is missing.
    pub default: Option<Value>,
}

/// An object with any names as fields, whose values are of one type.
#[derive(Debug, PartialEq)]
pub struct MapOf {
    pub values: Arc<Type>,
    pub atomic: bool,
}

/// An object with declared fields.
#[derive(Debug, PartialEq)]
pub struct Struct {
    /// Name in the table; empty for types of custom kinds.
    pub name: String,
    pub fields: BTreeMap<String, Field>,
    /// Names of the fields in the order in which they are written.
    pub order: Vec<String>,
    pub atomic: bool,
    /// Fields that are not declared may be there (and are of any type).
    pub open: bool,
}

#[derive(Debug, PartialEq)]
pub struct Field {
    pub ty: Arc<Type>,
    pub written: Written,
}

/// When a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Always,
    /// Always too, but it can be null: Go has a pointer here.
    AlwaysOrNull,
    WhenGiven,
    WhenNotEmpty,
}

impl Type {
    /// The value of a field that nobody has set.
    pub fn zero(&self) -> Value {
        match self {
            Self::String | Self::Bytes => Value::String(String::new()),
            Self::Integer { .. } | Self::Number | Self::IntOrString => Value::from(0),
            Self::Boolean => Value::Bool(false),
            Self::Quantity => Value::from("0"),
            Self::Time | Self::MicroTime | Self::Any | Self::List(_) | Self::Map(_) => Value::Null,
            Self::Struct(ty) => Value::Object(ty.zero()),
        }
    }

    pub fn as_struct(&self) -> Option<&Struct> {
        if let Self::Struct(ty) = self { Some(ty) } else { None }
    }
}

impl Struct {
    /// An object of this type in which nothing is set.
    pub fn zero(&self) -> Map<String, Value> {
        self.in_order()
            .filter_map(|(name, field)| match field.written {
                Written::Always => Some((name.to_owned(), field.ty.zero())),
                Written::AlwaysOrNull => Some((name.to_owned(), Value::Null)),
                Written::WhenGiven | Written::WhenNotEmpty => None,
            })
            .collect()
    }

    pub fn in_order(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.order.iter().filter_map(|name| Some((name.as_str(), self.fields.get(name)?)))
    }
}

/// Whether Go's `omitempty` leaves the value out.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
