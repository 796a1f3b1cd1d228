//! The configuration with which a running cluster is looked at.

use flink_operator_api::{FlinkConfiguration, FlinkDeploymentSpec, FlinkSessionJobSpec};

use super::{DefaultConfiguration, EffectiveCluster, cluster};
use crate::{
    conf::{Configuration, options::job},
    fault::Fault,
};

/// Prefixes of options that take effect at once, without a new deployment.
const EFFECTIVE_AT_ONCE: [&str; 2] = ["kubernetes.operator.", "job.autoscaler."];

/// What a deployed cluster runs with, and what its current spec says about how the operator treats
/// it: options of operator and autoscaler, and the folder for savepoints.
///
/// An option that was taken out of the current spec stays until the next deployment.
///
/// # Errors
///
/// Every value of the deployed spec from which nothing can be derived.
pub fn observe(
    defaults: &DefaultConfiguration,
    namespace: &str,
    name: &str,
    deployed: &FlinkDeploymentSpec,
    current: &FlinkDeploymentSpec,
) -> Result<EffectiveCluster, Vec<Fault>> {
    let mut cluster = cluster::derive(defaults, namespace, name, deployed)?;
    let options = current.flink_configuration.as_ref().map(FlinkConfiguration::flatten);
    let current: Configuration = options.unwrap_or_default().into_iter().collect();
    let configuration = &mut cluster.configuration;
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

/// What a job on a session cluster runs with: the cluster's observed configuration, the job's own
/// options, and what is derived from the job.
pub fn session_job(
    cluster: &Configuration,
    name: &str,
    spec: &FlinkSessionJobSpec,
) -> Configuration {
    let mut configuration = cluster.clone();
    let options = spec.flink_configuration.as_ref().map(FlinkConfiguration::flatten);
    configuration.extend(options.unwrap_or_default());
    if let Some(job) = &spec.job {
        cluster::apply_job_defaults(&mut configuration, name, job);
    }
    configuration
}
