//! Carrying out a decision: its actions in order, up to the first that fails.

use std::sync::Arc;
use std::time::Duration;

use flink_operator_api::{FlinkDeployment, names};
use flink_operator_core::observed::HaData;
use flink_operator_core::reconcile::decision::{Action, Event};
use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;

use crate::create::{self, CreateError};
use crate::events::Events;
use crate::own_writes::{JobManagerRequest, OwnWrites};
use crate::rest::{AskError, Cluster};
use crate::status;

/// What is told is told soon, or not at all: nobody's job waits for an event.
const EVENT: Duration = Duration::from_secs(5);

/// What carries out the actions on one resource.
pub struct Executor<'a> {
    pub client: &'a Client,
    pub own_writes: &'a OwnWrites,
    pub events: &'a Events,
    /// The cluster's REST API, for what Flink itself has to do.
    pub cluster: &'a Cluster,
}

/// Why an action was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// What the decision was made on has changed. The pass is dropped, and the world is looked at again.
    #[error("the view of {what} was old")]
    Conflict { what: String },
    /// The API server refuses an object of the cluster: a quota, an admission plugin, a missing permission.
    #[error("{what} was refused: {message}")]
    Refused { what: String, reason: String, message: String },
    /// An object of the previous cluster, or of somebody else, has the name of one of ours.
    #[error("{what} exists and belongs to {owner}")]
    Occupied { what: String, owner: String },
    /// The running job does not take its new parallelism.
    #[error("failed to rescale the running job")]
    NotRescaled {
        #[source]
        source: AskError,
    },
    /// Flink did not take a request that what follows depends on.
    #[error("failed to {doing}")]
    Flink {
        doing: &'static str,
        #[source]
        source: AskError,
    },
    #[error("failed to {doing}")]
    Kube {
        doing: &'static str,
        #[source]
        source: kube::Error,
    },
}

/// What a pass has after its actions.
#[derive(Debug)]
pub struct Executed {
    /// The resource as the last write of it was answered; `None` once our finalizer is gone.
    pub resource: Arc<FlinkDeployment>,
    /// Something was sent that changes the world.
    pub acted: bool,
    /// The status was written since the view was taken: nobody else has gone on from it.
    is_newest: bool,
}

impl Executor<'_> {
    /// Carries out `actions` on `resource`.
    ///
    /// # Errors
    ///
    /// The first action that was not carried out. Those before it were, and what they wrote of the resource is returned
    /// beside the error.
    pub async fn execute(
        &self,
        resource: Arc<FlinkDeployment>,
        actions: Vec<Action>,
    ) -> (Executed, Result<(), ExecuteError>) {
        let mut executed = Executed { resource, acted: false, is_newest: false };
        for action in actions {
            executed.acted = true;
            if let Err(error) = self.act(&mut executed, action).await {
                return (executed, Err(error));
            }
        }
        (executed, Ok(()))
    }

    async fn act(&self, executed: &mut Executed, action: Action) -> Result<(), ExecuteError> {
        let resource = Arc::clone(&executed.resource);
        match action {
            Action::AddFinalizer => {
                executed.resource = self
                    .change_finalizers(&resource, "add the finalizer", |finalizers| {
                        finalizers.push(names::finalizers::FLINK_DEPLOYMENT.to_owned());
                    })
                    .await?;
                Ok(())
            }
            Action::RemoveFinalizer => {
                executed.resource = self
                    .change_finalizers(&resource, "remove the finalizer", |finalizers| {
                        finalizers
                            .retain(|finalizer| finalizer != names::finalizers::FLINK_DEPLOYMENT);
                    })
                    .await?;
                Ok(())
            }
            Action::Record(next) => {
                match status::write(&self.resources(&resource), &resource, &next).await {
                    Ok(Some(written)) => {
                        executed.resource = Arc::new(written);
                        executed.is_newest = true;
                        self.own_writes.resource_written(Arc::clone(&executed.resource));
                        Ok(())
                    }
                    Ok(None) => Ok(()),
                    Err(error) => Err(resource_error("write the status", error)),
                }
            }
            Action::CreateCluster { objects, existing } => {
                let uid = resource.meta().uid.clone().unwrap_or_default();
                let (namespace, name) =
                    (resource.namespace().unwrap_or_default(), resource.name_any());
                let request = self.own_writes.job_manager_write(&namespace, &name);
                let created =
                    create::cluster(self.client, &resource, *objects, existing.as_deref(), &uid)
                        .await;
                let (deployment, result) = match created {
                    Ok(deployment) => (deployment, Ok(())),
                    Err((deployment, error)) => (deployment, Err(error.into())),
                };
                if let Some(deployment) = deployment {
                    request.answered(deployment);
                }
                result
            }
            Action::CancelJob { job_id } => {
                // Whatever comes of it is seen by the next look at the job; deletion has its own deadline.
                logged("cancel the job", self.cluster.cancel(&job_id).await);
                Ok(())
            }
            Action::StopWithSavepoint { job_id, savepoint, drain } => {
                // What became of it, the next look at the operation tells; it is recorded.
                logged("stop the job", self.cluster.stop(&job_id, &savepoint, drain).await);
                Ok(())
            }
            Action::TriggerSavepoint { job_id, savepoint } => {
                logged(
                    "take a savepoint",
                    self.cluster.trigger_savepoint(&job_id, &savepoint).await,
                );
                Ok(())
            }
            Action::TriggerCheckpoint { job_id, trigger_id, kind } => {
                logged(
                    "take a checkpoint",
                    self.cluster.trigger_checkpoint(&job_id, &trigger_id, kind).await,
                );
                Ok(())
            }
            Action::Rescale { job_id, bounds } => {
                self.cluster.rescale(&job_id, &bounds).await.map_err(|source| {
                    if source.is_refusal() {
                        ExecuteError::NotRescaled { source }
                    } else {
                        // What the job has by now, the next pass asks.
                        ExecuteError::Flink { doing: "rescale the running job", source }
                    }
                })
            }
            Action::DisposeSavepoint { path } => self
                .cluster
                .dispose(&path)
                .await
                .map_err(|source| ExecuteError::Flink { doing: "dispose of a savepoint", source }),
            Action::StopJobManager { uid } => {
                if !executed.is_newest {
                    self.confirm(&resource).await?;
                }
                self.stop_job_manager(&resource, uid).await
            }
            Action::DeleteJobManager { uid } => {
                // The uid was seen before the status was written last, so it is not that of a later cluster.
                if !executed.is_newest {
                    self.confirm(&resource).await?;
                }
                self.delete_job_manager(&resource, uid).await
            }
            Action::DeleteHaData => self.delete_ha_data(&resource).await,
            Action::ForgetJobGraphs => self.forget_job_graphs(&resource).await,
            Action::Publish(event) => {
                self.publish(&resource, &event).await;
                Ok(())
            }
        }
    }

    fn resources(&self, resource: &FlinkDeployment) -> Api<FlinkDeployment> {
        Api::namespaced(self.client.clone(), &resource.namespace().unwrap_or_default())
    }

    /// Makes sure that the status is still the one that the decision was made on. A process that has slept since may find
    /// that another one has taken over, and that what is there now is a later cluster's.
    async fn confirm(&self, resource: &FlinkDeployment) -> Result<(), ExecuteError> {
        let confirmed = status::confirm(&self.resources(resource), resource).await;
        confirmed.map_err(|error| resource_error("confirm the status", error))
    }

    /// Replaces the list of finalizers, under the version that was read: the list is read with everything else.
    async fn change_finalizers(
        &self,
        resource: &FlinkDeployment,
        doing: &'static str,
        change: impl FnOnce(&mut Vec<String>),
    ) -> Result<Arc<FlinkDeployment>, ExecuteError> {
        let mut finalizers = resource.finalizers().to_vec();
        change(&mut finalizers);
        let patch = json!({"metadata": {
            "finalizers": finalizers,
            "resourceVersion": resource.meta().resource_version,
            "uid": resource.meta().uid,
        }});
        let patched = self
            .resources(resource)
            .patch(&resource.name_any(), &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map_err(|error| resource_error(doing, error))?;
        if patched.meta().generation != resource.meta().generation {
            // The spec changed in between: what was decided was decided for another one.
            return Err(ExecuteError::Conflict { what: "the resource".to_owned() });
        }
        let patched = Arc::new(patched);
        self.own_writes.resource_written(Arc::clone(&patched));
        Ok(patched)
    }

    async fn stop_job_manager(
        &self,
        resource: &FlinkDeployment,
        uid: String,
    ) -> Result<(), ExecuteError> {
        let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &namespace);
        let patch = Patch::Merge(json!({"metadata": {"uid": uid}, "spec": {"replicas": 0}}));
        let request = self.own_writes.job_manager_write(&namespace, &name);
        let answer = api.patch(&name, &PatchParams::default(), &patch).await.map(Some);
        note(request, answer, &uid, &name, "scale the JobManager's Deployment to zero")
    }

    async fn delete_job_manager(
        &self,
        resource: &FlinkDeployment,
        uid: String,
    ) -> Result<(), ExecuteError> {
        let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &namespace);
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Foreground),
            preconditions: Some(Preconditions { uid: Some(uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        let request = self.own_writes.job_manager_write(&namespace, &name);
        let answer = match api.delete(&name, &params).await {
            Ok(answer) => Ok(answer.left()),
            Err(error) => Err(error),
        };
        note(request, answer, &uid, &name, "delete the JobManager's Deployment")
    }

    async fn delete_ha_data(&self, resource: &FlinkDeployment) -> Result<(), ExecuteError> {
        let api = self.config_maps(resource);
        let found = ha_config_maps(&api, &resource.name_any()).await.map_err(|source| {
            ExecuteError::Kube { doing: "list high availability ConfigMaps", source }
        })?;
        if found.is_empty() {
            return Ok(());
        }
        // After the list: what is in it was there while the status was the newest.
        self.confirm(resource).await?;
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
                    Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => {
                        Ok(())
                    }
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

    async fn forget_job_graphs(&self, resource: &FlinkDeployment) -> Result<(), ExecuteError> {
        let api = self.config_maps(resource);
        let found = ha_config_maps(&api, &resource.name_any()).await.map_err(|source| {
            ExecuteError::Kube { doing: "list high availability ConfigMaps", source }
        })?;
        let graphs = |config_map: &ConfigMap| -> serde_json::Map<String, serde_json::Value> {
            let keys = config_map.data.iter().flatten().map(|(key, _)| key);
            keys.filter(|key| is_job_graph(key))
                .map(|key| (key.clone(), serde_json::Value::Null))
                .collect()
        };
        if found.iter().any(|config_map| !graphs(config_map).is_empty()) {
            self.confirm(resource).await?;
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
            match api
                .patch(&config_map.name_any(), &PatchParams::default(), &Patch::Merge(patch))
                .await
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

    fn config_maps(&self, resource: &FlinkDeployment) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &resource.namespace().unwrap_or_default())
    }

    async fn publish(&self, resource: &FlinkDeployment, event: &Event) {
        let reference = ObjectReference {
            api_version: Some(names::API_VERSION.to_owned()),
            kind: Some("FlinkDeployment".to_owned()),
            name: resource.meta().name.clone(),
            namespace: resource.meta().namespace.clone(),
            uid: resource.meta().uid.clone(),
            ..ObjectReference::default()
        };
        let published = self.events.publish(event, &reference);
        if tokio::time::timeout(EVENT, published).await.is_err() {
            tracing::warn!(reason = event.reason, "an event was not taken in time");
        }
    }
}

/// Remembers what became of a request for the Deployment with this uid. One that is gone needs nothing more.
fn note(
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

fn logged(doing: &str, outcome: Result<(), AskError>) {
    if let Err(error) = outcome {
        tracing::info!(error = &error as &dyn std::error::Error, "failed to {doing}");
    }
}

fn resource_error(doing: &'static str, error: kube::Error) -> ExecuteError {
    // The resource is gone, has changed, or is another one by now.
    if matches!(&error, kube::Error::Api(status) if status.code == 409 || status.code == 404) {
        return ExecuteError::Conflict { what: "the resource".to_owned() };
    }
    ExecuteError::Kube { doing, source: error }
}

impl From<CreateError> for ExecuteError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused { what, reason, message } => {
                Self::Refused { what, reason, message }
            }
            CreateError::Occupied { what, owner } => Self::Occupied { what, owner },
            CreateError::Vanished { what } => Self::Conflict { what },
            CreateError::Kube { source } => {
                Self::Kube { doing: "create the cluster's objects", source }
            }
        }
    }
}

/// Lists the ConfigMaps in which Flink keeps its high availability data. Objects that belong to the Deployment carry the
/// same labels and have an owner; Flink's have none, for they must outlive it.
async fn ha_config_maps(
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

/// Reads what high availability data there is.
///
/// # Errors
///
/// The API server's answer, when the list could not be had: then nothing is known.
pub async fn observe_ha_data(
    client: &Client,
    namespace: &str,
    cluster_id: &str,
) -> Result<HaData, kube::Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut data = HaData::default();
    for config_map in ha_config_maps(&api, cluster_id).await? {
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

/// The number in a key such as `checkpointID-0000000000000000042`. A key of that kind without one is a checkpoint all the
/// same.
fn checkpoint_number(key: &str) -> Option<i64> {
    key.strip_prefix("checkpointID-").map(|digits| digits.parse().unwrap_or(0))
}

fn is_job_graph(key: &str) -> bool {
    key.starts_with("jobGraph-") || key.starts_with("executionPlan-")
}

#[cfg(test)]
mod tests;
