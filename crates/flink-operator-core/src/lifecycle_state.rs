//! Computes `status.lifecycleState` from the rest of the status.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus, FlinkSessionJobSpec,
    FlinkSessionJobStatus, JobManagerDeploymentStatus, JobState, LifecycleState,
    ReconciliationState,
};

use crate::record::{self, Spec, Status};

/// Phrases of `status.error` by which the Java operator recognises that a cluster without a JobManager
/// needs a person to restore it. Its errors contain them, and so must those of this operator.
const FINAL_ERROR_PHRASES: [&str; 3] = [
    "Manual restore required.",
    "It is possible that the job has finished or terminally failed, or the configmaps have been deleted.",
    "HA metadata is not available",
];

/// The state of a FlinkDeployment whose record has this spec. A record that cannot be parsed counts as none; other code
/// reports it.
pub fn of_deployment(
    status: &FlinkDeploymentStatus,
    recorded: Option<&FlinkDeploymentSpec>,
) -> LifecycleState {
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
            suspended: recorded.is_some_and(is_suspended),
        },
    )
}

/// The state of a FlinkSessionJob whose record has this spec.
pub fn of_session_job(
    status: &FlinkSessionJobStatus,
    recorded: Option<&FlinkSessionJobSpec>,
) -> LifecycleState {
    compute(
        status,
        &Facts {
            stored: status.lifecycle_state.as_ref(),
            error: status.error.as_deref(),
            job: status.job_status.state.as_ref(),
            lost: false,
            suspended: recorded.is_some_and(is_suspended),
        },
    )
}

struct Facts<'a> {
    stored: Option<&'a LifecycleState>,
    error: Option<&'a str>,
    job: Option<&'a FlinkJobStatus>,
    /// The cluster has no JobManager, and the error says that the operator cannot restore it.
    lost: bool,
    /// The recorded spec suspends the job.
    suspended: bool,
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
    if facts.suspended {
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

fn is_suspended<S: Spec>(recorded: &S) -> bool {
    recorded.job().is_some_and(|job| job.state == Some(JobState::Suspended))
}

#[cfg(test)]
mod tests;
