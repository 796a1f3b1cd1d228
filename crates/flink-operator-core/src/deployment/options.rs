//! What the options of a resource say about how its job is treated.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Given, Recorded};
use crate::conf::options::operator::resource as operator;
use crate::conf::options::operator::resource::SavepointFormat;
use crate::conf::options::{high_availability::HighAvailability, job};
use crate::conf::{ConfigOption, Configuration, OptionType};
use crate::effective;

/// Options of one resource: those of the deployed spec, with what the current spec says about the operator itself. They
/// take effect without a new deployment.
#[derive(Clone, Debug)]
pub(super) struct JobOptions {
    configuration: Configuration,
}

impl JobOptions {
    /// For what happens to a job that runs.
    pub(super) fn of_deployed(given: &Given<'_>, recorded: &Recorded) -> Self {
        let current = &given.resource.spec;
        let deployed = effective::observe(
            &given.platform.defaults,
            given.namespace(),
            given.name(),
            &recorded.spec,
            current,
        );
        // What was deployed once and cannot be derived any more: the options are what the spec says now.
        deployed.map_or_else(
            |_| Self::of_current(given),
            |cluster| Self { configuration: cluster.configuration },
        )
    }

    /// For what the next cluster is made of, and for looks at the operator's own options, where the two do not differ.
    pub(super) fn of_current(given: &Given<'_>) -> Self {
        let configuration = match given.validated {
            Ok(valid) => valid.effective.configuration.clone(),
            Err(_) => effective::base(
                &given.platform.defaults,
                given.namespace(),
                None,
                given.resource.spec.flink_configuration.as_ref(),
            ),
        };
        Self { configuration }
    }

    /// An option whose value cannot be read counts as its default: it was told as a fault when the spec was validated.
    fn get<T: OptionType>(&self, option: &ConfigOption<T>) -> Option<T> {
        self.configuration.get_or_default(option).ok()
    }

    fn duration(&self, option: &ConfigOption<SignedDuration>, otherwise: Duration) -> Duration {
        self.get(option).and_then(|value| Duration::try_from(value).ok()).unwrap_or(otherwise)
    }

    /// Whether the cluster's metadata outlives its JobManager, in a place that this operator can look at.
    pub(super) fn keeps_ha_data(&self) -> bool {
        HighAvailability::of(&self.configuration) == Ok(HighAvailability::Kubernetes)
    }

    /// `kubernetes.operator.job.upgrade.last-state-fallback.enabled`
    pub(super) fn last_state_fallback(&self) -> bool {
        self.get(&operator::LAST_STATE_FALLBACK_ENABLED).unwrap_or(true)
    }

    /// `kubernetes.operator.job.upgrade.last-state.job-cancel.enabled`
    pub(super) fn last_state_cancels(&self) -> bool {
        self.get(&operator::LAST_STATE_CANCEL_JOB).unwrap_or(false)
    }

    /// `kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age`
    pub(super) fn checkpoint_age_max(&self) -> Option<Duration> {
        let age =
            self.configuration.get(&operator::LAST_STATE_MAX_CHECKPOINT_AGE).ok().flatten()?;
        Duration::try_from(age).ok()
    }

    /// `kubernetes.operator.job.upgrade.ignore-pending-savepoint`
    pub(super) fn ignores_pending_savepoint(&self) -> bool {
        self.get(&operator::IGNORE_PENDING_SAVEPOINT).unwrap_or(false)
    }

    /// `kubernetes.operator.job.savepoint-on-deletion`
    pub(super) fn savepoint_on_deletion(&self) -> bool {
        self.get(&operator::SAVEPOINT_ON_DELETION).unwrap_or(false)
    }

    /// `kubernetes.operator.job.drain-on-savepoint-deletion`
    pub(super) fn drain(&self) -> bool {
        self.get(&operator::DRAIN_ON_SAVEPOINT_DELETION).unwrap_or(false)
    }

    /// `kubernetes.operator.savepoint.format.type`
    pub(super) fn savepoint_format(&self) -> SavepointFormat {
        self.get(&operator::SAVEPOINT_FORMAT_TYPE).unwrap_or(SavepointFormat::Canonical)
    }

    /// `execution.checkpointing.savepoint-dir`
    pub(super) fn savepoint_directory(&self) -> Option<String> {
        self.configuration
            .get(&job::SAVEPOINT_DIR)
            .ok()
            .flatten()
            .filter(|directory| !directory.trim().is_empty())
    }

    /// `execution.checkpointing.timeout`: Flink gives up a savepoint after it.
    pub(super) fn checkpoint_timeout(&self) -> Duration {
        self.duration(&job::CHECKPOINTING_TIMEOUT, Duration::from_secs(600))
    }

    /// Whether checkpoints outlive the cancellation of their job.
    pub(super) fn keeps_checkpoints_of_cancelled_jobs(&self) -> bool {
        self.configuration
            .get(&job::CHECKPOINT_RETENTION)
            .ok()
            .flatten()
            .is_none_or(|retention| retention.eq_ignore_ascii_case("RETAIN_ON_CANCELLATION"))
    }
}
