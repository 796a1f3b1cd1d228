//! A simulated Kubernetes API server: objects, versions, watches, and what the server refuses.
//!
//! It is a state machine without a clock and without waiting: a request and the time go in, an answer comes out, and
//! what watches are to be told lies in an outbox. Its behaviour is that of Kubernetes 1.34; the conformance test holds
//! it against a real one.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::chance::Chance;

mod admission;
mod defaults;
mod events;
pub mod kind;
pub mod object;
pub mod ownership;
pub mod permission;
pub mod refusal;
pub mod representation;
pub mod request;
pub mod selector;
pub mod store;
mod strategy;
pub mod types;
pub mod validate;
pub mod verbs;
pub mod watch;

use kind::{Kind, Kinds};
use ownership::Managed;
use permission::Permissions;
use refusal::Refusal;
use request::{Answer, Request, Target, Verb};
use store::{Change, ChangeKind, Key, Store, Stored};
use watch::Watches;

/// Versions begin here: a cluster's first objects were written long before the world begins.
const FIRST_VERSION: u64 = 1000;

/// The API server.
#[derive(Debug)]
pub struct Kubernetes {
    store: Store,
    pub watches: Watches,
    pub permissions: Permissions,
    uids: Chance,
    names: Chance,
    /// Addresses of Services given out so far.
    addresses: u32,
    /// Changes that the controllers have not seen yet.
    unseen: Vec<Seen>,
}

/// A change, for controllers.
#[derive(Clone, Debug)]
pub struct Seen {
    pub kind: Arc<Kind>,
    pub change: Arc<Change>,
}

/// Who writes, and when.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: String,
    /// Name of the field manager.
    pub manager: String,
    pub now: Timestamp,
    /// Everything is checked and nothing stored.
    pub dry_run: bool,
    /// Fields that are not known are refused.
    pub strict: bool,
}

impl Caller {
    /// A component of the cluster itself.
    pub fn component(name: &str, now: Timestamp) -> Self {
        Self {
            user: format!("system:{name}"),
            manager: name.to_owned(),
            now,
            dry_run: false,
            strict: false,
        }
    }

    fn of(request: &Request, now: Timestamp) -> Result<Self, Refusal> {
        let query = request.query();
        let manager = query.get("fieldManager");
        if manager.len() > 128 {
            let fault = refusal::FieldFault::invalid(
                "fieldManager",
                manager,
                "may not be more than 128 bytes",
            );
            return Err(Refusal::invalid("meta.k8s.io", "CreateOptions", "", &[fault]));
        }
        let manager = if manager.is_empty() { request.agent_name() } else { manager };
        Ok(Self {
            user: request.user.clone(),
            manager: manager.to_owned(),
            now,
            dry_run: query.get("dryRun") == "All",
            strict: query.get("fieldValidation") == "Strict",
        })
    }
}

impl Kubernetes {
    /// An empty cluster with the namespaces that every cluster has.
    pub fn new(chance: &Chance, now: Timestamp) -> Self {
        let mut kubernetes = Self {
            store: Store::new(FIRST_VERSION),
            watches: Watches::default(),
            permissions: Permissions::default(),
            uids: chance.fork("uids"),
            names: chance.fork("generated names"),
            addresses: 0,
            unseen: Vec::new(),
        };
        for name in ["default", "kube-system"] {
            let namespace = serde_json::json!({"metadata": {"name": name}});
            let caller = Caller::component("kube-apiserver", now);
            let created =
                kubernetes.create(Kinds::known().plural("namespaces"), "", namespace, &caller);
            created.expect("these names are good and free");
        }
        kubernetes
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        match self.try_answer(request, now) {
            Ok(answer) => answer,
            Err(refusal) => Answer::refusal(&refusal),
        }
    }

    fn try_answer(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Some(target) = request.target()? else { return verbs::discovery::answer(request) };
        self.permissions.check(&request.user, &target, target.verb.text())?;
        let caller = Caller::of(request, now)?;
        match target.verb {
            Verb::Get => self.get_request(request, &target),
            Verb::List => self.list_request(request, &target),
            Verb::Watch => self.watch_request(request, &target),
            Verb::Create => self.create_request(request, &target, &caller),
            Verb::Update => self.update_request(request, &target, &caller),
            Verb::Patch => self.patch_request(request, &target, &caller),
            Verb::Delete => self.delete_request(request, &target, &caller),
            Verb::DeleteCollection => self.delete_collection_request(request, &target, &caller),
        }
    }

    /// An object as it is stored.
    pub fn stored(&self, kind: &Kind, namespace: &str, name: &str) -> Option<&Arc<Stored>> {
        self.store.get(&kind.storage, &Key::new(namespace, name))
    }

    /// An object by where it is stored.
    pub fn stored_at(&self, storage: &str, key: &Key) -> Option<&Arc<Stored>> {
        self.store.get(storage, key)
    }

    /// Gives a pod its node, as the scheduler does: through a resource of its own, past the rules of updates.
    pub(crate) fn bind(&mut self, key: &Key, node: &str, time: &str) {
        let pods = Kinds::known().plural("pods");
        let Some(stored) = self.store.get(&pods.storage, key).cloned() else { return };
        let mut pod = stored.object.clone();
        if let Some(spec) = pod.get_mut("spec") {
            object::set_field(spec, "nodeName", node);
        }
        let scheduled = serde_json::json!([{
            "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": time,
        }]);
        object::set_status(&mut pod, "conditions", scheduled);
        self.put(pods, pod, stored.managed.clone());
    }

    /// The objects of a kind, in a namespace or in all (the empty one).
    pub fn stored_list(&self, kind: &Kind, namespace: &str) -> Vec<Arc<Stored>> {
        self.store.list(&kind.storage, namespace)
    }

    /// The version of the last write to anything.
    pub fn version(&self) -> u64 {
        self.store.version()
    }

    /// Forgets the past: watches and lists of an older version are answered with 410 from now on.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    /// The changes since the last call, for controllers.
    pub fn take_changes(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.unseen)
    }

    /// Letters for a name, from the seed.
    pub fn name_suffix(&mut self, letters: usize) -> String {
        self.names.name_suffix(letters)
    }

    fn put(&mut self, kind: &Arc<Kind>, object: Value, managed: Managed) -> Arc<Stored> {
        let (object, written) = kind.read_back(object);
        let change = self.store.put(&kind.storage, object, managed, written);
        let stored = Arc::clone(&change.object);
        self.tell(kind, change);
        stored
    }

    fn remove(&mut self, kind: &Arc<Kind>, key: &Key) -> Option<Arc<Stored>> {
        let change = self.store.remove(&kind.storage, key)?;
        let previous = change.previous.clone();
        self.tell(kind, change);
        previous
    }

    fn tell(&mut self, kind: &Arc<Kind>, change: Arc<Change>) {
        self.watches.tell(&kind.storage, &change);
        self.unseen.push(Seen { kind: Arc::clone(kind), change });
    }

    /// Whether the object of a target may be written at all.
    fn existing(&self, target: &Target) -> Result<&Arc<Stored>, Refusal> {
        let found = self.stored(&target.kind, &target.namespace, &target.name);
        found.ok_or_else(|| Refusal::not_found(&target.kind, &target.name))
    }
}

impl Seen {
    pub fn is_deletion(&self) -> bool {
        self.change.kind == ChangeKind::Deleted
    }
}
