//! Compares objects. The order of elements is compared only if it has a meaning in Kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The differences, one line for each place. Empty if the objects are equal.
pub(crate) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, actual, "", &mut found);
    found
}

/// The options of a `config.yaml` by their full keys.
pub(crate) fn flat_yaml(text: &str) -> BTreeMap<String, Value> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let document: Value = serde_saphyr::from_str_with_options(text, options)
        .unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let mut flat = BTreeMap::new();
    flatten("", &document, &mut flat);
    flat
}

fn flatten(prefix: &str, value: &Value, flat: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, flat);
            }
        }
        leaf @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_)) => {
            assert!(flat.insert(prefix.to_owned(), leaf.clone()).is_none(), "{prefix} twice");
        }
    }
}

fn compare(expected: &Value, actual: &Value, path: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let keys: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (expected.get(key), actual.get(key)) {
                    (Some(expected), Some(actual)) => compare(expected, actual, &path, found),
                    (Some(expected), None) => {
                        found.push(format!("{path} is missing, expected {expected}"));
                    }
                    (None, actual) => found.push(format!("{path} is unexpected: {actual:?}")),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual))
            if path.rsplit('.').next() == Some("env") =>
        {
            compare_environment(expected, actual, path, found);
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(expected, actual, &format!("{path}[{index}]"), found);
            }
        }
        (Value::String(expected), Value::String(actual)) if path == ".data.config.yaml" => {
            compare_leaves(&flat_yaml(expected), &flat_yaml(actual), path, found);
        }
        (Value::String(expected), Value::String(actual)) if path == ".data.flink-conf.yaml" => {
            compare_leaves(&lines(expected), &lines(actual), path, found);
        }
        (expected, actual) if expected == actual => {}
        (expected, actual) => found.push(format!("{path} is {actual}, expected {expected}")),
    }
}

/// Compares environment variables in any order. The order of variables with the same name matters: the last
/// one is used.
fn compare_environment(expected: &[Value], actual: &[Value], path: &str, found: &mut Vec<String>) {
    let by_name = |variables: &[Value]| {
        let mut grouped: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for variable in variables {
            let name = variable["name"].as_str().unwrap().to_owned();
            grouped.entry(name).or_default().push(variable.clone());
        }
        grouped
    };
    compare_leaves(&by_name(expected), &by_name(actual), path, found);
}

/// The number of times that each line occurs. The order of the lines is that of a hash table.
fn lines(text: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in text.lines() {
        *counted.entry(line.to_owned()).or_default() += 1;
    }
    counted
}

fn compare_leaves<V: PartialEq + std::fmt::Debug>(
    expected: &BTreeMap<String, V>,
    actual: &BTreeMap<String, V>,
    path: &str,
    found: &mut Vec<String>,
) {
    let keys: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
    for key in keys {
        if expected.get(key) != actual.get(key) {
            let (expected, actual) = (expected.get(key), actual.get(key));
            found.push(format!("{path}: {key:?} is {actual:?}, expected {expected:?}"));
        }
    }
}
