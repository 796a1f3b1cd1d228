//! The controller of FlinkDeployments: watches in, passes out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flink_operator_api::{FlinkDeployment, Stored};
use flink_operator_core::conf::options::network;
use flink_operator_core::deployment;
use flink_operator_core::invariants::{self, BrokenInvariant};
use flink_operator_core::names::JobId;
use flink_operator_core::observed::{Asked, Observed};
use flink_operator_core::reconcile::decision::{Because, Decision, Requeue};
use flink_operator_core::reconcile::{FreshIds, Inputs, Platform, Settings};
use flink_operator_core::validate;
use flink_rest::FlinkRest;
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, Resource, ResourceExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::clock::Environment;
use crate::events::Events;
use crate::execute::{ExecuteError, Executed, Executor};
use crate::memory::{Basis, Memories, Validated};
use crate::metrics::{Metrics, Outcome};
use crate::observe::{self, Sources, TooManyRounds};
use crate::own_writes::OwnWrites;
use crate::rest::{Cluster, Reach};
use crate::watches::{self, Filled, Scope};

/// Passes in a row over one resource without giving others a turn: a deploy needs two, an upgrade three.
const STEPS: usize = 8;

/// A pass that takes longer is given up and counted as failed. It holds a few REST calls and API requests, each with a
/// deadline of its own.
const PASS_DEADLINE: Duration = Duration::from_mins(2);

/// What the controller works with. One for each watched scope.
pub struct Context {
    pub client: Client,
    pub rest: FlinkRest,
    pub reach: Reach,
    pub environment: Environment,
    pub platform: Arc<Platform>,
    pub backoff: Backoff,
    pub events: Events,
    pub metrics: Metrics,
    own_writes: Arc<OwnWrites>,
    memories: Memories,
    filled: Filled,
    deployments: Store<Deployment>,
    pods: Store<Pod>,
}

/// What all scopes of a process share.
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

/// How long a failed pass waits before the next try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub initial: Duration,
    pub multiplier: f64,
    pub max: Duration,
}

impl Backoff {
    /// The wait after `failures` failed passes in a row.
    fn after(&self, failures: u32) -> Duration {
        let factor = self.multiplier.max(1.0).powi(i32::try_from(failures.min(64)).unwrap_or(64));
        self.initial.mul_f64(factor.min(1e6)).min(self.max)
    }
}

/// A running controller: its end, and what tells that its caches are filled.
pub struct Running {
    pub stopped: futures::future::BoxFuture<'static, ()>,
    pub caches: futures::future::BoxFuture<'static, ()>,
}

/// Starts the controller for one scope.
pub fn run(shared: Shared, scope: &Scope, stop: CancellationToken) -> Running {
    let own_writes = Arc::new(OwnWrites::default());
    let filled = Filled::default();
    let (resources, stream) =
        watches::resources(&shared.client, scope, shared.label_selector.as_deref(), filled.clone());
    let (deployments, deployment_wakes) =
        watches::deployments(&shared.client, scope, Arc::clone(&own_writes), filled.clone());
    let (pods, pod_wakes) = watches::pods(&shared.client, scope, filled.clone());
    let context = Arc::new(Context {
        client: shared.client,
        rest: shared.rest,
        reach: shared.reach,
        environment: shared.environment,
        platform: shared.platform,
        backoff: shared.backoff,
        events: shared.events,
        metrics: shared.metrics,
        own_writes,
        memories: Memories::default(),
        filled: filled.clone(),
        deployments,
        pods,
    });
    let known = resources.clone();
    let metrics = context.metrics.clone();
    let caches = async move {
        filled.all().await;
        metrics.resources_known(known.len());
    };
    let stopped = Controller::for_stream(stream, resources)
        .with_config(Config::default().concurrency(shared.parallelism))
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

/// Why a pass did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// A fault of the operator. The next pass decides again; if it decides the same, it is refused again.
    #[error("the decision breaks an invariant")]
    Invariant(#[from] BrokenInvariant),
    #[error(transparent)]
    TooManyRounds(#[from] TooManyRounds),
    #[error("the pass did not end within {0:?}")]
    Deadline(Duration),
    #[error("the pass panicked: {0}")]
    Panic(String),
}

async fn reconcile(
    object: Arc<Stored<FlinkDeployment>>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    let span = tracing::info_span!(
        "pass",
        namespace = object.namespace().unwrap_or_default(),
        name = object.name_any(),
        generation = object.meta().generation,
    );
    context.filled.clusters().await;
    let began = Instant::now();
    let pass = AssertUnwindSafe(passes(&object, &context)).catch_unwind();
    let result = match tokio::time::timeout(PASS_DEADLINE, pass).instrument(span.clone()).await {
        Ok(Ok(result)) => result,
        // One resource that breaks a pass must not stop the others'.
        Ok(Err(panic)) => Err(PassError::Panic(panic_text(panic.as_ref()))),
        Err(_) => Err(PassError::Deadline(PASS_DEADLINE)),
    };
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let outcome = span.in_scope(|| report(uid, &result, &context));
    context.metrics.pass_ended(outcome, began.elapsed());
    result.map(|(action, _)| action)
}

/// Logs and counts how the pass ended.
fn report(uid: &str, result: &Result<(Action, Outcome), PassError>, context: &Context) -> Outcome {
    match result {
        Ok((_, outcome)) => {
            context.memories.succeeded(uid);
            *outcome
        }
        Err(PassError::Execute(ExecuteError::Conflict { .. })) => Outcome::Conflict,
        Err(PassError::Invariant(broken)) => {
            context.metrics.decision_was_refused(broken);
            tracing::error!(
                invariant = broken.name(),
                error = broken as &dyn std::error::Error,
                "the decision breaks an invariant; nothing of it is carried out"
            );
            Outcome::Failed
        }
        Err(
            error @ (PassError::Execute(_)
            | PassError::TooManyRounds(_)
            | PassError::Deadline(_)
            | PassError::Panic(_)),
        ) => {
            tracing::warn!(error = error as &dyn std::error::Error, "the pass failed");
            Outcome::Failed
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is kube's")]
fn on_error(
    object: Arc<Stored<FlinkDeployment>>,
    error: &PassError,
    context: Arc<Context>,
) -> Action {
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let failures = context.memories.failed(uid);
    match error {
        // The watch is about to show what was missed; if it does not, look again anyway.
        PassError::Execute(ExecuteError::Conflict { .. }) => Action::requeue(
            Duration::from_millis(100).saturating_mul(2_u32.saturating_pow(failures.min(6))),
        ),
        PassError::Execute(_)
        | PassError::Invariant(_)
        | PassError::TooManyRounds(_)
        | PassError::Deadline(_)
        | PassError::Panic(_) => Action::requeue(context.backoff.after(failures)),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// Goes on with a resource while each pass makes another one possible at once.
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
    let (mut resource, stale) = context.own_writes.freshest(cached);
    if stale {
        context.metrics.view_was_stale();
    }
    for _ in 0..STEPS {
        let (next, requeue, outcome) = one_pass(Arc::clone(&resource), context).await?;
        resource = next;
        match requeue {
            Requeue::Now => {}
            Requeue::After(wait) => return Ok((Action::requeue(wait), outcome)),
            Requeue::OnChange => return Ok((Action::await_change(), outcome)),
        }
    }
    Ok((Action::requeue(Duration::from_secs(1)), Outcome::Waited))
}

async fn one_pass(
    resource: Arc<FlinkDeployment>,
    context: &Context,
) -> Result<(Arc<FlinkDeployment>, Requeue, Outcome), PassError> {
    let uid = resource.meta().uid.clone().unwrap_or_default();
    let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
    let validated = validated(&resource, context);
    let settings = settings(&resource, &validated, context);
    let ids = FreshIds {
        job_id: JobId::from_bytes(context.environment.entropy.bytes()),
        job_result_store: context.environment.uuid(),
        trigger_id: JobId::from_bytes(context.environment.entropy.bytes()).to_string(),
    };
    let inputs = Inputs {
        resource: &resource,
        validated: &validated,
        platform: &context.platform,
        settings: &settings,
        ids: &ids,
        now: context.environment.clock.now(),
    };
    let pods = pods_of(context, &namespace, &name);
    let cluster = cluster(&resource, &validated, &settings, &pods, context);
    let key = ObjectRef::<Deployment>::new(&name).within(&namespace);
    let sources = Sources {
        client: &context.client,
        cluster: &cluster,
        deployment: context.own_writes.job_manager(
            &namespace,
            &name,
            context.deployments.get(&key),
        ),
        pods,
    };
    let mut observed = observe::observe_caches(&sources, &inputs);
    let decision = observe::decide(&sources, &inputs, &mut observed).await?;
    let (because, requeue) = (decision.because.clone(), decision.requeue);
    if context.memories.is_news(&uid, &because) {
        tracing::info!(reason = because.reason(), message = because.message(), "decided");
    }
    let executor = Executor {
        client: &context.client,
        own_writes: &context.own_writes,
        events: &context.events,
        cluster: &cluster,
    };
    let (Executed { resource: written, acted, .. }, result) =
        carry_out(&executor, Arc::clone(&resource), &observed, decision).await?;
    if let Err(error) = result {
        let inputs = Inputs { resource: &written, ..inputs };
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
            // Told once: the same refusal again changes nothing in the status.
            let written = Arc::clone(&written);
            let (_, result) = carry_out(&executor, written, &observed, decision).await?;
            result?;
        }
        return Err(error.into());
    }
    if matches!(because, Because::Deleting) && written.finalizers().is_empty() {
        context.own_writes.forget(&uid);
        context.memories.forget(&uid);
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

/// Parses the spec, unless the same one was parsed before.
fn validated(resource: &FlinkDeployment, context: &Context) -> Arc<Validated> {
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
    if let Some(outcome) = context.memories.validated(uid, &basis) {
        return outcome;
    }
    let outcome = Arc::new(validate::deployment(resource, &context.platform.defaults));
    context.memories.remember_validated(uid, basis, Arc::clone(&outcome));
    outcome
}

fn settings(resource: &FlinkDeployment, validated: &Validated, context: &Context) -> Settings {
    let version = validated.as_ref().ok().map(|valid| valid.flink_version);
    let namespace = resource.namespace().unwrap_or_default();
    let configuration = context.platform.defaults.for_resource(&namespace, version);
    Settings::read(&configuration).unwrap_or_else(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the operator's configuration has a bad value; defaults are used"
        );
        Settings::default()
    })
}

fn pods_of(context: &Context, namespace: &str, cluster_id: &str) -> Vec<Arc<Pod>> {
    context.pods.state_filter(|pod| {
        pod.metadata.namespace.as_deref() == Some(namespace)
            && pod
                .labels()
                .get(flink_operator_api::names::labels::APP)
                .is_some_and(|app| app == cluster_id)
    })
}

fn cluster(
    resource: &FlinkDeployment,
    validated: &Validated,
    settings: &Settings,
    pods: &[Arc<Pod>],
    context: &Context,
) -> Cluster {
    let (port, scheme) = validated.as_ref().map_or((8081, "http"), |valid| {
        let configuration = &valid.effective.configuration;
        let port = configuration
            .get_or_default(&network::REST_PORT)
            .ok()
            .and_then(|port| u16::try_from(port).ok());
        let tls = configuration.get_or_default(&network::REST_SSL_ENABLED).unwrap_or(false);
        (port.unwrap_or(8081), if tls { "https" } else { "http" })
    });
    let service =
        format!("{}-rest.{}", resource.name_any(), resource.namespace().unwrap_or_default());
    let host = match context.reach {
        Reach::Service => Some(service),
        Reach::Pod => pods
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .find_map(|pod| watches::pod_address(pod).map(str::to_owned)),
    };
    Cluster::at(&context.rest, scheme, host.as_deref(), port, settings.rest_timeout)
}

#[cfg(test)]
mod tests;
