//! The spec that the status says was deployed, or is being deployed, and what is wanted in its place.

use std::borrow::Cow;

use flink_operator_api::{
    DeploymentMode, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus, JobState,
    ReconciliationState, RecordedSpec, UpgradeMode,
};

use crate::diff::{self, DiffType, SpecDiff};
use crate::record;

/// `lastReconciledSpec`, read from the status.
pub(crate) type Recorded = RecordedSpec<FlinkDeploymentSpec>;

/// Whether the recorded spec says that a job is to run. Upstream records `suspended` both for a job that was stopped and
/// for one whose deployment has not succeeded yet.
pub(crate) fn wants_running(spec: &FlinkDeploymentSpec) -> bool {
    spec.job.as_ref().is_none_or(|job| job.state != Some(JobState::Suspended))
}

/// The recorded spec as it is deployed: the record says `suspended` until the deployment has succeeded.
pub(crate) fn as_running(mut spec: FlinkDeploymentSpec) -> FlinkDeploymentSpec {
    if let Some(job) = &mut spec.job {
        job.state = Some(JobState::Running);
    }
    spec
}

pub(crate) fn mode_of(spec: &FlinkDeploymentSpec) -> Option<UpgradeMode> {
    spec.job.as_ref().and_then(|job| job.upgrade_mode.clone())
}

/// Whether the next start restores from `upgradeSavepointPath`.
pub(crate) fn starts_from_path(recorded: &Recorded) -> bool {
    mode_of(&recorded.spec) == Some(UpgradeMode::Savepoint)
}

/// The spec that runs: after a rollback it is not the recorded one.
pub(crate) fn deployed<'r>(
    status: &FlinkDeploymentStatus,
    recorded: &'r Recorded,
) -> Cow<'r, Recorded> {
    if status.reconciliation_status.state != ReconciliationState::RolledBack {
        return Cow::Borrowed(recorded);
    }
    let stable = record::last_stable(status).ok().flatten();
    stable.map_or(Cow::Borrowed(recorded), |stable| {
        Cow::Owned(RecordedSpec {
            spec: as_running(stable.spec),
            resource_metadata: recorded.resource_metadata.clone(),
        })
    })
}

/// Compares with the desired spec. The desired deployment mode (native or standalone) selects the rules.
pub(crate) fn difference(recorded: &Recorded, desired: &FlinkDeploymentSpec) -> SpecDiff {
    let mode = desired.mode.clone().unwrap_or(DeploymentMode::Native);
    diff::deployment(&recorded.spec, desired, &mode)
}

/// Whether the desired spec asks for just what is deployed.
pub(crate) fn same(deployed: &Recorded, desired: &FlinkDeploymentSpec) -> bool {
    difference(deployed, desired).diff_type() == DiffType::Ignore
}

/// The difference between what is deployed and what is wanted.
pub(crate) fn changes(recorded: &Recorded, desired: &FlinkDeploymentSpec) -> String {
    difference(recorded, desired).to_string()
}

/// Whether the status says that the job is being cancelled for a change of its spec: the record is still that of the job
/// that runs.
pub(crate) fn is_being_cancelled(status: &FlinkDeploymentStatus, recorded: &Recorded) -> bool {
    status.reconciliation_status.state == ReconciliationState::Upgrading
        && status.job_status.state == Some(FlinkJobStatus::Cancelling)
        && recorded.spec.job.is_some()
        && wants_running(&recorded.spec)
}
