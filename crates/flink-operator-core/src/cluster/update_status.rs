//! What was seen, put into the status: never more than was seen.

use flink_operator_api::JobManagerDeploymentStatus;

use crate::cluster::failure::Failure;
use crate::cluster::state::{self, ClusterState};
use crate::job;
use crate::reconcile::decision::Event;
use crate::reconcile::pass::Pass;
use crate::record::error::{ErrorClass, StatusError};

/// Looks at the cluster and brings the status up to date with it.
pub(crate) fn update(pass: &mut Pass<'_>) -> ClusterState {
    let cluster = state::look(pass);
    match &cluster {
        ClusterState::Unknown { .. } => {}
        ClusterState::Gone => gone(pass),
        ClusterState::Failed(failure) => failed(pass, failure),
        ClusterState::Starting { .. } => not_available(pass, JobManagerDeploymentStatus::Deploying),
        // The JobManager of a job that has ended is not asked any more: what it was when it was, it counts as.
        ClusterState::RestUnavailable { .. } if state::was_terminal(pass) && was_ready(pass) => {}
        ClusterState::RestUnavailable { .. } => {
            not_available(pass, JobManagerDeploymentStatus::DeployedNotReady);
            if let Some(problem) = &pass.observed.rest_problem {
                pass.report(ErrorClass::RestClient, "TlsFailed", problem);
            }
        }
        ClusterState::JobNotListed => {
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
            job::update_status::no_job(pass);
        }
        ClusterState::Job(_) => {
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
            describe_cluster(pass);
            job::update_status::job(pass);
        }
        ClusterState::Session => {
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
            describe_cluster(pass);
        }
    }
    cluster
}

fn was_ready(pass: &Pass<'_>) -> bool {
    pass.status.job_manager_deployment_status == JobManagerDeploymentStatus::Ready
}

fn gone(pass: &mut Pass<'_>) {
    let before = pass.status.job_manager_deployment_status.clone();
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    job::update_status::set_unknown(pass);
    if before != JobManagerDeploymentStatus::Missing && !state::was_terminal(pass) {
        let message =
            "The JobManager's Deployment is gone; nobody asked the operator to delete it.";
        pass.set_error(&StatusError::new(ErrorClass::MissingJobManager, message));
        pass.publish(Event::warning("Missing", message));
    }
}

fn failed(pass: &mut Pass<'_>, failure: &Failure) {
    let before = pass.status.error.clone();
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Error;
    job::update_status::set_unknown(pass);
    let mut error = StatusError::new(ErrorClass::DeploymentFailed, failure.message.as_str());
    error.thrown.reason = Some(failure.reason.clone());
    pass.set_error(&error);
    if let Some(known) =
        before.as_ref().filter(|known| same_but_for_numbers(known, pass.status.error.as_deref()))
    {
        // A container that crashes in a loop logs other times at each turn: it is told of once.
        pass.status.error = Some(known.clone());
    }
    if pass.status.error != before {
        pass.publish(Event::warning(&failure.reason, failure.message.as_str()));
    }
}

fn same_but_for_numbers(known: &str, text: Option<&str>) -> bool {
    let words = |text: &str| text.replace(|letter: char| letter.is_ascii_digit(), "");
    text.is_some_and(|text| words(known) == words(text))
}

fn not_available(pass: &mut Pass<'_>, state: JobManagerDeploymentStatus) {
    pass.status.job_manager_deployment_status = state;
    job::update_status::set_unknown(pass);
}

/// Version and revision as Flink says them; CPU and memory of what was asked for, as upstream computes them.
fn describe_cluster(pass: &mut Pass<'_>) {
    let Some(cluster) = pass.observed.cluster.present() else { return };
    let facts = &mut pass.status.cluster_info;
    facts.insert("flink-version".to_owned(), cluster.flink_version.clone());
    facts.insert("flink-revision".to_owned(), cluster.flink_revision.clone());
    if let Ok(valid) = pass.inputs.validated {
        let size = crate::cluster_size::of(&valid.effective.configuration, cluster.task_managers);
        facts.insert("total-cpu".to_owned(), size.cpu_text());
        facts.insert("total-memory".to_owned(), size.memory_bytes.to_string());
    }
}
