//! Builds the two Services of the JobManager.

use serde_json::{Map, Value, json};

use super::{
    object::{metadata, put_texts},
    parameters::{Parameters, ServiceMetadata},
};
use crate::conf::options::kubernetes::ServiceExposedType;

/// The headless Service through which TaskManagers reach the JobManager if there is no high availability.
/// `jobmanager.rpc.address` is its DNS name.
pub(super) fn internal(parameters: &Parameters) -> Value {
    let ports = &parameters.ports;
    let spec = Map::from_iter([
        ("clusterIP".to_owned(), json!("None")),
        (
            "ports".to_owned(),
            json!([
                { "name": "jobmanager-rpc", "port": ports.job_manager_rpc },
                { "name": "blobserver", "port": ports.blob_server },
            ]),
        ),
    ]);
    service(parameters, &parameters.cluster_id, &parameters.internal_service, spec)
}

/// The Service of the REST API and the web interface.
pub(super) fn rest(parameters: &Parameters) -> Value {
    let ports = &parameters.ports;
    let exposure = parameters.rest_exposure;
    let mut spec = Map::from_iter([
        ("type".to_owned(), json!(service_type(exposure))),
        (
            "ports".to_owned(),
            json!([{ "name": "rest", "port": ports.rest, "targetPort": ports.rest_bind }]),
        ),
    ]);
    if exposure == ServiceExposedType::HeadlessClusterIp {
        spec.insert("clusterIP".to_owned(), json!("None"));
    }
    service(parameters, &format!("{}-rest", parameters.cluster_id), &parameters.rest_service, spec)
}

fn service_type(exposure: ServiceExposedType) -> &'static str {
    match exposure {
        ServiceExposedType::ClusterIp | ServiceExposedType::HeadlessClusterIp => "ClusterIP",
        ServiceExposedType::NodePort => "NodePort",
        ServiceExposedType::LoadBalancer => "LoadBalancer",
    }
}

/// Builds a Service. The user's labels override the common ones, unlike on a Deployment: nothing selects
/// a Service by its labels.
fn service(
    parameters: &Parameters,
    name: &str,
    own: &ServiceMetadata,
    mut spec: Map<String, Value>,
) -> Value {
    let mut labels = parameters.labels.common();
    labels.extend(own.labels.clone());
    let mut metadata = metadata(name, &labels);
    put_texts(&mut metadata, "annotations", &own.annotations);
    spec.insert("selector".to_owned(), json!(parameters.labels.job_manager()));
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec })
}
