//! `config.yaml`, the file of Flink 2 (and optionally of 1.19 and 1.20).

use std::collections::BTreeMap;

use super::{
    configuration::Configuration,
    value::Value,
    yaml::{self, Node},
};

/// The file's name, which is also its key in a ConfigMap.
pub const FILE_NAME: &str = "config.yaml";

/// How keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YamlStyle {
    /// One level for every part of a key, as Flink and the Java operator write it.
    Nested,
    /// One line for every key. Holds keys that are the beginning of other keys.
    Flat,
}

/// A `config.yaml` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigYamlError {
    #[error("line {line}, column {column}: {problem}")]
    Syntax { line: usize, column: usize, problem: String },
    #[error("the file must hold a mapping of keys to values, but it holds {found}")]
    NotAMapping { found: &'static str },
    #[error("{key} has no value; write '' for an empty one or remove the key")]
    NullValue { key: String },
    #[error("the key {key} is {found}; only text is allowed, so put it in quotes")]
    KeyNotText { key: String, found: &'static str },
}

/// Two keys of which one is the beginning of the other: as a mapping, the shorter one has no place for its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap {
    pub shorter: String,
    pub longer: String,
}

/// Nested YAML cannot hold the keys of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a nested config.yaml cannot hold a key together with one that begins with it: {}",
    listed(overlaps)
)]
pub struct OverlapError {
    /// Every pair, in the order of the shorter keys.
    pub overlaps: Vec<Overlap>,
}

fn listed(overlaps: &[Overlap]) -> String {
    let pairs: Vec<String> =
        overlaps.iter().map(|pair| format!("{} and {}", pair.shorter, pair.longer)).collect();
    pairs.join(", ")
}

/// Reads a `config.yaml` with nested keys, keys with dots, or a mixture.
///
/// Where two spellings give the same key the later one wins, as in Flink. Lists become [`Value::YamlList`].
pub fn read_config_yaml(text: &str) -> Result<Configuration, ConfigYamlError> {
    let mut configuration = Configuration::new();
    match yaml::parse(text).map_err(|error| ConfigYamlError::Syntax {
        line: error.line,
        column: error.column,
        problem: error.problem,
    })? {
        Node::Null => {}
        Node::Map(pairs) => flatten("", pairs, &mut configuration)?,
        other @ (Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Text(_) | Node::List(_)) => {
            return Err(ConfigYamlError::NotAMapping { found: other.kind() });
        }
    }
    Ok(configuration)
}

fn flatten(
    prefix: &str,
    pairs: Vec<(Node, Node)>,
    configuration: &mut Configuration,
) -> Result<(), ConfigYamlError> {
    for (key, value) in pairs {
        let name = match key {
            Node::Text(name) => name,
            // Flink appends keys to each other as Java does, which makes a word of nothing.
            Node::Null => "null".to_owned(),
            Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::List(_) | Node::Map(_) => {
                let found = key.kind();
                let key = format!("{prefix}{}", yaml::dump_flow(&key));
                return Err(ConfigYamlError::KeyNotText { key, found });
            }
        };
        let key = format!("{prefix}{name}");
        let value = match value {
            Node::Map(pairs) => {
                flatten(&format!("{key}."), pairs, configuration)?;
                continue;
            }
            Node::Null => return Err(ConfigYamlError::NullValue { key }),
            list @ Node::List(_) => Value::YamlList(yaml::dump_flow(&list)),
            Node::Bool(value) => Value::Bool(value),
            Node::Int(digits) => match digits.parse() {
                Ok(value) => Value::Int(value),
                Err(_) => Value::BigInt(digits),
            },
            Node::Float(value) => Value::Double(value),
            Node::Text(text) => Value::Text(text),
        };
        configuration.set(key, value);
    }
    Ok(())
}

/// Writes a `config.yaml`, keys in order.
///
/// [`YamlStyle::Flat`] never fails.
pub fn write_config_yaml(
    configuration: &Configuration,
    style: YamlStyle,
) -> Result<String, OverlapError> {
    let pairs: Vec<(Node, Node)> = match style {
        YamlStyle::Flat => configuration
            .iter()
            .map(|(key, value)| (Node::Text(key.to_owned()), value.to_node()))
            .collect(),
        YamlStyle::Nested => match overlaps(configuration) {
            overlaps if overlaps.is_empty() => nest(configuration),
            overlaps => return Err(OverlapError { overlaps }),
        },
    };
    Ok(yaml::dump_block(&pairs))
}

/// Every pair of keys that nested YAML cannot hold, in the order of the shorter keys.
pub fn overlaps(configuration: &Configuration) -> Vec<Overlap> {
    let mut by_path: BTreeMap<Vec<&str>, &str> = BTreeMap::new();
    let mut found = Vec::new();
    let pair = |shorter: &str, longer: &str| Overlap {
        shorter: shorter.to_owned(),
        longer: longer.to_owned(),
    };
    for key in configuration.keys() {
        // `a` and `a.` are written in the same place.
        if let Some(other) = by_path.insert(parts(key), key) {
            found.push(pair(other, key));
        }
    }
    for (path, key) in &by_path {
        let beginnings = (1..path.len()).filter_map(|length| path.get(..length));
        found.extend(
            beginnings.filter_map(|path| by_path.get(path)).map(|shorter| pair(shorter, key)),
        );
    }
    found.sort();
    found
}

/// The nested form of a configuration without overlaps.
fn nest(configuration: &Configuration) -> Vec<(Node, Node)> {
    let mut root = Vec::new();
    for (key, value) in configuration.iter() {
        insert(&mut root, &parts(key), value);
    }
    root
}

/// Splits a key at its dots. As in Java, empty parts at the end are dropped; a key of nothing but
/// dots is kept whole.
fn parts(key: &str) -> Vec<&str> {
    let trimmed = key.trim_end_matches('.');
    if trimmed.is_empty() { vec![key] } else { trimmed.split('.').collect() }
}

fn insert(level: &mut Vec<(Node, Node)>, parts: &[&str], value: &Value) {
    let Some((part, rest)) = parts.split_first() else { return };
    let name = Node::Text((*part).to_owned());
    if rest.is_empty() {
        level.push((name, value.to_node()));
        return;
    }
    // Keys come in order, but `a-b` sorts between `a` and `a.b`, so the level may lie further back.
    let at = level.iter().position(|(known, _)| *known == name);
    if let Some((_, Node::Map(inner))) = at.and_then(|at| level.get_mut(at)) {
        insert(inner, rest, value);
    } else {
        let mut inner = Vec::new();
        insert(&mut inner, rest, value);
        level.push((name, Node::Map(inner)));
    }
}

#[cfg(test)]
mod tests;
