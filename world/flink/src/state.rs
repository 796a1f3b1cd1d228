//! All JobManagers, and the loop that lets them live: it follows Kubernetes, keeps the time, and answers requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use simulated_kubernetes::api_server::Seen;
use simulated_kubernetes::clock::Clock;
use simulated_kubernetes::controllers::pod::Exit;
use simulated_kubernetes::timers::Timers;
use simulated_kubernetes::world::World;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::around::Around;
use super::behaviour::{Behaviours, Failure};
use super::fault::{RestFaultPlan, RestFaults};
use super::ledger::Ledger;
use super::log::RestLog;
use super::process::{Ending, Phase, Process};
use super::rest::Exchange;
use super::store::ObjectStore;
use super::{JobManagerView, JobView};

mod follow;

/// After each answer everybody who can run gets so many turns before the next one is given.
const TURNS: usize = 8;
/// A container whose ConfigMap is not there yet looks for it this often: the kubelet would not have started it.
const CONFIG_PAUSE: Duration = Duration::from_millis(500);

/// What handles, the loop and transports share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    woken: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) around: Around,
    pub(super) processes: BTreeMap<u64, Process>,
    pub(super) exchange: Exchange,
    pub(super) faults: RestFaults,
    pub(super) log: RestLog,
    pub(super) clock: Clock,
    pub(super) timers: Timers<Task>,
    started: u64,
    /// When a process is to be looked at, in milliseconds since 1970.
    queued: BTreeMap<u64, i64>,
    /// By the uid of a pod: the container that was started last.
    containers: BTreeMap<String, String>,
    /// Why the process in a pod ended, for the status of its container.
    messages: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) enum Task {
    Exchange(super::rest::Task),
    Step(u64),
    /// A container looks for its configuration.
    Boot(String),
}

impl Shared {
    pub(super) fn start(world: &World) -> Arc<Self> {
        let clock = world.clock();
        let around = Around {
            world: world.clone(),
            now: clock.now().as_millisecond(),
            store: ObjectStore::default(),
            ledger: Ledger::default(),
            behaviours: Behaviours::default(),
            ids: world.chance("flink ids"),
            leases: BTreeMap::new(),
            task_managers: BTreeMap::new(),
        };
        let state = State {
            around,
            processes: BTreeMap::new(),
            exchange: Exchange::default(),
            faults: RestFaults::default(),
            log: RestLog::new(world.keeps_history()),
            clock,
            timers: Timers::default(),
            started: 0,
            queued: BTreeMap::new(),
            containers: BTreeMap::new(),
            messages: BTreeMap::new(),
        };
        let shared = Arc::new(Self { state: Mutex::new(state), woken: Notify::new() });
        tokio::spawn(Arc::clone(&shared).run(world.follow()));
        shared
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panics while it holds the lock has failed already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state, or changes it; whatever follows from a change happens afterwards.
    pub(super) fn change<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        state.tick();
        let result = act(&mut state);
        state.wake_all();
        drop(state);
        self.woken.notify_one();
        result
    }

    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    async fn run(self: Arc<Self>, mut changes: mpsc::UnboundedReceiver<Seen>) {
        loop {
            let next = self.lock().timers.next_at();
            tokio::select! {
                biased;
                seen = changes.recv() => match seen {
                    Some(seen) => self.lock().observe(&seen),
                    None => return,
                },
                () = sleep_until(next) => {}
                () = self.woken.notified() => {}
            }
            let now = Instant::now();
            loop {
                while let Ok(seen) = changes.try_recv() {
                    self.lock().observe(&seen);
                }
                let Some(task) = self.lock().timers.pop_due(now) else { break };
                self.lock().tick();
                match task {
                    Task::Step(number) => self.lock().step_queued(number),
                    Task::Boot(uid) => self.lock().boot(&uid),
                    Task::Exchange(task) => super::rest::run(&self, task, now).await,
                }
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Lets everybody run who was woken by what has just happened.
pub(super) async fn take_turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

impl State {
    pub(super) fn tick(&mut self) {
        self.around.now = self.clock.now().as_millisecond();
    }

    pub(super) fn plan(&mut self, plan: RestFaultPlan) {
        self.faults = RestFaults::new(plan);
    }

    /// Looks at a process when something is due for it.
    fn queue(&mut self, number: u64) {
        let Some(process) = self.processes.get(&number) else { return };
        let Some(due) = process.next(&self.around) else { return };
        let due = due.max(self.around.now + 1);
        if self.queued.get(&number).is_some_and(|queued| *queued <= due) {
            return;
        }
        self.queued.insert(number, due);
        let delay = u64::try_from(due - self.around.now).unwrap_or(1);
        self.timers.add(Instant::now() + Duration::from_millis(delay), Task::Step(number));
    }

    fn step_queued(&mut self, number: u64) {
        // An earlier look has queued the next one.
        if self.queued.get(&number).is_some_and(|due| *due <= self.around.now) {
            self.queued.remove(&number);
            self.step(number);
        }
    }

    /// Lets a process do what is due.
    pub(super) fn step(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        match process.step(&mut self.around) {
            Some(ending) => self.end(number, false, Some(&ending)),
            None => self.queue(number),
        }
    }

    fn wake_all(&mut self) {
        let numbers: Vec<u64> = self.processes.keys().copied().collect();
        for number in numbers {
            self.step(number);
        }
    }

    fn step_resource(&mut self, resource: &str) {
        let of_resource = self.processes.values().filter(|process| process.resource == resource);
        let numbers: Vec<u64> = of_resource.map(|process| process.number).collect();
        for number in numbers {
            self.step(number);
        }
    }

    /// Works out what has happened until now.
    pub(super) fn catch_up(&mut self) {
        for process in self.processes.values_mut() {
            process.settle(&mut self.around);
        }
    }

    /// A process ends: by itself, or because its container does.
    pub(super) fn end(&mut self, number: u64, was_asked: bool, ending: Option<&Ending>) {
        let Some(mut process) = self.processes.remove(&number) else { return };
        self.queued.remove(&number);
        process.end(was_asked, &mut self.around);
        if let Some(ending) = ending {
            if !ending.message.is_empty() {
                self.messages.insert(process.pod.uid.clone(), ending.message.clone());
            }
            self.around.world.exit_pod(&process.pod.uid, Exit::of_code(ending.code));
        }
        self.step_resource(&process.resource);
    }

    pub(super) fn kill(&mut self, pod: &str, code: i32, message: &str) -> bool {
        let is_it = |process: &&Process| process.pod.uid == pod || process.pod.name == pod;
        let found = self.processes.values().find(is_it);
        let Some(number) = found.map(|process| process.number) else { return false };
        self.end(number, false, Some(&Ending { code, message: message.to_owned() }));
        true
    }

    pub(super) fn leader(&mut self, resource: &str) -> Option<&mut Process> {
        self.processes
            .values_mut()
            .find(|process| process.resource == resource && process.phase == Phase::Leading)
    }

    pub(super) fn fail_jobs(&mut self, resource: &str, failure: &Failure) {
        for id in self.job_ids(resource) {
            let Some(number) = self.leader(resource).map(|process| process.number) else { return };
            if let Some(process) = self.processes.get_mut(&number) {
                process.with_job(&id, &mut self.around, |job, _, place, around| {
                    job.fail(failure, around.now, place, around);
                });
            }
        }
    }

    pub(super) fn cancel_jobs(&mut self, resource: &str) {
        for id in self.job_ids(resource) {
            let Some(number) = self.leader(resource).map(|process| process.number) else { return };
            if let Some(process) = self.processes.get_mut(&number) {
                process.with_job(&id, &mut self.around, |job, _, place, around| {
                    job.cancel(around.now, place, around);
                });
            }
        }
    }

    pub(super) fn finish_jobs(&mut self, resource: &str) {
        for id in self.job_ids(resource) {
            let Some(number) = self.leader(resource).map(|process| process.number) else { return };
            if let Some(process) = self.processes.get_mut(&number) {
                process.with_job(&id, &mut self.around, |job, _, place, around| {
                    if job.runs() {
                        job.stand_still(around.now, place.behaviour);
                        job.commit_all(around);
                        job.finish(around.now);
                    }
                });
            }
        }
    }

    fn job_ids(&mut self, resource: &str) -> Vec<String> {
        self.leader(resource)
            .map(|process| process.jobs.iter().map(|job| job.id.clone()).collect())
            .unwrap_or_default()
    }

    pub(super) fn job_managers(&self, resource: &str) -> Vec<JobManagerView> {
        self.processes
            .values()
            .filter(|process| process.resource == resource)
            .map(|process| JobManagerView {
                pod: process.pod.name.clone(),
                pod_uid: process.pod.uid.clone(),
                answers: process.phase != Phase::Starting,
                leads: process.phase == Phase::Leading,
            })
            .collect()
    }

    pub(super) fn jobs(&mut self, resource: &str) -> Vec<JobView> {
        self.catch_up();
        let behaviour = self.around.behaviour(resource);
        let now = self.around.now;
        let Some(process) = self.leader(resource) else { return Vec::new() };
        let view = |job: &super::job::Job| JobView {
            id: job.id.clone(),
            name: job.name.clone(),
            state: job.state.to_owned(),
            parallelism: job.parallelism,
            bounds: job.bounds.clone(),
            offset: job.offset_at(now, &behaviour),
            runs: job.runs(),
            restarts: job.restarts,
            completed_checkpoints: job.checkpoints.completed_count,
            latest_checkpoint: job
                .checkpoints
                .completed
                .as_ref()
                .and_then(|stat| stat.path.clone()),
        };
        process.jobs.iter().map(view).collect()
    }

    pub(super) fn digest(&mut self) -> String {
        self.catch_up();
        let mut digest = Sha256::new();
        digest.update(self.log.digest());
        digest.update(format!("{:?}", self.around.ledger));
        digest.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
