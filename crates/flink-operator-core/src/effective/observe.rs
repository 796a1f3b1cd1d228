//! The configuration of a running cluster.

use flink_operator_api::{FlinkDeploymentSpec, FlinkSessionJobSpec};

use super::{DefaultConfiguration, EffectiveCluster, cluster, resource_options};
use crate::{
    conf::{Configuration, options::job},
    fault::Fault,
};

/// Prefixes of options that take effect without a new deployment.
const EFFECTIVE_AT_ONCE: [&str; 2] = ["kubernetes.operator.", "job.autoscaler."];

/// The configuration of the deployed spec, overridden by those options of the current spec that take effect
/// without a new deployment: options of the operator and the autoscaler, and the savepoint directory.
///
/// An option that is removed from the current spec has an effect until the next deployment.
///
/// # Errors
///
/// Every value of the deployed spec that cannot be parsed.
pub fn observe(
    defaults: &DefaultConfiguration,
    namespace: &str,
    name: &str,
    deployed: &FlinkDeploymentSpec,
    current: &FlinkDeploymentSpec,
) -> Result<EffectiveCluster, Vec<Fault>> {
    let mut cluster = cluster::derive(defaults, namespace, name, deployed)?;
    let configuration = &mut cluster.configuration;
    let options = current.flink_configuration.as_ref();
    let mut current = Configuration::with_syntax(configuration.syntax());
    resource_options::add(&mut current, options);
    for (key, value) in current.iter() {
        if EFFECTIVE_AT_ONCE.iter().any(|prefix| key.starts_with(prefix)) {
            configuration.set(key, value.clone());
        }
    }
    if let Ok(Some(directory)) = current.get(&job::SAVEPOINT_DIR) {
        configuration.set(job::SAVEPOINT_DIR.key, directory);
    }
    Ok(cluster)
}

/// The configuration of a session job: the observed configuration of its cluster, overridden by the options
/// of the job and those that are derived from it.
pub fn session_job(
    cluster: &Configuration,
    name: &str,
    spec: &FlinkSessionJobSpec,
) -> Configuration {
    let mut configuration = cluster.clone();
    resource_options::add(&mut configuration, spec.flink_configuration.as_ref());
    if let Some(job) = &spec.job {
        cluster::apply_job_defaults(&mut configuration, name, job);
    }
    configuration
}
