//! What the options of a resource say about how its job is treated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use crate::conf::options::high_availability::{self, HighAvailability};
use crate::conf::options::job;
use crate::conf::options::operator::resource::{CheckpointType, SavepointFormat};
use crate::conf::options::operator::{platform, resource as operator};
use crate::conf::{ConfigOption, Configuration, OptionType};
use crate::effective;
use crate::job::snapshots::schedule::Schedule;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::recorded::Recorded;

/// What makes a job unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HealthLimits {
    /// In this time …
    pub restarts_window: Duration,
    /// … more restarts than these.
    pub restarts_max: i64,
    /// No checkpoint completed in this time; `None` does not look at checkpoints.
    pub checkpoint_window: Option<Duration>,
}

/// Flink gives a savepoint up by itself after `execution.checkpointing.timeout`. Grace period for Flink to report that.
const TIMEOUT_REPORT_GRACE: Duration = Duration::from_secs(30);

/// Options of one resource: those of the deployed spec, with what the current spec says about the operator itself. They
/// take effect without a new deployment.
#[derive(Clone, Debug)]
pub(crate) struct JobOptions<'a> {
    configuration: Cow<'a, Configuration>,
}

impl<'a> JobOptions<'a> {
    /// For what happens to a job that runs.
    pub(crate) fn of_deployed(inputs: &Inputs<'a>, recorded: &Recorded) -> Self {
        let current = &inputs.resource.spec;
        let deployed = effective::observe(
            &inputs.platform.defaults,
            inputs.namespace(),
            inputs.name(),
            &recorded.spec,
            current,
        );
        // What was deployed once and cannot be derived any more: the options are what the spec says now.
        deployed.map_or_else(
            |_| Self::of_current(inputs),
            |cluster| Self { configuration: Cow::Owned(cluster.configuration) },
        )
    }

    /// For what the next cluster is made of, and for looks at the operator's own options, where the two do not differ.
    pub(crate) fn of_current(inputs: &Inputs<'a>) -> Self {
        let configuration = match inputs.validated {
            Ok(valid) => Cow::Borrowed(&valid.effective.configuration),
            Err(_) => Cow::Owned(effective::base(
                &inputs.platform.defaults,
                inputs.namespace(),
                None,
                inputs.resource.spec.flink_configuration.as_ref(),
            )),
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
    pub(crate) fn keeps_ha_data(&self) -> bool {
        HighAvailability::of(&self.configuration) == Ok(HighAvailability::Kubernetes)
    }

    /// Whether the cluster's metadata outlives its JobManager where this operator can not look.
    pub(crate) fn keeps_unseen_ha_data(&self) -> bool {
        HighAvailability::of(&self.configuration)
            .is_ok_and(|kind| kind.is_on() && kind != HighAvailability::Kubernetes)
    }

    /// Servers and node of ZooKeeper under which clusters keep their metadata, if they do.
    pub(crate) fn zookeeper(&self) -> Option<(String, String)> {
        if HighAvailability::of(&self.configuration) != Ok(HighAvailability::ZooKeeper) {
            return None;
        }
        let servers = self.configuration.get(&high_availability::ZOOKEEPER_QUORUM).ok().flatten();
        let root = self.get(&high_availability::ZOOKEEPER_PATH_ROOT)?;
        Some((servers.unwrap_or_default(), root.trim_end_matches('/').to_owned()))
    }

    /// `kubernetes.operator.job.upgrade.last-state-fallback.enabled`
    pub(crate) fn last_state_fallback(&self) -> bool {
        self.get(&operator::LAST_STATE_FALLBACK_ENABLED).unwrap_or(true)
    }

    /// `kubernetes.operator.job.upgrade.last-state.job-cancel.enabled`
    pub(crate) fn last_state_cancels(&self) -> bool {
        self.get(&operator::LAST_STATE_CANCEL_JOB).unwrap_or(false)
    }

    /// `kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age`
    pub(crate) fn checkpoint_age_max(&self) -> Option<Duration> {
        let age =
            self.configuration.get(&operator::LAST_STATE_MAX_CHECKPOINT_AGE).ok().flatten()?;
        Duration::try_from(age).ok()
    }

    /// `kubernetes.operator.job.upgrade.ignore-pending-savepoint`
    pub(crate) fn ignores_pending_savepoint(&self) -> bool {
        self.get(&operator::IGNORE_PENDING_SAVEPOINT).unwrap_or(false)
    }

    /// `kubernetes.operator.job.savepoint-on-deletion`
    pub(crate) fn savepoint_on_deletion(&self) -> bool {
        self.get(&operator::SAVEPOINT_ON_DELETION).unwrap_or(false)
    }

    /// `kubernetes.operator.session.deletion.block-on-session-jobs`
    pub(crate) fn blocks_on_session_jobs(&self) -> bool {
        self.get(&operator::BLOCK_ON_SESSION_JOBS).unwrap_or(true)
    }

    /// `kubernetes.operator.session.deletion.block-on-unmanaged-jobs`
    pub(crate) fn blocks_on_unmanaged_jobs(&self) -> bool {
        self.get(&operator::BLOCK_ON_UNMANAGED_JOBS).unwrap_or(true)
    }

    /// `kubernetes.operator.job.drain-on-savepoint-deletion`
    pub(crate) fn drain(&self) -> bool {
        self.get(&operator::DRAIN_ON_SAVEPOINT_DELETION).unwrap_or(false)
    }

    /// `kubernetes.operator.savepoint.format.type`
    pub(crate) fn savepoint_format(&self) -> SavepointFormat {
        self.get(&operator::SAVEPOINT_FORMAT_TYPE).unwrap_or(SavepointFormat::Canonical)
    }

    /// `execution.checkpointing.savepoint-dir`
    pub(crate) fn savepoint_directory(&self) -> Option<String> {
        self.configuration
            .get(&job::SAVEPOINT_DIR)
            .ok()
            .flatten()
            .filter(|directory| !directory.trim().is_empty())
    }

    /// `execution.checkpointing.dir`
    pub(crate) fn checkpoint_directory(&self) -> Option<String> {
        self.configuration.get(&job::CHECKPOINTING_DIR).ok().flatten()
    }

    /// `execution.checkpointing.timeout`: Flink gives up a savepoint after it.
    pub(crate) fn checkpoint_timeout(&self) -> Duration {
        self.duration(&job::CHECKPOINTING_TIMEOUT, Duration::from_mins(10))
    }

    /// When a savepoint that was asked for is overdue: Flink gives it up after `checkpoint_timeout`, and has had the time
    /// to report that.
    pub(crate) fn savepoint_deadline(&self) -> Duration {
        self.checkpoint_timeout() + TIMEOUT_REPORT_GRACE
    }

    /// `kubernetes.operator.checkpoint.type`
    pub(crate) fn checkpoint_type(&self) -> CheckpointType {
        self.get(&operator::CHECKPOINT_TYPE).unwrap_or(CheckpointType::Full)
    }

    /// `kubernetes.operator.savepoint.trigger.grace-period`
    pub(crate) fn savepoint_grace(&self) -> Duration {
        self.duration(&operator::SAVEPOINT_TRIGGER_GRACE_PERIOD, Duration::from_mins(1))
    }

    /// `kubernetes.operator.checkpoint.trigger.grace-period`
    pub(crate) fn checkpoint_grace(&self) -> Duration {
        self.duration(&operator::CHECKPOINT_TRIGGER_GRACE_PERIOD, Duration::from_mins(1))
    }

    /// `kubernetes.operator.periodic.savepoint.interval`
    pub(crate) fn savepoint_schedule(&self) -> Schedule {
        Schedule::read(&self.get(&operator::PERIODIC_SAVEPOINT_INTERVAL).unwrap_or_default())
    }

    /// `kubernetes.operator.periodic.checkpoint.interval`
    pub(crate) fn checkpoint_schedule(&self) -> Schedule {
        Schedule::read(&self.get(&operator::PERIODIC_CHECKPOINT_INTERVAL).unwrap_or_default())
    }

    /// Whether the files of savepoints beyond the limits are deleted: `kubernetes.operator.savepoint.cleanup.enabled` and
    /// `kubernetes.operator.savepoint.dispose-on-delete`. The latter is about snapshot resources. Without them
    /// (`kubernetes.operator.snapshot.resource.enabled: false`) the clean-up deletes files by itself.
    pub(crate) fn deletes_savepoints(&self) -> bool {
        let cleans_up = self.get(&operator::SAVEPOINT_CLEANUP_ENABLED).unwrap_or(true);
        let disposes = self.get(&operator::SAVEPOINT_DISPOSE_ON_DELETE).unwrap_or(false);
        let has_resources = self.get(&operator::SNAPSHOT_RESOURCE_ENABLED).unwrap_or(true);
        cleans_up && (disposes || !has_resources)
    }

    /// `kubernetes.operator.savepoint.history.max.count`, at least 1
    pub(crate) fn savepoint_count_max(&self) -> usize {
        let count = self.get(&operator::SAVEPOINT_HISTORY_MAX_COUNT).unwrap_or(10);
        usize::try_from(count).unwrap_or(1).max(1)
    }

    /// `kubernetes.operator.savepoint.history.max.age`
    pub(crate) fn savepoint_age_max(&self) -> Duration {
        self.duration(&operator::SAVEPOINT_HISTORY_MAX_AGE, Duration::from_hours(24))
    }

    /// `kubernetes.operator.events.exceptions.limit-per-reconciliation`, at most 100; `None` for none.
    pub(crate) fn exceptions_max(&self) -> Option<u32> {
        let limit = self.get(&platform::EVENTS_EXCEPTIONS_LIMIT).unwrap_or(10).min(100);
        u32::try_from(limit).ok().filter(|limit| *limit > 0)
    }

    /// `kubernetes.operator.events.exceptions.stacktrace-lines`, at least 1
    pub(crate) fn exception_lines(&self) -> usize {
        let lines = self.get(&platform::EVENTS_EXCEPTIONS_STACKTRACE_LINES).unwrap_or(5);
        usize::try_from(lines).unwrap_or(1).max(1)
    }

    /// `kubernetes.operator.jm-deployment-recovery.enabled`
    pub(crate) fn recovers_lost_job_managers(&self) -> bool {
        self.get(&operator::JOB_MANAGER_RECOVERY_ENABLED).unwrap_or(true)
    }

    /// `kubernetes.operator.job.restart.failed`
    pub(crate) fn restarts_failed_jobs(&self) -> bool {
        self.get(&operator::RESTART_FAILED_JOB).unwrap_or(false)
    }

    /// `kubernetes.operator.jm-deployment.shutdown-ttl`
    pub(crate) fn shutdown_ttl(&self) -> Duration {
        self.duration(&operator::JOB_MANAGER_SHUTDOWN_TTL, Duration::from_hours(24))
    }

    /// `kubernetes.operator.deployment.rollback.enabled`
    pub(crate) fn rolls_back(&self) -> bool {
        self.get(&operator::ROLLBACK_ENABLED).unwrap_or(false)
    }

    /// `kubernetes.operator.deployment.readiness.timeout`
    pub(crate) fn readiness_timeout(&self) -> Duration {
        self.duration(&operator::READINESS_TIMEOUT, Duration::from_mins(5))
    }

    /// `kubernetes.operator.job.upgrade.inplace-scaling.enabled`
    pub(crate) fn rescales_in_place(&self) -> bool {
        self.get(&operator::INPLACE_SCALING_ENABLED).unwrap_or(true)
    }

    /// Whether Flink's scheduler can change the parallelism of a running job.
    pub(crate) fn schedules_adaptively(&self) -> bool {
        self.get(&job::SCHEDULER)
            .is_some_and(|scheduler| scheduler.eq_ignore_ascii_case("adaptive"))
    }

    /// `pipeline.jobvertex-parallelism-overrides`
    pub(crate) fn parallelism_overrides(&self) -> BTreeMap<String, String> {
        self.get(&job::PARALLELISM_OVERRIDES).unwrap_or_default()
    }

    /// `kubernetes.operator.cluster.health-check.enabled`
    pub(crate) fn health_check_enabled(&self) -> bool {
        self.get(&operator::HEALTH_CHECK_ENABLED).unwrap_or(false)
    }

    /// What `kubernetes.operator.cluster.health-check.*` says is unhealthy. A window for checkpoints that is shorter than
    /// the job's own settings allow is not used.
    pub(crate) fn health_limits(&self) -> HealthLimits {
        let interval = self.configuration.get(&job::CHECKPOINTING_INTERVAL).ok().flatten();
        let interval = interval.and_then(|interval| Duration::try_from(interval).ok());
        let tolerable = self.get(&job::TOLERABLE_FAILED_CHECKPOINTS).unwrap_or(0);
        let failures = u32::try_from(tolerable).unwrap_or(0).saturating_add(2);
        let least =
            interval.unwrap_or_default().max(self.checkpoint_timeout()).saturating_mul(failures);
        let window = self
            .configuration
            .get(&operator::HEALTH_CHECK_CHECKPOINT_PROGRESS_WINDOW)
            .ok()
            .flatten()
            .and_then(|window| Duration::try_from(window).ok());
        let looks = self.get(&operator::HEALTH_CHECK_CHECKPOINT_PROGRESS_ENABLED).unwrap_or(true)
            && (window.is_some() || interval.is_some());
        HealthLimits {
            restarts_window: self
                .duration(&operator::HEALTH_CHECK_RESTARTS_WINDOW, Duration::from_mins(2)),
            restarts_max: i64::from(
                self.get(&operator::HEALTH_CHECK_RESTARTS_THRESHOLD).unwrap_or(64),
            ),
            checkpoint_window: looks.then(|| window.map_or(least, |window| window.max(least))),
        }
    }
}
