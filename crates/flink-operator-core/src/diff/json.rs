//! Compares two JSON values by their meaning in Kubernetes, and lists the places where they differ.

use serde_json::{Map, Value};

use super::variables;
use crate::quantity::Quantity;

/// Longer values are cut off in a list of changes: the message of an event has at most 1024 characters.
const VALUE_CHARS_MAX: usize = 200;

/// Fields whose values are quantities or maps of quantities.
const QUANTITIES: [&str; 7] =
    ["requests", "limits", "capacity", "sizeLimit", "divisor", "storage", "overhead"];

/// Whether two values mean the same to Kubernetes: a field that is null, an empty list or an empty
/// object is like a missing field, and quantities and numbers are compared by value.
///
/// The Java operator and this one write the recorded spec differently: one omits empty fields and writes
/// every quantity as a string. Such differences are not changes.
pub fn same(before: &Value, after: &Value) -> bool {
    same_at("", before, after)
}

/// Whether a field is like a missing one. An empty label selector is not: it selects everything.
fn is_empty(member: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => {
            let selects = member.ends_with("Selector") && member != "nodeSelector";
            !selects && members.iter().all(|(member, value)| is_empty(member, value))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn same_at(member: &str, before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => same_members(member, before, after),
        (Value::Array(before), Value::Array(after)) => {
            let (_, more) = split_common(before, after);
            more.iter().all(Value::is_null)
                && before.iter().zip(after).all(|(before, after)| same_at("", before, after))
        }
        _ if before == after => true,
        _ if is_empty(member, before) || is_empty(member, after) => {
            is_empty(member, before) && is_empty(member, after)
        }
        (Value::Number(before), Value::Number(after)) => before.as_f64() == after.as_f64(),
        _ => {
            QUANTITIES.contains(&member)
                && quantity(before).is_some()
                && quantity(before) == quantity(after)
        }
    }
}

fn same_members(member: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    members(before, after).all(|key| {
        let (before, after) = (before.get(key), after.get(key));
        same_at(
            nested_name(member, key),
            before.unwrap_or(&Value::Null),
            after.unwrap_or(&Value::Null),
        )
    })
}

/// The name that decides how a nested field is compared: within `requests`, every field is a quantity.
fn nested_name<'a>(outer: &'a str, member: &'a str) -> &'a str {
    if QUANTITIES.contains(&outer) { outer } else { member }
}

/// The length of the shorter of two arrays, and the further elements of the longer one.
fn split_common<'a>(before: &'a [Value], after: &'a [Value]) -> (usize, &'a [Value]) {
    let common = before.len().min(after.len());
    let longer = if before.len() > common { before } else { after };
    (common, longer.get(common..).unwrap_or_default())
}

/// The fields of both objects, each once: those of the first in its order, then the new ones.
fn members<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let new = after.keys().filter(|key| !before.contains_key(*key));
    before.keys().chain(new).map(String::as_str)
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A place where two values differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Field names and indices, joined with dots.
    pub path: String,
    /// The value before; `{..}` stands for an object or list that was removed.
    pub before: String,
    pub after: String,
}

/// Every place where two values differ. If both are objects or both are lists, their elements are compared.
pub(super) fn changes(path: &str, before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    collect(path, "", before, after, &mut found);
    found
}

fn collect(path: &str, member: &str, before: &Value, after: &Value, found: &mut Vec<Change>) {
    if same_at(member, before, after) {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for key in members(old, new) {
                let old = old.get(key).unwrap_or(&Value::Null);
                let new = new.get(key).unwrap_or(&Value::Null);
                collect(&format!("{path}.{key}"), nested_name(member, key), old, new, found);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                collect(&format!("{path}.{index}"), "", old, new, found);
            }
            let (common, more) = split_common(old, new);
            for (index, element) in more.iter().enumerate().filter(|(_, more)| !more.is_null()) {
                let (before, after) = if old.len() > common {
                    (element, &Value::Null)
                } else {
                    (&Value::Null, element)
                };
                found.push(change(format!("{path}.{}", common + index), before, after));
            }
        }
        (before, after) => found.push(change(path.to_owned(), before, after)),
    }
}

fn change(path: String, before: &Value, after: &Value) -> Change {
    let nested = matches!(before, Value::Object(_) | Value::Array(_));
    let shown = |value: &Value| text(&variables::without_variables(value));
    let before = if nested && after.is_null() { "{..}".to_owned() } else { shown(before) };
    Change { path, before, after: shown(after) }
}

/// The text of a value: strings without quotes, long values cut off.
fn text(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    };
    if whole.chars().count() <= VALUE_CHARS_MAX {
        return whole;
    }
    whole.chars().take(VALUE_CHARS_MAX).chain(['…']).collect()
}
