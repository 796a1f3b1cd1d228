//! Builds the JobManager's pod and its Deployment.

use serde_json::{Map, Value, json};

use super::cluster_mode::ClusterMode;
use crate::{
    build::{
        object::{metadata, put_texts},
        parameters::Parameters,
        pod::Pod,
    },
    pod_template::MAIN_CONTAINER,
};

/// Adds the settings of every JobManager to a pod that was made from the user's template.
pub(super) fn initialise(pod: &mut Pod, parameters: &Parameters) {
    let own = &parameters.job_manager;
    let service_account = own
        .service_account
        .or_template(pod.text("serviceAccount").or_else(|| pod.text("serviceAccountName")));
    pod.set("serviceAccount", service_account.as_str());
    pod.set("serviceAccountName", service_account);
    pod.set("hostNetwork", own.host_network);
    let dns_policy = if own.host_network {
        "ClusterFirstWithHostNet".to_owned()
    } else {
        pod.text("dnsPolicy").unwrap_or_else(|| "ClusterFirst".to_owned())
    };
    pod.set("dnsPolicy", dns_policy);
    pod.labels.extend(pod_labels(parameters));
    pod.annotations.extend(own.annotations.clone());
    pod.node_selector.extend(own.node_selector.clone());
    pod.image_pull_secrets
        .extend(own.image_pull_secrets.iter().map(|secret| json!({ "name": secret })));
    pod.tolerations.extend(own.tolerations.iter().cloned());
    initialise_container(pod, parameters);
}

fn initialise_container(pod: &mut Pod, parameters: &Parameters) {
    let own = &parameters.job_manager;
    let main = &mut pod.main;
    main.set("name", MAIN_CONTAINER);
    let image = own.image.or_template(main.text("image"));
    main.set("image", image);
    let pull_policy = own.image_pull_policy.or_template(main.text("imagePullPolicy"));
    main.set("imagePullPolicy", pull_policy);
    own.resources.write_to(main);
    // In the host's network the JobManager uses any free port, so no port can be declared.
    if !own.host_network {
        let ports = &parameters.ports;
        for (name, port) in [
            ("rest", ports.rest),
            ("jobmanager-rpc", ports.job_manager_rpc),
            ("blobserver", ports.blob_server),
        ] {
            main.ports.push(json!({ "name": name, "containerPort": port }));
        }
    }
    for (name, value) in &own.env {
        main.add_env(name, value);
    }
    main.env.push(json!({
        "name": "_POD_IP_ADDRESS",
        "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "status.podIP" } },
    }));
    if let Some(directory) = &own.log_directory {
        main.add_env("FLINK_LOG_DIR", directory);
    }
    main.env.extend(own.secret_env.iter().cloned());
}

/// Sets the command of the container. It ends with a space if there are no arguments: Flink's client
/// writes it so, and a different pod template would restart a JobManager that the Java operator deployed.
pub(super) fn set_command(pod: &mut Pod, parameters: &Parameters, mode: ClusterMode) {
    let own = &parameters.job_manager;
    let command =
        format!("kubernetes-jobmanager.sh {} {}", mode.target(), own.entrypoint_arguments);
    pod.main.set("command", json!([own.entry_path]));
    pod.main.set("args", json!(["bash", "-c", command]));
}

/// Builds the Deployment of a finished pod.
pub(super) fn deployment(parameters: &Parameters, pod: Pod) -> Value {
    let own = &parameters.job_manager;
    let mut metadata: Map<String, Value> =
        metadata(&parameters.cluster_id, &pod_labels(parameters));
    put_texts(&mut metadata, "annotations", &own.annotations);
    if !own.owners.is_empty() {
        metadata.insert("ownerReferences".to_owned(), json!(own.owners));
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": own.replicas,
            "selector": { "matchLabels": parameters.labels.job_manager() },
            "template": pod.into_template(),
        },
    })
}

/// The user's labels, overridden by the labels that select the pod.
fn pod_labels(parameters: &Parameters) -> std::collections::BTreeMap<String, String> {
    let mut labels = parameters.job_manager.labels.clone();
    labels.extend(parameters.labels.job_manager());
    labels
}
