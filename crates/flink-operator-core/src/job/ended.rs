//! Jobs that have ended: started again where that is asked for, and their clusters cleared away in time.

use std::time::Duration;

use flink_operator_api::FlinkJobStatus;

use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::{lifecycle, state_kept};
use crate::observed::{Owner, is_globally_terminal};
use crate::reconcile::decision::{Action, Because, Blocked};
use crate::reconcile::pass::Pass;

/// Whether the job has failed for good and is to be started again now.
pub(crate) fn restarts(pass: &Pass<'_>) -> bool {
    restarts_in(pass) == Some(Duration::ZERO)
}

/// When the job that has failed for good is to be started again (`kubernetes.operator.job.restart.failed`); `None` if it
/// is not. A job that fails as soon as it starts would otherwise start without a pause, for ever.
pub(crate) fn restarts_in(pass: &Pass<'_>) -> Option<Duration> {
    let options = JobOptions::of_current(pass.inputs);
    let asked = pass.status.job_status.state == Some(FlinkJobStatus::Failed)
        && options.restarts_failed_jobs();
    asked.then(|| options.readiness_timeout().saturating_sub(pass.since_deployment()))
}

/// How long the cluster of a job that has ended is still kept (`kubernetes.operator.jm-deployment.shutdown-ttl`); `None`
/// if there is none, or the job has not ended.
pub(crate) fn time_until_shutdown(pass: &Pass<'_>) -> Option<Duration> {
    let job = &pass.status.job_status;
    let deployment = pass.observed.job_manager.present()?;
    let ended = job.state.as_ref().is_some_and(is_globally_terminal);
    if !ended || deployment.deleting || deployment.owner != Owner::This {
        return None;
    }
    let age = lifecycle::age(job, pass.inputs.now)?;
    Some(JobOptions::of_current(pass.inputs).shutdown_ttl().saturating_sub(age))
}

/// Clears the cluster away once its time is over. What the job could go on from is in the status since it ended.
pub(crate) fn clear_away(pass: &mut Pass<'_>) {
    if time_until_shutdown(pass) != Some(Duration::ZERO) {
        return;
    }
    let Some(deployment) = pass.observed.job_manager.present() else { return };
    let uid = deployment.uid.clone();
    pass.act(Action::DeleteJobManager { uid });
}

pub(crate) fn job_has_ended(pass: &Pass<'_>) -> bool {
    pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal)
}

pub(crate) fn ended(pass: &Pass<'_>) -> Because {
    match &pass.status.job_status.state {
        Some(FlinkJobStatus::Failed) => {
            let message = pass
                .observed
                .job_failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .or_else(|| pass.error_message())
                .unwrap_or_else(|| "Flink gives no reason.".to_owned());
            let message = format!("{message}{}", state_kept::question(pass));
            Because::NeedsUser(Blocked::JobFailed { message })
        }
        Some(FlinkJobStatus::Canceled) => {
            let from = match pass.known_state() {
                _ if pass.inputs.may_start_empty() => {
                    "It starts empty then, as upgradeMode stateless says.".to_owned()
                }
                RestoreFrom::Path(path) => format!("It goes on from {path} then."),
                RestoreFrom::Empty | RestoreFrom::NoState => {
                    "It has completed no checkpoint, and starts empty.".to_owned()
                }
                RestoreFrom::HaMetadata | RestoreFrom::Unknown => {
                    "Its last checkpoint is not known or was deleted: set spec.job.initialSavepointPath and a new \
                     spec.job.savepointRedeployNonce instead."
                        .to_owned()
                }
            };
            let message = format!(
                "Somebody has cancelled the job, not the operator. To start it again, set a new spec.restartNonce. {from}"
            );
            Because::NeedsUser(Blocked::JobCancelled { message })
        }
        // Finished: as it should be, until the spec changes.
        _ => Because::UpToDate,
    }
}
