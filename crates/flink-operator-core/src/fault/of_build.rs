//! Converts errors of the object builder and of the memory model into faults.

use super::Fault;
use crate::{build::BuildError, conf::memory::MemoryError};

/// The field with the Flink options of a resource.
const OPTIONS: &str = "spec.flinkConfiguration";

const TEMPLATE_REMEDY: &str = "write metadata and spec as in a Pod, with a list of containers";

impl Fault {
    /// A fault of a configuration or template from which no cluster can be built.
    pub(crate) fn of_build(error: &BuildError) -> Self {
        let option = |key: &str, problem: &str, remedy: String| {
            Self::new(format!("{OPTIONS}.{key}"), problem, remedy)
        };
        match error {
            BuildError::Missing { key } => {
                option(key, "it is not set, but a cluster needs it", format!("set {key}"))
            }
            BuildError::Blank { key } => {
                option(key, "it is blank", "write a value, or remove the option".to_owned())
            }
            BuildError::Config(error) => Self::of_option(OPTIONS, error),
            BuildError::Memory(error) => Self::of_memory(error),
            BuildError::Port { key, value, min } => option(
                key,
                "it is not a single port number, which the Services need",
                format!("write one port from {min} to 65535"),
            )
            .with_value(value),
            BuildError::LimitFactor { key, factor } => {
                option(key, "the limit would be below the request", "write 1.0 or more".to_owned())
                    .with_value(factor)
            }
            BuildError::Cpu { key, cores } => {
                option(key, "it is negative", "write 0 or a positive number of CPUs".to_owned())
                    .with_value(cores)
            }
            BuildError::ExecutionTarget { value, allowed } => option(
                "execution.target",
                "it is not the target of an application cluster",
                format!("write {allowed}, or remove the option"),
            )
            .with_value(value),
            BuildError::KeytabWithoutPrincipal => option(
                "security.kerberos.login.principal",
                "it is not set, but security.kerberos.login.keytab is",
                "set both or neither".to_owned(),
            ),
            BuildError::MissingFile { key, path } => option(
                key,
                "the operator has no such file to mount into the pods",
                "mount the file with a pod template and set \
                 kubernetes.decorator.kerberos-mount.enabled to false"
                    .to_owned(),
            )
            .with_value(path),
            BuildError::VolumeClaim { claim, path, fault } => option(
                "kubernetes.persistent-volume-claims",
                fault,
                "write the name of each claim with an absolute path".to_owned(),
            )
            .with_value(format!("{claim}: {path}")),
            BuildError::Jars { count, version, allowed } => Self::new(
                "spec.job.jarURI",
                format!(
                    "a Java application of Flink {version} has {allowed} jar, but there are {count}"
                ),
                "write the URI of the job's jar, for example local:///opt/flink/usrlib/job.jar",
            ),
            BuildError::ClusterId { id, .. } => Self::new(
                "metadata.name",
                "it cannot be the name of a cluster",
                "use 1 to 45 characters",
            )
            .with_value(id),
            BuildError::Replicas { replicas } => Self::new(
                "spec.jobManager.replicas",
                "a cluster needs at least one JobManager",
                "write 1 or more",
            )
            .with_value(replicas),
            BuildError::StandbyWithoutHighAvailability { replicas } => {
                Self::standby_without_high_availability(*replicas)
            }
            BuildError::PodTemplate { role, source } => {
                Self::new(template(role), source.to_string(), TEMPLATE_REMEDY)
            }
            BuildError::TemplateText { role, reason } => {
                Self::new(template(role), reason.clone(), TEMPLATE_REMEDY)
            }
            BuildError::Overlap { source, .. } => Self::new(
                OPTIONS,
                source.to_string(),
                "replace the shorter key of each pair with its current name, or remove it",
            ),
            BuildError::Entry(error) => Self::new(
                OPTIONS,
                error.to_string(),
                "write the entries as Flink's documentation describes them",
            ),
        }
    }

    /// A fault of memory options that are missing, invalid or inconsistent.
    pub(crate) fn of_memory(error: &MemoryError) -> Self {
        match error {
            MemoryError::Option(error) => Self::of_option(OPTIONS, error),
            MemoryError::NotConfigured { process, .. } => Self::memory_not_set(process),
            MemoryError::Inconsistent { key, value, problem, allowed } => {
                Self::new(format!("{OPTIONS}.{key}"), problem.clone(), format!("write {allowed}"))
                    .with_value(value)
            }
        }
    }

    /// `process` is `JobManager` or `TaskManager`.
    pub(crate) fn memory_not_set(process: &str) -> Self {
        let member = match process {
            "JobManager" => "jobManager",
            _ => "taskManager",
        };
        Self::new(
            format!("spec.{member}.resource.memory"),
            format!("the memory of the {process} is not configured"),
            format!(
                "write an amount, for example 2048m, or set \
                 spec.{member}.resources.requests.memory, for example 2Gi"
            ),
        )
    }

    /// A pod template in which `place` has the wrong type; `role` is `JobManager` or `TaskManager`.
    pub(crate) fn of_template(role: &str, place: &str) -> Self {
        Self::new(template(role), format!("{place} has the wrong type"), TEMPLATE_REMEDY)
    }

    pub(crate) fn standby_without_high_availability(replicas: i32) -> Self {
        Self::new(
            "spec.jobManager.replicas",
            "standby JobManagers need high availability, which is not configured",
            "write 1, or set high-availability.type and high-availability.storageDir",
        )
        .with_value(replicas)
    }
}

/// The fields that make up the pod template of a process.
fn template(role: &str) -> &'static str {
    match role {
        "JobManager" => "spec.podTemplate or spec.jobManager.podTemplate",
        _ => "spec.podTemplate or spec.taskManager.podTemplate",
    }
}
