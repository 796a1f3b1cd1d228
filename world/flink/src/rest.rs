//! Requests to JobManagers: collected, answered in an order that depends on what they say, and spoiled as a plan has it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flink_rest::{Transport, TransportError};
use http::{Request, Response};
use serde_json::Value;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::marks::Marks;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fault::RestEffect;
use super::log::{RestEntry, RestOutcome};
use super::process::Phase;
use super::state::{self, Shared, State, take_turns};

mod answer;
mod bounds;
mod checkpoints;
mod cluster;
mod jars;
mod jobs;
mod metrics;
mod refusal;
mod savepoints;
mod site;

use answer::Answer;
pub use site::SITES;
use site::{Call, UNKNOWN};

/// Requests that arrive within this time of each other are answered together.
const ANSWER_AFTER: Duration = Duration::from_millis(2);
/// Nobody waits longer than this for an answer.
const PATIENCE: Duration = Duration::from_mins(10);

type Reply = Result<Response<Bytes>, TransportError>;

/// What is asked for and not answered yet.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    arrived: Vec<Arrived>,
    arrivals: u64,
    /// What processes that have died asked for: it is never answered.
    unanswered: Vec<oneshot::Sender<Reply>>,
    /// Clients that are cut off for a time.
    frozen: BTreeSet<String>,
    /// What they ask for meanwhile.
    held: Vec<Arrived>,
    pub(super) marks: Marks,
}

/// A request that waits for its turn.
#[derive(Debug)]
pub(super) struct Arrived {
    client: String,
    serial: u64,
    method: String,
    host: String,
    port: u16,
    is_tls: bool,
    /// Path and query.
    address: String,
    body: Bytes,
    reply: oneshot::Sender<Reply>,
    /// Whether the plan of faults has been asked.
    is_judged: bool,
}

#[derive(Debug)]
pub(super) enum Task {
    /// Answer what has arrived.
    Answer,
    /// A request that was held back arrives.
    Arrive(Box<Arrived>),
    /// An answer that was held back is given.
    Give(oneshot::Sender<Reply>, Box<Reply>),
}

/// A transport whose requests come from this client.
pub(super) fn transport(shared: &Arc<Shared>, client: &str) -> Transport {
    let (shared, client): (_, Arc<str>) = (Arc::clone(shared), client.into());
    Transport::of_bytes(tower::service_fn(move |request: Request<Bytes>| {
        let (shared, client) = (Arc::clone(&shared), Arc::clone(&client));
        async move {
            let (reply, receiver) = oneshot::channel();
            let (parts, body) = request.into_parts();
            let address = parts.uri.path_and_query().map_or("/", |address| address.as_str());
            let arrived = Arrived {
                client: client.to_string(),
                serial: 0,
                method: parts.method.to_string(),
                host: parts.uri.host().unwrap_or_default().to_owned(),
                port: parts.uri.port_u16().unwrap_or(80),
                is_tls: parts.uri.scheme() == Some(&http::uri::Scheme::HTTPS),
                address: address.to_owned(),
                body,
                reply,
                is_judged: false,
            };
            shared.lock().arrive(arrived);
            shared.wake();
            receiver.await.unwrap_or_else(|_| Err(broken("the JobManager's host is gone")))
        }
    }))
}

fn broken(reason: &str) -> TransportError {
    TransportError::Interrupted { reason: reason.to_owned() }
}

fn no_connection(reason: &str) -> TransportError {
    TransportError::Connect { reason: reason.to_owned(), timed_out: false }
}

/// Does what is due for requests.
pub(super) async fn run(shared: &Shared, task: Task, now: Instant) {
    match task {
        Task::Answer => {
            let batch = shared.lock().take_batch();
            for arrived in batch {
                shared.lock().serve(arrived, now);
                take_turns().await;
            }
        }
        Task::Arrive(arrived) => shared.lock().arrive(*arrived),
        Task::Give(sender, reply) => {
            // Whoever has stopped waiting is not told.
            drop(sender.send(*reply));
            take_turns().await;
        }
    }
}

/// Where a request gets to.
enum Found {
    /// A JobManager, by the number of its process.
    Process(u64),
    /// Nothing listens there, for this reason.
    Nothing(&'static str),
}

impl State {
    fn arrive(&mut self, mut arrived: Arrived) {
        if self.exchange.arrived.is_empty() {
            let task = state::Task::Exchange(Task::Answer);
            self.timers.add(Instant::now() + ANSWER_AFTER, task);
        }
        self.exchange.arrivals += 1;
        arrived.serial = self.exchange.arrivals;
        self.exchange.arrived.push(arrived);
    }

    /// What has arrived, in the order in which it is answered: that of what is asked, not that of who asked first.
    fn take_batch(&mut self) -> Vec<Arrived> {
        let mut batch = std::mem::take(&mut self.exchange.arrived);
        batch.sort_by(|one, two| {
            let said = |one: &Arrived| {
                (one.method.clone(), one.host.clone(), one.address.clone(), one.body.clone())
            };
            said(one)
                .cmp(&said(two))
                .then_with(|| one.client.cmp(&two.client))
                .then(one.serial.cmp(&two.serial))
        });
        batch
    }

    fn serve(&mut self, mut arrived: Arrived, now: Instant) {
        if self.exchange.frozen.contains(&arrived.client) {
            self.exchange.held.push(arrived);
            return;
        }
        self.tick();
        let call = Call::read(&arrived.method, &arrived.address, &arrived.body);
        let site = call.as_ref().map_or(UNKNOWN, |call| call.site);
        let resource = self.resource_of(&arrived.host);
        let since = self.clock.elapsed();
        let effect = if arrived.is_judged {
            None
        } else {
            let name = resource.as_deref().unwrap_or(&arrived.host);
            self.faults.on_request(since, &arrived.client, site, name)
        };
        let note = |state: &mut Self, arrived: &Arrived, outcome: RestOutcome| {
            state.log.add(RestEntry {
                at: since,
                client: arrived.client.clone(),
                cluster: resource.clone().unwrap_or_else(|| arrived.host.clone()),
                site: site.to_owned(),
                method: arrived.method.clone(),
                address: arrived.address.clone(),
                body: String::from_utf8_lossy(&arrived.body).into_owned(),
                outcome,
            });
            state.exchange.marks.count(&arrived.client);
        };
        match effect {
            Some(RestEffect::DelayRequest(delay)) => {
                arrived.is_judged = true;
                let task = state::Task::Exchange(Task::Arrive(Box::new(arrived)));
                self.timers.add(now + delay, task);
                return;
            }
            Some(RestEffect::FailBefore) => {
                note(self, &arrived, RestOutcome::Broken);
                drop(arrived.reply.send(Err(no_connection("connection refused"))));
                return;
            }
            Some(RestEffect::Hang) => {
                note(self, &arrived, RestOutcome::Broken);
                self.give(arrived.reply, Err(broken("no answer came")), now + PATIENCE);
                return;
            }
            Some(RestEffect::Crash { applied: false }) => {
                note(self, &arrived, RestOutcome::Broken);
                self.around.world.crashes().strike(&arrived.client);
                self.exchange.unanswered.push(arrived.reply);
                return;
            }
            Some(
                RestEffect::LoseAnswer
                | RestEffect::DelayAnswer(_)
                | RestEffect::Answer(_)
                | RestEffect::CutBody
                | RestEffect::Crash { applied: true },
            )
            | None => {}
        }
        let number = match self.find(&arrived.host, arrived.port) {
            Found::Process(number) => number,
            Found::Nothing(why) => {
                note(self, &arrived, RestOutcome::Broken);
                drop(arrived.reply.send(Err(no_connection(why))));
                return;
            }
        };
        let is_tls = self.processes.get(&number).is_some_and(|process| process.settings.rest_tls);
        if arrived.is_tls && !is_tls {
            note(self, &arrived, RestOutcome::Broken);
            let why = "received corrupt message of type InvalidContentType";
            drop(arrived.reply.send(Err(no_connection(why))));
            return;
        }
        let (answer, delay) = match effect {
            Some(RestEffect::Answer(status)) => (refusal::of_status(status), Duration::ZERO),
            // Flink redirects to the same address with https.
            _ if is_tls && !arrived.is_tls => (refusal::of_status(301), Duration::ZERO),
            _ => self.answer(number, call, site),
        };
        let status = answer.status;
        let is_lost = matches!(
            effect,
            Some(
                RestEffect::LoseAnswer | RestEffect::CutBody | RestEffect::Crash { applied: true }
            )
        );
        let outcome =
            if is_lost { RestOutcome::Lost(status) } else { RestOutcome::Answered(status) };
        note(self, &arrived, outcome);
        let reply = match effect {
            Some(RestEffect::Crash { .. }) => {
                self.around.world.crashes().strike(&arrived.client);
                self.exchange.unanswered.push(arrived.reply);
                return;
            }
            Some(RestEffect::LoseAnswer) => {
                Err(broken("connection closed before message completed"))
            }
            Some(RestEffect::CutBody) => Err(broken("end of file before message length reached")),
            _ => response(&answer).map_err(|error| broken(&error.to_string())),
        };
        let delay = match effect {
            Some(RestEffect::DelayAnswer(more)) => delay + more,
            _ => delay,
        };
        if delay.is_zero() {
            // Whoever has stopped waiting is not told.
            drop(arrived.reply.send(reply));
        } else {
            self.give(arrived.reply, reply, now + delay);
        }
    }

    fn give(&mut self, sender: oneshot::Sender<Reply>, reply: Reply, at: Instant) {
        self.timers.add(at, state::Task::Exchange(Task::Give(sender, Box::new(reply))));
    }

    /// What a JobManager answers, and how late.
    fn answer(
        &mut self,
        number: u64,
        call: Result<Call, Answer>,
        site: &'static str,
    ) -> (Answer, Duration) {
        let Some(process) = self.processes.get_mut(&number) else {
            return (refusal::no_leader(), Duration::ZERO);
        };
        let behaviour = self.around.behaviour(&process.resource);
        let delay = behaviour.slow.get(site).copied().unwrap_or_default();
        if let Some(status) = behaviour.broken.get(site) {
            return (refusal::of_status(*status), delay);
        }
        let answer = match call {
            Err(answer) => answer,
            Ok(call) => {
                process.settle(&mut self.around);
                answer::of(process, &call, &mut self.around)
            }
        };
        self.step(number);
        (answer, delay)
    }

    /// The cluster that a host belongs to.
    fn resource_of(&self, host: &str) -> Option<String> {
        if let Some(process) = self.processes.values().find(|process| process.pod.ip == host) {
            return Some(process.resource.clone());
        }
        let (service, rest) = host.split_once('.')?;
        let cluster = service.strip_suffix("-rest")?;
        let namespace = rest.split('.').next()?;
        Some(format!("{namespace}/{cluster}"))
    }

    /// Forgets what a client asked for and was not answered yet.
    pub(super) fn disconnect(&mut self, client: &str) {
        self.exchange.arrived.retain(|arrived| arrived.client != client);
        self.exchange.held.retain(|arrived| arrived.client != client);
    }

    /// Cuts a client off: what it asks for does not arrive.
    pub(super) fn freeze(&mut self, client: &str) {
        self.exchange.frozen.insert(client.to_owned());
    }

    /// Connects it again: what it has asked for arrives, whether it still waits for an answer or not.
    pub(super) fn thaw(&mut self, client: &str) {
        self.exchange.frozen.remove(client);
        let (arriving, held) = std::mem::take(&mut self.exchange.held)
            .into_iter()
            .partition(|held| held.client == client);
        self.exchange.held = held;
        for arrived in arriving {
            self.arrive(arrived);
        }
    }

    fn find(&self, host: &str, port: u16) -> Found {
        let answers = |phase: Phase| phase != Phase::Starting;
        if let Some(process) = self.processes.values().find(|process| process.pod.ip == host) {
            let listens = answers(process.phase) && process.settings.rest_bind_port == port;
            return if listens {
                Found::Process(process.number)
            } else {
                Found::Nothing("connection refused")
            };
        }
        let Some(resource) = self.resource_of(host) else {
            return Found::Nothing("dns error: failed to lookup address information");
        };
        let Some((namespace, cluster)) = resource.split_once('/') else {
            return Found::Nothing("dns error: failed to lookup address information");
        };
        let services = Kinds::known().plural("services");
        let name = format!("{cluster}-rest");
        let service = self.around.world.kubernetes(|kubernetes| {
            let stored = kubernetes.stored(services, namespace, &name);
            stored.map(|stored| stored.object.clone())
        });
        let Some(service) = service.filter(|service| !object::is_deleting(service)) else {
            return Found::Nothing("dns error: failed to lookup address information");
        };
        let ports = service.pointer("/spec/ports").and_then(Value::as_array);
        let number = |one: &Value, field: &str| one.get(field).and_then(Value::as_u64);
        let open =
            ports.into_iter().flatten().find(|one| number(one, "port") == Some(u64::from(port)));
        let Some(open) = open else { return Found::Nothing("connection timed out") };
        let target = number(open, "targetPort").unwrap_or(u64::from(port));
        let mut of_cluster: Vec<_> = self
            .processes
            .values()
            .filter(|process| process.resource == resource && answers(process.phase))
            .filter(|process| u64::from(process.settings.rest_bind_port) == target)
            .collect();
        // A JobManager that does not lead passes requests on to the one that does.
        of_cluster.sort_by_key(|process| (process.phase != Phase::Leading, process.number));
        match of_cluster.first() {
            Some(process) => Found::Process(process.number),
            None => Found::Nothing("connection refused"),
        }
    }
}

fn response(answer: &Answer) -> Result<Response<Bytes>, io::Error> {
    let body = serde_json::to_vec(&answer.body).map_err(io::Error::other)?;
    Response::builder()
        .status(answer.status)
        .header(http::header::CONTENT_TYPE, "application/json; charset=UTF-8")
        .body(Bytes::from(body))
        .map_err(io::Error::other)
}
