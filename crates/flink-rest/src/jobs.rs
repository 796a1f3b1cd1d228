//! Jobs: listing them, reading their state, cancelling and rescaling them.

mod details;
mod status;

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::client::{Call, FlinkCluster, SMALL};
use crate::error::{RestError, Subject};
use crate::ids::{JobId, VertexId};
use crate::operation::{Queue, QueueState};
use crate::throwable::Throwable;
use crate::wire;

pub use details::{IoMetrics, JobDetails, Plan, PlanInput, PlanNode, Vertex};
pub use status::{JobStatus, TaskCounts, TaskState};

impl FlinkCluster {
    /// All jobs that the JobManager knows. Ended jobs stay in the list for `jobstore.expiration-time` (1 h by default), or
    /// until the JobManager restarts.
    pub async fn jobs_overview(&self) -> Result<Vec<JobOverview>, RestError> {
        let call = self.call("list the jobs", Method::GET, &["jobs", "overview"]);
        let answer: Jobs = self.fetch(call).await?;
        Ok(answer.jobs)
    }

    /// One job with its vertices and its plan.
    pub async fn job(&self, job: JobId) -> Result<JobDetails, RestError> {
        self.fetch(self.job_call("read the details of the job", Method::GET, job, &[])).await
    }

    /// How a job ended, and why if it failed.
    pub async fn execution_result(&self, job: JobId) -> Result<ExecutionResult, RestError> {
        let call =
            self.job_call("read the result of the job", Method::GET, job, &["execution-result"]);
        let answer: ResultAnswer = self.fetch(call).await?;
        Ok(match (answer.status.id, answer.result) {
            (QueueState::Completed, Some(result)) => ExecutionResult::Completed(result),
            (QueueState::Completed, None)
            | (QueueState::InProgress | QueueState::Unrecognised, _) => ExecutionResult::InProgress,
        })
    }

    /// The latest failures of a job, newest first, at most `limit` of them.
    pub async fn exceptions(&self, job: JobId, limit: u32) -> Result<JobExceptions, RestError> {
        let call = self.job_call("read the failures of the job", Method::GET, job, &["exceptions"]);
        let limit = limit.to_string();
        let answer: ExceptionsAnswer =
            self.fetch(call.query("maxExceptions", [limit.as_str()])).await?;
        Ok(answer.history)
    }

    /// Starts to cancel a job, without a savepoint. The job may still run when the call returns.
    ///
    /// # Errors
    ///
    /// [`RestError::already_terminal`] if the job has ended before, [`RestError::job_not_found`] if Flink does not know it.
    pub async fn cancel(&self, job: JobId) -> Result<(), RestError> {
        let call = self.job_call("cancel the job", Method::PATCH, job, &[]);
        self.done(call.query("mode", ["cancel"]).at_most(SMALL)).await
    }

    /// The parallelism that each vertex may have.
    ///
    /// # Errors
    ///
    /// [`RestError::not_supported`] if the job does not run under the adaptive scheduler.
    pub async fn resource_requirements(
        &self,
        job: JobId,
    ) -> Result<ResourceRequirements, RestError> {
        let path = ["resource-requirements"];
        self.fetch(self.job_call(
            "read the resource requirements of the job",
            Method::GET,
            job,
            &path,
        ))
        .await
    }

    /// Changes the parallelism that each vertex may have. The job rescales in place.
    ///
    /// # Errors
    ///
    /// Flink answers 400 unless all vertices of the job are listed.
    pub async fn set_resource_requirements(
        &self,
        job: JobId,
        requirements: &ResourceRequirements,
    ) -> Result<(), RestError> {
        let path = ["resource-requirements"];
        let call =
            self.job_call("change the resource requirements of the job", Method::PUT, job, &path);
        self.done(call.json(requirements).at_most(SMALL)).await
    }

    /// A call below the path of a job, whose 404 means that there is no such job.
    pub(crate) fn job_call(
        &self,
        doing: &'static str,
        method: Method,
        job: JobId,
        below: &[&str],
    ) -> Call {
        let job = job.to_string();
        let mut path = vec!["jobs", job.as_str()];
        path.extend(below);
        self.call(doing, method, &path).about(Subject::Job)
    }
}

#[derive(Deserialize)]
struct Jobs {
    #[serde(deserialize_with = "wire::list::<_, _, 20_000>")]
    jobs: Vec<JobOverview>,
}

/// One line of the list of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobOverview {
    #[serde(rename = "jid")]
    pub id: JobId,
    /// Chosen by the program; may be any text.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub name: String,
    /// As Flink reports it. Users see [`Self::effective_status`].
    #[serde(rename = "state")]
    pub status: JobStatus,
    /// Milliseconds since 1970.
    #[serde(default, rename = "start-time", deserialize_with = "wire::unless_negative")]
    pub start_time_ms: Option<i64>,
    /// Milliseconds since 1970; missing until the job has ended.
    #[serde(default, rename = "end-time", deserialize_with = "wire::unless_negative")]
    pub end_time_ms: Option<i64>,
    /// When the status of the job or of one of its tasks last changed, in milliseconds since 1970.
    #[serde(default, rename = "last-modification", deserialize_with = "wire::unless_negative")]
    pub last_modification_ms: Option<i64>,
    /// How many tasks are in which state.
    #[serde(default)]
    pub tasks: Option<TaskCounts>,
}

impl JobOverview {
    /// The status as users see it: a job is not running before all of its tasks are.
    ///
    /// Flink reports `RUNNING` as soon as it schedules the job. This method returns `CREATED` until each task runs or
    /// has finished.
    pub fn effective_status(&self) -> JobStatus {
        status::effective(self.status, self.tasks)
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionResult {
    /// The job has not ended.
    InProgress,
    Completed(JobResult),
}

#[derive(Deserialize)]
struct ResultAnswer {
    status: Queue,
    #[serde(rename = "job-execution-result")]
    result: Option<JobResult>,
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobResult {
    /// How it ended.
    #[serde(rename = "application-status")]
    pub status: ApplicationStatus,
    /// Why it failed.
    #[serde(default, rename = "failure-cause")]
    pub failure: Option<Throwable>,
    /// How long it ran.
    #[serde(default, rename = "net-runtime")]
    pub net_runtime_ms: Option<i64>,
}

/// How a job, or the application around it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationStatus {
    Succeeded,
    Failed,
    Canceled,
    Unknown,
    /// A status that a newer Flink added.
    #[serde(other)]
    Unrecognised,
}

#[derive(Deserialize)]
struct ExceptionsAnswer {
    #[serde(default, rename = "exceptionHistory", deserialize_with = "wire::or_default")]
    history: JobExceptions,
}

/// The latest failures of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct JobExceptions {
    /// Newest first.
    #[serde(default, deserialize_with = "wire::list::<_, _, 1_000>")]
    pub entries: Vec<JobException>,
    /// Whether Flink left older failures out.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub truncated: bool,
}

/// One failure of a job, with the failures of other tasks that it caused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobException {
    /// The class of the exception.
    #[serde(default, rename = "exceptionName", deserialize_with = "wire::or_default")]
    pub class: String,
    /// The stack trace with all causes, at most 64 KiB.
    #[serde(default, rename = "stacktrace", deserialize_with = "wire::stack_trace")]
    pub stack_trace: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Missing for failures of the whole job, and under the adaptive scheduler.
    #[serde(default, rename = "taskName")]
    pub task_name: Option<String>,
    /// Host and port of the TaskManager.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Where it happened; in native mode the name of a pod.
    #[serde(default, rename = "taskManagerId")]
    pub task_manager_id: Option<String>,
    /// Labels of Flink's failure enrichers.
    #[serde(default, rename = "failureLabels", deserialize_with = "wire::or_default")]
    pub failure_labels: BTreeMap<String, String>,
    #[serde(
        default,
        rename = "concurrentExceptions",
        deserialize_with = "wire::list::<_, _, 1_000>"
    )]
    /// Failures of other tasks before the job restarted.
    pub concurrent: Vec<Self>,
}

/// The parallelism that each vertex may have.
pub type ResourceRequirements = BTreeMap<VertexId, VertexRequirements>;

/// The requirements of one vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VertexRequirements {
    /// The lowest and the highest parallelism.
    pub parallelism: ParallelismBounds,
}

/// Both bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelismBounds {
    /// The job waits for as many slots as this needs.
    #[serde(rename = "lowerBound")]
    pub lower: i32,
    /// More than this is not used.
    #[serde(rename = "upperBound")]
    pub upper: i32,
}
