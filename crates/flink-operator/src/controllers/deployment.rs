//! The controller of FlinkDeployments: which changes start a pass, and what a pass does.

use std::sync::Arc;

use flink_operator_api::{FlinkDeployment, FlinkDeploymentSpec, RecordedSpecError, Stored};
use flink_operator_core::deployment;
use flink_operator_core::invariants::{self, BrokenInvariant};
use flink_operator_core::names::JobId;
use flink_operator_core::observed::{Asked, Observed};
use flink_operator_core::reconcile::decision::{Because, Decision, Requeue};
use flink_operator_core::reconcile::{FreshIds, Inputs, Platform, Settings};
use flink_operator_core::record::Record;
use flink_operator_core::rest_endpoint::RestEndpoint;
use flink_operator_core::validate;
use flink_rest::FlinkRest;
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, Resource, ResourceExt};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::pass::{self, PassError, Passes};
use crate::clock::Environment;
use crate::events::Events;
use crate::execute::{ExecuteError, Executed, Executor};
use crate::flink_api::{FlinkApi, Reach};
use crate::metrics::{Metrics, Outcome};
use crate::observe::{self, Sources};
use crate::own_writes::{JobManagerWrites, ResourceWrites, Watch};
use crate::pod_index::PodIndex;
use crate::resource_cache::{Basis, Parsed, ResourceCache, Validated};
use crate::rest_gate::{self, Slot};
use crate::watches::{self, Filled, Scope};

/// What the controllers of all scopes of a process share.
#[derive(Clone)]
pub struct Shared {
    pub client: Client,
    pub rest: FlinkRest,
    pub reach: Reach,
    pub environment: Environment,
    pub platform: Arc<Platform>,
    pub backoff: Backoff,
    pub events: Events,
    pub metrics: Metrics,
    /// Passes at the same time (`kubernetes.operator.reconcile.parallelism`).
    pub parallelism: u16,
    /// Only resources with these labels (`kubernetes.operator.label.selector`).
    pub label_selector: Option<String>,
}

/// What the controller of one scope works with.
struct Context {
    shared: Shared,
    passes: Passes,
    resource_writes: Arc<ResourceWrites<FlinkDeployment>>,
    job_manager_writes: Arc<JobManagerWrites>,
    filled: Filled,
    deployments: Store<Deployment>,
    pods: PodIndex,
    /// One permit for each pass that may run at the same time.
    slots: Arc<Semaphore>,
}

/// A running controller: when it has stopped, and when its caches are filled.
pub struct Running {
    pub stopped: futures::future::BoxFuture<'static, ()>,
    pub caches: futures::future::BoxFuture<'static, ()>,
}

/// Starts the controller for one scope.
pub fn run(shared: Shared, scope: &Scope, stop: CancellationToken) -> Running {
    let job_manager_writes = Arc::new(JobManagerWrites::default());
    let filled = Filled::default();
    let cache = ResourceCache::default();
    let resource_writes: Arc<ResourceWrites<FlinkDeployment>> = Arc::default();
    let forget = {
        let (cache, resource_writes) = (cache.clone(), Arc::clone(&resource_writes));
        move |uid: &str| {
            cache.forget(uid);
            resource_writes.forget(uid);
        }
    };
    let selector = shared.label_selector.as_deref();
    let (resources, stream) =
        watches::resources(&shared.client, scope, selector, filled.clone(), forget);
    let (deployments, deployment_wakes) = watches::deployments(
        &shared.client,
        scope,
        Arc::clone(&job_manager_writes),
        filled.clone(),
    );
    let (pods, pod_wakes) = watches::pods(&shared.client, scope, filled.clone());
    let (limit, slots) = parallelism(shared.parallelism);
    let known = resources.clone();
    shared.metrics.count_resources(move || known.len());
    let context = Arc::new(Context {
        passes: Passes { cache, metrics: shared.metrics.clone(), backoff: shared.backoff },
        shared,
        resource_writes,
        job_manager_writes,
        filled: filled.clone(),
        deployments,
        pods,
        slots: Arc::new(Semaphore::new(slots)),
    });
    let caches = async move { filled.all().await };
    let stopped = Controller::for_stream(stream, resources)
        .with_config(Config::default().concurrency(limit))
        .reconcile_on(deployment_wakes)
        .reconcile_on(pod_wakes)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, on_error, context)
        .for_each(|outcome| {
            if let Err(error) = outcome {
                tracing::debug!(error = &error as &dyn std::error::Error, "controller");
            }
            std::future::ready(())
        });
    Running { stopped: stopped.boxed(), caches: caches.boxed() }
}

/// The passes that the controller starts, and those of them that run at the same time. Passes that wait for Flink do not
/// count as running.
fn parallelism(configured: u16) -> (u16, usize) {
    if configured == 0 {
        return (0, Semaphore::MAX_PERMITS);
    }
    let waiting = rest_gate::CALLS_MAX.saturating_add(rest_gate::SUSPECTS_MAX);
    (configured.saturating_add(waiting), usize::from(configured))
}

async fn reconcile(
    object: Arc<Stored<FlinkDeployment>>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    context.filled.clusters().await;
    let passes = context.passes.run(object.as_ref(), passes(&object, &context));
    Slot::run(&context.slots, Box::pin(passes)).await
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is kube's")]
fn on_error(
    object: Arc<Stored<FlinkDeployment>>,
    error: &PassError,
    context: Arc<Context>,
) -> Action {
    context.passes.retry(object.meta().uid.as_deref().unwrap_or_default(), error)
}

async fn passes(
    object: &Stored<FlinkDeployment>,
    context: &Context,
) -> Result<(Action, Outcome), PassError> {
    let cached = match object {
        Stored::Readable(resource) => Arc::new(FlinkDeployment::clone(resource)),
        Stored::Unreadable(unreadable) => {
            tracing::warn!(
                why = unreadable.why,
                "the resource cannot be read; it is left alone until it changes"
            );
            return Ok((Action::await_change(), Outcome::Stuck));
        }
    };
    let (resource, watch) = context.resource_writes.newest(cached);
    if watch == Watch::IsBehind {
        context.shared.metrics.view_was_stale();
    }
    pass::in_a_row(resource, |resource| one_pass(resource, context)).await
}

async fn one_pass(
    resource: Arc<FlinkDeployment>,
    context: &Context,
) -> Result<(Arc<FlinkDeployment>, Requeue, Outcome), PassError> {
    let uid = resource.meta().uid.clone().unwrap_or_default();
    let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
    let parsed = parsed(&resource, context);
    let settings = settings(&resource, &parsed.validated, context);
    let recorded = record(&resource);
    let ids = FreshIds {
        job_id: JobId::from_bytes(context.shared.environment.entropy.bytes()),
        job_result_store: context.shared.environment.uuid(),
        trigger_id: JobId::from_bytes(context.shared.environment.entropy.bytes()).to_string(),
    };
    let inputs = Inputs {
        resource: &resource,
        validated: &parsed.validated,
        record: &recorded,
        platform: &context.shared.platform,
        settings: &settings,
        ids: &ids,
        now: context.shared.environment.clock.now(),
    };
    let pods = context.pods.of_cluster(&namespace, &name);
    let flink = flink_api(&resource, &parsed.endpoint, &settings, &pods, context);
    let key = ObjectRef::<Deployment>::new(&name).within(&namespace);
    let sources = Sources {
        client: &context.shared.client,
        flink: &flink,
        deployment: context.job_manager_writes.newest(
            &namespace,
            &name,
            context.deployments.get(&key),
        ),
        pods,
    };
    let mut observed = observe::observe_caches(&sources, &inputs);
    let decision = observe::decide(&sources, &inputs, &mut observed).await?;
    let (because, requeue) = (decision.because.clone(), decision.requeue);
    if context.passes.cache.is_news(&uid, &because) {
        tracing::info!(reason = because.reason(), message = because.message(), "decided");
    }
    let executor = Executor {
        client: &context.shared.client,
        resource_writes: &context.resource_writes,
        job_manager_writes: &context.job_manager_writes,
        events: &context.shared.events,
        flink: &flink,
    };
    let (Executed { resource: written, acted, .. }, result) =
        carry_out(&executor, Arc::clone(&resource), &observed, decision).await?;
    if let Err(error) = result {
        let record = record(&written);
        let inputs = Inputs { resource: &written, record: &record, ..inputs };
        if matches!(error, ExecuteError::NotRescaled { .. }) {
            tracing::info!(
                error = &error as &dyn std::error::Error,
                "the job is stopped and started again instead"
            );
            observed.parallelism = Asked::absent();
            let decision = observe::decide(&sources, &inputs, &mut observed).await?;
            let (because, requeue) = (decision.because.clone(), decision.requeue);
            let written = Arc::clone(&written);
            let (executed, result) = carry_out(&executor, written, &observed, decision).await?;
            result?;
            return Ok((executed.resource, requeue, outcome(executed.acted, &because)));
        }
        if let Some(decision) = refusal(&error, &inputs, &observed) {
            // The same refusal again changes nothing in the status, so that it is reported once.
            let written = Arc::clone(&written);
            let (_, result) = carry_out(&executor, written, &observed, decision).await?;
            result?;
        }
        return Err(error.into());
    }
    if matches!(because, Because::Deleting) && written.finalizers().is_empty() {
        context.resource_writes.forget(&uid);
        context.passes.cache.forget(&uid);
    }
    Ok((written, requeue, outcome(acted, &because)))
}

/// Carries a decision out, unless it breaks an invariant.
async fn carry_out(
    executor: &Executor<'_>,
    resource: Arc<FlinkDeployment>,
    observed: &Observed,
    decision: Decision,
) -> Result<(Executed, Result<(), ExecuteError>), BrokenInvariant> {
    invariants::check(&decision, &resource, observed)?;
    Ok(executor.execute(resource, decision.actions).await)
}

/// What the status says about an object that could not be created.
fn refusal(error: &ExecuteError, inputs: &Inputs<'_>, observed: &Observed) -> Option<Decision> {
    match error {
        ExecuteError::Refused { reason, .. } => {
            Some(deployment::refused(inputs, observed, reason, &error.to_string()))
        }
        ExecuteError::Occupied { .. } => {
            Some(deployment::refused(inputs, observed, "AlreadyExists", &error.to_string()))
        }
        ExecuteError::NotRescaled { .. }
        | ExecuteError::Conflict { .. }
        | ExecuteError::UnknownKind { .. }
        | ExecuteError::Flink { .. }
        | ExecuteError::Kube { .. } => None,
    }
}

fn outcome(acted: bool, because: &Because) -> Outcome {
    match because {
        _ if acted => Outcome::Acted,
        Because::UpToDate | Because::Suspended | Because::NotOurs => Outcome::UpToDate,
        Because::Deploying
        | Because::Upgrading { .. }
        | Because::Deleting
        | Because::WaitingFor(_) => Outcome::Waited,
        Because::NeedsUser(_) => Outcome::Stuck,
    }
}

/// Parses the specs, unless the same ones were parsed before.
fn parsed(resource: &FlinkDeployment, context: &Context) -> Arc<Parsed> {
    let uid = resource.meta().uid.as_deref().unwrap_or_default();
    let status = resource.status.as_ref();
    let basis = Basis {
        generation: resource.meta().generation,
        last_reconciled_spec: status
            .and_then(|status| status.reconciliation_status.last_reconciled_spec.clone()),
        reconciliation_state: status
            .map(|status| status.reconciliation_status.state.to_string())
            .unwrap_or_default(),
    };
    if let Some(parsed) = context.passes.cache.parsed(uid, &basis) {
        return parsed;
    }
    let defaults = &context.shared.platform.defaults;
    let parsed = Arc::new(Parsed {
        validated: validate::deployment(resource, defaults),
        endpoint: RestEndpoint::deployed(resource, defaults),
    });
    context.passes.cache.keep_parsed(uid, basis, Arc::clone(&parsed));
    parsed
}

/// Parses what the status records.
fn record(resource: &FlinkDeployment) -> Result<Record<FlinkDeploymentSpec>, RecordedSpecError> {
    resource.status.as_ref().map_or_else(|| Ok(Record::default()), Record::read)
}

fn settings(resource: &FlinkDeployment, validated: &Validated, context: &Context) -> Settings {
    let version = validated.as_ref().ok().map(|valid| valid.flink_version);
    let namespace = resource.namespace().unwrap_or_default();
    let configuration = context.shared.platform.defaults.for_resource(&namespace, version);
    Settings::read(&configuration).unwrap_or_else(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the operator's configuration has a bad value; defaults are used"
        );
        Settings::default()
    })
}

fn flink_api(
    resource: &FlinkDeployment,
    endpoint: &RestEndpoint,
    settings: &Settings,
    pods: &[Arc<Pod>],
    context: &Context,
) -> FlinkApi {
    let (host, port) = match context.shared.reach {
        Reach::Service => {
            let (name, namespace) = (resource.name_any(), resource.namespace().unwrap_or_default());
            (Some(format!("{name}-rest.{namespace}")), endpoint.port)
        }
        Reach::Pod => {
            let address = pods
                .iter()
                .filter(|pod| pod.metadata.deletion_timestamp.is_none())
                .find_map(|pod| watches::pod_address(pod).map(str::to_owned));
            (address, endpoint.bind_port)
        }
    };
    let tls = endpoint.tls.as_ref();
    FlinkApi::at(&context.shared.rest, tls, host.as_deref(), port, settings.rest_timeout)
}

#[cfg(test)]
mod tests;
