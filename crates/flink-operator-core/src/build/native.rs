//! Builds native clusters, whose JobManager creates the TaskManager pods.
//!
//! [`build`] builds the objects that Flink's own client creates for the same configuration: the
//! JobManager's Deployment, and the objects that Kubernetes deletes together with it.

mod cluster_mode;

mod application;
mod job_manager;
mod task_manager;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::{cluster_mode::ClusterMode, task_manager::task_manager_pod};
pub use super::{
    entries::Ignored,
    error::{BuildError, TemplateError},
    flink_conf::{ConfigFile, log_file_names, unwritable},
    task_manager_template::TaskManagerTemplate,
};
use super::{
    flink_conf::FlinkConf,
    hadoop::HadoopConfiguration,
    kerberos::{self, NamedFile},
    object,
    parameters::{Context, Parameters},
    pod::Pod,
    ports::Ports,
    services, volumes,
};
use crate::{
    conf::{
        Configuration, Unwritable, memory,
        options::{high_availability, job, kubernetes, network},
    },
    flink_version::FlinkVersion,
};

/// The value of the label `type`. ConfigMaps with high availability data have it as well, in every
/// deployment mode.
const CLUSTER_TYPE: &str = "flink-native-kubernetes";

/// The input of [`build`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterInput {
    /// The version of Flink's client whose objects are built: see [`client_of`].
    pub client: FlinkVersion,
    pub mode: ClusterMode,
    /// The effective configuration, without the options of the operator.
    pub configuration: Configuration,
    pub config_file: ConfigFile,
    /// Log configurations by file name. Files that `client` does not know are ignored.
    pub log_files: BTreeMap<String, String>,
    /// The pod template of the JobManager.
    pub job_manager_template: Option<Value>,
    pub task_manager_template: Option<TaskManagerTemplate>,
    /// The image, if neither the configuration nor the template sets one.
    pub default_image: String,
    /// Hadoop's configuration by file name. It is used if the configuration names no ConfigMap for it.
    pub hadoop_files: BTreeMap<String, String>,
    /// Content of the file at `security.kerberos.login.keytab`.
    pub keytab: Option<Vec<u8>>,
    /// Content of the file at `security.kerberos.krb5-conf.path`.
    pub krb5_conf: Option<String>,
}

impl ClusterInput {
    /// The input for a cluster of a Flink version, without files and templates.
    pub fn new(version: FlinkVersion, mode: ClusterMode, configuration: Configuration) -> Self {
        Self {
            client: client_of(version),
            mode,
            configuration,
            config_file: ConfigFile::of(version),
            log_files: BTreeMap::new(),
            job_manager_template: None,
            task_manager_template: None,
            default_image: flink_image(version),
            hadoop_files: BTreeMap::new(),
            keytab: None,
            krb5_conf: None,
        }
    }
}

impl ClusterInput {
    /// The entries that the file which the cluster is given cannot hold. [`build`] writes them all the same, as Flink's own
    /// client does; Flink would read something else.
    pub fn unwritable(&self) -> Vec<Unwritable> {
        match self.config_file {
            ConfigFile::FlinkConf => unwritable(&self.configuration),
            ConfigFile::ConfigYaml | ConfigFile::FlatConfigYaml => Vec::new(),
        }
    }
}

/// The version of Flink's client whose objects the operator builds for a cluster. The Java operator uses
/// client 1.20 for every cluster, so an older client would lose options that work there.
fn client_of(version: FlinkVersion) -> FlinkVersion {
    version.max(FlinkVersion::V1_20)
}

/// The image that the Flink project publishes for a version.
fn flink_image(version: FlinkVersion) -> String {
    format!("apache/flink:{}.{}-scala_2.12", version.major, version.minor)
}

/// The objects of a cluster. Their namespace is not set: it is that of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterObjects {
    /// The JobManager's Deployment. It is created first.
    pub deployment: Value,
    /// Services, ConfigMaps and Secrets, in the order in which Flink's client creates them.
    pub accompanying: Vec<Value>,
    /// Settings that have no effect.
    pub ignored: Vec<Ignored>,
}

impl ClusterObjects {
    /// Makes the Deployment the owner of the accompanying objects, so that Kubernetes deletes them
    /// together. Its uid is known only after it was created.
    pub fn owned_by(mut self, deployment_name: &str, deployment_uid: &str) -> Self {
        for object in &mut self.accompanying {
            object::set_owner(object, deployment_name, deployment_uid);
        }
        self
    }
}

/// Builds the objects of a cluster. The same input gives the same output, byte for byte.
///
/// # Errors
///
/// The first problem that prevents the build: an invalid option, an invalid field of a pod template, or
/// a missing file.
pub fn build(mut input: ClusterInput) -> Result<ClusterObjects, BuildError> {
    let parameters = complete(&mut input)?;
    let mut pod = Pod::from_template(input.job_manager_template.take())
        .map_err(|source| BuildError::PodTemplate { role: "JobManager", source })?;
    job_manager::initialise(&mut pod, &parameters);
    job_manager::set_command(&mut pod, &parameters, input.mode);
    volumes::mount_user_artifacts(&mut pod, &parameters.artifacts_directory);
    volumes::mount_secrets(&mut pod, &parameters.secrets);
    parameters.volume_claims.mount(&mut pod)?;

    // The order matters from here on: it is the order of the volumes and of the creation of the objects.
    let mut accompanying = Vec::new();
    if !parameters.high_availability {
        accompanying.push(services::internal(&parameters));
    }
    accompanying.push(services::rest(&parameters));
    accompanying.extend(mount_hadoop(&mut pod, &parameters, &input)?);
    accompanying.extend(mount_kerberos(&mut pod, &parameters, &mut input)?);
    let flink_conf = FlinkConf {
        version: input.client,
        file: input.config_file,
        configuration: input.configuration,
        log_files: &input.log_files,
        directory: &parameters.configuration_directory,
    };
    accompanying.push(flink_conf.mount(&mut pod, &parameters.cluster_id, &parameters.labels)?);
    if let Some(template) = input.task_manager_template {
        accompanying.push(template.mount(&mut pod, &parameters.cluster_id, &parameters.labels)?);
    }
    Ok(ClusterObjects {
        deployment: job_manager::deployment(&parameters, pod),
        accompanying,
        ignored: parameters.ignored,
    })
}

/// Parses the parameters, and adds derived options to the configuration for the cluster.
fn complete(input: &mut ClusterInput) -> Result<Parameters, BuildError> {
    let (version, configuration) = (input.client, &mut input.configuration);
    let memory = memory::job_manager_memory(configuration, version)?;
    // The result is not needed: the JobManager computes it again and would fail with the same error.
    memory::task_manager_memory(configuration, version)?;
    match input.mode {
        ClusterMode::Application => application::complete(configuration, version)?,
        ClusterMode::Session => {}
    }
    let ports = Ports::fix(configuration)?;
    let context = Context {
        version,
        cluster_type: CLUSTER_TYPE,
        ports,
        job_manager_memory: memory.total_process(),
        default_image: &input.default_image,
    };
    let parameters = Parameters::read(configuration, &context)?;
    configuration.set(job::CLUSTER_EXECUTION_MODE.key, "NORMAL");
    configuration.set(kubernetes::JOB_MANAGER_ENTRYPOINT_CLASS.key, input.mode.entrypoint_class());
    let cluster_id = &parameters.cluster_id;
    if parameters.high_availability {
        configuration.set(high_availability::CLUSTER_ID.key, cluster_id.as_str());
        ports.fix_high_availability(configuration)?;
    } else {
        let address = format!("{cluster_id}.{}", parameters.namespace);
        configuration.set(network::JOB_MANAGER_RPC_ADDRESS.key, address);
    }
    Ok(parameters)
}

fn mount_hadoop(
    pod: &mut Pod,
    parameters: &Parameters,
    input: &ClusterInput,
) -> Result<Option<Value>, BuildError> {
    let configuration = &input.configuration;
    if !configuration.get_or_default(&kubernetes::HADOOP_CONF_MOUNT_ENABLED)? {
        return Ok(None);
    }
    let existing = configuration.get(&kubernetes::HADOOP_CONF_CONFIG_MAP)?;
    let existing = existing.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let hadoop = match existing {
        Some(config_map) => Some(HadoopConfiguration::Existing { config_map }),
        None => HadoopConfiguration::from_files(&input.hadoop_files),
    };
    Ok(hadoop.and_then(|hadoop| hadoop.mount(pod, &parameters.cluster_id, &parameters.labels)))
}

/// Mounts the files of Kerberos, and sets their paths in the pod in the configuration.
fn mount_kerberos(
    pod: &mut Pod,
    parameters: &Parameters,
    input: &mut ClusterInput,
) -> Result<Vec<Value>, BuildError> {
    let mut objects = Vec::new();
    let configuration = &mut input.configuration;
    if !configuration.get_or_default(&kubernetes::KERBEROS_MOUNT_ENABLED)? {
        return Ok(objects);
    }
    if let Some(path) = unless_blank(configuration.get(&network::KERBEROS_KEYTAB)?) {
        if unless_blank(configuration.get(&network::KERBEROS_PRINCIPAL)?).is_none() {
            return Err(BuildError::KeytabWithoutPrincipal);
        }
        let key = network::KERBEROS_KEYTAB.key;
        let file = NamedFile::new(key, &path, input.keytab.take())?;
        let keytab = kerberos::mount_keytab(pod, &parameters.cluster_id, file);
        configuration.set(key, keytab.path_in_pod);
        objects.push(keytab.secret);
    }
    if let Some(path) = unless_blank(configuration.get(&network::KERBEROS_KRB5_CONF)?) {
        let key = network::KERBEROS_KRB5_CONF.key;
        let file = NamedFile::new(key, &path, input.krb5_conf.take())?;
        objects.push(kerberos::mount_krb5_conf(pod, &parameters.cluster_id, file));
    }
    Ok(objects)
}

fn unless_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;
