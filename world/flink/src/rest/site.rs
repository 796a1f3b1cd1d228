//! Which endpoint a request is for.

use bytes::Bytes;
use serde_json::Value;

use super::answer::Answer;
use super::refusal;

/// Every endpoint that is answered, by the name that logs and faults have for it. Anything else is `?`.
pub const SITES: [&str; 34] = [
    "GET /config",
    "GET /overview",
    "GET /taskmanagers/metrics",
    "GET /jobmanager/metrics",
    "DELETE /cluster",
    "GET /jobs",
    "GET /jobs/overview",
    "GET /jobs/:id",
    "PATCH /jobs/:id",
    "GET /jobs/:id/config",
    "GET /jobs/:id/plan",
    "GET /jobs/:id/execution-result",
    "GET /jobs/:id/exceptions",
    "GET /jobs/:id/metrics",
    "GET /jobs/:id/resource-requirements",
    "PUT /jobs/:id/resource-requirements",
    "GET /jobs/:id/checkpoints",
    "POST /jobs/:id/checkpoints",
    "GET /jobs/:id/checkpoints/config",
    "GET /jobs/:id/checkpoints/details/:checkpoint",
    "GET /jobs/:id/checkpoints/:trigger",
    "POST /jobs/:id/savepoints",
    "GET /jobs/:id/savepoints/:trigger",
    "POST /jobs/:id/stop",
    "GET /jobs/:id/vertices/:vertex/subtasks/metrics",
    "POST /savepoint-disposal",
    "GET /savepoint-disposal/:trigger",
    "GET /jars",
    "POST /jars/upload",
    "POST /jars/:jar/run",
    "DELETE /jars/:jar",
    "GET /jobmanager/environment",
    "GET /jobmanager/logs",
    "GET /datasets",
];

/// The name of all other endpoints.
pub(super) const UNKNOWN: &str = "?";

/// A request that has been read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) site: &'static str,
    /// Without the query.
    pub(super) path: String,
    query: Vec<(String, String)>,
    pub(super) body: Value,
    pub(super) raw: Bytes,
    /// The parts of the path that have names.
    parts: Vec<(&'static str, String)>,
}

impl Call {
    /// Reads a request. The answer to one that cannot be read.
    pub(super) fn read(method: &str, address: &str, body: &Bytes) -> Result<Self, Answer> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let found = SITES.iter().find_map(|site| Some((*site, matched(site, method, path)?)));
        let (site, parts) = found.unwrap_or((UNKNOWN, Vec::new()));
        let call = Self {
            site,
            path: path.to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
            raw: body.clone(),
            parts,
        };
        for name in [":id", ":trigger", ":vertex"] {
            let text = call.part(name);
            if !text.is_empty() && !is_hex_id(text) {
                let parameter = match name {
                    ":id" => "jobid",
                    ":trigger" => "triggerid",
                    _ => "vertexid",
                };
                return Err(refusal::bad_parameter(parameter, text));
            }
        }
        Ok(call)
    }

    /// A part of the path; empty when there is none of this name.
    pub(super) fn part(&self, name: &str) -> &str {
        let part = self.parts.iter().find(|(known, _)| *known == name);
        part.map_or("", |(_, text)| text.as_str())
    }

    /// A text of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text of the body.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }
}

fn is_hex_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn matched(site: &'static str, method: &str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (wanted, pattern) = site.split_once(' ')?;
    if wanted != method {
        return None;
    }
    let (mut pattern, mut segments) = (pattern.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (pattern.next(), segments.next()) {
            (None, None) => return Some(parts),
            (Some(name), Some(segment)) if name.starts_with(':') => {
                parts.push((name, segment.to_owned()));
            }
            (Some(name), Some(segment)) if name == segment => {}
            (_, _) => return None,
        }
    }
}
