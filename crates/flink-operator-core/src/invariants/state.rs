//! The state of a job is kept: its high availability data, its savepoints and what the next job starts from.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, ReconciliationState, UpgradeMode,
};

use crate::invariants::broken::BrokenInvariant;
use crate::invariants::view::{Check, is_replacing, parsed};
use crate::job::restore::RestoreFrom;
use crate::observed::Seen;

impl Check<'_> {
    /// A start that is about to be recorded, or made, is empty only if no state was seen, or the user wants none.
    pub(super) fn keeps_state(
        &self,
        status: &FlinkDeploymentStatus,
    ) -> Result<(), BrokenInvariant> {
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

    /// Where the record says that the next job restores from a path, the status has the path.
    pub(super) fn restores_from_record(&self, action: &'static str) -> Result<(), BrokenInvariant> {
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

    pub(super) fn ha_data_is_seen(&self, action: &'static str) -> Result<(), BrokenInvariant> {
        let unknown = match self.observed.ha_data.seen() {
            Seen::Present(_) => return Ok(()),
            Seen::Absent => "there are no high availability data".to_owned(),
            Seen::Unknown { why } => why,
        };
        Err(BrokenInvariant::ActedOnUnknown { action, unknown })
    }

    /// They go with the resource, or when the next job starts empty or from a path. While a JobManager may write them
    /// they stay.
    pub(super) fn ha_data_is_not_needed(
        &self,
        action: &'static str,
    ) -> Result<(), BrokenInvariant> {
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
