//! The operator in the world: its real controller over the real clients, with the world's time and chance.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flink_operator::clock::{Clock, Entropy, Environment};
use flink_operator::controllers::backoff::Backoff;
use flink_operator::controllers::deployment::{self, Shared};
use flink_operator::controllers::release;
use flink_operator::deadline::DeadlineLayer;
use flink_operator::events::Events;
use flink_operator::flink_api::Reach;
use flink_operator::metrics::Metrics;
use flink_operator::rest_gate;
use flink_operator::watches::Scope;
use flink_operator_core::conf::read_flink_conf;
use flink_operator_core::reconcile::Platform;
use flink_rest::Transport;
use jiff::Timestamp;
use simulated_kubernetes::World;
use simulated_kubernetes::chance::Chance;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

/// How an operator is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The name of its client and its user.
    pub name: String,
    /// Its configuration, as lines of `flink-conf.yaml`.
    pub configuration: String,
    /// From the end of a process to the start of the next one.
    pub restart_after: Duration,
    /// Whether another process takes the place of one that was killed.
    pub restarts: bool,
    pub kinds: Kinds,
}

/// The kinds whose controllers run. The scenarios have FlinkDeployments only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    Deployments,
    All,
}

impl Process {
    /// An operator with the defaults of the chart for everything that concerns time.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            configuration: DEFAULTS.to_owned(),
            restart_after: Duration::from_secs(2),
            restarts: true,
            kinds: Kinds::Deployments,
        }
    }
}

/// The intervals that the chart's values have.
const DEFAULTS: &str = "kubernetes.operator.reconcile.interval: 15 s\n\
     kubernetes.operator.observer.progress-check.interval: 5 s\n";

/// What the lines of the metric begin with.
const REFUSED: &str = "flink_operator_broken_invariants_total{";

/// A running operator.
#[derive(Clone, Debug)]
pub struct Operator {
    name: String,
    kill: Arc<Notify>,
    stop: Arc<Mutex<CancellationToken>>,
    /// Metrics of all processes, the current one last.
    metrics: Arc<Mutex<Vec<Metrics>>>,
}

impl Operator {
    /// Starts it. `rest` is its way to Flink.
    pub fn start(world: &World, process: Process, rest: Transport) -> Self {
        let operator = Self {
            name: process.name.clone(),
            kill: Arc::new(Notify::new()),
            stop: Arc::default(),
            metrics: Arc::default(),
        };
        tokio::spawn(supervise(world.clone(), process, rest, operator.clone()));
        operator
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends the process at once, as SIGKILL does.
    pub fn kill(&self) {
        self.kill.notify_one();
    }

    /// Asks the process to end, as SIGTERM does. No other one takes its place.
    pub fn stop(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    fn begins(&self, metrics: &Metrics) {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).push(metrics.clone());
    }

    /// The metrics of the process that runs now.
    pub fn metrics(&self) -> Metrics {
        let metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.last().cloned().unwrap_or_default()
    }

    /// The decisions that its processes have refused since they break an invariant, as their metrics count them.
    pub fn refused_decisions(&self) -> Vec<String> {
        let metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |text: String| -> Vec<String> {
            let counts = text.lines().filter(|line| line.starts_with(REFUSED));
            counts.map(|count| format!("{} refused a decision: {count}", self.name)).collect()
        };
        metrics.iter().flat_map(|metrics| refused(metrics.encode())).collect()
    }
}

/// Keeps a process running: one that is killed is followed by another, which knows nothing of it.
async fn supervise(world: World, process: Process, rest: Transport, operator: Operator) {
    let crashes = world.crashes();
    for generation in 0_u32.. {
        let chance = world.chance(&format!("{} process {generation}", process.name));
        let stop = CancellationToken::new();
        *operator.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
        let shared = shared(&world, &process, rest.clone(), &chance);
        operator.begins(&shared.metrics);
        let releases = release::Context {
            client: shared.client.clone(),
            events: shared.events.clone(),
            environment: shared.environment.clone(),
            backoff: shared.backoff,
            label_selector: None,
        };
        let releases = match process.kinds {
            Kinds::Deployments => None,
            Kinds::All => Some(tokio::spawn(release::run(&releases, &Scope::All, &stop))),
        };
        let running = deployment::run(shared, &Scope::All, stop);
        let caches = tokio::spawn(running.caches);
        let mut controller = tokio::spawn(running.stopped);
        let was_stopped = tokio::select! {
            biased;
            () = crashes.of(&process.name) => false,
            () = operator.kill.notified() => false,
            _ = &mut controller => true,
        };
        controller.abort();
        caches.abort();
        if let Some(releases) = releases {
            releases.abort();
        }
        world.disconnect(&process.name);
        if was_stopped || !process.restarts {
            return;
        }
        tokio::time::sleep(process.restart_after).await;
    }
}

fn shared(world: &World, process: &Process, rest: Transport, chance: &Chance) -> Shared {
    let client = client(world, &process.name);
    Shared {
        events: Events::new(client.clone(), Some(process.name.clone())),
        client,
        rest: rest_gate::gated(rest),
        reach: Reach::Service,
        environment: Environment {
            clock: Arc::new(WorldClock(world.clock())),
            entropy: Arc::new(WorldEntropy(Mutex::new(chance.fork("names of the operator")))),
        },
        platform: Arc::new(platform(&process.configuration)),
        backoff: Backoff {
            initial: Duration::from_secs(5),
            multiplier: 1.5,
            max: Duration::from_mins(5),
        },
        metrics: Metrics::new(),
        parallelism: 50,
        label_selector: None,
    }
}

/// A client with the operator's own deadline for requests.
pub fn client(world: &World, name: &str) -> kube::Client {
    kube::Client::new(DeadlineLayer.layer(world.connection(name)), "default")
}

fn platform(lines: &str) -> Platform {
    let configuration = read_flink_conf(lines).configuration;
    let platform = Platform::new(configuration, std::collections::BTreeMap::new());
    platform.expect("a world's configuration of the operator can be read")
}

#[derive(Debug)]
struct WorldClock(simulated_kubernetes::clock::Clock);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[derive(Debug)]
struct WorldEntropy(Mutex<Chance>);

impl Entropy for WorldEntropy {
    fn bytes(&self) -> [u8; 16] {
        let mut chance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (high, low) = (chance.number(), chance.number());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes
    }
}
