//! The bare client: it repeats the operator's writes.
//!
//! It knows in advance what to write, and writes it as fast as the API server answers. The difference to the operator is
//! the time that the operator needs to notice the resource, to read, and to decide.

use anyhow::Context;
use futures::future::join_all;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{PartialObjectMeta, Request};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::manifest;
use crate::script::{Script, Step};
use crate::watched;

/// The names and uids in an application's objects. To repeat an object for another application they are replaced by the
/// other's. Names have the same length, so that objects keep their size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub namespace: String,
    pub name: String,
    /// The uid of the FlinkDeployment.
    pub uid: String,
    pub deployment_uid: String,
}

impl Identity {
    /// The object of `self` as one of `other`.
    fn moved_to(&self, other: &Self, object: &Value) -> anyhow::Result<Vec<u8>> {
        let mut text = serde_json::to_string(object)?;
        for (from, to) in [
            (&self.uid, &other.uid),
            (&self.deployment_uid, &other.deployment_uid),
            (&self.namespace, &other.namespace),
            (&self.name, &other.name),
        ] {
            text = text.replace(from.as_str(), to);
        }
        Ok(text.into_bytes())
    }
}

/// Parts of an answer that later steps need.
#[derive(Default)]
struct Learnt {
    resource_version: Option<String>,
    deployment_uid: Option<String>,
}

/// Creates a resource that the operator ignores, and then sends the writes of the script.
///
/// # Errors
///
/// The first error of the API server.
pub async fn run(
    client: &Client,
    script: &Script,
    original: &Identity,
    namespace: &str,
    name: &str,
) -> anyhow::Result<()> {
    let resources = watched::resources(client, namespace);
    let resource: DynamicObject = serde_json::from_value(manifest::canary(name))?;
    let created = resources.create(&PostParams::default(), &resource).await?;
    let mut identity = Identity {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: created.uid().context("the resource has no uid")?,
        deployment_uid: original.deployment_uid.clone(),
    };
    let mut version = created.resource_version().unwrap_or_default();
    for group in &script.groups {
        let learnt = join_all(
            group.iter().map(|step| send(client, &resources, step, original, &identity, &version)),
        )
        .await;
        for learnt in learnt {
            let learnt = learnt?;
            version = learnt.resource_version.unwrap_or(version);
            identity.deployment_uid = learnt.deployment_uid.unwrap_or(identity.deployment_uid);
        }
    }
    Ok(())
}

async fn send(
    client: &Client,
    resources: &Api<DynamicObject>,
    step: &Step,
    original: &Identity,
    identity: &Identity,
    version: &str,
) -> anyhow::Result<Learnt> {
    let (params, name) = (PatchParams::default(), &identity.name);
    let patched = match step {
        Step::PatchMetadata(body) => {
            let patch = Patch::Merge(guarded(body, original, identity, version)?);
            resources.patch(name, &params, &patch).await?
        }
        Step::PatchStatus(body) => {
            let patch = Patch::Merge(guarded(body, original, identity, version)?);
            resources.patch_status(name, &params, &patch).await?
        }
        Step::Create { kind, body } => {
            let body = original.moved_to(identity, body)?;
            let request = Request::new(kind.path(&identity.namespace))
                .create(&PostParams::default(), body)?;
            let created: PartialObjectMeta = client.request(request).await?;
            let is_deployment = kind.plural == "deployments";
            let deployment_uid = created.uid().filter(|_| is_deployment);
            return Ok(Learnt { resource_version: None, deployment_uid });
        }
    };
    Ok(Learnt { resource_version: patched.resource_version(), deployment_uid: None })
}

/// The patch with the resource version of the last answer, as the operator sends it.
fn guarded(
    body: &Value,
    original: &Identity,
    identity: &Identity,
    version: &str,
) -> anyhow::Result<Value> {
    let mut body: Value = serde_json::from_slice(&original.moved_to(identity, body)?)?;
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), json!(version));
        metadata.insert("uid".to_owned(), json!(identity.uid));
    }
    Ok(body)
}

/// Removes the resource's finalizers, so that it can be deleted without an operator.
pub async fn release(client: &Client, namespace: &str, name: &str) -> anyhow::Result<()> {
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    drop(watched::resources(client, namespace).patch(name, &PatchParams::default(), &patch).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(namespace: &str, name: &str, uid: &str, deployment_uid: &str) -> Identity {
        Identity {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
            deployment_uid: deployment_uid.to_owned(),
        }
    }

    #[test]
    fn object_is_moved_with_all_that_names_it() {
        let object = json!({
            "metadata": {"name": "flink-config-app-1", "namespace": "here", "ownerReferences": [{"uid": "d-1"}]},
            "data": {"config.yaml": "kubernetes:\n  cluster-id: app-1\n  namespace: here\n"},
        });
        let from = identity("here", "app-1", "r-1", "d-1");
        let moved = from.moved_to(&identity("ever", "app-2", "r-2", "d-2"), &object).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&moved).unwrap(),
            json!({
                "metadata": {"name": "flink-config-app-2", "namespace": "ever", "ownerReferences": [{"uid": "d-2"}]},
                "data": {"config.yaml": "kubernetes:\n  cluster-id: app-2\n  namespace: ever\n"},
            })
        );
    }

    #[test]
    fn patches_carry_version_and_uid() {
        let from = identity("here", "app-1", "r-1", "d-1");
        let to = identity("ever", "app-2", "r-2", "d-2");
        let body = json!({"metadata": {}, "status": {"clusterInfo": "app-1"}});
        assert_eq!(
            guarded(&body, &from, &to, "17").unwrap(),
            json!({
                "metadata": {"resourceVersion": "17", "uid": "r-2"},
                "status": {"clusterInfo": "app-2"},
            })
        );
    }
}
