//! Watch caches of the objects of a FlinkDeployment's cluster, and the changes in them that start a pass.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use flink_operator_api::{FlinkDeployment, Stored, names};
use futures::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::observe::cluster::{observe_deployment, observe_pod};
use crate::own_writes::JobManagerWrites;
use crate::pod_index::PodIndex;

/// A resource to look at.
pub type Wake = ObjectRef<Stored<FlinkDeployment>>;

/// Where a process watches: one namespace, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    Namespace(String),
}

impl Scope {
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }
}

/// Which caches have been filled since the process started.
///
/// kube's stores can be waited for as well, but each by one waiter only: a second one takes the first one's wake-up away,
/// and the controller itself is one.
#[derive(Clone, Debug)]
pub struct Filled {
    sender: Arc<tokio::sync::watch::Sender<[bool; 3]>>,
}

impl Default for Filled {
    fn default() -> Self {
        Self { sender: Arc::new(tokio::sync::watch::Sender::new([false; 3])) }
    }
}

/// A cache, as an index into [`Filled`].
#[derive(Clone, Copy, Debug)]
enum Cache {
    Resources,
    Deployments,
    Pods,
}

impl Filled {
    /// Notes the end of a list.
    fn see<K>(&self, cache: Cache, event: &Result<Event<K>, watcher::Error>) {
        if matches!(event, Ok(Event::InitDone)) {
            self.sender.send_modify(|filled| {
                if let Some(flag) = filled.get_mut(cache as usize) {
                    *flag = true;
                }
            });
        }
    }

    /// Waits until the caches that a pass reads are filled: until then an object that they lack may well exist.
    pub async fn clusters(&self) {
        self.until(|[_, deployments, pods]| *deployments && *pods).await;
    }

    /// Waits until every cache is filled.
    pub async fn all(&self) {
        self.until(|filled| filled.iter().all(|flag| *flag)).await;
    }

    async fn until(&self, reached: impl FnMut(&[bool; 3]) -> bool) {
        // The sender lives in `self`, so the channel stays open.
        drop(self.sender.subscribe().wait_for(reached).await);
    }
}

/// Watches the FlinkDeployments. A pass is due when the spec, the finalizers or the deletion mark change; the status is
/// written by this operator alone, which remembers what it wrote. `gone` gets the uid of each resource that has ended.
pub fn resources<G: Fn(&str) + Send + 'static>(
    client: &Client,
    scope: &Scope,
    label_selector: Option<&str>,
    filled: Filled,
    gone: G,
) -> (
    Store<Stored<FlinkDeployment>>,
    impl Stream<Item = Result<Stored<FlinkDeployment>, watcher::Error>> + Send + use<G>,
) {
    let (reader, writer) = reflector::store();
    let mut config = watcher::Config::default();
    if let Some(selector) = label_selector {
        config = config.labels(selector);
    }
    let stream = watcher(scope.api(client), config)
        .default_backoff()
        .modify(|object: &mut Stored<FlinkDeployment>| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .inspect(move |event| filled.see(Cache::Resources, event))
        .inspect(ended(gone))
        .applied_objects()
        .predicate_filter(wakes, kube::runtime::PredicateConfig::default());
    (reader, stream)
}

/// Tells of each object that has ended, also if a new list lacks it.
fn ended<K: Resource, G: Fn(&str) + Send>(
    gone: G,
) -> impl FnMut(&Result<Event<K>, watcher::Error>) + Send + use<K, G> {
    let (mut known, mut listed) = (HashSet::new(), HashSet::new());
    let uid = |object: &K| object.meta().uid.clone().unwrap_or_default();
    move |event| match event {
        Ok(Event::Init) => listed.clear(),
        Ok(Event::InitApply(object)) => {
            listed.insert(uid(object));
        }
        Ok(Event::InitDone) => {
            known.difference(&listed).for_each(|uid: &String| gone(uid));
            known = std::mem::take(&mut listed);
        }
        Ok(Event::Apply(object)) => {
            known.insert(uid(object));
        }
        Ok(Event::Delete(object)) => {
            known.remove(&uid(object));
            gone(&uid(object));
        }
        Err(_) => {}
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a predicate of kube returns an Option")]
fn wakes(object: &Stored<FlinkDeployment>) -> Option<u64> {
    let meta = object.meta();
    Some(hash(&(
        &meta.generation,
        &meta.finalizers,
        meta.deletion_timestamp.is_some(),
        &meta.labels,
    )))
}

/// Watches the JobManagers' Deployments.
pub fn deployments(
    client: &Client,
    scope: &Scope,
    own_writes: Arc<JobManagerWrites>,
    filled: Filled,
) -> (Store<Deployment>, impl Stream<Item = Wake> + Send + use<>) {
    let (reader, writer) = reflector::store();
    let stream = cluster_objects::<Deployment>(client, scope)
        .modify(|deployment| {
            deployment.metadata.managed_fields = None;
            // Keep only `replicas`; nothing else of the spec is read.
            deployment.spec = deployment.spec.take().map(|spec| DeploymentSpec {
                replicas: spec.replicas,
                ..DeploymentSpec::default()
            });
        })
        .reflect(writer)
        // After the cache: a write is forgotten only once the cache shows it.
        .inspect(move |event| {
            filled.see(Cache::Deployments, event);
            match event {
                Ok(Event::Init) => own_writes.list_begins(),
                Ok(Event::InitDone) => own_writes.list_is_complete(),
                Ok(Event::Apply(deployment)) => own_writes.changed(deployment),
                Ok(Event::Delete(deployment)) => own_writes.ended(deployment),
                // The cache does not show what a list brings before the list is complete.
                Ok(Event::InitApply(_)) | Err(_) => {}
            }
        });
    let owner = |deployment: &Deployment| {
        let owner =
            deployment.owner_references().iter().find(|owner| owner.kind == "FlinkDeployment");
        // A Deployment that has a resource's name and no owner prevents its creation, which the resource has to report.
        owner.map_or_else(|| deployment.name_any(), |owner| owner.name.clone())
    };
    let wakes = changes(
        "Deployments",
        stream,
        |deployment| debug_hash(&observe_deployment(deployment, "")),
        owner,
    );
    (reader, wakes)
}

/// Watches the JobManagers' pods.
pub fn pods(
    client: &Client,
    scope: &Scope,
    filled: Filled,
) -> (PodIndex, impl Stream<Item = Wake> + Send + use<>) {
    let index = PodIndex::default();
    let shown = index.clone();
    let stream = cluster_objects::<Pod>(client, scope)
        .modify(|pod| {
            pod.metadata.managed_fields = None;
            pod.spec = None;
        })
        .inspect(move |event| {
            if let Ok(event) = event {
                shown.see(event);
            }
            filled.see(Cache::Pods, event);
        });
    let cluster = |pod: &Pod| pod.labels().get(names::labels::APP).cloned().unwrap_or_default();
    let wakes =
        changes("Pods", stream, |pod| debug_hash(&(observe_pod(pod), pod_address(pod))), cluster);
    (index, wakes)
}

/// The pod's address, once it has one.
pub fn pod_address(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref()
}

fn cluster_objects<K>(
    client: &Client,
    scope: &Scope,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
{
    let selector = format!(
        "{}={},{} in ({},{})",
        names::labels::COMPONENT,
        names::component::JOB_MANAGER,
        names::labels::TYPE,
        names::cluster_type::NATIVE,
        names::cluster_type::STANDALONE
    );
    watcher(scope.api::<K>(client), watcher::Config::default().labels(&selector)).default_backoff()
}

/// The resources that a change of an object concerns. A new version in which nothing that is read has changed starts no
/// pass. The end of an object always does, also if the watch was interrupted and a list lacks it.
fn changes<K: Resource>(
    what: &'static str,
    stream: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send,
    view: impl Fn(&K) -> u64 + Send,
    resource_name: impl Fn(&K) -> String + Send,
) -> impl Stream<Item = Wake> + Send {
    let mut known: HashMap<String, Known> = HashMap::new();
    let mut list = 0_u64;
    stream.flat_map(move |event| {
        let wakes = match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => {
                let wake = Wake::new(&resource_name(&object))
                    .within(object.meta().namespace.as_deref().unwrap_or_default());
                let now = Known { view: view(&object), wake: wake.clone(), list };
                let uid = object.meta().uid.clone().unwrap_or_default();
                let before = known.insert(uid, now).map(|before| before.view);
                if before == Some(view(&object)) { Vec::new() } else { vec![wake] }
            }
            Ok(Event::Delete(object)) => {
                known.remove(object.meta().uid.as_deref().unwrap_or_default());
                let wake = Wake::new(&resource_name(&object))
                    .within(object.meta().namespace.as_deref().unwrap_or_default());
                vec![wake]
            }
            Ok(Event::Init) => {
                list += 1;
                Vec::new()
            }
            Ok(Event::InitDone) => known
                .extract_if(|_, object| object.list < list)
                .map(|(_, gone)| gone.wake)
                .collect(),
            Err(error) => {
                tracing::warn!(
                    kind = what,
                    error = &error as &dyn std::error::Error,
                    "a watch failed; it is tried again"
                );
                Vec::new()
            }
        };
        futures::stream::iter(wakes)
    })
}

/// An object that the watch has shown.
struct Known {
    view: u64,
    wake: Wake,
    /// The last list before it was seen, by number.
    list: u64,
}

fn debug_hash(view: &impl Debug) -> u64 {
    hash(&format!("{view:?}"))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;

    #[test]
    fn resource_that_has_ended_is_told_of_once_also_if_a_list_lacks_it() {
        let object = |uid: &str| -> ConfigMap {
            serde_json::from_value(json!({"metadata": {"name": uid, "uid": uid}})).unwrap()
        };
        let gone = Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = Arc::clone(&gone);
        let mut see = ended(move |uid: &str| told.lock().unwrap().push(uid.to_owned()));
        for event in [
            Event::Init,
            Event::InitApply(object("a")),
            Event::InitApply(object("b")),
            Event::InitDone,
            Event::Apply(object("c")),
            Event::Delete(object("a")),
            Event::Init,
            Event::InitApply(object("c")),
            Event::InitDone,
        ] {
            see(&Ok(event));
        }
        assert_eq!(*gone.lock().unwrap(), ["a", "b"]);
    }

    /// The watch was interrupted when it was deleted. A resource whose job has ended is looked at only when something
    /// changes, and would be shown with a JobManager that is gone.
    #[tokio::test]
    async fn object_that_a_new_list_lacks_wakes_its_resource() {
        let object = |name: &str| -> ConfigMap {
            let metadata = json!({
                "name": name, "namespace": "n", "uid": name,
                "labels": {"app": format!("cluster-of-{name}")},
            });
            serde_json::from_value(json!({"metadata": metadata})).unwrap()
        };
        let events: Vec<Result<Event<ConfigMap>, watcher::Error>> = vec![
            Ok(Event::Init),
            Ok(Event::InitApply(object("a"))),
            Ok(Event::InitApply(object("b"))),
            Ok(Event::InitDone),
            Ok(Event::Init),
            Ok(Event::InitApply(object("a"))),
            Ok(Event::InitDone),
            Ok(Event::Delete(object("a"))),
        ];
        let cluster = |object: &ConfigMap| {
            object.labels().get(names::labels::APP).cloned().unwrap_or_default()
        };
        let wakes = changes("ConfigMaps", futures::stream::iter(events), |_| 1, cluster);
        let woken: Vec<String> = wakes.map(|wake| wake.name).collect().await;
        assert_eq!(woken, ["cluster-of-a", "cluster-of-b", "cluster-of-b", "cluster-of-a"]);
    }
}
