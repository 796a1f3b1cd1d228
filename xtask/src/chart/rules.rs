//! Rules for the objects that the chart renders.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Cluster-scoped kinds.
const CLUSTER_SCOPED: &[&str] = &["ClusterRole", "ClusterRoleBinding"];

/// Labels that each object must have.
const LABELS: &[&str] = &[
    "app.kubernetes.io/name",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
];

/// Kinds of volumes that the pod security standard "restricted" allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The faults of these objects, one sentence each.
pub fn faults(objects: &[Value]) -> Vec<String> {
    let mut faults = identities(objects);
    faults.extend(labels(objects));
    faults.extend(rights(objects));
    faults.extend(bindings(objects));
    for object in objects {
        if let Some(pod) = object.pointer("/spec/template/spec") {
            let place = name(object);
            let mut of_pod = security(pod);
            of_pod.extend(volumes(pod, objects));
            of_pod.extend(probes(pod));
            of_pod.extend(selector(object));
            faults.extend(of_pod.into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    faults
}

/// Kind, namespace and name, for messages.
pub fn name(object: &Value) -> String {
    let part = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}/{}", part("/kind"), part("/metadata/namespace"), part("/metadata/name"))
}

/// Each role with its rights, sorted, one line for each resource, so that a review can compare them.
pub fn table_of_rights(objects: &[Value]) -> String {
    let mut roles = BTreeMap::<String, BTreeMap<String, BTreeSet<&str>>>::new();
    for (role, rule) in rules_of_roles(objects) {
        let resources = roles.entry(name(role)).or_default();
        for group in strings(rule, "apiGroups") {
            for resource in strings(rule, "resources") {
                let dot = if group.is_empty() { "" } else { "." };
                resources
                    .entry(format!("{resource}{dot}{group}"))
                    .or_default()
                    .extend(strings(rule, "verbs"));
            }
        }
    }
    let mut text = String::new();
    for (role, resources) in roles {
        text.push_str(&role);
        text.push('\n');
        for (resource, verbs) in resources {
            let verbs: Vec<&str> = verbs.into_iter().collect();
            text.push_str(&format!("  {resource}: {}\n", verbs.join(" ")));
        }
    }
    text
}

fn identities(objects: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for object in objects {
        let kind = text(object, "/kind");
        if !seen.insert(name(object)) {
            faults.push(format!("{} is there twice", name(object)));
        }
        if CLUSTER_SCOPED.contains(&kind) == object.pointer("/metadata/namespace").is_some() {
            faults.push(format!(
                "{} has a namespace that it must not have, or lacks one",
                name(object)
            ));
        }
    }
    faults
}

fn labels(objects: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for object in objects {
        for label in LABELS {
            if object["metadata"]["labels"][label].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{} has no label {label}", name(object)));
            }
        }
    }
    faults
}

/// No role may read Secrets, use wildcards, or grant rights.
fn rights(objects: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, rule) in rules_of_roles(objects) {
        let place = name(role);
        for resource in strings(rule, "resources") {
            if resource == "*" || resource.split('/').next() == Some("secrets") {
                faults.push(format!("{place} has rights on {resource}"));
            }
        }
        for verb in strings(rule, "verbs") {
            if ["*", "bind", "escalate", "impersonate"].contains(&verb) {
                faults.push(format!("{place} has the verb {verb}"));
            }
        }
        for group in strings(rule, "apiGroups") {
            if group == "*" || group == "rbac.authorization.k8s.io" {
                faults.push(format!("{place} has rights on the group {group}"));
            }
        }
    }
    faults
}

/// Every role and every service account that a binding names must be rendered.
fn bindings(objects: &[Value]) -> Vec<String> {
    let names: BTreeSet<String> = objects.iter().map(name).collect();
    let mut faults = Vec::new();
    for binding in objects.iter().filter(|object| text(object, "/kind").ends_with("RoleBinding")) {
        let kind = text(binding, "/roleRef/kind");
        let namespace = if kind == "Role" { text(binding, "/metadata/namespace") } else { "" };
        let role = format!("{kind} {namespace}/{}", text(binding, "/roleRef/name"));
        if !names.contains(&role) {
            faults.push(format!("{} binds {role}, which is not rendered", name(binding)));
        }
        for subject in list(binding, "/subjects") {
            let account = format!(
                "{} {}/{}",
                text(subject, "/kind"),
                text(subject, "/namespace"),
                text(subject, "/name")
            );
            if !names.contains(&account) {
                faults.push(format!("{} is for {account}, which is not rendered", name(binding)));
            }
        }
    }
    faults
}

/// The requirements of the Pod Security Standard "restricted", and a read-only root file system.
fn security(pod: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |value: &Value, path: &str, expected: &Value| {
        let found = value.pointer(path).unwrap_or(&Value::Null);
        if found != expected {
            faults.push(format!("{path} is {found}, not {expected}"));
        }
    };
    for path in ["/hostNetwork", "/hostPID", "/hostIPC"] {
        expect(pod, path, &Value::Null);
    }
    expect(pod, "/securityContext/runAsNonRoot", &true.into());
    expect(pod, "/securityContext/runAsUser", &9999.into());
    expect(pod, "/securityContext/runAsGroup", &9999.into());
    expect(pod, "/securityContext/seccompProfile/type", &"RuntimeDefault".into());
    // The first container is the operator's. Sidecars from the values are not checked.
    let container = pod.pointer("/containers/0").unwrap_or(&Value::Null);
    expect(container, "/name", &"flink-kubernetes-operator".into());
    expect(container, "/securityContext/allowPrivilegeEscalation", &false.into());
    expect(container, "/securityContext/readOnlyRootFilesystem", &true.into());
    expect(container, "/securityContext/privileged", &Value::Null);
    expect(container, "/securityContext/capabilities/drop", &vec!["ALL"].into());
    expect(container, "/securityContext/capabilities/add", &Value::Null);
    for volume in list(pod, "/volumes") {
        let kinds = volume.as_object().into_iter().flat_map(Map::keys).filter(|key| *key != "name");
        for kind in kinds.filter(|kind| !VOLUMES.contains(&kind.as_str())) {
            faults.push(format!("the volume {} is a {kind}", text(volume, "/name")));
        }
    }
    faults
}

/// Each mount must have a volume, and each item of a rendered ConfigMap must exist in it.
fn volumes(pod: &Value, objects: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    let volumes: BTreeSet<&str> =
        list(pod, "/volumes").map(|volume| text(volume, "/name")).collect();
    for container in list(pod, "/initContainers").chain(list(pod, "/containers")) {
        for mount in list(container, "/volumeMounts").map(|mount| text(mount, "/name")) {
            if !volumes.contains(mount) {
                faults.push(format!(
                    "the container {} mounts {mount}, which is no volume",
                    text(container, "/name")
                ));
            }
        }
    }
    for volume in list(pod, "/volumes") {
        let map = text(volume, "/configMap/name");
        let rendered = objects.iter().find(|object| {
            text(object, "/kind") == "ConfigMap" && text(object, "/metadata/name") == map
        });
        if let Some(rendered) = rendered {
            for key in list(volume, "/configMap/items").map(|item| text(item, "/key")) {
                if rendered["data"][key].as_str().is_none() {
                    faults.push(format!(
                        "the volume {} takes {key}, which the ConfigMap {map} lacks",
                        text(volume, "/name")
                    ));
                }
            }
        }
    }
    faults
}

/// The operator must have all three probes, on a named port.
fn probes(pod: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let container = pod.pointer("/containers/0").unwrap_or(&Value::Null);
    let ports: BTreeSet<&str> = list(container, "/ports").map(|port| text(port, "/name")).collect();
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        let get = &container[probe]["httpGet"];
        if get["path"] != path || !get["port"].as_str().is_some_and(|port| ports.contains(port)) {
            faults.push(format!("{probe} asks {get}, not {path} on a port of the container"));
        }
    }
    faults
}

fn selector(object: &Value) -> Option<String> {
    let labels = object.pointer("/spec/template/metadata/labels");
    let selected = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let matches =
        |(key, value): (&String, &Value)| labels.and_then(|labels| labels.get(key)) == Some(value);
    let all = selected.is_some_and(|selected| !selected.is_empty() && selected.iter().all(matches));
    (!all).then(|| "the selector does not match the labels of the pods".to_owned())
}

/// Each rule, with its role.
fn rules_of_roles(objects: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    let roles =
        objects.iter().filter(|object| ["Role", "ClusterRole"].contains(&text(object, "/kind")));
    roles.flat_map(|role| list(role, "/rules").map(move |rule| (role, rule)))
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn strings<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    value[key].as_array().into_iter().flatten().filter_map(Value::as_str)
}
