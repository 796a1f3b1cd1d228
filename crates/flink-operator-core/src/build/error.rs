//! Why no objects can be built.

use serde_json::Value;

use super::entries::EntryError;
use crate::{
    conf::{ConfigError, OverlapError, memory::MemoryError},
    flink_version::FlinkVersion,
};

/// A configuration or a template from which no cluster can be built. Every message names the key
/// or field, its value, and what is allowed. Nothing here goes away by trying again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BuildError {
    #[error("{key} is not set, but a cluster needs it")]
    Missing { key: &'static str },
    #[error("{key} is blank; leave it out, or give it a value")]
    Blank { key: &'static str },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(
        "kubernetes.cluster-id is {id:?}, which has {length} characters; \
         allowed are 1 to {LONGEST_CLUSTER_ID}"
    )]
    ClusterId { id: String, length: usize },
    #[error(
        "{key} is {value:?}; allowed is one fixed port from {min} to 65535, \
         as the Services have to name it, and no range"
    )]
    Port { key: &'static str, value: String, min: u16 },
    #[error("{key} is {factor}; allowed is 1.0 or more, as a limit is never below its request")]
    LimitFactor { key: &'static str, factor: f64 },
    #[error("{key} is {cores}; allowed is 0 or a positive number of cores")]
    Cpu { key: &'static str, cores: f64 },
    #[error("kubernetes.jobmanager.replicas is {replicas}; allowed is 1 or more")]
    Replicas { replicas: i32 },
    #[error(
        "kubernetes.jobmanager.replicas is {replicas}; more than 1 is allowed only with \
         high availability: set high-availability.type"
    )]
    StandbyWithoutHighAvailability { replicas: i32 },
    #[error("execution.target is {value:?}; an application cluster allows only {allowed:?}")]
    ExecutionTarget { value: String, allowed: &'static str },
    #[error(
        "pipeline.jars names {count} jars; Flink {version} allows {allowed} for an application \
         that is not Python"
    )]
    Jars { count: usize, version: FlinkVersion, allowed: &'static str },
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(
        "security.kerberos.login.keytab is set, so security.kerberos.login.principal has to be"
    )]
    KeytabWithoutPrincipal,
    #[error("{key} is {path:?}, but there is no such file to hand to the cluster")]
    MissingFile { key: &'static str, path: String },
    #[error("kubernetes.persistent-volume-claims maps {claim:?} to {path:?}: {fault}")]
    VolumeClaim { claim: String, path: String, fault: &'static str },
    #[error("invalid pod template of the {role}")]
    PodTemplate {
        role: &'static str,
        #[source]
        source: TemplateError,
    },
    #[error("the pod template of the {role} cannot be written as YAML: {reason}")]
    TemplateText { role: &'static str, reason: String },
    #[error("no config.yaml can be written for Flink {version}")]
    Overlap {
        version: FlinkVersion,
        #[source]
        source: OverlapError,
    },
}

/// Flink derives names of other objects and labels from the id.
pub(super) const LONGEST_CLUSTER_ID: usize = 45;

/// A field of a pod template has the wrong shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} is {found}; allowed is {allowed}")]
pub struct TemplateError {
    path: String,
    found: String,
    allowed: &'static str,
}

impl TemplateError {
    /// `path` is empty for the template itself.
    pub(super) fn new(path: &str, found: &Value, allowed: &'static str) -> Self {
        let path = if path.is_empty() { "the template" } else { path };
        Self { path: path.to_owned(), found: describe(found), allowed }
    }
}

/// Longest part of a value that a message repeats.
const SHOWN_CHARS: usize = 60;

fn describe(value: &Value) -> String {
    let shown = |kind: &str| {
        let text = value.to_string();
        match text.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{kind} {}…", text.get(..end).unwrap_or_default()),
            None => format!("{kind} {text}"),
        }
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => shown("the boolean"),
        Value::Number(_) => shown("the number"),
        Value::String(_) => shown("the text"),
        Value::Array(_) => shown("the list"),
        Value::Object(_) => shown("the object"),
    }
}
