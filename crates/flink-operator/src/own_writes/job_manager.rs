//! The JobManagers' Deployments as this process wrote them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::apps::v1::Deployment;

use super::version;

/// The answers to the last writes of JobManagers' Deployments. An entry lives from a write until the watch has shown it.
#[derive(Debug, Default)]
pub struct JobManagerWrites {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By namespace and name of the Deployment.
    written: HashMap<(String, String), JobManagerWrite>,
    /// Writes that have not been answered yet, by namespace and name.
    under_way: HashMap<(String, String), UnderWay>,
    /// Counts the lists that the watch has begun.
    lists_begun: u64,
}

/// What the watch has shown while a write was under way: its answer may be older than that.
#[derive(Debug, Default)]
struct UnderWay {
    /// So many writes of one Deployment.
    writes: usize,
    /// Uids of those that have ended.
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

impl JobManagerWrites {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The maps are valid whatever a panicking holder was doing: each operation is one insert or remove.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that writes a Deployment is about to be sent. The returned value takes its answer.
    pub fn begin(&self, namespace: &str, name: &str) -> JobManagerRequest<'_> {
        let key = (namespace.to_owned(), name.to_owned());
        self.lock().under_way.entry(key.clone()).or_default().writes += 1;
        JobManagerRequest { writes: self, key }
    }

    /// The newer one of what the watch shows and what was written.
    pub fn newest(
        &self,
        namespace: &str,
        name: &str,
        cached: Option<Arc<Deployment>>,
    ) -> Option<Arc<Deployment>> {
        let inner = self.lock();
        let Some(own) = inner.written.get(&(namespace.to_owned(), name.to_owned())) else {
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

    /// The watch has shown a version of a Deployment.
    pub fn changed(&self, deployment: &Deployment) {
        let Some(key) = key(deployment) else { return };
        let mut inner = self.lock();
        let is_passed = inner.written.get(&key).is_some_and(|own| match &own.written {
            Written::Object(object) => version(deployment) >= version(object.as_ref()),
            Written::Gone => deployment.metadata.uid.as_deref() != Some(own.uid.as_str()),
        });
        if is_passed {
            inner.written.remove(&key);
        }
    }

    /// The watch has shown the end of a Deployment.
    pub fn ended(&self, deployment: &Deployment) {
        let Some(key) = key(deployment) else { return };
        let mut inner = self.lock();
        if let Some(under_way) = inner.under_way.get_mut(&key)
            && let Some(uid) = deployment.metadata.uid.clone()
        {
            under_way.ended.push(uid);
        }
        let is_passed = inner.written.get(&key).is_some_and(|own| match &own.written {
            Written::Object(object) => deployment.metadata.uid == object.metadata.uid,
            Written::Gone => true,
        });
        if is_passed {
            inner.written.remove(&key);
        }
    }

    /// The watch begins to list everything again.
    pub fn list_begins(&self) {
        self.lock().lists_begun += 1;
    }

    /// The list is complete: whatever was written before it began is in it, or was deleted since.
    pub fn list_is_complete(&self) {
        let mut inner = self.lock();
        let begun = inner.lists_begun;
        inner.written.retain(|_, own| own.list >= begun);
        for under_way in inner.under_way.values_mut() {
            under_way.listed = true;
        }
    }
}

/// A write of a Deployment that is under way.
///
/// Its answer can arrive long after the watch has shown its effect. Such an answer is not kept: no later event would
/// remove it, and a Deployment that is long gone would be taken for one that stands.
#[derive(Debug)]
pub struct JobManagerRequest<'a> {
    writes: &'a JobManagerWrites,
    key: (String, String),
}

impl JobManagerRequest<'_> {
    /// Keeps the Deployment as the API server answered it, after its creation or the start of its deletion.
    pub fn answered(self, deployment: Deployment) {
        if let Some(uid) = deployment.metadata.uid.clone() {
            self.keep(Written::Object(Arc::new(deployment)), uid);
        }
    }

    /// Notes that the Deployment with this uid is gone.
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
            inner.written.insert(self.key.clone(), JobManagerWrite { written, uid, list });
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

    fn seen(writes: &JobManagerWrites, cached: Option<Deployment>) -> Option<(String, u64)> {
        let found = writes.newest("n", "a", cached.map(Arc::new))?;
        Some((found.metadata.uid.clone()?, version(found.as_ref())))
    }

    #[test]
    fn created_deployment_is_seen_before_the_watch_shows_it() {
        let writes = JobManagerWrites::default();
        assert_eq!(seen(&writes, None), None);
        writes.begin("n", "a").answered(deployment("u", 7));
        assert_eq!(seen(&writes, None), Some(("u".to_owned(), 7)));
        assert_eq!(seen(&writes, Some(deployment("u", 9))), Some(("u".to_owned(), 9)));
    }

    #[test]
    fn deployment_that_came_and_went_on_the_watch_does_not_stay_as_a_ghost() {
        let writes = JobManagerWrites::default();
        writes.begin("n", "a").answered(deployment("u", 7));
        writes.ended(&deployment("u", 8));
        assert_eq!(seen(&writes, None), None);
    }

    #[test]
    fn answer_that_arrives_after_the_end_on_the_watch_is_no_ghost_either() {
        for through_a_list in [false, true] {
            let writes = JobManagerWrites::default();
            let request = writes.begin("n", "a");
            if through_a_list {
                writes.list_begins();
                writes.list_is_complete();
            } else {
                writes.ended(&deployment("u", 8));
            }
            request.answered(deployment("u", 7));
            assert_eq!(seen(&writes, None), None, "through a list: {through_a_list}");
            assert!(writes.lock().under_way.is_empty());
        }
    }

    #[test]
    fn deployment_that_a_new_list_lacks_is_gone() {
        let writes = JobManagerWrites::default();
        writes.begin("n", "a").answered(deployment("u", 7));
        writes.list_begins();
        assert_eq!(seen(&writes, None), Some(("u".to_owned(), 7)), "the list is not complete");
        writes.list_is_complete();
        assert_eq!(seen(&writes, None), None);
    }

    #[test]
    fn write_during_a_list_outlives_it() {
        let writes = JobManagerWrites::default();
        writes.list_begins();
        writes.begin("n", "a").answered(deployment("u", 7));
        writes.list_is_complete();
        assert_eq!(seen(&writes, None), Some(("u".to_owned(), 7)));
    }

    #[test]
    fn deleted_deployment_hides_the_cached_one_but_not_its_successor() {
        let writes = JobManagerWrites::default();
        writes.begin("n", "a").gone("old");
        assert_eq!(seen(&writes, Some(deployment("old", 5))), None);
        assert_eq!(seen(&writes, Some(deployment("new", 6))), Some(("new".to_owned(), 6)));
        writes.ended(&deployment("old", 5));
        assert_eq!(seen(&writes, Some(deployment("old", 5))), Some(("old".to_owned(), 5)));
    }
}
