//! Creating a cluster's objects so that every repetition is harmless.
//!
//! The Deployment comes first, because everything else belongs to it. The other objects follow at once, so that what the
//! pod mounts exists milliseconds after the pod.

use flink_operator_api::FlinkDeployment;
use flink_operator_core::build::native::ClusterObjects;
use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::core::{PartialObjectMeta, Request};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::error::ExecuteError;

/// Why an object was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The API server has refused it.
    #[error("{what} was refused: {message}")]
    Refused { what: String, reason: String, message: String },
    /// Its name is taken.
    #[error("{what} exists and belongs to {owner}")]
    Occupied { what: String, owner: String },
    /// It existed a moment ago, and is gone.
    #[error("{what} went away")]
    Vanished { what: String },
    /// The builder has made an object that this file does not know how to create.
    #[error("{what} is of a kind that the operator does not create")]
    UnknownKind { what: String },
    #[error("the API server could not be asked")]
    Kube {
        #[source]
        source: kube::Error,
    },
}

/// Creates what is missing of the cluster. With `existing`, the Deployment with that uid stands already. A Deployment that
/// was created here is returned, also together with an error about a later object.
pub(super) async fn cluster(
    client: &Client,
    resource: &FlinkDeployment,
    objects: ClusterObjects,
    existing: Option<&str>,
    owner_uid: &str,
) -> Result<Option<Deployment>, (Option<Deployment>, CreateError)> {
    let namespace = resource.namespace().unwrap_or_default();
    let name = resource.name_any();
    let (created, uid) = match existing {
        Some(uid) => (None, uid.to_owned()),
        None => match deployment(client, &namespace, &name, &objects.deployment, owner_uid).await {
            Ok(created) => {
                let uid = created.metadata.uid.clone().unwrap_or_default();
                (Some(created), uid)
            }
            Err(error) => return Err((None, error)),
        },
    };
    let owned = objects.owned_by(&name, &uid);
    let results = join_all(
        owned.accompanying.iter().map(|object| dependent(client, &namespace, object, &uid)),
    )
    .await;
    match results.into_iter().collect::<Result<Vec<()>, CreateError>>() {
        Ok(_) => Ok(created),
        Err(error) => Err((created, error)),
    }
}

async fn deployment(
    client: &Client,
    namespace: &str,
    name: &str,
    body: &Value,
    owner_uid: &str,
) -> Result<Deployment, CreateError> {
    match post::<Deployment>(client, "apps/v1", namespace, "deployments", body).await {
        Ok(created) => Ok(created),
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
            let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
            let found = api.get_opt(name).await.map_err(|source| CreateError::Kube { source })?;
            let what = format!("the Deployment {name}");
            let Some(found) = found else { return Err(CreateError::Vanished { what }) };
            // If it was made from the same generation, it is the requested one, and the answer to its creation was lost.
            let same = found.owner_references().iter().any(|owner| owner.uid == owner_uid)
                && generation_of(&found.metadata) == body_generation(body)
                && found.metadata.deletion_timestamp.is_none();
            if same { Ok(found) } else { Err(occupied(what, &found.metadata)) }
        }
        Err(error) => Err(refused(format!("the Deployment {name}"), error)),
    }
}

async fn dependent(
    client: &Client,
    namespace: &str,
    object: &Value,
    uid: &str,
) -> Result<(), CreateError> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let what = format!("the {kind} {name}");
    let (version, plural) = match kind {
        "Service" => ("v1", "services"),
        "ConfigMap" => ("v1", "configmaps"),
        "Secret" => ("v1", "secrets"),
        _ => return Err(CreateError::UnknownKind { what }),
    };
    match post::<PartialObjectMeta>(client, version, namespace, plural, object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
            let url = url(version, namespace, plural);
            let request = Request::new(url)
                .get_metadata(name, &kube::api::GetParams::default())
                .map_err(|error| CreateError::Kube { source: kube::Error::BuildRequest(error) })?;
            match client.request::<PartialObjectMeta>(request).await {
                Ok(found) if found.owner_references().iter().any(|owner| owner.uid == uid) => {
                    Ok(())
                }
                Ok(found) => Err(occupied(what, &found.metadata)),
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    Err(CreateError::Vanished { what })
                }
                Err(source) => Err(CreateError::Kube { source }),
            }
        }
        Err(error) => Err(refused(what, error)),
    }
}

/// Posts the object as it was built, and not as a type of ours, which may lack a field of a newer Kubernetes.
async fn post<K: serde::de::DeserializeOwned>(
    client: &Client,
    version: &str,
    namespace: &str,
    plural: &str,
    body: &Value,
) -> Result<K, kube::Error> {
    let bytes = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
    let request = Request::new(url(version, namespace, plural))
        .create(&PostParams::default(), bytes)
        .map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}

fn url(version: &str, namespace: &str, plural: &str) -> String {
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}/namespaces/{namespace}/{plural}")
}

fn refused(what: String, error: kube::Error) -> CreateError {
    // 4xx: the object is wrong, or the permission is missing. The same request would be refused again.
    if let kube::Error::Api(status) = &error
        && (400..500).contains(&status.code)
        && status.code != 429
    {
        let (reason, message) = (status.reason.clone(), status.message.clone());
        return CreateError::Refused { what, reason, message };
    }
    CreateError::Kube { source: error }
}

fn occupied(what: String, metadata: &ObjectMeta) -> CreateError {
    let owner = metadata.owner_references.iter().flatten().next();
    let owner =
        owner.map_or_else(|| "nobody".to_owned(), |owner| format!("{} {}", owner.kind, owner.name));
    CreateError::Occupied { what, owner }
}

fn generation_of(metadata: &ObjectMeta) -> Option<&str> {
    metadata
        .annotations
        .as_ref()?
        .get(flink_operator_api::names::annotations::GENERATION)
        .map(String::as_str)
}

fn body_generation(body: &Value) -> Option<&str> {
    body.get("metadata")?
        .get("annotations")?
        .get(flink_operator_api::names::annotations::GENERATION)?
        .as_str()
}

impl From<CreateError> for ExecuteError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused { what, reason, message } => {
                Self::Refused { what, reason, message }
            }
            CreateError::Occupied { what, owner } => Self::Occupied { what, owner },
            CreateError::Vanished { what } => Self::Conflict { what },
            CreateError::UnknownKind { what } => Self::UnknownKind { what },
            CreateError::Kube { source } => {
                Self::Kube { doing: "create the cluster's objects", source }
            }
        }
    }
}
