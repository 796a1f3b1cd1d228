//! The pods that a JobManager creates for TaskManagers, with what the API server can refuse in them, except for tolerations that
//! come from an option.
//!
//! They are never created from here. Flink makes them from the template and from options, and a pod that is refused is asked
//! for again without end.

use serde_json::{Value, json};

use super::{ClusterInput, unless_blank};
use crate::{
    build::{
        error::BuildError,
        hadoop,
        pod::Pod,
        task_manager_template::TaskManagerTemplate,
        volumes::{self, VolumeClaims},
    },
    conf::options::kubernetes,
    flink_version::FlinkVersion,
    pod_template::MAIN_CONTAINER,
};

/// The number is of no importance: no two ports of a pod have to differ.
const RPC_PORT: u16 = 6122;

/// The pod of a TaskManager: an object with `metadata` and `spec`.
///
/// # Errors
///
/// An option or a field of the template that Flink cannot read either.
pub fn task_manager_pod(input: &ClusterInput) -> Result<Value, BuildError> {
    let configuration = &input.configuration;
    let template = match &input.task_manager_template {
        Some(TaskManagerTemplate::Pod(template)) => Some(template.clone()),
        Some(TaskManagerTemplate::Text(_)) | None => None,
    };
    let mut pod = Pod::from_template(template)
        .map_err(|source| BuildError::PodTemplate { role: "TaskManager", source })?;
    let texts = |option| Ok::<_, BuildError>(configuration.get(option)?.unwrap_or_default());
    pod.labels.extend(texts(&kubernetes::TASK_MANAGER_LABELS)?);
    pod.annotations.extend(texts(&kubernetes::TASK_MANAGER_ANNOTATIONS)?);
    pod.node_selector.extend(texts(&kubernetes::TASK_MANAGER_NODE_SELECTOR)?);
    pod.set("restartPolicy", "Never");
    pod.set("hostNetwork", configuration.get_or_default(&kubernetes::HOST_NETWORK)?);
    let main = &mut pod.main;
    main.set("name", MAIN_CONTAINER);
    main.set("image", input.default_image.as_str());
    for quantities in [&mut main.requests, &mut main.limits] {
        for computed in ["cpu", "memory"] {
            quantities.remove(computed);
        }
    }
    main.ports.push(json!({ "name": "taskmanager-rpc", "containerPort": RPC_PORT }));
    let syntax = configuration.syntax();
    for (name, value) in configuration.with_prefix(kubernetes::TASK_MANAGER_ENV_PREFIX) {
        main.add_env(name, &value.text(syntax));
    }
    mount(&mut pod, input)?;
    Ok(pod.into_template())
}

fn mount(pod: &mut Pod, input: &ClusterInput) -> Result<(), BuildError> {
    let configuration = &input.configuration;
    volumes::mount_secrets(pod, &configuration.get(&kubernetes::SECRETS)?.unwrap_or_default());
    if input.client >= FlinkVersion::V2_3 {
        let directories =
            configuration.get(&kubernetes::PERSISTENT_VOLUME_CLAIMS)?.unwrap_or_default();
        VolumeClaims { directories, read_only: false }.mount(pod)?;
    }
    let hadoop = unless_blank(configuration.get(&kubernetes::HADOOP_CONF_CONFIG_MAP)?);
    if let Some(config_map) = hadoop
        && configuration.get_or_default(&kubernetes::HADOOP_CONF_MOUNT_ENABLED)?
    {
        let source = volumes::whole_config_map(&config_map);
        pod.mount(hadoop::VOLUME, source, hadoop::DIRECTORY);
    }
    let directory = configuration.get_or_default(&kubernetes::FLINK_CONF_DIR)?;
    pod.mount("flink-config-volume", volumes::whole_config_map("flink-config"), &directory);
    Ok(())
}
