//! What was seen of the world in one pass: plain data that can be printed, stored and replayed.

use std::collections::BTreeMap;

use flink_operator_api::FlinkJobStatus;
use jiff::Timestamp;

/// An observation. A failure to look is never read as absence: [`Seen::Unknown`] carries why nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    Present(T),
    Absent,
    Unknown { why: String },
}

impl<T> Seen<T> {
    /// An observation that was not made in this pass, and why it was not needed or not possible.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unknown { .. } => None,
        }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// The answer to a question that a pass puts only if a decision needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Asked<T> {
    /// The question was not put in this pass.
    #[default]
    NotAsked,
    /// The question was put. [`Seen::Unknown`] if there was no answer; it is not put again in this pass.
    Answered(Seen<T>),
}

impl<T> Asked<T> {
    /// The answer that something is there.
    pub fn present_is(value: impl Into<T>) -> Self {
        Self::Answered(Seen::Present(value.into()))
    }

    /// The answer that there is nothing.
    pub fn absent() -> Self {
        Self::Answered(Seen::Absent)
    }

    /// A question that was put and not answered.
    pub fn unanswered(why: impl Into<String>) -> Self {
        Self::Answered(Seen::unknown(why))
    }

    pub fn is_not_asked(&self) -> bool {
        matches!(self, Self::NotAsked)
    }

    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Answered(seen) => seen.present(),
            Self::NotAsked => None,
        }
    }

    /// What is known: without a question, nothing.
    pub fn seen(&self) -> Seen<&T> {
        match self {
            Self::NotAsked => Seen::unknown("it was not asked for"),
            Self::Answered(Seen::Present(value)) => Seen::Present(value),
            Self::Answered(Seen::Absent) => Seen::Absent,
            Self::Answered(Seen::Unknown { why }) => Seen::unknown(why.as_str()),
        }
    }
}

/// Who said what an observation holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A watch cache, which may be behind.
    Cache,
    /// The API server itself.
    ApiServer,
}

/// Everything that one pass over a `FlinkDeployment` has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The JobManager's Deployment, from the watch cache corrected by this process's own last writes.
    pub job_manager: Seen<JobManagerDeployment>,
    /// Who said so: the API server itself is asked for a Deployment that the watch cache lacks.
    pub job_manager_source: Source,
    /// The JobManager's pods, from the watch cache; empty while there are none.
    pub pods: Vec<JobManagerPod>,
    /// The cluster's jobs over REST.
    pub jobs: Asked<Vec<JobView>>,
    /// Why REST will not answer until somebody changes something: a certificate, or an option of TLS.
    pub rest_problem: Option<String>,
    /// Version and size of the cluster over REST, once for each JobManager pod.
    pub cluster: Asked<ClusterView>,
    /// Why the job failed, as its execution result says; only for a job that has just been seen FAILED.
    pub job_failure: Option<JobFailure>,
    /// The latest exceptions of the job, newest first.
    pub exceptions: Asked<Vec<JobException>>,
    /// The newest restorable checkpoint or savepoint of a job that has just ended.
    pub last_checkpoint: Asked<LastCheckpoint>,
    /// What the job could go on from.
    pub checkpoints: Asked<Checkpoints>,
    /// Whether the job's checkpoints stay when it is cancelled. The program can set that, and wins over the configuration.
    pub checkpoints_outlive_cancellation: Asked<bool>,
    /// The savepoint, or stop with one, that the status says is under way; `Absent` if Flink knows nothing of it.
    pub savepoint: Asked<Operation>,
    /// The checkpoint that the status says is under way; `Absent` if Flink knows nothing of it.
    pub checkpoint: Asked<Operation>,
    /// The parallelism that each vertex of the job may have, by the vertex' id; `Absent` under a scheduler that cannot
    /// change it, and when Flink has refused the change in this pass.
    pub parallelism: Asked<BTreeMap<String, Parallelism>>,
    /// Metrics of the job, where its health is checked.
    pub health: Asked<HealthSample>,
    /// What Flink keeps in ConfigMaps for high availability.
    pub ha_data: Asked<HaData>,
    /// Names of the FlinkSessionJobs of this session cluster.
    pub session_jobs: Asked<Vec<String>>,
    /// Warnings of the kubelet about a pod that does not start, newest first.
    pub pod_warnings: Asked<Vec<PodWarning>>,
}

impl Observed {
    /// Nothing was looked at yet.
    pub fn nothing() -> Self {
        Self {
            job_manager: Seen::unknown("not looked at"),
            job_manager_source: Source::Cache,
            pods: Vec::new(),
            jobs: Asked::NotAsked,
            rest_problem: None,
            cluster: Asked::NotAsked,
            job_failure: None,
            exceptions: Asked::NotAsked,
            last_checkpoint: Asked::NotAsked,
            checkpoints: Asked::NotAsked,
            checkpoints_outlive_cancellation: Asked::NotAsked,
            savepoint: Asked::NotAsked,
            checkpoint: Asked::NotAsked,
            parallelism: Asked::NotAsked,
            health: Asked::NotAsked,
            ha_data: Asked::NotAsked,
            session_jobs: Asked::NotAsked,
            pod_warnings: Asked::NotAsked,
        }
    }

    /// The API server itself says that there is no JobManager Deployment.
    pub fn absence_is_confirmed(&self) -> bool {
        self.job_manager.is_absent() && self.job_manager_source == Source::ApiServer
    }
}

/// The JobManager's Deployment, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobManagerDeployment {
    pub uid: String,
    pub owner: Owner,
    /// `metadata.generation` of the FlinkDeployment that it was made from: annotation
    /// `flinkdeployment.flink.apache.org/generation`. Absent on what a recovery of the Java operator made.
    pub generation: Option<i64>,
    pub created_at: Option<Timestamp>,
    /// Marked for deletion, and held by garbage collection until its pods are gone.
    pub deleting: bool,
    pub replicas: Replicas,
    /// At least one pod is available (`status.availableReplicas`).
    pub available: bool,
    /// It was never available since it was created: no JobManager of it has ever answered.
    pub never_available: bool,
    /// Condition `ReplicaFailure`: the pod was refused, by a quota or an admission plugin for example.
    pub replica_failure: Option<ReplicaFailure>,
}

/// How many pods a Deployment is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// One or more (`spec.replicas`).
    Wanted,
    /// None, and its controller has not seen to that yet.
    Ending,
    /// None, and its controller has told those that there were to end; they may still be there.
    Ended,
}

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An owner reference carries the resource's uid.
    This,
    /// It belongs to another object, or to none: it is never written to and never deleted.
    Other { described: String },
}

/// Why a Deployment could not create its pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaFailure {
    pub reason: String,
    pub message: String,
}

/// A pod of the JobManager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobManagerPod {
    pub name: String,
    pub uid: String,
    pub deleting: bool,
    pub created_at: Option<Timestamp>,
    /// When the pod became ready; `None` while it is not.
    pub ready_since: Option<Timestamp>,
    /// Why the scheduler finds no node, when it said so.
    pub unschedulable: Option<String>,
    /// Volumes and network are set up (condition `PodReadyToStartContainers`).
    pub sandbox_ready: bool,
    /// Reason and message of a pod that has failed as a whole (evicted, node lost).
    pub failed: Option<ReplicaFailure>,
    pub containers: Vec<ContainerView>,
}

/// A container of a pod, init containers included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerView {
    pub name: String,
    pub init: bool,
    pub restarts: i32,
    pub image: String,
    pub state: ContainerState,
    /// How it ended the last time.
    pub last_end: Option<ContainerEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    Waiting { reason: String, message: String },
    Running,
    Ended(ContainerEnd),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEnd {
    /// Kubernetes' word, such as `OOMKilled` or `Error`.
    pub reason: String,
    pub exit_code: i32,
    pub message: String,
}

/// A warning event about a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodWarning {
    pub reason: String,
    pub message: String,
}

/// A job as the JobManager lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    pub id: String,
    pub name: String,
    /// Flink's state, with the operator's rule applied: RUNNING only when every task runs.
    pub state: FlinkJobStatus,
    pub start_time_ms: i64,
    /// When the state of the job or of one of its tasks last changed, by the JobManager's clock.
    pub changed_at_ms: Option<i64>,
}

/// FAILED, CANCELED or FINISHED: the job will not run again by itself, and Flink has removed its high availability data.
/// A state that a newer Flink may add is never terminal.
pub fn is_globally_terminal(state: &FlinkJobStatus) -> bool {
    match state {
        FlinkJobStatus::Failed | FlinkJobStatus::Canceled | FlinkJobStatus::Finished => true,
        FlinkJobStatus::Initializing
        | FlinkJobStatus::Created
        | FlinkJobStatus::Running
        | FlinkJobStatus::Failing
        | FlinkJobStatus::Cancelling
        | FlinkJobStatus::Restarting
        | FlinkJobStatus::Suspended
        | FlinkJobStatus::Reconciling
        | FlinkJobStatus::Unrecognised(_) => false,
    }
}

/// What Flink lists as a failed job when the main method has failed before there was one
/// (`execution.submit-failed-job-on-application-error`). It takes no note of where the job was to start from, and leaves
/// the high availability data as they are.
pub fn is_main_failed(name: &str) -> bool {
    name == "(application driver)"
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// Java class of the exception.
    pub class: String,
    pub message: String,
}

/// What a job threw, whether it restarted then or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobException {
    pub at: Timestamp,
    /// Java class.
    pub class: String,
    /// The beginning of the stack trace.
    pub stack_trace: String,
    pub task: Option<String>,
    /// Host and port of the TaskManager.
    pub endpoint: Option<String>,
    /// In native mode the name of a pod.
    pub task_manager: Option<String>,
    /// What failure enrichers say.
    pub labels: BTreeMap<String, String>,
}

/// What a job could go on from, as its JobManager says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// The newest of what was completed, and of what the job itself was restored from.
    pub newest: Option<RestorePoint>,
    /// When the checkpoint that goes on was started.
    pub in_progress_since: Option<Timestamp>,
}

/// A checkpoint or savepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePoint {
    /// Flink's number of it, which counts up for each job.
    pub id: i64,
    /// Where it is; `None` if it is in the JobManager's memory only.
    pub path: Option<String>,
    /// A savepoint belongs to the user: Flink does not delete it.
    pub is_savepoint: bool,
    /// When it was started, or for the one that the job was restored from: when it was restored.
    pub at: Option<Timestamp>,
}

/// The newest checkpoint or savepoint of a job that has ended: a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastCheckpoint {
    Kept(String),
    /// Flink has deleted it (`discarded` in the statistics): when the job finished, or when it ended in another way and
    /// its checkpoints were not to be retained.
    Deleted(String),
}

impl From<String> for LastCheckpoint {
    fn from(path: String) -> Self {
        Self::Kept(path)
    }
}

/// Bounds of a vertex' parallelism. Both count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parallelism {
    pub lower: i32,
    pub upper: i32,
}

/// Counters of a job since its JobManager began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSample {
    pub restarts: i64,
    pub completed_checkpoints: i64,
}

/// How far something is that Flink does in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    InProgress,
    /// `location` is empty for checkpoints.
    Completed {
        location: String,
    },
    Failed {
        /// Java class of the exception.
        class: String,
        message: String,
        /// The savepoint that was completed although stopping the job failed after it.
        savepoint: Option<String>,
    },
}

/// What a JobManager says about its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    pub flink_version: String,
    pub flink_revision: String,
    pub task_managers: usize,
}

/// High availability data of a cluster: its ConfigMaps with label `type=flink-native-kubernetes`, without the
/// autoscaler's and without those that belong to the JobManager's Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HaData {
    pub config_maps: Vec<String>,
    /// There is metadata of a job: a ConfigMap whose name ends `-config-map` but not `-cluster-config-map`, or ends
    /// `-jobmanager-leader`.
    pub job_metadata: bool,
    /// The metadata names at least one completed checkpoint (a key that starts with `checkpointID-`).
    pub has_checkpoint: bool,
    /// The number of the newest checkpoint that the metadata names.
    pub newest_checkpoint: Option<i64>,
    /// There are job graphs that a new JobManager would run instead of the spec's job (keys `jobGraph-…`,
    /// `executionPlan-…`).
    pub has_job_graph: bool,
}
