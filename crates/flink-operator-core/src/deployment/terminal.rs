//! Jobs that have ended: started again where that is asked for, and their clusters cleared away in time.

use std::time::Duration;

use flink_operator_api::FlinkJobStatus;
use jiff::Timestamp;

use super::options::JobOptions;
use super::pass::Pass;
use super::rollback;
use crate::decision::Action;
use crate::observed::{Owner, is_globally_terminal};

/// Whether the job has failed for good and is to be started again now.
pub(super) fn restarts(pass: &Pass<'_>) -> bool {
    restarts_in(pass) == Some(Duration::ZERO)
}

/// When the job that has failed for good is to be started again (`kubernetes.operator.job.restart.failed`); `None` if it
/// is not. A job that fails as soon as it starts would otherwise start without a pause, for ever.
pub(super) fn restarts_in(pass: &Pass<'_>) -> Option<Duration> {
    let options = JobOptions::of_current(pass.given);
    let asked = pass.status.job_status.state == Some(FlinkJobStatus::Failed)
        && options.restarts_failed_jobs();
    asked.then(|| options.readiness_timeout().saturating_sub(rollback::since_deployment(pass)))
}

/// How long the cluster of a job that has ended is still kept (`kubernetes.operator.jm-deployment.shutdown-ttl`); `None`
/// if there is none, or the job has not ended.
pub(super) fn kept_for(pass: &Pass<'_>) -> Option<Duration> {
    let job = &pass.status.job_status;
    let deployment = pass.observed.job_manager.present()?;
    let ended = job.state.as_ref().is_some_and(is_globally_terminal);
    if !ended || deployment.deleting || deployment.owner != Owner::This {
        return None;
    }
    let ended_at = job.update_time.as_ref()?.parse().ok()?;
    let ended_at = Timestamp::from_millisecond(ended_at).ok()?;
    let age = Duration::try_from(pass.given.now.duration_since(ended_at)).unwrap_or_default();
    Some(JobOptions::of_current(pass.given).shutdown_ttl().saturating_sub(age))
}

/// Clears the cluster away once its time is over. What the job could go on from is in the status since it ended.
pub(super) fn clear_away(pass: &mut Pass<'_>) {
    if kept_for(pass) != Some(Duration::ZERO) {
        return;
    }
    let Some(deployment) = pass.observed.job_manager.present() else { return };
    let uid = deployment.uid.clone();
    pass.act(Action::DeleteJobManager { uid });
}
