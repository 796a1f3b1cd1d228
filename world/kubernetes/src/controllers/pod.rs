//! Scheduler and kubelet: pods get a node, pull their images, start, become ready, end, and go.
//!
//! What becomes of a pod is data: a [`Behaviour`] for all, and rules for some. Whoever simulates what runs in the pods
//! decides by hand when a container is ready ([`Ready::ByHand`]) and when it ends, through the world.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::pod_status::{self, Container};
use super::{Next, Task, kind, target};
use crate::api_server::store::Key;
use crate::api_server::types::time;
use crate::api_server::verbs::{DeleteOptions, Patch};
use crate::api_server::{Caller, Kubernetes, Seen, object};
use crate::chance::Chance;

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// How long the scheduler takes.
    pub schedule_after: Duration,
    /// Why the pod gets no node: `0/1 nodes are available: …`.
    pub unschedulable: Option<String>,
    /// How long the image takes.
    pub pull_after: Duration,
    /// The image cannot be had.
    pub pull_fails: bool,
    /// How long the container takes to start once its image is there.
    pub start_after: Duration,
    pub ready: Ready,
    pub run: Run,
    /// How long the container takes to end when it is asked to.
    pub stop_after: Duration,
}

/// When a container that runs is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    After(Duration),
    /// When `World::set_pod_ready` says so.
    ByHand,
}

/// How a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Until it is asked to end, or is ended by hand.
    ForEver,
    /// It ends by itself, each time that it runs.
    Ends { after: Duration, exit_code: i32 },
}

impl Default for Behaviour {
    /// A small pod whose image is there.
    fn default() -> Self {
        Self {
            schedule_after: Duration::from_millis(20),
            unschedulable: None,
            pull_after: Duration::from_millis(200),
            pull_fails: false,
            start_after: Duration::from_millis(800),
            ready: Ready::After(Duration::from_secs(1)),
            run: Run::ForEver,
            stop_after: Duration::from_secs(1),
        }
    }
}

/// A behaviour of some pods. The first rule that fits counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `None`: every namespace.
    pub namespace: Option<String>,
    /// The pod's name begins with this.
    pub name_prefix: String,
    /// The pod has these labels.
    pub labels: BTreeMap<String, String>,
    /// One of the pod's containers has this image; `None`: any.
    pub image: Option<String>,
    pub behaviour: Behaviour,
}

/// Why a pod's container ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub code: i32,
    /// `Error`, `OOMKilled`, `Completed`.
    pub reason: String,
}

/// The pods that are under way.
#[derive(Debug)]
pub struct Pods {
    pub default: Behaviour,
    pub rules: Vec<Rule>,
    known: BTreeMap<String, Life>,
    addresses: u32,
    ids: Chance,
    /// Ends that were asked for by hand, by uid.
    exits: BTreeMap<String, Exit>,
    /// Containers that are ready by hand.
    ready: BTreeSet<String>,
}

/// How far a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Life {
    key: Key,
    stage: Stage,
    restarts: u32,
    address: String,
    /// When the next step by itself is due.
    due: Option<Timestamp>,
    container: Container,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unscheduled,
    Pulling,
    PullFailed,
    Starting,
    Running,
    /// It runs and is ready.
    Working,
    BackingOff,
    /// All containers have ended for good.
    Ended,
    Stopping,
}

/// A container that ends again and again is started after this pause, …
const BACK_OFF_FIRST: Duration = Duration::from_secs(10);
/// … twice as long each time, up to this.
const BACK_OFF_MAX: Duration = Duration::from_mins(5);

fn has_image(pod: &Value, image: &str) -> bool {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .any(|container| container.get("image").and_then(Value::as_str) == Some(image))
}

impl Pods {
    pub(super) fn new(default: Behaviour, chance: &Chance) -> Self {
        Self {
            default,
            rules: Vec::new(),
            known: BTreeMap::new(),
            addresses: 0,
            ids: chance.fork("container ids"),
            exits: BTreeMap::new(),
            ready: BTreeSet::new(),
        }
    }

    /// The container of the pod with this uid is ready from now on, or no longer. See `World::set_pod_ready`.
    pub(crate) fn set_ready(&mut self, uid: &str, ready: bool) {
        if ready {
            self.ready.insert(uid.to_owned());
        } else {
            self.ready.remove(uid);
        }
    }

    /// The container of the pod with this uid ends. See `World::exit_pod`.
    pub(crate) fn exit(&mut self, uid: &str, exit: Exit) {
        self.exits.insert(uid.to_owned(), exit);
    }

    /// The task that looks at a pod.
    pub(crate) fn task(&self, uid: &str) -> Option<Task> {
        Some(Task::Pod(uid.to_owned(), self.known.get(uid)?.key.clone()))
    }

    fn behaviour(&self, pod: &Value) -> &Behaviour {
        let labels = object::labels(pod);
        let fits = |rule: &&Rule| {
            rule.namespace.as_deref().is_none_or(|namespace| namespace == object::namespace(pod))
                && object::name(pod).starts_with(&rule.name_prefix)
                && rule.labels.iter().all(|(key, value)| {
                    labels.and_then(|labels| labels.get(key)).and_then(Value::as_str)
                        == Some(value.as_str())
                })
                && rule.image.as_deref().is_none_or(|image| has_image(pod, image))
        };
        self.rules.iter().find(fits).map_or(&self.default, |rule| &rule.behaviour)
    }

    pub(super) fn observe(&mut self, seen: &Seen) -> Next {
        let pod = &seen.change.object.object;
        let uid = object::uid(pod).to_owned();
        if seen.is_deletion() {
            self.known.remove(&uid);
            self.exits.remove(&uid);
            self.ready.remove(&uid);
            return Next::new();
        }
        let task = Task::Pod(uid.clone(), seen.change.key.clone());
        match self.known.get(&uid) {
            None => vec![(self.behaviour(pod).schedule_after, task)],
            Some(life) if object::is_deleting(pod) && life.stage != Stage::Stopping => {
                vec![(Duration::ZERO, task)]
            }
            Some(_) => Next::new(),
        }
    }

    /// Does what is due for a pod. When to look at it again.
    pub(super) fn step(
        &mut self,
        kubernetes: &mut Kubernetes,
        uid: &str,
        key: &Key,
        now: Timestamp,
    ) -> Option<Duration> {
        let pod = kubernetes.stored_at(&kind("pods").storage, key)?.object.clone();
        if object::uid(&pod) != uid {
            return None;
        }
        let behaviour = self.behaviour(&pod).clone();
        let life = match self.known.get(uid) {
            Some(life) => life.clone(),
            None => self.begin(&pod),
        };
        let (life, again) = if object::is_deleting(&pod) {
            Self::stop(kubernetes, &pod, life, &behaviour, now)
        } else {
            self.live(kubernetes, &pod, life, &behaviour, now)
        };
        self.known.insert(uid.to_owned(), life);
        again
    }

    fn begin(&mut self, pod: &Value) -> Life {
        self.addresses += 1;
        // A pod that was given a node by somebody else needs none.
        let stage = if pod.pointer("/spec/nodeName").is_some() {
            Stage::Pulling
        } else {
            Stage::Unscheduled
        };
        Life {
            key: Key::of(pod),
            stage,
            restarts: 0,
            address: format!("10.244.{}.{}", self.addresses / 250, self.addresses % 250 + 1),
            due: None,
            container: Container::Creating,
        }
    }

    /// A pod that is to go: its container ends, then it is deleted for good.
    fn stop(
        kubernetes: &mut Kubernetes,
        pod: &Value,
        life: Life,
        behaviour: &Behaviour,
        now: Timestamp,
    ) -> (Life, Option<Duration>) {
        let due = life.due.filter(|_| life.stage == Stage::Stopping);
        let runs = matches!(life.stage, Stage::Running | Stage::Working);
        let stop_after = if runs { behaviour.stop_after } else { Duration::ZERO };
        let grace =
            object::get(pod, "deletionGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(0);
        let due = due.unwrap_or(now + stop_after.min(Duration::from_secs(grace)));
        if now < due {
            let life = Life { stage: Stage::Stopping, due: Some(due), ..life };
            return (life, until(now, due));
        }
        let options = DeleteOptions {
            grace_seconds: Some(0),
            uid: Some(object::uid(pod).to_owned()),
            ..DeleteOptions::default()
        };
        let (namespace, name) = (object::namespace(pod), object::name(pod));
        drop(kubernetes.delete(kind("pods"), namespace, name, &options, &kubelet(now)));
        (Life { stage: Stage::Stopping, due: Some(due), ..life }, None)
    }

    fn live(
        &mut self,
        kubernetes: &mut Kubernetes,
        pod: &Value,
        mut life: Life,
        behaviour: &Behaviour,
        now: Timestamp,
    ) -> (Life, Option<Duration>) {
        let uid = object::uid(pod).to_owned();
        let runs = matches!(life.stage, Stage::Running | Stage::Working);
        let by_itself = match behaviour.run {
            Run::Ends { after, exit_code } => life
                .container
                .started()
                .filter(|started| runs && *started + after <= now)
                .map(|_| Exit::of_code(exit_code)),
            Run::ForEver => None,
        };
        if let Some(exit) = self.exits.remove(&uid).filter(|_| runs).or(by_itself) {
            return self.ended(kubernetes, pod, life, &exit, now);
        }
        let is_due = life.due.is_none_or(|due| due <= now);
        let wait = |mut life: Life, stage: Stage, after: Duration| {
            life.stage = stage;
            life.due = Some(now + after);
            (life, Some(after))
        };
        match life.stage {
            Stage::Unscheduled => {
                if let Some(why) = &behaviour.unschedulable {
                    pod_status::unschedulable(kubernetes, pod, why, now);
                    // The scheduler tries again when nodes change, and from time to time.
                    return wait(life, Stage::Unscheduled, Duration::from_mins(1));
                }
                bind(kubernetes, pod, now);
                pod_status::write(kubernetes, pod, &life.container, life.restarts, "", now);
                wait(life, Stage::Pulling, behaviour.pull_after)
            }
            Stage::Pulling | Stage::PullFailed if is_due && behaviour.pull_fails => {
                let first = life.stage == Stage::Pulling;
                life.container = Container::PullFailed { backs_off: !first };
                pod_status::write(kubernetes, pod, &life.container, life.restarts, "", now);
                wait(life, Stage::PullFailed, Duration::from_secs(if first { 15 } else { 60 }))
            }
            Stage::Pulling | Stage::PullFailed if is_due => {
                wait(life, Stage::Starting, behaviour.start_after)
            }
            Stage::Starting | Stage::BackingOff if is_due => {
                life.container =
                    Container::Running { since: now, id: self.container_id(), ready: false };
                pod_status::write(
                    kubernetes,
                    pod,
                    &life.container,
                    life.restarts,
                    &life.address,
                    now,
                );
                life.stage = Stage::Running;
                let ready = match behaviour.ready {
                    Ready::After(after) => Some(now + after),
                    Ready::ByHand => None,
                };
                life.due = ready;
                Self::look_again(life, behaviour, now)
            }
            Stage::Running | Stage::Working => {
                let ready = match behaviour.ready {
                    Ready::After(_) => {
                        life.due.is_some_and(|due| due <= now) || life.stage == Stage::Working
                    }
                    Ready::ByHand => self.ready.contains(&uid),
                };
                if ready != (life.stage == Stage::Working) {
                    life.container.set_ready(ready);
                    life.stage = if ready { Stage::Working } else { Stage::Running };
                    pod_status::write(
                        kubernetes,
                        pod,
                        &life.container,
                        life.restarts,
                        &life.address,
                        now,
                    );
                }
                Self::look_again(life, behaviour, now)
            }
            Stage::Ended | Stage::Stopping => (life, None),
            Stage::Pulling | Stage::PullFailed | Stage::Starting | Stage::BackingOff => {
                let again = life.due.and_then(|due| until(now, due));
                (life, again)
            }
        }
    }

    /// When something happens to a running container by itself.
    fn look_again(life: Life, behaviour: &Behaviour, now: Timestamp) -> (Life, Option<Duration>) {
        let ends = match behaviour.run {
            Run::Ends { after, .. } => life.container.started().map(|started| started + after),
            Run::ForEver => None,
        };
        let ready = life.due.filter(|_| life.stage == Stage::Running);
        let next = ends.into_iter().chain(ready).filter(|due| *due > now).min();
        let again = next.and_then(|due| until(now, due));
        (life, again)
    }

    fn ended(
        &mut self,
        kubernetes: &mut Kubernetes,
        pod: &Value,
        mut life: Life,
        exit: &Exit,
        now: Timestamp,
    ) -> (Life, Option<Duration>) {
        let uid = object::uid(pod).to_owned();
        self.ready.remove(&uid);
        let policy = pod.pointer("/spec/restartPolicy").and_then(Value::as_str).unwrap_or("Always");
        let restarts = policy == "Always" || (policy == "OnFailure" && exit.code != 0);
        let started = life.container.started();
        let ran_for = started.map_or(0, |started| now.duration_since(started).as_secs());
        life.container = life.container.ended(exit, now, restarts);
        if !restarts {
            life.stage = Stage::Ended;
            pod_status::write(kubernetes, pod, &life.container, life.restarts, &life.address, now);
            return (life, None);
        }
        // The first time it is started at once; one that ran for long enough begins anew.
        let pause = match life.restarts {
            0 => Duration::ZERO,
            _ if ran_for >= 600 => Duration::ZERO,
            restarts => {
                BACK_OFF_FIRST.saturating_mul(1 << (restarts - 1).min(10)).min(BACK_OFF_MAX)
            }
        };
        life.container.back_off(pause);
        life.restarts += 1;
        pod_status::write(kubernetes, pod, &life.container, life.restarts - 1, &life.address, now);
        let pause = pause.max(Duration::from_millis(500));
        life.stage = Stage::BackingOff;
        life.due = Some(now + pause);
        (life, Some(pause))
    }

    fn container_id(&mut self) -> String {
        let [a, b, c, d] = [0; 4].map(|_: u64| self.ids.number());
        format!("{a:016x}{b:016x}{c:016x}{d:016x}")
    }
}

impl Exit {
    /// An end with the reason that the kubelet gives for a code.
    pub fn of_code(code: i32) -> Self {
        Self { code, reason: if code == 0 { "Completed" } else { "Error" }.to_owned() }
    }
}

fn until(now: Timestamp, due: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_until(due)).ok()
}

fn kubelet(now: Timestamp) -> Caller {
    Caller::component("kubelet", now)
}

/// The scheduler's decision: the first node that there is.
fn bind(kubernetes: &mut Kubernetes, pod: &Value, now: Timestamp) {
    let nodes = kubernetes.stored_list(kind("nodes"), "");
    let node = nodes.first().map_or("node-1", |node| object::name(&node.object)).to_owned();
    kubernetes.bind(&Key::of(pod), &node, &time::seconds(now));
}

/// A pod ends as the kubelet ends it when its node is short of something.
pub fn evict(
    kubernetes: &mut Kubernetes,
    namespace: &str,
    name: &str,
    message: &str,
    now: Timestamp,
) {
    let Some(pod) = kubernetes.stored(kind("pods"), namespace, name).cloned() else { return };
    let patch =
        serde_json::json!({"status": {"phase": "Failed", "reason": "Evicted", "message": message}});
    drop(kubernetes.patch(
        &target(kind("pods"), &pod.object, "status"),
        &Patch::Merge(patch),
        &kubelet(now),
    ));
}
