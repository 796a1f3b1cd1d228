//! Flink's configuration as a JobManager reads it from its file.
//!
//! The simulated Flink has a reader of its own: what the operator writes is read by somebody else than the code that wrote
//! it, so that a fault which both directions share in the operator's code does not go unseen.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde_json::Value;

use crate::version::Version;

mod yaml;

use yaml::Node;

/// The file of Flink 1: one `key: value` a line.
const LEGACY_FILE: &str = "flink-conf.yaml";
/// The file of Flink 2, which Flink 1.19 and later read as well when the other one is not there: YAML.
const YAML_FILE: &str = "config.yaml";

/// Options by key. Every value is kept as text: a list or map from YAML as its flow form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    options: BTreeMap<String, String>,
    notation: Notation,
}

/// How durations, lists and maps may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notation {
    /// `flink-conf.yaml`: no YAML inside of a value.
    Legacy,
    #[default]
    Yaml,
}

/// Why a configuration cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    #[error("there is neither {LEGACY_FILE} nor {YAML_FILE}")]
    NoFile,
    #[error("{YAML_FILE} is not YAML: {0}")]
    Yaml(String),
    #[error("{YAML_FILE} has no options by key")]
    NoOptions,
    #[error("{YAML_FILE} has a null under {0}")]
    Null(String),
    #[error("{key}: {value:?} is no {wanted}")]
    Value { key: String, value: String, wanted: &'static str },
}

impl Configuration {
    /// Reads the data of a ConfigMap that is mounted as Flink's folder of configuration. Flink 2 knows the YAML file only;
    /// Flink 1 prefers the older one.
    pub fn read(data: &Value, version: Option<Version>) -> Result<Self, ConfigurationError> {
        let file = |name: &str| data.get(name).and_then(Value::as_str);
        let knows_legacy = version.is_none_or(|version| version < Version::V2_0);
        if let Some(text) = file(LEGACY_FILE).filter(|_| knows_legacy) {
            return Ok(Self::read_legacy(text));
        }
        Self::read_yaml(file(YAML_FILE).ok_or(ConfigurationError::NoFile)?)
    }

    /// Reads lines. A line ends at its first `#`; without a key and a value it is ignored; the later of two values counts.
    pub fn read_legacy(text: &str) -> Self {
        let lines = text.split(['\n', '\r']);
        let option = |line: &str| {
            let line = line.split('#').next().unwrap_or_default();
            let (key, value) = trim(line).split_once(": ")?;
            let (key, value) = (trim(key), trim(value));
            (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
        };
        Self { options: lines.filter_map(option).collect(), notation: Notation::Legacy }
    }

    /// Reads YAML, in which `a: {b: c}` means the same as `a.b: c`.
    pub fn read_yaml(text: &str) -> Result<Self, ConfigurationError> {
        let mut configuration = Self { options: BTreeMap::new(), notation: Notation::Yaml };
        let fields = match yaml::parse(text).map_err(ConfigurationError::Yaml)? {
            // The file is empty.
            Node::Null => return Ok(configuration),
            Node::Map(fields) => fields,
            Node::Text(_) | Node::List(_) => return Err(ConfigurationError::NoOptions),
        };
        for (key, value) in fields {
            configuration.add(key, value)?;
        }
        Ok(configuration)
    }

    fn add(&mut self, key: String, value: Node) -> Result<(), ConfigurationError> {
        match value {
            Node::Null => return Err(ConfigurationError::Null(key)),
            Node::Map(fields) => {
                for (name, value) in fields {
                    self.add(format!("{key}.{name}"), value)?;
                }
            }
            value @ (Node::Text(_) | Node::List(_)) => {
                self.options.insert(key, value.into_text());
            }
        }
        Ok(())
    }

    /// The same with other values for some options.
    #[must_use]
    pub fn with(&self, more: &BTreeMap<String, String>) -> Self {
        let mut configuration = self.clone();
        configuration.options.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
        configuration
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The text under the first of these keys that is set: the option's name, and older names of it.
    pub fn text(&self, keys: &[&str]) -> Option<&str> {
        self.entry(keys).map(|(_, value)| value)
    }

    fn entry(&self, keys: &[&str]) -> Option<(&str, &str)> {
        let entry = keys.iter().find_map(|key| self.options.get_key_value(*key));
        entry.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn parsed<T>(
        &self,
        keys: &[&str],
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigurationError> {
        let Some((key, value)) = self.entry(keys) else { return Ok(None) };
        let error =
            || ConfigurationError::Value { key: key.to_owned(), value: value.to_owned(), wanted };
        parse(value).map(Some).ok_or_else(error)
    }

    /// A whole number.
    pub fn number<T: std::str::FromStr>(
        &self,
        keys: &[&str],
    ) -> Result<Option<T>, ConfigurationError> {
        self.parsed(keys, "whole number", |value| value.parse().ok())
    }

    pub fn flag(&self, keys: &[&str]) -> Result<Option<bool>, ConfigurationError> {
        self.parsed(keys, "true or false", |value| match value.to_uppercase().as_str() {
            "TRUE" => Some(true),
            "FALSE" => Some(false),
            _ => None,
        })
    }

    /// A duration in milliseconds.
    pub fn millis(&self, keys: &[&str]) -> Result<Option<i64>, ConfigurationError> {
        let duration = self.duration(keys)?;
        Ok(duration.map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// A duration: a whole number and a unit, milliseconds without one; beside `flink-conf.yaml` also `PT10S`.
    pub fn duration(&self, keys: &[&str]) -> Result<Option<Duration>, ConfigurationError> {
        self.parsed(keys, "duration", |value| {
            let value = trim(value);
            number_and_unit(value).or_else(|| {
                let is_iso = self.notation == Notation::Yaml && value.contains(['P', 'p']);
                let span: Span = value.parse().ok().filter(|_| is_iso)?;
                span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
            })
        })
    }

    /// A map from text to text.
    pub fn map(
        &self,
        keys: &[&str],
    ) -> Result<Option<BTreeMap<String, String>>, ConfigurationError> {
        self.parsed(keys, "map", |value| {
            let flow = (self.notation == Notation::Yaml).then(|| flow_map(value)).flatten();
            flow.or_else(|| legacy_map(value))
        })
    }
}

/// Without the characters that Java's `trim` takes away: everything up to the blank.
fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

fn number_and_unit(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let seconds = |length: u64| number.checked_mul(length).map(Duration::from_secs);
    match trim(unit).to_lowercase().as_str() {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => {
            Some(Duration::from_nanos(number))
        }
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => {
            Some(Duration::from_micros(number))
        }
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => {
            Some(Duration::from_millis(number))
        }
        "s" | "sec" | "secs" | "second" | "seconds" => seconds(1),
        "min" | "m" | "minute" | "minutes" => seconds(60),
        "h" | "hour" | "hours" => seconds(3_600),
        "d" | "day" | "days" => seconds(86_400),
        _ => None,
    }
}

/// `{a: 1, b: 2}`.
fn flow_map(map: &str) -> Option<BTreeMap<String, String>> {
    let Ok(Node::Map(fields)) = yaml::parse(map) else { return None };
    if fields.iter().any(|(_, value)| *value == Node::Null) {
        return None;
    }
    Some(fields.into_iter().map(|(key, value)| (key, value.into_text())).collect())
}

/// `a:1,b:2`; a part in quotes may hold a separator, and a quote inside of it is doubled.
fn legacy_map(text: &str) -> Option<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for element in split(text, ',')? {
        let pair: [String; 2] = split(&element, ':')?.try_into().ok()?;
        let [key, value] = pair;
        if map.insert(key, value).is_some() {
            return None;
        }
    }
    Some(map)
}

/// The elements between separators, of which one at either end adds none. `None` where quotes are not in order.
fn split(text: &str, separator: char) -> Option<Vec<String>> {
    let mut rest = trim(text);
    rest = rest.strip_prefix(separator).unwrap_or(rest);
    let mut elements = Vec::new();
    loop {
        rest = rest.trim_start_matches(|character| character <= ' ');
        let Some(first) = rest.chars().next() else { return Some(elements) };
        if first == '\'' || first == '"' {
            let (element, behind) = quoted(rest.strip_prefix(first)?, first)?;
            elements.push(element);
            rest = trim(behind);
            match rest.strip_prefix(separator) {
                Some(behind) => rest = behind,
                None if rest.is_empty() => {}
                None => return None,
            }
        } else {
            let (element, behind) = rest.split_once(separator).unwrap_or((rest, ""));
            elements.push(trim(element).to_owned());
            rest = behind;
        }
    }
}

/// The text up to the closing quote, and what is behind that.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once(quote)?;
        element.push_str(part);
        match behind.strip_prefix(quote) {
            Some(doubled) => {
                element.push(quote);
                rest = doubled;
            }
            None => return Some((element, behind)),
        }
    }
}
