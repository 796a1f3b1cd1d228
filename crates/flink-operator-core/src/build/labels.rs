//! The labels by which Flink, the operator and users select the objects of a cluster.

use std::collections::BTreeMap;

/// Labels of one cluster. Flink defines the keys and values: a JobManager selects its TaskManagers by
/// them, and the operator selects the ConfigMaps with high availability data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labels {
    cluster_id: String,
    cluster_type: &'static str,
}

impl Labels {
    /// `cluster_type` is the value of the label `type`, such as `flink-native-kubernetes`.
    pub(super) fn new(cluster_id: &str, cluster_type: &'static str) -> Self {
        Self { cluster_id: cluster_id.to_owned(), cluster_type }
    }

    /// The labels of Services and ConfigMaps.
    pub(super) fn common(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("app".to_owned(), self.cluster_id.clone()),
            ("type".to_owned(), self.cluster_type.to_owned()),
        ])
    }

    /// The labels that select the pods of the JobManager.
    pub(super) fn job_manager(&self) -> BTreeMap<String, String> {
        let mut labels = self.common();
        labels.insert("component".to_owned(), "jobmanager".to_owned());
        labels
    }
}
