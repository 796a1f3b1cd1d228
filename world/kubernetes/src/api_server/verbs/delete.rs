//! Deletion: at once, after a grace period, or when the last finalizer is gone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::api_server::kind::{DeletionAnswer, Kind};
use crate::api_server::object::{self, FOREGROUND, ORPHAN};
use crate::api_server::refusal::{Fault, FieldFault, Refusal};
use crate::api_server::representation::Representation;
use crate::api_server::request::{Answer, Query, Request, Target};
use crate::api_server::store::{Key, Stored};
use crate::api_server::types::time;
use crate::api_server::{Caller, Kubernetes};

/// What becomes of the objects that belong to a deleted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted afterwards.
    Background,
    /// They are deleted first.
    Foreground,
    /// They are left alone.
    Orphan,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    pub propagation: Option<Propagation>,
    pub grace_seconds: Option<i64>,
    /// The object has to have this uid.
    pub uid: Option<String>,
    /// The object has to have this version.
    pub version: Option<String>,
    /// Everything is checked and nothing done.
    pub dry_run: bool,
}

/// What came of a deletion.
#[derive(Debug)]
pub enum Deleted {
    /// The object is gone.
    Gone(Arc<Stored>),
    /// It waits for its finalizers or its grace period.
    Waiting(Arc<Stored>),
}

impl Kubernetes {
    pub(in crate::api_server) fn delete_request(
        &mut self,
        request: &Request,
        target: &Target,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        let options = read_options(request)?;
        let caller = &Caller { dry_run: caller.dry_run || options.dry_run, ..caller.clone() };
        let shown = Representation::of(&request.accept);
        let deleted =
            self.delete(&target.kind, &target.namespace, &target.name, &options, caller)?;
        Ok(match deleted {
            Deleted::Waiting(stored) => Answer::bytes(200, shown.object(&target.kind, &stored)),
            Deleted::Gone(stored) if target.kind.deletion_answer == DeletionAnswer::Object => {
                Answer::bytes(200, shown.object(&target.kind, &stored))
            }
            Deleted::Gone(stored) => Answer::json(200, &gone(&target.kind, &stored)),
        })
    }

    /// Deletes an object.
    ///
    /// # Errors
    ///
    /// What the API server would answer.
    pub fn delete(
        &mut self,
        kind: &Arc<Kind>,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
        caller: &Caller,
    ) -> Result<Deleted, Refusal> {
        let key = Key::new(namespace, name);
        let existing = self
            .store
            .get(&kind.storage, &key)
            .cloned()
            .ok_or_else(|| Refusal::not_found(kind, name))?;
        check_preconditions(kind, &existing, options)?;
        if kind.plural == "namespaces" {
            return Ok(self.delete_namespace(kind, &key, &existing, caller));
        }
        let mut new = existing.object.clone();
        let graceful =
            if kind.graceful { self::graceful(&mut new, options, caller.now) } else { Grace::None };
        if graceful == Grace::Pending {
            return Ok(Deleted::Waiting(existing));
        }
        set_finalizers(&mut new, options);
        let waits = !object::finalizers(&new).is_empty();
        if waits && graceful == Grace::None {
            mark(&mut new, caller.now);
        }
        let lasts = matches!(graceful, Grace::Seconds(seconds) if seconds > 0);
        if !waits && !lasts {
            // Where finalizers are taken off first, the API server forgets which version it was asked for.
            let had_finalizers = !object::finalizers(&existing.object).is_empty();
            if had_finalizers && graceful == Grace::None && options.version.is_some() {
                let why = format!(
                    "Precondition failed: ResourceVersion in precondition: , ResourceVersion in object meta: {}",
                    existing.version
                );
                return Err(Refusal::conflict(kind, name, &why));
            }
            if !caller.dry_run {
                self.remove(kind, &key);
            }
            return Ok(Deleted::Gone(existing));
        }
        if new == existing.object || caller.dry_run {
            return Ok(Deleted::Waiting(existing));
        }
        Ok(Deleted::Waiting(self.put(kind, new, existing.managed.clone())))
    }

    /// A namespace is emptied first; then its own finalizer is taken off.
    fn delete_namespace(
        &mut self,
        kind: &Arc<Kind>,
        key: &Key,
        existing: &Arc<Stored>,
        caller: &Caller,
    ) -> Deleted {
        let kept = existing
            .object
            .pointer("/spec/finalizers")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty());
        if !kept && object::finalizers(&existing.object).is_empty() {
            self.remove(kind, key);
            return Deleted::Gone(Arc::clone(existing));
        }
        if object::is_deleting(&existing.object) {
            return Deleted::Waiting(Arc::clone(existing));
        }
        let mut new = existing.object.clone();
        object::set(&mut new, "deletionTimestamp", time::seconds(caller.now));
        object::set_status(&mut new, "phase", "Terminating");
        Deleted::Waiting(self.put(kind, new, existing.managed.clone()))
    }

    pub(in crate::api_server) fn delete_collection_request(
        &mut self,
        request: &Request,
        target: &Target,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        let options = read_options(request)?;
        let caller = &Caller { dry_run: caller.dry_run || options.dry_run, ..caller.clone() };
        let (metadata, items) = self.listed(target, &request.query())?;
        let shown = Representation::of(&request.accept);
        let answer = shown.list(&target.kind, &metadata, &items);
        for stored in &items {
            let (namespace, name) =
                (object::namespace(&stored.object), object::name(&stored.object));
            match self.delete(&target.kind, namespace, name, &options, caller) {
                Ok(_) => {}
                Err(refusal) if refusal.reason == "NotFound" => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(Answer::json(200, &answer))
    }

    /// The eviction of a pod is its deletion; there are no disruption budgets here.
    pub(super) fn evict(&mut self, target: &Target, caller: &Caller) -> Result<Answer, Refusal> {
        self.delete(
            &target.kind,
            &target.namespace,
            &target.name,
            &DeleteOptions::default(),
            caller,
        )?;
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(Answer::json(201, &status))
    }
}

fn gone(kind: &Kind, stored: &Stored) -> Value {
    let mut details = Map::new();
    details.insert("name".to_owned(), Value::from(object::name(&stored.object)));
    if !kind.group.is_empty() {
        details.insert("group".to_owned(), Value::from(kind.group.clone()));
    }
    details.insert("kind".to_owned(), Value::from(kind.plural.clone()));
    details.insert("uid".to_owned(), Value::from(object::uid(&stored.object)));
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn read_options(request: &Request) -> Result<DeleteOptions, Refusal> {
    let body = if request.body.is_empty() {
        from_query(&request.query())
    } else {
        from_body(&request.body)?
    };
    let invalid =
        |fault: FieldFault| Refusal::invalid("meta.k8s.io", "DeleteOptions", "", &[fault]);
    let policy = body.get("propagationPolicy").and_then(Value::as_str);
    let orphan = body.get("orphanDependents").and_then(Value::as_bool);
    if policy.is_some() && orphan.is_some() {
        let detail = "orphanDependents and propagationPolicy cannot be both set";
        return Err(invalid(FieldFault::invalid(
            "propagationPolicy",
            policy.unwrap_or_default(),
            detail,
        )));
    }
    let propagation = match (policy, orphan) {
        (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
        (Some("Foreground"), _) => Some(Propagation::Foreground),
        (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
        (Some(other), _) => {
            let detail = "supported values: \"Background\", \"Foreground\", \"Orphan\"";
            return Err(invalid(FieldFault::new(
                Fault::NotSupported,
                "propagationPolicy",
                Value::from(other),
                detail,
            )));
        }
        (None, None) => None,
    };
    let precondition = |field: &str| {
        body.pointer(&format!("/preconditions/{field}")).and_then(Value::as_str).map(str::to_owned)
    };
    Ok(DeleteOptions {
        propagation,
        grace_seconds: body.get("gracePeriodSeconds").and_then(Value::as_i64),
        uid: precondition("uid"),
        version: precondition("resourceVersion"),
        dry_run: body.get("dryRun").is_some_and(|all| *all == json!(["All"])),
    })
}

fn from_query(query: &Query) -> Value {
    let mut options = Map::new();
    for (field, text) in [("propagationPolicy", query.get("propagationPolicy"))] {
        if !text.is_empty() {
            options.insert(field.to_owned(), Value::from(text));
        }
    }
    if let Some(seconds) = query.number("gracePeriodSeconds") {
        options.insert("gracePeriodSeconds".to_owned(), Value::from(seconds));
    }
    if !query.get("orphanDependents").is_empty() {
        options.insert("orphanDependents".to_owned(), Value::from(query.flag("orphanDependents")));
    }
    Value::Object(options)
}

fn from_body(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::bad_request(format!("the options of the deletion are unreadable: {error}"))
    })
}

fn check_preconditions(
    kind: &Kind,
    existing: &Stored,
    options: &DeleteOptions,
) -> Result<(), Refusal> {
    let name = object::name(&existing.object);
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != object::uid(&existing.object)) {
        let own = object::uid(&existing.object);
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({own}). The object might have been deleted and then recreated"
        );
        return Err(Refusal::precondition(kind, name, &why));
    }
    let own = existing.version.to_string();
    if let Some(version) = options.version.as_ref().filter(|version| **version != own) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({own}). The object might have been modified"
        );
        return Err(Refusal::precondition(kind, name, &why));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grace {
    /// The kind is deleted without.
    None,
    /// The object is marked, to be gone in that time.
    Seconds(i64),
    /// It is marked already.
    Pending,
}

/// Marks a pod for deletion after its grace period. A second deletion can only shorten it.
fn graceful(pod: &mut Value, options: &DeleteOptions, now: Timestamp) -> Grace {
    let asked = options.grace_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let own = object::get(pod, "deletionGracePeriodSeconds").and_then(Value::as_i64);
    if object::is_deleting(pod) {
        let Some(own) = own.filter(|own| *own != 0) else { return Grace::None };
        let Some(seconds) = asked.filter(|seconds| *seconds < own) else { return Grace::Pending };
        let until = time::parse(object::text(pod, "deletionTimestamp")).unwrap_or(now);
        let earlier = until + SignedDuration::from_secs(seconds - own);
        object::set(pod, "deletionTimestamp", time::seconds(earlier.max(now)));
        object::set(pod, "deletionGracePeriodSeconds", seconds);
        return Grace::Seconds(seconds);
    }
    let text =
        |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let own =
        pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    let is_over = matches!(text("/status/phase").as_str(), "Succeeded" | "Failed");
    // Nobody runs it, or it has ended: there is nothing to wait for.
    let seconds =
        if text("/spec/nodeName").is_empty() || is_over { 0 } else { asked.unwrap_or(own).max(0) };
    object::set(pod, "deletionTimestamp", time::seconds(now + SignedDuration::from_secs(seconds)));
    object::set(pod, "deletionGracePeriodSeconds", seconds);
    let generation = object::generation(pod);
    if generation > 0 {
        object::set(pod, "generation", generation + 1);
    }
    Grace::Seconds(seconds)
}

/// Adds and takes off the finalizers of the garbage collector, as the options say.
fn set_finalizers(new: &mut Value, options: &DeleteOptions) {
    let present = object::finalizers(new);
    let (orphan, foreground) = match options.propagation {
        Some(Propagation::Orphan) => (true, false),
        Some(Propagation::Foreground) => (false, true),
        Some(Propagation::Background) => (false, false),
        // What the object itself says holds.
        None => {
            let first = present.iter().find(|name| **name == ORPHAN || **name == FOREGROUND);
            (first == Some(&ORPHAN), first == Some(&FOREGROUND))
        }
    };
    let mut wanted: Vec<&str> =
        present.iter().copied().filter(|name| *name != ORPHAN && *name != FOREGROUND).collect();
    if orphan {
        wanted.push(ORPHAN);
    }
    if foreground {
        wanted.push(FOREGROUND);
    }
    let same = wanted.len() == present.len() && wanted.iter().all(|name| present.contains(name));
    if !same {
        let wanted: Vec<Value> = wanted.into_iter().map(Value::from).collect();
        object::set(new, "finalizers", wanted);
    }
}

/// Marks an object that is only kept for its finalizers.
fn mark(new: &mut Value, now: Timestamp) {
    if !object::is_deleting(new) {
        let generation = object::generation(new);
        if generation > 0 {
            object::set(new, "generation", generation + 1);
        }
        object::set(new, "deletionTimestamp", time::seconds(now));
    }
    object::set(new, "deletionGracePeriodSeconds", 0);
}
