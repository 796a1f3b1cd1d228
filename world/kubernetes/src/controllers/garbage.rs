//! The garbage collector: objects whose owners are gone go too; owners that wait for their dependents go after them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Task, manager, target};
use crate::api_server::kind::{Kind, Kinds};
use crate::api_server::object::{self, FOREGROUND, ORPHAN};
use crate::api_server::store::{ChangeKind, Key, Stored};
use crate::api_server::verbs::{DeleteOptions, Patch, Propagation};
use crate::api_server::{Kubernetes, Seen};

/// Who belongs to whom.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    /// The dependents of each uid, by storage and key.
    dependents: BTreeMap<String, BTreeSet<(String, Key)>>,
}

/// What an owner reference points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// It is there.
    Solid,
    /// It is not there.
    Dangling,
    /// It is there and waits for its dependents to go.
    Waiting,
}

impl Garbage {
    /// Keeps track of who belongs to whom, and tells which objects to look at.
    pub(super) fn observe(&mut self, seen: &Seen) -> Vec<Task> {
        let change = &seen.change;
        let storage = seen.kind.storage.clone();
        let this = (storage.clone(), change.key.clone());
        let owners = |stored: &Stored| -> BTreeSet<String> {
            owner_uids(&stored.object).map(str::to_owned).collect()
        };
        let before = change.previous.as_ref().map(|stored| owners(stored)).unwrap_or_default();
        let is_gone = change.kind == ChangeKind::Deleted;
        let after = if is_gone { BTreeSet::new() } else { owners(&change.object) };
        for uid in before.difference(&after) {
            if let Some(set) = self.dependents.get_mut(uid) {
                set.remove(&this);
            }
        }
        for uid in after.difference(&before) {
            self.dependents.entry(uid.clone()).or_default().insert(this.clone());
        }
        let object = &change.object.object;
        let mut look = BTreeSet::new();
        let waits =
            object::has_finalizer(object, FOREGROUND) || object::has_finalizer(object, ORPHAN);
        if !is_gone && (after != before || (object::is_deleting(object) && waits)) {
            look.insert(this);
        }
        if is_gone || object::is_deleting(object) {
            look.extend(self.dependents.get(object::uid(object)).into_iter().flatten().cloned());
        }
        // Owners may have waited for this one.
        let blocked = change.previous.as_ref().map(|stored| blocked_owners(&stored.object));
        let still_blocked = blocked_owners(object);
        let frees = |uid: &str| {
            let was_blocked = blocked.as_ref().is_some_and(|uids| uids.contains(uid));
            was_blocked && !still_blocked.contains(uid)
        };
        for uid in before.union(&after) {
            if is_gone || before != after || object::is_deleting(object) || frees(uid) {
                look.insert((String::new(), Key::new("", uid)));
            }
        }
        // An owner that waits is looked at after its dependents: when nothing blocks it, it does not wait any more, and
        // is an owner to stay with if something else keeps it.
        let is_this =
            |task: &(String, Key)| *task == (seen.kind.storage.clone(), change.key.clone());
        let (own, others): (Vec<_>, Vec<_>) = look.into_iter().partition(is_this);
        others.into_iter().chain(own).map(|(storage, key)| Task::Garbage(storage, key)).collect()
    }

    /// Looks at an object; an empty storage means that the key is an owner's uid.
    pub(super) fn collect(
        &mut self,
        kubernetes: &mut Kubernetes,
        storage: &str,
        key: &Key,
        now: Timestamp,
    ) -> Vec<Task> {
        if storage.is_empty() {
            return Self::owner(kubernetes, key.text());
        }
        let Some((kind, stored)) = find(kubernetes, storage, key) else { return Vec::new() };
        let object = &stored.object;
        if object::is_deleting(object) {
            if object::has_finalizer(object, ORPHAN) {
                self.orphan(kubernetes, &kind, &stored, now);
            } else if object::has_finalizer(object, FOREGROUND) {
                return self.wait_for_dependents(kubernetes, &kind, &stored, now);
            }
            return Vec::new();
        }
        let owners: Vec<(&Value, Owner)> = object::owner_references(object)
            .iter()
            .map(|reference| (reference, look_up(kubernetes, object, reference)))
            .collect();
        let unneeded: Vec<&str> = owners
            .iter()
            .filter(|(_, owner)| *owner != Owner::Solid)
            .filter_map(|(reference, _)| reference.get("uid")?.as_str())
            .collect();
        if owners.is_empty() || unneeded.is_empty() {
            return Vec::new();
        }
        if unneeded.len() < owners.len() {
            drop_owners(kubernetes, &kind, &stored, &unneeded, now);
            return Vec::new();
        }
        let waiting = owners.iter().any(|(_, owner)| *owner == Owner::Waiting);
        let has_dependents =
            self.dependents.get(object::uid(object)).is_some_and(|set| !set.is_empty());
        if waiting && has_dependents && self.may_be_in_a_circle(kubernetes, object) {
            let references = unblocked(&kind, object);
            if Some(&references) != object::get(object, "ownerReferences") {
                let patch = json!({"metadata": {"uid": object::uid(object), "ownerReferences": references}});
                let target = target(&kind, object, "");
                drop(kubernetes.patch(&target, &Patch::Merge(patch), &manager(now)));
                // The version of before is not there any more to be deleted: it is done with the next look.
                return vec![Task::Garbage(storage.to_owned(), key.clone())];
            }
        }
        let propagation = if waiting && has_dependents {
            Propagation::Foreground
        } else if object::has_finalizer(object, ORPHAN) {
            Propagation::Orphan
        } else if object::has_finalizer(object, FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        let options = DeleteOptions {
            propagation: Some(propagation),
            uid: Some(object::uid(object).to_owned()),
            version: Some(stored.version.to_string()),
            ..DeleteOptions::default()
        };
        // Somebody else may have deleted it a moment ago.
        drop(kubernetes.delete(
            &kind,
            object::namespace(object),
            object::name(object),
            &options,
            &manager(now),
        ));
        Vec::new()
    }

    /// Objects that own each other would wait for each other for ever. A dependent that waits for its own dependents is
    /// taken for a sign of that.
    fn may_be_in_a_circle(&self, kubernetes: &Kubernetes, object: &Value) -> bool {
        let dependents = self.dependents.get(object::uid(object)).into_iter().flatten();
        dependents.filter_map(|(storage, key)| find(kubernetes, storage, key)).any(|(_, stored)| {
            object::is_deleting(&stored.object) && object::has_finalizer(&stored.object, FOREGROUND)
        })
    }

    /// An owner of which a dependent has changed: it may be the one that the owner waited for.
    fn owner(kubernetes: &Kubernetes, uid: &str) -> Vec<Task> {
        let waiting = Kinds::known().all().iter().flat_map(|kind| {
            let all = kubernetes.stored_list(kind, "").into_iter();
            let owners = all.filter(|stored| {
                object::uid(&stored.object) == uid && object::is_deleting(&stored.object)
            });
            owners
                .map(|stored| Task::Garbage(kind.storage.clone(), Key::of(&stored.object)))
                .collect::<Vec<_>>()
        });
        let mut tasks: Vec<Task> = waiting.collect();
        tasks.dedup();
        tasks
    }

    /// The object goes when nothing that blocks its deletion is left.
    fn wait_for_dependents(
        &self,
        kubernetes: &mut Kubernetes,
        kind: &Arc<Kind>,
        stored: &Stored,
        now: Timestamp,
    ) -> Vec<Task> {
        let uid = object::uid(&stored.object);
        let dependents = self.dependents.get(uid).into_iter().flatten();
        let blocking: Vec<(String, Key, Arc<Stored>)> = dependents
            .filter_map(|(storage, key)| {
                let (_, dependent) = find(kubernetes, storage, key)?;
                let blocks = object::owner_references(&dependent.object).iter().any(|reference| {
                    reference.get("uid").and_then(Value::as_str) == Some(uid)
                        && reference.get("blockOwnerDeletion") == Some(&Value::Bool(true))
                });
                blocks.then(|| (storage.clone(), key.clone(), dependent))
            })
            .collect();
        if blocking.is_empty() {
            take_off(kubernetes, kind, stored, FOREGROUND, now);
            return Vec::new();
        }
        // Those that are being deleted are waited for; the others are looked at.
        let rest = blocking
            .into_iter()
            .filter(|(_, _, dependent)| !object::is_deleting(&dependent.object));
        rest.map(|(storage, key, _)| Task::Garbage(storage, key)).collect()
    }

    /// The dependents stay behind without their owner.
    fn orphan(
        &self,
        kubernetes: &mut Kubernetes,
        kind: &Arc<Kind>,
        stored: &Stored,
        now: Timestamp,
    ) {
        let uid = object::uid(&stored.object).to_owned();
        for (storage, key) in self.dependents.get(&uid).into_iter().flatten() {
            if let Some((kind, dependent)) = find(kubernetes, storage, key) {
                drop_owners(kubernetes, &kind, &dependent, &[&uid], now);
            }
        }
        take_off(kubernetes, kind, stored, ORPHAN, now);
    }
}

fn owner_uids(object: &Value) -> impl Iterator<Item = &str> {
    object::owner_references(object).iter().filter_map(|reference| reference.get("uid")?.as_str())
}

/// The owners that cannot go before the object.
fn blocked_owners(object: &Value) -> BTreeSet<&str> {
    let references = object::owner_references(object).iter();
    let blocking =
        references.filter(|owner| owner.get("blockOwnerDeletion") == Some(&Value::Bool(true)));
    blocking.filter_map(|owner| owner.get("uid")?.as_str()).collect()
}

/// The references to owners, blocking none of them. Those of custom resources say so even where they said nothing.
fn unblocked(kind: &Kind, object: &Value) -> Value {
    let references = object::owner_references(object).iter().map(|owner| {
        let mut owner = owner.clone();
        let blocks = owner.get("blockOwnerDeletion") == Some(&Value::Bool(true));
        if blocks || kind.custom.is_some() {
            object::set_field(&mut owner, "blockOwnerDeletion", false);
        }
        owner
    });
    references.collect()
}

fn find(kubernetes: &Kubernetes, storage: &str, key: &Key) -> Option<(Arc<Kind>, Arc<Stored>)> {
    let kind = Kinds::known().all().iter().find(|kind| kind.storage == storage)?;
    Some((Arc::clone(kind), Arc::clone(kubernetes.stored_at(storage, key)?)))
}

fn look_up(kubernetes: &Kubernetes, object: &Value, reference: &Value) -> Owner {
    let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default();
    let Some(kind) = Kinds::known().by_kind(text("apiVersion"), text("kind")) else {
        return Owner::Dangling;
    };
    let namespace = if kind.namespaced { object::namespace(object) } else { "" };
    match kubernetes.stored(kind, namespace, text("name")) {
        Some(owner) if object::uid(&owner.object) == text("uid") => {
            let waits = object::is_deleting(&owner.object)
                && object::has_finalizer(&owner.object, FOREGROUND);
            if waits { Owner::Waiting } else { Owner::Solid }
        }
        Some(_) | None => Owner::Dangling,
    }
}

/// Removes references to owners.
fn drop_owners(
    kubernetes: &mut Kubernetes,
    kind: &Arc<Kind>,
    stored: &Stored,
    uids: &[&str],
    now: Timestamp,
) {
    let kept: Vec<&Value> = object::owner_references(&stored.object)
        .iter()
        .filter(|reference| {
            !reference.get("uid").and_then(Value::as_str).is_some_and(|uid| uids.contains(&uid))
        })
        .collect();
    let references = if kept.is_empty() { Value::Null } else { json!(kept) };
    let patch =
        json!({"metadata": {"uid": object::uid(&stored.object), "ownerReferences": references}});
    drop(kubernetes.patch(&target(kind, &stored.object, ""), &Patch::Merge(patch), &manager(now)));
}

fn take_off(
    kubernetes: &mut Kubernetes,
    kind: &Arc<Kind>,
    stored: &Stored,
    finalizer: &str,
    now: Timestamp,
) {
    let left: Vec<&str> =
        object::finalizers(&stored.object).into_iter().filter(|name| *name != finalizer).collect();
    let patch =
        json!({"metadata": {"resourceVersion": stored.version.to_string(), "finalizers": left}});
    drop(kubernetes.patch(&target(kind, &stored.object, ""), &Patch::Merge(patch), &manager(now)));
}
