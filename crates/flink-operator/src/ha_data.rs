//! Flink's high availability data: the ConfigMaps of a cluster in which its JobManagers keep what they know of its jobs.

use flink_operator_api::names;
use flink_operator_core::observed::HaData;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};

/// Lists the ConfigMaps. Objects that belong to the Deployment carry the same labels and have an owner; Flink's have none,
/// because they must outlive it.
///
/// # Errors
///
/// The list failed.
pub async fn config_maps(
    api: &Api<ConfigMap>,
    cluster_id: &str,
) -> Result<Vec<ConfigMap>, kube::Error> {
    let selector = format!(
        "{}={},{}={cluster_id},{}!={}",
        names::labels::TYPE,
        names::cluster_type::NATIVE,
        names::labels::APP,
        names::labels::COMPONENT,
        names::component::AUTOSCALER
    );
    let listed = api.list(&ListParams::default().labels(&selector)).await?;
    Ok(listed
        .items
        .into_iter()
        .filter(|config_map| config_map.owner_references().is_empty())
        .collect())
}

/// Reads what a cluster has kept.
///
/// # Errors
///
/// The list failed, so that nothing is known.
pub async fn observe(
    client: &Client,
    namespace: &str,
    cluster_id: &str,
) -> Result<HaData, kube::Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut data = HaData::default();
    for config_map in config_maps(&api, cluster_id).await? {
        let name = config_map.name_any();
        let keys = || config_map.data.iter().flatten().map(|(key, _)| key.as_str());
        let of_job = (name.ends_with("-config-map") && !name.ends_with("-cluster-config-map"))
            || name.ends_with("-jobmanager-leader");
        if of_job && config_map.meta().deletion_timestamp.is_none() {
            data.job_metadata = true;
            let newest = keys().filter_map(checkpoint_number).max();
            data.has_checkpoint |= newest.is_some();
            data.newest_checkpoint = data.newest_checkpoint.max(newest);
        }
        data.has_job_graph |= keys().any(is_job_graph);
        data.config_maps.push(name);
    }
    Ok(data)
}

/// The number in a key such as `checkpointID-0000000000000000042`; 0 if there is none, as the key still stands for a
/// checkpoint.
fn checkpoint_number(key: &str) -> Option<i64> {
    key.strip_prefix("checkpointID-").map(|digits| digits.parse().unwrap_or(0))
}

pub fn is_job_graph(key: &str) -> bool {
    key.starts_with("jobGraph-") || key.starts_with("executionPlan-")
}
