//! What the checks read: the resource, what was observed, and the status as the last record before an action has it.

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, ReconciliationState, RecordedSpec,
    UpgradeMode,
};

use crate::invariants::broken::BrokenInvariant;
use crate::observed::{JobManagerDeployment, Observed, Owner};

/// The check of one decision, action by action.
pub(super) struct Check<'a> {
    pub(super) resource: &'a FlinkDeployment,
    pub(super) observed: &'a Observed,
    /// As the last record before the action has it.
    pub(super) status: FlinkDeploymentStatus,
    pub(super) irreversible: u32,
    pub(super) requests: u32,
}

impl Check<'_> {
    pub(super) fn is_replacing(&self) -> bool {
        is_replacing(&self.status)
    }

    /// The Deployment of this resource, unless it is being deleted.
    pub(super) fn standing(&self) -> Option<&JobManagerDeployment> {
        let found = self.observed.job_manager.present();
        found.filter(|found| found.owner == Owner::This && !found.deleting)
    }

    pub(super) fn recorded_mode(&self) -> Option<UpgradeMode> {
        let text = self.status.reconciliation_status.last_reconciled_spec.as_deref();
        parsed(text)?.spec.job?.upgrade_mode
    }

    /// The jobs of a session cluster go on from its high availability data, until the cluster itself is deleted.
    pub(super) fn is_session_cluster(&self) -> bool {
        let text = self.status.reconciliation_status.last_reconciled_spec.as_deref();
        parsed(text).is_some_and(|recorded| recorded.spec.job.is_none())
    }

    pub(super) fn is_being_deleted(&self) -> Result<(), BrokenInvariant> {
        if self.resource.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let why = "the resource is not being deleted";
        Err(BrokenInvariant::FinalizerTooEarly { why })
    }
}

/// Whether the status says that a cluster is being replaced, or made. A status that was never written says UPGRADING too,
/// and records no spec.
pub(super) fn is_replacing(status: &FlinkDeploymentStatus) -> bool {
    let reconciliation = &status.reconciliation_status;
    let replacing = matches!(
        reconciliation.state,
        ReconciliationState::Upgrading | ReconciliationState::RollingBack
    );
    replacing && reconciliation.last_reconciled_spec.is_some()
}

/// A record that cannot be read says nothing here: the pass reports it, and does nothing.
pub(super) fn parsed(text: Option<&str>) -> Option<RecordedSpec<FlinkDeploymentSpec>> {
    RecordedSpec::parse(text?).ok()
}
