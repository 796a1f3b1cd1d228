//! Flink's REST API of one cluster: turns its answers into what decisions read, and decisions into its requests.

mod exceptions;

use std::collections::BTreeMap;
use std::time::Duration;

use flink_operator_api::FlinkJobStatus;
use flink_operator_core::conf::options::operator::resource::{CheckpointType, SavepointFormat};
use flink_operator_core::observed::{
    Checkpoints, ClusterView, HealthSample, JobFailure, JobView, LastCheckpoint, Operation,
    Parallelism, RestorePoint, Seen,
};
use flink_operator_core::reconcile::decision::SavepointRequest;
use flink_operator_core::rest_endpoint::RestTls;
use flink_rest::checkpoints::{CheckpointKind, CheckpointStatus, ExternalPath};
use flink_rest::ids::IdError;
use flink_rest::jobs::{ExecutionResult, ParallelismBounds, VertexRequirements};
use flink_rest::savepoints::{StopMode, savepoint_despite_failure};
use flink_rest::transport::TlsPolicy;
use flink_rest::{
    AsyncStatus, FlinkCluster, FlinkRest, JobId, JobStatus, RestError, TriggerId, VertexId,
};
use jiff::Timestamp;
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
    /// Kubernetes sets `KUBERNETES_SERVICE_HOST` inside a pod. The Java operator tells the two apart in the same way.
    pub fn of_process() -> Self {
        let inside =
            std::env::var("KUBERNETES_SERVICE_HOST").is_ok_and(|host| !host.trim().is_empty());
        if inside { Self::Service } else { Self::Pod }
    }
}

/// The REST API of one cluster, or why there is no address for it.
#[derive(Clone)]
pub struct FlinkApi {
    api: Result<FlinkCluster, String>,
}

impl FlinkApi {
    pub fn at(
        rest: &FlinkRest,
        tls: Option<&RestTls>,
        host: Option<&str>,
        port: u16,
        deadline: Duration,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let api = match host {
            None => Err("the JobManager's pod has no address yet".to_owned()),
            Some(host) => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                Url::parse(&format!("{scheme}://{host}:{port}"))
                    .map_err(|error| error.to_string())
                    .and_then(|url| rest.cluster(&url).map_err(|error| error.to_string()))
                    .map(|cluster| match tls {
                        Some(tls) => cluster.with_tls(tls_policy(tls)).within(deadline),
                        None => cluster.within(deadline),
                    })
            }
        };
        Self { api }
    }

    /// Lists the jobs. If the call fails, they are unknown.
    ///
    /// # Errors
    ///
    /// Why they are unknown.
    pub async fn observe_jobs(&self) -> Result<Vec<JobView>, NoAnswer> {
        let api =
            self.api.as_ref().map_err(|why| NoAnswer { why: why.clone(), tls_problem: None })?;
        let jobs = api.jobs_overview().await.map_err(|error| NoAnswer {
            why: described(&error),
            tls_problem: error.tls_problem().map(|problem| {
                format!("There is no connection to the REST API of the JobManager: {problem}.")
            }),
        })?;
        let view = |job: &flink_rest::jobs::JobOverview| JobView {
            id: job.id.to_string(),
            name: job.name.clone(),
            state: state(job.effective_status()),
            start_time_ms: job.start_time_ms.unwrap_or(-1),
            changed_at_ms: job.last_modification_ms,
        };
        Ok(jobs.iter().map(view).collect())
    }

    /// Version and size; `None` if a call fails.
    pub async fn observe_cluster(&self) -> Option<ClusterView> {
        let api = self.api.as_ref().ok()?;
        // Not the list of TaskManagers: a JobManager that has just started answers it with 404, because its REST server
        // has not found the ResourceManager yet. The overview comes from the Dispatcher, which it has found.
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

    /// Why a job failed; `None` if it did not, or if the call fails.
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

    /// The newest checkpoint or savepoint that the job can be restored from.
    pub async fn observe_last_checkpoint(&self, job_id: &str) -> Seen<LastCheckpoint> {
        let (api, id) = match self.api_and_job(job_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        match api.checkpoints(id).await {
            Ok(checkpoints) => last_checkpoint(&checkpoints),
            Err(error) if error.checkpointing_disabled() => Seen::Absent,
            Err(error) => Seen::unknown(described(&error)),
        }
    }

    /// What the job can be restored from, and the checkpoint in progress.
    pub async fn observe_checkpoints(&self, job_id: &str) -> Seen<Checkpoints> {
        let (api, id) = match self.api_and_job(job_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        match api.checkpoints(id).await {
            Ok(checkpoints) => Seen::Present(restore_points(&checkpoints)),
            Err(error) if error.checkpointing_disabled() => Seen::Absent,
            Err(error) => Seen::unknown(described(&error)),
        }
    }

    /// Whether the job's checkpoints stay when it is cancelled; absent if it takes none.
    pub async fn observe_retention(&self, job_id: &str) -> Seen<bool> {
        let (api, id) = match self.api_and_job(job_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        match api.checkpoint_config(id).await {
            Ok(config) => {
                let externalization = config.externalization;
                Seen::Present(externalization.enabled && !externalization.delete_on_cancellation)
            }
            Err(error) if error.checkpointing_disabled() => Seen::Absent,
            Err(error) => Seen::unknown(described(&error)),
        }
    }

    /// The parallelism that each vertex may have; absent under a scheduler that cannot change it.
    pub async fn observe_parallelism(&self, job_id: &str) -> Seen<BTreeMap<String, Parallelism>> {
        let (api, id) = match self.api_and_job(job_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        match api.resource_requirements(id).await {
            Ok(requirements) => Seen::Present(
                requirements
                    .iter()
                    .map(|(vertex, requirement)| {
                        let ParallelismBounds { lower, upper } = requirement.parallelism;
                        (vertex.to_string(), Parallelism { lower, upper })
                    })
                    .collect(),
            ),
            Err(error) if error.not_supported() || is_refusal(&error) => Seen::Absent,
            Err(error) => Seen::unknown(described(&error)),
        }
    }

    /// Changes the parallelism of the running job.
    ///
    /// # Errors
    ///
    /// The call failed, or Flink refuses the bounds.
    pub async fn rescale(
        &self,
        job_id: &str,
        bounds: &BTreeMap<String, Parallelism>,
    ) -> Result<(), AskError> {
        let (api, id) = self.api_and_job(job_id)?;
        let requirements = bounds
            .iter()
            .map(|(vertex, &Parallelism { lower, upper })| {
                let parallelism = ParallelismBounds { lower, upper };
                Ok((VertexId::parse(vertex)?, VertexRequirements { parallelism }))
            })
            .collect::<Result<_, AskError>>()?;
        api.set_resource_requirements(id, &requirements).await?;
        Ok(())
    }

    /// How often the job has restarted, and how many checkpoints it has completed.
    pub async fn observe_health(&self, job_id: &str) -> Seen<HealthSample> {
        const NAMES: [&str; 3] = ["numRestarts", "fullRestarts", "numberOfCompletedCheckpoints"];
        let (api, id) = match self.api_and_job(job_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        let values = match api.job_metrics(id, &NAMES).await {
            Ok(values) => values,
            Err(error) => return Seen::unknown(described(&error)),
        };
        let value = |name: &str| values.get(name).and_then(|text| text.parse::<i64>().ok());
        match (value("numRestarts").or_else(|| value("fullRestarts")), value(NAMES[2])) {
            (Some(restarts), Some(completed_checkpoints)) => {
                Seen::Present(HealthSample { restarts, completed_checkpoints })
            }
            _ => Seen::unknown("the job has no such metrics yet"),
        }
    }

    /// How far a savepoint is, or a stop with one.
    pub async fn observe_savepoint(&self, job_id: &str, trigger_id: &str) -> Seen<Operation> {
        let (api, id, trigger) = match self.api_and_trigger(job_id, trigger_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        operation(api.savepoint_status(id, trigger).await)
    }

    /// How far a requested checkpoint is.
    pub async fn observe_checkpoint(&self, job_id: &str, trigger_id: &str) -> Seen<Operation> {
        let (api, id, trigger) = match self.api_and_trigger(job_id, trigger_id) {
            Ok(found) => found,
            Err(error) => return Seen::unknown(error.why()),
        };
        let status = api.checkpoint_status(id, trigger).await;
        operation(status.map(|status| status.map(|_| String::new())))
    }

    /// Asks the job to stop with a savepoint. Repeating it under the same trigger id is harmless.
    ///
    /// # Errors
    ///
    /// The call failed. The status of the operation says whether Flink has taken the request all the same.
    pub async fn stop(
        &self,
        job_id: &str,
        savepoint: &SavepointRequest,
        mode: StopMode,
    ) -> Result<(), AskError> {
        let (api, id, request) = self.savepoint_call(job_id, savepoint)?;
        api.stop_with_savepoint(id, &request, mode).await?;
        Ok(())
    }

    /// Asks for a savepoint; the job goes on. Repeating it under the same trigger id is harmless.
    ///
    /// # Errors
    ///
    /// The call failed. The status of the operation says whether Flink has taken the request all the same.
    pub async fn trigger_savepoint(
        &self,
        job_id: &str,
        savepoint: &SavepointRequest,
    ) -> Result<(), AskError> {
        let (api, id, request) = self.savepoint_call(job_id, savepoint)?;
        api.trigger_savepoint(id, &request).await?;
        Ok(())
    }

    /// Asks for a checkpoint. Repeating it under the same trigger id is harmless.
    ///
    /// # Errors
    ///
    /// The call failed. The status of the operation says whether Flink has taken the request all the same.
    pub async fn trigger_checkpoint(
        &self,
        job_id: &str,
        trigger_id: &str,
        kind: CheckpointType,
    ) -> Result<(), AskError> {
        let (api, id, trigger) = self.api_and_trigger(job_id, trigger_id)?;
        let kind = match kind {
            CheckpointType::Configured => CheckpointKind::Configured,
            CheckpointType::Full => CheckpointKind::Full,
            CheckpointType::Incremental => CheckpointKind::Incremental,
        };
        api.trigger_checkpoint(id, kind, trigger).await?;
        Ok(())
    }

    /// Asks for the deletion of a savepoint. Success means that Flink has begun with it.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn dispose(&self, path: &str) -> Result<(), AskError> {
        let api = self.api.as_ref().map_err(|why| AskError::NoAddress(why.clone()))?;
        api.dispose_savepoint(path).await?;
        Ok(())
    }

    fn savepoint_call(
        &self,
        job_id: &str,
        savepoint: &SavepointRequest,
    ) -> Result<(&FlinkCluster, JobId, flink_rest::savepoints::SavepointRequest), AskError> {
        let (api, id, trigger) = self.api_and_trigger(job_id, &savepoint.trigger_id)?;
        let request = flink_rest::savepoints::SavepointRequest {
            target_directory: savepoint.directory.clone(),
            format: match savepoint.format {
                SavepointFormat::Canonical => flink_rest::savepoints::SavepointFormat::Canonical,
                SavepointFormat::Native => flink_rest::savepoints::SavepointFormat::Native,
            },
            trigger,
        };
        Ok((api, id, request))
    }

    fn api_and_job(&self, job_id: &str) -> Result<(&FlinkCluster, JobId), AskError> {
        let api = self.api.as_ref().map_err(|why| AskError::NoAddress(why.clone()))?;
        Ok((api, JobId::parse(job_id)?))
    }

    fn api_and_trigger(
        &self,
        job_id: &str,
        trigger_id: &str,
    ) -> Result<(&FlinkCluster, JobId, TriggerId), AskError> {
        let (api, id) = self.api_and_job(job_id)?;
        Ok((api, id, TriggerId::parse(trigger_id)?))
    }

    /// Asks the job to cancel itself.
    ///
    /// # Errors
    ///
    /// The call failed, for another reason than that the job has ended already.
    pub async fn cancel(&self, job_id: &str) -> Result<(), AskError> {
        let (api, id) = self.api_and_job(job_id)?;
        match api.cancel(id).await {
            Ok(()) => Ok(()),
            Err(error) if error.already_terminal() || error.job_not_found() => Ok(()),
            Err(error) => Err(AskError::Rest(error)),
        }
    }
}

/// Why the jobs are unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    pub why: String,
    /// A problem of TLS that somebody has to solve, as people are told of it.
    pub tls_problem: Option<String>,
}

fn tls_policy(tls: &RestTls) -> TlsPolicy {
    TlsPolicy {
        needs_client_certificate: tls.needs_client_certificate,
        verifies_host_name: tls.verifies_host_name,
        fingerprints: tls.fingerprints.clone(),
        protocols: tls.protocols.clone(),
        cipher_suites: tls.cipher_suites.clone(),
    }
}

/// Why Flink could not be asked for something.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("the JobManager cannot be asked: {0}")]
    NoAddress(String),
    /// The status, or an earlier answer of Flink, has an id that is none.
    #[error("the JobManager cannot be asked about this")]
    Id(#[from] IdError),
    #[error("the JobManager did not take the request")]
    Rest(#[from] RestError),
}

impl AskError {
    /// Whether Flink has understood the request and refused it.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NoAddress(_) | Self::Id(_) => false,
            Self::Rest(error) => is_refusal(error),
        }
    }

    /// Why nothing is known, as an observation says it.
    fn why(&self) -> String {
        match self {
            Self::NoAddress(why) => why.clone(),
            Self::Id(error) => error.to_string(),
            Self::Rest(error) => described(error),
        }
    }
}

/// Whether Flink has refused the request. A JobManager that is still starting, or does not know the job yet, has not.
fn is_refusal(error: &RestError) -> bool {
    error.answer().is_some() && !error.is_unreachable() && !error.is_not_found()
}

/// The newest checkpoint or savepoint of a job that has ended. If Flink has deleted the newest one, no older one takes its
/// place.
fn last_checkpoint(checkpoints: &flink_rest::checkpoints::Checkpoints) -> Seen<LastCheckpoint> {
    let Some((id, path)) = checkpoints.latest.newest() else { return Seen::Absent };
    let Some(path) = path.path().map(str::to_owned) else { return Seen::Absent };
    let latest = &checkpoints.latest;
    let of_this_run = [&latest.completed, &latest.savepoint].into_iter().flatten();
    let is_deleted = of_this_run
        .chain(&checkpoints.history)
        .any(|checkpoint| checkpoint.id == id && checkpoint.discarded);
    Seen::Present(if is_deleted {
        LastCheckpoint::Deleted(path)
    } else {
        LastCheckpoint::Kept(path)
    })
}

fn restore_points(checkpoints: &flink_rest::checkpoints::Checkpoints) -> Checkpoints {
    let at = |millis: Option<i64>| Timestamp::from_millisecond(millis?).ok();
    let path = |path: &Option<ExternalPath>| path.as_ref()?.path().map(str::to_owned);
    let latest = &checkpoints.latest;
    let restored = latest.restored.as_ref().map(|point| RestorePoint {
        id: point.id,
        path: path(&point.external_path),
        is_savepoint: point.is_savepoint,
        at: at(point.restore_timestamp_ms),
    });
    let completed =
        [&latest.savepoint, &latest.completed].into_iter().flatten().map(|point| RestorePoint {
            id: point.id,
            path: path(&point.external_path),
            is_savepoint: point.is_savepoint,
            at: at(point.trigger_timestamp_ms),
        });
    Checkpoints {
        newest: restored.into_iter().chain(completed).max_by_key(|point| point.id),
        in_progress_since: checkpoints
            .history
            .first()
            .filter(|newest| newest.status == CheckpointStatus::InProgress)
            .and_then(|newest| at(newest.trigger_timestamp_ms)),
    }
}

/// An operation that Flink does not know is absent; if the call failed, it is unknown.
fn operation(status: Result<AsyncStatus<String>, RestError>) -> Seen<Operation> {
    match status {
        Ok(AsyncStatus::InProgress) => Seen::Present(Operation::InProgress),
        Ok(AsyncStatus::Completed(location)) => Seen::Present(Operation::Completed { location }),
        Ok(AsyncStatus::Failed(failure)) => Seen::Present(Operation::Failed {
            class: failure.class.clone(),
            message: failure.summary(),
            savepoint: savepoint_despite_failure(&failure),
        }),
        Err(error) if error.operation_not_found() => Seen::Absent,
        Err(error) => Seen::unknown(described(&error)),
    }
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
