//! Parses options whose value is a list of maps: tolerations, owner references, environment variables
//! from Secrets.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::flink_version::FlinkVersion;

/// An invalid entry of such a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("{key} has an entry without {field:?}: {entry}")]
    Missing { key: &'static str, field: &'static str, entry: String },
    #[error("{key} has an entry with {field} {value:?}; allowed is {allowed}")]
    Value { key: &'static str, field: &'static str, value: String, allowed: &'static str },
}

/// A setting that has no effect. The cluster is built without it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// A field that Kubernetes does not have, most likely misspelt.
    Field { key: &'static str, field: String },
    /// An option that only later versions of Flink have.
    Option { key: &'static str, since: FlinkVersion },
}

impl std::fmt::Display for Ignored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field { key, field } => {
                write!(f, "{key} has an entry with {field:?}, which is unknown and has no effect")
            }
            Self::Option { key, since } => write!(f, "{key} has no effect before Flink {since}"),
        }
    }
}

type Entry = BTreeMap<String, String>;

/// One entry, with the field names of Kubernetes. Users may write the names in any case.
struct Fields {
    key: &'static str,
    values: BTreeMap<&'static str, String>,
}

impl Fields {
    fn parse(
        key: &'static str,
        entry: Entry,
        known: &[&'static str],
        ignored: &mut Vec<Ignored>,
    ) -> Self {
        let mut values = BTreeMap::new();
        for (field, value) in entry {
            match known.iter().find(|known| known.eq_ignore_ascii_case(&field)) {
                Some(name) => {
                    values.insert(*name, value);
                }
                None => ignored.push(Ignored::Field { key, field }),
            }
        }
        Self { key, values }
    }

    fn required(&self, field: &'static str) -> Result<&str, EntryError> {
        self.values.get(field).map(String::as_str).ok_or_else(|| EntryError::Missing {
            key: self.key,
            field,
            entry: format!("{:?}", self.values),
        })
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        field: &'static str,
        allowed: &'static str,
    ) -> Result<Option<T>, EntryError> {
        let Some(value) = self.values.get(field) else { return Ok(None) };
        value.trim().to_ascii_lowercase().parse().map(Some).map_err(|_| EntryError::Value {
            key: self.key,
            field,
            value: value.clone(),
            allowed,
        })
    }

    /// An object of those `fields` that the entry has, as strings.
    fn text_fields(&self, fields: &[&'static str]) -> Map<String, Value> {
        let present = |field: &&'static str| {
            self.values.get(*field).map(|value| ((*field).to_owned(), json!(value)))
        };
        fields.iter().filter_map(present).collect()
    }
}

/// Parses the tolerations of a pod.
pub(super) fn tolerations(
    key: &'static str,
    entries: Vec<Entry>,
    ignored: &mut Vec<Ignored>,
) -> Result<Vec<Value>, EntryError> {
    const TEXTS: [&str; 4] = ["key", "operator", "value", "effect"];
    const SECONDS: &str = "tolerationSeconds";
    let toleration = |entry| {
        let known = ["key", "operator", "value", "effect", SECONDS];
        let fields = Fields::parse(key, entry, &known, ignored);
        let mut toleration = fields.text_fields(&TEXTS);
        if let Some(seconds) = fields.parsed::<i64>(SECONDS, "a whole number of seconds")? {
            toleration.insert(SECONDS.to_owned(), json!(seconds));
        }
        Ok(Value::Object(toleration))
    };
    entries.into_iter().map(toleration).collect()
}

/// Parses the owner references of an object.
pub(super) fn owner_references(
    key: &'static str,
    entries: Vec<Entry>,
    ignored: &mut Vec<Ignored>,
) -> Result<Vec<Value>, EntryError> {
    const TEXTS: [&str; 4] = ["apiVersion", "kind", "name", "uid"];
    const FLAGS: [&str; 2] = ["blockOwnerDeletion", "controller"];
    let owner = |entry| {
        let known = ["apiVersion", "kind", "name", "uid", "blockOwnerDeletion", "controller"];
        let fields = Fields::parse(key, entry, &known, ignored);
        for required in TEXTS {
            fields.required(required)?;
        }
        let mut owner = fields.text_fields(&TEXTS);
        for flag in FLAGS {
            if let Some(value) = fields.parsed::<bool>(flag, "true or false")? {
                owner.insert(flag.to_owned(), json!(value));
            }
        }
        Ok(Value::Object(owner))
    };
    entries.into_iter().map(owner).collect()
}

/// Parses environment variables whose values come from Secrets.
pub(super) fn secret_env(
    key: &'static str,
    entries: Vec<Entry>,
    ignored: &mut Vec<Ignored>,
) -> Result<Vec<Value>, EntryError> {
    let variable = |entry| {
        let fields = Fields::parse(key, entry, &["env", "secret", "key"], ignored);
        let (name, secret, of) =
            (fields.required("env")?, fields.required("secret")?, fields.required("key")?);
        Ok(json!({
            "name": name,
            "valueFrom": { "secretKeyRef": { "name": secret, "key": of } },
        }))
    };
    entries.into_iter().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[(&str, &str)]) -> Entry {
        fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn field_names_are_accepted_in_any_case() {
        let mut ignored = Vec::new();
        let entries =
            vec![entry(&[("KEY", "k"), ("Operator", "Exists"), ("tolerationseconds", "60")])];
        assert_eq!(
            tolerations("t", entries, &mut ignored).unwrap(),
            [json!({ "key": "k", "operator": "Exists", "tolerationSeconds": 60 })]
        );
        assert_eq!(ignored, []);
    }

    #[test]
    fn an_unknown_field_is_left_out_and_reported() {
        let mut ignored = Vec::new();
        let entries = vec![entry(&[("key", "k"), ("efect", "NoSchedule")])];
        assert_eq!(tolerations("t", entries, &mut ignored).unwrap(), [json!({ "key": "k" })]);
        assert_eq!(ignored, [Ignored::Field { key: "t", field: "efect".to_owned() }]);
        assert!(ignored[0].to_string().contains("efect"));
    }

    #[test]
    fn the_error_for_an_invalid_value_says_what_is_allowed() {
        let mut ignored = Vec::new();
        let cases = [
            (
                tolerations("t", vec![entry(&[("tolerationSeconds", "1m")])], &mut ignored),
                ["tolerationSeconds", "1m", "whole number"],
            ),
            (
                owner_references(
                    "o",
                    vec![entry(&[
                        ("apiVersion", "v1"),
                        ("kind", "K"),
                        ("name", "n"),
                        ("uid", "u"),
                        ("controller", "maybe"),
                    ])],
                    &mut ignored,
                ),
                ["controller", "maybe", "true or false"],
            ),
            (
                owner_references("o", vec![entry(&[("kind", "K")])], &mut ignored),
                ["o has", "apiVersion", "\"K\""],
            ),
            (
                secret_env("s", vec![entry(&[("env", "E"), ("key", "k")])], &mut ignored),
                ["s has", "\"secret\"", "\"E\""],
            ),
        ];
        for (result, fragments) in cases {
            let message = result.unwrap_err().to_string();
            for fragment in fragments {
                assert!(message.contains(fragment), "{message:?} lacks {fragment:?}");
            }
        }
    }
}
