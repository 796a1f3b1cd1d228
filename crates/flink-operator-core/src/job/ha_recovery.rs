//! Jobs that a later JobManager has brought back from high availability data by itself.
//!
//! Flink tells of the checkpoint that a job was restored from only once it was. A job that ends before that says of no
//! checkpoint at all, as one does that never had any, and its high availability data are removed. What it was started
//! from is then not its newest state, and neither is nothing.

use std::time::Duration;

use flink_operator_api::FlinkJobStatus;

use crate::job::lifecycle;
use crate::job::restore::RestoreFrom;
use crate::observed::{JobManagerPod, JobView, is_globally_terminal, is_main_failed};
use crate::reconcile::pass::Pass;

/// The first pod of a Deployment is made at once; one that is younger than the Deployment by this has had another one
/// before it.
const FIRST_POD_WITHIN: Duration = Duration::from_mins(1);

/// Whether the job, as it is listed now, may have been brought back.
pub(crate) fn may_be(pass: &Pass<'_>, job: &JobView) -> bool {
    let anew = has_run(pass) && starts_anew(pass, job);
    (anew || pass.observed.pods.iter().any(|pod| is_later(pass, pod))) && keeps_data(pass)
}

/// Takes note of when the job was started. Until it runs again the earlier time stays, for it is what tells that it was
/// brought back, also of one that is cancelled meanwhile.
pub(crate) fn note_start(pass: &mut Pass<'_>, job: &JobView) {
    let settled = job.state == FlinkJobStatus::Running || is_globally_terminal(&job.state);
    let unsettled = !settled && has_run(pass);
    if !(unsettled && pass.status.job_status.start_time.is_some()) {
        lifecycle::set_start(&mut pass.status.job_status, job.start_time_ms);
    }
}

/// Takes note that the job has ended, and that nobody knows its newest state. An application whose main method has failed
/// has had no job that could have been brought back.
pub(crate) fn note_end(pass: &mut Pass<'_>, job: &JobView) {
    let ended = matches!(job.state, FlinkJobStatus::Failed | FlinkJobStatus::Canceled);
    if ended && !is_main_failed(&job.name) && may_be(pass, job) {
        pass.set_restore(&RestoreFrom::Unknown);
    }
}

/// The job has been seen to run in the cluster that stands: only then its version is asked for.
fn has_run(pass: &Pass<'_>) -> bool {
    pass.status.cluster_info.contains_key("flink-version")
}

/// Flink counts a job's time from each of its recoveries.
fn starts_anew(pass: &Pass<'_>, job: &JobView) -> bool {
    let known = lifecycle::started_ms(&pass.status.job_status);
    known.is_some_and(|known| known != job.start_time_ms)
}

/// A JobManager that was not the first of its Deployment.
fn is_later(pass: &Pass<'_>, pod: &JobManagerPod) -> bool {
    let restarted =
        pod.containers.iter().any(|container| !container.init && container.restarts > 0);
    let deployed = pass.observed.job_manager.present().and_then(|found| found.created_at);
    let replaced = pod.created_at.zip(deployed).is_some_and(|(pod, deployed)| {
        Duration::try_from(pod.duration_since(deployed)).unwrap_or_default() > FIRST_POD_WITHIN
    });
    restarted || replaced
}

fn keeps_data(pass: &Pass<'_>) -> bool {
    let options = pass.deployed_options();
    pass.record.last().is_none() || options.keeps_ha_data() || options.keeps_unseen_ha_data()
}
