//! One job in detail: its vertices and how they are connected.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::status::{self, JobStatus, TaskCounts, TaskState};
use crate::ids::{JobId, VertexId};
use crate::wire;

/// One job in detail.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct JobDetails {
    #[serde(rename = "jid")]
    pub id: JobId,
    /// Chosen by the program; may be any text.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub name: String,
    /// As Flink reports it. Users see [`Self::effective_status`].
    #[serde(rename = "state")]
    pub status: JobStatus,
    /// `STREAMING` or `BATCH`; since Flink 1.20.
    #[serde(default, rename = "job-type")]
    pub job_type: Option<String>,
    /// `Default`, `Adaptive` or `AdaptiveBatch`; since Flink 2.3.
    #[serde(default, rename = "schedulerType")]
    pub scheduler_type: Option<String>,
    /// Milliseconds since 1970.
    #[serde(default, rename = "start-time", deserialize_with = "wire::unless_negative")]
    pub start_time_ms: Option<i64>,
    /// Milliseconds since 1970; missing until the job has ended.
    #[serde(default, rename = "end-time", deserialize_with = "wire::unless_negative")]
    pub end_time_ms: Option<i64>,
    /// The time of the answer by the JobManager's clock, in milliseconds since 1970.
    #[serde(default, rename = "now", deserialize_with = "wire::unless_negative")]
    pub now_ms: Option<i64>,
    /// When the job last entered each state, in milliseconds since 1970; 0 for never.
    #[serde(default, rename = "timestamps", deserialize_with = "wire::or_default")]
    pub timestamps_ms: BTreeMap<JobStatus, i64>,
    /// In topological order.
    #[serde(default, deserialize_with = "wire::list::<_, _, 10_000>")]
    pub vertices: Vec<Vertex>,
    /// How they are connected.
    #[serde(default)]
    pub plan: Option<Plan>,
}

impl JobDetails {
    /// How many tasks are in which state, over all vertices.
    ///
    /// Flink's own `status-counts` count vertices, not tasks.
    pub fn tasks(&self) -> TaskCounts {
        self.vertices.iter().map(|vertex| vertex.tasks).fold(TaskCounts::default(), TaskCounts::add)
    }

    /// The status as users see it; see [`super::JobOverview::effective_status`].
    pub fn effective_status(&self) -> JobStatus {
        status::effective(self.status, Some(self.tasks()))
    }
}

/// One vertex: a chain of operators that run in the same tasks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Vertex {
    pub id: VertexId,
    #[serde(default, deserialize_with = "wire::or_default")]
    pub name: String,
    /// Number of tasks.
    pub parallelism: i32,
    /// The highest parallelism that its state can be redistributed to; -1 for no limit.
    #[serde(default = "unlimited", rename = "maxParallelism")]
    pub max_parallelism: i32,
    /// The combined state of its tasks.
    #[serde(rename = "status")]
    pub state: TaskState,
    /// Vertices of one group can share slots.
    #[serde(default, rename = "slotSharingGroupId")]
    pub slot_sharing_group: Option<String>,
    /// How many tasks are in which state.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub tasks: TaskCounts,
    /// Records in and out, and busy time.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub metrics: IoMetrics,
}

/// What Flink uses for "no limit".
fn unlimited() -> i32 {
    -1
}

/// Records and times of a vertex since its tasks started.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct IoMetrics {
    /// Records read from other vertices; sources have none.
    #[serde(default, rename = "read-records")]
    pub records_in: i64,
    /// Whether all tasks have reported.
    #[serde(default, rename = "read-records-complete")]
    pub records_in_complete: bool,
    /// Records written to other vertices; sinks have none.
    #[serde(default, rename = "write-records")]
    pub records_out: i64,
    /// Whether all tasks have reported.
    #[serde(default, rename = "write-records-complete")]
    pub records_out_complete: bool,
    /// Milliseconds, summed over tasks; NaN if a source does not measure it.
    #[serde(default, rename = "accumulated-busy-time", deserialize_with = "wire::float")]
    pub busy_ms: Option<f64>,
    /// Milliseconds, summed over tasks.
    #[serde(default, rename = "accumulated-backpressured-time", deserialize_with = "wire::float")]
    pub backpressured_ms: Option<f64>,
    /// Milliseconds, summed over tasks.
    #[serde(default, rename = "accumulated-idle-time", deserialize_with = "wire::float")]
    pub idle_ms: Option<f64>,
}

/// How vertices are connected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Plan {
    /// One per vertex.
    #[serde(default, deserialize_with = "wire::list::<_, _, 10_000>")]
    pub nodes: Vec<PlanNode>,
}

/// One vertex in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PlanNode {
    pub id: VertexId,
    /// What it consumes; missing for sources.
    #[serde(default, deserialize_with = "wire::list::<_, _, 10_000>")]
    pub inputs: Vec<PlanInput>,
}

/// One edge in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PlanInput {
    /// Where the edge comes from.
    pub id: VertexId,
    /// How records are distributed to tasks: `HASH`, `REBALANCE`, `FORWARD`, …
    #[serde(default, deserialize_with = "wire::or_default")]
    pub ship_strategy: String,
}
