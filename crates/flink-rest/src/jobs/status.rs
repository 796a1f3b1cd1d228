//! States of jobs and tasks, and the state of a job that follows from those of its tasks.

use std::fmt;

use serde::Deserialize;

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    Initializing,
    /// Also a job that restarts and waits for slots, under the adaptive scheduler.
    Created,
    /// Being scheduled or running; see [`super::JobOverview::effective_status`].
    Running,
    Failing,
    Failed,
    Cancelling,
    Canceled,
    Finished,
    Restarting,
    /// The JobManager has released the job without ending it. Another JobManager may resume it.
    Suspended,
    Reconciling,
    /// A state that a newer Flink added. It does not count as ended.
    #[serde(other)]
    Unrecognised,
}

impl JobStatus {
    /// Whether the job has ended and Flink will not restart it.
    pub fn is_globally_terminal(self) -> bool {
        match self {
            Self::Failed | Self::Canceled | Self::Finished => true,
            Self::Initializing
            | Self::Created
            | Self::Running
            | Self::Failing
            | Self::Cancelling
            | Self::Restarting
            | Self::Suspended
            | Self::Reconciling
            | Self::Unrecognised => false,
        }
    }

    /// The name that Flink uses; `UNRECOGNISED` for states that a newer Flink added.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::Created => "CREATED",
            Self::Running => "RUNNING",
            Self::Failing => "FAILING",
            Self::Failed => "FAILED",
            Self::Cancelling => "CANCELLING",
            Self::Canceled => "CANCELED",
            Self::Finished => "FINISHED",
            Self::Restarting => "RESTARTING",
            Self::Suspended => "SUSPENDED",
            Self::Reconciling => "RECONCILING",
            Self::Unrecognised => "UNRECOGNISED",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a task, or of a vertex, which is that of its tasks taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskState {
    Created,
    Scheduled,
    Deploying,
    Initializing,
    Running,
    Finished,
    Canceling,
    Canceled,
    Failed,
    Reconciling,
    /// A state that a newer Flink added. It does not count as ended.
    #[serde(other)]
    Unrecognised,
}

/// How many tasks are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Counted")]
pub struct TaskCounts {
    pub created: u64,
    pub scheduled: u64,
    pub deploying: u64,
    pub initializing: u64,
    pub running: u64,
    pub finished: u64,
    pub canceling: u64,
    pub canceled: u64,
    pub failed: u64,
    pub reconciling: u64,
    /// All tasks, also those in states that a newer Flink added.
    pub total: u64,
}

impl TaskCounts {
    /// Whether each task runs or has finished.
    pub fn all_running_or_finished(self) -> bool {
        self.running.saturating_add(self.finished) == self.total
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self {
            created: self.created.saturating_add(other.created),
            scheduled: self.scheduled.saturating_add(other.scheduled),
            deploying: self.deploying.saturating_add(other.deploying),
            initializing: self.initializing.saturating_add(other.initializing),
            running: self.running.saturating_add(other.running),
            finished: self.finished.saturating_add(other.finished),
            canceling: self.canceling.saturating_add(other.canceling),
            canceled: self.canceled.saturating_add(other.canceled),
            failed: self.failed.saturating_add(other.failed),
            reconciling: self.reconciling.saturating_add(other.reconciling),
            total: self.total.saturating_add(other.total),
        }
    }
}

/// The counts as JSON. The list of jobs has lower-case names and a total, the details have upper-case names and none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Counted {
    #[serde(alias = "CREATED")]
    created: u64,
    #[serde(alias = "SCHEDULED")]
    scheduled: u64,
    #[serde(alias = "DEPLOYING")]
    deploying: u64,
    #[serde(alias = "INITIALIZING")]
    initializing: u64,
    #[serde(alias = "RUNNING")]
    running: u64,
    #[serde(alias = "FINISHED")]
    finished: u64,
    #[serde(alias = "CANCELING")]
    canceling: u64,
    #[serde(alias = "CANCELED")]
    canceled: u64,
    #[serde(alias = "FAILED")]
    failed: u64,
    #[serde(alias = "RECONCILING")]
    reconciling: u64,
    total: Option<u64>,
}

impl From<Counted> for TaskCounts {
    fn from(counted: Counted) -> Self {
        let Counted { created, scheduled, deploying, initializing, running, .. } = counted;
        let Counted { finished, canceling, canceled, failed, reconciling, total, .. } = counted;
        let known = [
            created,
            scheduled,
            deploying,
            initializing,
            running,
            finished,
            canceling,
            canceled,
            failed,
            reconciling,
        ];
        let total = total.unwrap_or_else(|| known.into_iter().fold(0, u64::saturating_add));
        Self {
            created,
            scheduled,
            deploying,
            initializing,
            running,
            finished,
            canceling,
            canceled,
            failed,
            reconciling,
            total,
        }
    }
}

/// See [`super::JobOverview::effective_status`]. Without counts the job does not count as running.
pub(super) fn effective(status: JobStatus, tasks: Option<TaskCounts>) -> JobStatus {
    let up = tasks.is_some_and(TaskCounts::all_running_or_finished);
    if status == JobStatus::Running && !up { JobStatus::Created } else { status }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [JobStatus; 12] = [
        JobStatus::Initializing,
        JobStatus::Created,
        JobStatus::Running,
        JobStatus::Failing,
        JobStatus::Failed,
        JobStatus::Cancelling,
        JobStatus::Canceled,
        JobStatus::Finished,
        JobStatus::Restarting,
        JobStatus::Suspended,
        JobStatus::Reconciling,
        JobStatus::Unrecognised,
    ];

    #[test]
    fn every_state_is_read_by_its_name_and_any_other_is_not_an_end() {
        for status in ALL {
            let read: JobStatus = serde_json::from_str(&format!("\"{status}\"")).unwrap();
            assert_eq!(read, status);
        }
        let newer: JobStatus = serde_json::from_str("\"HIBERNATING\"").unwrap();
        assert_eq!(newer, JobStatus::Unrecognised);
        assert!(!newer.is_globally_terminal());
        let terminal: Vec<_> =
            ALL.iter().filter(|s| s.is_globally_terminal()).map(|s| s.as_str()).collect();
        assert_eq!(terminal, ["FAILED", "CANCELED", "FINISHED"]);
    }

    #[test]
    fn a_job_runs_once_all_its_tasks_run_or_have_finished() {
        let check = |tasks: &str, expected: JobStatus| {
            let tasks: Option<TaskCounts> = serde_json::from_str(tasks).unwrap();
            assert_eq!(effective(JobStatus::Running, tasks), expected, "{tasks:?}");
            for status in ALL {
                if status != JobStatus::Running {
                    assert_eq!(effective(status, tasks), status);
                }
            }
        };
        check(r#"{"running":2,"total":2}"#, JobStatus::Running);
        check(r#"{"running":1,"finished":1,"total":2}"#, JobStatus::Running);
        check(r#"{"running":1,"initializing":1,"total":2}"#, JobStatus::Created);
        check(r#"{"running":1,"total":2}"#, JobStatus::Created);
        check(r#"{"RUNNING":1,"FINISHED":1}"#, JobStatus::Running);
        check(r#"{"RUNNING":1,"SCHEDULED":1}"#, JobStatus::Created);
        check(r#"{"running":0,"total":0}"#, JobStatus::Running);
        check("null", JobStatus::Created);
    }
}
