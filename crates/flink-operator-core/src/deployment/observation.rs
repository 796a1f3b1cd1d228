//! What has to be seen of a deployed cluster before anything is decided about it.
//!
//! What only one decision needs, that decision asks for itself.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus, ReconciliationState,
};

use crate::cluster::state;
use crate::job::snapshots::request;
use crate::job::upgrade::stop_with_savepoint;
use crate::job::{exceptions, health, lifecycle};
use crate::observed::{Observed, Owner, is_globally_terminal};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Questions;
use crate::reconcile::recorded::{self, Recorded};

/// A pod that has no volumes or no network after this long has a reason that its events tell. The kubelet tries a mount
/// again after half a second, then after twice as long each time.
const MOUNTS_EXPECTED_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn questions(pass: &Pass<'_>, recorded: &Recorded) -> Questions {
    match pass.observed.job_manager.present() {
        None => without_job_manager(pass, recorded),
        Some(deployment) => {
            let ends = deployment.owner != Owner::This || deployment.deleting;
            if ends || is_upgrading(pass) && !recorded::is_being_cancelled(&pass.status, recorded) {
                return Questions::default();
            }
            if deployment.available {
                of_job(pass, recorded)
            } else {
                Questions { pod_warnings: wants_pod_warnings(pass), ..Questions::default() }
            }
        }
    }
}

fn is_upgrading(pass: &Pass<'_>) -> bool {
    matches!(
        pass.status.reconciliation_status.state,
        ReconciliationState::Upgrading | ReconciliationState::RollingBack
    )
}

/// A cache that lacks the Deployment may be behind. Before that counts as a loss, the API server is asked. A loss that the
/// status records was confirmed before.
fn without_job_manager(pass: &Pass<'_>, recorded: &Recorded) -> Questions {
    let observed = pass.observed;
    let missing = JobManagerDeploymentStatus::Missing;
    let is_recorded = pass.status.job_manager_deployment_status == missing;
    let is_confirmed = observed.absence_is_confirmed();
    let is_lost = (is_confirmed || observed.job_manager.is_absent() && is_recorded)
        && recorded::wants_running(&recorded.spec)
        && !pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal);
    Questions {
        confirm_absence: observed.job_manager.is_absent() && !is_recorded && !is_confirmed,
        // Those of a session cluster stay, whatever is in them.
        ha_data: (is_upgrading(pass) || is_lost)
            && recorded.spec.job.is_some()
            && observed.ha_data.is_not_asked()
            && pass.may_have_ha_data(),
        ..Questions::default()
    }
}

/// What the JobManager knows of the job, and of the cluster.
fn of_job(pass: &Pass<'_>, recorded: &Recorded) -> Questions {
    let (inputs, observed, status) = (pass.inputs, pass.observed, &pass.status);
    let mut questions = Questions::default();
    let job_ended = status.job_status.state.as_ref().is_some_and(is_globally_terminal);
    // The outcome of a stop that is under way is read off the job too, so the job is asked for until it is known.
    let stopping = stop_with_savepoint::is_under_way(pass);
    questions.jobs = recorded::wants_running(&recorded.spec)
        && (!job_ended || stopping || has_new_job_manager(status, observed))
        && observed.jobs.is_not_asked();
    let listed = state::listed(pass);
    let cluster_is_unknown =
        !status.cluster_info.contains_key("flink-version") && observed.cluster.is_not_asked();
    if recorded.spec.job.is_none() {
        questions.cluster = observed.jobs.present().is_some() && cluster_is_unknown;
    }
    if let Some(job) = listed {
        questions.cluster = job.state == FlinkJobStatus::Running && cluster_is_unknown;
        questions.job_end =
            is_globally_terminal(&job.state) && observed.last_checkpoint.is_not_asked();
    }
    request::questions(inputs, observed, &mut questions);
    if let Some(job) = listed
        && !recorded::is_being_cancelled(status, recorded)
    {
        questions.health = health::wants_sample(pass, observed, &job.state);
        questions.exceptions = exceptions::wanted(pass, job);
    }
    questions
}

/// A JobManager has started since the job's end was seen, and may have recovered it: Flink removes the data of an ended
/// job after it has ended.
fn has_new_job_manager(status: &FlinkDeploymentStatus, observed: &Observed) -> bool {
    let ended = lifecycle::since(&status.job_status);
    let ready_since = observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    ended.is_some_and(|ended| ready_since.is_some_and(|since| since > ended))
}

fn wants_pod_warnings(pass: &Pass<'_>) -> bool {
    let stands_without_mounts = pass.observed.pods.iter().any(|pod| {
        !pod.sandbox_ready
            && !pod.deleting
            && pod.unschedulable.is_none()
            && pod.created_at.is_some_and(|created| {
                Duration::try_from(pass.inputs.now.duration_since(created)).unwrap_or_default()
                    > MOUNTS_EXPECTED_WITHIN
            })
    });
    stands_without_mounts && pass.observed.pod_warnings.is_not_asked()
}
