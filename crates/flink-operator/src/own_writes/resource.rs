//! The resources as this process wrote them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Resource;

use super::version;

/// The answers to the last writes of the resources of one kind, by uid. An entry lives from a write until the watch has
/// shown it.
#[derive(Debug)]
pub struct ResourceWrites<K> {
    written: Mutex<HashMap<String, Arc<K>>>,
}

impl<K> Default for ResourceWrites<K> {
    fn default() -> Self {
        Self { written: Mutex::default() }
    }
}

/// Whether the watch has shown this process's last write of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    IsCurrent,
    IsBehind,
}

impl<K: Resource> ResourceWrites<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<K>>> {
        // The map is valid whatever a panicking holder was doing: each operation is one insert or remove.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the answer to a write of a resource.
    pub fn written(&self, resource: Arc<K>) {
        if let Some(uid) = resource.meta().uid.clone() {
            self.lock().insert(uid, resource);
        }
    }

    /// The newer one of what the watch shows and what was written.
    pub fn newest(&self, cached: Arc<K>) -> (Arc<K>, Watch) {
        let Some(uid) = cached.meta().uid.as_deref() else { return (cached, Watch::IsCurrent) };
        let mut written = self.lock();
        let Some(own) = written.get(uid) else { return (cached, Watch::IsCurrent) };
        if version(own.as_ref()) > version(cached.as_ref()) {
            return (Arc::clone(own), Watch::IsBehind);
        }
        written.remove(uid);
        (cached, Watch::IsCurrent)
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use flink_operator_api::FlinkDeployment;
    use serde_json::json;

    use super::*;

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
        let writes = ResourceWrites::default();
        writes.written(resource(10));
        let (newest, watch) = writes.newest(resource(9));
        assert_eq!(newest.metadata.resource_version.as_deref(), Some("10"));
        assert_eq!(watch, Watch::IsBehind);
        assert_eq!(writes.newest(resource(11)).1, Watch::IsCurrent);
        let (newest, _) = writes.newest(resource(9));
        assert_eq!(newest.metadata.resource_version.as_deref(), Some("9"));
    }
}
