//! Rules on JobManagers and TaskManagers: replicas, memory, and the high availability they need.

use flink_operator_api::{FlinkDeploymentSpec, Resource, ResourceRequirements};

use super::{job, rules::Rules};
use crate::{
    conf::{
        Configuration,
        memory::{self, MemoryError},
        options::{
            high_availability::{self, HighAvailability},
            operator::resource,
        },
    },
    fault::Fault,
    flink_version::FlinkVersion,
    resources::{self, Process},
};

/// Checks the numbers of replicas, and that the memory of each process is configured.
pub(super) fn check(rules: &mut Rules, spec: &FlinkDeploymentSpec, version: FlinkVersion) {
    let high_availability = match HighAvailability::of(&rules.configuration) {
        Ok(kind) => {
            check_high_availability(rules, &kind);
            kind.is_on()
        }
        Err(error) => {
            rules.add_option_error(&error);
            false
        }
    };
    if rules.read_or_default(&resource::ROLLBACK_ENABLED) == Some(true) && !high_availability {
        rules.add(Fault::new(
            rules.field(resource::ROLLBACK_ENABLED.key),
            "a rollback needs high availability, which is not configured",
            "write false, or set high-availability.type and high-availability.storageDir",
        ));
    }
    if rules.read_or_default(&resource::HEALTH_CHECK_ENABLED) == Some(true)
        && rules.read_or_default(&resource::JOB_MANAGER_RECOVERY_ENABLED) == Some(false)
    {
        rules.add(Fault::new(
            rules.field(resource::HEALTH_CHECK_ENABLED.key),
            "the operator restarts an unhealthy job by recovering its JobManager, which is disabled",
            format!("write false, or set {} to true", resource::JOB_MANAGER_RECOVERY_ENABLED.key),
        ));
    }
    let job_manager = spec.job_manager.as_ref();
    check_resources(
        rules,
        Process::JobManager,
        job_manager.and_then(|spec| spec.resource.as_ref()),
        job_manager.and_then(|spec| spec.resources.as_ref()),
        version,
    );
    if let Some(replicas) = job_manager.map(|spec| spec.replicas) {
        if replicas < 1 {
            let fault = Fault::new(
                "spec.jobManager.replicas",
                "a cluster has at least one JobManager",
                "write 1 or more, or leave it out",
            );
            rules.add(fault.with_value(replicas));
        } else if replicas > 1 && !high_availability {
            rules.add(Fault::standby_without_high_availability(replicas));
        }
    }
    let task_manager = spec.task_manager.as_ref();
    check_resources(
        rules,
        Process::TaskManager,
        task_manager.and_then(|spec| spec.resource.as_ref()),
        task_manager.and_then(|spec| spec.resources.as_ref()),
        version,
    );
    if let Some(replicas) = task_manager.and_then(|spec| spec.replicas)
        && replicas < 1
    {
        rules.add(job::no_task_managers(replicas));
    }
}

/// Checks the options without which the JobManager ends as soon as it starts. What a factory of the user's needs is not known.
fn check_high_availability(rules: &mut Rules, kind: &HighAvailability) {
    let (needs_storage, needs_quorum) = match kind {
        HighAvailability::Kubernetes => (true, false),
        HighAvailability::ZooKeeper => (true, true),
        HighAvailability::Off | HighAvailability::Custom(_) => (false, false),
    };
    if needs_storage && !rules.is_present(&high_availability::STORAGE_DIR) {
        rules.add(Fault::new(
            rules.field(high_availability::STORAGE_DIR.key),
            "it is not set, and with high availability the JobManager does not start without it",
            "write a directory that outlives the JobManager, for example s3://bucket/ha",
        ));
    }
    if needs_quorum && !rules.is_present(&high_availability::ZOOKEEPER_QUORUM) {
        rules.add(Fault::new(
            rules.field(high_availability::ZOOKEEPER_QUORUM.key),
            "it is not set, and without it the JobManager does not find ZooKeeper",
            "write the addresses of the servers, for example zk-0:2181,zk-1:2181,zk-2:2181",
        ));
    }
}

fn check_resources(
    rules: &mut Rules,
    process: Process,
    resource: Option<&Resource>,
    resources: Option<&ResourceRequirements>,
    version: FlinkVersion,
) {
    let quantities = resources.filter(|resources| resources::has_quantities(resources));
    if quantities.is_some() && resource.is_some() {
        let field = process.field();
        rules.note(format!("{field}.resource has no effect because {field}.resources is set"));
    }
    let memory_is_set = quantities.map_or_else(
        || resource.is_some_and(|resource| resource.memory.is_some()),
        |quantities| {
            quantities.requests.contains_key("memory") || quantities.limits.contains_key("memory")
        },
    );
    if !memory_is_set && let Err(error) = check_memory_of(process, &rules.configuration, version) {
        rules.add(Fault::of_memory(&error));
    }
}

/// Checks the memory options of the complete configuration.
pub(super) fn check_memory(rules: &mut Rules, effective: &Configuration, version: FlinkVersion) {
    for process in [Process::JobManager, Process::TaskManager] {
        if let Err(error) = check_memory_of(process, effective, version) {
            rules.add(Fault::of_memory(&error));
        }
    }
}

fn check_memory_of(
    process: Process,
    configuration: &Configuration,
    version: FlinkVersion,
) -> Result<(), MemoryError> {
    match process {
        Process::JobManager => memory::job_manager_memory(configuration, version).map(drop),
        Process::TaskManager => memory::task_manager_memory(configuration, version).map(drop),
    }
}
