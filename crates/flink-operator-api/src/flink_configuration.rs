//! `spec.flinkConfiguration`: JSON that is read as Flink options.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// Flink options as the user wrote them, flat (`taskmanager.numberOfTaskSlots: "2"`) or nested
/// (`taskmanager: {numberOfTaskSlots: 2}`).
///
/// The JSON is kept unchanged, with the order of its members, because the recorded spec has it so.
/// [`FlinkConfiguration::flatten`] returns the options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlinkConfiguration(Value);

impl FlinkConfiguration {
    /// The JSON as it was written.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// Whether it is a JSON object. The API server also accepts anything else, which has no options
    /// and is an error of the user.
    pub fn is_object(&self) -> bool {
        self.0.is_object()
    }

    /// The members, to be changed. Anything but an object is replaced by an empty one first.
    pub fn members_mut(&mut self) -> &mut Map<String, Value> {
        if !self.0.is_object() {
            self.0 = Value::Object(Map::new());
        }
        match &mut self.0 {
            Value::Object(members) => members,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                unreachable!("anything but an object was replaced above")
            }
        }
    }

    /// The options by their keys: scalars and arrays.
    ///
    /// Names of nested members are joined with `.`. Empty objects give no option. Of two members that give the same key the
    /// later one counts.
    pub fn leaves(&self) -> BTreeMap<String, &Value> {
        let mut leaves = BTreeMap::new();
        if let Value::Object(members) = &self.0 {
            add_leaves(members, "", &mut leaves);
        }
        leaves
    }

    /// The options by their keys, each as a text.
    ///
    /// The elements of an array are joined with `;`. A scalar is its text, `null` is the text `null`, an object or array
    /// within an array is its JSON. Empty arrays give no option.
    pub fn flatten(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| match value {
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => {
                let texts: Vec<String> = items.iter().map(scalar_text).collect();
                Some(texts.join(";"))
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => Some(scalar_text(value)),
        };
        self.leaves().into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect()
    }
}

/// No options: `{}`.
impl Default for FlinkConfiguration {
    fn default() -> Self {
        Self(Value::Object(Map::new()))
    }
}

impl From<Value> for FlinkConfiguration {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

/// Flat options become members in the order of their keys.
impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for FlinkConfiguration {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(options: I) -> Self {
        let members =
            options.into_iter().map(|(key, value)| (key.into(), Value::String(value.into())));
        Self(Value::Object(members.collect()))
    }
}

fn add_leaves<'v>(
    members: &'v Map<String, Value>,
    prefix: &str,
    leaves: &mut BTreeMap<String, &'v Value>,
) {
    for (name, value) in members {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if let Value::Object(nested) = value {
            add_leaves(nested, &key, leaves);
        } else {
            leaves.insert(key, value);
        }
    }
}

/// The text of a scalar, as the Java operator gives it to Flink; the JSON of anything else.
pub fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A number as Java prints it, so that the text equals the one that the Java operator has deployed.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(double) if number.is_f64() => java_double_text(double),
        Some(_) | None => number.to_string(),
    }
}

/// `Double.toString`: decimal from 0.001 up to ten million, else as in `1.0E-4`; always with a
/// fraction.
fn java_double_text(double: f64) -> String {
    let magnitude = double.abs();
    if double == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{double:?}");
    }
    let scientific = format!("{double:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => scientific,
    }
}
