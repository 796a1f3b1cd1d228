//! Creation.

use std::sync::Arc;

use serde_json::Value;

use super::{Incoming, dedup_owners, match_namespace, read_body, read_object};
use crate::api_server::kind::Kind;
use crate::api_server::ownership::{Managed, Write, fits, insert_into, update};
use crate::api_server::refusal::Refusal;
use crate::api_server::representation::Representation;
use crate::api_server::request::{Answer, Request, Target};
use crate::api_server::store::Stored;
use crate::api_server::types::{Type, time};
use crate::api_server::{Caller, Kubernetes, object, strategy, validate};

/// Generated names are tried this often before the server gives up.
const NAME_TRIES: usize = 8;
/// A generated name has this many letters behind its prefix, …
const SUFFIX_LETTERS: usize = 5;
/// … which is cut so that the whole is not longer than this.
const GENERATED_MAX: usize = 63;

impl Kubernetes {
    pub(in crate::api_server) fn create_request(
        &mut self,
        request: &Request,
        target: &Target,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        if target.subresource == "eviction" {
            return self.evict(target, caller);
        }
        let read = read_body(&target.kind, &request.body, caller)?;
        let stored = self.create_read(&target.kind, &target.namespace, read, caller)?;
        let shown = Representation::of(&request.accept);
        if caller.dry_run {
            return Ok(Answer::json(201, &shown.value(unstored(&stored))));
        }
        Ok(Answer::bytes(201, shown.object(&target.kind, &stored)))
    }

    /// Creates an object.
    ///
    /// # Errors
    ///
    /// What the API server would answer.
    pub fn create(
        &mut self,
        kind: &Arc<Kind>,
        namespace: &str,
        value: Value,
        caller: &Caller,
    ) -> Result<Arc<Stored>, Refusal> {
        let read = read_object(kind, value, caller)?;
        self.create_read(kind, namespace, read, caller)
    }

    fn create_read(
        &mut self,
        kind: &Arc<Kind>,
        namespace: &str,
        read: Incoming,
        caller: &Caller,
    ) -> Result<Arc<Stored>, Refusal> {
        let Incoming { object: mut new, managed, .. } = read;
        for field in [
            "creationTimestamp",
            "uid",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
        ] {
            object::remove(&mut new, field);
        }
        match_namespace(kind, &mut new, namespace)?;
        dedup_owners(&mut new);
        let ty = kind.stored_type();
        let write = Write {
            ty: &ty,
            manager: &caller.manager,
            api_version: &kind.api_version(),
            subresource: "",
            ignored: &kind.ignored,
            now: caller.now,
        };
        let managed = if kind.custom.is_some() && !fits(&ty, &new) {
            Managed::default()
        } else {
            update(&write, &ty.zero(), &new, managed.unwrap_or_default())
        };
        self.create_managed(kind, namespace, &new, &managed, caller)
    }

    /// Creates an object whose owners are known.
    pub(super) fn create_managed(
        &mut self,
        kind: &Arc<Kind>,
        namespace: &str,
        new: &Value,
        managed: &Managed,
        caller: &Caller,
    ) -> Result<Arc<Stored>, Refusal> {
        self.admit_namespace(kind, namespace, object::name(new))?;
        let generates =
            object::name(new).is_empty() && !object::text(new, "generateName").is_empty();
        let tries = if generates { NAME_TRIES } else { 1 };
        let mut last = None;
        for _ in 0..tries {
            let mut named = new.clone();
            if generates {
                let name = self.generated_name(object::text(new, "generateName"));
                object::set(&mut named, "name", name);
            }
            match self.create_named(kind, named, managed.clone(), caller) {
                Err(refusal) if generates && refusal.reason == "AlreadyExists" => {
                    last = Some(refusal);
                }
                other => return other,
            }
        }
        let refusal = last.unwrap_or_else(|| Refusal::already_exists(kind, object::name(new)));
        let message = format!(
            "{}, the server was not able to generate a unique name for the object",
            refusal.message
        );
        Err(Refusal { message, ..refusal }.retry_after(1))
    }

    fn generated_name(&mut self, prefix: &str) -> String {
        let most = GENERATED_MAX - SUFFIX_LETTERS;
        let prefix: String = prefix.chars().take(most).collect();
        format!("{prefix}{}", self.names.name_suffix(SUFFIX_LETTERS))
    }

    fn create_named(
        &mut self,
        kind: &Arc<Kind>,
        mut new: Value,
        managed: Managed,
        caller: &Caller,
    ) -> Result<Arc<Stored>, Refusal> {
        match kind.plural.as_str() {
            "pods" => self.admit_pod(kind, &mut new)?,
            "services" => self.admit_service(&mut new),
            _ => {}
        }
        object::set(&mut new, "uid", self.uids.uid());
        object::set(&mut new, "creationTimestamp", time::seconds(caller.now));
        strategy::prepare_create(kind, &mut new);
        let name = object::name(&new).to_owned();
        let faults = validate::on_create(kind, &kind.shown(&new));
        if !faults.is_empty() {
            return Err(Refusal::invalid(&kind.group, &kind.kind, &name, &faults));
        }
        let namespace = object::namespace(&new).to_owned();
        self.admit_quota(kind, &namespace, &new)?;
        if !object::text(&new, "resourceVersion").is_empty() {
            return Err(Refusal::new(
                500,
                "",
                "resourceVersion should not be set on objects to be created",
            ));
        }
        if let Some(existing) = self.stored(kind, &namespace, &name) {
            let mut refusal = Refusal::already_exists(kind, &name);
            if object::is_deleting(&existing.object) {
                refusal.message = format!("object is being deleted: {}", refusal.message);
            }
            return Err(refusal);
        }
        if caller.dry_run {
            return Ok(Arc::new(Stored::new(new, managed, 0)));
        }
        Ok(self.put(kind, new, managed))
    }
}

/// An object that was only tried has no version.
fn unstored(stored: &Stored) -> Value {
    let mut value = stored.object.clone();
    object::remove(&mut value, "resourceVersion");
    insert_into(&mut value, &stored.managed);
    value
}

impl Kind {
    /// The type of what is stored: events are stored as those of the core group.
    pub(in crate::api_server) fn stored_type(&self) -> Arc<Type> {
        if self.is_stored_as_shown() {
            Arc::clone(&self.ty)
        } else {
            crate::api_server::types::table::builtin("Event")
        }
    }
}
