//! The configuration of a cluster, parsed once into the values from which its objects are built.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    entries::{self, Ignored},
    error::{BuildError, LONGEST_CLUSTER_ID},
    labels::Labels,
    ports::Ports,
    resources::{self, Resources},
    volumes::VolumeClaims,
};
use crate::{
    conf::{
        ConfigOption, Configuration, MemorySize, OptionType,
        options::{
            high_availability::HighAvailability,
            job,
            kubernetes::{self, ServiceExposedType},
        },
    },
    flink_version::FlinkVersion,
};

/// The parameters of a cluster in any mode.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) cluster_id: String,
    pub(super) namespace: String,
    pub(super) high_availability: bool,
    pub(super) labels: Labels,
    pub(super) ports: Ports,
    pub(super) rest_exposure: ServiceExposedType,
    pub(super) rest_service: ServiceMetadata,
    pub(super) internal_service: ServiceMetadata,
    pub(super) job_manager: JobManagerParameters,
    /// Directories inside the pods.
    pub(super) configuration_directory: String,
    pub(super) artifacts_directory: String,
    /// The directory at which each Secret is mounted, by the name of the Secret.
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) volume_claims: VolumeClaims,
    /// Settings that have no effect.
    pub(super) ignored: Vec<Ignored>,
}

/// Labels and annotations that a user adds to one Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServiceMetadata {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// The parameters of the JobManager's Deployment and pods.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JobManagerParameters {
    pub(super) replicas: i32,
    pub(super) owners: Vec<Value>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) node_selector: BTreeMap<String, String>,
    pub(super) tolerations: Vec<Value>,
    pub(super) image: Configured,
    pub(super) image_pull_policy: Configured,
    pub(super) image_pull_secrets: Vec<String>,
    pub(super) service_account: Configured,
    pub(super) host_network: bool,
    pub(super) resources: Resources,
    pub(super) env: BTreeMap<String, String>,
    pub(super) secret_env: Vec<Value>,
    pub(super) log_directory: Option<String>,
    pub(super) entry_path: String,
    pub(super) entrypoint_arguments: String,
}

/// The value of an option for which a pod template has a field as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configured {
    value: String,
    explicit: bool,
}

impl Configured {
    /// Chooses the value: an option that is set overrides the template, and the template overrides the
    /// default of the option.
    pub(super) fn or_template(&self, template: Option<String>) -> String {
        match template {
            Some(template) if !self.explicit => template,
            Some(_) | None => self.value.clone(),
        }
    }
}

/// Values besides the configuration from which `Parameters` are made.
pub(super) struct Context<'c> {
    pub(super) version: FlinkVersion,
    /// The value of the label `type`.
    pub(super) cluster_type: &'static str,
    pub(super) ports: Ports,
    /// Total memory of the JobManager process.
    pub(super) job_manager_memory: MemorySize,
    pub(super) default_image: &'c str,
}

impl Parameters {
    pub(super) fn read(
        configuration: &Configuration,
        context: &Context<'_>,
    ) -> Result<Self, BuildError> {
        let mut reader = Reader { configuration, version: context.version, ignored: Vec::new() };
        let cluster_id = cluster_id(configuration)?;
        let rest_service = ServiceMetadata {
            labels: reader.map_since(FlinkVersion::V2_2, &kubernetes::REST_SERVICE_LABELS)?,
            annotations: reader.map(&kubernetes::REST_SERVICE_ANNOTATIONS)?,
        };
        let internal_service = ServiceMetadata {
            labels: reader.map_since(FlinkVersion::V2_2, &kubernetes::INTERNAL_SERVICE_LABELS)?,
            annotations: reader
                .map_since(FlinkVersion::V1_20, &kubernetes::INTERNAL_SERVICE_ANNOTATIONS)?,
        };
        let volume_claims = VolumeClaims {
            directories: reader
                .map_since(FlinkVersion::V2_3, &kubernetes::PERSISTENT_VOLUME_CLAIMS)?,
            read_only: configuration
                .get_or_default(&kubernetes::PERSISTENT_VOLUME_CLAIM_READ_ONLY)?,
        };
        let job_manager = JobManagerParameters::read(&mut reader, context)?;
        Ok(Self {
            labels: Labels::new(&cluster_id, context.cluster_type),
            cluster_id,
            namespace: reader.text(&kubernetes::NAMESPACE)?,
            high_availability: HighAvailability::of(configuration)?.is_on(),
            ports: context.ports,
            rest_exposure: configuration.get_or_default(&kubernetes::REST_SERVICE_EXPOSED_TYPE)?,
            rest_service,
            internal_service,
            job_manager,
            configuration_directory: reader.text(&kubernetes::FLINK_CONF_DIR)?,
            artifacts_directory: reader.text(&job::ARTIFACTS_BASE_DIR)?,
            secrets: reader.map(&kubernetes::SECRETS)?,
            volume_claims,
            ignored: reader.ignored,
        })
    }
}

impl JobManagerParameters {
    fn read(reader: &mut Reader<'_>, context: &Context<'_>) -> Result<Self, BuildError> {
        let configuration = reader.configuration;
        let tolerations = reader.maps(&kubernetes::JOB_MANAGER_TOLERATIONS)?;
        let owners = reader.maps(&kubernetes::JOB_MANAGER_OWNER_REFERENCE)?;
        let secret_env = reader.maps(&kubernetes::ENV_SECRET_KEY_REF)?;
        let ignored = &mut reader.ignored;
        let tolerations =
            entries::tolerations(kubernetes::JOB_MANAGER_TOLERATIONS.key, tolerations, ignored)?;
        let owners = entries::owner_references(
            kubernetes::JOB_MANAGER_OWNER_REFERENCE.key,
            owners,
            ignored,
        )?;
        let secret_env =
            entries::secret_env(kubernetes::ENV_SECRET_KEY_REF.key, secret_env, ignored)?;
        let pull_policy = configuration.get_or_default(&kubernetes::CONTAINER_IMAGE_PULL_POLICY)?;
        Ok(Self {
            replicas: replicas(configuration)?,
            owners,
            labels: reader.map(&kubernetes::JOB_MANAGER_LABELS)?,
            annotations: reader.map(&kubernetes::JOB_MANAGER_ANNOTATIONS)?,
            node_selector: reader.map(&kubernetes::JOB_MANAGER_NODE_SELECTOR)?,
            tolerations,
            image: reader.configured(&kubernetes::CONTAINER_IMAGE, context.default_image)?,
            image_pull_policy: Configured {
                value: pull_policy.into_value().text(configuration.syntax()),
                explicit: configuration.contains(&kubernetes::CONTAINER_IMAGE_PULL_POLICY),
            },
            image_pull_secrets: pull_secrets(configuration)?,
            service_account: reader
                .configured(&kubernetes::JOB_MANAGER_SERVICE_ACCOUNT, "default")?,
            host_network: configuration.get_or_default(&kubernetes::HOST_NETWORK)?,
            resources: job_manager_resources(configuration, context.job_manager_memory)?,
            env: environment(configuration),
            secret_env,
            log_directory: configuration.get(&kubernetes::FLINK_LOG_DIR)?,
            entry_path: reader.text(&kubernetes::ENTRY_PATH)?,
            entrypoint_arguments: configuration
                .get_or_default(&kubernetes::JOB_MANAGER_ENTRYPOINT_ARGS)?,
        })
    }
}

/// Parses options, and collects those that this version of Flink does not have.
struct Reader<'c> {
    configuration: &'c Configuration,
    version: FlinkVersion,
    ignored: Vec<Ignored>,
}

type Texts = BTreeMap<String, String>;

impl Reader<'_> {
    fn map(&self, option: &ConfigOption<Texts>) -> Result<Texts, BuildError> {
        Ok(self.configuration.get(option)?.unwrap_or_default())
    }

    fn map_since(
        &mut self,
        since: FlinkVersion,
        option: &ConfigOption<Texts>,
    ) -> Result<Texts, BuildError> {
        if self.version >= since {
            return self.map(option);
        }
        if self.configuration.contains(option) {
            self.ignored.push(Ignored::Option { key: option.key, since });
        }
        Ok(Texts::new())
    }

    fn maps(&self, option: &ConfigOption<Vec<Texts>>) -> Result<Vec<Texts>, BuildError> {
        Ok(self.configuration.get(option)?.unwrap_or_default())
    }

    /// A name or path, which must not be blank.
    fn text(&self, option: &ConfigOption<String>) -> Result<String, BuildError> {
        not_blank(option.key, self.configuration.get_or_default(option)?)
    }

    fn configured(
        &self,
        option: &ConfigOption<String>,
        default: &str,
    ) -> Result<Configured, BuildError> {
        Ok(match self.configuration.get(option)? {
            Some(value) => Configured { value: not_blank(option.key, value)?, explicit: true },
            None => Configured { value: default.to_owned(), explicit: false },
        })
    }
}

fn not_blank(key: &'static str, text: String) -> Result<String, BuildError> {
    if text.trim().is_empty() { Err(BuildError::Blank { key }) } else { Ok(text) }
}

fn cluster_id(configuration: &Configuration) -> Result<String, BuildError> {
    let key = kubernetes::CLUSTER_ID.key;
    let id = configuration.get(&kubernetes::CLUSTER_ID)?.ok_or(BuildError::Missing { key })?;
    let length = id.chars().count();
    if (1..=LONGEST_CLUSTER_ID).contains(&length) && !id.trim().is_empty() {
        Ok(id)
    } else {
        Err(BuildError::ClusterId { id, length })
    }
}

/// Without high availability there is no leader election, so two JobManagers would both be leaders.
fn replicas(configuration: &Configuration) -> Result<i32, BuildError> {
    let replicas = configuration.get_or_default(&kubernetes::JOB_MANAGER_REPLICAS)?;
    if replicas < 1 {
        return Err(BuildError::Replicas { replicas });
    }
    if replicas > 1 && !HighAvailability::of(configuration)?.is_on() {
        return Err(BuildError::StandbyWithoutHighAvailability { replicas });
    }
    Ok(replicas)
}

fn pull_secrets(configuration: &Configuration) -> Result<Vec<String>, BuildError> {
    let secrets = configuration.get(&kubernetes::CONTAINER_IMAGE_PULL_SECRETS)?.unwrap_or_default();
    let trimmed = secrets.iter().map(|secret| secret.trim().to_owned());
    Ok(trimmed.filter(|secret| !secret.is_empty()).collect())
}

/// Environment variables: `containerized.master.env.X` sets the variable `X`, which may contain dots.
fn environment(configuration: &Configuration) -> Texts {
    let syntax = configuration.syntax();
    configuration
        .with_prefix(kubernetes::MASTER_ENV_PREFIX)
        .map(|(name, value)| (name.to_owned(), value.text(syntax)))
        .collect()
}

fn job_manager_resources(
    configuration: &Configuration,
    memory: MemorySize,
) -> Result<Resources, BuildError> {
    let factor = |option: &ConfigOption<f64>| {
        resources::limit_factor(option.key, configuration.get_or_default(option)?)
    };
    let cpu = &kubernetes::JOB_MANAGER_CPU;
    Ok(Resources {
        cpu: resources::cpu_amount(cpu.key, configuration.get_or_default(cpu)?)?,
        cpu_limit_factor: factor(&kubernetes::JOB_MANAGER_CPU_LIMIT_FACTOR)?,
        memory_mib: memory.mebibytes(),
        memory_limit_factor: factor(&kubernetes::JOB_MANAGER_MEMORY_LIMIT_FACTOR)?,
    })
}
