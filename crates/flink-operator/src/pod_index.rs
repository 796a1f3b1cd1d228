//! The pods of each cluster, as the watch shows them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use flink_operator_api::names::labels;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

/// Namespace and cluster id.
type Cluster = (String, String);

/// Pods by cluster: a pass reads those of its own, however many there are. Clones share the content.
#[derive(Clone, Debug, Default)]
pub struct PodIndex {
    content: Arc<RwLock<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    shown: Pods,
    /// What a list has brought so far. It is shown when the list is complete.
    listed: Pods,
}

#[derive(Debug, Default)]
struct Pods {
    /// By name, so that they always come in the same order.
    by_cluster: HashMap<Cluster, BTreeMap<String, Arc<Pod>>>,
    /// The cluster of each pod by namespace and name. Somebody may change the label that says it.
    clusters: HashMap<(String, String), Cluster>,
}

impl PodIndex {
    /// The pods of one cluster.
    pub fn of_cluster(&self, namespace: &str, cluster_id: &str) -> Vec<Arc<Pod>> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        let cluster = (namespace.to_owned(), cluster_id.to_owned());
        content
            .shown
            .by_cluster
            .get(&cluster)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    /// Takes up what the watch shows.
    pub fn see(&self, event: &Event<Pod>) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => content.listed = Pods::default(),
            Event::InitApply(pod) => content.listed.insert(pod),
            Event::InitDone => content.shown = std::mem::take(&mut content.listed),
            Event::Apply(pod) => content.shown.insert(pod),
            Event::Delete(pod) => content.shown.remove(pod),
        }
    }
}

fn cluster_of(pod: &Pod) -> Cluster {
    let cluster_id = pod.labels().get(labels::APP).cloned().unwrap_or_default();
    (pod.namespace().unwrap_or_default(), cluster_id)
}

impl Pods {
    fn insert(&mut self, pod: &Pod) {
        self.remove(pod);
        let cluster = cluster_of(pod);
        self.clusters.insert(key_of(pod), cluster.clone());
        let of_cluster = self.by_cluster.entry(cluster).or_default();
        of_cluster.insert(pod.name_any(), Arc::new(pod.clone()));
    }

    fn remove(&mut self, pod: &Pod) {
        let Some(cluster) = self.clusters.remove(&key_of(pod)) else { return };
        if let Some(of_cluster) = self.by_cluster.get_mut(&cluster) {
            of_cluster.remove(&pod.name_any());
            if of_cluster.is_empty() {
                self.by_cluster.remove(&cluster);
            }
        }
    }
}

fn key_of(pod: &Pod) -> (String, String) {
    (pod.namespace().unwrap_or_default(), pod.name_any())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(namespace: &str, name: &str, cluster: &str) -> Pod {
        let metadata = json!({"namespace": namespace, "name": name, "labels": {"app": cluster}});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    fn names(index: &PodIndex, namespace: &str, cluster: &str) -> Vec<String> {
        index.of_cluster(namespace, cluster).iter().map(|pod| pod.name_any()).collect()
    }

    #[test]
    fn pods_of_a_cluster_follow_the_watch() {
        let index = PodIndex::default();
        index.see(&Event::Init);
        index.see(&Event::InitApply(pod("n", "b", "one")));
        index.see(&Event::InitApply(pod("n", "a", "one")));
        index.see(&Event::InitApply(pod("m", "a", "one")));
        assert!(names(&index, "n", "one").is_empty(), "the list is not complete");
        index.see(&Event::InitDone);
        assert_eq!(names(&index, "n", "one"), ["a", "b"]);
        assert_eq!(names(&index, "m", "one"), ["a"]);
        index.see(&Event::Apply(pod("n", "c", "two")));
        index.see(&Event::Delete(pod("n", "a", "one")));
        assert_eq!(names(&index, "n", "one"), ["b"]);
        assert_eq!(names(&index, "n", "two"), ["c"]);
        // What a new list lacks is gone.
        for event in [Event::Init, Event::InitApply(pod("n", "c", "two")), Event::InitDone] {
            index.see(&event);
        }
        assert!(names(&index, "n", "one").is_empty());
        assert_eq!(names(&index, "n", "two"), ["c"]);
    }

    #[test]
    fn pod_whose_label_is_changed_leaves_its_cluster() {
        let index = PodIndex::default();
        index.see(&Event::Apply(pod("n", "a", "one")));
        index.see(&Event::Apply(pod("n", "a", "debug")));
        assert!(names(&index, "n", "one").is_empty());
        assert_eq!(names(&index, "n", "debug"), ["a"]);
        index.see(&Event::Delete(pod("n", "a", "other")));
        assert!(names(&index, "n", "debug").is_empty());
    }
}
