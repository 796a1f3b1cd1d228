//! What the API server fills in where the client said nothing.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::types::quantity::Quantity;

mod pod;

type Object = Map<String, Value>;

/// Fills in the defaults of the built-in type with this name. The fields inside have theirs already.
pub(super) fn of_type(name: &str, object: &mut Object) {
    match name {
        "apps.DeploymentSpec" => deployment_spec(object),
        "apps.ReplicaSetSpec" => set_default(object, "replicas", 1),
        "Secret" => secret(object),
        "ServiceSpec" => service_spec(object),
        "Namespace" => namespace(object),
        "NamespaceStatus" => set_default(object, "phase", "Active"),
        "PersistentVolumeClaimSpec" => set_default(object, "volumeMode", "Filesystem"),
        _ => pod::of_type(name, object),
    }
}

/// Requests and limits are rounded up to thousandths.
pub(super) fn resource_list(resources: &mut Object) {
    for (_, value) in resources.iter_mut() {
        if let Some(quantity) = value.as_str().and_then(Quantity::parse) {
            *value = Value::from(quantity.rounded_to_milli().canonical());
        }
    }
}

/// Sets a field that is missing.
fn set_default(object: &mut Object, field: &str, value: impl Into<Value>) {
    if !object.contains_key(field) {
        object.insert(field.to_owned(), value.into());
    }
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The objects in a list of the object.
fn items<'a>(
    object: &'a mut Object,
    field: &str,
) -> impl Iterator<Item = &'a mut Object> + use<'a> {
    let items = object.get_mut(field).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn deployment_spec(spec: &mut Object) {
    set_default(spec, "replicas", 1);
    set_default(spec, "revisionHistoryLimit", 10);
    set_default(spec, "progressDeadlineSeconds", 600);
    if let Some(strategy) = spec.get_mut("strategy").and_then(Value::as_object_mut) {
        set_default(strategy, "type", "RollingUpdate");
        if text(strategy, "type") == "RollingUpdate" {
            set_default(strategy, "rollingUpdate", json!({}));
            if let Some(rolling) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut)
            {
                set_default(rolling, "maxUnavailable", "25%");
                set_default(rolling, "maxSurge", "25%");
            }
        }
    }
}

/// `stringData` is for writing only: it ends up in `data`.
fn secret(secret: &mut Object) {
    set_default(secret, "type", "Opaque");
    if let Some(Value::Object(texts)) = secret.remove("stringData") {
        let data = secret.entry("data").or_insert_with(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            for (key, text) in texts {
                let bytes = text.as_str().unwrap_or_default().as_bytes();
                data.insert(
                    key,
                    Value::from(base64::engine::general_purpose::STANDARD.encode(bytes)),
                );
            }
        }
    }
}

fn service_spec(spec: &mut Object) {
    set_default(spec, "sessionAffinity", "None");
    if text(spec, "sessionAffinity") == "None" {
        spec.remove("sessionAffinityConfig");
    }
    set_default(spec, "type", "ClusterIP");
    for port in items(spec, "ports") {
        set_default(port, "protocol", "TCP");
        let unset =
            port.get("targetPort").is_none_or(|target| *target == json!(0) || *target == json!(""));
        if let Some(number) = port.get("port").cloned().filter(|_| unset) {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let kind = text(spec, "type").to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        set_default(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        set_default(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        set_default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

fn namespace(namespace: &mut Object) {
    let Some(metadata) = namespace.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let name = text(metadata, "name").to_owned();
    if name.is_empty() {
        return;
    }
    if let Some(labels) = metadata.entry("labels").or_insert_with(|| json!({})).as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), Value::from(name));
    }
}
