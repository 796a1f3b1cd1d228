//! A single value of a configuration, and the text that Flink makes of it.

use std::collections::BTreeMap;

use flink_operator_api::scalar_text;
use jiff::SignedDuration;
use serde_json::Value as Json;

use super::{
    double::double_text,
    duration,
    memory_size::MemorySize,
    structured,
    yaml::{self, Node, elements},
};
use crate::flink_version::FlinkVersion;

/// How lists and maps are written inside one value.
///
/// Flink carries this choice with every configuration: `flink-conf.yaml` gives the legacy syntax,
/// `config.yaml` and everything made in memory the standard one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// YAML flow collections, `[a, b]` and `{k: v}`. Readers fall back to [`Syntax::Legacy`].
    #[default]
    Standard,
    /// `a;b` for lists and `k:v,k2:v2` for maps. The only syntax of `flink-conf.yaml`.
    Legacy,
}

impl Syntax {
    /// The syntax of the file that the operator gives a cluster of this version.
    pub fn of(version: FlinkVersion) -> Self {
        if version < FlinkVersion::V2_0 { Self::Legacy } else { Self::Standard }
    }
}

/// A value as Flink's configuration object holds it.
///
/// Only the written form depends on the type: a [`Value::Bool`] `true` is written bare into
/// `config.yaml`, a [`Value::Text`] `"true"` is quoted. Reading an option accepts either.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, taken as it is. Everything in a custom resource and in `flink-conf.yaml` is text.
    Text(String),
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, in decimal digits without leading zeros. Only YAML yields it.
    BigInt(String),
    Double(f64),
    List(Vec<String>),
    /// A list of a `config.yaml` or of a resource as YAML on one line: what Flink's own configuration object keeps of it.
    /// Its elements can be anything.
    YamlList(String),
    Map(BTreeMap<String, String>),
    /// A list of maps, as tolerations and owner references are.
    Maps(Vec<BTreeMap<String, String>>),
    Duration(SignedDuration),
    MemorySize(MemorySize),
}

impl Value {
    /// The text that Flink passes on for this value, for example into environment variables or a
    /// string-typed option.
    pub fn text(&self, syntax: Syntax) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::YamlList(text) if syntax == Syntax::Standard => text.clone(),
            Self::Bool(_)
            | Self::Int(_)
            | Self::BigInt(_)
            | Self::Double(_)
            | Self::List(_)
            | Self::YamlList(_)
            | Self::Map(_)
            | Self::Maps(_)
            | Self::Duration(_)
            | Self::MemorySize(_) => match syntax {
                Syntax::Standard => yaml::dump_flow(&self.to_node()),
                Syntax::Legacy => self.legacy_text(),
            },
        }
    }

    fn legacy_text(&self) -> String {
        match self {
            Self::Text(text) | Self::BigInt(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Double(value) => double_text(*value),
            Self::List(items) => structured::join_list(items),
            Self::YamlList(text) => legacy_list(text).unwrap_or_else(|| text.clone()),
            Self::Map(map) => structured::join_map(map),
            Self::Maps(maps) => structured::join_list(maps.iter().map(structured::join_map)),
            Self::Duration(value) => duration::format(*value),
            Self::MemorySize(value) => value.to_string(),
        }
    }

    /// The YAML node that Flink writes for this value.
    pub(super) fn to_node(&self) -> Node {
        let map_node = |map: &BTreeMap<String, String>| {
            Node::Map(
                map.iter()
                    .map(|(key, value)| (Node::Text(key.clone()), Node::Text(value.clone())))
                    .collect(),
            )
        };
        match self {
            Self::Text(text) | Self::YamlList(text) => Node::Text(text.clone()),
            Self::Bool(value) => Node::Bool(*value),
            Self::Int(value) => Node::Int(value.to_string()),
            Self::BigInt(digits) => Node::Int(digits.clone()),
            Self::Double(value) => Node::Float(*value),
            Self::List(items) => Node::List(items.iter().cloned().map(Node::Text).collect()),
            Self::Map(map) => map_node(map),
            Self::Maps(maps) => Node::List(maps.iter().map(map_node).collect()),
            Self::Duration(value) => Node::Text(duration::format(*value)),
            Self::MemorySize(value) => Node::Text(value.to_string()),
        }
    }
}

/// A list in YAML as one in the legacy notation: of maps if every element is one, else of texts. `None` for what is no list,
/// or holds what Flink takes for no element.
fn legacy_list(text: &str) -> Option<String> {
    let items = elements::list(text)?;
    if !items.is_empty()
        && let Some(maps) = items.iter().map(elements::map).collect::<Option<Vec<_>>>()
    {
        return Some(structured::join_list(maps.iter().map(structured::join_map)));
    }
    let texts: Vec<String> = items.iter().map(elements::text).collect::<Option<_>>()?;
    Some(structured::join_list(texts))
}

/// A value of `spec.flinkConfiguration` that is neither an object nor absent. What is no list is text, as in the Java
/// operator.
impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Array(_) => Self::YamlList(yaml::dump_flow(&json_node(json))),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
                Self::Text(scalar_text(json))
            }
        }
    }
}

fn json_node(json: &Json) -> Node {
    match json {
        Json::Bool(value) => Node::Bool(*value),
        Json::Number(number) if !number.is_f64() => Node::Int(number.to_string()),
        Json::Number(number) => Node::Float(number.as_f64().unwrap_or(f64::NAN)),
        // Flink takes no list that has nothing in a place; the Java operator makes the word of it.
        Json::Null => Node::Text("null".to_owned()),
        Json::String(text) => Node::Text(text.clone()),
        Json::Array(items) => Node::List(items.iter().map(json_node).collect()),
        Json::Object(members) => Node::Map(
            members
                .iter()
                .map(|(name, value)| (Node::Text(name.clone()), json_node(value)))
                .collect(),
        ),
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f32> for Value {
    /// Keeps the decimal digits of the 32-bit number, as Java prints it: 0.1 stays 0.1.
    fn from(value: f32) -> Self {
        Self::Double(value.to_string().parse().unwrap_or_else(|_| f64::from(value)))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<SignedDuration> for Value {
    fn from(value: SignedDuration) -> Self {
        Self::Duration(value)
    }
}

impl From<MemorySize> for Value {
    fn from(value: MemorySize) -> Self {
        Self::MemorySize(value)
    }
}

impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Self {
        Self::List(value)
    }
}

impl From<BTreeMap<String, String>> for Value {
    fn from(value: BTreeMap<String, String>) -> Self {
        Self::Map(value)
    }
}

impl From<Vec<BTreeMap<String, String>>> for Value {
    fn from(value: Vec<BTreeMap<String, String>>) -> Self {
        Self::Maps(value)
    }
}
