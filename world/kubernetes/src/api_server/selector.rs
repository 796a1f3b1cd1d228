//! Selectors of labels and fields.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::object;
use super::refusal::Refusal;

/// Which objects a request is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

#[derive(Clone, Debug, PartialEq)]
struct FieldTerm {
    pointer: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Reads the parameters `labelSelector` and `fieldSelector`.
    ///
    /// # Errors
    ///
    /// 400 for texts that are no selectors and for fields that the kind cannot be selected by.
    pub fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Refusal> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(kind, fields)? })
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Only objects of one name can match.
    pub fn is_for_one_name(&self) -> bool {
        self.fields.iter().any(|term| term.equal && term.pointer == "/metadata/name")
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = object::labels(object);
        self.labels.iter().all(|requirement| requirement.matches(labels))
            && self.fields.iter().all(|term| {
                let found = object.pointer(&term.pointer);
                let found = match found {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                };
                (found == term.value) == term.equal
            })
    }
}

/// Whether the labels have what `matchLabels` and `matchExpressions` of an object's selector ask for.
pub fn matches_selector(selector: &Value, labels: Option<&Map<String, Value>>) -> bool {
    let wanted = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut expressions =
        selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    wanted.into_iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
        && expressions.all(|expression| {
            let text =
                |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            let operator = match text("operator") {
                "In" => Test::In(values),
                "NotIn" => Test::NotIn(values),
                "Exists" => Test::Exists,
                _ => Test::Missing,
            };
            Requirement { key: text("key").to_owned(), test: operator }.matches(labels)
        })
}

impl Requirement {
    fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key)).and_then(Value::as_str);
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::In(values) => {
                value.is_some_and(|value| values.iter().any(|other| other == value))
            }
            Test::NotIn(values) => {
                value.is_none_or(|value| values.iter().all(|other| other != value))
            }
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Refusal> {
    split_outside_parentheses(text)
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(parse_label)
        .collect()
}

/// Splits at commas that are not between parentheses.
fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.into_iter().map(str::trim).collect()
}

fn parse_label(part: &str) -> Result<Requirement, Refusal> {
    let refused = || Refusal::bad_request(format!("unable to parse requirement: found {part:?}"));
    let requirement = |key: &str, test: Test| {
        let key = key.trim();
        let fine =
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if fine { Ok(Requirement { key: key.to_owned(), test }) } else { Err(refused()) }
    };
    if let Some(key) = part.strip_prefix('!') {
        return requirement(key, Test::Missing);
    }
    for (separator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(separator) {
            let values = vec![value.trim().to_owned()];
            return requirement(key, if equal { Test::In(values) } else { Test::NotIn(values) });
        }
    }
    for (separator, above) in [('>', true), ('<', false)] {
        if let Some((key, value)) = part.split_once(separator) {
            let limit = value.trim().parse().map_err(|_| refused())?;
            return requirement(key, if above { Test::Above(limit) } else { Test::Below(limit) });
        }
    }
    if let Some((head, values)) = part.split_once('(') {
        let values = values.strip_suffix(')').ok_or_else(refused)?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace).ok_or_else(refused)?;
        return match operator {
            "in" => requirement(key, Test::In(values)),
            "notin" => requirement(key, Test::NotIn(values)),
            _ => Err(refused()),
        };
    }
    requirement(part, Test::Exists)
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<FieldTerm>, Refusal> {
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let split = part.split_once("!=").map(|pair| (pair, false));
            let split = split.or_else(|| {
                part.split_once("==").or_else(|| part.split_once('=')).map(|pair| (pair, true))
            });
            let Some(((label, value), equal)) = split else {
                return Err(Refusal::bad_request(format!(
                    "invalid selector: {text:?}; can't understand {part:?}"
                )));
            };
            let pointer = pointer(kind, label).ok_or_else(|| {
                Refusal::bad_request(format!("field label not supported: {label}"))
            })?;
            Ok(FieldTerm { pointer, value: value.to_owned(), equal })
        })
        .collect()
}

fn pointer(kind: &Kind, label: &str) -> Option<String> {
    match label {
        "metadata.name" => Some("/metadata/name".to_owned()),
        "metadata.namespace" if kind.namespaced => Some("/metadata/namespace".to_owned()),
        _ => kind
            .selectable
            .iter()
            .find(|(known, _)| *known == label)
            .map(|(_, pointer)| (*pointer).to_owned()),
    }
}
