//! What a pass decides: actions in order, the reason, and when to look again.

use std::collections::BTreeMap;
use std::time::Duration;

use flink_operator_api::FlinkDeploymentStatus;
use jiff::Timestamp;

use crate::build::native::ClusterObjects;
use crate::conf::options::operator::resource::{CheckpointType, SavepointFormat};
use crate::observed::Parallelism;

/// The outcome of one pass. The shell carries out `actions` in order and stops at the first that fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub actions: Vec<Action>,
    pub because: Because,
    pub requeue: Requeue,
}

/// One step that changes the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Put our finalizer on the resource, under the version that was read.
    AddFinalizer,
    /// Write the status under the version that was read. This is the log of intents and the fence at once: a refused
    /// write (409) means that the view was old, and nothing after it is done.
    Record(Box<FlinkDeploymentStatus>),
    /// Create the JobManager's Deployment, or take the one with `existing` uid, and every object beside it. Objects
    /// that exist already and belong to this Deployment are left as they are, so that a repetition is harmless.
    CreateCluster { objects: Box<ClusterObjects>, existing: Option<String> },
    /// Ask Flink to cancel the job. Repeating it is harmless; an unreachable JobManager is no obstacle.
    CancelJob { job_id: String },
    /// Ask Flink to stop the job with a savepoint. Repeating it under the same trigger id is harmless.
    StopWithSavepoint { job_id: String, savepoint: SavepointRequest, drain: bool },
    /// Ask Flink for a savepoint; the job goes on. Repeating it under the same trigger id is harmless.
    TriggerSavepoint { job_id: String, savepoint: SavepointRequest },
    /// Ask Flink for a checkpoint. Repeating it under the same trigger id is harmless.
    TriggerCheckpoint { job_id: String, trigger_id: String, kind: CheckpointType },
    /// Ask Flink to delete a savepoint. What follows is done only if Flink has accepted that.
    DisposeSavepoint { path: String },
    /// Ask Flink to give each vertex of the running job a parallelism within these bounds. What follows is done only if
    /// Flink has accepted that.
    Rescale { job_id: String, bounds: BTreeMap<String, Parallelism> },
    /// Scale the JobManager's Deployment with the uid that was seen to zero: the JobManager goes while its TaskManagers
    /// are still there.
    StopJobManager { uid: String },
    /// Delete the JobManager's Deployment with the uid that was seen, dependents first.
    DeleteJobManager { uid: String },
    /// Delete the cluster's high availability ConfigMaps.
    DeleteHaData,
    /// Take the job graphs out of the high availability ConfigMaps and keep the checkpoints, so that the next
    /// JobManager runs the spec's job from the last state. Repeating it is harmless.
    ForgetJobGraphs,
    /// Take our finalizer away: the last thing that is done for a resource.
    RemoveFinalizer,
    /// Publish an event about the resource.
    Publish(Event),
}

/// How a savepoint is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointRequest {
    /// Ours, recorded before the request is sent: 32 hexadecimal digits.
    pub trigger_id: String,
    /// Flink's default directory if there is none.
    pub directory: Option<String>,
    pub format: SavepointFormat,
}

/// An event of the resource. Reasons are upstream's, texts are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub warning: bool,
    pub reason: String,
    /// At most 1,024 bytes are kept, which is what the events API takes.
    pub note: String,
    pub annotations: BTreeMap<String, String>,
    /// What is told if it is one occurrence, and is never told again by whatever process. Otherwise the same words within
    /// some minutes are counted together.
    pub once: Option<Occurrence>,
}

/// Something that has happened once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Tells it from all others of the same resource.
    pub key: String,
    pub at: Timestamp,
}

impl Event {
    pub fn normal(reason: &str, note: impl Into<String>) -> Self {
        Self::new(false, reason, note.into())
    }

    pub fn warning(reason: &str, note: impl Into<String>) -> Self {
        Self::new(true, reason, note.into())
    }

    fn new(warning: bool, reason: &str, note: String) -> Self {
        let annotations = BTreeMap::new();
        Self { warning, reason: reason.to_owned(), note, annotations, once: None }
    }
}

/// When the next pass is due if nothing happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// At once: the action that was taken has made another one possible.
    Now,
    After(Duration),
    /// Only a change wakes it; there is nothing to look at by the clock.
    OnChange,
}

/// Why the pass ended as it did. The conditions and the log line both come from this value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The world is as the spec says.
    UpToDate,
    /// The job is suspended, as asked for, and nothing runs.
    Suspended,
    /// Another system owns the resource (canary resources of upstream's health check).
    NotOurs,
    /// A cluster is being deployed.
    Deploying,
    /// The running cluster is being replaced, since the spec has changed.
    Upgrading { changes: String },
    /// The resource is being deleted.
    Deleting,
    /// Nothing to do until something else has happened.
    WaitingFor(Wait),
    /// Nothing more is done until somebody changes something.
    NeedsUser(Blocked),
}

/// What a pass waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The JobManager's pod is not ready.
    JobManagerPod { detail: String },
    /// The pod is ready, REST does not answer.
    Rest { why: String },
    /// REST answers, the job does not run yet.
    JobToRun { state: String },
    /// The job has not ended after its cancellation.
    JobToEnd,
    /// The Deployment of the previous cluster is still there.
    OldCluster,
    /// Its pods do not end.
    OldClusterStays { pods: String },
    /// The job is being stopped with a savepoint.
    StopWithSavepoint,
    /// The spec has changed, and the change has to wait: it is not known yet where the job would go on from.
    RestorePoint { why: String },
    /// The last attempt to take the savepoint has failed; the next one is due later.
    NextSavepoint { why: String },
    /// What parallelism the running job has could not be seen, so that it cannot be changed yet.
    Parallelism { why: String },
    /// The deletion of a session cluster waits for the jobs in it.
    SessionJobs { message: String },
    /// What stands in the API server could not be seen.
    ClusterState { why: String },
}

/// What only a user, or another system, can put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The spec has faults; the last valid one, if any, is kept running.
    InvalidSpec { faults: String },
    /// The JobManager does not come up.
    JobManagerFailed { reason: String, message: String },
    /// There is no TLS connection to the JobManager, for a reason that does not go away by itself.
    TlsFailed { message: String },
    /// The job has failed and is not restarted by itself.
    JobFailed { message: String },
    /// Somebody else than the operator has cancelled the job.
    JobCancelled { message: String },
    /// The change asks for the job's state to be kept, in a way that is not possible now.
    StatefulChangeHeld { message: String },
    /// The spec is valid and asks for what this version does not do.
    NotSupported { message: String },
    /// The API server refuses an object of the cluster.
    ObjectRefused { message: String },
    /// An object with the name of ours belongs to somebody else.
    NameTaken { message: String },
    /// The record of what was deployed cannot be read.
    UnreadableRecord { message: String },
    /// The cluster is gone, and how to bring it back with its state is not known.
    ClusterLost { message: String },
}

impl Because {
    /// The CamelCase reason of conditions: a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::Suspended => "Suspended",
            Self::NotOurs => "NotOurs",
            Self::Deploying => "Deploying",
            Self::Upgrading { .. } => "Upgrading",
            Self::Deleting => "Deleting",
            Self::WaitingFor(wait) => wait.reason(),
            Self::NeedsUser(blocked) => blocked.reason(),
        }
    }

    /// A sentence for people. It holds nothing that changes from pass to pass.
    pub fn message(&self) -> String {
        match self {
            Self::UpToDate => "The cluster is as the spec says.".to_owned(),
            Self::Suspended => "The job is suspended, as spec.job.state asks for.".to_owned(),
            Self::NotOurs => "A canary resource: nothing is deployed for it.".to_owned(),
            Self::Deploying => "The cluster's objects are being created.".to_owned(),
            Self::Upgrading { changes } => format!("The cluster is being replaced: {changes}"),
            Self::Deleting => "The cluster is being deleted.".to_owned(),
            Self::WaitingFor(wait) => wait.message(),
            Self::NeedsUser(blocked) => blocked.message(),
        }
    }
}

impl Wait {
    fn reason(&self) -> &'static str {
        match self {
            Self::JobManagerPod { .. } => "WaitingForJobManager",
            Self::Rest { .. } => "WaitingForRest",
            Self::JobToRun { .. } => "WaitingForJob",
            Self::JobToEnd => "WaitingForCancellation",
            Self::OldCluster | Self::OldClusterStays { .. } => "WaitingForOldCluster",
            Self::StopWithSavepoint => "WaitingForSavepoint",
            Self::RestorePoint { .. } => "WaitingForRestorePoint",
            Self::NextSavepoint { .. } => "SavepointFailed",
            Self::Parallelism { .. } => "WaitingForParallelism",
            Self::SessionJobs { .. } => "WaitingForSessionJobs",
            Self::ClusterState { .. } => "ClusterStateUnknown",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::JobManagerPod { detail } if detail.is_empty() => {
                "Waiting for the JobManager's pod to become ready.".to_owned()
            }
            Self::JobManagerPod { detail } => {
                format!("Waiting for the JobManager's pod to become ready: {detail}")
            }
            Self::Rest { .. } => {
                "The JobManager's pod is ready; waiting for its REST API to answer.".to_owned()
            }
            Self::JobToRun { state } => {
                format!("The JobManager answers; waiting for the job to run (now {state}).")
            }
            Self::JobToEnd => "Waiting for the job to end after its cancellation.".to_owned(),
            Self::OldCluster => "Waiting for the pods of the previous cluster to end.".to_owned(),
            Self::OldClusterStays { pods } => format!(
                "The pods of the previous cluster do not end ({pods}). A second cluster beside them could run the job \
                 twice, so they are awaited. If their node is gone, delete them with --force."
            ),
            Self::StopWithSavepoint => "Waiting for the job to stop with a savepoint.".to_owned(),
            Self::RestorePoint { why } => {
                format!("The change waits, and the job is left as it is: {why}")
            }
            Self::NextSavepoint { why } => {
                format!("The job could not be stopped with a savepoint; it is tried again. {why}")
            }
            Self::Parallelism { why } => {
                format!("Waiting to see what parallelism the running job has: {why}")
            }
            Self::SessionJobs { message } => message.clone(),
            Self::ClusterState { why } => format!("Waiting to see the state of the cluster: {why}"),
        }
    }
}

impl Blocked {
    fn reason(&self) -> &'static str {
        match self {
            Self::InvalidSpec { .. } => "InvalidSpec",
            Self::JobManagerFailed { .. } => "JobManagerFailed",
            Self::TlsFailed { .. } => "TlsFailed",
            Self::JobFailed { .. } => "JobFailed",
            Self::JobCancelled { .. } => "JobCancelled",
            Self::StatefulChangeHeld { .. } => "StatefulChangeHeld",
            Self::NotSupported { .. } => "NotSupported",
            Self::ObjectRefused { .. } => "ObjectRefused",
            Self::NameTaken { .. } => "NameTaken",
            Self::UnreadableRecord { .. } => "UnreadableRecord",
            Self::ClusterLost { .. } => "ClusterLost",
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::InvalidSpec { faults } => faults.clone(),
            Self::JobManagerFailed { reason, message } => {
                format!("The JobManager does not start: {reason}: {message}")
            }
            Self::JobFailed { message } => format!("The job has failed: {message}"),
            Self::TlsFailed { message }
            | Self::StatefulChangeHeld { message }
            | Self::JobCancelled { message }
            | Self::NotSupported { message }
            | Self::ObjectRefused { message }
            | Self::NameTaken { message }
            | Self::UnreadableRecord { message }
            | Self::ClusterLost { message } => message.clone(),
        }
    }
}
