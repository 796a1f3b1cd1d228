//! Computes `status.lifecycleState` from the rest of the status.

use flink_operator_api::{
    FlinkDeploymentStatus, FlinkJobStatus, FlinkSessionJobStatus, JobManagerDeploymentStatus,
    JobState, LifecycleState, ReconciliationState,
};

use crate::record::{self, Spec as _, Status};

/// Phrases of `status.error` by which the Java operator recognises that a cluster without a JobManager
/// needs a person to restore it. Its errors contain them, and so must those of this operator.
const FINAL_ERROR_PHRASES: [&str; 3] = [
    "Manual restore required.",
    "It is possible that the job has finished or terminally failed, or the configmaps have been deleted.",
    "HA metadata is not available",
];

/// The state of a FlinkDeployment.
pub fn of_deployment(status: &FlinkDeploymentStatus) -> LifecycleState {
    let no_job_manager = matches!(
        status.job_manager_deployment_status,
        JobManagerDeploymentStatus::Missing | JobManagerDeploymentStatus::Error
    );
    let final_error = status
        .error
        .as_deref()
        .is_some_and(|error| FINAL_ERROR_PHRASES.iter().any(|phrase| error.contains(phrase)));
    compute(
        status,
        &Facts {
            stored: status.lifecycle_state.as_ref(),
            error: status.error.as_deref(),
            job: status.job_status.state.as_ref(),
            lost: no_job_manager && final_error,
        },
    )
}

/// The state of a FlinkSessionJob.
pub fn of_session_job(status: &FlinkSessionJobStatus) -> LifecycleState {
    compute(
        status,
        &Facts {
            stored: status.lifecycle_state.as_ref(),
            error: status.error.as_deref(),
            job: status.job_status.state.as_ref(),
            lost: false,
        },
    )
}

struct Facts<'a> {
    stored: Option<&'a LifecycleState>,
    error: Option<&'a str>,
    job: Option<&'a FlinkJobStatus>,
    /// The cluster has no JobManager, and the error says that the operator cannot restore it.
    lost: bool,
}

/// The conditions are in order: the first one that holds decides.
fn compute<S: Status>(status: &S, facts: &Facts<'_>) -> LifecycleState {
    if let Some(ending @ (LifecycleState::Deleting | LifecycleState::Deleted)) = facts.stored {
        return ending.clone();
    }
    let reconciliation = status.reconciliation();
    if reconciliation.last_reconciled_spec.is_none() {
        let failed = facts.error.is_some_and(|error| !error.is_empty());
        return if failed { LifecycleState::Failed } else { LifecycleState::Created };
    }
    match reconciliation.state {
        ReconciliationState::Upgrading => return LifecycleState::Upgrading,
        ReconciliationState::RollingBack => return LifecycleState::RollingBack,
        ReconciliationState::Deployed
        | ReconciliationState::RolledBack
        | ReconciliationState::Unrecognised(_) => {}
    }
    if records_suspended_job(status) {
        LifecycleState::Suspended
    } else if facts.job == Some(&FlinkJobStatus::Failed) || facts.lost {
        LifecycleState::Failed
    } else if reconciliation.state == ReconciliationState::RolledBack {
        LifecycleState::RolledBack
    } else if record::is_stable(status) {
        LifecycleState::Stable
    } else {
        LifecycleState::Deployed
    }
}

/// Whether the recorded spec suspends the job. No lifecycle state stands for a record that cannot be
/// parsed, so it counts as running; other code reports it.
fn records_suspended_job<S: Status>(status: &S) -> bool {
    let Ok(Some(recorded)) = record::last_reconciled(status) else { return false };
    recorded.spec.job().is_some_and(|job| job.state == Some(JobState::Suspended))
}

#[cfg(test)]
mod tests;
