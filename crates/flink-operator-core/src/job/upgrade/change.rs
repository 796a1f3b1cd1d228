//! What a job is stopped for.

use flink_operator_api::{FlinkDeploymentSpec, UpgradeMode};

use crate::reconcile::decision::Event;

/// What the job is stopped for.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The spec that runs next.
    pub desired: FlinkDeploymentSpec,
    /// How the state is to be taken along, where it is not what the spec says.
    pub mode: UpgradeMode,
    pub why: Why,
}

/// Why a job is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The spec was changed.
    Edited,
    /// The job has failed, and is started again.
    Failed,
    /// The job is unhealthy, and is started again.
    Unhealthy,
    /// The last change has not proved itself.
    RolledBack,
}

impl Change {
    pub(crate) fn edited(desired: &FlinkDeploymentSpec) -> Self {
        Self { desired: desired.clone(), mode: mode_of(desired), why: Why::Edited }
    }

    /// The same spec again.
    pub(crate) fn restart(desired: &FlinkDeploymentSpec, mode: UpgradeMode, why: Why) -> Self {
        Self { desired: desired.clone(), mode, why }
    }

    pub(crate) fn event(&self, changes: &str) -> Event {
        match self.why {
            Why::Edited => Event::normal("SpecChanged", changes),
            Why::Failed => Event::warning("RestartFailedJob", "Starting the failed job again."),
            Why::Unhealthy => {
                Event::warning("RestartUnhealthyJob", "Starting the unhealthy job again.")
            }
            Why::RolledBack => Event::warning(
                "Rollback",
                "The last change has not become stable in time; going back to the last stable spec.",
            ),
        }
    }
}

pub(crate) fn mode_of(desired: &FlinkDeploymentSpec) -> UpgradeMode {
    desired.job.as_ref().and_then(|job| job.upgrade_mode.clone()).unwrap_or(UpgradeMode::Stateless)
}

/// The mode in which the state goes back: the user's word for stateless, else from the newest state there is.
pub(crate) fn restart_mode(desired: &FlinkDeploymentSpec) -> UpgradeMode {
    match desired.job.as_ref().and_then(|job| job.upgrade_mode.clone()) {
        Some(UpgradeMode::Stateless) | None => UpgradeMode::Stateless,
        Some(UpgradeMode::Savepoint | UpgradeMode::LastState | UpgradeMode::Unrecognised(_)) => {
            UpgradeMode::LastState
        }
    }
}
