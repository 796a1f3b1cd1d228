//! Flink over REST, for one cluster: wire types in, what decisions need out.

use std::time::Duration;

use flink_operator_api::FlinkJobStatus;
use flink_operator_core::observed::{ClusterView, JobFailure, JobView, Seen};
use flink_rest::jobs::ExecutionResult;
use flink_rest::{FlinkCluster, FlinkRest, JobId, JobStatus, RestError};
use url::Url;

/// How the REST API of a cluster is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By the name of its Service, from inside the Kubernetes cluster.
    Service,
    /// By the address of its pod: where the cluster's names do not resolve.
    Pod,
}

impl Reach {
    /// Inside a pod Kubernetes sets `KUBERNETES_SERVICE_HOST`; upstream tells the two apart in the same way.
    pub fn of_process() -> Self {
        let inside =
            std::env::var("KUBERNETES_SERVICE_HOST").is_ok_and(|host| !host.trim().is_empty());
        if inside { Self::Service } else { Self::Pod }
    }
}

/// The REST API of one cluster, or why there is no address for it.
#[derive(Clone)]
pub struct Cluster {
    api: Result<FlinkCluster, String>,
}

impl Cluster {
    pub fn at(
        rest: &FlinkRest,
        scheme: &str,
        host: Option<&str>,
        port: u16,
        deadline: Duration,
    ) -> Self {
        let api = match host {
            None => Err("the JobManager's pod has no address yet".to_owned()),
            Some(host) => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                Url::parse(&format!("{scheme}://{host}:{port}"))
                    .map_err(|error| error.to_string())
                    .and_then(|url| rest.cluster(&url).map_err(|error| error.to_string()))
                    .map(|cluster| cluster.within(deadline))
            }
        };
        Self { api }
    }

    /// Lists the jobs. A call that fails says nothing about them.
    pub async fn observe_jobs(&self) -> Seen<Vec<JobView>> {
        let api = match &self.api {
            Ok(api) => api,
            Err(why) => return Seen::unknown(why.as_str()),
        };
        match api.jobs_overview().await {
            Ok(jobs) => Seen::Present(
                jobs.iter()
                    .map(|job| JobView {
                        id: job.id.to_string(),
                        name: job.name.clone(),
                        state: state(job.effective_status()),
                        start_time_ms: job.start_time_ms.unwrap_or(-1),
                    })
                    .collect(),
            ),
            Err(error) => Seen::unknown(described(&error)),
        }
    }

    /// Version and size; `None` when either could not be had.
    pub async fn observe_cluster(&self) -> Option<ClusterView> {
        let api = self.api.as_ref().ok()?;
        // The list of TaskManagers would do as well, but a young JobManager answers it with 404: its REST server has not
        // found its ResourceManager yet. The overview comes from the Dispatcher, which has.
        let (config, overview) = futures::future::join(api.config(), api.overview()).await;
        match (config, overview) {
            (Ok(config), Ok(overview)) => Some(ClusterView {
                flink_version: config.flink_version,
                flink_revision: config.flink_revision,
                task_managers: usize::try_from(overview.task_managers).unwrap_or(0),
            }),
            (Err(error), _) | (_, Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "no facts about the cluster"
                );
                None
            }
        }
    }

    /// Why a job failed; `None` when it did not, or when that could not be had.
    pub async fn observe_failure(&self, job_id: &str) -> Option<JobFailure> {
        let api = self.api.as_ref().ok()?;
        let id = JobId::parse(job_id).ok()?;
        match api.execution_result(id).await {
            Ok(ExecutionResult::Completed(result)) => {
                let failure = result.failure?;
                Some(JobFailure { class: failure.class.clone(), message: failure.summary() })
            }
            Ok(ExecutionResult::InProgress) => None,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no result of the job");
                None
            }
        }
    }

    /// The newest checkpoint or savepoint that the job could go on from.
    pub async fn observe_last_checkpoint(&self, job_id: &str) -> Seen<String> {
        let (api, id) = match (&self.api, JobId::parse(job_id)) {
            (Ok(api), Ok(id)) => (api, id),
            (Err(why), _) => return Seen::unknown(why.as_str()),
            (_, Err(error)) => return Seen::unknown(error.to_string()),
        };
        match api.checkpoints(id).await {
            Ok(checkpoints) => {
                match checkpoints.latest.newest().and_then(|(_, path)| path.path()) {
                    Some(path) => Seen::Present(path.to_owned()),
                    None => Seen::Absent,
                }
            }
            Err(error) if error.checkpointing_disabled() => Seen::Absent,
            Err(error) => Seen::unknown(described(&error)),
        }
    }

    /// Asks the job to cancel itself.
    ///
    /// # Errors
    ///
    /// The call failed, for another reason than that the job has ended already.
    pub async fn cancel(&self, job_id: &str) -> Result<(), CancelError> {
        let api = self.api.as_ref().map_err(|why| CancelError::NoAddress(why.clone()))?;
        let id = JobId::parse(job_id).map_err(|error| CancelError::NoAddress(error.to_string()))?;
        match api.cancel(id).await {
            Ok(()) => Ok(()),
            Err(error) if error.already_terminal() || error.job_not_found() => Ok(()),
            Err(error) => Err(CancelError::Rest(error)),
        }
    }
}

/// Why a job could not be asked to cancel itself.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("the JobManager cannot be asked: {0}")]
    NoAddress(String),
    #[error("the JobManager did not take the request")]
    Rest(#[source] RestError),
}

fn state(status: JobStatus) -> FlinkJobStatus {
    FlinkJobStatus::from_text(status.as_str())
}

fn described(error: &RestError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
