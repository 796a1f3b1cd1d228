//! Changing an object: what replacing and patching have in common.

use std::sync::Arc;

use serde_json::Value;

use super::{Incoming, dedup_owners, match_namespace, read_body};
use crate::api_server::kind::Kind;
use crate::api_server::ownership::{Managed, Write, fits, insert_into, update};
use crate::api_server::refusal::Refusal;
use crate::api_server::representation::Representation;
use crate::api_server::request::{Answer, Request, Target};
use crate::api_server::store::{Key, Stored};
use crate::api_server::validate::Part;
use crate::api_server::{Caller, Kubernetes, object, strategy, validate};

/// A new version of an object, or the object that is to be there.
pub(super) struct Proposal {
    pub object: Value,
    pub managed: Managed,
}

/// What came of a change.
#[derive(Debug)]
pub enum Changed {
    Created(Arc<Stored>),
    Stored(Arc<Stored>),
    /// The object is gone: the last finalizer was taken off. This is how it would have been stored.
    Gone(Arc<Stored>),
}

impl Changed {
    pub fn stored(&self) -> &Arc<Stored> {
        match self {
            Self::Created(stored) | Self::Stored(stored) | Self::Gone(stored) => stored,
        }
    }
}

impl Target {
    pub(super) fn part(&self) -> Part {
        if self.subresource == "status" { Part::Status } else { Part::Main }
    }
}

impl Kubernetes {
    pub(in crate::api_server) fn update_request(
        &mut self,
        request: &Request,
        target: &Target,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        let read = read_body(&target.kind, &request.body, caller)?;
        let changed = self.update_read(target, read, caller)?;
        Ok(answer(request, target, &changed, caller))
    }

    /// Replaces an object, or its status.
    ///
    /// # Errors
    ///
    /// What the API server would answer.
    pub fn update(
        &mut self,
        target: &Target,
        value: Value,
        caller: &Caller,
    ) -> Result<Changed, Refusal> {
        let read = super::read_object(&target.kind, value, caller)?;
        self.update_read(target, read, caller)
    }

    fn update_read(
        &mut self,
        target: &Target,
        read: Incoming,
        caller: &Caller,
    ) -> Result<Changed, Refusal> {
        let Incoming { object: mut new, managed: sent, .. } = read;
        if target.subresource == "finalize" {
            return self.finalize_namespace(target, &new, caller);
        }
        match_namespace(&target.kind, &mut new, &target.namespace)?;
        check_name(&new, &target.name)?;
        dedup_owners(&mut new);
        let precondition = Some(object::uid(&new).to_owned()).filter(|uid| !uid.is_empty());
        self.change(
            target,
            precondition.as_deref(),
            target.kind.create_on_update,
            caller,
            |existing| Ok(owned(target, existing, new, sent, caller)),
        )
    }

    /// Changes an object as `propose` says. Without an object there, `create` decides whether there is to be one.
    ///
    /// # Errors
    ///
    /// What the API server would answer.
    pub(super) fn change(
        &mut self,
        target: &Target,
        uid: Option<&str>,
        create: bool,
        caller: &Caller,
        propose: impl FnOnce(Option<&Stored>) -> Result<Proposal, Refusal>,
    ) -> Result<Changed, Refusal> {
        let kind = &target.kind;
        let key = Key::new(&target.namespace, &target.name);
        let Some(existing) = self.store.get(&kind.storage, &key).cloned() else {
            if !create {
                return Err(Refusal::not_found(kind, &target.name));
            }
            if let Some(uid) = uid {
                return Err(Refusal::conflict(kind, &target.name, &uid_mismatch(uid, "")));
            }
            self.permissions.check(&caller.user, target, "create")?;
            let Proposal { mut object, managed } = propose(None)?;
            // The version of an object that is gone counts for nothing.
            object::remove(&mut object, "resourceVersion");
            match_namespace(kind, &mut object, &target.namespace)?;
            check_name(&object, &target.name)?;
            dedup_owners(&mut object);
            let created =
                self.create_managed(kind, &target.namespace, &object, &managed, caller)?;
            return Ok(Changed::Created(created));
        };
        if let Some(uid) = uid.filter(|uid| *uid != object::uid(&existing.object)) {
            return Err(Refusal::conflict(
                kind,
                &target.name,
                &uid_mismatch(uid, object::uid(&existing.object)),
            ));
        }
        let Proposal { object: mut new, mut managed } = propose(Some(&existing))?;
        match_namespace(kind, &mut new, &target.namespace)?;
        check_name(&new, &target.name)?;
        dedup_owners(&mut new);
        check_version(kind, &mut new, &existing)?;
        let old = &existing.object;
        strategy::prepare_update(kind, target.part(), &mut new, old);
        strategy::keep_system_fields(&mut new, old);
        let faults = validate::on_update(kind, target.part(), &kind.shown(&new), &kind.shown(old));
        if !faults.is_empty() {
            return Err(Refusal::invalid(&kind.group, &kind.kind, &target.name, &faults));
        }
        // Who owns what may have been written at another time, but that alone is no change.
        let same = existing.holds(&new);
        if same && managed.same_but_for_times(&existing.managed) {
            managed = existing.managed.clone();
        }
        if is_finished(&new, old) {
            let last = Arc::new(Stored::new(new, managed, existing.version));
            if !caller.dry_run {
                self.remove(kind, &key);
            }
            return Ok(Changed::Gone(last));
        }
        if same && managed == existing.managed {
            return Ok(Changed::Stored(existing));
        }
        if caller.dry_run {
            return Ok(Changed::Stored(Arc::new(Stored::new(new, managed, existing.version))));
        }
        Ok(Changed::Stored(self.put(kind, new, managed)))
    }

    /// The content of the namespace is gone: it can go too.
    fn finalize_namespace(
        &mut self,
        target: &Target,
        new: &Value,
        caller: &Caller,
    ) -> Result<Changed, Refusal> {
        let existing = Arc::clone(self.existing(target)?);
        let mut changed = existing.object.clone();
        object::copy_field(new, &mut changed, "spec");
        let left = changed
            .pointer("/spec/finalizers")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty());
        if object::is_deleting(&changed)
            && !left
            && object::finalizers(&changed).is_empty()
            && !caller.dry_run
        {
            self.remove(&target.kind, &Key::new("", &target.name));
            return Ok(Changed::Gone(existing));
        }
        Ok(Changed::Stored(self.put(&target.kind, changed, existing.managed.clone())))
    }
}

/// The proposal of a write that is no apply: whoever changed a field owns it.
pub(super) fn owned(
    target: &Target,
    existing: Option<&Stored>,
    new: Value,
    sent: Option<Managed>,
    caller: &Caller,
) -> Proposal {
    let kind = &target.kind;
    let ty = kind.stored_type();
    let ignored = if target.part() == Part::Status { &kind.status_ignored } else { &kind.ignored };
    let write = Write {
        ty: &ty,
        manager: &caller.manager,
        api_version: &kind.api_version(),
        subresource: &target.subresource,
        ignored,
        now: caller.now,
    };
    let live_managed = || existing.map(|stored| stored.managed.clone()).unwrap_or_default();
    // A subresource cannot be used to write down owners.
    let managed = sent.filter(|_| target.subresource.is_empty()).unwrap_or_else(live_managed);
    // Nobody was kept track of so far, and an update does not begin with it.
    if managed.is_empty() && existing.is_some() {
        return Proposal { object: new, managed };
    }
    if kind.custom.is_some() && !fits(&ty, &new) {
        return Proposal { object: new, managed: Managed::default() };
    }
    let zero = ty.zero();
    let before = existing.map_or(&zero, |stored| &stored.object);
    let managed = update(&write, before, &new, managed);
    Proposal { object: new, managed }
}

pub(super) fn answer(
    request: &Request,
    target: &Target,
    changed: &Changed,
    caller: &Caller,
) -> Answer {
    let shown = Representation::of(&request.accept);
    let code = if matches!(changed, Changed::Created(_)) { 201 } else { 200 };
    match changed {
        Changed::Stored(stored) if !caller.dry_run => {
            Answer::bytes(code, shown.object(&target.kind, stored))
        }
        Changed::Created(stored) | Changed::Stored(stored) | Changed::Gone(stored) => {
            let mut value = target.kind.shown(&stored.object).into_owned();
            insert_into(&mut value, &stored.managed);
            Answer::json(code, &shown.value(value))
        }
    }
}

fn uid_mismatch(sent: &str, own: &str) -> String {
    format!("Precondition failed: UID in precondition: {sent}, UID in object meta: {own}")
}

/// The name of the object has to be that of the address.
fn check_name(new: &Value, name: &str) -> Result<(), Refusal> {
    let own = object::name(new);
    if own.is_empty() {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )));
    }
    if own != name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({own}) does not match the name on the URL ({name})"
        )));
    }
    Ok(())
}

/// The version that is sent has to be the stored one; some kinds take objects without one.
fn check_version(kind: &Kind, new: &mut Value, existing: &Stored) -> Result<(), Refusal> {
    let name = object::name(new).to_owned();
    match object::text(new, "resourceVersion") {
        "" | "0" if kind.unconditional_update => {
            object::set(new, "resourceVersion", existing.version.to_string());
            Ok(())
        }
        "" | "0" => {
            let fault = crate::api_server::refusal::FieldFault::invalid(
                "metadata.resourceVersion",
                0,
                "must be specified for an update",
            );
            Err(Refusal::invalid(&kind.group, &kind.plural, &name, &[fault]))
        }
        sent if sent == existing.version.to_string() => Ok(()),
        _ => Err(Refusal::changed(kind, &name)),
    }
}

/// The object was only kept for its finalizers, and there are none any more.
fn is_finished(new: &Value, old: &Value) -> bool {
    object::finalizers(new).is_empty()
        && object::get(old, "deletionGracePeriodSeconds").is_some_and(|grace| *grace == 0)
}
