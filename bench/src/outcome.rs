//! What a benchmark found, as it is stored: all runs, so that other numbers can be made of them later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A whole benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub conditions: Conditions,
    pub runs: Vec<Run>,
}

/// What the times depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// RFC 3339.
    pub began_at: String,
    pub kubernetes: String,
    /// What was measured: the image of the installed operator, or the build of the process.
    pub operator: String,
    /// Whether this program was built with optimisation. A slow bare client flatters the operator.
    pub optimised: bool,
    pub cores: usize,
    /// Writes of the operator that the bare client has no counterpart for.
    pub left_out: Vec<String>,
}

/// The operator and the bare client, one right after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub number: u32,
    pub first: Side,
    /// The load average of the last minute before the run.
    pub load: f64,
    pub ours: Ours,
    pub bare: Writes,
}

/// Who did the writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    Operator,
    Bare,
}

/// The way from the resource to its JobManager Deployment, by the API server's clock. Seconds since the creation of the
/// resource was answered, where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Writes {
    /// The creation of the Deployment was answered.
    pub deployment_s: f64,
    /// The first write arrived.
    pub first_write_s: f64,
    /// How long the API server was busy with the writes up to the Deployment, in seconds.
    pub in_server_s: f64,
    /// How long it waited for the next of them, in seconds.
    pub between_s: f64,
    /// The last creation of an object was answered, events left aside.
    pub objects_s: f64,
    /// How many writes there were up to the Deployment.
    pub count: usize,
}

/// One application under the operator. Seconds since the creation of the resource was answered, where nothing else is
/// said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ours {
    pub writes: Writes,
    /// Flink called the job RUNNING, which it does as soon as it schedules it.
    pub job_running_s: f64,
    /// All tasks of the job ran.
    pub tasks_running_s: f64,
    /// The status said RUNNING and STABLE.
    pub stable_s: f64,
    /// How long the status was behind the tasks, in seconds, counted from the last look at which they did not all run.
    pub late_s: f64,
    /// The same, counted from the last look at which the job was not yet RUNNING.
    pub late_since_state_s: f64,
    /// The operator's requests up to then, by verb and resource.
    pub requests: BTreeMap<String, usize>,
    /// From the request for deletion until nothing of the application was left, in seconds.
    pub deleted_s: f64,
    /// The operator's requests meanwhile.
    pub delete_requests: BTreeMap<String, usize>,
}
