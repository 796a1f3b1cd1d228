//! A simulated Flink: JobManagers that live in the pods of the simulated Kubernetes, run jobs, and answer the real client.
//!
//! A JobManager starts when the container of its pod does, reads its configuration from the ConfigMap that the pod mounts,
//! asks Kubernetes for TaskManagers, keeps high availability metadata there, and ends with its container. Its job counts
//! records; the [`ledger`] tells whether each was committed once. What goes wrong is data: a [`behaviour::Behaviour`] of
//! the cluster, and a [`fault::RestFaultPlan`] for what travels.

use std::collections::BTreeMap;
use std::sync::Arc;

use flink_rest::Transport;
use simulated_kubernetes::controllers::pod::{Behaviour as PodBehaviour, Ready, Rule};
use simulated_kubernetes::world::World;

pub mod behaviour;
pub mod fault;

pub mod configuration;
pub mod settings;
pub mod version;

mod around;
mod checkpoints;
mod ha;
mod job;
pub mod ledger;
mod process;
mod state;
pub mod store;
mod task_managers;

pub mod log;
mod operations;
mod rest;

use behaviour::{Behaviour, Failure, SavepointOutcome, StopOutcome};
use fault::RestFaultPlan;
use ledger::{Attempt, Ledger, Violation};
use log::RestEntry;
pub use rest::SITES;
use state::Shared;
use store::{ObjectStore, Snapshot};

/// All simulated clusters of a world. Clones are the same ones.
///
/// A cluster is named by its resource: `namespace/cluster-id`.
#[derive(Clone, Debug)]
pub struct Flink {
    shared: Arc<Shared>,
}

/// A job as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    pub id: String,
    pub name: String,
    /// As Flink calls it.
    pub state: String,
    pub parallelism: u32,
    /// Lower and upper bound of each vertex's parallelism, by its id.
    pub bounds: BTreeMap<String, (u32, u32)>,
    /// The record that it processes next.
    pub offset: u64,
    /// Whether all tasks run.
    pub runs: bool,
    pub restarts: u64,
    pub completed_checkpoints: u64,
    /// Path of the newest completed checkpoint.
    pub latest_checkpoint: Option<String>,
}

/// A JobManager as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobManagerView {
    pub pod: String,
    pub pod_uid: String,
    /// Its REST API answers.
    pub answers: bool,
    pub leads: bool,
}

impl Flink {
    /// Lets every JobManager run that starts from now on: to be made before the first cluster is.
    ///
    /// JobManagers' pods become ready when their REST API answers, as the startup probe has it: a rule for them is added
    /// behind those that are there, with what is the default for pods now.
    pub fn new(world: &World) -> Self {
        world.controllers(|controllers| {
            let pods = &mut controllers.pods;
            let behaviour = PodBehaviour { ready: Ready::ByHand, ..pods.default.clone() };
            let labels = [("component", "jobmanager"), ("type", "flink-native-kubernetes")];
            pods.rules.push(Rule {
                namespace: None,
                name_prefix: String::new(),
                labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                image: None,
                behaviour,
            });
        });
        Self { shared: Shared::start(world) }
    }

    /// How requests of this client get to the clusters: `http://<cluster-id>-rest.<namespace>:8081`, or the address of a
    /// JobManager's pod.
    pub fn transport(&self, client: &str) -> Transport {
        rest::transport(&self.shared, client)
    }

    /// Changes how clusters behave that have no behaviour of their own.
    pub fn change_default(&self, change: impl FnOnce(&mut Behaviour)) {
        self.shared.change(|state| change(&mut state.around.behaviours.default));
    }

    /// Changes how one cluster behaves, from now on.
    pub fn change(&self, resource: &str, change: impl FnOnce(&mut Behaviour)) {
        self.shared.change(|state| change(state.around.behaviours.of_mut(resource)));
    }

    /// What comes of the next savepoint, or checkpoint that a user asks for, of a cluster. Several come one after another.
    pub fn next_savepoint(&self, resource: &str, outcome: SavepointOutcome) {
        self.shared.change(|state| state.around.behaviours.next_savepoint(resource, outcome));
    }

    /// What comes of the next stop with a savepoint.
    pub fn next_stop(&self, resource: &str, outcome: StopOutcome) {
        self.shared.change(|state| state.around.behaviours.next_stop(resource, outcome));
    }

    /// What is to go wrong with requests from now on. A plan takes the place of the one before.
    pub fn plan(&self, plan: RestFaultPlan) {
        self.shared.change(|state| state.plan(plan));
    }

    /// Cuts a client off: what it asked for and was not answered yet is never done. For an operator that is killed, beside
    /// [`World::disconnect`].
    pub fn disconnect(&self, client: &str) {
        self.shared.change(|state| state.disconnect(client));
    }

    /// Cuts a client off for a time: what it asks for is held back. Beside [`World::freeze`].
    pub fn freeze(&self, client: &str) {
        self.shared.change(|state| state.freeze(client));
    }

    /// Ends that: what was held back arrives.
    pub fn thaw(&self, client: &str) {
        self.shared.change(|state| state.thaw(client));
    }

    /// Tells when a client has made its REST call of this number, counted from now and from 0.
    pub fn after_call(&self, client: &str, nth: u32) -> tokio::sync::oneshot::Receiver<()> {
        self.shared.change(|state| state.exchange.marks.set(client, nth))
    }

    /// The process of a JobManager dies, as of a signal that cannot be caught; its container starts again. The pod is named
    /// by its uid or its name. Whether there was a JobManager in it.
    pub fn kill_job_manager(&self, pod: &str) -> bool {
        self.shared.change(|state| state.kill(pod, 137, ""))
    }

    /// A JobManager ends by itself, and leaves a reason in the status of its container.
    pub fn exit_job_manager(&self, pod: &str, code: i32, message: &str) -> bool {
        self.shared.change(|state| state.kill(pod, code, message))
    }

    /// The tasks of a cluster's jobs fail now.
    pub fn fail_job(&self, resource: &str, failure: &Failure) {
        self.shared.change(|state| state.fail_jobs(resource, failure));
    }

    /// Somebody cancels every job of the cluster.
    pub fn cancel_job(&self, resource: &str) {
        self.shared.change(|state| state.cancel_jobs(resource));
    }

    /// The jobs of a cluster come to the end of their input now.
    pub fn finish_job(&self, resource: &str) {
        self.shared.change(|state| state.finish_jobs(resource));
    }

    /// The JobManagers of a cluster.
    pub fn job_managers(&self, resource: &str) -> Vec<JobManagerView> {
        self.shared.change(|state| state.job_managers(resource))
    }

    /// The jobs of a cluster's leader.
    pub fn jobs(&self, resource: &str) -> Vec<JobView> {
        self.shared.change(|state| state.jobs(resource))
    }

    /// Reads or changes the ledger, as of now.
    pub fn ledger<R>(&self, act: impl FnOnce(&mut Ledger) -> R) -> R {
        self.shared.change(|state| {
            state.catch_up();
            act(&mut state.around.ledger)
        })
    }

    /// Everything that went wrong with records so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.ledger(|ledger| ledger.violations())
    }

    /// All attempts so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.ledger(|ledger| ledger.attempts().to_vec())
    }

    /// The next start of this cluster may begin from nothing, or from older state.
    pub fn allow_rewind(&self, resource: &str) {
        self.ledger(|ledger| ledger.allow_rewind(resource));
    }

    /// Reads or changes the object store, as of now.
    pub fn store<R>(&self, act: impl FnOnce(&mut ObjectStore) -> R) -> R {
        self.shared.change(|state| {
            state.catch_up();
            act(&mut state.around.store)
        })
    }

    /// The snapshot at a path.
    pub fn snapshot(&self, path: &str) -> Option<Snapshot> {
        self.store(|store| store.get(path).cloned())
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<RestEntry> {
        self.shared.change(|state| state.log.entries().to_vec())
    }

    /// The SHA-256 of the log and of the ledger: the same seed gives the same one.
    pub fn digest(&self) -> String {
        self.shared.change(state::State::digest)
    }
}
