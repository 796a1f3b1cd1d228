//! Checks a whole FlinkDeployment.

use std::collections::BTreeMap;

use flink_operator_api::{
    DeploymentMode, FlinkDeployment, FlinkDeploymentSpec, names::LOG_CONFIGURATION_KEYS,
};

use super::{
    autoscaler, change, config_file,
    ingress::{self, ValidIngress},
    job::{self as jobs, ValidJob},
    options, pods, processes,
    rules::Rules,
};
use crate::{
    build::native::{self, ClusterMode},
    conf::options::job,
    effective::{
        self, DefaultConfiguration, DeployKeys, EffectiveCluster, JobKeys, Owner, RestoreFrom,
    },
    fault::Fault,
    flink_version::FlinkVersion,
    names::{ClusterName, JobId},
    record,
};

/// A FlinkDeployment that can be deployed: no later step fails because of its spec.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidDeployment {
    pub name: ClusterName,
    pub namespace: String,
    /// `metadata.generation`; 0 if the object is not stored in Kubernetes yet.
    pub generation: i64,
    pub flink_version: FlinkVersion,
    pub management: Management,
    pub workload: Workload,
    /// Host and path of the web interface, if the spec asks for an ingress.
    pub ingress: Option<ValidIngress>,
    /// The spec as the user wrote it, with what an autoscaler has set. The status records this text.
    pub spec: FlinkDeploymentSpec,
    /// The complete configuration and the pod templates of the cluster.
    pub effective: EffectiveCluster,
    /// Warnings: settings that are allowed but do not do what the user may expect.
    pub notes: Vec<String>,
}

/// What starts the TaskManagers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// Flink's JobManager, as many as the job needs.
    Native,
    /// A Kubernetes Deployment with a fixed number of replicas.
    Standalone,
}

/// What runs on a cluster: one job, or any number of session jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workload {
    Application(ValidJob),
    Session,
}

/// Checks a FlinkDeployment against all rules, including those on changes of a deployed spec.
///
/// Do not call it for canary resources, which are never deployed and may have an empty spec.
///
/// # Errors
///
/// Every fault of the resource.
pub fn deployment(
    resource: &FlinkDeployment,
    defaults: &DefaultConfiguration,
) -> Result<ValidDeployment, Vec<Fault>> {
    let scaled = autoscaler::with_recorded_scaling(resource, defaults);
    let spec = scaled.as_ref().unwrap_or(&resource.spec);
    // Without a namespace in the manifest, kubectl uses the namespace "default".
    let namespace = resource.metadata.namespace.as_deref().unwrap_or("default");
    let raw_name = resource.metadata.name.as_deref().unwrap_or_default();
    let generation = resource.metadata.generation.unwrap_or(0);
    let options = spec.flink_configuration.as_ref();
    let version = effective::version(spec);
    let configuration =
        effective::base(defaults, namespace, version.as_ref().ok().copied(), options);
    let mut rules = Rules::new(configuration, options);

    let name = rules.ok_or_add(name(raw_name));
    let version = rules.ok_or_add(version);
    let version = version.and_then(|version| check_version(&mut rules, version));
    check_forbidden_keys(&mut rules);
    options::check(&mut rules);
    let management = management(&mut rules, spec);
    check_scheduler_mode(&mut rules, management);
    let ingress = spec.ingress.as_ref().and_then(|ingress| {
        rules.ok_or_add(ingress::ingress(ingress.template.as_deref(), raw_name, namespace))
    });
    if ingress.is_some() {
        rules.note(
            "spec.ingress has no effect: this version of the operator creates no Ingress; create it yourself, with the Service \
             of the REST API as its backend",
        );
    }
    check_log_files(&mut rules, spec);
    let workload = workload(&mut rules, spec);
    processes::check(&mut rules, spec, version.unwrap_or(FlinkVersion::NEWEST_SUPPORTED));
    check_change(&mut rules, resource);
    if spec.service_account.is_none() {
        rules.add(Fault::new(
            "spec.serviceAccount",
            "it is not set",
            "write the name of the service account of the cluster's pods; the chart creates one \
             named flink",
        ));
    }
    autoscaler::check(&mut rules);
    let effective = match effective::deploy(defaults, namespace, raw_name, generation, spec) {
        Ok(effective) => Some(effective),
        Err(faults) => {
            rules.add_all(faults);
            None
        }
    };
    if let (None, Some(version)) = (&effective, version) {
        // Without the derived options, the check of overlapping keys is limited to those that are set.
        let written = effective::for_flink(&rules.configuration);
        config_file::check_overlaps(&mut rules, &written, version);
    }
    if let (Some(effective), Some(version), Some(management), Some(_)) =
        (&effective, version, management, &workload)
    {
        check_buildable(&mut rules, spec, effective, version, management);
    }
    let notes = rules.finish()?;
    match (name, version, management, workload, effective) {
        (Some(name), Some(flink_version), Some(management), Some(workload), Some(effective)) => {
            Ok(ValidDeployment {
                name,
                namespace: namespace.to_owned(),
                generation,
                flink_version,
                management,
                workload,
                ingress,
                spec: spec.clone(),
                effective,
                notes,
            })
        }
        // Unreachable in practice: each check that returns nothing has added a fault.
        _ => Err(vec![Fault::new("spec", "it cannot be read", "compare it with the examples")]),
    }
}

fn name(raw: &str) -> Result<ClusterName, Fault> {
    raw.parse().map_err(|_| {
        Fault::new(
            "metadata.name",
            "it cannot be the name of a Flink cluster",
            "use at most 45 lower-case letters, digits and hyphens, starting with a letter and \
             ending with a letter or digit, for example my-job-1",
        )
        .with_value(raw)
    })
}

fn check_version(rules: &mut Rules, version: FlinkVersion) -> Option<FlinkVersion> {
    let (oldest, newest) = (FlinkVersion::OLDEST_CURRENT, FlinkVersion::NEWEST_SUPPORTED);
    if !version.is_supported() {
        let fault = Fault::new(
            "spec.flinkVersion",
            "this version of the operator does not support it",
            format!("write a version from {oldest} to {newest}"),
        );
        rules.add(fault.with_value(version));
        return None;
    }
    if version < oldest {
        rules.note(format!(
            "Flink {version} is deprecated: the operator deploys it, but is no longer tested with \
             it; upgrade to {oldest} or later"
        ));
    }
    Some(version)
}

/// Checks options that only the operator may set.
fn check_forbidden_keys(rules: &mut Rules) {
    for key in ["kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"] {
        if let Some(value) = rules.configuration.text(key) {
            let fault = Fault::new(
                rules.field(key),
                "the operator sets this option from the name and namespace of the resource",
                "remove the option",
            );
            rules.add(fault.with_value(value));
        }
    }
    for key in
        ["kubernetes.pod-template-file.jobmanager", "kubernetes.pod-template-file.taskmanager"]
    {
        if rules.configuration.contains_key(key) {
            rules.note(format!("{key} has no effect: pod templates come from the spec"));
        }
    }
    if let Err(error) = effective::configured_job_id(&rules.configuration) {
        rules.add_option_error(&error);
    }
}

fn management(rules: &mut Rules, spec: &FlinkDeploymentSpec) -> Option<Management> {
    match &spec.mode {
        None | Some(DeploymentMode::Native) => Some(Management::Native),
        Some(DeploymentMode::Standalone) => Some(Management::Standalone),
        Some(DeploymentMode::Unrecognised(word)) => {
            let fault = Fault::new(
                "spec.mode",
                "it is not a deployment mode",
                "write native or standalone",
            );
            rules.add(fault.with_value(word));
            None
        }
    }
}

/// Reactive mode uses all TaskManagers that register, so something other than Flink must start them. A JobManager in
/// native mode exits at once if the option is set.
fn check_scheduler_mode(rules: &mut Rules, management: Option<Management>) {
    let mode = rules.read(&job::SCHEDULER_MODE).unwrap_or_default();
    if management == Some(Management::Native) && mode.eq_ignore_ascii_case("reactive") {
        let fault = Fault::new(
            rules.field(job::SCHEDULER_MODE.key),
            "Flink supports reactive mode only in standalone clusters",
            "remove the option; for a job that can be rescaled while it runs, set jobmanager.scheduler to adaptive",
        );
        rules.add(fault.with_value(mode));
    }
}

fn check_log_files(rules: &mut Rules, spec: &FlinkDeploymentSpec) {
    for name in spec.log_configuration.iter().flat_map(BTreeMap::keys) {
        if !LOG_CONFIGURATION_KEYS.contains(&name.as_str()) {
            rules.add(Fault::new(
                format!("spec.logConfiguration.{name}"),
                "it is not the name of a log configuration file",
                format!("use only {}", LOG_CONFIGURATION_KEYS.join(" and ")),
            ));
        }
    }
}

fn workload(rules: &mut Rules, spec: &FlinkDeploymentSpec) -> Option<Workload> {
    let Some(job) = &spec.job else { return Some(Workload::Session) };
    let replicas = spec.task_manager.as_ref().and_then(|spec| spec.replicas);
    jobs::check(rules, job, replicas).map(Workload::Application)
}

fn check_change(rules: &mut Rules, resource: &FlinkDeployment) {
    let Some(status) = &resource.status else { return };
    match record::last_reconciled(status) {
        Ok(Some(recorded)) => change::check(rules, &recorded.spec, &resource.spec),
        Ok(None) => {}
        Err(error) => rules.add(Fault::new(
            "status.reconciliationStatus.lastReconciledSpec",
            error.to_string(),
            "restore the status from a backup, or delete the resource and create it again with the \
             last savepoint as spec.job.initialSavepointPath",
        )),
    }
}

/// Builds the objects of the cluster and discards them: an error of the builder is a fault of the
/// resource.
fn check_buildable(
    rules: &mut Rules,
    spec: &FlinkDeploymentSpec,
    effective: &EffectiveCluster,
    version: FlinkVersion,
    management: Management,
) {
    processes::check_memory(rules, &effective.configuration, version);
    let mode = if spec.job.is_some() { ClusterMode::Application } else { ClusterMode::Session };
    let input = effective::native_input(
        effective,
        version,
        mode,
        &placeholder_keys(spec),
        &BTreeMap::new(),
    );
    config_file::check(rules, spec, &input, version);
    if management == Management::Standalone {
        return;
    }
    let had_faults = rules.has_faults();
    let task_manager = native::task_manager_pod(&input);
    match native::build(input) {
        Ok(objects) => {
            pods::check(rules, spec, effective, &objects, task_manager.as_ref().ok());
            for ignored in objects.ignored {
                rules.note(ignored.to_string());
            }
            if let (Err(error), false) = (task_manager, had_faults) {
                rules.add(Fault::of_build(&error));
            }
        }
        // Most likely it is one of the faults that were found before, in other words.
        Err(_) if had_faults => {}
        Err(error) => rules.add(Fault::of_build(&error)),
    }
}

/// Placeholders for the values that are known only at the time of a deployment.
fn placeholder_keys(spec: &FlinkDeploymentSpec) -> DeployKeys {
    let job = spec.job.as_ref().map(|_| JobKeys {
        job_id: JobId::from_bytes([0; 16]),
        restore: RestoreFrom::HaMetadata,
        job_result_store_id: "placeholder".to_owned(),
    });
    DeployKeys {
        owner: Owner { name: "placeholder".to_owned(), uid: "placeholder".to_owned() },
        job,
    }
}
