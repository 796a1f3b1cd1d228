//! The operator's writes, as a script that the bare client can repeat.
//!
//! The audit log has the writes and their order, but no bodies. The bodies come from the cluster: the objects as they were
//! created, and the changes of the resource that a watch showed.

use anyhow::bail;
use serde_json::{Map, Value, json};

use crate::writes::Write;

/// The writes to repeat. Writes of one group are sent at the same time, groups one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub groups: Vec<Vec<Step>>,
    /// Writes after the Deployment that cannot be repeated, for the report.
    pub left_out: Vec<String>,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A merge patch of the resource's metadata.
    PatchMetadata(Value),
    /// A merge patch of the resource's status.
    PatchStatus(Value),
    Create {
        kind: &'static Kind,
        body: Value,
    },
}

/// A kind of object that operators create.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub plural: &'static str,
    pub kind: &'static str,
    pub api_version: &'static str,
}

impl Kind {
    /// The path of its objects in a namespace.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version, self.plural)
    }
}

/// The kinds of objects that can be repeated.
pub const KINDS: &[Kind] = &[
    Kind { plural: "deployments", kind: "Deployment", api_version: "apps/v1" },
    Kind { plural: "services", kind: "Service", api_version: "v1" },
    Kind { plural: "configmaps", kind: "ConfigMap", api_version: "v1" },
    Kind { plural: "secrets", kind: "Secret", api_version: "v1" },
    Kind { plural: "events", kind: "Event", api_version: "events.k8s.io/v1" },
];

/// What was found in the cluster.
#[derive(Debug)]
pub struct Found<'a> {
    /// The resource as it was created, and after each change.
    pub versions: &'a [Value],
    /// Objects of [`KINDS`] by plural.
    pub objects: &'a [(&'static Kind, Value)],
}

impl Script {
    /// Makes the script of an operator's writes, up to the last of the versions.
    ///
    /// # Errors
    ///
    /// A write before the Deployment cannot be repeated: it changed nothing, it replaced a whole object, or its object is
    /// gone.
    pub fn of(writes: &[Write<'_>], found: &Found<'_>) -> anyhow::Result<Self> {
        let mut changes = found.versions.windows(2);
        let mut groups: Vec<Vec<Step>> = Vec::new();
        let mut left_out = Vec::new();
        let mut has_deployment = false;
        // When the last answer of the current group arrived, if writes may join it. Only creations after the Deployment
        // are sent at the same time; other writes need the answer of the one before.
        let mut open_until = None;
        for write in writes {
            let step = match write.request.resource.as_str() {
                "flinkdeployments" | "flinkdeployments/status" => {
                    let Some([before, after]) = changes.next() else {
                        bail!(
                            "the operator wrote the resource more often than the resource changed"
                        );
                    };
                    Some(change(write, before, after)?)
                }
                _ => creation(write, found.objects),
            };
            let Some(step) = step else {
                let what = format!(
                    "{} {} {}",
                    write.request.verb, write.request.resource, write.request.name
                );
                if !has_deployment {
                    bail!("{what}: this write before the Deployment cannot be repeated");
                }
                left_out.push(what);
                continue;
            };
            let is_deployment = write.is("create", "deployments");
            let side_by_side =
                has_deployment && !is_deployment && matches!(step, Step::Create { .. });
            match (open_until, groups.last_mut()) {
                (Some(until), Some(group)) if side_by_side && write.received < until => {
                    group.push(step);
                    open_until = Some(until.max(write.answered));
                }
                _ => {
                    groups.push(vec![step]);
                    open_until = side_by_side.then_some(write.answered);
                }
            }
            has_deployment |= is_deployment;
            // The last version has the status RUNNING and STABLE.
            if changes.len() == 0 {
                break;
            }
        }
        if changes.next().is_some() {
            bail!("the resource changed more often than the operator wrote it");
        }
        if !has_deployment {
            bail!("the operator created no Deployment");
        }
        Ok(Self { groups, left_out })
    }

    /// Number of writes up to the Deployment, including its creation.
    pub fn writes_to_deployment(&self) -> usize {
        let is_deployment =
            |step: &Step| matches!(step, Step::Create { kind, .. } if kind.plural == "deployments");
        let before = self.groups.iter().take_while(|group| !group.iter().any(is_deployment));
        before.map(Vec::len).sum::<usize>() + 1
    }
}

/// The merge patch from one version of the resource to the next.
fn change(write: &Write<'_>, before: &Value, after: &Value) -> anyhow::Result<Step> {
    let request = write.request;
    if request.verb != "patch" {
        bail!(
            "{} {}: only patches of the resource can be repeated",
            request.verb,
            request.resource
        );
    }
    let part = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_else(|| json!({}));
    let status = difference(&part(before, "status"), &part(after, "status"));
    let metadata = ["finalizers", "labels", "annotations"]
        .into_iter()
        .map(|name| (name, after.pointer(&format!("/metadata/{name}")).cloned()))
        .filter(|(name, value)| before.pointer(&format!("/metadata/{name}")) != value.as_ref())
        .map(|(name, value)| (name.to_owned(), value.unwrap_or(Value::Null)))
        .collect::<Map<String, Value>>();
    match (request.resource.as_str(), metadata.is_empty(), status) {
        ("flinkdeployments", false, None) => Ok(Step::PatchMetadata(json!({"metadata": metadata}))),
        ("flinkdeployments/status", true, Some(status)) => {
            Ok(Step::PatchStatus(json!({"metadata": {}, "status": status})))
        }
        _ => bail!(
            "a write of {} does not fit the change that the watch showed: some writes changed nothing, or somebody else \
             wrote as well",
            request.resource
        ),
    }
}

/// The creation of an object; `None` if it cannot be repeated.
fn creation(write: &Write<'_>, objects: &[(&'static Kind, Value)]) -> Option<Step> {
    let request = write.request;
    let name = |object: &Value| object.pointer("/metadata/name").cloned();
    let (kind, object) = objects.iter().find(|(kind, object)| {
        kind.plural == request.resource && name(object) == Some(json!(request.name))
    })?;
    (request.verb == "create").then(|| Step::Create { kind, body: as_created(kind, object) })
}

/// The object without fields that the API server or controllers have added, and with 0 replicas.
fn as_created(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
        // Items of a list have neither `kind` nor `apiVersion`.
        members.insert("apiVersion".to_owned(), json!(kind.api_version));
        members.insert("kind".to_owned(), json!(kind.kind));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| {
            ["name", "namespace", "labels", "annotations", "ownerReferences"]
                .contains(&name.as_str())
        });
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
        }
    }
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        match kind.plural {
            "deployments" => {
                // A JobManager would use CPU that the next run needs.
                spec.insert("replicas".to_owned(), json!(0));
            }
            "services" if spec.get("clusterIP") != Some(&json!("None")) => {
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
            _ => {}
        }
    }
    object
}

/// The merge patch (RFC 7386) from one object to another; `None` if they are equal.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    let mut patch: Map<String, Value> = removed.map(|name| (name.clone(), Value::Null)).collect();
    for (name, after) in new {
        let change = match old.get(name) {
            Some(before) => difference(before, after),
            None => Some(after.clone()),
        };
        if let Some(change) = change {
            patch.insert(name.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests;
