//! What a pass has to ask before it can decide.

use crate::reconcile::decision::Decision;

/// A pass so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Not decided yet: the shell answers these questions, and the same function is called with the answers.
    Ask(Questions),
    Done(Decision),
}

impl From<Decision> for Step {
    fn from(decision: Decision) -> Self {
        Self::Done(decision)
    }
}

/// What a pass has to ask beyond the watch caches. Nothing is asked that no decision needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question that is put or not, on its own"
)]
pub struct Questions {
    /// The job overview over REST: the one call of an idle interval.
    pub jobs: bool,
    /// Version and TaskManagers over REST.
    pub cluster: bool,
    /// How a job ended, over REST: its last checkpoint, and its exception if it failed.
    pub job_end: bool,
    /// So many of the job's latest exceptions, over REST: when its state has changed.
    pub exceptions: Option<u32>,
    /// Statistics of the job's checkpoints, over REST: before a job is stopped.
    pub checkpoints: bool,
    /// Whether the job's checkpoints stay when it is cancelled, over REST: before that is done.
    pub checkpoints_outlive_cancellation: bool,
    /// The savepoint that is under way, over REST.
    pub savepoint: bool,
    /// The checkpoint that is under way, over REST.
    pub checkpoint: bool,
    /// The parallelism that the job's vertices may have, over REST: before a change of it.
    pub parallelism: bool,
    /// The job's counters of restarts and checkpoints, over REST.
    pub health: bool,
    /// Whether the Deployment that the cache lacks is really gone (one GET).
    pub confirm_absence: bool,
    /// Events of a pod whose volumes are not ready.
    pub pod_warnings: bool,
    /// ConfigMaps of high availability.
    pub ha_data: bool,
    /// FlinkSessionJobs that name this session cluster: before it is deleted.
    pub session_jobs: bool,
}

impl Questions {
    /// Nothing has to be asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the JobManager has to be asked. It may not respond.
    pub fn asks_flink(&self) -> bool {
        let of_kubernetes = Self {
            confirm_absence: self.confirm_absence,
            pod_warnings: self.pod_warnings,
            ha_data: self.ha_data,
            session_jobs: self.session_jobs,
            ..Self::default()
        };
        *self != of_kubernetes
    }

    pub(crate) fn ha_data() -> Self {
        Self { ha_data: true, ..Self::default() }
    }

    pub(crate) fn checkpoints_outlive_cancellation() -> Self {
        Self { checkpoints_outlive_cancellation: true, ..Self::default() }
    }

    pub(crate) fn session_jobs() -> Self {
        Self { session_jobs: true, ..Self::default() }
    }

    pub(crate) fn checkpoints() -> Self {
        Self { checkpoints: true, ..Self::default() }
    }
}
