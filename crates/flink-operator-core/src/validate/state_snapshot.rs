//! Checks a whole FlinkStateSnapshot.

use flink_operator_api::{
    FlinkStateSnapshot, FlinkStateSnapshotSpec, JobKind, SavepointFormatType, SavepointSpec,
    SnapshotState,
};

use crate::fault::Fault;

/// A FlinkStateSnapshot that the operator can take, or that refers to an existing savepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidSnapshot {
    pub kind: SnapshotKind,
    /// Maximum number of retries; `None` for no limit.
    pub retries: Option<u32>,
}

/// The kind of a snapshot with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotKind {
    Savepoint {
        job: JobKind,
        job_name: String,
        /// `None` for the savepoint directory that the job is configured with.
        directory: Option<String>,
        format: SavepointFormatType,
        dispose_on_delete: bool,
    },
    Checkpoint {
        job: JobKind,
        job_name: String,
    },
    /// A savepoint that already exists, which the resource represents in Kubernetes.
    Existing {
        path: String,
        dispose_on_delete: bool,
        /// The job whose cluster can dispose of the savepoint.
        job: Option<(JobKind, String)>,
    },
}

/// Whether the resource that `spec.jobReference` names exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotTarget {
    Found,
    Missing,
    /// The operator did not look it up, or the lookup failed.
    Unknown,
}

/// Checks a FlinkStateSnapshot.
///
/// # Errors
///
/// Every fault of the resource.
pub fn state_snapshot(
    resource: &FlinkStateSnapshot,
    target: SnapshotTarget,
) -> Result<ValidSnapshot, Vec<Fault>> {
    let spec = &resource.spec;
    let mut faults = Vec::new();
    let kind = match (&spec.savepoint, &spec.checkpoint) {
        (Some(savepoint), None) if savepoint.already_exists == Some(true) => {
            existing(spec, savepoint, &mut faults)
        }
        (Some(savepoint), None) => {
            let format = format(savepoint, &mut faults);
            job(spec, &mut faults).zip(format).map(|((job, job_name), format)| {
                SnapshotKind::Savepoint {
                    job,
                    job_name,
                    directory: savepoint.path.clone().filter(|path| !path.trim().is_empty()),
                    format,
                    dispose_on_delete: savepoint.dispose_on_delete.unwrap_or(true),
                }
            })
        }
        (None, Some(_)) => {
            job(spec, &mut faults).map(|(job, job_name)| SnapshotKind::Checkpoint { job, job_name })
        }
        (Some(_), Some(_)) | (None, None) => {
            faults.push(Fault::new(
                "spec",
                "exactly one of savepoint and checkpoint must be set",
                "write savepoint: {} or checkpoint: {}",
            ));
            None
        }
    };
    check_target(resource, kind.as_ref(), target, &mut faults);
    match kind {
        Some(kind) if faults.is_empty() => {
            Ok(ValidSnapshot { kind, retries: u32::try_from(spec.backoff_limit).ok() })
        }
        Some(_) | None => Err(faults),
    }
}

fn existing(
    spec: &FlinkStateSnapshotSpec,
    savepoint: &SavepointSpec,
    faults: &mut Vec<Fault>,
) -> Option<SnapshotKind> {
    let Some(path) = savepoint.path.clone().filter(|path| !path.trim().is_empty()) else {
        faults.push(Fault::new(
            "spec.savepoint.path",
            "it is not set, but spec.savepoint.alreadyExists is true",
            "write the path of the savepoint, for example s3://bucket/savepoints/savepoint-1",
        ));
        return None;
    };
    let reference = spec.job_reference.clone().unwrap_or_default();
    Some(SnapshotKind::Existing {
        path,
        dispose_on_delete: savepoint.dispose_on_delete.unwrap_or(true),
        job: reference.kind.zip(reference.name),
    })
}

fn format(savepoint: &SavepointSpec, faults: &mut Vec<Fault>) -> Option<SavepointFormatType> {
    match &savepoint.format_type {
        None | Some(SavepointFormatType::Unknown) => Some(SavepointFormatType::Canonical),
        Some(known @ (SavepointFormatType::Canonical | SavepointFormatType::Native)) => {
            Some(known.clone())
        }
        Some(SavepointFormatType::Unrecognised(word)) => {
            let fault = Fault::new(
                "spec.savepoint.formatType",
                "it is not a savepoint format",
                "write CANONICAL or NATIVE",
            );
            faults.push(fault.with_value(word));
            None
        }
    }
}

fn job(spec: &FlinkStateSnapshotSpec, faults: &mut Vec<Fault>) -> Option<(JobKind, String)> {
    const REMEDY: &str = "write the kind, FlinkDeployment or FlinkSessionJob, and the name of a \
                          resource in the same namespace";
    let Some(reference) = &spec.job_reference else {
        faults.push(Fault::new("spec.jobReference", "it is not set", REMEDY));
        return None;
    };
    let kind = match &reference.kind {
        Some(kind @ (JobKind::FlinkDeployment | JobKind::FlinkSessionJob)) => Some(kind.clone()),
        Some(JobKind::Unrecognised(word)) => {
            let fault =
                Fault::new("spec.jobReference.kind", "resources of this kind have no job", REMEDY);
            faults.push(fault.with_value(word));
            None
        }
        None => {
            faults.push(Fault::new("spec.jobReference.kind", "it is not set", REMEDY));
            None
        }
    };
    let name = reference.name.clone().filter(|name| !name.is_empty());
    if name.is_none() {
        faults.push(Fault::new("spec.jobReference.name", "it is not set", REMEDY));
    }
    kind.zip(name)
}

/// Checks that the job exists, unless the snapshot was already triggered.
fn check_target(
    resource: &FlinkStateSnapshot,
    kind: Option<&SnapshotKind>,
    target: SnapshotTarget,
    faults: &mut Vec<Fault>,
) {
    let pending =
        resource.status.as_ref().is_none_or(|status| status.state == SnapshotState::TriggerPending);
    let Some(
        SnapshotKind::Savepoint { job, job_name, .. } | SnapshotKind::Checkpoint { job, job_name },
    ) = kind
    else {
        return;
    };
    if pending && target == SnapshotTarget::Missing {
        let fault = Fault::new(
            "spec.jobReference",
            "this resource does not exist in the namespace of the snapshot",
            "write the name of an existing resource, or create it first",
        );
        faults.push(fault.with_value(format!("{job} {job_name}")));
    }
}
