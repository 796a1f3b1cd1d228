//! What the cluster was seen to be.

use flink_operator_api::FlinkJobStatus;

use crate::cluster::failure::{self, Failure};
use crate::observed::{JobView, Seen, is_globally_terminal};
use crate::reconcile::conditions::Mode;
use crate::reconcile::pass::Pass;

/// What the cluster was seen to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClusterState {
    /// The Deployment could not be seen.
    Unknown { why: String },
    /// There is no Deployment.
    Gone,
    /// Its pod is not available, and will not become so by itself.
    Failed(Failure),
    /// Its pod is not available yet.
    Starting { detail: String },
    /// Its pod is available, and REST does not answer.
    RestUnavailable { why: String },
    /// REST answers, and the job is not listed.
    JobNotListed,
    /// The job is listed.
    Job(FlinkJobStatus),
    /// REST answers, and the cluster is one for sessions: it has no job of its own.
    Session,
}

/// Looks, and changes nothing.
pub(crate) fn look(pass: &Pass<'_>) -> ClusterState {
    let observed = pass.observed;
    let deployment = match &observed.job_manager {
        Seen::Unknown { why } => return ClusterState::Unknown { why: why.clone() },
        Seen::Absent => return ClusterState::Gone,
        Seen::Present(deployment) => deployment,
    };
    let warnings = observed.pod_warnings.present().map(Vec::as_slice).unwrap_or_default();
    if let Some(failure) = failure::detect(deployment, &observed.pods, warnings) {
        return ClusterState::Failed(failure);
    }
    if !deployment.available {
        let detail =
            observed.pods.iter().find_map(|pod| pod.unschedulable.clone()).unwrap_or_default();
        return ClusterState::Starting { detail };
    }
    match observed.jobs.seen() {
        Seen::Unknown { why } => ClusterState::RestUnavailable { why },
        Seen::Present(_) | Seen::Absent if pass.mode == Mode::Session => ClusterState::Session,
        Seen::Absent => ClusterState::JobNotListed,
        Seen::Present(_) => match listed(pass) {
            Some(job) => of_listed_job(pass, &job.state),
            None => ClusterState::JobNotListed,
        },
    }
}

/// A job's end is taken note of together with its last checkpoint, or not at all: without it nobody would know later on
/// where the job could go on.
pub(crate) fn of_listed_job(pass: &Pass<'_>, state: &FlinkJobStatus) -> ClusterState {
    match pass.observed.last_checkpoint.seen() {
        Seen::Unknown { why } if is_globally_terminal(state) && !was_terminal(pass) => {
            ClusterState::RestUnavailable { why }
        }
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } => ClusterState::Job(state.clone()),
    }
}

/// The job of this resource, if its JobManager lists it.
pub(crate) fn listed<'a>(pass: &Pass<'a>) -> Option<&'a JobView> {
    let id = pass.status.job_status.job_id.as_deref()?;
    pass.observed.jobs.present()?.iter().find(|job| job.id == id)
}

pub(crate) fn was_terminal(pass: &Pass<'_>) -> bool {
    pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal)
}
