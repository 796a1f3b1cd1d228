//! Functions that read a FlinkDeployment's status.

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    LifecycleState,
};

pub fn status(resource: &FlinkDeployment) -> FlinkDeploymentStatus {
    resource.status.clone().unwrap_or_default()
}

pub fn job_id(resource: &FlinkDeployment) -> String {
    status(resource).job_status.job_id.unwrap_or_default()
}

/// `status.jobStatus.upgradeSavepointPath`
pub fn restore_path(resource: &FlinkDeployment) -> String {
    status(resource).job_status.upgrade_savepoint_path.unwrap_or_default()
}

pub fn is(resource: &FlinkDeployment, state: &LifecycleState) -> bool {
    status(resource).lifecycle_state.as_ref() == Some(state)
}

/// Whether the job of the newest spec runs and is stable.
pub fn runs(resource: &FlinkDeployment) -> bool {
    job_runs(resource) && is(resource, &LifecycleState::Stable)
}

/// Whether a job runs, and the newest spec has been handled.
pub fn job_runs(resource: &FlinkDeployment) -> bool {
    let status = status(resource);
    status.job_status.state == Some(FlinkJobStatus::Running)
        && status.job_manager_deployment_status == JobManagerDeploymentStatus::Ready
        && status.observed_generation == resource.metadata.generation
}

/// The message of a condition; empty without one.
pub fn message(resource: &FlinkDeployment, type_: &str) -> String {
    status(resource)
        .conditions
        .iter()
        .find(|condition| condition.type_ == type_)
        .and_then(|condition| condition.message.clone())
        .unwrap_or_default()
}
