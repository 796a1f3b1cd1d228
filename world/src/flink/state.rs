//! All JobManagers, and the loop that lets them live: it follows Kubernetes, keeps the time, and answers requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::around::{Around, TaskManager, timestamp};
use super::behaviour::{Behaviours, Failure};
use super::fault::{RestFaultPlan, RestFaults};
use super::ledger::Ledger;
use super::log::RestLog;
use super::process::{Ending, Phase, Pod, Process, config_data};
use super::rest::Exchange;
use super::settings::Settings;
use super::store::ObjectStore;
use super::{JobManagerView, JobView, task_managers};
use crate::clock::Clock;
use crate::controllers::pod::Exit;
use crate::kubernetes::kind::Kinds;
use crate::kubernetes::request::{Target, Verb};
use crate::kubernetes::verbs::Patch;
use crate::kubernetes::{Caller, Seen, object};
use crate::timers::Timers;
use crate::world::World;

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
            log: RestLog::default(),
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

    pub(super) fn kill(&mut self, pod_uid: &str, code: i32, message: &str) -> bool {
        let found = self.processes.values().find(|process| process.pod.uid == pod_uid);
        let Some(number) = found.map(|process| process.number) else { return false };
        self.end(number, false, Some(&Ending { code, message: message.to_owned() }));
        true
    }

    /// Something in Kubernetes changed.
    fn observe(&mut self, seen: &Seen) {
        self.tick();
        let object = &seen.change.object.object;
        match seen.kind.plural.as_str() {
            "pods" if is_of_flink(object) => match label(object, "component") {
                "jobmanager" => self.observe_job_manager(seen, object),
                "taskmanager" => self.observe_task_manager(seen, object),
                _ => {}
            },
            "configmaps" if seen.is_deletion() && is_of_flink(object) => {
                self.lose_config_map(object);
            }
            _ => {}
        }
    }

    fn observe_job_manager(&mut self, seen: &Seen, pod: &Value) {
        let uid = object::uid(pod).to_owned();
        let running = if seen.is_deletion() { None } else { Pod::running(pod) };
        let process = self.processes.values().find(|process| process.pod.uid == uid);
        let current = process.map(|process| (process.number, process.pod.container_id.clone()));
        match (running, current) {
            (Some(running), Some((_, container))) if running.container_id == container => {}
            (Some(running), current) => {
                if let Some((number, _)) = current {
                    self.end(number, false, None);
                }
                let container = running.container_id.clone();
                if self.containers.insert(uid.clone(), container.clone()) != Some(container) {
                    self.boot_pod(running, pod);
                }
            }
            (None, Some((number, _))) => self.end(number, object::is_deleting(pod), None),
            (None, None) => {}
        }
        if seen.is_deletion() {
            self.containers.remove(&uid);
            self.messages.remove(&uid);
        } else if self.messages.contains_key(&uid) {
            self.leave_message(pod, &uid);
        }
    }

    fn boot(&mut self, uid: &str) {
        let pods = Kinds::known().plural("pods");
        let all = self.around.world.kubernetes(|kubernetes| kubernetes.stored_list(pods, ""));
        let pod = all.iter().find(|stored| object::uid(&stored.object) == uid);
        if let Some(pod) = pod
            && let Some(running) = Pod::running(&pod.object)
            && !self.processes.values().any(|process| process.pod.uid == uid)
        {
            self.boot_pod(running, &pod.object);
        }
    }

    fn boot_pod(&mut self, running: Pod, pod: &Value) {
        let Some(data) = config_data(&self.around, &running) else {
            self.timers.add(Instant::now() + CONFIG_PAUSE, Task::Boot(running.uid));
            return;
        };
        let settings = match Settings::read(&data, &running.image, Pod::mode(pod)) {
            Ok(settings) => settings,
            Err(why) => {
                let message = format!("Error parsing YAML configuration: {why}");
                self.messages.insert(running.uid.clone(), message);
                self.around.world.exit_pod(&running.uid, Exit::of_code(1));
                return;
            }
        };
        self.started += 1;
        let number = self.started;
        let cluster_id = label(pod, "app").to_owned();
        let process = Process::new(number, &cluster_id, running, settings, &mut self.around);
        self.processes.insert(number, process);
        self.step(number);
    }

    /// The kubelet shows what a container left as its last words.
    fn leave_message(&self, pod: &Value, uid: &str) {
        let Some(message) = self.messages.get(uid) else { return };
        let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
        let Some(mut statuses) = statuses.cloned() else { return };
        let mut is_changed = false;
        for status in &mut statuses {
            for place in ["/state/terminated", "/lastState/terminated"] {
                if let Some(ended) = status.pointer_mut(place)
                    && ended.get("message").is_none()
                {
                    object::set_field(ended, "message", message.as_str());
                    is_changed = true;
                }
            }
        }
        if !is_changed {
            return;
        }
        let target = Target {
            kind: Arc::clone(Kinds::known().plural("pods")),
            namespace: object::namespace(pod).to_owned(),
            name: object::name(pod).to_owned(),
            subresource: "status".to_owned(),
            verb: Verb::Patch,
        };
        let patch = json!({"metadata": {"uid": uid}, "status": {"containerStatuses": statuses}});
        let caller = Caller::component("kubelet", timestamp(self.around.now));
        self.around.world.kubernetes(|kubernetes| {
            // The pod may have gone meanwhile.
            drop(kubernetes.patch(&target, &Patch::Merge(patch), &caller));
        });
    }

    fn observe_task_manager(&mut self, seen: &Seen, pod: &Value) {
        let uid = object::uid(pod).to_owned();
        let resource = format!("{}/{}", object::namespace(pod), label(pod, "app"));
        let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
        let has_ended = matches!(phase, "Failed" | "Succeeded");
        if seen.is_deletion() || object::is_deleting(pod) || has_ended {
            let was_there = self.around.task_managers.remove(&uid).is_some();
            if has_ended && !object::is_deleting(pod) && !seen.is_deletion() {
                task_managers::delete(object::namespace(pod), object::name(pod), &self.around);
            }
            if was_there {
                for process in self.processes.values_mut() {
                    if process.resource == resource && process.phase == Phase::Leading {
                        process.lose_task_manager(object::name(pod), &mut self.around);
                    }
                }
            }
        } else {
            let runs = phase == "Running";
            let now = self.around.now;
            let one = self.around.task_managers.entry(uid).or_insert_with(|| TaskManager {
                resource: resource.clone(),
                name: object::name(pod).to_owned(),
                ip: String::new(),
                running_since: None,
            });
            if runs && one.running_since.is_none() {
                one.running_since = Some(now);
                let ip = pod.pointer("/status/podIP").and_then(Value::as_str);
                ip.unwrap_or_default().clone_into(&mut one.ip);
            } else {
                return;
            }
        }
        self.step_resource(&resource);
    }

    fn lose_config_map(&mut self, map: &Value) {
        let resource = format!("{}/{}", object::namespace(map), label(map, "app"));
        let mut ends = Vec::new();
        for process in self.processes.values_mut() {
            if process.resource == resource
                && process.lose_metadata(object::name(map), &mut self.around)
            {
                ends.push(process.number);
            }
        }
        for number in ends {
            let message = format!("ConfigMap {} is deleted externally", object::name(map));
            self.end(number, false, Some(&Ending { code: 239, message }));
        }
        self.step_resource(&resource);
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

fn is_of_flink(object: &Value) -> bool {
    label(object, "type") == "flink-native-kubernetes"
}

fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    let labels = object::labels(object);
    labels.and_then(|labels| labels.get(name)).and_then(Value::as_str).unwrap_or_default()
}
