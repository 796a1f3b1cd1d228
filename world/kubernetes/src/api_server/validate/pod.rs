//! Rules of pods and of their templates.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{metadata, names};
use crate::api_server::object;
use crate::api_server::refusal::{Fault, FieldFault};

/// Rules of a template of pods.
pub(super) fn template(template: &Value, field: &str) -> Vec<FieldFault> {
    let mut faults = metadata::labels(object::labels(template), &format!("{field}.labels"));
    let annotations = object::get(template, "annotations").and_then(Value::as_object);
    faults.extend(metadata::annotations(annotations, &format!("{field}.annotations")));
    faults.extend(spec(object::field(template, "spec"), &format!("{field}.spec")));
    faults
}

/// What a volume can be, in the order in which the API server looks at it.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// A volume is one thing. Who applies another configuration than the one before can make it two.
fn source_faults(volume: &Value, place: &str) -> Vec<FieldFault> {
    let sources = SOURCES.iter().filter(|name| volume.get(**name).is_some_and(|it| !it.is_null()));
    let fault = |name: &&str| {
        FieldFault::forbidden(&format!("{place}.{name}"), "may not specify more than 1 volume type")
    };
    sources.skip(1).map(fault).collect()
}

/// Rules of what runs in a pod.
pub(super) fn spec(spec: &Value, field: &str) -> Vec<FieldFault> {
    let list = |name: &str| spec.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut faults = Vec::new();
    let mut volumes = BTreeSet::new();
    for (index, volume) in list("volumes").iter().enumerate() {
        let place = format!("{field}.volumes[{index}]");
        let sources = source_faults(volume, &place);
        // A volume that cannot be is none that a container could have.
        let mut others = volumes.clone();
        let known = if sources.is_empty() { &mut volumes } else { &mut others };
        faults.extend(sources);
        faults.extend(name_fault(text(volume, "name"), &format!("{place}.name"), known));
    }
    let containers = list("containers");
    if containers.is_empty() {
        faults.push(FieldFault::required(&format!("{field}.containers"), ""));
    }
    let mut known = BTreeSet::new();
    for (place, containers) in
        [("containers", containers), ("initContainers", list("initContainers"))]
    {
        for (index, container) in containers.iter().enumerate() {
            let place = format!("{field}.{place}[{index}]");
            faults.extend(name_fault(
                text(container, "name"),
                &format!("{place}.name"),
                &mut known,
            ));
            faults.extend(self::container(container, &place, &volumes));
        }
    }
    let choices: [(&str, &[&str]); 2] = [
        ("restartPolicy", &["Always", "OnFailure", "Never"]),
        ("dnsPolicy", &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]),
    ];
    for (name, choices) in choices {
        let value = text(spec, name);
        if !choices.contains(&value) {
            faults.push(not_supported(&format!("{field}.{name}"), value, choices));
        }
    }
    let account = text(spec, "serviceAccountName");
    if !account.is_empty() {
        faults.extend(
            names::subdomain(account).map(|why| {
                FieldFault::invalid(&format!("{field}.serviceAccountName"), account, why)
            }),
        );
    }
    let selector = spec.get("nodeSelector").and_then(Value::as_object);
    faults.extend(metadata::labels(selector, &format!("{field}.nodeSelector")));
    faults
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A name has to be there, to be a label, and to be new.
fn name_fault(name: &str, place: &str, known: &mut BTreeSet<String>) -> Option<FieldFault> {
    if name.is_empty() {
        return Some(FieldFault::required(place, ""));
    }
    if let Some(why) = names::label(name) {
        return Some(FieldFault::invalid(place, name, why));
    }
    let is_new = known.insert(name.to_owned());
    (!is_new).then(|| FieldFault::new(Fault::Duplicate, place, Value::from(name), ""))
}

fn container(container: &Value, place: &str, volumes: &BTreeSet<String>) -> Vec<FieldFault> {
    let list =
        |name: &str| container.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut faults = Vec::new();
    let image = text(container, "image");
    if image.is_empty() {
        faults.push(FieldFault::required(&format!("{place}.image"), ""));
    } else if image.trim() != image {
        faults.push(FieldFault::invalid(
            &format!("{place}.image"),
            image,
            "must not have leading or trailing whitespace",
        ));
    }
    let policies: [(&str, &[&str]); 2] = [
        ("imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
        ("terminationMessagePolicy", &["FallbackToLogsOnError", "File"]),
    ];
    for (name, choices) in policies {
        let value = text(container, name);
        if !choices.contains(&value) {
            faults.push(not_supported(&format!("{place}.{name}"), value, choices));
        }
    }
    for (index, port) in list("ports").iter().enumerate() {
        let field = format!("{place}.ports[{index}]");
        let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or(0);
        if number == 0 {
            faults.push(FieldFault::required(&format!("{field}.containerPort"), ""));
        } else if !(1..=65535).contains(&number) {
            faults.push(FieldFault::invalid(
                &format!("{field}.containerPort"),
                number,
                "must be between 1 and 65535",
            ));
        }
        let protocol = text(port, "protocol");
        if !["SCTP", "TCP", "UDP"].contains(&protocol) {
            faults.push(not_supported(
                &format!("{field}.protocol"),
                protocol,
                &["SCTP", "TCP", "UDP"],
            ));
        }
    }
    for (index, variable) in list("env").iter().enumerate() {
        if text(variable, "name").is_empty() {
            faults.push(FieldFault::required(&format!("{place}.env[{index}].name"), ""));
        }
    }
    let mut paths = BTreeSet::new();
    for (index, mount) in list("volumeMounts").iter().enumerate() {
        let field = format!("{place}.volumeMounts[{index}]");
        let (name, path) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            faults.push(FieldFault::required(&format!("{field}.name"), ""));
        }
        if !volumes.contains(name) {
            faults.push(FieldFault::new(
                Fault::NotFound,
                &format!("{field}.name"),
                Value::from(name),
                "",
            ));
        }
        if path.is_empty() {
            faults.push(FieldFault::required(&format!("{field}.mountPath"), ""));
        }
        if !paths.insert(path.to_owned()) {
            faults.push(FieldFault::invalid(&format!("{field}.mountPath"), path, "must be unique"));
        }
    }
    faults.extend(resources(container, place));
    faults
}

/// Nothing can request more than its limit.
fn resources(container: &Value, place: &str) -> Vec<FieldFault> {
    use crate::api_server::types::quantity::Quantity;
    let amount = |list: &str, resource: &str| {
        let text = container.pointer(&format!("/resources/{list}/{resource}"))?.as_str()?;
        Some((text, Quantity::parse(text)?.nanos()))
    };
    let mut faults = Vec::new();
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        if let (Some((text, requested)), Some((_, limit))) =
            (amount("requests", resource), amount("limits", resource))
            && requested > limit
        {
            let field = format!("{place}.resources.requests");
            faults.push(FieldFault::invalid(
                &field,
                text,
                format!("must be less than or equal to {resource} limit"),
            ));
        }
    }
    faults
}

fn not_supported(field: &str, value: &str, choices: &[&str]) -> FieldFault {
    let choices: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
    FieldFault::new(
        Fault::NotSupported,
        field,
        Value::from(value),
        format!("supported values: {}", choices.join(", ")),
    )
}

/// Of a pod that is there, little more than images can be changed.
pub(super) fn immutable(new: &Value, old: &Value) -> Vec<FieldFault> {
    let frozen = |pod: &Value| {
        let mut spec = object::field(pod, "spec").clone();
        if let Some(fields) = spec.as_object_mut() {
            for field in ["tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds"] {
                fields.remove(field);
            }
            for list in ["containers", "initContainers"] {
                let containers =
                    fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
                containers.filter_map(Value::as_object_mut).for_each(|container| {
                    container.remove("image");
                });
            }
        }
        spec
    };
    if frozen(new) == frozen(old) {
        return Vec::new();
    }
    vec![FieldFault::forbidden(
        "spec",
        "of a pod only images, tolerations and two deadlines can be changed",
    )]
}
