//! What is done with a cluster's objects: they are created, the JobManager is stopped or deleted, high availability data
//! are deleted.

use flink_operator_api::FlinkDeployment;
use flink_operator_core::build::native::ClusterObjects;
use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;

use super::create;
use super::error::ExecuteError;
use super::resource::confirm;
use crate::ha_data;
use crate::own_writes::{JobManagerRequest, JobManagerWrites};

/// Creates what is missing. With `existing`, the Deployment with that uid stands already.
pub(super) async fn create(
    client: &Client,
    writes: &JobManagerWrites,
    resource: &FlinkDeployment,
    objects: ClusterObjects,
    existing: Option<&str>,
) -> Result<(), ExecuteError> {
    let uid = resource.meta().uid.clone().unwrap_or_default();
    let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
    let request = writes.begin(&namespace, &name);
    let created = create::cluster(client, resource, objects, existing, &uid).await;
    let (deployment, result) = match created {
        Ok(deployment) => (deployment, Ok(())),
        Err((deployment, error)) => (deployment, Err(error.into())),
    };
    if let Some(deployment) = deployment {
        request.answered(deployment);
    }
    result
}

pub(super) async fn stop_job_manager(
    client: &Client,
    writes: &JobManagerWrites,
    resource: &FlinkDeployment,
    uid: &str,
) -> Result<(), ExecuteError> {
    let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
    let api: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    let patch = Patch::Merge(json!({"metadata": {"uid": uid}, "spec": {"replicas": 0}}));
    let request = writes.begin(&namespace, &name);
    let answer = api.patch(&name, &PatchParams::default(), &patch).await.map(Some);
    keep_answer(request, answer, uid, &name, "scale the JobManager's Deployment to zero")
}

pub(super) async fn delete_job_manager(
    client: &Client,
    writes: &JobManagerWrites,
    resource: &FlinkDeployment,
    uid: &str,
) -> Result<(), ExecuteError> {
    let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
    let api: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    let request = writes.begin(&namespace, &name);
    let answer = match api.delete(&name, &params).await {
        Ok(answer) => Ok(answer.left()),
        Err(error) => Err(error),
    };
    keep_answer(request, answer, uid, &name, "delete the JobManager's Deployment")
}

pub(super) async fn delete_ha_data(
    client: &Client,
    resource: &FlinkDeployment,
) -> Result<(), ExecuteError> {
    let api = config_maps_of(client, resource);
    let found = ha_data::config_maps(&api, &resource.name_any()).await.map_err(|source| {
        ExecuteError::Kube { doing: "list high availability ConfigMaps", source }
    })?;
    if found.is_empty() {
        return Ok(());
    }
    // After the list: what is in it was there while the status was the newest.
    confirm(client, resource).await?;
    try_join_all(found.into_iter().map(|config_map| {
        let api = api.clone();
        async move {
            let params = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: config_map.meta().uid.clone(),
                    resource_version: config_map.meta().resource_version.clone(),
                }),
                ..DeleteParams::default()
            };
            match api.delete(&config_map.name_any(), &params).await {
                Ok(_) => Ok(()),
                Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
                Err(source) => Err(ExecuteError::Kube {
                    doing: "delete a high availability ConfigMap",
                    source,
                }),
            }
        }
    }))
    .await
    .map(drop)
}

pub(super) async fn forget_job_graphs(
    client: &Client,
    resource: &FlinkDeployment,
) -> Result<(), ExecuteError> {
    let api = config_maps_of(client, resource);
    let found = ha_data::config_maps(&api, &resource.name_any()).await.map_err(|source| {
        ExecuteError::Kube { doing: "list high availability ConfigMaps", source }
    })?;
    let graphs = |config_map: &ConfigMap| -> serde_json::Map<String, serde_json::Value> {
        let keys = config_map.data.iter().flatten().map(|(key, _)| key);
        keys.filter(|key| ha_data::is_job_graph(key))
            .map(|key| (key.clone(), serde_json::Value::Null))
            .collect()
    };
    if found.iter().any(|config_map| !graphs(config_map).is_empty()) {
        confirm(client, resource).await?;
    }
    for config_map in found {
        let graphs = graphs(&config_map);
        if graphs.is_empty() {
            continue;
        }
        // Under the version that was listed: a JobManager of a later cluster keeps its jobs in the same ConfigMap.
        let metadata = json!({
            "uid": config_map.meta().uid,
            "resourceVersion": config_map.meta().resource_version,
        });
        let patch = json!({"metadata": metadata, "data": graphs});
        match api.patch(&config_map.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await
        {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {
                return Err(ExecuteError::Conflict {
                    what: format!("the ConfigMap {}", config_map.name_any()),
                });
            }
            Err(source) => {
                return Err(ExecuteError::Kube {
                    doing: "take a job graph out of high availability data",
                    source,
                });
            }
        }
    }
    Ok(())
}

fn config_maps_of(client: &Client, resource: &FlinkDeployment) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), &resource.namespace().unwrap_or_default())
}

/// Keeps the answer to a request about the Deployment with this uid. If it is gone, nothing is left to do.
fn keep_answer(
    request: JobManagerRequest<'_>,
    answer: kube::Result<Option<Deployment>>,
    uid: &str,
    name: &str,
    doing: &'static str,
) -> Result<(), ExecuteError> {
    match answer {
        Ok(Some(deployment)) => request.answered(deployment),
        Ok(None) => request.gone(uid),
        Err(kube::Error::Api(status)) if status.code == 404 => request.gone(uid),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            return Err(ExecuteError::Conflict { what: format!("the Deployment {name}") });
        }
        Err(source) => return Err(ExecuteError::Kube { doing, source }),
    }
    Ok(())
}
