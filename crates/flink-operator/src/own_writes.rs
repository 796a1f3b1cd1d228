//! Reading one's own writes: a pass never decides on a view that is older than what this process wrote itself.
//!
//! A watch shows a write some milliseconds after its answer. Until then the answer itself is the newest view, and it is
//! kept here. Resource versions are compared as numbers, as KEP-5504 allows for every built-in and custom resource.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flink_operator_api::FlinkDeployment;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Resource;

/// What this process last wrote of each resource and its Deployment. Entries live from a write until the watch has
/// shown it.
#[derive(Debug, Default)]
pub struct OwnWrites {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By uid of the FlinkDeployment.
    resources: HashMap<String, Arc<FlinkDeployment>>,
    /// By namespace and name of the Deployment.
    job_managers: HashMap<(String, String), JobManagerWrite>,
    /// Writes of Deployments that have not been answered yet, by namespace and name.
    under_way: HashMap<(String, String), UnderWay>,
    /// Counts the lists that the watch of Deployments has begun.
    lists_begun: u64,
}

/// What the watch has shown while a write was under way: its answer may be older than that.
#[derive(Debug, Default)]
struct UnderWay {
    /// So many writes of one Deployment.
    writes: usize,
    /// Uids of those that came to their end.
    ended: Vec<String>,
    /// Everything was listed anew.
    listed: bool,
}

#[derive(Debug)]
struct JobManagerWrite {
    written: Written,
    uid: String,
    /// `lists_begun` when it was written: a list that began later contains it.
    list: u64,
}

#[derive(Debug)]
enum Written {
    Object(Arc<Deployment>),
    /// Deleted at once, with nothing left to wait for.
    Gone,
}

impl OwnWrites {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The maps are valid whatever a panicking holder was doing: each operation is one insert or remove.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the answer to a write of a resource.
    pub fn resource_written(&self, resource: Arc<FlinkDeployment>) {
        if let Some(uid) = resource.meta().uid.clone() {
            self.lock().resources.insert(uid, resource);
        }
    }

    /// The newer one of what the watch shows and what was written. The flag says that the watch is behind.
    pub fn freshest(&self, cached: Arc<FlinkDeployment>) -> (Arc<FlinkDeployment>, bool) {
        let Some(uid) = cached.meta().uid.as_deref() else { return (cached, false) };
        let mut inner = self.lock();
        let Some(own) = inner.resources.get(uid) else { return (cached, false) };
        if version(own.as_ref()) > version(cached.as_ref()) {
            return (Arc::clone(own), true);
        }
        inner.resources.remove(uid);
        (cached, false)
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().resources.remove(uid);
    }

    /// A request that writes a Deployment is about to be sent. What comes of it is told to the returned value.
    pub fn job_manager_write(&self, namespace: &str, name: &str) -> JobManagerRequest<'_> {
        let key = (namespace.to_owned(), name.to_owned());
        self.lock().under_way.entry(key.clone()).or_default().writes += 1;
        JobManagerRequest { writes: self, key }
    }

    /// What stands in the API server as far as this process knows: the watch's view, or its own newer write.
    pub fn job_manager(
        &self,
        namespace: &str,
        name: &str,
        cached: Option<Arc<Deployment>>,
    ) -> Option<Arc<Deployment>> {
        let inner = self.lock();
        let Some(own) = inner.job_managers.get(&(namespace.to_owned(), name.to_owned())) else {
            return cached;
        };
        match (&own.written, &cached) {
            (Written::Object(object), Some(cached)) => {
                if version(object.as_ref()) > version(cached.as_ref()) {
                    Some(Arc::clone(object))
                } else {
                    Some(Arc::clone(cached))
                }
            }
            (Written::Object(object), None) => Some(Arc::clone(object)),
            (Written::Gone, Some(cached))
                if cached.metadata.uid.as_deref() == Some(own.uid.as_str()) =>
            {
                None
            }
            (Written::Gone, _) => cached,
        }
    }

    /// The watch has shown a version of a Deployment, or its end.
    pub fn job_manager_seen(&self, deployment: &Deployment, deleted: bool) {
        let Some(key) = key(deployment) else { return };
        let mut inner = self.lock();
        if deleted
            && let Some(under_way) = inner.under_way.get_mut(&key)
            && let Some(uid) = deployment.metadata.uid.clone()
        {
            under_way.ended.push(uid);
        }
        let Some(own) = inner.job_managers.get(&key) else { return };
        let passed = match &own.written {
            Written::Object(object) if deleted => deployment.metadata.uid == object.metadata.uid,
            Written::Object(object) => version(deployment) >= version(object.as_ref()),
            Written::Gone => {
                deleted || deployment.metadata.uid.as_deref() != Some(own.uid.as_str())
            }
        };
        if passed {
            inner.job_managers.remove(&key);
        }
    }

    /// The watch of Deployments begins to list everything again.
    pub fn job_managers_list_begins(&self) {
        self.lock().lists_begun += 1;
    }

    /// The list is complete: whatever was written before it began is in it, or was deleted since.
    pub fn job_managers_listed(&self) {
        let mut inner = self.lock();
        let begun = inner.lists_begun;
        inner.job_managers.retain(|_, own| own.list >= begun);
        for under_way in inner.under_way.values_mut() {
            under_way.listed = true;
        }
    }
}

/// A write of a Deployment that is under way.
///
/// Its answer can arrive long after the watch has shown what came of it. Such an answer is not kept: nothing would ever
/// show that it is over, and a Deployment that is long gone would stay for ever.
#[derive(Debug)]
pub struct JobManagerRequest<'a> {
    writes: &'a OwnWrites,
    key: (String, String),
}

impl JobManagerRequest<'_> {
    /// Remembers the Deployment as the API server answered it, after its creation or the start of its deletion.
    pub fn answered(self, deployment: Deployment) {
        if let Some(uid) = deployment.metadata.uid.clone() {
            self.keep(Written::Object(Arc::new(deployment)), uid);
        }
    }

    /// Remembers that the Deployment with this uid is gone.
    pub fn gone(self, uid: &str) {
        self.keep(Written::Gone, uid.to_owned());
    }

    fn keep(self, written: Written, uid: String) {
        let mut inner = self.writes.lock();
        let list = inner.lists_begun;
        let is_over = inner
            .under_way
            .get(&self.key)
            .is_some_and(|seen| seen.listed || seen.ended.contains(&uid));
        if !is_over {
            inner.job_managers.insert(self.key.clone(), JobManagerWrite { written, uid, list });
        }
    }
}

impl Drop for JobManagerRequest<'_> {
    fn drop(&mut self) {
        let mut inner = self.writes.lock();
        if let Some(under_way) = inner.under_way.get_mut(&self.key) {
            under_way.writes = under_way.writes.saturating_sub(1);
            if under_way.writes == 0 {
                inner.under_way.remove(&self.key);
            }
        }
    }
}

fn key(deployment: &Deployment) -> Option<(String, String)> {
    Some((deployment.metadata.namespace.clone()?, deployment.metadata.name.clone()?))
}

/// The resource version as a number; 0 when there is none, so that what was written counts as newer.
fn version<K: Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(uid: &str, version: u64) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"namespace": "n", "name": "a", "uid": uid, "resourceVersion": version.to_string()}
        }))
        .unwrap()
    }

    fn seen(writes: &OwnWrites, cached: Option<Deployment>) -> Option<(String, u64)> {
        let found = writes.job_manager("n", "a", cached.map(Arc::new))?;
        Some((found.metadata.uid.clone()?, version(found.as_ref())))
    }

    #[test]
    fn created_deployment_is_seen_before_the_watch_shows_it() {
        let writes = OwnWrites::default();
        assert_eq!(seen(&writes, None), None);
        writes.job_manager_write("n", "a").answered(deployment("u", 7));
        assert_eq!(seen(&writes, None), Some(("u".to_owned(), 7)));
        assert_eq!(seen(&writes, Some(deployment("u", 9))), Some(("u".to_owned(), 9)));
    }

    #[test]
    fn deployment_that_came_and_went_on_the_watch_does_not_stay_as_a_ghost() {
        let writes = OwnWrites::default();
        writes.job_manager_write("n", "a").answered(deployment("u", 7));
        writes.job_manager_seen(&deployment("u", 8), true);
        assert_eq!(seen(&writes, None), None);
    }

    #[test]
    fn answer_that_arrives_after_the_end_on_the_watch_is_no_ghost_either() {
        for through_a_list in [false, true] {
            let writes = OwnWrites::default();
            let request = writes.job_manager_write("n", "a");
            if through_a_list {
                writes.job_managers_list_begins();
                writes.job_managers_listed();
            } else {
                writes.job_manager_seen(&deployment("u", 8), true);
            }
            request.answered(deployment("u", 7));
            assert_eq!(seen(&writes, None), None, "through a list: {through_a_list}");
            assert!(writes.lock().under_way.is_empty());
        }
    }

    #[test]
    fn deployment_that_a_new_list_lacks_is_gone() {
        let writes = OwnWrites::default();
        writes.job_manager_write("n", "a").answered(deployment("u", 7));
        writes.job_managers_list_begins();
        assert_eq!(seen(&writes, None), Some(("u".to_owned(), 7)), "the list is not complete");
        writes.job_managers_listed();
        assert_eq!(seen(&writes, None), None);
    }

    #[test]
    fn write_during_a_list_outlives_it() {
        let writes = OwnWrites::default();
        writes.job_managers_list_begins();
        writes.job_manager_write("n", "a").answered(deployment("u", 7));
        writes.job_managers_listed();
        assert_eq!(seen(&writes, None), Some(("u".to_owned(), 7)));
    }

    #[test]
    fn deleted_deployment_hides_the_cached_one_but_not_its_successor() {
        let writes = OwnWrites::default();
        writes.job_manager_write("n", "a").gone("old");
        assert_eq!(seen(&writes, Some(deployment("old", 5))), None);
        assert_eq!(seen(&writes, Some(deployment("new", 6))), Some(("new".to_owned(), 6)));
        writes.job_manager_seen(&deployment("old", 5), true);
        assert_eq!(seen(&writes, Some(deployment("old", 5))), Some(("old".to_owned(), 5)));
    }

    #[test]
    fn own_write_of_a_resource_counts_until_the_watch_has_caught_up() {
        let resource = |version: u64| -> Arc<FlinkDeployment> {
            Arc::new(
                serde_json::from_value(json!({
                    "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
                    "metadata": {"namespace": "n", "name": "a", "uid": "u", "resourceVersion": version.to_string()},
                    "spec": {}
                }))
                .unwrap(),
            )
        };
        let writes = OwnWrites::default();
        writes.resource_written(resource(10));
        assert_eq!(writes.freshest(resource(9)).0.metadata.resource_version.as_deref(), Some("10"));
        assert!(writes.freshest(resource(9)).1);
        assert!(!writes.freshest(resource(11)).1);
        assert_eq!(writes.freshest(resource(9)).0.metadata.resource_version.as_deref(), Some("9"));
    }
}
