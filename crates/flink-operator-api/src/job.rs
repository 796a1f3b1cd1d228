//! The job of an application cluster or of a session cluster.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tolerant::null_as_default;

/// A Flink job: what to run, and how its state is kept over changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct JobSpec {
    /// URI of the job's jar. In an application cluster it is usually inside the image, for example
    /// `local:///opt/flink/usrlib/job.jar`; a session job needs one that the operator can fetch.
    /// Unset: the classpath of the image has the job.
    #[serde(rename = "jarURI")]
    pub jar_uri: Option<String>,
    /// Parallelism of the job, at least 1. It may be left out of a standalone cluster that sets
    /// `taskManager.replicas`: the parallelism then is what all their slots allow.
    #[serde(deserialize_with = "null_as_default")]
    pub parallelism: i32,
    /// Fully qualified name of the class with the job's `main` method. Unset: the jar's manifest
    /// names it.
    pub entry_class: Option<String>,
    /// Arguments of the job's `main` method.
    pub args: Option<Vec<String>>,
    /// Desired state: `running` (default) or `suspended`, which stops the job as `upgradeMode` says
    /// and keeps what is needed to resume it.
    pub state: Option<JobState>,
    /// A new value takes a savepoint of the running job. Deprecated: create a FlinkStateSnapshot.
    pub savepoint_trigger_nonce: Option<i64>,
    /// Savepoint or checkpoint to start from. It is used by the first deployment, and again
    /// whenever `savepointRedeployNonce` changes.
    pub initial_savepoint_path: Option<String>,
    /// A new value takes a checkpoint of the running job. Deprecated: create a FlinkStateSnapshot.
    pub checkpoint_trigger_nonce: Option<i64>,
    /// How the job's state is kept over a change of the spec: `savepoint` stops the job with a
    /// savepoint; `last-state` resumes from the latest checkpoint; `stateless` (default) starts
    /// empty.
    pub upgrade_mode: Option<UpgradeMode>,
    /// Start even if the snapshot has state that no operator of the job takes. Flink refuses that
    /// by default.
    pub allow_non_restored_state: Option<bool>,
    /// A new value redeploys the job from `initialSavepointPath`. The job's current state is lost.
    pub savepoint_redeploy_nonce: Option<i64>,
    /// A new value makes the autoscaler drop its measurements and decisions for the job.
    pub autoscaler_reset_nonce: Option<i64>,
}

impl Default for JobSpec {
    fn default() -> Self {
        Self {
            jar_uri: None,
            parallelism: 0,
            entry_class: None,
            args: Some(Vec::new()),
            state: Some(JobState::Running),
            savepoint_trigger_nonce: None,
            initial_savepoint_path: None,
            checkpoint_trigger_nonce: None,
            upgrade_mode: Some(UpgradeMode::Stateless),
            allow_non_restored_state: None,
            savepoint_redeploy_nonce: None,
            autoscaler_reset_nonce: None,
        }
    }
}

open_enum! {
    /// Desired state of a job.
    pub enum JobState {
        /// The job runs, or is being started.
        Running = "running",
        /// The job is stopped; what is needed to resume it is kept.
        Suspended = "suspended",
    }
}

open_enum! {
    /// How the state of a job is kept over a change of its spec.
    pub enum UpgradeMode {
        /// Stop with a savepoint and start from it.
        Savepoint = "savepoint",
        /// Stop in any way and start from the latest checkpoint.
        LastState = "last-state",
        /// Start empty.
        Stateless = "stateless",
    }
}
