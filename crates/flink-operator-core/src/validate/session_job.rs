//! Checks a whole FlinkSessionJob.

use flink_operator_api::{FlinkDeployment, FlinkSessionJob, FlinkSessionJobSpec, JobSpec};

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
    effective::add_resource_options(&mut configuration, options);
    let mut rules = Rules::new(configuration, options);

    let name = cluster_name(&mut rules, spec);
    check_change(&mut rules, resource);
    if options.is_some_and(|options| !options.is_object()) {
        rules.add(Fault::new(
            "spec.flinkConfiguration",
            "it is not an object",
            "write an object with the Flink options as its members",
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
    let job = spec.job.as_ref().and_then(|spec| match cluster {
        Some(_) => job::check(&mut rules, spec, None),
        None => check_job_without_cluster(&mut rules, spec),
    });
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
            Err(vec![Fault::new("spec", "it cannot be read", "compare it with the examples")])
        }
    }
}

/// Checks a job whose session cluster is unknown. The options of the cluster may set the directories
/// for its snapshots, so faults count only if the job itself cannot be read.
fn check_job_without_cluster(rules: &mut Rules, spec: &JobSpec) -> Option<ValidJob> {
    let mut separate = Rules::new(rules.configuration.clone(), None);
    let job = job::check(&mut separate, spec, None);
    if job.is_none() {
        rules.add_all(separate.finish().err().into_iter().flatten());
    }
    job
}

fn cluster_name(rules: &mut Rules, spec: &FlinkSessionJobSpec) -> Option<ClusterName> {
    const REMEDY: &str =
        "write the name of the FlinkDeployment in the same namespace whose cluster runs the job";
    let Some(name) = &spec.deployment_name else {
        rules.add(Fault::new(CLUSTER_FIELD, "it is not set", REMEDY));
        return None;
    };
    let parsed = name.parse().map_err(|_| {
        Fault::new(CLUSTER_FIELD, "it cannot be the name of a cluster", REMEDY).with_value(name)
    });
    rules.ok_or_add(parsed)
}

fn check_change(rules: &mut Rules, resource: &FlinkSessionJob) {
    let Some(status) = &resource.status else { return };
    match record::last_reconciled(status) {
        Ok(Some(recorded)) if recorded.spec.deployment_name != resource.spec.deployment_name => {
            let before = recorded.spec.deployment_name.unwrap_or_default();
            let fault = Fault::new(
                CLUSTER_FIELD,
                format!("the job was submitted to {before} and cannot move to another cluster"),
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
            "restore the status from a backup, or delete the resource and create it again with the \
             last savepoint as spec.job.initialSavepointPath",
        )),
    }
}

fn check_cluster(rules: &mut Rules, spec: &FlinkSessionJobSpec, cluster: &FlinkDeployment) {
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    if cluster.spec.job.is_some() {
        let fault = Fault::new(
            CLUSTER_FIELD,
            "it is an application cluster, which runs no session jobs",
            "write the name of a FlinkDeployment without spec.job",
        );
        rules.add(fault.with_value(name));
    }
    if spec.deployment_name.as_deref().is_some_and(|wanted| wanted != name) {
        let fault = Fault::new(
            CLUSTER_FIELD,
            format!("the cluster that was found is {name}"),
            "write the name of the FlinkDeployment whose cluster runs the job",
        );
        rules.add(fault.with_value(spec.deployment_name.as_deref().unwrap_or_default()));
    }
}
