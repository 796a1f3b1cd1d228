//! The scale subresource: the number of replicas, whatever the kind calls it.

use serde_json::{Value, json};

use super::change::{Changed, Proposal};
use super::patch::{Patch, patched_value};
use crate::api_server::kind::{Kind, Scale};
use crate::api_server::ownership::{
    FieldSet, Managed, SCALE_VERSION, Write, to_parent, to_scale, update,
};
use crate::api_server::refusal::{FieldFault, Refusal};
use crate::api_server::request::{Answer, Request, Target};
use crate::api_server::store::Stored;
use crate::api_server::types::{decode::decode, table::builtin};
use crate::api_server::{Caller, Kubernetes, object};

impl Kubernetes {
    pub(super) fn get_scale_request(&self, target: &Target) -> Result<Answer, Refusal> {
        let stored = self.existing(target)?;
        let (scale, found) = scale_of(&target.kind, stored);
        if !found {
            return Err(Refusal::internal("the number of replicas is not set"));
        }
        Ok(Answer::json(200, &scale))
    }

    pub(super) fn update_scale_request(
        &mut self,
        request: &Request,
        target: &Target,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        let sent: Value = serde_json::from_slice(&request.body).map_err(|error| {
            Refusal::bad_request(format!("the object provided is no Scale: {error}"))
        })?;
        if !object::name(&sent).is_empty() && object::name(&sent) != target.name {
            return Err(Refusal::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                object::name(&sent),
                target.name
            )));
        }
        self.change_scale(target, caller, |_| Ok(sent))
    }

    pub(super) fn patch_scale_request(
        &mut self,
        _request: &Request,
        target: &Target,
        patch: &Patch,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        self.change_scale(target, caller, |mut scale| {
            patched_value(&mut scale, patch)?;
            Ok(scale)
        })
    }

    fn change_scale(
        &mut self,
        target: &Target,
        caller: &Caller,
        change: impl FnOnce(Value) -> Result<Value, Refusal>,
    ) -> Result<Answer, Refusal> {
        let kind = &target.kind;
        let Some(paths) = kind.scale.clone() else { return Err(Refusal::no_such_page()) };
        let changed = self.change(target, None, false, caller, |existing| {
            let Some(existing) = existing else {
                return Err(Refusal::not_found(kind, &target.name));
            };
            let (before, _) = scale_of(kind, existing);
            let scale = change(before.clone())?;
            let scale = decode(&builtin("autoscaling.Scale"), &scale)
                .map_err(|error| Refusal::bad_request(format!("Scale cannot be handled: {error}")))?
                .object;
            let replicas = scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
            // Of custom kinds the number is held against their schema.
            if replicas < 0 && kind.custom.is_none() {
                let fault = FieldFault::invalid("spec.replicas", replicas, "must not be negative");
                return Err(Refusal::invalid("autoscaling", "Scale", &target.name, &[fault]));
            }
            let mut new = existing.object.clone();
            set(&mut new, &paths, replicas);
            let version = object::text(&scale, "resourceVersion");
            if !version.is_empty() {
                object::set(&mut new, "resourceVersion", version);
            }
            let managed = managed(kind, &paths, existing, &before, &scale, caller);
            Ok(Proposal { object: new, managed })
        })?;
        let (Changed::Stored(stored) | Changed::Created(stored) | Changed::Gone(stored)) = changed;
        Ok(Answer::json(200, &scale_of(kind, &stored).0))
    }
}

/// Who owns what of the object, after its Scale was written.
fn managed(
    kind: &Kind,
    paths: &Scale,
    existing: &Stored,
    before: &Value,
    after: &Value,
    caller: &Caller,
) -> Managed {
    let steps: Vec<&str> = paths.spec_replicas.split('/').filter(|part| !part.is_empty()).collect();
    let path = FieldSet::of(&[&steps]);
    let write = Write {
        ty: &builtin("autoscaling.Scale"),
        manager: &caller.manager,
        api_version: SCALE_VERSION,
        subresource: "scale",
        ignored: &FieldSet::default(),
        now: caller.now,
    };
    let owners = to_scale(&existing.managed, &path);
    // Where nobody owns the number, nobody begins to.
    let owners = if owners.is_empty() { owners } else { update(&write, before, after, owners) };
    to_parent(&existing.managed, &owners, &path, &kind.api_version())
}

/// The object as a Scale, and whether its number of replicas is set at all.
fn scale_of(kind: &Kind, stored: &Stored) -> (Value, bool) {
    let paths = kind.scale.clone().unwrap_or(Scale {
        spec_replicas: String::new(),
        status_replicas: String::new(),
        selector: None,
    });
    let number = |pointer: &str| stored.object.pointer(pointer).and_then(Value::as_i64);
    let mut metadata = serde_json::Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object::get(&stored.object, field) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    let mut spec = serde_json::Map::new();
    if let Some(replicas) = number(&paths.spec_replicas).filter(|replicas| *replicas != 0) {
        spec.insert("replicas".to_owned(), Value::from(replicas));
    }
    let mut status = json!({"replicas": number(&paths.status_replicas).unwrap_or(0)});
    let selector = match &paths.selector {
        Some(pointer) => stored.object.pointer(pointer).and_then(Value::as_str).map(str::to_owned),
        None => selector_text(&stored.object),
    };
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        object::set_field(&mut status, "selector", selector);
    }
    let scale = json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status});
    (scale, number(&paths.spec_replicas).is_some())
}

/// `matchLabels` as the text of a selector.
fn selector_text(object: &Value) -> Option<String> {
    let labels = object.pointer("/spec/selector/matchLabels")?.as_object()?;
    let mut terms: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    terms.sort();
    Some(terms.join(","))
}

/// Sets the number of replicas, with whatever has to be around it.
fn set(object: &mut Value, paths: &Scale, replicas: i64) {
    let mut place = object;
    for part in paths.spec_replicas.split('/').filter(|part| !part.is_empty()) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[part];
    }
    *place = Value::from(replicas);
}
