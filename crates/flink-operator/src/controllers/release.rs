//! FlinkSessionJobs and FlinkStateSnapshots, as far as this version manages them: their deletion completes.
//!
//! The Java operator sets a finalizer on each resource of these kinds. Without somebody who removes it, neither the
//! resource nor its namespace can be deleted. Nothing else is done for these kinds, and an event says what was not done.

use std::time::Duration;

use flink_operator_api::{FlinkSessionJob, FlinkStateSnapshot, SnapshotState, Stored, Unreadable};
use flink_operator_core::observed::is_globally_terminal;
use flink_operator_core::reconcile::decision::{Event, Occurrence};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams};
use kube::core::metadata::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use crate::clock::Environment;
use crate::events::Events;
use crate::kind::Kind;
use crate::watches::Scope;

/// Resources of one kind that are released at the same time.
const PARALLELISM: usize = 64;

/// Attempts at one resource. The watch shows the resource again with each new list, and each process lists it at its start.
const ATTEMPTS_MAX: u32 = 10;

/// Events are best effort, and never delay a deletion for longer.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the controllers of these kinds work with.
#[derive(Clone)]
pub struct Context {
    pub client: Client,
    pub events: Events,
    pub environment: Environment,
    pub backoff: Backoff,
    /// Only resources with these labels (`kubernetes.operator.label.selector`).
    pub label_selector: Option<String>,
}

/// A kind whose resources are released.
trait Released: Kind {
    /// What the Java operator would have done before the deletion, and this one does not do.
    fn left_undone(&self) -> Option<String>;
}

impl Released for FlinkSessionJob {
    fn left_undone(&self) -> Option<String> {
        let job = &self.status.as_ref()?.job_status;
        let id = job.job_id.as_deref()?;
        if job.state.as_ref().is_some_and(is_globally_terminal) {
            return None;
        }
        let cluster = self.spec.deployment_name.as_deref().unwrap_or_default();
        Some(format!(
            "The job was not cancelled, because this version of the operator does not manage session jobs. If job {id} \
             still runs in the session cluster {cluster}, cancel it there."
        ))
    }
}

impl Released for FlinkStateSnapshot {
    fn left_undone(&self) -> Option<String> {
        let savepoint = self.spec.savepoint.as_ref()?;
        let status = self.status.as_ref()?;
        let path = status.path.as_deref()?;
        let disposes =
            savepoint.dispose_on_delete == Some(true) && status.state == SnapshotState::Completed;
        disposes.then(|| {
            format!(
                "The savepoint was not disposed of, because this version of the operator does not manage snapshot \
                 resources: its files are still at {path}."
            )
        })
    }
}

/// Runs both controllers in one scope until they are stopped.
pub fn run(context: &Context, scope: &Scope, stop: &CancellationToken) -> BoxFuture<'static, ()> {
    let jobs = run_kind::<FlinkSessionJob>(context.clone(), scope, stop.clone());
    let snapshots = run_kind::<FlinkStateSnapshot>(context.clone(), scope, stop.clone());
    futures::future::join(jobs, snapshots).map(drop).boxed()
}

fn run_kind<K: Released>(
    context: Context,
    scope: &Scope,
    stop: CancellationToken,
) -> BoxFuture<'static, ()> {
    let mut config = watcher::Config::default();
    if let Some(selector) = &context.label_selector {
        config = config.labels(selector);
    }
    let api: Api<PartialObjectMeta<K>> = scope.api(&context.client);
    let mut last_error = String::new();
    // Only metadata are watched. The few resources that are being deleted are read as a whole.
    let ending = watcher(api, config)
        .default_backoff()
        .applied_objects()
        .filter_map(move |seen| {
            let seen = match seen {
                Ok(seen) => Some(seen),
                Err(error) => {
                    let text = error.to_string();
                    if text != last_error {
                        tracing::warn!(
                            kind = K::kind(&()).as_ref(),
                            error = &error as &dyn std::error::Error,
                            "a watch failed; it is tried again"
                        );
                        last_error = text;
                    }
                    None
                }
            };
            std::future::ready(seen.filter(is_held::<K>))
        })
        .take_until(stop.cancelled_owned());
    ending
        .for_each_concurrent(PARALLELISM, move |held| {
            let context = context.clone();
            async move { release_in_time::<K>(&context, &held).await }
        })
        .boxed()
}

/// Whether the resource is being deleted and has the finalizer of the Java operator.
fn is_held<K: Released>(object: &PartialObjectMeta<K>) -> bool {
    object.metadata.deletion_timestamp.is_some()
        && object.finalizers().iter().any(|finalizer| finalizer == K::FINALIZER)
}

async fn release_in_time<K: Released>(context: &Context, held: &PartialObjectMeta<K>) {
    for attempt in 0..ATTEMPTS_MAX {
        match release::<K>(context, held).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(
                    kind = K::kind(&()).as_ref(),
                    namespace = held.namespace().unwrap_or_default(),
                    name = held.name_any(),
                    error = &error as &dyn std::error::Error,
                    "the finalizer was not removed; it is tried again"
                );
                tokio::time::sleep(context.backoff.after(attempt)).await;
            }
        }
    }
}

async fn release<K: Released>(
    context: &Context,
    held: &PartialObjectMeta<K>,
) -> Result<(), kube::Error> {
    let namespace = held.namespace().unwrap_or_default();
    let api: Api<Stored<K>> = Api::namespaced(context.client.clone(), &namespace);
    let Some(object) = api.get_opt(&held.name_any()).await? else { return Ok(()) };
    let metadata = object.meta();
    let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
    let is_same = metadata.uid == held.metadata.uid && metadata.deletion_timestamp.is_some();
    if !is_same || !finalizers.iter().any(|finalizer| finalizer == K::FINALIZER) {
        return Ok(());
    }
    // Before the end of the resource: nobody looks for events of what is gone.
    tell(context, &object).await;
    finalizers.retain(|finalizer| finalizer != K::FINALIZER);
    let patch = json!({"metadata": {
        "finalizers": finalizers,
        "resourceVersion": metadata.resource_version,
        "uid": metadata.uid,
    }});
    match api.patch(&held.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

async fn tell<K: Released>(context: &Context, object: &Stored<K>) {
    let left_undone = match object {
        Stored::Readable(object) => object.left_undone(),
        Stored::Unreadable(unreadable) => {
            let Unreadable { why, .. } = unreadable.as_ref();
            Some(format!(
                "The resource cannot be read ({why}), so nothing was done for it before its deletion."
            ))
        }
    };
    let note = left_undone.clone().unwrap_or_else(|| "Nothing was left to do.".to_owned());
    let note = format!("The finalizer of the Java operator is removed. {note}");
    let mut event = match left_undone {
        Some(_) => Event::warning("Cleanup", note),
        None => Event::normal("Cleanup", note),
    };
    let at = context.environment.clock.now();
    event.once = Some(Occurrence { key: "released".to_owned(), at });
    let meta = object.meta();
    let about = ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        name: meta.name.clone(),
        namespace: meta.namespace.clone(),
        uid: meta.uid.clone(),
        ..ObjectReference::default()
    };
    let published = context.events.publish(&event, &about);
    if tokio::time::timeout(EVENT_TIMEOUT, published).await.is_err() {
        tracing::warn!(reason = event.reason, "an event was not published in time");
    }
}
