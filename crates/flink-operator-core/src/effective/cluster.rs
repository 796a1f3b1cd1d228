//! Derives options and pod templates from a spec. Later steps override earlier ones.

use std::collections::BTreeMap;

use flink_operator_api::{
    DeploymentMode, FlinkConfiguration, FlinkDeploymentSpec, JobSpec, PodTemplate, UpgradeMode,
    names::{LOG_CONFIGURATION_KEYS, annotations},
};
use serde_json::Value as Json;

use super::{DefaultConfiguration, EffectiveCluster, parallelism, resource_options};
use crate::{
    conf::{
        ConfigEnum, ConfigError, Configuration, Value,
        options::{
            high_availability::{self, HighAvailability},
            job, kubernetes, memory, network,
            operator::resource,
        },
    },
    fault::Fault,
    flink_version::FlinkVersion,
    pod_template::{self, ArrayMerge, ExtraResources},
    resources::{self, Process, ProcessResources},
};

/// The field with the options of a resource, as faults name it.
pub(crate) const OPTIONS_FIELD: &str = "spec.flinkConfiguration";

/// The complete configuration and pod templates for a deployment of a spec.
///
/// # Errors
///
/// Every value of the spec that cannot be parsed. [`crate::validate`] checks whether a cluster can be
/// built from the result.
pub fn deploy(
    defaults: &DefaultConfiguration,
    namespace: &str,
    name: &str,
    generation: i64,
    spec: &FlinkDeploymentSpec,
) -> Result<EffectiveCluster, Vec<Fault>> {
    let mut cluster = derive(defaults, namespace, name, spec)?;
    annotate(&mut cluster.configuration, generation)
        .map_err(|error| vec![Fault::of_option(OPTIONS_FIELD, &error)])?;
    Ok(cluster)
}

/// Like [`deploy`], but without the generation of the resource.
pub(super) fn derive(
    defaults: &DefaultConfiguration,
    namespace: &str,
    name: &str,
    spec: &FlinkDeploymentSpec,
) -> Result<EffectiveCluster, Vec<Fault>> {
    let named = version(spec);
    // Without a valid version, the other fields are still checked, to report all faults together.
    let version = named.clone().unwrap_or(FlinkVersion::NEWEST_SUPPORTED);
    let mut derivation = Derivation {
        spec,
        version,
        configuration: base(defaults, namespace, Some(version), spec.flink_configuration.as_ref()),
        faults: named.err().into_iter().collect(),
    };
    if spec.flink_configuration.as_ref().is_some_and(|options| !options.is_object()) {
        derivation.faults.push(Fault::new(
            OPTIONS_FIELD,
            "it is not an object",
            "write an object with the Flink options as its members",
        ));
    }
    derivation.flink_defaults();
    derivation.pods();
    let [job_manager, task_manager] = derivation.processes();
    derivation.workload(name);
    derivation.identity(namespace, name);
    let (job_manager_template, task_manager_template) =
        derivation.templates(&job_manager.extra, &task_manager.extra);
    if !derivation.faults.is_empty() {
        return Err(derivation.faults);
    }
    Ok(EffectiveCluster {
        configuration: derivation.configuration,
        job_manager_template,
        task_manager_template,
        log_files: spec.log_configuration.as_ref().map(log_files),
    })
}

/// The operator's defaults, overridden by the options of a resource.
pub(crate) fn base(
    defaults: &DefaultConfiguration,
    namespace: &str,
    version: Option<FlinkVersion>,
    options: Option<&FlinkConfiguration>,
) -> Configuration {
    let mut configuration = defaults.for_resource(namespace, version);
    resource_options::add(&mut configuration, options);
    configuration
}

/// The version of Flink that a spec names.
pub(crate) fn version(spec: &FlinkDeploymentSpec) -> Result<FlinkVersion, Fault> {
    const FIELD: &str = "spec.flinkVersion";
    const REMEDY: &str = "write the version of Flink in the image as v<major>_<minor>, for \
                          example v2_2";
    let Some(name) = &spec.flink_version else {
        return Err(Fault::new(FIELD, "it is not set", REMEDY));
    };
    name.as_str().parse().map_err(|_| {
        Fault::new(FIELD, "it is not a version of Flink", REMEDY).with_value(name.as_str())
    })
}

/// Whether a Deployment, and not Flink, starts the TaskManagers of a cluster.
fn is_standalone(spec: &FlinkDeploymentSpec) -> bool {
    spec.mode == Some(DeploymentMode::Standalone)
}

fn log_files(given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    given
        .iter()
        .filter(|(name, _)| LOG_CONFIGURATION_KEYS.contains(&name.as_str()))
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect()
}

/// Annotates the JobManager's Deployment with the generation of the resource that it is made from.
fn annotate(configuration: &mut Configuration, generation: i64) -> Result<(), ConfigError> {
    let mut annotations =
        configuration.get(&kubernetes::JOB_MANAGER_ANNOTATIONS)?.unwrap_or_default();
    annotations.insert(annotations::GENERATION.to_owned(), generation.to_string());
    configuration.set_option(&kubernetes::JOB_MANAGER_ANNOTATIONS, annotations);
    Ok(())
}

struct Derivation<'a> {
    spec: &'a FlinkDeploymentSpec,
    version: FlinkVersion,
    configuration: Configuration,
    faults: Vec<Fault>,
}

impl Derivation<'_> {
    /// Returns the value of an option, or adds a fault.
    fn read<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.faults.push(Fault::of_option(OPTIONS_FIELD, &error))).ok()
    }

    fn flink_defaults(&mut self) {
        self.configuration.set_if_absent(&kubernetes::REST_SERVICE_EXPOSED_TYPE, "ClusterIP");
        self.configuration.set_if_absent(&network::WEB_CANCEL_ENABLE, false);
        self.configuration.set(job::FLINK_VERSION.key, self.version.to_string());
    }

    /// Image and service account.
    fn pods(&mut self) {
        let present = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        if let Some(image) = present(&self.spec.image) {
            let key = if self.version < FlinkVersion::V1_17 {
                "kubernetes.container.image"
            } else {
                kubernetes::CONTAINER_IMAGE.key
            };
            self.configuration.set(key, image);
        }
        if let Some(policy) = present(&self.spec.image_pull_policy) {
            let names = kubernetes::ImagePullPolicy::NAMES;
            if names.iter().any(|(name, _)| *name == policy) {
                self.configuration.set(kubernetes::CONTAINER_IMAGE_PULL_POLICY.key, policy);
            } else {
                self.faults.push(
                    Fault::new(
                        "spec.imagePullPolicy",
                        "it is not an image pull policy",
                        "write IfNotPresent, Always or Never",
                    )
                    .with_value(policy),
                );
            }
        }
        if let Some(account) = &self.spec.service_account {
            self.configuration.set(kubernetes::SERVICE_ACCOUNT.key, account.clone());
        }
    }

    /// Memory, CPU and number of JobManagers and TaskManagers.
    fn processes(&mut self) -> [ProcessResources; 2] {
        let spec = self.spec;
        let job_manager = spec.job_manager.as_ref();
        let task_manager = spec.task_manager.as_ref();
        let job_manager_resources = self.resources(
            Process::JobManager,
            job_manager.and_then(|spec| spec.resource.as_ref()),
            job_manager.and_then(|spec| spec.resources.as_ref()),
        );
        if let Some(replicas) = job_manager.map(|spec| spec.replicas).filter(|count| *count > 0) {
            self.configuration.set(kubernetes::JOB_MANAGER_REPLICAS.key, replicas);
        }
        let task_manager_resources = self.resources(
            Process::TaskManager,
            task_manager.and_then(|spec| spec.resource.as_ref()),
            task_manager.and_then(|spec| spec.resources.as_ref()),
        );
        self.task_manager_replicas();
        [job_manager_resources, task_manager_resources]
    }

    fn resources(
        &mut self,
        process: Process,
        resource: Option<&flink_operator_api::Resource>,
        resources: Option<&flink_operator_api::ResourceRequirements>,
    ) -> ProcessResources {
        match resources::of_process(process, resource, resources) {
            Ok(read) => {
                read.apply(process, self.version, &mut self.configuration);
                read
            }
            Err(faults) => {
                self.faults.extend(faults);
                ProcessResources::default()
            }
        }
    }

    fn task_manager_replicas(&mut self) {
        let key = kubernetes::TASK_MANAGER_REPLICAS.key;
        if let Some(replicas) = parallelism::replicas(self.spec) {
            self.configuration.set(key, replicas);
        } else if let (Some(job), true) = (&self.spec.job, is_standalone(self.spec))
            && !self.configuration.contains_key(key)
        {
            let parallelism = parallelism::of_job(self.spec, job, &self.configuration);
            let slots = self.configuration.get_or_default(&memory::TASK_MANAGER_SLOTS);
            if let (Some(parallelism), Some(slots)) = (self.read(parallelism), self.read(slots)) {
                self.configuration.set(key, parallelism::needed(parallelism, slots));
            }
        }
    }

    /// Options for the job of an application cluster, or for a session cluster.
    fn workload(&mut self, name: &str) {
        match &self.spec.job {
            Some(job) => {
                self.configuration.set(job::TARGET.key, "kubernetes-application");
                self.application(job);
                self.job_defaults(name, job);
            }
            None => self.configuration.set(job::TARGET.key, "kubernetes-session"),
        }
        if is_standalone(self.spec) {
            let mode = if self.spec.job.is_some() { "APPLICATION" } else { "SESSION" };
            self.configuration.set(job::TARGET.key, "remote");
            self.configuration.set(kubernetes::CLUSTER_MODE.key, mode);
        }
    }

    fn application(&mut self, job: &JobSpec) {
        if let Some(jar) = &job.jar_uri {
            if is_standalone(self.spec) {
                // The jar is in the image, so the class path needs a file URI.
                let jar = match jar.strip_prefix("local:") {
                    Some(path) => format!("file:{path}"),
                    None => jar.clone(),
                };
                self.configuration.set(job::PIPELINE_CLASSPATHS.key, vec![jar]);
            } else {
                self.configuration.set(job::PIPELINE_JARS.key, vec![jar.clone()]);
            }
        }
        let parallelism = parallelism::of_job(self.spec, job, &self.configuration);
        if let Some(parallelism) = self.read(parallelism) {
            self.configuration.set(job::PARALLELISM.key, parallelism);
        }
        self.configuration.set(job::SHUTDOWN_ON_FINISH.key, false);
        self.configuration.set_if_absent(&job::SUBMIT_FAILED_JOB_ON_ERROR, true);
    }

    fn job_defaults(&mut self, name: &str, job: &JobSpec) {
        apply_job_defaults(&mut self.configuration, name, job);
        if let Some(class) = &job.entry_class {
            self.configuration.set(job::APPLICATION_MAIN.key, class.clone());
        }
        if let Some(arguments) = &job.args {
            self.configuration.set(job::APPLICATION_ARGS.key, arguments.clone());
        }
    }

    fn identity(&mut self, namespace: &str, name: &str) {
        self.configuration.set(kubernetes::NAMESPACE.key, namespace);
        self.configuration.set(kubernetes::CLUSTER_ID.key, name);
        let high_availability = HighAvailability::of(&self.configuration);
        if self.read(high_availability).is_some_and(|kind| kind.is_on()) {
            self.configuration.set(high_availability::CLUSTER_ID.key, name);
        }
    }

    fn templates(
        &mut self,
        job_manager: &ExtraResources,
        task_manager: &ExtraResources,
    ) -> (Option<Json>, Option<Json>) {
        let by_name = self.configuration.get_or_default(&resource::MERGE_ARRAYS_BY_NAME);
        let arrays = match self.read(by_name) {
            Some(true) => ArrayMerge::ByName,
            Some(false) | None => ArrayMerge::ByIndex,
        };
        let probe = self.configuration.get_or_default(&resource::JOB_MANAGER_STARTUP_PROBE_ENABLED);
        let host_network = self.configuration.get_or_default(&kubernetes::HOST_NETWORK);
        // In the network of the host the JobManager takes any free port, and its container declares none to probe.
        let probe = self.read(probe).unwrap_or(true) && !self.read(host_network).unwrap_or(false);
        let spec = self.spec;
        let template = |own: Option<&PodTemplate>, extra: &ExtraResources| {
            let common = spec.pod_template.as_ref().map(PodTemplate::as_value);
            let joined = pod_template::join(common, own.map(PodTemplate::as_value), arrays);
            let invalid = joined.as_ref().and_then(pod_template::find_wrong_type);
            (pod_template::add_resources(joined, extra), invalid)
        };
        let own = spec.job_manager.as_ref().and_then(|spec| spec.pod_template.as_ref());
        let (job_manager, invalid) = template(own, job_manager);
        self.faults.extend(invalid.map(|place| Fault::of_template("JobManager", place)));
        let own = spec.task_manager.as_ref().and_then(|spec| spec.pod_template.as_ref());
        let (task_manager, invalid) = template(own, task_manager);
        self.faults.extend(invalid.map(|place| Fault::of_template("TaskManager", place)));
        let job_manager =
            if probe { Some(pod_template::add_startup_probe(job_manager)) } else { job_manager };
        (Some(pod_template::log_as_termination_message(job_manager)), task_manager)
    }
}

/// Sets the options that are derived from a job, on application and session clusters.
pub(super) fn apply_job_defaults(configuration: &mut Configuration, name: &str, job: &JobSpec) {
    configuration.set_if_absent(&job::PIPELINE_NAME, name);
    if job.upgrade_mode == Some(UpgradeMode::LastState) {
        // An upgrade with last-state needs checkpoints.
        let interval = Value::Duration(jiff::SignedDuration::from_mins(5));
        configuration.set_if_absent(&job::CHECKPOINTING_INTERVAL, interval);
    }
    configuration.set_if_absent(&job::CHECKPOINT_RETENTION, "RETAIN_ON_CANCELLATION");
    if let Some(allow) = job.allow_non_restored_state {
        // The older key: every version reads it.
        configuration.set("execution.savepoint.ignore-unclaimed-state", allow);
    }
}
