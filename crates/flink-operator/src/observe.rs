//! Looking at the world: watch caches first, then only what [`Questions`] ask for.

pub mod cluster;

use std::sync::Arc;

use flink_operator_api::{FlinkDeployment, FlinkSessionJob, Stored};
use flink_operator_core::deployment;
use flink_operator_core::observed::{Asked, Observed, PodWarning, Seen, Source};
use flink_operator_core::reconcile::Inputs;
use flink_operator_core::reconcile::decision::Decision;
use flink_operator_core::reconcile::questions::{Questions, Step};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};

use crate::flink_api::FlinkApi;
use crate::ha_data;
use crate::rest_gate;

/// A question may depend on an answer: jobs first, then the facts about a running one. No question is put twice, so more
/// rounds than this are a loop.
const ROUNDS_MAX: usize = 8;

/// Where a pass gets its observations from.
pub struct Sources<'a> {
    pub client: &'a Client,
    pub flink: &'a FlinkApi,
    /// The JobManager's Deployment as the cache and this process's own writes have it.
    pub deployment: Option<Arc<Deployment>>,
    pub pods: Vec<Arc<Pod>>,
}

/// What the watch caches show of a resource's cluster.
pub fn observe_caches(sources: &Sources<'_>, inputs: &Inputs<'_>) -> Observed {
    let uid = inputs.resource.meta().uid.as_deref().unwrap_or_default();
    let mut observed = Observed::nothing();
    observed.job_manager = match &sources.deployment {
        Some(found) => Seen::Present(cluster::observe_deployment(found, uid)),
        None => Seen::Absent,
    };
    observed.pods = sources
        .pods
        .iter()
        .filter(|pod| {
            sources.deployment.as_deref().is_none_or(|found| cluster::may_be_of(pod, found))
        })
        .map(|pod| cluster::observe_pod(pod))
        .collect();
    observed
}

/// Decides what a pass does. What it asks for in between is looked at and kept in `observed`.
///
/// # Errors
///
/// The pass goes on asking, which is a fault of the operator.
pub async fn decide(
    sources: &Sources<'_>,
    inputs: &Inputs<'_>,
    observed: &mut Observed,
) -> Result<Decision, TooManyRounds> {
    for _ in 0..ROUNDS_MAX {
        match deployment::decide(inputs, observed) {
            Step::Done(decision) => return Ok(decision),
            Step::Ask(questions) => {
                let answers = answer(sources, inputs.resource, questions, observed);
                if questions.asks_flink() {
                    rest_gate::without_slot(answers).await;
                } else {
                    answers.await;
                }
            }
        }
    }
    Err(TooManyRounds)
}

/// A pass goes on asking.
#[derive(Debug, thiserror::Error)]
#[error("the pass has asked {ROUNDS_MAX} times, and still does not decide")]
pub struct TooManyRounds;

async fn answer(
    sources: &Sources<'_>,
    resource: &FlinkDeployment,
    questions: Questions,
    observed: &mut Observed,
) {
    let namespace = resource.namespace().unwrap_or_default();
    let name = resource.name_any();
    let uid = resource.meta().uid.as_deref().unwrap_or_default();
    let job_id = resource
        .status
        .as_ref()
        .and_then(|status| status.job_status.job_id.as_deref())
        .unwrap_or_default();
    if questions.jobs {
        observed.jobs = Asked::Answered(match sources.flink.observe_jobs().await {
            Ok(jobs) => Seen::Present(jobs),
            Err(unknown) => {
                observed.rest_problem = unknown.tls_problem;
                Seen::unknown(unknown.why)
            }
        });
    }
    if questions.cluster {
        observed.cluster = match sources.flink.observe_cluster().await {
            Some(view) => Asked::present_is(view),
            None => Asked::unanswered("the JobManager does not describe its cluster"),
        };
    }
    if questions.job_end {
        let (failure, checkpoint) = futures::future::join(
            sources.flink.observe_failure(job_id),
            sources.flink.observe_last_checkpoint(job_id),
        )
        .await;
        observed.job_failure = failure;
        observed.last_checkpoint = Asked::Answered(checkpoint);
    }
    if let Some(limit) = questions.exceptions {
        observed.exceptions =
            Asked::Answered(sources.flink.observe_exceptions(job_id, limit).await);
    }
    if questions.checkpoints_outlive_cancellation {
        observed.checkpoints_outlive_cancellation =
            Asked::Answered(sources.flink.observe_retention(job_id).await);
    }
    if questions.checkpoints {
        observed.checkpoints = Asked::Answered(sources.flink.observe_checkpoints(job_id).await);
    }
    if questions.parallelism {
        observed.parallelism = Asked::Answered(sources.flink.observe_parallelism(job_id).await);
    }
    if questions.health {
        observed.health = Asked::Answered(sources.flink.observe_health(job_id).await);
    }
    let job_status = resource.status.as_ref().map(|status| &status.job_status);
    let trigger = |id: Option<&String>| id.map(String::as_str).unwrap_or_default().to_owned();
    if questions.savepoint {
        let id = trigger(job_status.and_then(|job| job.savepoint_info.trigger_id.as_ref()));
        observed.savepoint = Asked::Answered(sources.flink.observe_savepoint(job_id, &id).await);
    }
    if questions.checkpoint {
        let id = trigger(job_status.and_then(|job| job.checkpoint_info.trigger_id.as_ref()));
        observed.checkpoint = Asked::Answered(sources.flink.observe_checkpoint(job_id, &id).await);
    }
    if questions.confirm_absence {
        let api: Api<Deployment> = Api::namespaced(sources.client.clone(), &namespace);
        observed.job_manager = match api.get_opt(&name).await {
            Ok(Some(found)) => Seen::Present(cluster::observe_deployment(&found, uid)),
            Ok(None) => Seen::Absent,
            Err(error) => Seen::unknown(format!(
                "the API server was asked for the Deployment {name}: {error}"
            )),
        };
        observed.job_manager_source = Source::ApiServer;
    }
    if questions.ha_data {
        observed.ha_data = match ha_data::observe(sources.client, &namespace, &name).await {
            Ok(data) if data.config_maps.is_empty() => Asked::absent(),
            Ok(data) => Asked::present_is(data),
            Err(error) => Asked::unanswered(format!(
                "the API server was asked for high availability data: {error}"
            )),
        };
    }
    if questions.session_jobs {
        observed.session_jobs =
            Asked::Answered(session_jobs(sources.client, &namespace, &name).await);
    }
    if questions.pod_warnings {
        observed.pod_warnings = Asked::present_is(pod_warnings(sources, &namespace).await);
    }
}

/// The FlinkSessionJobs that name this cluster. One that cannot be read as a whole still names it.
async fn session_jobs(client: &Client, namespace: &str, cluster: &str) -> Seen<Vec<String>> {
    let api: Api<Stored<FlinkSessionJob>> = Api::namespaced(client.clone(), namespace);
    let listed = match api.list(&ListParams::default()).await {
        Ok(listed) => listed.items,
        // The kind is not installed.
        Err(kube::Error::Api(status)) if status.code == 404 => return Seen::Absent,
        Err(error) => {
            return Seen::unknown(format!(
                "the API server was asked for the FlinkSessionJobs of this cluster: {error}"
            ));
        }
    };
    let names_cluster = |job: &Stored<FlinkSessionJob>| match job {
        Stored::Readable(job) => job.spec.deployment_name.as_deref() == Some(cluster),
        Stored::Unreadable(unreadable) => {
            unreadable.raw.pointer("/spec/deploymentName").and_then(serde_json::Value::as_str)
                == Some(cluster)
        }
    };
    Seen::Present(
        listed.iter().filter(|job| names_cluster(job)).map(ResourceExt::name_any).collect(),
    )
}

async fn pod_warnings(sources: &Sources<'_>, namespace: &str) -> Vec<PodWarning> {
    let api: Api<Event> = Api::namespaced(sources.client.clone(), namespace);
    let mut warnings = Vec::new();
    for pod in &sources.pods {
        let uid = pod.meta().uid.as_deref().unwrap_or_default();
        let selector = format!("involvedObject.uid={uid},type=Warning");
        match api.list(&ListParams::default().fields(&selector).limit(50)).await {
            Ok(listed) => {
                let mut events = listed.items;
                events.sort_by_key(|event| {
                    std::cmp::Reverse(
                        event
                            .last_timestamp
                            .as_ref()
                            .map(|time| time.0)
                            .or(event.event_time.as_ref().map(|time| time.0)),
                    )
                });
                warnings.extend(events.into_iter().map(|event| PodWarning {
                    reason: event.reason.unwrap_or_default(),
                    message: event.message.unwrap_or_default(),
                }));
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no events of the pod");
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use flink_rest::{FlinkRest, HttpOptions, Transport};
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    /// What is observed of a cluster that the cache lacks, by an API server that answers every request with this code.
    async fn answered(code: u16) -> Observed {
        let service = tower::service_fn(move |_: http::Request<Body>| async move {
            let reason = if code == 404 { "NotFound" } else { "InternalError" };
            let body = match code {
                200 => json!({"kind": "ConfigMapList", "metadata": {}, "items": []}),
                _ => json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason}),
            };
            let body = Body::from(serde_json::to_vec(&body).unwrap());
            http::Response::builder().status(code).body(body)
        });
        let rest = FlinkRest::new(Transport::http(&HttpOptions::default()).unwrap());
        let sources = Sources {
            client: &Client::new(service, "n"),
            flink: &FlinkApi::at(&rest, None, None, 8081, Duration::from_secs(1)),
            deployment: None,
            pods: Vec::new(),
        };
        let resource = serde_json::from_value(json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"namespace": "n", "name": "a", "uid": "u"}, "spec": {},
        }));
        let mut observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
        let questions = Questions {
            confirm_absence: code != 200,
            ha_data: code != 404,
            ..Questions::default()
        };
        answer(&sources, &resource.unwrap(), questions, &mut observed).await;
        observed
    }

    #[tokio::test]
    async fn question_that_the_api_server_does_not_answer_shows_nothing() {
        let unanswered = answered(500).await;
        assert!(matches!(unanswered.job_manager, Seen::Unknown { .. }), "{unanswered:?}");
        assert!(!unanswered.absence_is_confirmed());
        assert!(matches!(unanswered.ha_data.seen(), Seen::Unknown { .. }), "{unanswered:?}");
        assert!(answered(404).await.absence_is_confirmed());
        assert!(answered(200).await.ha_data.seen().is_absent());
    }
}
