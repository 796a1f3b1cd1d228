//! What two servers cannot agree on, put into a common form.
//!
//! The list of what is masked, and why:
//!
//! - uids: by the object they belong to, in the order in which its namesakes came;
//! - resource versions: by the operation in which they were given out (so that their order is compared, and that a write
//!   that changes nothing keeps the version); a list's own version: whether it is the latest;
//! - times: that they are there; not who owns those of conditions, which is whoever writes in another second;
//! - order of `managedFields`: by time in the servers, by name here;
//! - names of ReplicaSets and pods: the hash by its template, the letters of a pod not at all;
//! - tokens of pages: that they are there;
//! - of refused requests (400, 415, 422, 500) the wording: what is compared is code, reason, kind, name, and the causes'
//!   reasons and fields;
//! - of Deployments in watches, the status and the revision: their controller writes them when it likes; their end is
//!   compared in full;
//! - the same, and ReplicaSets and pods, of Deployments that the garbage collector deletes: it races with their
//!   controller, which does less for a Deployment that is being deleted;
//! - which step of a rollout that is under way a Deployment's condition tells of.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

/// What is known of one server's names.
#[derive(Default)]
pub struct Names {
    /// Labels of uids.
    uids: BTreeMap<String, String>,
    /// How many objects of a kind and name there were.
    namesakes: BTreeMap<String, usize>,
    /// Labels of template hashes.
    hashes: BTreeMap<String, String>,
    /// Uids of Deployments that are being deleted, and whether it was the garbage collector that deleted them.
    deleted: BTreeMap<String, bool>,
    /// Versions at the ends of operations.
    pub ends: Vec<u64>,
}

impl Names {
    /// Learns the uids and hashes in an answer, in its order.
    pub fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => {
                if let Some(metadata) = fields.get("metadata").and_then(Value::as_object) {
                    self.learn_object(fields, metadata);
                }
                fields.values().for_each(|value| self.learn(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn learn_object(&mut self, object: &Map<String, Value>, metadata: &Map<String, Value>) {
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default();
        if let Some(hash) = metadata
            .get("labels")
            .and_then(|labels| labels.get("pod-template-hash"))
            .and_then(Value::as_str)
            && let Some(template) = object.get("spec").and_then(|spec| spec.get("template"))
        {
            let template = sorted(template).to_string().replace(hash, "");
            let label = format!(
                "<hash {:x}>",
                template
                    .bytes()
                    .fold(5381_u64, |hash, byte| hash.wrapping_mul(33) ^ u64::from(byte))
            );
            self.hashes.entry(hash.to_owned()).or_insert(label);
        }
        let uid = text("uid");
        if !uid.is_empty() && !self.uids.contains_key(uid) {
            let name = self.name(text("name"));
            let count = self.namesakes.entry(name.clone()).or_default();
            *count += 1;
            self.uids.insert(uid.to_owned(), format!("<uid {name} {count}>"));
        }
    }

    /// Notes which Deployments are being deleted: by a request, or by the garbage collector.
    pub fn learn_deletions(&mut self, deployments: &[Value], by_request: bool) {
        for deployment in deployments {
            if let (Some(uid), true) = (uid(deployment), is_deleting(deployment)) {
                self.deleted.entry(uid.to_owned()).or_insert(!by_request);
            }
        }
    }

    /// Whether this is a Deployment that the garbage collector deleted, or something that came of it.
    pub fn is_collected(&self, object: &Value) -> bool {
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let owners = owners.into_iter().flatten().filter(|owner| owner["kind"] == "Deployment");
        let mut uids = owners.filter_map(|owner| owner["uid"].as_str()).chain(uid(object));
        uids.any(|uid| self.deleted.get(uid) == Some(&true))
    }

    fn name(&self, name: &str) -> String {
        let hash = self.hashes.iter().find(|(hash, _)| name.contains(hash.as_str()));
        hash.map_or_else(|| name.to_owned(), |(hash, label)| name.replace(hash.as_str(), label))
    }

    /// The operation in which a version was given out.
    fn operation(&self, version: &str) -> String {
        let Ok(version) = version.parse::<u64>() else { return version.to_owned() };
        format!("<operation {}>", self.ends.partition_point(|end| *end < version))
    }

    /// A value of an answer, in the common form.
    pub fn normal(&self, value: &Value) -> Value {
        match value {
            // What it is, is the cluster's.
            Value::Object(fields)
                if value.pointer("/metadata/name") == Some(&json!("kube-root-ca.crt")) =>
            {
                json!({"kind": fields.get("kind"), "metadata": {"name": "kube-root-ca.crt"}})
            }
            Value::Object(_) if uid(value).is_some() && self.is_collected(value) => {
                let mut value = value.clone();
                hide_controller(&mut value);
                self.normal_fields(&value)
            }
            Value::Object(_) => self.normal_fields(value),
            Value::Array(items) => items.iter().map(|item| self.normal(item)).collect(),
            Value::String(text) => Value::from(self.text(text)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn normal_fields(&self, object: &Value) -> Value {
        let mut normal: Map<String, Value> = Map::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            normal.insert(self.text(name), self.field(name, value));
        }
        Self::hide_letters(&mut normal);
        Self::hide_steps(&mut normal);
        Value::Object(normal)
    }

    fn field(&self, name: &str, value: &Value) -> Value {
        match (name, value) {
            ("fieldsV1", fields) => self.normal(&without_condition_times(fields)),
            ("resourceVersion", Value::String(version)) => Value::from(self.operation(version)),
            ("continue", Value::String(token)) if !token.is_empty() => Value::from("<token>"),
            ("managedFields", Value::Array(entries)) => {
                let mut entries: Vec<Value> =
                    entries.iter().map(|entry| self.normal(entry)).collect();
                entries.sort_by_key(|entry| {
                    ["manager", "operation", "subresource", "apiVersion"]
                        .map(|field| entry[field].to_string())
                });
                Value::Array(entries)
            }
            _ => self.normal(value),
        }
    }

    /// Whether the controller of a Deployment has seen a new ReplicaSet without pods depends on how fast that one's is.
    fn hide_steps(condition: &mut Map<String, Value>) {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        let is_under_way = matches!(
            text("reason"),
            "NewReplicaSetCreated" | "FoundNewReplicaSet" | "ReplicaSetUpdated"
        );
        if text("type") == "Progressing" && is_under_way {
            for field in ["reason", "message"] {
                condition.insert(field.to_owned(), Value::from("<under way>"));
            }
        }
    }

    /// Pods of one set differ in five letters.
    fn hide_letters(object: &mut Map<String, Value>) {
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            return;
        };
        let generated =
            metadata.get("generateName").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !generated.is_empty() && generated.contains("<hash") {
            metadata.insert("name".to_owned(), Value::from(format!("{generated}*")));
            metadata.remove("uid");
        }
    }

    fn text(&self, text: &str) -> String {
        if let Some(label) = self.uids.get(text) {
            return label.clone();
        }
        if is_time(text) {
            return "<time>".to_owned();
        }
        let mut text = text.to_owned();
        if text.len() > 36 {
            for (uid, label) in &self.uids {
                if text.contains(uid.as_str()) {
                    text = text.replace(uid.as_str(), label);
                }
            }
        }
        for (hash, label) in &self.hashes {
            if text.contains(hash.as_str()) {
                text = text.replace(hash.as_str(), label);
            }
        }
        text
    }

    /// An answer in the common form. `asked` is the version that a list was asked for.
    pub fn answer(&self, code: u16, body: &Value, asked: Option<&str>) -> Value {
        if body.get("kind") == Some(&json!("Status"))
            && body.get("status") == Some(&json!("Failure"))
        {
            return json!({"code": code, "refused": self.refusal(body)});
        }
        let mut body = body.clone();
        if let Some(list) = body.get_mut("metadata").and_then(Value::as_object_mut)
            && list.get("uid").is_none()
            && let Some(version) = list.get("resourceVersion").and_then(Value::as_str)
        {
            let is_latest = version.parse::<u64>().ok() >= self.ends.last().copied();
            let shown = match () {
                () if Some(version) == asked => "<as asked>".to_owned(),
                () if is_latest => "<latest>".to_owned(),
                () => self.operation(version),
            };
            list.insert("resourceVersion".to_owned(), Value::from(shown));
        }
        json!({"code": code, "body": self.normal(&body)})
    }

    fn refusal(&self, status: &Value) -> Value {
        let reason = status.get("reason").and_then(Value::as_str).unwrap_or_default();
        let mut details = status.get("details").cloned().unwrap_or_default();
        if let Some(details) = details.as_object_mut() {
            let causes =
                details.get("causes").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut causes: Vec<String> = causes
                .iter()
                .map(|cause| {
                    format!(
                        "{} {}",
                        cause["reason"].as_str().unwrap_or_default(),
                        cause["field"].as_str().unwrap_or_default()
                    )
                })
                .collect();
            causes.sort();
            causes.dedup();
            details.insert("causes".to_owned(), json!(causes));
        }
        let message = status.get("message").and_then(Value::as_str).unwrap_or_default();
        let told = matches!(
            reason,
            "NotFound" | "AlreadyExists" | "Conflict" | "Forbidden" | "MethodNotAllowed"
        );
        let message = match () {
            () if message.contains("recondition") => "<precondition>".to_owned(),
            // Which of several managers is named first is chance.
            () if message.starts_with("Apply failed with") => {
                message.split(':').next().unwrap_or_default().to_owned()
            }
            () if told => self.text(message),
            () => String::new(),
        };
        json!({"reason": reason, "message": message, "details": self.normal(&details)})
    }
}

fn uid(object: &Value) -> Option<&str> {
    object.pointer("/metadata/uid")?.as_str()
}

fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// Hides what the Deployment controller writes: how much of it is there before somebody else deletes or changes the
/// Deployment is a race in every cluster.
pub fn hide_controller(deployment: &mut Value) {
    if deployment.get("spec").is_some() {
        deployment["status"] = json!("<its controller's>");
    }
    if let Some(metadata) = deployment["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        // Several writes in one operation count as one.
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
}

fn without_condition_times(fields: &Value) -> Value {
    let Some(fields) = fields.as_object() else { return fields.clone() };
    let kept = fields
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "f:lastTransitionTime" | "f:lastUpdateTime"));
    Value::Object(
        kept.map(|(name, value)| (name.clone(), without_condition_times(value))).collect(),
    )
}

/// With the fields of all objects in order.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            json!(fields)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_time(text: &str) -> bool {
    static TIME: std::sync::LazyLock<Regex> = std::sync::LazyLock::new(|| {
        Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$").expect("it is a pattern")
    });
    text.ends_with('Z') && TIME.is_match(text)
}
