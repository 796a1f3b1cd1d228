//! The result of a benchmark, as it is stored. It has every run, so that other statistics can be computed later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A whole benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub conditions: Conditions,
    pub runs: Vec<Run>,
}

/// Conditions that the times depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// RFC 3339.
    pub began_at: String,
    pub kubernetes: String,
    /// What was measured: the image of the installed operator, or the build of the process.
    pub operator: String,
    /// Whether this program was built with optimisation. Otherwise the bare client is too slow.
    pub optimised: bool,
    pub cores: usize,
    /// Writes of the operator that the bare client cannot repeat.
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

/// The writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    Operator,
    Bare,
}

/// Times of the writes up to the JobManager Deployment, by the API server's clock. In seconds since the creation of the
/// resource was answered, unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Writes {
    /// The creation of the Deployment was answered.
    pub deployment_s: f64,
    /// The first write arrived.
    pub first_write_s: f64,
    /// How long the API server took for the writes up to the Deployment, in seconds.
    pub in_server_s: f64,
    /// How long the writer took between these writes, in seconds.
    pub between_s: f64,
    /// The last creation of an object, except events, was answered.
    pub objects_s: f64,
    /// Number of writes up to the Deployment.
    pub count: usize,
}

/// One application under the operator. Times are in seconds since the creation of the resource was answered, unless said
/// otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ours {
    pub writes: Writes,
    /// Flink reported the job as RUNNING, as soon as it had scheduled it.
    pub job_running_s: f64,
    /// All tasks of the job ran.
    pub tasks_running_s: f64,
    /// The status was RUNNING and STABLE.
    pub stable_s: f64,
    /// Delay of the status after all tasks ran, in seconds. It starts with the last poll in which not all tasks ran.
    pub late_s: f64,
    /// Delay of the status after the job was RUNNING, from the last poll in which it was not.
    pub late_since_state_s: f64,
    /// The operator's requests until the status was RUNNING and STABLE, by verb and resource.
    pub requests: BTreeMap<String, usize>,
    /// From the request for deletion until all objects of the application were gone, in seconds.
    pub deleted_s: f64,
    /// The operator's requests during the deletion.
    pub delete_requests: BTreeMap<String, usize>,
}
