//! The controllers of the cluster: what Kubernetes itself does with objects, after some time.
//!
//! Each one looks at the whole state and does one step, as the real ones do; what it writes wakes it, or others, again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api_server::kind::{Kind, Kinds};
use crate::api_server::request::{Target, Verb};
use crate::api_server::selector::matches_selector;
use crate::api_server::store::{Key, Stored};
use crate::api_server::{Caller, Kubernetes, Seen, object};
use crate::chance::Chance;

mod deployment;
mod garbage;
mod namespace;
pub mod node;
pub mod pod;
mod pod_status;
mod replica_set;
mod rollout;
mod scale;

use garbage::Garbage;
use pod::Pods;

/// How long the controllers take.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// From a change to what the garbage collector does about it.
    pub garbage_after: Duration,
    /// From a change to the step of the Deployment controller, and to that of the ReplicaSet controller.
    pub workloads_after: Duration,
    /// From the deletion of a namespace to that of its content.
    pub namespaces_after: Duration,
    pub pods: pod::Behaviour,
    /// The nodes that the cluster has at the beginning.
    pub nodes: Vec<node::Node>,
}

impl Default for Settings {
    /// About what an idle cluster of one's own takes.
    fn default() -> Self {
        Self {
            garbage_after: Duration::from_millis(50),
            workloads_after: Duration::from_millis(10),
            namespaces_after: Duration::from_millis(100),
            pods: pod::Behaviour::default(),
            nodes: vec![node::Node::default()],
        }
    }
}

/// One step of one controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// An object that may have to be collected, by its storage.
    Garbage(String, Key),
    Namespace(String),
    Deployment(Key),
    ReplicaSet(Key),
    /// A ReplicaSet that nothing controls.
    FreeReplicaSet(Key),
    /// A pod that nothing controls.
    FreePod(Key),
    /// A pod, by its uid.
    Pod(String, Key),
}

/// What is to be done next, and in how long.
pub(crate) type Next = Vec<(Duration, Task)>;

/// All controllers.
#[derive(Debug)]
pub struct Controllers {
    pub settings: Settings,
    pub pods: Pods,
    garbage: Garbage,
    /// When tasks are due: waking somebody twice is waking them once, at the earlier time.
    queued: BTreeMap<Task, Timestamp>,
    has_begun: bool,
}

impl Controllers {
    pub(crate) fn new(settings: Settings, chance: &Chance) -> Self {
        let pods = Pods::new(settings.pods.clone(), chance);
        Self {
            settings,
            pods,
            garbage: Garbage::default(),
            queued: BTreeMap::new(),
            has_begun: false,
        }
    }

    /// Creates what a cluster has from the beginning.
    pub(crate) fn begin(&mut self, kubernetes: &mut Kubernetes, now: Timestamp) {
        if !std::mem::replace(&mut self.has_begun, true) {
            for node in self.settings.nodes.clone() {
                node::create(kubernetes, &node, now);
            }
        }
    }

    /// Who is woken by a change.
    pub(crate) fn observe(&mut self, seen: &Seen, now: Timestamp) -> Next {
        let mut next = Next::new();
        let delay = self.settings.garbage_after;
        next.extend(self.garbage.observe(seen).into_iter().map(|task| (delay, task)));
        let delay = self.settings.workloads_after;
        let key = seen.change.key.clone();
        let object = &seen.change.object.object;
        match seen.kind.plural.as_str() {
            "deployments" if !seen.is_deletion() => next.push((delay, Task::Deployment(key))),
            "replicasets" => {
                next.extend(
                    controller_key(object, "Deployment")
                        .map(|owner| (delay, Task::Deployment(owner))),
                );
                if !seen.is_deletion() {
                    if controller(object).is_none() {
                        next.push((delay, Task::FreeReplicaSet(key.clone())));
                    }
                    next.push((delay, Task::ReplicaSet(key)));
                }
            }
            "pods" => {
                if controller(object).is_none() && !seen.is_deletion() {
                    next.push((delay, Task::FreePod(key)));
                }
                next.extend(
                    controller_key(object, "ReplicaSet")
                        .map(|owner| (delay, Task::ReplicaSet(owner))),
                );
                next.extend(self.pods.observe(seen));
            }
            "namespaces" if object::is_deleting(object) && !seen.is_deletion() => {
                let name = object::name(object).to_owned();
                next.push((self.settings.namespaces_after, Task::Namespace(name)));
            }
            _ => {}
        }
        self.queue(next, now)
    }

    /// Does one step, if it is still to be done.
    pub(crate) fn run(&mut self, kubernetes: &mut Kubernetes, task: &Task, now: Timestamp) -> Next {
        // What was to be done earlier has been done, and has said anew when to look again.
        if self.queued.get(task).is_none_or(|due| *due > now) {
            return Next::new();
        }
        self.queued.remove(task);
        let next = match task {
            Task::Garbage(storage, key) => {
                let more = self.garbage.collect(kubernetes, storage, key, now);
                more.into_iter().map(|task| (self.settings.garbage_after, task)).collect()
            }
            Task::Namespace(name) => {
                let again = namespace::empty(kubernetes, name, now);
                again.map(|delay| (delay, task.clone())).into_iter().collect()
            }
            Task::Deployment(key) => {
                let again = deployment::sync(kubernetes, key, now);
                again.map(|delay| (delay, task.clone())).into_iter().collect()
            }
            Task::ReplicaSet(key) => {
                let again = replica_set::sync(kubernetes, key, now);
                // A Deployment that waits for the end of a pod sees it nowhere else.
                let set = kubernetes.stored_at(&kind("replicasets").storage, key);
                let owner = set.and_then(|set| controller_key(&set.object, "Deployment"));
                let owner =
                    owner.map(|owner| (self.settings.workloads_after, Task::Deployment(owner)));
                again.map(|delay| (delay, task.clone())).into_iter().chain(owner).collect()
            }
            Task::FreeReplicaSet(key) => {
                let fitting = fitting(kubernetes, "replicasets", key, "deployments");
                fitting.into_iter().map(|key| (Duration::ZERO, Task::Deployment(key))).collect()
            }
            Task::FreePod(key) => {
                let fitting = fitting(kubernetes, "pods", key, "replicasets");
                fitting.into_iter().map(|key| (Duration::ZERO, Task::ReplicaSet(key))).collect()
            }
            Task::Pod(uid, key) => {
                let again = self.pods.step(kubernetes, uid, key, now);
                again.map(|delay| (delay, task.clone())).into_iter().collect()
            }
        };
        self.queue(next, now)
    }

    /// Keeps the tasks that are not due as early already.
    fn queue(&mut self, next: Next, now: Timestamp) -> Next {
        let earlier = |(delay, task): &(Duration, Task)| {
            let due = now + SignedDuration::try_from(*delay).unwrap_or(SignedDuration::MAX);
            if self.queued.get(task).is_some_and(|known| *known <= due) {
                return false;
            }
            self.queued.insert(task.clone(), due);
            true
        };
        next.into_iter().filter(earlier).collect()
    }

    /// The task that looks at a pod now.
    pub(crate) fn wake_pod(&mut self, uid: &str, now: Timestamp) -> Next {
        let task = self.pods.task(uid).map(|task| (Duration::ZERO, task));
        self.queue(task.into_iter().collect(), now)
    }
}

/// The objects of a kind that would take one that nothing controls: their selectors match it.
fn fitting(kubernetes: &Kubernetes, plural: &str, key: &Key, owners: &str) -> Vec<Key> {
    let Some(free) = kubernetes.stored_at(&kind(plural).storage, key) else { return Vec::new() };
    if controller(&free.object).is_some() {
        return Vec::new();
    }
    let labels = object::labels(&free.object);
    let all = kubernetes.stored_list(kind(owners), object::namespace(&free.object)).into_iter();
    all.filter(|owner| {
        let selector = owner.object.pointer("/spec/selector").unwrap_or(&Value::Null);
        matches_selector(selector, labels)
    })
    .map(|owner| Key::of(&owner.object))
    .collect()
}

/// The key of the object that controls another, if it is of this kind.
fn controller_key(object: &Value, kind: &str) -> Option<Key> {
    let owner = controller(object)?;
    (owner.get("kind")? == kind).then(|| {
        let name = owner.get("name").and_then(Value::as_str).unwrap_or_default();
        Key::new(object::namespace(object), name)
    })
}

/// The owner that controls an object.
fn controller(object: &Value) -> Option<&Value> {
    object::owner_references(object)
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// The reference of an object to the one that controls it.
fn controller_reference(kind: &Kind, owner: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind,
        "name": object::name(owner),
        "uid": object::uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The objects of a kind in a namespace that this uid controls, in order.
fn controlled(
    kubernetes: &Kubernetes,
    kind: &Kind,
    namespace: &str,
    uid: &str,
) -> Vec<Arc<Stored>> {
    let all = kubernetes.stored_list(kind, namespace).into_iter();
    all.filter(|stored| {
        controller(&stored.object).and_then(|owner| owner.get("uid")).and_then(Value::as_str)
            == Some(uid)
    })
    .collect()
}

pub fn kind(plural: &str) -> &'static Arc<Kind> {
    Kinds::known().plural(plural)
}

/// The controller manager, at this time.
fn manager(now: Timestamp) -> Caller {
    Caller::component("kube-controller-manager", now)
}

/// The object itself, or its status, as the target of a write.
fn target(kind: &Arc<Kind>, object: &Value, subresource: &str) -> Target {
    Target {
        kind: Arc::clone(kind),
        namespace: object::namespace(object).to_owned(),
        name: object::name(object).to_owned(),
        subresource: subresource.to_owned(),
        verb: Verb::Update,
    }
}

/// Writes an object, or its status. Whether that was taken; what was refused is tried again when something changes.
pub fn write(
    kubernetes: &mut Kubernetes,
    kind: &Arc<Kind>,
    subresource: &str,
    new: &Value,
    caller: &Caller,
) -> bool {
    kubernetes.update(&target(kind, new, subresource), new.clone(), caller).is_ok()
}

/// A number of an object; 0 where there is none.
pub fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}
