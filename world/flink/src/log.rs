//! The log of requests to JobManagers. Two runs are the same if their logs are.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestEntry {
    /// Since the world began.
    pub at: Duration,
    /// Name of the client.
    pub client: String,
    /// `namespace/cluster-id`, or the host when no cluster has it.
    pub cluster: String,
    /// Method and path with names for ids, as faults name it.
    pub site: String,
    pub method: String,
    /// Path and query.
    pub address: String,
    pub body: String,
    pub outcome: RestOutcome,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestOutcome {
    /// It was answered with this status.
    Answered(u16),
    /// It was carried out with this status, and the answer was lost or cut.
    Lost(u16),
    /// It was not carried out: there was no connection, or it broke first.
    Broken,
}

impl fmt::Display for RestEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, cluster, method, address, body, .. } = self;
        write!(f, "{:.3} {client} {cluster} {method} {address} {body} ", self.at.as_secs_f64())?;
        match self.outcome {
            RestOutcome::Answered(status) => write!(f, "{status}"),
            RestOutcome::Lost(status) => write!(f, "{status} lost"),
            RestOutcome::Broken => f.write_str("broken"),
        }
    }
}

/// All requests so far.
#[derive(Debug)]
pub(super) struct RestLog {
    keep: bool,
    entries: Vec<RestEntry>,
    digest: Sha256,
}

impl RestLog {
    /// Without `keep` there is no more than the digest.
    pub(super) fn new(keep: bool) -> Self {
        Self { keep, entries: Vec::new(), digest: Sha256::default() }
    }

    pub(super) fn add(&mut self, entry: RestEntry) {
        self.digest.update(entry.to_string());
        self.digest.update(b"\n");
        if self.keep {
            self.entries.push(entry);
        }
    }

    pub(super) fn entries(&self) -> &[RestEntry] {
        &self.entries
    }

    /// The SHA-256 of the whole log.
    pub(super) fn digest(&self) -> String {
        self.digest.clone().finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
