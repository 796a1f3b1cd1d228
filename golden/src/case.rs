//! One run of a client: what it was given, and what it sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One run of a client.
///
/// Two placeholders stand for folders of the machine on which the client ran: `@CONF@` for the folder of
/// [`input`](Self::input), `@HARNESS@` for the folder of all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// The main class and its arguments, separated by one blank. An argument in double quotes is a JSON string.
    pub command: String,
    /// Environment variables of the client.
    pub environment: BTreeMap<String, String>,
    /// Files of the client's configuration folder, by their path in it.
    pub input: BTreeMap<String, String>,
    pub exit_code: i32,
    /// Requests in their order: method, path, and the object as `Kind/name` if the request has one.
    pub requests: Vec<String>,
    /// Objects that the client sent, in the order of their names.
    pub sent: Vec<Sent>,
}

/// An object in the body of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sent {
    Post(Value),
    Put(Value),
}

impl Sent {
    pub fn object(&self) -> &Value {
        match self {
            Self::Post(object) | Self::Put(object) => object,
        }
    }
}

impl Case {
    pub fn failed(&self) -> bool {
        self.exit_code != 0
    }
}
