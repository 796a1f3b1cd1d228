//! Makes the input for the builder of native clusters.

use std::collections::BTreeMap;

use super::deploy_keys::with_own_job_graphs;
use super::{DeployKeys, EffectiveCluster, for_flink, with_deploy_keys};
use crate::{
    build::native::{ClusterInput, ClusterMode, ConfigFile, TaskManagerTemplate},
    conf::options::kubernetes,
    flink_version::FlinkVersion,
};

/// Options with paths of pod templates on the machine of the client. The operator takes templates from the spec instead.
const TEMPLATE_FILES: [&str; 4] = [
    "kubernetes.pod-template-file",
    kubernetes::POD_TEMPLATE.key,
    kubernetes::JOB_MANAGER_POD_TEMPLATE.key,
    kubernetes::TASK_MANAGER_POD_TEMPLATE.key,
];

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
    let mut configuration = for_flink(&deployed);
    for key in TEMPLATE_FILES {
        configuration.remove(key);
    }
    let log_files = cluster.log_files.as_ref().unwrap_or(operator_log_files);
    ClusterInput {
        config_file: ConfigFile::of(version),
        log_files: log_files.clone(),
        job_manager_template: cluster.job_manager_template.clone(),
        task_manager_template: cluster.task_manager_template.clone().map(TaskManagerTemplate::Pod),
        ..ClusterInput::new(version, mode, configuration)
    }
}
