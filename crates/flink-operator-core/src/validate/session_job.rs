//! Checks a whole FlinkSessionJob.

use flink_operator_api::{FlinkDeployment, FlinkSessionJob, FlinkSessionJobSpec};

use super::{
    artifact::{self, JarUri},
    autoscaler,
    job::{self, ValidJob},
    options,
    rules::Rules,
};
use crate::{
    conf::Configuration,
    effective::{self, DefaultConfiguration},
    fault::Fault,
    names::ClusterName,
    record,
};

/// A FlinkSessionJob that can be submitted, if the host of its jar resolves to public addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidSessionJob {
    /// The session cluster.
    pub cluster: ClusterName,
    pub job: ValidJob,
    /// `None` if the jar is already on the cluster.
    pub jar: Option<JarUri>,
    /// The operator's defaults, overridden by the options of the cluster, then those of the job.
    pub configuration: Configuration,
    /// The spec as the user wrote it. The status records this text.
    pub spec: FlinkSessionJobSpec,
    /// Warnings: settings that are allowed but do not do what the user may expect.
    pub notes: Vec<String>,
}

const CLUSTER_FIELD: &str = "spec.deploymentName";

/// Checks a FlinkSessionJob. `cluster` is its session cluster, if the operator has seen it.
///
/// # Errors
///
/// Every fault of the resource.
pub fn session_job(
    resource: &FlinkSessionJob,
    cluster: Option<&FlinkDeployment>,
    defaults: &DefaultConfiguration,
) -> Result<ValidSessionJob, Vec<Fault>> {
    let spec = &resource.spec;
    // Without a namespace in the manifest, kubectl uses the namespace "default".
    let namespace = resource.metadata.namespace.as_deref().unwrap_or("default");
    let options = spec.flink_configuration.as_ref();
    let mut configuration = match cluster.map(|cluster| &cluster.spec) {
        Some(cluster) => {
            let version = effective::version(cluster).ok();
            effective::base(defaults, namespace, version, cluster.flink_configuration.as_ref())
        }
        None => effective::base(defaults, namespace, None, None),
    };
    configuration
        .extend(options.map(flink_operator_api::FlinkConfiguration::flatten).unwrap_or_default());
    let mut rules = Rules::new(configuration, options);

    let name = cluster_name(&mut rules, spec);
    check_change(&mut rules, resource);
    if options.is_some_and(|options| !options.is_object()) {
        rules.add(Fault::new(
            "spec.flinkConfiguration",
            "it is no object",
            "write Flink options as members of an object",
        ));
    }
    if spec.job.is_none() {
        rules.add(Fault::new(
            "spec.job",
            "it is not set",
            "describe the job: at least spec.job.jarURI and spec.job.parallelism",
        ));
    }
    let jar_uri = spec.job.as_ref().and_then(|job| job.jar_uri.as_deref());
    let jar = jar_uri.and_then(|jar_uri| {
        let mut operator = Rules::new(defaults.operator().clone(), None);
        let jar = artifact::check(&mut rules, &mut operator, jar_uri);
        rules.add_all(operator.finish().err().into_iter().flatten());
        jar
    });
    options::check(&mut rules);
    let job = spec.job.as_ref().and_then(|spec| check_job(&mut rules, spec, cluster.is_some()));
    if let Some(cluster) = cluster {
        check_cluster(&mut rules, spec, cluster);
        autoscaler::check(&mut rules);
    }
    let configuration = rules.configuration.clone();
    let notes = rules.finish()?;
    match (name, job) {
        (Some(cluster), Some(job)) => {
            Ok(ValidSessionJob { cluster, job, jar, configuration, spec: spec.clone(), notes })
        }
        // Unreachable in practice: each check that returns nothing has added a fault.
        (None, _) | (_, None) => {
            Err(vec![Fault::new("spec", "it can not be read", "compare it with the examples")])
        }
    }
}

/// Whether a job has the folders that it needs depends on the options of its cluster: as long as
/// that is not known, such faults do not count.
fn check_job(
    rules: &mut Rules,
    spec: &flink_operator_api::JobSpec,
    cluster_known: bool,
) -> Option<ValidJob> {
    if cluster_known {
        return job::check(rules, spec, None);
    }
    let mut apart = Rules::new(rules.configuration.clone(), None);
    let job = job::check(&mut apart, spec, None);
    if job.is_none() {
        rules.add_all(apart.finish().err().into_iter().flatten());
    }
    job
}

fn cluster_name(rules: &mut Rules, spec: &FlinkSessionJobSpec) -> Option<ClusterName> {
    const REMEDY: &str =
        "name the FlinkDeployment in the same namespace whose cluster runs the job";
    let Some(name) = &spec.deployment_name else {
        rules.add(Fault::new(CLUSTER_FIELD, "it is not set", REMEDY));
        return None;
    };
    let parsed = name.parse().map_err(|_| {
        Fault::new(CLUSTER_FIELD, "it can not be the name of a cluster", REMEDY).with_value(name)
    });
    rules.keep(parsed)
}

fn check_change(rules: &mut Rules, resource: &FlinkSessionJob) {
    let Some(status) = &resource.status else { return };
    match record::last_reconciled(status) {
        Ok(Some(recorded)) if recorded.spec.deployment_name != resource.spec.deployment_name => {
            let before = recorded.spec.deployment_name.unwrap_or_default();
            let fault = Fault::new(
                CLUSTER_FIELD,
                format!("a job that was submitted to {before} can not move to another cluster"),
                "undo the change, or create another FlinkSessionJob",
            );
            rules.add(
                fault.with_value(resource.spec.deployment_name.as_deref().unwrap_or_default()),
            );
        }
        Ok(_) => {}
        Err(error) => rules.add(Fault::new(
            "status.reconciliationStatus.lastReconciledSpec",
            error.to_string(),
            "restore the status from a backup, or delete the resource and create it anew from its \
             last savepoint",
        )),
    }
}

fn check_cluster(rules: &mut Rules, spec: &FlinkSessionJobSpec, cluster: &FlinkDeployment) {
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    if cluster.spec.job.is_some() {
        let fault = Fault::new(
            CLUSTER_FIELD,
            "it is the cluster of an application, which takes no other job",
            "name a FlinkDeployment without spec.job",
        );
        rules.add(fault.with_value(name));
    }
    if spec.deployment_name.as_deref().is_some_and(|wanted| wanted != name) {
        let fault = Fault::new(
            CLUSTER_FIELD,
            format!("the cluster that was found is {name}"),
            "name the cluster that is to run the job",
        );
        rules.add(fault.with_value(spec.deployment_name.as_deref().unwrap_or_default()));
    }
}
