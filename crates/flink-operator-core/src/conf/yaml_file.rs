//! `config.yaml`, the file of Flink 2 (and optionally of 1.19 and 1.20).

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

/// Nested YAML cannot hold both keys, because one would have to be a value and a mapping at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shorter} and {longer} cannot both be in a nested config.yaml, because one key is the \
     beginning of the other; replace {shorter} by its current spelling"
)]
pub struct OverlapError {
    pub shorter: String,
    pub longer: String,
}

/// Reads a `config.yaml` with nested keys, keys with dots, or a mixture.
///
/// Where two spellings give the same key the later one wins, as in Flink. Lists become their text.
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
            list @ Node::List(_) => Value::Text(yaml::dump_flow(&list)),
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
        YamlStyle::Nested => nest(configuration)?,
    };
    Ok(yaml::dump_block(&pairs))
}

/// A level of the nested form while it is built.
enum Level<'a> {
    Leaf { key: &'a str, value: &'a Value },
    Inner(Vec<(&'a str, Self)>),
}

fn nest(configuration: &Configuration) -> Result<Vec<(Node, Node)>, OverlapError> {
    let mut root = Vec::new();
    for (key, value) in configuration.iter() {
        insert(&mut root, &parts(key), key, value)?;
    }
    Ok(nodes(root))
}

/// Splits a key at its dots. As in Java, empty parts at the end are dropped; a key of nothing but
/// dots is kept whole.
fn parts(key: &str) -> Vec<&str> {
    let trimmed = key.trim_end_matches('.');
    if trimmed.is_empty() { vec![key] } else { trimmed.split('.').collect() }
}

fn insert<'a>(
    level: &mut Vec<(&'a str, Level<'a>)>,
    parts: &[&'a str],
    key: &'a str,
    value: &'a Value,
) -> Result<(), OverlapError> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    // Keys come in order, but `a-b` sorts between `a` and `a.b`, so the level may lie further back.
    let position = level.iter().position(|(name, _)| name == part);
    match (position.and_then(|at| level.get_mut(at)), rest.is_empty()) {
        (None, true) => level.push((part, Level::Leaf { key, value })),
        (None, false) => {
            let mut inner = Vec::new();
            insert(&mut inner, rest, key, value)?;
            level.push((part, Level::Inner(inner)));
        }
        (Some((_, Level::Inner(inner))), false) => insert(inner, rest, key, value)?,
        (Some((_, Level::Leaf { key: other, .. })), _) => {
            return Err(overlap(other, key));
        }
        (Some((_, Level::Inner(inner))), true) => {
            return Err(overlap(first_leaf(inner).unwrap_or_default(), key));
        }
    }
    Ok(())
}

fn overlap(one: &str, other: &str) -> OverlapError {
    let (shorter, longer) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    OverlapError { shorter: shorter.to_owned(), longer: longer.to_owned() }
}

fn first_leaf<'a>(level: &[(&'a str, Level<'a>)]) -> Option<&'a str> {
    level.first().and_then(|(_, below)| match below {
        Level::Leaf { key, .. } => Some(*key),
        Level::Inner(inner) => first_leaf(inner),
    })
}

fn nodes(level: Vec<(&str, Level<'_>)>) -> Vec<(Node, Node)> {
    level
        .into_iter()
        .map(|(name, below)| {
            let value = match below {
                Level::Leaf { value, .. } => value.to_node(),
                Level::Inner(inner) => Node::Map(nodes(inner)),
            };
            (Node::Text(name.to_owned()), value)
        })
        .collect()
}

#[cfg(test)]
mod tests;
