//! How a simulated cluster behaves, as data: how long things take, and what goes wrong.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How one cluster behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// From the start of the JobManager's container until its REST API answers; connections are refused before.
    pub job_manager_start: Duration,
    /// The JobManager ends by itself; each time that it starts.
    pub job_manager_exit: Option<JobManagerExit>,
    /// From the start of a TaskManager's container until its slots are there.
    pub task_manager_start: Duration,
    /// How long a job is INITIALIZING.
    pub job_initialisation: Duration,
    /// How long a job is CREATED after that.
    pub job_creation: Duration,
    /// From the slots of a job until all its tasks run.
    pub tasks_start: Duration,
    /// Records that a job processes in a second.
    pub records_per_second: u64,
    /// So many records are in the input; without a number it never ends.
    pub records: Option<u64>,
    /// From the beginning of a checkpoint to its end.
    pub checkpoint_takes: Duration,
    /// The same of savepoints.
    pub savepoint_takes: Duration,
    /// From the end of the savepoint until the job that is stopped with it has FINISHED.
    pub stop_takes: Duration,
    /// From CANCELLING to CANCELED.
    pub cancel_takes: Duration,
    /// Requests to cancel are accepted, and nothing comes of them before this long after the JobManager's start.
    pub cancel_ignored: Duration,
    /// What comes of checkpoints that the user asks for, and of savepoints.
    pub savepoint: SavepointOutcome,
    /// Checkpoints that Flink takes by itself fail.
    pub checkpoints_fail: bool,
    /// What comes of stopping a job with a savepoint.
    pub stop: StopOutcome,
    /// This long after its start the JobManager says that it has no jobs.
    pub overview_empty: Duration,
    /// The job's tasks fail again and again.
    pub flapping: Option<Flapping>,
    /// The job fails before its tasks are made.
    pub job_fails: Option<Failure>,
    /// A job of an earlier JobManager cannot be set up, for what it is restored from cannot be read: the JobManager ends.
    pub recovery_fails: Option<Failure>,
    /// A state that no client knows, in place of RUNNING.
    pub shown_state: Option<String>,
    /// Answers that are late, by site (see [`super::fault`]).
    pub slow: BTreeMap<&'static str, Duration>,
    /// Answers that are errors of this status, by site.
    pub broken: BTreeMap<&'static str, u16>,
    /// How long results of background operations are kept, in place of what the configuration says.
    pub operations_kept: Option<Duration>,
    /// What becomes of a job that is to start from a snapshot that is not there.
    pub missing_state: MissingState,
    /// High availability metadata is written at each checkpoint, but after such a pause at the earliest. Whatever is not
    /// written yet is when the JobManager ends or is asked anything.
    pub metadata_pause: Duration,
    /// What a JobManager does when somebody deletes the ConfigMap in which it is the leader.
    pub leader_lost: LeaderLost,
}

impl Default for Behaviour {
    /// A small job on an idle cluster.
    fn default() -> Self {
        Self {
            job_manager_start: Duration::from_secs(2),
            job_manager_exit: None,
            task_manager_start: Duration::from_secs(2),
            job_initialisation: Duration::from_millis(300),
            job_creation: Duration::from_millis(100),
            tasks_start: Duration::from_millis(400),
            records_per_second: 1000,
            records: None,
            checkpoint_takes: Duration::from_millis(200),
            savepoint_takes: Duration::from_millis(500),
            stop_takes: Duration::from_millis(200),
            cancel_takes: Duration::from_millis(100),
            cancel_ignored: Duration::ZERO,
            savepoint: SavepointOutcome::Completes,
            checkpoints_fail: false,
            stop: StopOutcome::Finishes,
            overview_empty: Duration::ZERO,
            flapping: None,
            job_fails: None,
            recovery_fails: None,
            shown_state: None,
            slow: BTreeMap::new(),
            broken: BTreeMap::new(),
            operations_kept: None,
            missing_state: MissingState::FailsTheJob,
            metadata_pause: Duration::from_mins(1),
            leader_lost: LeaderLost::WritesItAgain,
        }
    }
}

/// A JobManager that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobManagerExit {
    /// After the start of its container.
    pub after: Duration,
    pub code: i32,
    /// What it leaves as the reason, in the status of its container.
    pub message: String,
}

/// Tasks that fail again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// They run for so long, …
    pub runs: Duration,
    /// … and fail of this.
    pub failure: Failure,
    /// What the job is called meanwhile, in turns: RESTARTING as Flink says, and FAILED if this is set.
    pub shows_failed: bool,
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// With its package.
    pub class: String,
    pub message: String,
}

impl Failure {
    pub fn new(class: &str, message: &str) -> Self {
        Self { class: class.to_owned(), message: message.to_owned() }
    }

    /// With one frame, as answers show it.
    pub fn trace(&self) -> String {
        format!("{}: {}\n\tat org.example.Job.map(Job.java:1)\n", self.class, self.message)
    }
}

/// What comes of a savepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavepointOutcome {
    Completes,
    Fails(Failure),
    /// It is in progress until the checkpoint times out.
    Hangs,
    /// It is in progress for ever: Flink does not give it up either.
    NeverEnds,
    /// It completes, and its files are gone afterwards.
    Vanishes,
}

/// What comes of stopping a job with a savepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopOutcome {
    Finishes,
    /// The savepoint fails, and the job goes on.
    SavepointFails(Failure),
    /// It is in progress until the checkpoint times out, and the job goes on.
    Hangs,
    /// It is in progress for ever, and the job goes on.
    NeverEnds,
    /// The savepoint completes and is told, and the job goes on.
    GoesOn,
    /// The savepoint completes, the job fails while it is stopped and is restarted; Flink tells of both in one exception.
    FailsAfterwards,
    /// The job finishes by itself before the savepoint begins.
    JobIsFaster,
    /// The savepoint completes, and the JobManager dies before anybody is told.
    JobManagerDies,
    /// As it should be, but the savepoint's files are gone afterwards.
    Vanishes,
}

/// What becomes of a job that is to start from a snapshot that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingState {
    /// It FAILED, as real JobManagers were recorded to say; the JobManager goes on if it is configured to.
    FailsTheJob,
    /// The JobManager ends with the exception, each time that it starts: an application whose error is not submitted as a
    /// failed job.
    EndsTheJobManager,
}

/// What a JobManager does when the ConfigMap in which it is the leader is deleted by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderLost {
    /// It goes on, and writes the ConfigMap again with its next renewal.
    WritesItAgain,
    /// It ends: it takes the deletion for the end of its leadership.
    Ends,
}

/// All behaviours, and what is to happen once.
#[derive(Clone, Debug, Default)]
pub(super) struct Behaviours {
    pub(super) default: Behaviour,
    of: BTreeMap<String, Behaviour>,
    savepoints: BTreeMap<String, VecDeque<SavepointOutcome>>,
    stops: BTreeMap<String, VecDeque<StopOutcome>>,
}

impl Behaviours {
    pub(super) fn of(&self, resource: &str) -> &Behaviour {
        self.of.get(resource).unwrap_or(&self.default)
    }

    pub(super) fn of_mut(&mut self, resource: &str) -> &mut Behaviour {
        self.of.entry(resource.to_owned()).or_insert_with(|| self.default.clone())
    }

    pub(super) fn next_savepoint(&mut self, resource: &str, outcome: SavepointOutcome) {
        self.savepoints.entry(resource.to_owned()).or_default().push_back(outcome);
    }

    pub(super) fn next_stop(&mut self, resource: &str, outcome: StopOutcome) {
        self.stops.entry(resource.to_owned()).or_default().push_back(outcome);
    }

    pub(super) fn take_savepoint(&mut self, resource: &str) -> SavepointOutcome {
        let once = self.savepoints.get_mut(resource).and_then(VecDeque::pop_front);
        once.unwrap_or_else(|| self.of(resource).savepoint.clone())
    }

    pub(super) fn take_stop(&mut self, resource: &str) -> StopOutcome {
        let once = self.stops.get_mut(resource).and_then(VecDeque::pop_front);
        once.unwrap_or_else(|| self.of(resource).stop.clone())
    }
}

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
