//! `flink-conf.yaml`, the file of Flink 1. Despite its name it is not YAML.
//!
//! Every line is cut at the first `#`, trimmed, and split at the first `": "`. There is no quoting
//! and there are no continued lines.

use super::{configuration::Configuration, structured::java_trim, value::Syntax};

/// The file's name, which is also its key in a ConfigMap.
pub const FILE_NAME: &str = "flink-conf.yaml";

/// What a `flink-conf.yaml` holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlinkConf {
    pub configuration: Configuration,
    /// Lines that Flink ignores with a warning.
    pub skipped: Vec<SkippedLine>,
}

/// A line that is neither blank nor a comment and has no key and value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number} is ignored: {line:?} is not a key, a colon, a blank and a value")]
pub struct SkippedLine {
    /// The first line is 1.
    pub number: usize,
    /// The line without its comment.
    pub line: String,
}

/// Reads a `flink-conf.yaml`. A key that appears twice has the later value.
pub fn read_flink_conf(text: &str) -> FlinkConf {
    let mut read = FlinkConf {
        configuration: Configuration::with_syntax(Syntax::Legacy),
        skipped: Vec::new(),
    };
    for (index, line) in java_lines(text).enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        if java_trim(line).is_empty() {
            continue;
        }
        let line = java_trim(line);
        if let Some((key, value)) = key_and_value(line) {
            read.configuration.set(key, value);
        } else {
            read.skipped.push(SkippedLine { number: index + 1, line: line.to_owned() });
        }
    }
    read
}

/// Splits a trimmed line; `None` when one of the two is missing.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(": ")?;
    let (key, value) = (java_trim(key), java_trim(value));
    (!key.is_empty() && !value.is_empty()).then_some((key, value))
}

/// Lines as Java's readers split them: a carriage return alone ends a line too.
fn java_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Writes a `flink-conf.yaml`: one line for every key, in the order of the keys.
///
/// Lists and maps are written in the legacy syntax. The format has no escapes, so some values do not
/// survive.
pub fn write_flink_conf(configuration: &Configuration) -> String {
    let mut text = String::new();
    for (key, value) in configuration.iter() {
        text.push_str(key);
        text.push_str(": ");
        text.push_str(&value.text(Syntax::Legacy));
        text.push('\n');
    }
    text
}
