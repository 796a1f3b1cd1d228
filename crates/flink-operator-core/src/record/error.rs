//! The text of `status.error`: JSON in the form of the Java operator, which scripts read.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Serialize;

use crate::conf::{ConfigError, Configuration, options::operator::platform};

/// The package of the Java operator's own exceptions.
const PACKAGE: &str = "org.apache.flink.kubernetes.operator.exception";

/// The kind of an error, by the Java class whose name is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The spec has faults.
    Validation,
    /// A pass failed; its causes say why.
    Reconciliation,
    /// An upgrade or a restore is not possible.
    UpgradeFailure,
    /// The JobManager does not start.
    DeploymentFailed,
    /// The JobManager's Deployment is gone, and is not to be brought back.
    MissingJobManager,
    /// Somebody else wrote the status.
    StatusConflict,
    /// The error with which Flink says that a job failed.
    SerializedThrowable,
    /// A refusal of Flink's REST API.
    RestClient,
    /// Another Java class, by its whole name.
    Other(String),
}

impl ErrorClass {
    fn java_name(&self) -> String {
        let ours = |class: &str| format!("{PACKAGE}.{class}");
        match self {
            Self::Validation => ours("ValidationException"),
            Self::Reconciliation => ours("ReconciliationException"),
            Self::UpgradeFailure => ours("UpgradeFailureException"),
            Self::DeploymentFailed => ours("DeploymentFailedException"),
            Self::MissingJobManager => ours("MissingJobManagerException"),
            Self::StatusConflict => ours("StatusConflictException"),
            Self::SerializedThrowable => "org.apache.flink.util.SerializedThrowable".to_owned(),
            Self::RestClient => "org.apache.flink.runtime.rest.util.RestClientException".to_owned(),
            Self::Other(name) => name.clone(),
        }
    }
}

/// An error without what caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thrown {
    pub class: ErrorClass,
    pub message: Option<String>,
    /// The answer of Flink's REST API, for [`ErrorClass::RestClient`].
    pub http_response_code: Option<u16>,
    /// Why a deployment failed, in Kubernetes' words, for [`ErrorClass::DeploymentFailed`].
    pub reason: Option<String>,
}

impl Thrown {
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: Some(message.into()), http_response_code: None, reason: None }
    }
}

/// An error as the status shows it: what went wrong, and what caused it, nearest cause first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusError {
    pub thrown: Thrown,
    /// Written only if the configuration asks for it.
    pub stack_trace: Option<String>,
    pub causes: Vec<Thrown>,
}

impl StatusError {
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { thrown: Thrown::new(class, message), stack_trace: None, causes: Vec::new() }
    }

    /// The text of `status.error`.
    pub fn text(&self, limits: &ErrorLimits, labels: &ErrorLabels) -> String {
        let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        let entry = |thrown: &Thrown, causes: &[Thrown]| {
            let metadata = Metadata {
                http_response_code: thrown.http_response_code,
                reason: thrown.reason.clone(),
                labels: labels.of(std::iter::once(thrown).chain(causes)),
            };
            Entry {
                r#type: cut(&thrown.class.java_name(), limits.field_chars),
                message: thrown.message.as_deref().map(|text| cut(text, limits.field_chars)),
                stack_trace: None,
                additional_metadata: metadata,
                throwable_list: None,
            }
        };
        let causes =
            self.causes.iter().enumerate().map(|(index, cause)| {
                entry(cause, self.causes.get(index + 1..).unwrap_or_default())
            });
        let written = Entry {
            stack_trace: self
                .stack_trace
                .as_deref()
                .filter(|_| limits.stack_traces)
                .map(|text| cut(text, limits.stack_trace_chars)),
            throwable_list: Some(causes.take(limits.causes).collect()),
            ..entry(&self.thrown, &self.causes)
        };
        serde_json::to_string(&written).expect("texts and numbers always make JSON")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<String>,
    additional_metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    throwable_list: Option<Vec<Self>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    http_response_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
}

/// How much of an error is kept: options `kubernetes.operator.exception.*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorLimits {
    /// Longest type and message, in characters.
    pub field_chars: usize,
    pub stack_traces: bool,
    /// Longest stack trace, in characters.
    pub stack_trace_chars: usize,
    /// How many causes are listed.
    pub causes: usize,
}

impl ErrorLimits {
    /// Reads the options; a negative number counts as zero.
    ///
    /// # Errors
    ///
    /// An option that is no number, or no truth value.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigError> {
        let count = |option| {
            configuration.get_or_default(option).map(|count| usize::try_from(count).unwrap_or(0))
        };
        Ok(Self {
            field_chars: count(&platform::EXCEPTION_FIELD_MAX_LENGTH)?,
            stack_traces: configuration.get_or_default(&platform::EXCEPTION_STACKTRACE_ENABLED)?,
            stack_trace_chars: count(&platform::EXCEPTION_STACKTRACE_MAX_LENGTH)?,
            causes: count(&platform::EXCEPTION_THROWABLE_LIST_MAX_COUNT)?,
        })
    }
}

/// The defaults of the Java operator.
impl Default for ErrorLimits {
    fn default() -> Self {
        Self { field_chars: 2048, stack_traces: false, stack_trace_chars: 2048, causes: 2 }
    }
}

/// Labels for errors whose message fits a pattern: option `exception.label.mapper`.
#[derive(Clone, Debug, Default)]
pub struct ErrorLabels {
    rules: Vec<(Regex, String)>,
}

impl ErrorLabels {
    /// Reads the option: its keys are regular expressions, its values labels.
    ///
    /// # Errors
    ///
    /// A value that is no map, or a key that is no regular expression.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigError> {
        let rules = configuration.get_or_default(&platform::EXCEPTION_LABEL_MAPPER)?;
        Self::new(&rules).map_err(|error| ConfigError::Invalid {
            key: platform::EXCEPTION_LABEL_MAPPER.key.to_owned(),
            value: configuration.text(platform::EXCEPTION_LABEL_MAPPER.key).unwrap_or_default(),
            problem: error.to_string(),
            allowed: "regular expressions, each with a label".to_owned(),
        })
    }

    fn new(rules: &BTreeMap<String, String>) -> Result<Self, regex::Error> {
        let compile = |(pattern, label): (&String, &String)| {
            Regex::new(pattern).map(|pattern| (pattern, label.clone()))
        };
        Ok(Self { rules: rules.iter().map(compile).collect::<Result<_, _>>()? })
    }

    fn of<'a>(&self, chain: impl Iterator<Item = &'a Thrown>) -> Vec<String> {
        let messages: Vec<&str> = chain.filter_map(|thrown| thrown.message.as_deref()).collect();
        self.rules
            .iter()
            .filter(|(pattern, _)| messages.iter().any(|message| pattern.is_match(message)))
            .map(|(_, label)| label.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &StatusError, limits: ErrorLimits, expected: &str) {
        assert_eq!(error.text(&limits, &ErrorLabels::default()), expected);
    }

    #[test]
    fn the_member_order_and_class_names_are_those_of_the_java_operator() {
        let mut error = StatusError::new(ErrorClass::DeploymentFailed, "no space");
        error.thrown.reason = Some("FailedMount".to_owned());
        check(
            &error,
            ErrorLimits::default(),
            r#"{"type":"org.apache.flink.kubernetes.operator.exception.DeploymentFailedException","message":"no space","additionalMetadata":{"reason":"FailedMount"},"throwableList":[]}"#,
        );
    }

    #[test]
    fn causes_are_listed_without_lists_of_their_own_up_to_the_limit() {
        let mut error = StatusError::new(ErrorClass::Reconciliation, "outer");
        error.stack_trace = Some("trace".to_owned());
        error.causes = vec![
            Thrown {
                http_response_code: Some(500),
                ..Thrown::new(ErrorClass::RestClient, "middle")
            },
            Thrown::new(ErrorClass::Other("java.io.IOException".to_owned()), "inner"),
            Thrown::new(ErrorClass::Other("java.io.IOException".to_owned()), "too many"),
        ];
        check(
            &error,
            ErrorLimits { stack_traces: true, field_chars: 61, ..ErrorLimits::default() },
            r#"{"type":"org.apache.flink.kubernetes.operator.exception.Reconciliation","message":"outer","stackTrace":"trace","additionalMetadata":{},"throwableList":[{"type":"org.apache.flink.runtime.rest.util.RestClientException","message":"middle","additionalMetadata":{"httpResponseCode":500}},{"type":"java.io.IOException","message":"inner","additionalMetadata":{}}]}"#,
        );
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let mut error = StatusError::new(ErrorClass::Other("ä".repeat(3)), "é\"quoted\"");
        error.stack_trace = Some("öffnen".to_owned());
        check(
            &error,
            ErrorLimits { field_chars: 2, stack_traces: true, stack_trace_chars: 1, causes: 0 },
            r#"{"type":"ää","message":"é\"","stackTrace":"ö","additionalMetadata":{},"throwableList":[]}"#,
        );
    }

    #[test]
    fn labels_come_from_the_message_of_the_error_or_of_any_cause() {
        let rules = BTreeMap::from([
            ("[Oo]ut of memory".to_owned(), "oom".to_owned()),
            ("^quota".to_owned(), "quota".to_owned()),
        ]);
        let labels = ErrorLabels::new(&rules).unwrap();
        let mut error = StatusError::new(ErrorClass::Reconciliation, "exceeded quota");
        error.causes = vec![Thrown::new(ErrorClass::Validation, "it ran out of memory")];
        let text = error.text(&ErrorLimits { causes: 1, ..ErrorLimits::default() }, &labels);
        assert_eq!(text.matches(r#""additionalMetadata":{"labels":["oom"]}"#).count(), 2, "{text}");
        assert!(ErrorLabels::new(&BTreeMap::from([("(".to_owned(), String::new())])).is_err());
    }

    #[test]
    fn limits_and_labels_are_options_of_the_operator() {
        let read = |options: &[(&str, &str)]| {
            let prefixed = options
                .iter()
                .map(|(key, value)| (format!("kubernetes.operator.exception.{key}"), *value));
            prefixed.collect::<Configuration>()
        };
        assert_eq!(ErrorLimits::read(&read(&[])), Ok(ErrorLimits::default()));
        let limits = read(&[
            ("field.max.length", "7"),
            ("stacktrace.enabled", "true"),
            ("stacktrace.max.length", "8"),
            ("throwable.list.max.count", "-1"),
        ]);
        let expected =
            ErrorLimits { field_chars: 7, stack_traces: true, stack_trace_chars: 8, causes: 0 };
        assert_eq!(ErrorLimits::read(&limits), Ok(expected));
        let labels = ErrorLabels::read(&read(&[("label.mapper", ".*quota.*:quota")])).unwrap();
        let text = StatusError::new(ErrorClass::Validation, "a quota").text(&expected, &labels);
        assert!(text.contains(r#"{"labels":["quota"]}"#), "{text}");
        let wrong = ErrorLabels::read(&read(&[("label.mapper", "(:x")])).unwrap_err();
        assert_eq!(wrong.key(), "kubernetes.operator.exception.label.mapper");
    }

    #[test]
    fn recorded_errors_of_the_java_operator_come_out_identical() {
        let recorded: Vec<String> =
            serde_json::from_str(include_str!("../../tests/golden/status/errors.json")).unwrap();
        assert_eq!(recorded.len(), 9);
        for text in recorded {
            let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
            let error = StatusError {
                thrown: thrown(&parsed),
                stack_trace: None,
                causes: parsed["throwableList"].as_array().unwrap().iter().map(thrown).collect(),
            };
            check(&error, ErrorLimits::default(), &text);
        }
    }

    fn thrown(entry: &serde_json::Value) -> Thrown {
        let of_name = |name: &str| match name.rsplit('.').next() {
            Some("ValidationException") => ErrorClass::Validation,
            Some("DeploymentFailedException") => ErrorClass::DeploymentFailed,
            Some("SerializedThrowable") => ErrorClass::SerializedThrowable,
            _ => panic!("{name}"),
        };
        Thrown {
            reason: entry["additionalMetadata"]["reason"].as_str().map(str::to_owned),
            ..Thrown::new(
                of_name(entry["type"].as_str().unwrap()),
                entry["message"].as_str().unwrap(),
            )
        }
    }
}
