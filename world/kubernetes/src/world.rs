//! A world: one Kubernetes, its clients, its clock and its log.

use std::future::Future;
use std::sync::Arc;

use serde_json::Value;

use crate::api_server::kind::{Kind, Kinds};
use crate::api_server::{Caller, Kubernetes, Seen};
use crate::chance::Chance;
use crate::client::{self, Connection};
use crate::clock::Clock;
use crate::crash::Crashes;
use crate::fault::{FaultPlan, Faults};
use crate::log::{Delivery, Entry, Write};
use crate::server::{Server, State};
use crate::settings::Settings;

/// Who has put the objects there that a world begins with: their field manager.
pub const BY_HAND: &str = "by-hand";

/// A simulated cluster. Clones are the same one.
#[derive(Clone, Debug)]
pub struct World {
    server: Arc<Server>,
    chance: Chance,
}

/// Runs `test` in a world of its own, on one thread and on virtual time.
///
/// # Panics
///
/// The operating system gives no event loop; or the test panics.
pub fn run<F, T>(seed: u64, test: impl FnOnce(World) -> F) -> T
where
    F: Future<Output = T>,
{
    run_with(seed, Settings::default(), test)
}

/// The same, in a world that behaves as the settings say.
///
/// # Panics
///
/// As [`run`].
pub fn run_with<F, T>(seed: u64, settings: Settings, test: impl FnOnce(World) -> F) -> T
where
    F: Future<Output = T>,
{
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime =
        runtime.expect("a runtime with timers alone asks nothing of the operating system");
    runtime.block_on(async { test(World::with(seed, settings)).await })
}

impl World {
    /// A world from a seed. Everything random in it follows from the seed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: [`run`] makes one.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Settings::default())
    }

    /// A world that behaves as the settings say.
    ///
    /// # Panics
    ///
    /// As [`World::new`].
    pub fn with(seed: u64, settings: Settings) -> Self {
        let chance = Chance::new(seed);
        // kube draws the jitter of its watches' back-off from this generator of the thread.
        fastrand::seed(chance.fork("back-off of watches").number());
        let server = Server::new(settings, &chance);
        tokio::spawn(Arc::clone(&server).run());
        Self { server, chance }
    }

    /// A client of this name, which is its user name too. It repeats what was refused for now, as the operator's does.
    pub fn client(&self, name: &str) -> kube::Client {
        kube::Client::new(self.connection(name), "default")
    }

    /// What [`World::client`] is built on, for clients with layers of their own.
    pub fn connection(&self, name: &str) -> Connection {
        client::repeating(Arc::clone(&self.server), name, &self.chance.fork(name))
    }

    /// A client that gets every answer as it is.
    pub fn bare_client(&self, name: &str) -> kube::Client {
        kube::Client::new(client::bare(Arc::clone(&self.server), name), "default")
    }

    pub fn clock(&self) -> Clock {
        self.server.change(|state| state.clock)
    }

    /// Chance of its own for one purpose, from the world's seed.
    #[must_use]
    pub fn chance(&self, purpose: &str) -> Chance {
        self.chance.fork(purpose)
    }

    /// Reads or changes the cluster directly, at once and past every permission and fault; watches are told of it.
    pub fn kubernetes<R>(&self, act: impl FnOnce(&mut Kubernetes) -> R) -> R {
        self.server.change(|state| act(&mut state.kubernetes))
    }

    /// Creates an object directly. Its kind is read from it.
    ///
    /// # Panics
    ///
    /// The object is of no kind of the world, or is refused: for objects that a test needs to begin with.
    pub fn create(&self, object: Value) -> Value {
        let text =
            |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = Kinds::known().by_kind(&text("apiVersion"), &text("kind"));
        let kind = Arc::clone(
            kind.unwrap_or_else(|| unreachable!("the world has no such kind: {object}")),
        );
        let namespace = crate::api_server::object::namespace(&object).to_owned();
        let caller = self.caller(BY_HAND);
        let created =
            self.kubernetes(|kubernetes| kubernetes.create(&kind, &namespace, object, &caller));
        created.unwrap_or_else(|refusal| unreachable!("refused: {}", refusal.message)).full()
    }

    /// The object as it is now.
    pub fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Value> {
        self.kubernetes(|kubernetes| {
            kubernetes.stored(kind, namespace, name).map(|stored| stored.full())
        })
    }

    /// Somebody who writes now, for what is done directly.
    pub fn caller(&self, name: &str) -> Caller {
        Caller::component(name, self.clock().now())
    }

    /// What is to go wrong from now on. A plan takes the place of the one before.
    pub fn plan(&self, plan: FaultPlan) {
        self.server.change(|state| state.faults = Faults::new(plan));
    }

    /// Whether requests, writes and events can be looked at afterwards, as the settings say.
    pub fn keeps_history(&self) -> bool {
        self.server.change(|state| state.settings.keep_history)
    }

    /// The clients that a plan of faults has struck down in the middle of a request.
    pub fn crashes(&self) -> Crashes {
        self.server.change(|state| state.crashes.clone())
    }

    /// Every change of every object from now on, as it happens: for parts of the world that live beside Kubernetes.
    pub fn follow(&self) -> tokio::sync::mpsc::UnboundedReceiver<Seen> {
        self.server.change(State::follow)
    }

    /// Cuts a client off: its watches end, and what it asked for and was not answered yet is never done. For an operator
    /// that is killed; a new client of the same name can be made at once.
    pub fn disconnect(&self, client: &str) {
        self.server.change(|state| state.disconnect(client));
    }

    /// Cuts a client off for a time: what it asks for is held back, and its watches are told nothing.
    pub fn freeze(&self, client: &str) {
        self.server.change(|state| state.freeze(client));
    }

    /// Ends that: what was held back arrives, and after that the watches are told of everything.
    pub fn thaw(&self, client: &str) {
        self.server.change(|state| state.thaw(client));
    }

    /// Tells when a client has made its request of this number, counted from now and from 0.
    pub fn after_request(&self, client: &str, nth: u32) -> tokio::sync::oneshot::Receiver<()> {
        self.server.change(|state| state.marks.set(client, nth))
    }

    /// What one of these clients has written last.
    pub fn last_write(&self, clients: &[&str]) -> Option<Write> {
        self.server.change(|state| {
            let mut writes = state.writes.iter().rev();
            writes.find(|write| clients.contains(&write.client.as_str())).cloned()
        })
    }

    /// Changes what becomes of pods, from now on.
    pub fn controllers<R>(
        &self,
        change: impl FnOnce(&mut crate::controllers::Controllers) -> R,
    ) -> R {
        self.server.change(|state| change(&mut state.controllers))
    }

    /// The container of the pod with this uid is ready from now on, or no longer; for pods that are
    /// [ready by hand](crate::controllers::pod::Ready::ByHand).
    pub fn set_pod_ready(&self, uid: &str, ready: bool) {
        self.server.change(|state| {
            state.controllers.pods.set_ready(uid, ready);
            state.wake_pod(uid);
        });
    }

    /// The container of the pod with this uid ends now.
    pub fn exit_pod(&self, uid: &str, exit: crate::controllers::pod::Exit) {
        self.server.change(|state| {
            state.controllers.pods.exit(uid, exit);
            state.wake_pod(uid);
        });
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<Entry> {
        self.server.change(|state| state.log.entries().to_vec())
    }

    /// Every request so far that changes something, whoever sent it.
    pub fn writes(&self) -> Vec<Write> {
        self.server.change(|state| state.writes.clone())
    }

    /// Every event so far that a watch was about to be told of: a delayed one is there once more for each delay.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.server.change(|state| state.deliveries.clone())
    }

    /// The SHA-256 of the log: the same seed gives the same one.
    pub fn digest(&self) -> String {
        self.server.change(|state| state.log.digest())
    }
}
