//! While the newest spec is invalid, the job is looked after as its last valid spec says.
//!
//! A pass with an invalid spec is an ordinary pass over the same resource with its last valid spec and the generation of
//! that spec. Only what the status says differs: see [`crate::reconcile::pass::InvalidSpec`].

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentSpec, JobState, ReconciliationState, SnapshotTriggerType,
    UpgradeMode,
};

use crate::fault::{self, Fault};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::InvalidSpec;
use crate::reconcile::recorded::{self, Recorded};
use crate::validate::{self, ValidDeployment};

/// The resource as it would be without its invalid edit.
pub(crate) struct LastValid {
    resource: FlinkDeployment,
    validated: Result<ValidDeployment, Vec<Fault>>,
    pub(crate) invalid: InvalidSpec,
}

impl LastValid {
    /// `None` if the newest spec is valid, if no spec was ever valid, or if the recorded one is not valid for this
    /// version of the operator.
    pub(crate) fn find(inputs: &Inputs<'_>, recorded: Option<&Recorded>) -> Option<Self> {
        let faults = inputs.validated.as_ref().err()?;
        let invalid =
            InvalidSpec { faults: fault::summary(faults), generation: inputs.generation() };
        upgrade_modes(inputs, recorded?).into_iter().find_map(|mode| {
            let mut resource = inputs.resource.clone();
            resource.spec = spec(inputs, recorded?, mode);
            resource.metadata.generation =
                resource.status.as_ref().and_then(|status| status.observed_generation);
            let validated = validate::deployment(&resource, &inputs.platform.defaults);
            validated.is_ok().then(|| Self { resource, validated, invalid: invalid.clone() })
        })
    }

    pub(crate) fn inputs<'a>(&'a self, newest: &Inputs<'a>) -> Inputs<'a> {
        Inputs { resource: &self.resource, validated: &self.validated, ..*newest }
    }
}

/// The recorded spec, completed with what the record does not contain: the upgrade mode, and nonces that are pending.
fn spec(inputs: &Inputs<'_>, recorded: &Recorded, mode: UpgradeMode) -> FlinkDeploymentSpec {
    let mut spec = recorded.spec.clone();
    let raw = inputs.resource.spec.job.as_ref();
    let Some(job) = &mut spec.job else { return spec };
    job.upgrade_mode = Some(mode);
    let status = inputs.resource.status.as_ref();
    if status.is_some_and(|status| {
        matches!(
            status.reconciliation_status.state,
            ReconciliationState::Upgrading | ReconciliationState::RollingBack
        )
    }) && !status.is_some_and(|status| recorded::is_being_cancelled(status, recorded))
    {
        // Until a deployment has succeeded, the record says `suspended` of every job.
        job.state = Some(match raw.and_then(|raw| raw.state.clone()) {
            Some(JobState::Suspended) => JobState::Suspended,
            Some(JobState::Running | JobState::Unrecognised(_)) | None => JobState::Running,
        });
    }
    // A nonce is recorded with the outcome of its request. Until then it is in the spec only.
    let manual = Some(SnapshotTriggerType::Manual);
    if let (Some(raw), Some(status)) = (raw, status) {
        if status.job_status.savepoint_info.trigger_type == manual {
            job.savepoint_trigger_nonce = raw.savepoint_trigger_nonce;
        }
        if status.job_status.checkpoint_info.trigger_type == manual {
            job.checkpoint_trigger_nonce = raw.checkpoint_trigger_nonce;
        }
    }
    spec
}

/// The upgrade modes that the last valid spec may have had, the first one that is valid counts. The record only says how the
/// job was started: after a first start that is `stateless` whatever the user wants. An invalid spec may ask for more care
/// than the record, and never for less: a misplaced `upgradeMode` must not make the job start empty.
fn upgrade_modes(inputs: &Inputs<'_>, recorded: &Recorded) -> Vec<UpgradeMode> {
    let raw = inputs.resource.spec.job.as_ref().and_then(|job| job.upgrade_mode.as_ref());
    let recorded = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.as_ref());
    match (raw, recorded) {
        (Some(mode @ (UpgradeMode::Savepoint | UpgradeMode::LastState)), _)
        | (_, Some(mode @ (UpgradeMode::Savepoint | UpgradeMode::LastState))) => vec![mode.clone()],
        (Some(UpgradeMode::Stateless), _) => vec![UpgradeMode::Stateless],
        // A job without folders for its state, for which this mode is not valid, is stateless.
        (None | Some(UpgradeMode::Unrecognised(_)), _) => {
            vec![UpgradeMode::Savepoint, UpgradeMode::Stateless]
        }
    }
}
