//! Options whose values are known only at the time of a deployment, and options that Flink does not get.

use std::collections::BTreeMap;

use flink_operator_api::names::API_VERSION;

use crate::{
    conf::{
        ConfigError, Configuration, Value,
        options::{
            high_availability::{self, HighAvailability},
            job, kubernetes, operator,
        },
    },
    flink_version::FlinkVersion,
    job::restore::RestoreFrom,
    names::JobId,
};

/// Prefixes of options that only the operator and its autoscaler use.
const NOT_FOR_FLINK: [&str; 2] = [operator::PREFIX, "job.autoscaler."];

/// The keys of the path from which a job is restored. The operator sets the first, which every version reads. It removes
/// the second, because Flink would prefer it.
const SAVEPOINT_PATHS: [&str; 2] = ["execution.savepoint.path", job::SAVEPOINT_PATH.key];

/// The values that are known only at the time of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployKeys {
    pub owner: Owner,
    /// `None` for a session cluster.
    pub job: Option<JobKeys>,
}

/// The FlinkDeployment that owns the JobManager's Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
    pub uid: String,
}

/// The values for the job of an application cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobKeys {
    /// The id of the job, unless the user has set one: see [`configured_job_id`].
    pub job_id: JobId,
    pub restore: RestoreFrom,
    /// Random text that is different for every deployment. It names the directory of job results: Flink does not run a
    /// job if it finds a result with the same job id.
    pub job_result_store_id: String,
}

/// The job id that the user has set, if any.
///
/// # Errors
///
/// The text is not a job id.
pub fn configured_job_id(configuration: &Configuration) -> Result<Option<JobId>, ConfigError> {
    let Some(text) = configuration.get(&job::FIXED_JOB_ID)? else { return Ok(None) };
    match text.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(ConfigError::Invalid {
            key: job::FIXED_JOB_ID.key.to_owned(),
            value: text,
            problem: "it is not a job id".to_owned(),
            allowed: "32 hexadecimal digits".to_owned(),
        }),
    }
}

/// Sets the options whose values are known only at the time of a deployment.
pub fn with_deploy_keys(mut configuration: Configuration, keys: &DeployKeys) -> Configuration {
    configuration
        .set(kubernetes::JOB_MANAGER_OWNER_REFERENCE.key, vec![owner_reference(&keys.owner)]);
    if let Some(job) = &keys.job {
        set_restore(&mut configuration, &job.restore);
        set_job_result_store(&mut configuration, &job.job_result_store_id);
        configuration.set_if_absent(&job::FIXED_JOB_ID, job.job_id.to_string());
    }
    configuration
}

fn owner_reference(owner: &Owner) -> BTreeMap<String, String> {
    [
        ("apiVersion", API_VERSION),
        ("kind", "FlinkDeployment"),
        ("name", &owner.name),
        ("uid", &owner.uid),
        ("blockOwnerDeletion", "true"),
        ("controller", "false"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

fn set_restore(configuration: &mut Configuration, restore: &RestoreFrom) {
    for key in SAVEPOINT_PATHS {
        configuration.remove(key);
    }
    let [written, _] = SAVEPOINT_PATHS;
    if let Some(path) = restore.option() {
        configuration.set(written, path);
    }
}

fn set_job_result_store(configuration: &mut Configuration, id: &str) {
    if let Some(folder) = own_result_store(configuration, "job-result-store", id) {
        configuration.set_if_absent(&high_availability::JOB_RESULT_STORE_DELETE_ON_COMMIT, false);
        configuration.set(high_availability::JOB_RESULT_STORE_PATH.key, folder);
    }
}

/// A folder of results that no other deployment has.
fn own_result_store(configuration: &Configuration, store: &str, id: &str) -> Option<String> {
    let storage = high_availability::STORAGE_DIR
        .all_keys()
        .find_map(|key| configuration.text(key))
        .filter(|storage| !storage.trim().is_empty())?;
    let cluster = configuration.text(kubernetes::CLUSTER_ID.key)?;
    let storage = storage.strip_suffix('/').unwrap_or(&storage);
    Some(format!("{storage}/{store}/{cluster}/{id}"))
}

/// Sets a separate folder of application results for each deployment. Flink 2.3 and later writes down that an application
/// has ended, and derives the application's id from the cluster id. A JobManager that finds such a result runs no job
/// (FLINK-40467).
pub(super) fn with_own_application_results(
    configuration: &mut Configuration,
    version: FlinkVersion,
    keys: &DeployKeys,
) {
    let Some(job) = keys.job.as_ref().filter(|_| version >= FlinkVersion::V2_3) else { return };
    let folder =
        own_result_store(configuration, "application-result-store", &job.job_result_store_id);
    if let Some(folder) = folder {
        configuration.set(high_availability::APPLICATION_RESULT_STORE_PATH.key, folder);
    }
}

/// Sets a separate ZooKeeper node for the job graphs of each deployment. A JobManager runs every job graph that it finds
/// in the node, including graphs from before a change of the spec and graphs with other job ids. Checkpoints are in
/// another node, under the job id, so they are found again.
pub(super) fn with_own_job_graphs(
    configuration: &mut Configuration,
    version: FlinkVersion,
    keys: &DeployKeys,
) {
    let Some(job) = &keys.job else { return };
    if HighAvailability::of(configuration) != Ok(HighAvailability::ZooKeeper) {
        return;
    }
    let graphs = if version < FlinkVersion::V2_0 {
        &high_availability::ZOOKEEPER_PATH_JOB_GRAPHS
    } else {
        &high_availability::ZOOKEEPER_PATH_EXECUTION_PLANS
    };
    let applications =
        (version >= FlinkVersion::V2_3).then_some(&high_availability::ZOOKEEPER_PATH_APPLICATIONS);
    for option in [Some(graphs), applications].into_iter().flatten() {
        if let Ok(node) = configuration.get_or_default(option) {
            let node = node.trim_end_matches('/');
            configuration.set(option.key, format!("{node}-{}", job.job_result_store_id));
        }
    }
}

/// The configuration for Flink: without the options of the operator and the autoscaler, and with every value
/// as text, as if it were read from a file.
pub fn for_flink(configuration: &Configuration) -> Configuration {
    let syntax = configuration.syntax();
    let mut stripped = Configuration::with_syntax(syntax);
    for (key, value) in configuration.iter() {
        if !NOT_FOR_FLINK.iter().any(|prefix| key.starts_with(prefix)) {
            stripped.set(key, Value::Text(value.text(syntax)));
        }
    }
    stripped
}
