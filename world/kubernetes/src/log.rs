//! The log of requests: what was asked, by whom, when, and what came of it. Two runs are the same if their logs are.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::api_server::request::{Request, Target};
use crate::api_server::watch::EventKind;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Since the world began.
    pub at: Duration,
    /// Name of the client.
    pub client: String,
    pub method: String,
    /// With its parameters.
    pub address: String,
    /// The first half of the body's SHA-256, in hexadecimal digits; empty without a body.
    pub body: String,
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered with this code.
    Answered(u16),
    /// It was carried out with this code, and the answer was lost.
    Lost(u16),
    /// It was not carried out: the connection broke first.
    Broken,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Answered(code) => code.to_string(),
            Outcome::Lost(code) => format!("{code} lost"),
            Outcome::Broken => "broken".to_owned(),
        };
        write!(
            f,
            "{:.3} {} {} {} {} {outcome}",
            self.at.as_secs_f64(),
            self.client,
            self.method,
            self.address,
            self.body
        )
    }
}

/// A request that changes something, with what it says.
#[derive(Clone, Debug)]
pub struct Write {
    /// Since the world began.
    pub at: Duration,
    pub client: String,
    pub target: Target,
    pub body: Bytes,
    /// The code of the answer, whether that arrived or not.
    pub code: u16,
}

/// An event that a watch was about to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Since the world began.
    pub at: Duration,
    pub client: String,
    /// Plural of the kind.
    pub resource: String,
    pub event: EventKind,
    /// `namespace/name`; empty for bookmarks and errors.
    pub object: String,
}

/// All requests so far.
#[derive(Debug, Default)]
pub struct Log {
    entries: Vec<Entry>,
    digest: Sha256,
}

impl Log {
    /// Adds one to the digest, and keeps it if it is to be looked at.
    pub fn add(&mut self, entry: Entry, keep: bool) {
        self.digest.update(entry.to_string());
        self.digest.update(b"\n");
        if keep {
            self.entries.push(entry);
        }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The SHA-256 of the whole log.
    pub fn digest(&self) -> String {
        hex(&self.digest.clone().finalize())
    }
}

/// What a request says, without what comes from the machine's clock.
///
/// kube's event recorder asks the machine for the time: the names and times of events differ from run to run, whatever
/// else is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    pub method: String,
    pub address: String,
    pub body: String,
}

impl Said {
    pub fn by(request: &Request) -> Self {
        let (mut address, mut body) = (request.path.clone(), request.body.clone());
        if is_about_events(&request.path) {
            if let Some((path, name)) = address.rsplit_once('/') {
                address = format!("{path}/{}", without_time(name));
            }
            if let Ok(mut event) = serde_json::from_slice::<Value>(&body) {
                mask_event(&mut event);
                body = event.to_string().into();
            }
        }
        if !request.query.is_empty() {
            address = format!("{address}?{}", request.query);
        }
        let body = if body.is_empty() { String::new() } else { half_digest(&body) };
        Self { method: request.method.to_string(), address, body }
    }
}

fn is_about_events(path: &str) -> bool {
    path.split('/').any(|part| part == "events")
}

/// `name.17a8b9c0d1e2f3a4` without the number behind the dot.
fn without_time(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((name, time)) if time.len() >= 12 && time.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => name,
    }
}

fn mask_event(event: &mut Value) {
    let Some(fields) = event.as_object_mut() else { return };
    fields.remove("eventTime");
    if let Some(series) = fields.get_mut("series").and_then(Value::as_object_mut) {
        series.remove("lastObservedTime");
    }
    if let Some(name) = fields.get_mut("metadata").and_then(|metadata| metadata.get_mut("name"))
        && let Some(text) = name.as_str()
    {
        *name = Value::from(without_time(text));
    }
}

fn half_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    hex(digest.get(..16).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
