//! Faults of a resource: each names the field, what is wrong, and how to correct it.

mod of_build;

use std::fmt;

use crate::conf::{ConfigError, is_sensitive};

/// Longer values are cut off in the message of a fault.
const VALUE_CHARS_MAX: usize = 200;

/// One fault of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The path of the field, for example `spec.jobManager.resource.memory`.
    pub field: String,
    /// The value of the field; `None` if it is not set, does not matter, or is a secret.
    pub value: Option<String>,
    /// What is wrong, as a clause: `it is not an upgrade mode`.
    pub problem: String,
    /// How to correct it, as an instruction: `write …`, `set …`.
    pub remedy: String,
}

impl Fault {
    /// A fault without the value of the field.
    pub(crate) fn new(
        field: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), value: None, problem: problem.into(), remedy: remedy.into() }
    }

    /// Adds the value of the field.
    pub(crate) fn with_value(self, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        let value = if value.chars().count() > VALUE_CHARS_MAX {
            value.chars().take(VALUE_CHARS_MAX).chain(['…']).collect()
        } else {
            value
        };
        Self { value: Some(value), ..self }
    }

    /// A fault of a Flink option. `field` is the path of the options of the resource.
    pub(crate) fn of_option(field: &str, error: &ConfigError) -> Self {
        match error {
            ConfigError::Invalid { key, value, problem, allowed } => {
                let fault = Self::new(
                    format!("{field}.{key}"),
                    problem.clone(),
                    format!("write {allowed}"),
                );
                if is_sensitive(key) { fault } else { fault.with_value(value) }
            }
            ConfigError::Missing { key } => Self::new(
                format!("{field}.{key}"),
                "it is not set, and it has no default",
                format!("set {key}"),
            ),
        }
    }
}

/// `spec.mode is "magic": it is not a deployment mode; write native or standalone`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, problem, remedy } = self;
        match value {
            Some(value) => write!(f, "{field} is {value:?}: {problem}; {remedy}"),
            None => write!(f, "{field}: {problem}; {remedy}"),
        }
    }
}

impl std::error::Error for Fault {}

/// All faults as one text, numbered if there are several.
pub fn summary(faults: &[Fault]) -> String {
    match faults {
        [] => String::new(),
        [only] => only.to_string(),
        several => {
            let listed: Vec<String> = several
                .iter()
                .enumerate()
                .map(|(index, fault)| format!("({}) {fault}", index + 1))
                .collect();
            format!("{} faults: {}", several.len(), listed.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_field_value_problem_and_remedy() {
        let fault =
            Fault::new("spec.a", "it is not a number", "write a whole number").with_value("x");
        assert_eq!(fault.to_string(), r#"spec.a is "x": it is not a number; write a whole number"#);
        let unset = Fault::new("spec.b", "it is not set", "set it");
        assert_eq!(
            summary(&[fault.clone(), unset]),
            format!("2 faults: (1) {fault} (2) spec.b: it is not set; set it")
        );
    }

    #[test]
    fn secrets_and_long_values_are_not_repeated() {
        let error = ConfigError::Invalid {
            key: "s3.secret-key".to_owned(),
            value: "******".to_owned(),
            problem: "it has the wrong type".to_owned(),
            allowed: "text".to_owned(),
        };
        assert_eq!(Fault::of_option("spec.flinkConfiguration", &error).value, None);
        let long = Fault::new("f", "p", "r").with_value("é".repeat(1000));
        assert_eq!(long.value.unwrap().chars().count(), VALUE_CHARS_MAX + 1);
    }
}
