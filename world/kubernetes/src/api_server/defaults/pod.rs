//! Defaults of pods and pod templates.

use serde_json::{Value, json};

use super::{Object, items, set_default, text};

pub(super) fn of_type(name: &str, object: &mut Object) {
    match name {
        "Pod" => pod(object),
        "PodSpec" => pod_spec(object),
        "Container" | "EphemeralContainer" => container(object),
        "ContainerPort" => set_default(object, "protocol", "TCP"),
        "Probe" => probe(object),
        "HTTPGetAction" => {
            set_default(object, "path", "/");
            set_default(object, "scheme", "HTTP");
        }
        "GRPCAction" => set_default(object, "service", ""),
        "Volume" => volume(object),
        "SecretVolumeSource"
        | "ConfigMapVolumeSource"
        | "DownwardAPIVolumeSource"
        | "ProjectedVolumeSource" => {
            set_default(object, "defaultMode", 0o644);
        }
        "HostPathVolumeSource" => set_default(object, "type", ""),
        "ServiceAccountTokenProjection" => set_default(object, "expirationSeconds", 3600),
        "ObjectFieldSelector" => set_default(object, "apiVersion", "v1"),
        _ => {}
    }
}

fn pod(pod: &mut Object) {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
    set_default(spec, "enableServiceLinks", true);
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut)
            else {
                continue;
            };
            let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else {
                continue;
            };
            // What is limited and not requested is requested up to its limit; in pods only, not in their templates.
            let requests = resources.entry("requests").or_insert_with(|| json!({}));
            if let Some(requests) = requests.as_object_mut() {
                for (resource, limit) in limits {
                    requests.entry(resource).or_insert(limit);
                }
            }
        }
    }
}

fn pod_spec(spec: &mut Object) {
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "terminationGracePeriodSeconds", 30);
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "securityContext", json!({}));
    set_default(spec, "schedulerName", "default-scheduler");
    // The older name of the field always says the same.
    let account = if spec.contains_key("serviceAccountName") {
        "serviceAccountName"
    } else {
        "serviceAccount"
    };
    if let Some(name) = spec.get(account).cloned() {
        spec.insert("serviceAccountName".to_owned(), name.clone());
        spec.insert("serviceAccount".to_owned(), name);
    }
}

fn container(container: &mut Object) {
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    if !container.contains_key("imagePullPolicy") {
        let image = text(container, "image");
        let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
        container.insert("imagePullPolicy".to_owned(), Value::from(policy));
    }
}

/// Whether the image is named without a tag, or with the tag `latest`. A digest names one image for ever.
fn is_latest(image: &str) -> bool {
    if image.is_empty() || image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn probe(probe: &mut Object) {
    for (field, value) in [
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ] {
        set_default(probe, field, value);
    }
}

/// A volume of which nothing but the name is known is an empty directory.
fn volume(volume: &mut Object) {
    if volume.keys().all(|field| field == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
}
