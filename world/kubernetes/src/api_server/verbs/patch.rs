//! Patching: JSON patch, merge patch, and server-side apply.

use serde_json::Value;

use super::change::{Changed, Proposal, answer, owned};
use super::{incoming, merged, strict_message};
use crate::api_server::ownership::{ApplyError, Write, apply, conflict_texts, insert_into};
use crate::api_server::refusal::{FieldFault, Refusal};
use crate::api_server::request::{Answer, Request, Target};
use crate::api_server::store::Stored;
use crate::api_server::validate::Part;
use crate::api_server::{Caller, Kubernetes, object};

pub mod steps;

/// What a patch says.
#[derive(Clone, Debug)]
pub enum Patch {
    Json(Value),
    Merge(Value),
    Apply { config: Value, force: bool },
}

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

impl Kubernetes {
    pub(in crate::api_server) fn patch_request(
        &mut self,
        request: &Request,
        target: &Target,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        let patch = read(request)?;
        let changed = self.patch(target, &patch, caller)?;
        Ok(answer(request, target, &changed, caller))
    }

    /// Patches an object, or its status.
    ///
    /// # Errors
    ///
    /// What the API server would answer.
    pub fn patch(
        &mut self,
        target: &Target,
        patch: &Patch,
        caller: &Caller,
    ) -> Result<Changed, Refusal> {
        // A subresource is never what creates an object.
        let creates = matches!(patch, Patch::Apply { .. }) && target.subresource.is_empty();
        self.change(target, None, creates, caller, |existing| match patch {
            Patch::Apply { config, force } => applied(target, existing, config, *force, caller),
            Patch::Json(_) | Patch::Merge(_) => patched(target, existing, patch, caller),
        })
    }
}

fn read(request: &Request) -> Result<Patch, Refusal> {
    let query = request.query();
    let media_type = request.media_type();
    let parse = || serde_json::from_slice::<Value>(&request.body);
    let undecodable = |error: &dyn std::fmt::Display| {
        Refusal::bad_request(format!("error decoding patch: {error}"))
    };
    let options = |fault: FieldFault| Refusal::invalid("meta.k8s.io", "PatchOptions", "", &[fault]);
    if media_type != APPLY_PATCH && !query.get("force").is_empty() {
        return Err(options(FieldFault::forbidden(
            "force",
            "may not be specified for non-apply patch",
        )));
    }
    match media_type {
        JSON_PATCH => {
            let patch = parse().map_err(|error| undecodable(&error))?;
            if patch.is_array() {
                Ok(Patch::Json(patch))
            } else {
                Err(undecodable(&"it is no list of operations"))
            }
        }
        MERGE_PATCH => {
            let patch = parse().map_err(|error| undecodable(&error))?;
            if patch.is_object() {
                Ok(Patch::Merge(patch))
            } else {
                Err(undecodable(&"it is no object"))
            }
        }
        APPLY_PATCH => {
            if query.get("fieldManager").is_empty() {
                return Err(options(FieldFault::required(
                    "fieldManager",
                    "is required for apply patch",
                )));
            }
            let text = std::str::from_utf8(&request.body).unwrap_or_default();
            let config = parse().or_else(|_| serde_saphyr::from_str(text));
            let config = config
                .map_err(|error| Refusal::bad_request(format!("error decoding YAML: {error}")))?;
            Ok(Patch::Apply { config, force: query.flag("force") })
        }
        _ => Err(Refusal::unsupported_media_type(&[JSON_PATCH, MERGE_PATCH, APPLY_PATCH])),
    }
}

/// The object after a JSON patch or a merge patch.
pub(super) fn patched_value(value: &mut Value, patch: &Patch) -> Result<(), Refusal> {
    let rejected = || Refusal {
        details: Some(Box::default()),
        ..Refusal::new(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        )
    };
    match patch {
        Patch::Json(operations) => steps::patch(value, operations).map_err(|_| rejected()),
        Patch::Merge(patch) => {
            steps::merge(value, patch);
            Ok(())
        }
        Patch::Apply { .. } => Err(rejected()),
    }
}

fn patched(
    target: &Target,
    existing: Option<&Stored>,
    patch: &Patch,
    caller: &Caller,
) -> Result<Proposal, Refusal> {
    let kind = &target.kind;
    let Some(existing) = existing else { return Err(Refusal::not_found(kind, &target.name)) };
    let mut value = kind.shown(&existing.object).into_owned();
    insert_into(&mut value, &existing.managed);
    patched_value(&mut value, patch)?;
    let unfit = |why: &str| {
        let fault = FieldFault::invalid("patch", value.to_string(), why);
        Refusal::invalid("", "", "", &[fault])
    };
    let read = incoming(kind, &value).map_err(|error| unfit(&error.to_string()))?;
    if caller.strict && !read.unknown.is_empty() {
        return Err(unfit(&strict_message(&read.unknown)));
    }
    Ok(owned(target, Some(existing), kind.stored(read.object), read.managed, caller))
}

fn applied(
    target: &Target,
    existing: Option<&Stored>,
    config: &Value,
    force: bool,
    caller: &Caller,
) -> Result<Proposal, Refusal> {
    let kind = &target.kind;
    let (api_version, name) = (object::field(config, "apiVersion"), object::field(config, "kind"));
    if *api_version != kind.api_version().as_str() || *name != kind.kind.as_str() {
        return Err(Refusal::bad_request(format!(
            "invalid object type: {}, Kind={}",
            api_version.as_str().unwrap_or_default(),
            name.as_str().unwrap_or_default()
        )));
    }
    if object::get(config, "managedFields").is_some() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    let ignored = if target.part() == Part::Status { &kind.status_ignored } else { &kind.ignored };
    let write = Write {
        ty: &kind.ty,
        manager: &caller.manager,
        api_version: &kind.api_version(),
        subresource: &target.subresource,
        ignored,
        now: caller.now,
    };
    let live =
        existing.map_or_else(|| kind.ty.zero(), |stored| kind.shown(&stored.object).into_owned());
    let managed = existing.map(|stored| stored.managed.clone()).unwrap_or_default();
    let (new, managed) = apply(&write, &live, config, managed, force).map_err(|error| match error {
        ApplyError::Conflicts(conflicts) => {
            let (message, causes) = conflict_texts(&conflicts);
            let causes: Vec<Value> = causes
                .into_iter()
                .map(|(message, field)| serde_json::json!({"reason": "FieldManagerConflict", "message": message, "field": field}))
                .collect();
            Refusal::new(409, "Conflict", message).with_detail("causes", causes)
        }
        ApplyError::Invalid(message) => Refusal::new(500, "", message),
    })?;
    let read = merged(kind, &new.unwrap_or(live)).map_err(|error| {
        Refusal::new(500, "", format!("failed to convert new object to its type: {error}"))
    })?;
    if existing.is_none() && !object::uid(&read.object).is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {}, and no existing object was found",
            object::uid(&read.object)
        );
        return Err(Refusal::conflict(kind, &target.name, &why));
    }
    Ok(Proposal { object: kind.stored(read.object), managed })
}
