//! While the newest spec is invalid, the job is looked after as its last valid spec says.
//!
//! A pass with an invalid spec is an ordinary pass over the same resource with its last valid spec and the generation of
//! that spec. Only what the status says differs: see [`crate::reconcile::pass::InvalidSpec`].

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentSpec, JobSpec, JobState, ReconciliationState,
    SnapshotTriggerType, UpgradeMode,
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
        let mut resource = inputs.resource.clone();
        resource.spec = spec(inputs, recorded?);
        resource.metadata.generation =
            resource.status.as_ref().and_then(|status| status.observed_generation);
        let validated = validate::deployment(&resource, &inputs.platform.defaults);
        let invalid =
            InvalidSpec { faults: fault::summary(faults), generation: inputs.generation() };
        validated.is_ok().then_some(Self { resource, validated, invalid })
    }

    pub(crate) fn inputs<'a>(&'a self, newest: &Inputs<'a>) -> Inputs<'a> {
        Inputs { resource: &self.resource, validated: &self.validated, ..*newest }
    }
}

/// The recorded spec, with what the record does not say about the user's wishes.
fn spec(inputs: &Inputs<'_>, recorded: &Recorded) -> FlinkDeploymentSpec {
    let mut spec = recorded.spec.clone();
    let raw = inputs.resource.spec.job.as_ref();
    let Some(job) = &mut spec.job else { return spec };
    job.upgrade_mode = Some(upgrade_mode(job, raw));
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

/// What the newest spec says, if it says something. The recorded mode says how the job was started, which for a first
/// start is never how its state is to be kept.
fn upgrade_mode(recorded: &JobSpec, raw: Option<&JobSpec>) -> UpgradeMode {
    match raw.map(|raw| raw.upgrade_mode.clone()) {
        Some(None) => UpgradeMode::Stateless,
        Some(Some(
            mode @ (UpgradeMode::Stateless | UpgradeMode::Savepoint | UpgradeMode::LastState),
        )) => mode,
        Some(Some(UpgradeMode::Unrecognised(_))) | None => match &recorded.upgrade_mode {
            Some(mode @ (UpgradeMode::Savepoint | UpgradeMode::LastState)) => mode.clone(),
            // The user's mode is not known. This one keeps the state.
            Some(UpgradeMode::Stateless | UpgradeMode::Unrecognised(_)) | None => {
                UpgradeMode::Savepoint
            }
        },
    }
}
