//! What no decision may do, checked before a decision is carried out, in the shipped binary too.
//!
//! A decision that breaks an invariant is a fault of this program. Nothing of it is carried out: the resource stays as it
//! is, and the next pass decides again. The check reads the decision, the resource as it was read, and what was seen; it
//! sends nothing, and it costs nothing where a pass does nothing.

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus,
    JobManagerDeploymentStatus, LifecycleState, ReconciliationState, RecordedSpec,
    SnapshotTriggerType, UpgradeMode,
};

use crate::job::restore::RestoreFrom;
use crate::observed::{JobManagerDeployment, Observed, Owner, Seen, is_globally_terminal};
use crate::reconcile::decision::{Action, Because, Decision};

/// The invariant that a decision breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenInvariant {
    #[error(
        "a pass takes at most one action that cannot be undone; this one takes two, and {action} is the second"
    )]
    SecondIrreversibleAction { action: &'static str },
    #[error(
        "an action that cannot be undone follows the record of its intent; there is no record of {action}"
    )]
    IntentNotRecorded { action: &'static str },
    #[error("what is not known is not acted upon; {action} needs to know: {unknown}")]
    ActedOnUnknown { action: &'static str, unknown: String },
    #[error(
        "a Deployment is changed under the uid that was seen; no Deployment with uid {uid} was seen"
    )]
    UidNotSeen { uid: String },
    #[error("what belongs to somebody else is left alone; the Deployment's owner is {owner}")]
    NotOurs { owner: String },
    #[error("a cluster is created where no other one stands; there is {found}")]
    SecondCluster { found: String },
    #[error("high availability data are deleted only if nothing restores from them")]
    HaDataInUse,
    #[error("a job whose state is kept does not start empty; {state} was seen")]
    StateDropped { state: &'static str },
    #[error("the path that a job restores from is in the status before {action}")]
    RestorePathNotRecorded { action: &'static str },
    #[error("a request to a job names the job of this resource; {job_id} is not it")]
    UnknownJob { job_id: String },
    #[error(
        "the id of a savepoint or checkpoint is in the status before it is requested; {trigger_id} is not"
    )]
    RequestNotRecorded { trigger_id: String },
    #[error("a job is asked for one savepoint or stop at a time; this pass asks for two")]
    SecondRequest,
    #[error("the finalizer is removed last, and only from a resource that is being deleted: {why}")]
    FinalizerTooEarly { why: &'static str },
    #[error("the status says only what was seen; it was not seen that {claim}")]
    ClaimNotSeen { claim: &'static str },
    #[error("a job is recorded as suspended when nothing of it runs; its Deployment stands")]
    SuspendedWhileRunning,
    #[error("the status keeps the record of what was deployed; this one drops it")]
    RecordDropped,
}

impl BrokenInvariant {
    /// The label of the metric: a closed set.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SecondIrreversibleAction { .. } => "SecondIrreversibleAction",
            Self::IntentNotRecorded { .. } => "IntentNotRecorded",
            Self::ActedOnUnknown { .. } => "ActedOnUnknown",
            Self::UidNotSeen { .. } => "UidNotSeen",
            Self::NotOurs { .. } => "NotOurs",
            Self::SecondCluster { .. } => "SecondCluster",
            Self::HaDataInUse => "HaDataInUse",
            Self::StateDropped { .. } => "StateDropped",
            Self::RestorePathNotRecorded { .. } => "RestorePathNotRecorded",
            Self::UnknownJob { .. } => "UnknownJob",
            Self::RequestNotRecorded { .. } => "RequestNotRecorded",
            Self::SecondRequest => "SecondRequest",
            Self::FinalizerTooEarly { .. } => "FinalizerTooEarly",
            Self::ClaimNotSeen { .. } => "ClaimNotSeen",
            Self::SuspendedWhileRunning => "SuspendedWhileRunning",
            Self::RecordDropped => "RecordDropped",
        }
    }
}

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

/// The check of one decision, action by action.
struct Check<'a> {
    resource: &'a FlinkDeployment,
    observed: &'a Observed,
    /// As the last record before the action has it.
    status: FlinkDeploymentStatus,
    irreversible: u32,
    requests: u32,
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

    fn is_replacing(&self) -> bool {
        is_replacing(&self.status)
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

    /// The Deployment of this resource, unless it is being deleted.
    fn standing(&self) -> Option<&JobManagerDeployment> {
        let found = self.observed.job_manager.present();
        found.filter(|found| found.owner == Owner::This && !found.deleting)
    }

    /// A start that is about to be recorded, or made, is empty only if no state was seen, or the user wants none.
    fn keeps_state(&self, status: &FlinkDeploymentStatus) -> Result<(), BrokenInvariant> {
        let Some(state) = self.seen_state() else { return Ok(()) };
        if !is_replacing(status) || is_stateless(&self.resource.spec) {
            return Ok(());
        }
        let reconciliation = &status.reconciliation_status;
        let Some(recorded) = parsed(reconciliation.last_reconciled_spec.as_deref()) else {
            return Ok(());
        };
        let is_first =
            recorded.resource_metadata.as_ref().is_some_and(|metadata| metadata.first_deployment);
        // Going back to a spec that keeps no state.
        let goes_back_empty = reconciliation.state == ReconciliationState::RollingBack
            && parsed(reconciliation.last_stable_spec.as_deref())
                .is_some_and(|stable| is_stateless(&stable.spec));
        if is_first || goes_back_empty || !is_stateless(&recorded.spec) {
            return Ok(());
        }
        Err(BrokenInvariant::StateDropped { state })
    }

    /// State of the job that this pass has seen.
    fn seen_state(&self) -> Option<&'static str> {
        let observed = self.observed;
        if observed.ha_data.present().is_some_and(|data| data.has_checkpoint) {
            Some("a checkpoint in the high availability data")
        } else if observed.checkpoints.present().is_some_and(|seen| seen.newest.is_some())
            || observed.last_checkpoint.present().is_some()
        {
            Some("a checkpoint of the job")
        } else {
            None
        }
    }

    /// Where the record says that the next job restores from a path, the status has the path.
    fn restores_from_record(&self, action: &'static str) -> Result<(), BrokenInvariant> {
        let job = &self.status.job_status;
        let last = job.savepoint_info.last_savepoint.as_ref();
        let has_path = !RestoreFrom::of_status(job).is_empty()
            || last.is_some_and(|last| last.location.is_some());
        if has_path || !self.is_replacing() {
            return Ok(());
        }
        match self.recorded_mode() {
            Some(UpgradeMode::Savepoint) => Err(BrokenInvariant::RestorePathNotRecorded { action }),
            Some(
                UpgradeMode::LastState | UpgradeMode::Stateless | UpgradeMode::Unrecognised(_),
            )
            | None => Ok(()),
        }
    }

    fn recorded_mode(&self) -> Option<UpgradeMode> {
        let text = self.status.reconciliation_status.last_reconciled_spec.as_deref();
        parsed(text)?.spec.job?.upgrade_mode
    }

    fn our_deployment(&self, action: &'static str, uid: &str) -> Result<(), BrokenInvariant> {
        match &self.observed.job_manager {
            Seen::Present(JobManagerDeployment { owner: Owner::Other { described }, .. }) => {
                Err(BrokenInvariant::NotOurs { owner: described.clone() })
            }
            Seen::Present(found) if found.uid == uid => Ok(()),
            Seen::Present(_) | Seen::Absent => {
                Err(BrokenInvariant::UidNotSeen { uid: uid.to_owned() })
            }
            Seen::Unknown { why } => {
                Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() })
            }
        }
    }

    fn no_cluster(&self, action: &'static str) -> Result<(), BrokenInvariant> {
        match &self.observed.job_manager {
            Seen::Absent => {}
            Seen::Present(found) => {
                let found = format!("the Deployment with uid {}", found.uid);
                return Err(BrokenInvariant::SecondCluster { found });
            }
            Seen::Unknown { why } => {
                return Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() });
            }
        }
        // A cluster whose Deployment somebody else has deleted comes back at once, while its pods may still end. One that
        // the operator replaces has to be gone.
        let is_under_way = self.resource.status.as_ref().is_some_and(is_replacing);
        match self.observed.pods.iter().find(|pod| pod.failed.is_none()) {
            Some(pod) if is_under_way => {
                Err(BrokenInvariant::SecondCluster { found: format!("the pod {}", pod.name) })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn ha_data_is_seen(&self, action: &'static str) -> Result<(), BrokenInvariant> {
        let unknown = match self.observed.ha_data.seen() {
            Seen::Present(_) => return Ok(()),
            Seen::Absent => "there are no high availability data".to_owned(),
            Seen::Unknown { why } => why,
        };
        Err(BrokenInvariant::ActedOnUnknown { action, unknown })
    }

    /// They go with the resource, or when the next job starts empty or from a path. While a JobManager may write them
    /// they stay.
    fn ha_data_is_not_needed(&self, action: &'static str) -> Result<(), BrokenInvariant> {
        self.ha_data_is_seen(action)?;
        if let Seen::Unknown { why } = &self.observed.job_manager {
            return Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() });
        }
        if self.standing().is_some() {
            return Err(BrokenInvariant::HaDataInUse);
        }
        if self.resource.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        if self.is_session_cluster() {
            return Err(BrokenInvariant::HaDataInUse);
        }
        self.keeps_state(&self.status)?;
        let is_redeployed = self.is_redeployed();
        match self.recorded_mode() {
            Some(UpgradeMode::LastState) if !is_redeployed => Err(BrokenInvariant::HaDataInUse),
            Some(
                UpgradeMode::LastState
                | UpgradeMode::Savepoint
                | UpgradeMode::Stateless
                | UpgradeMode::Unrecognised(_),
            )
            | None => Ok(()),
        }
    }

    /// The jobs of a session cluster go on from its high availability data, until the cluster itself is deleted.
    fn is_session_cluster(&self) -> bool {
        let text = self.status.reconciliation_status.last_reconciled_spec.as_deref();
        parsed(text).is_some_and(|recorded| recorded.spec.job.is_none())
    }

    /// The user has chosen another path since the record was made.
    fn is_redeployed(&self) -> bool {
        let text = self.status.reconciliation_status.last_reconciled_spec.as_deref();
        let recorded = parsed(text).and_then(|recorded| recorded.spec.job);
        let desired = self.resource.spec.job.as_ref();
        desired.is_some_and(|desired| {
            desired.savepoint_redeploy_nonce.is_some()
                && recorded.is_none_or(|recorded| {
                    recorded.savepoint_redeploy_nonce != desired.savepoint_redeploy_nonce
                })
        })
    }

    fn our_job(&self, job_id: &str) -> Result<(), BrokenInvariant> {
        if self.status.job_status.job_id.as_deref() == Some(job_id) {
            return Ok(());
        }
        Err(BrokenInvariant::UnknownJob { job_id: job_id.to_owned() })
    }

    /// A request that depends on what the job does is for a job that its JobManager lists.
    fn listed_job(&self, action: &'static str, job_id: &str) -> Result<(), BrokenInvariant> {
        self.our_job(job_id)?;
        let unknown = match self.observed.jobs.seen() {
            Seen::Present(jobs) if jobs.iter().any(|job| job.id == job_id) => return Ok(()),
            Seen::Present(_) | Seen::Absent => "the JobManager does not list the job".to_owned(),
            Seen::Unknown { why } => why,
        };
        Err(BrokenInvariant::ActedOnUnknown { action, unknown })
    }

    fn one_request(&mut self) -> Result<(), BrokenInvariant> {
        self.requests += 1;
        if self.requests > 1 { Err(BrokenInvariant::SecondRequest) } else { Ok(()) }
    }

    fn is_being_deleted(&self) -> Result<(), BrokenInvariant> {
        if self.resource.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let why = "the resource is not being deleted";
        Err(BrokenInvariant::FinalizerTooEarly { why })
    }

    fn nothing_is_left(&self) -> Result<(), BrokenInvariant> {
        self.is_being_deleted()?;
        let action = "removing the finalizer";
        if let Seen::Unknown { why } = &self.observed.job_manager {
            return Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() });
        }
        if self.standing().is_some() {
            let why = "the cluster stands";
            return Err(BrokenInvariant::FinalizerTooEarly { why });
        }
        let is_ours =
            self.observed.job_manager.present().is_none_or(|found| found.owner == Owner::This);
        let recorded = self.status.reconciliation_status.last_reconciled_spec.is_some();
        let left = self.observed.ha_data.present();
        if is_ours && recorded && left.is_some_and(|data| !data.config_maps.is_empty()) {
            let why = "high availability data are left";
            return Err(BrokenInvariant::FinalizerTooEarly { why });
        }
        Ok(())
    }
}

/// Whether the status says that a cluster is being replaced, or made. A status that was never written says UPGRADING too,
/// and records no spec.
fn is_replacing(status: &FlinkDeploymentStatus) -> bool {
    let reconciliation = &status.reconciliation_status;
    let replacing = matches!(
        reconciliation.state,
        ReconciliationState::Upgrading | ReconciliationState::RollingBack
    );
    replacing && reconciliation.last_reconciled_spec.is_some()
}

fn is_recorded(recorded: Option<&str>, trigger_id: &str) -> Result<(), BrokenInvariant> {
    if recorded == Some(trigger_id) {
        return Ok(());
    }
    Err(BrokenInvariant::RequestNotRecorded { trigger_id: trigger_id.to_owned() })
}

/// A record that cannot be read says nothing here: the pass reports it, and does nothing.
fn parsed(text: Option<&str>) -> Option<RecordedSpec<FlinkDeploymentSpec>> {
    RecordedSpec::parse(text?).ok()
}

/// Whether the spec asks for no state of its job to be kept.
fn is_stateless(spec: &FlinkDeploymentSpec) -> bool {
    spec.job.as_ref().is_some_and(|job| match job.upgrade_mode {
        None | Some(UpgradeMode::Stateless) => true,
        Some(UpgradeMode::Savepoint | UpgradeMode::LastState | UpgradeMode::Unrecognised(_)) => {
            false
        }
    })
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
