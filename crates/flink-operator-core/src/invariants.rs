//! What no decision may do, checked before a decision is carried out, in the shipped binary too.
//!
//! A decision that breaks an invariant is a fault of this program. Nothing of it is carried out: the resource stays as it
//! is, and the next pass decides again. The check reads the decision, the resource as it was read, and what was seen; it
//! sends nothing, and it costs nothing where a pass does nothing.

mod broken;
mod view;

mod cluster;
mod job;
mod state;

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    LifecycleState, SnapshotTriggerType,
};

pub use self::broken::BrokenInvariant;
use self::job::is_recorded;
use self::view::Check;
use crate::job::restore::RestoreFrom;
use crate::observed::{Observed, is_globally_terminal};
use crate::reconcile::decision::{Action, Because, Decision};

/// Checks a decision about `resource`, made on what was `observed`.
///
/// # Errors
///
/// The first invariant that it breaks.
pub fn check(
    decision: &Decision,
    resource: &FlinkDeployment,
    observed: &Observed,
) -> Result<(), BrokenInvariant> {
    if decision.actions.is_empty() {
        return Ok(());
    }
    let status = resource.status.clone().unwrap_or_default();
    let mut check = Check { resource, observed, status, irreversible: 0, requests: 0 };
    let mut finalizer_is_gone = false;
    for action in &decision.actions {
        if finalizer_is_gone && !matches!(action, Action::Publish(_)) {
            let why = "another action follows";
            return Err(BrokenInvariant::FinalizerTooEarly { why });
        }
        check.action(action, &decision.because)?;
        finalizer_is_gone |= matches!(action, Action::RemoveFinalizer);
    }
    Ok(())
}

impl Check<'_> {
    fn action(&mut self, action: &Action, because: &Because) -> Result<(), BrokenInvariant> {
        if is_irreversible(action) {
            let name = name(action);
            if !self.is_intended(action) {
                return Err(BrokenInvariant::IntentNotRecorded { action: name });
            }
            self.irreversible += 1;
            if self.irreversible > 1 {
                return Err(BrokenInvariant::SecondIrreversibleAction { action: name });
            }
        }
        match action {
            Action::Record(next) => self.record(next),
            Action::CreateCluster { existing: None, .. } => {
                self.no_cluster(name(action))?;
                self.restores_from_record(name(action))?;
                self.keeps_state(&self.status)
            }
            Action::CreateCluster { existing: Some(uid), .. }
            | Action::StopJobManager { uid }
            | Action::DeleteJobManager { uid } => {
                self.our_deployment(name(action), uid)?;
                self.restores_from_record(name(action))
            }
            Action::DeleteHaData => self.ha_data_is_not_needed(name(action)),
            Action::ForgetJobGraphs if self.is_session_cluster() => {
                Err(BrokenInvariant::HaDataInUse)
            }
            Action::ForgetJobGraphs => self.ha_data_is_seen(name(action)),
            Action::CancelJob { job_id } => self.our_job(job_id),
            Action::Rescale { job_id, .. } => self.listed_job(name(action), job_id),
            Action::StopWithSavepoint { job_id, .. } => {
                self.one_request()?;
                self.listed_job(name(action), job_id)
            }
            Action::TriggerSavepoint { job_id, savepoint } => {
                self.one_request()?;
                let recorded = self.status.job_status.savepoint_info.trigger_id.as_deref();
                is_recorded(recorded, &savepoint.trigger_id)?;
                self.listed_job(name(action), job_id)
            }
            Action::TriggerCheckpoint { job_id, trigger_id, .. } => {
                let recorded = self.status.job_status.checkpoint_info.trigger_id.as_deref();
                is_recorded(recorded, trigger_id)?;
                self.listed_job(name(action), job_id)
            }
            // Nothing is ever deployed for a canary.
            Action::RemoveFinalizer if because == &Because::NotOurs => self.is_being_deleted(),
            Action::RemoveFinalizer => self.nothing_is_left(),
            Action::AddFinalizer | Action::DisposeSavepoint { .. } | Action::Publish(_) => Ok(()),
        }
    }

    /// Whether the status says that this action is about to be taken.
    fn is_intended(&self, action: &Action) -> bool {
        let job = &self.status.job_status;
        let deleting = self.status.lifecycle_state == Some(LifecycleState::Deleting);
        let replacing = self.is_replacing();
        match action {
            Action::CreateCluster { .. } => replacing,
            Action::CancelJob { .. } => {
                (deleting || replacing) && job.state == Some(FlinkJobStatus::Cancelling)
            }
            Action::StopWithSavepoint { savepoint, .. } => {
                job.savepoint_info.trigger_id.as_ref() == Some(&savepoint.trigger_id)
                    && job.savepoint_info.trigger_type == Some(SnapshotTriggerType::Upgrade)
            }
            // What is disposed of is neither the newest savepoint nor what the next start restores from.
            Action::DisposeSavepoint { path } => {
                let last = job.savepoint_info.last_savepoint.as_ref();
                RestoreFrom::of_status(job).path() != Some(path.as_str())
                    && last.and_then(|last| last.location.as_ref()) != Some(path)
            }
            Action::DeleteJobManager { .. } => {
                deleting || replacing || job.state.as_ref().is_some_and(is_globally_terminal)
            }
            Action::StopJobManager { .. } | Action::DeleteHaData => deleting || replacing,
            Action::AddFinalizer
            | Action::Record(_)
            | Action::TriggerSavepoint { .. }
            | Action::TriggerCheckpoint { .. }
            | Action::Rescale { .. }
            | Action::ForgetJobGraphs
            | Action::RemoveFinalizer
            | Action::Publish(_) => true,
        }
    }

    /// The status as it is about to be written.
    fn record(&mut self, next: &FlinkDeploymentStatus) -> Result<(), BrokenInvariant> {
        let (before, after) = (&self.status.reconciliation_status, &next.reconciliation_status);
        if before.last_reconciled_spec.is_some() && after.last_reconciled_spec.is_none() {
            return Err(BrokenInvariant::RecordDropped);
        }
        let (running, ready) = (Some(FlinkJobStatus::Running), JobManagerDeploymentStatus::Ready);
        if next.job_status.state == running
            && self.status.job_status.state != running
            && !self.lists_running(next.job_status.job_id.as_deref())
        {
            return Err(BrokenInvariant::ClaimNotSeen { claim: "the job runs" });
        }
        if next.job_manager_deployment_status == ready
            && self.status.job_manager_deployment_status != ready
            && !self.observed.job_manager.present().is_some_and(|found| found.available)
        {
            return Err(BrokenInvariant::ClaimNotSeen { claim: "the JobManager is ready" });
        }
        let suspended = Some(LifecycleState::Suspended);
        if next.lifecycle_state == suspended
            && self.status.lifecycle_state != suspended
            && !next.job_status.state.as_ref().is_some_and(is_globally_terminal)
            && self.standing().is_some()
        {
            return Err(BrokenInvariant::SuspendedWhileRunning);
        }
        if before.last_reconciled_spec != after.last_reconciled_spec {
            self.keeps_state(next)?;
        }
        self.status = next.clone();
        Ok(())
    }

    fn lists_running(&self, id: Option<&str>) -> bool {
        let jobs = self.observed.jobs.present().into_iter().flatten();
        jobs.into_iter()
            .any(|job| Some(job.id.as_str()) == id && job.state == FlinkJobStatus::Running)
    }
}

/// An action whose effect no later pass can take back.
fn is_irreversible(action: &Action) -> bool {
    match action {
        Action::StopJobManager { .. }
        | Action::DeleteJobManager { .. }
        | Action::DeleteHaData
        | Action::CreateCluster { .. }
        | Action::CancelJob { .. }
        | Action::StopWithSavepoint { .. }
        | Action::DisposeSavepoint { .. } => true,
        Action::AddFinalizer
        | Action::Record(_)
        | Action::TriggerSavepoint { .. }
        | Action::TriggerCheckpoint { .. }
        | Action::Rescale { .. }
        | Action::ForgetJobGraphs
        | Action::RemoveFinalizer
        | Action::Publish(_) => false,
    }
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::AddFinalizer => "adding the finalizer",
        Action::Record(_) => "writing the status",
        Action::CreateCluster { .. } => "creating the cluster",
        Action::CancelJob { .. } => "cancelling the job",
        Action::StopWithSavepoint { .. } => "stopping the job",
        Action::TriggerSavepoint { .. } => "taking a savepoint",
        Action::TriggerCheckpoint { .. } => "taking a checkpoint",
        Action::DisposeSavepoint { .. } => "disposing of a savepoint",
        Action::Rescale { .. } => "rescaling the job",
        Action::StopJobManager { .. } => "stopping the JobManager",
        Action::DeleteJobManager { .. } => "deleting the JobManager's Deployment",
        Action::DeleteHaData => "deleting the high availability data",
        Action::ForgetJobGraphs => "deleting job graphs",
        Action::RemoveFinalizer => "removing the finalizer",
        Action::Publish(_) => "publishing an event",
    }
}

#[cfg(test)]
mod tests;
