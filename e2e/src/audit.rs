//! Counts requests in the API server's audit log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use crate::cluster::Cluster;

/// A position in the audit log, from which requests are counted.
pub struct Mark {
    log: PathBuf,
    offset: u64,
    at: Instant,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub verb: String,
    /// `resource` or `resource/subresource`.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    pub code: u64,
    pub user: String,
    pub received_at: String,
    /// When the response was complete.
    pub answered_at: String,
}

/// Returns the position of the log's end.
///
/// # Errors
///
/// The cluster has no audit log that can be read.
pub fn mark(cluster: &Cluster) -> anyhow::Result<Mark> {
    let log = cluster
        .audit_log
        .clone()
        .context("AUDIT_LOG is not set: requests can be counted on the rig only")?;
    let offset = std::fs::metadata(&log)?.len();
    Ok(Mark { log, offset, at: Instant::now() })
}

impl Mark {
    pub fn age(&self) -> Duration {
        self.at.elapsed()
    }

    /// The requests since this position by users whose name contains `user`, in the order in which they ended. A watch is
    /// counted when it starts.
    pub fn requests(&self, user: &str) -> anyhow::Result<Vec<Request>> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut found = Vec::new();
        for line in BufReader::new(file).lines() {
            // The last line may be incomplete.
            let Ok(entry) = serde_json::from_str::<Value>(&line?) else { continue };
            let text = |pointer: &str| {
                entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let verb = text("/verb");
            let complete = text("/stage") == "ResponseComplete";
            let counts =
                if verb == "watch" { text("/stage") == "ResponseStarted" } else { complete };
            if !counts || !text("/user/username").contains(user) {
                continue;
            }
            let resource = match text("/objectRef/subresource") {
                subresource if subresource.is_empty() => text("/objectRef/resource"),
                subresource => format!("{}/{subresource}", text("/objectRef/resource")),
            };
            found.push(Request {
                verb,
                resource,
                namespace: text("/objectRef/namespace"),
                name: text("/objectRef/name"),
                code: entry.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or(0),
                user: text("/user/username"),
                received_at: text("/requestReceivedTimestamp"),
                answered_at: text("/stageTimestamp"),
            });
        }
        Ok(found)
    }
}

/// How often each verb was used on each resource.
pub fn counts(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        *counts.entry(format!("{} {}", request.verb, request.resource)).or_default() += 1;
    }
    counts
}
