//! The server's loop: it collects requests, answers them in an order that depends on what they say, tells watches what
//! happened, and lets the controllers work.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use http_body_util::{BodyExt as _, Full};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::api_server::refusal::Refusal;
use crate::api_server::request::{Answer, Body, Request, Target};
use crate::api_server::watch::{Line, WatchId};
use crate::api_server::{Kubernetes, Seen};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::controllers::{self, Controllers};
use crate::crash::Crashes;
use crate::fault::{Effect, Faults, WatchEffect};
use crate::log::{Delivery, Entry, Log, Outcome, Said, Write};
use crate::marks::Marks;
use crate::settings::{Order, Settings};
use crate::stream::{AnswerBody, Item, Stream};
use crate::timers::Timers;

/// After each answer everybody who can run gets so many turns before the next one is given.
const TURNS: usize = 8;
/// A client gives up after this time without an answer: the operator's read timeout.
const CLIENT_PATIENCE: Duration = Duration::from_secs(330);
/// How long a watch lasts that does not say: the API server's own limit is chosen by chance from here to twice as much.
const WATCH_LASTS: Duration = Duration::from_mins(30);

pub(crate) type Reply = Result<Response<AnswerBody>, io::Error>;

/// What the clients, the loop and the test share.
#[derive(Debug)]
pub(crate) struct Server {
    state: Mutex<State>,
    woken: Notify,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) kubernetes: Kubernetes,
    pub(crate) controllers: Controllers,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) writes: Vec<Write>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) settings: Settings,
    order: Chance,
    watch_ends: Chance,
    timers: Timers<Task>,
    arrived: Vec<Arrived>,
    arrivals: u64,
    streams: BTreeMap<WatchId, Stream>,
    pub(crate) crashes: Crashes,
    /// What processes that have died asked for: it is never answered.
    unanswered: Vec<oneshot::Sender<Reply>>,
    /// Clients that are cut off for a time.
    frozen: BTreeSet<String>,
    /// What they ask for meanwhile.
    held: Vec<Arrived>,
    pub(crate) marks: Marks,
    /// Who follows every change, besides watches and controllers.
    followers: Vec<mpsc::UnboundedSender<Seen>>,
}

/// A request that waits for its turn.
#[derive(Debug)]
struct Arrived {
    said: Said,
    client: String,
    serial: u64,
    request: Request,
    target: Option<Target>,
    reply: oneshot::Sender<Reply>,
    /// Whether the plan of faults has been asked.
    is_judged: bool,
}

#[derive(Debug)]
enum Task {
    /// Answer what has arrived.
    Answer,
    /// A request that was held back arrives.
    Arrive(Box<Arrived>),
    /// An answer that was held back is given.
    Give(oneshot::Sender<Reply>, Box<Reply>),
    Deliver(WatchId),
    Bookmark(WatchId),
    EndWatch(WatchId),
    Control(controllers::Task),
}

impl Server {
    pub(crate) fn new(settings: Settings, chance: &Chance) -> Arc<Self> {
        let clock = Clock::start();
        let kubernetes = Kubernetes::new(chance, clock.now());
        let state = State {
            kubernetes,
            controllers: Controllers::new(settings.controllers.clone(), chance),
            clock,
            faults: Faults::default(),
            log: Log::default(),
            writes: Vec::new(),
            deliveries: Vec::new(),
            settings,
            order: chance.fork("order of answers"),
            watch_ends: chance.fork("ends of watches"),
            timers: Timers::default(),
            arrived: Vec::new(),
            arrivals: 0,
            streams: BTreeMap::new(),
            crashes: Crashes::default(),
            unanswered: Vec::new(),
            frozen: BTreeSet::new(),
            held: Vec::new(),
            marks: Marks::default(),
            followers: Vec::new(),
        };
        let server = Arc::new(Self { state: Mutex::new(state), woken: Notify::new() });
        server.change(|state| state.controllers.begin(&mut state.kubernetes, state.clock.now()));
        server
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panics while it holds the lock has failed already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state, or changes it; whatever follows from a change happens afterwards.
    pub(crate) fn change<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        state.settle(Instant::now());
        drop(state);
        self.woken.notify_one();
        result
    }

    /// A client asks.
    pub(crate) fn ask(&self, client: &str, request: Request) -> oneshot::Receiver<Reply> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.lock();
        state.arrivals += 1;
        let target = request.target().ok().flatten();
        let arrived = Arrived {
            said: Said::by(&request),
            client: client.to_owned(),
            serial: state.arrivals,
            request,
            target,
            reply,
            is_judged: false,
        };
        state.arrive(arrived);
        drop(state);
        self.woken.notify_one();
        receiver
    }

    /// Runs for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self.lock().timers.next_at();
            match next {
                Some(at) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep_until(at) => {}
                        () = self.woken.notified() => {}
                    }
                }
                None => self.woken.notified().await,
            }
            self.run_due().await;
        }
    }

    async fn run_due(&self) {
        let now = Instant::now();
        loop {
            let Some(task) = self.lock().timers.pop_due(now) else { return };
            match task {
                Task::Answer => self.answer_batch(now).await,
                Task::Arrive(arrived) => self.lock().arrive(*arrived),
                Task::Give(sender, reply) => {
                    // Whoever has stopped waiting is not told.
                    drop(sender.send(*reply));
                    take_turns().await;
                }
                Task::Deliver(id) => {
                    if self.lock().deliver(id, now) {
                        take_turns().await;
                    }
                }
                Task::Bookmark(id) => self.lock().bookmark(id, now),
                Task::EndWatch(id) => self.lock().end_watch(id),
                Task::Control(task) => self.lock().control(&task, now),
            }
        }
    }

    async fn answer_batch(&self, now: Instant) {
        let batch = self.lock().take_batch();
        for arrived in batch {
            self.lock().serve(arrived, now);
            take_turns().await;
        }
    }
}

/// Lets everybody run who was woken by what has just happened.
async fn take_turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

impl State {
    fn arrive(&mut self, arrived: Arrived) {
        if self.arrived.is_empty() {
            self.timers.add(Instant::now() + self.settings.answer_after, Task::Answer);
        }
        self.arrived.push(arrived);
    }

    /// What has arrived, in the order in which it is answered: that of what is asked, not that of who asked first.
    fn take_batch(&mut self) -> Vec<Arrived> {
        let mut batch = std::mem::take(&mut self.arrived);
        batch.sort_by(|one, two| {
            one.said
                .cmp(&two.said)
                .then_with(|| one.client.cmp(&two.client))
                .then(one.serial.cmp(&two.serial))
        });
        if self.settings.order == Order::Shuffled {
            let mut shuffled = Vec::with_capacity(batch.len());
            while !batch.is_empty() {
                let index = usize::try_from(self.order.below(batch.len() as u64)).unwrap_or(0);
                shuffled.push(batch.remove(index));
            }
            return shuffled;
        }
        batch
    }

    fn serve(&mut self, mut arrived: Arrived, now: Instant) {
        if self.frozen.contains(&arrived.client) {
            self.held.push(arrived);
            return;
        }
        let since = self.clock.elapsed();
        let effect = if arrived.is_judged {
            None
        } else {
            self.faults.on_request(since, &arrived.client, arrived.target.as_ref())
        };
        match effect {
            Some(Effect::DelayRequest(delay)) => {
                arrived.is_judged = true;
                self.timers.add(now + delay, Task::Arrive(Box::new(arrived)));
                return;
            }
            Some(Effect::FailBefore) => {
                self.note(&arrived, Outcome::Broken);
                drop(arrived.reply.send(Err(broken())));
                return;
            }
            Some(Effect::Hang) => {
                self.note(&arrived, Outcome::Broken);
                self.timers.add(
                    now + CLIENT_PATIENCE,
                    Task::Give(arrived.reply, Box::new(Err(timed_out()))),
                );
                return;
            }
            Some(Effect::Crash { applied: false }) => {
                self.note(&arrived, Outcome::Broken);
                self.crashes.strike(&arrived.client);
                self.unanswered.push(arrived.reply);
                return;
            }
            Some(
                Effect::Refuse(_)
                | Effect::LoseAnswer
                | Effect::DelayAnswer(_)
                | Effect::Crash { applied: true },
            )
            | None => {}
        }
        let answer = match effect {
            Some(Effect::Refuse(refused)) => {
                Answer::refusal(&refused.refusal(arrived.target.as_ref()))
            }
            _ => self.kubernetes.answer(&arrived.request, self.clock.at(now)),
        };
        let code = answer.code;
        self.remember(&arrived, code);
        let crashes = effect == Some(Effect::Crash { applied: true });
        let is_lost = crashes || effect == Some(Effect::LoseAnswer);
        self.note(&arrived, if is_lost { Outcome::Lost(code) } else { Outcome::Answered(code) });
        let response = self.response(answer, &arrived, now);
        self.settle(now);
        if crashes {
            drop(response);
            self.crashes.strike(&arrived.client);
            self.unanswered.push(arrived.reply);
        } else if is_lost {
            drop(response);
            drop(arrived.reply.send(Err(broken())));
        } else if let Some(Effect::DelayAnswer(delay)) = effect {
            self.timers.add(now + delay, Task::Give(arrived.reply, Box::new(Ok(response))));
        } else {
            drop(arrived.reply.send(Ok(response)));
        }
    }

    fn remember(&mut self, arrived: &Arrived, code: u16) {
        if let Some(target) = arrived
            .target
            .as_ref()
            .filter(|target| self.settings.keep_history && target.verb.changes_something())
        {
            self.writes.push(Write {
                at: self.clock.elapsed(),
                client: arrived.client.clone(),
                target: target.clone(),
                body: arrived.request.body.clone(),
                code,
            });
        }
    }

    fn note(&mut self, arrived: &Arrived, outcome: Outcome) {
        let said = &arrived.said;
        let entry = Entry {
            at: self.clock.elapsed(),
            client: arrived.client.clone(),
            method: said.method.clone(),
            address: said.address.clone(),
            body: said.body.clone(),
            outcome,
        };
        self.log.add(entry, self.settings.keep_history);
        self.marks.count(&arrived.client);
    }

    fn response(
        &mut self,
        answer: Answer,
        arrived: &Arrived,
        now: Instant,
    ) -> Response<AnswerBody> {
        let mut response = Response::builder().status(answer.code);
        if let Some(seconds) = answer.retry_after {
            response = response.header("Retry-After", seconds.to_string());
        }
        let full = |bytes| Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
        let (content_type, body) = match answer.body {
            Body::Json(bytes) => ("application/json", full(bytes)),
            Body::Text(text) => ("text/plain", full(bytes::Bytes::from_static(text.as_bytes()))),
            Body::Watch(id) => ("application/json", self.open_stream(id, arrived, now)),
        };
        let response = response.header("Content-Type", content_type).body(body);
        response.expect("status and headers are valid: they are ours")
    }

    fn open_stream(&mut self, id: WatchId, arrived: &Arrived, now: Instant) -> AnswerBody {
        let target = arrived.target.clone().expect("only requests for a kind open watches");
        let (stream, body) = Stream::new(&arrived.client, target, now);
        self.streams.insert(id, stream);
        let asked = arrived.request.query().number("timeoutSeconds").filter(|seconds| *seconds > 0);
        let lasts = asked.map_or_else(
            || WATCH_LASTS + Duration::from_secs(self.watch_ends.below(WATCH_LASTS.as_secs())),
            Duration::from_secs,
        );
        self.timers.add(now + lasts, Task::EndWatch(id));
        if let Some(interval) = self.settings.bookmark_every {
            self.timers.add(now + interval, Task::Bookmark(id));
        }
        body
    }

    /// What follows from a change: watches are told, controllers get work.
    fn settle(&mut self, now: Instant) {
        for seen in self.kubernetes.take_changes() {
            self.followers.retain(|follower| follower.send(seen.clone()).is_ok());
            for (delay, task) in self.controllers.observe(&seen, self.clock.at(now)) {
                self.timers.add(now + delay, Task::Control(task));
            }
        }
        let (lines, ended) = self.kubernetes.watches.take();
        for (id, line) in lines {
            self.queue(id, Item::Line(line), now);
        }
        for id in ended {
            self.queue(id, Item::End, now);
        }
    }

    fn queue(&mut self, id: WatchId, item: Item, now: Instant) {
        let due = now + self.settings.watch_after;
        match self.streams.get_mut(&id) {
            Some(stream) if !stream.is_abandoned() => {
                let due = stream.push(due, item);
                self.timers.add(due, Task::Deliver(id));
            }
            Some(_) | None => self.end_watch(id),
        }
    }

    fn end_watch(&mut self, id: WatchId) {
        self.kubernetes.watches.close(id);
        self.streams.remove(&id);
    }

    /// Delivers what is due on a stream. True if somebody was told something.
    fn deliver(&mut self, id: WatchId, now: Instant) -> bool {
        let since = self.clock.elapsed();
        let mut delivered = false;
        loop {
            let Some(stream) = self.streams.get_mut(&id) else { return delivered };
            if self.frozen.contains(&stream.client) {
                return delivered;
            }
            if stream.queue.front().is_none_or(|(due, _)| *due > now) {
                return delivered;
            }
            let Some((_, Item::Line(line))) = stream.queue.pop_front() else {
                self.end_watch(id);
                return true;
            };
            delivered = true;
            if self.settings.keep_history {
                self.deliveries.push(Delivery {
                    at: since,
                    client: stream.client.clone(),
                    resource: stream.target.kind.plural.clone(),
                    event: line.event,
                    object: line.object.clone(),
                });
            }
            let open = match self.faults.on_event(since, &stream.client, &stream.target, &line) {
                None => stream.send(line.text),
                Some(WatchEffect::Drop) => true,
                Some(WatchEffect::Duplicate) => {
                    stream.send(line.text.clone()) && stream.send(line.text)
                }
                Some(WatchEffect::Cut) => false,
                Some(WatchEffect::Expire) => {
                    let refusal =
                        Refusal::expired("too old resource version: the past was forgotten");
                    stream.send(Line::error(&refusal).text);
                    false
                }
                Some(WatchEffect::Delay(delay)) => {
                    stream.not_before = now + delay;
                    stream.queue.push_front((now + delay, Item::Line(line)));
                    for (due, _) in &mut stream.queue {
                        *due = (*due).max(now + delay);
                    }
                    for _ in 0..stream.queue.len() {
                        self.timers.add(now + delay, Task::Deliver(id));
                    }
                    return false;
                }
            };
            if !open {
                self.end_watch(id);
                return true;
            }
        }
    }

    fn bookmark(&mut self, id: WatchId, now: Instant) {
        if !self.kubernetes.watches.is_open(id) {
            return;
        }
        let version = self.kubernetes.version();
        self.kubernetes.watches.bookmark(id, version, false);
        self.settle(now);
        if let Some(interval) = self.settings.bookmark_every {
            self.timers.add(now + interval, Task::Bookmark(id));
        }
    }

    fn control(&mut self, task: &controllers::Task, now: Instant) {
        let time = self.clock.at(now);
        for (delay, task) in self.controllers.run(&mut self.kubernetes, task, time) {
            self.timers.add(now + delay, Task::Control(task));
        }
        self.settle(now);
    }

    /// Every change from now on.
    pub(crate) fn follow(&mut self) -> mpsc::UnboundedReceiver<Seen> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.followers.push(sender);
        receiver
    }

    /// Looks at a pod now: somebody has decided something about it.
    pub(crate) fn wake_pod(&mut self, uid: &str) {
        for (delay, task) in self.controllers.wake_pod(uid, self.clock.now()) {
            self.timers.add(Instant::now() + delay, Task::Control(task));
        }
    }

    /// Cuts everything that a client has open, and forgets what it asked and was not answered yet.
    pub(crate) fn disconnect(&mut self, client: &str) {
        let gone: Vec<WatchId> = self
            .streams
            .iter()
            .filter(|(_, stream)| stream.client == client)
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.end_watch(id);
        }
        self.arrived.retain(|arrived| arrived.client != client);
        self.held.retain(|arrived| arrived.client != client);
    }

    /// Cuts a client off: what it asks for does not arrive, and its watches are told nothing.
    pub(crate) fn freeze(&mut self, client: &str) {
        self.frozen.insert(client.to_owned());
    }

    /// Connects it again: what it has asked for arrives first, and then it hears what it has missed.
    pub(crate) fn thaw(&mut self, client: &str) {
        self.frozen.remove(client);
        let (arriving, held) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.client == client);
        self.held = held;
        for arrived in arriving {
            self.arrive(arrived);
        }
        let hears = Instant::now() + self.settings.answer_after + self.settings.answer_after;
        for (id, stream) in &mut self.streams {
            if stream.client == client {
                stream.not_before = hears;
                for (due, _) in &mut stream.queue {
                    *due = hears.max(*due);
                }
                self.timers.add(hears, Task::Deliver(*id));
            }
        }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection broke")
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer came")
}
