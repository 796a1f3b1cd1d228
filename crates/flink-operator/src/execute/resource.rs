//! What is written about the resource itself: its finalizers, its status, its events.

use std::sync::Arc;
use std::time::Duration;

use flink_operator_core::reconcile::decision::Event;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams};
use kube::core::object::HasStatus;
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::error::ExecuteError;
use crate::events::Events;
use crate::kind::Kind;
use crate::own_writes::ResourceWrites;
use crate::status;

/// Events are best effort, and never delay a job.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn add_finalizer<K: Kind>(
    client: &Client,
    writes: &ResourceWrites<K>,
    resource: &K,
) -> Result<Arc<K>, ExecuteError> {
    let mut finalizers = resource.finalizers().to_vec();
    finalizers.push(K::FINALIZER.to_owned());
    set_finalizers(client, writes, resource, finalizers, "add the finalizer").await
}

pub(super) async fn remove_finalizer<K: Kind>(
    client: &Client,
    writes: &ResourceWrites<K>,
    resource: &K,
) -> Result<Arc<K>, ExecuteError> {
    let mut finalizers = resource.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != K::FINALIZER);
    set_finalizers(client, writes, resource, finalizers, "remove the finalizer").await
}

/// Replaces the list of finalizers, under the version that was read: the list was read with everything else.
async fn set_finalizers<K: Kind>(
    client: &Client,
    writes: &ResourceWrites<K>,
    resource: &K,
    finalizers: Vec<String>,
    doing: &'static str,
) -> Result<Arc<K>, ExecuteError> {
    let patch = json!({"metadata": {
        "finalizers": finalizers,
        "resourceVersion": resource.meta().resource_version,
        "uid": resource.meta().uid,
    }});
    let patched = api(client, resource)
        .patch(&resource.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(|error| not_written(doing, error))?;
    if patched.meta().generation != resource.meta().generation {
        // The decision was about another spec.
        return Err(ExecuteError::Conflict { what: "the resource".to_owned() });
    }
    let patched = Arc::new(patched);
    writes.written(Arc::clone(&patched));
    Ok(patched)
}

/// Writes the status under the version that was read. `None` if it says the same already.
pub(super) async fn record<K: Kind>(
    client: &Client,
    writes: &ResourceWrites<K>,
    resource: &K,
    next: &<K as HasStatus>::Status,
) -> Result<Option<Arc<K>>, ExecuteError> {
    let written = status::write(&api(client, resource), resource, next)
        .await
        .map_err(|error| not_written("write the status", error))?
        .map(Arc::new);
    if let Some(written) = &written {
        writes.written(Arc::clone(written));
    }
    Ok(written)
}

/// Makes sure that the status is still the one that the decision was made on. If this process was suspended since then,
/// another one may have taken over, and what exists now may belong to a later cluster.
pub(super) async fn confirm<K: Kind>(client: &Client, resource: &K) -> Result<(), ExecuteError> {
    let confirmed = status::confirm(&api(client, resource), resource).await;
    confirmed.map_err(|error| not_written("confirm the status", error))
}

pub(super) async fn publish<K: Kind>(events: &Events, resource: &K, event: &Event) {
    let reference = ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        name: resource.meta().name.clone(),
        namespace: resource.meta().namespace.clone(),
        uid: resource.meta().uid.clone(),
        ..ObjectReference::default()
    };
    let published = events.publish(event, &reference);
    if tokio::time::timeout(EVENT_TIMEOUT, published).await.is_err() {
        tracing::warn!(reason = event.reason, "an event was not published in time");
    }
}

fn api<K: Kind>(client: &Client, resource: &K) -> Api<K> {
    Api::namespaced(client.clone(), &resource.namespace().unwrap_or_default())
}

fn not_written(doing: &'static str, error: kube::Error) -> ExecuteError {
    // The resource is gone, has changed, or is another one by now.
    if matches!(&error, kube::Error::Api(status) if status.code == 409 || status.code == 404) {
        return ExecuteError::Conflict { what: "the resource".to_owned() };
    }
    ExecuteError::Kube { doing, source: error }
}
