//! Makes the input for the builder of native clusters.

use std::collections::BTreeMap;

use super::deploy_keys::{with_own_application_results, with_own_job_graphs};
use super::{DeployKeys, EffectiveCluster, for_flink, with_deploy_keys};
use crate::{
    build::native::{ClusterInput, ClusterMode, ConfigFile, TaskManagerTemplate, unwritable},
    conf::{Configuration, Syntax, options::kubernetes},
    flink_version::FlinkVersion,
};

/// Options with paths of pod templates on the machine of the client. The operator takes templates from the spec instead.
const TEMPLATE_FILES: [&str; 4] = [
    "kubernetes.pod-template-file",
    kubernetes::POD_TEMPLATE.key,
    kubernetes::JOB_MANAGER_POD_TEMPLATE.key,
    kubernetes::TASK_MANAGER_POD_TEMPLATE.key,
];

/// The first version that reads a `config.yaml` where there is no `flink-conf.yaml`.
const SINCE_CONFIG_YAML: FlinkVersion = FlinkVersion::V1_19;

/// The file that a cluster is given, and what is written into it.
///
/// Flink 1.x gets a `flink-conf.yaml`, as from the Java operator. That file has no way to write a `#` or a line break. Where
/// there is one, Flink 1.19 and 1.20 get the `config.yaml` that their own client writes.
fn written(deployed: &Configuration, version: FlinkVersion) -> (ConfigFile, Configuration) {
    let configuration = for_flink(deployed);
    let file = ConfigFile::of(version);
    if file != ConfigFile::FlinkConf
        || version < SINCE_CONFIG_YAML
        || unwritable(&configuration).is_empty()
    {
        return (file, configuration);
    }
    let mut standard = for_flink(&deployed.in_syntax(Syntax::Standard));
    // Flink takes an empty value in a flink-conf.yaml for none. Which file a cluster gets must not change that.
    standard.retain(|key, _| configuration.text(key).is_some_and(|text| !text.is_empty()));
    (ConfigFile::FlatConfigYaml, standard)
}

/// The input from which the objects of a native cluster are built.
///
/// `operator_log_files` are the log configurations of the operator's installation. They are used if the
/// spec has none.
pub fn native_input(
    cluster: &EffectiveCluster,
    version: FlinkVersion,
    mode: ClusterMode,
    keys: &DeployKeys,
    operator_log_files: &BTreeMap<String, String>,
) -> ClusterInput {
    let mut deployed = with_deploy_keys(cluster.configuration.clone(), keys);
    with_own_job_graphs(&mut deployed, version, keys);
    with_own_application_results(&mut deployed, version, keys);
    for key in TEMPLATE_FILES {
        deployed.remove(key);
    }
    let (config_file, configuration) = written(&deployed, version);
    let log_files = cluster.log_files.as_ref().unwrap_or(operator_log_files);
    ClusterInput {
        config_file,
        log_files: log_files.clone(),
        job_manager_template: cluster.job_manager_template.clone(),
        task_manager_template: cluster.task_manager_template.clone().map(TaskManagerTemplate::Pod),
        ..ClusterInput::new(version, mode, configuration)
    }
}
