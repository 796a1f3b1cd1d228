//! TaskManagers: pods that a JobManager creates in Kubernetes and deletes again.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::verbs::DeleteOptions;
use simulated_kubernetes::api_server::{Caller, object};

use super::around::{Around, TaskManager, timestamp};
use super::process::Process;

/// The number that the names of this JobManager's TaskManagers have: one more than those before.
pub(super) fn next_attempt(process: &Process, around: &Around) -> u32 {
    let prefix = format!("{}-taskmanager-", process.cluster_id);
    let numbers = around
        .task_managers_of(&process.resource)
        .into_iter()
        .filter_map(|one| one.name.strip_prefix(&prefix)?.split('-').next()?.parse::<u32>().ok());
    numbers.max().unwrap_or(0) + 1
}

/// Creates pods until there are so many.
pub(super) fn ask_for(process: &mut Process, wanted: u32, around: &mut Around) {
    let there = around.task_managers_of(&process.resource).len();
    let missing = wanted.saturating_sub(u32::try_from(there).unwrap_or(u32::MAX));
    for _ in 0..missing {
        process.task_managers.1 += 1;
        let (attempt, number) = process.task_managers;
        let name = format!("{}-taskmanager-{attempt}-{number}", process.cluster_id);
        create(process, &name, around);
    }
}

fn create(process: &Process, name: &str, around: &mut Around) {
    let namespace = process.pod.namespace.clone();
    let caller = Caller::component("flink", timestamp(around.now));
    let deployments = Kinds::known().plural("deployments");
    let owner = around.world.kubernetes(|kubernetes| {
        let found = kubernetes.stored(deployments, &namespace, &process.cluster_id);
        found.map(|stored| object::uid(&stored.object).to_owned())
    });
    // A JobManager whose Deployment is gone is about to go too.
    let Some(owner) = owner else { return };
    let pod = pod(process, name, &owner);
    let created = around.world.kubernetes(|kubernetes| {
        kubernetes.create(Kinds::known().plural("pods"), &namespace, pod, &caller)
    });
    // What is refused, for a quota say, is asked for again when something changes.
    if let Ok(created) = created {
        let uid = object::uid(&created.object).to_owned();
        let one = TaskManager {
            resource: process.resource.clone(),
            name: name.to_owned(),
            ip: String::new(),
            running_since: None,
        };
        around.task_managers.insert(uid, one);
    }
}

fn pod(process: &Process, name: &str, owner: &str) -> Value {
    let configuration = &process.settings.configuration;
    let memory = configuration.text(&["taskmanager.memory.process.size"]).unwrap_or("1728m");
    let cpu = ["kubernetes.taskmanager.cpu.amount", "kubernetes.taskmanager.cpu"];
    let cpu = configuration.text(&cpu).unwrap_or("1.0");
    let mebibytes = mebibytes(memory);
    let amounts = json!({"cpu": cpu, "memory": format!("{mebibytes}Mi")});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": process.pod.namespace,
            "labels": {
                "app": process.cluster_id, "component": "taskmanager", "type": "flink-native-kubernetes",
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": process.cluster_id, "uid": owner,
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": process.pod.service_account,
            "containers": [{
                "name": "flink-main-container",
                "image": process.pod.image,
                "command": ["/docker-entrypoint.sh"],
                "args": ["bash", "-c", format!(
                    "kubernetes-taskmanager.sh -Dtaskmanager.resource-id='{name}' -D taskmanager.numberOfTaskSlots={} ",
                    process.settings.slots
                )],
                "ports": [{"name": "taskmanager-rpc", "containerPort": 6122}],
                "resources": {"limits": amounts, "requests": amounts},
                "volumeMounts": [{"name": "flink-config-volume", "mountPath": "/opt/flink/conf"}],
            }],
            "volumes": [{
                "name": "flink-config-volume", "configMap": {"name": process.pod.config_map},
            }],
        },
    })
}

/// `2g`, `1728m`, `1024 mb`: in mebibytes, roughly.
fn mebibytes(size: &str) -> u64 {
    let size = size.trim().to_lowercase();
    let digits: String = size.chars().take_while(char::is_ascii_digit).collect();
    let number: u64 = digits.parse().unwrap_or(1728);
    let unit = size.get(digits.len()..).unwrap_or_default().trim();
    match unit.chars().next() {
        Some('g') => number * 1024,
        Some('k') => number / 1024,
        Some('m') => number,
        Some(_) | None => number / 1024 / 1024,
    }
    .max(1)
}

/// Deletes all pods of a cluster that needs none.
pub(super) fn release_all(process: &Process, around: &mut Around) {
    let names: Vec<String> = around
        .task_managers_of(&process.resource)
        .into_iter()
        .map(|one| one.name.clone())
        .collect();
    for name in names {
        delete(&process.pod.namespace, &name, around);
    }
    around.task_managers.retain(|_, one| one.resource != process.resource);
}

/// Deletes a pod.
pub(super) fn delete(namespace: &str, name: &str, around: &Around) {
    let caller = Caller::component("flink", timestamp(around.now));
    around.world.kubernetes(|kubernetes| {
        // It may be gone already.
        drop(kubernetes.delete(
            Kinds::known().plural("pods"),
            namespace,
            name,
            &DeleteOptions::default(),
            &caller,
        ));
    });
}
