//! What requests do.

use serde_json::Value;

use super::Caller;
use super::kind::Kind;
use super::object;
use super::ownership::Managed;
use super::refusal::Refusal;
use super::types::decode::{DecodeError, decode};

mod change;
mod create;
mod delete;
pub mod discovery;
pub mod patch;
mod read;
mod watch;

pub use change::Changed;
pub use delete::{DeleteOptions, Deleted, Propagation};
pub use patch::Patch;

/// An object as a request brought it in: of its kind's type, with its defaults.
struct Incoming {
    /// Without `managedFields`.
    object: Value,
    /// Fields that the kind does not have.
    unknown: Vec<String>,
    /// The owners that the request names, if it names some that can be read. `Some` and empty: they are to be reset.
    managed: Option<Managed>,
}

/// Reads an object of a kind.
fn incoming(kind: &Kind, value: &Value) -> Result<Incoming, DecodeError> {
    read_value(kind, value, true)
}

/// Reads an object that was put together from an applied configuration: of what is there, nothing is dropped before it
/// is read back from what is stored.
fn merged(kind: &Kind, value: &Value) -> Result<Incoming, DecodeError> {
    read_value(kind, value, false)
}

fn read_value(kind: &Kind, value: &Value, prunes: bool) -> Result<Incoming, DecodeError> {
    let sent = object::get(value, "managedFields").cloned();
    let managed = match sent.as_ref().and_then(Value::as_array) {
        Some(entries)
            if entries.is_empty() || *entries == [Value::Object(serde_json::Map::new())] =>
        {
            Some(Managed::default())
        }
        Some(entries) => Managed::from_json(entries).filter(|managed| !managed.is_empty()),
        None => None,
    };
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    let (object, unknown) = match &kind.custom {
        None => {
            let decoded = decode(&kind.ty, &value)?;
            (decoded.object, decoded.unknown)
        }
        Some(schema) => {
            let ty = super::types::table::builtin("ObjectMeta");
            let metadata = value.get("metadata").cloned().unwrap_or_default();
            let decoded = decode(&ty, &metadata).map_err(|error| DecodeError {
                path: format!("metadata.{}", error.path),
                ..error
            })?;
            let mut unknown: Vec<String> =
                decoded.unknown.iter().map(|path| format!("metadata.{path}")).collect();
            if let Some(fields) = value.as_object_mut() {
                if prunes {
                    unknown.extend(schema.prune(fields));
                }
                fields.insert("metadata".to_owned(), decoded.object);
            }
            schema.fill_defaults(&mut value);
            (value, unknown)
        }
    };
    Ok(Incoming { object, unknown, managed })
}

/// Reads the body of a request that creates or replaces an object.
fn read_body(kind: &Kind, body: &[u8], caller: &Caller) -> Result<Incoming, Refusal> {
    let unreadable = |why: &str| {
        Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why}",
            kind.kind
        ))
    };
    let value: Value =
        serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    if !value.is_object() {
        return Err(unreadable("it is no object"));
    }
    read_object(kind, value, caller)
}

fn read_object(kind: &Kind, mut value: Value, caller: &Caller) -> Result<Incoming, Refusal> {
    let named =
        |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, name) = (named("apiVersion"), named("kind"));
    let expected = kind.api_version();
    // The built-in kinds are known by the address; of custom ones the object has to say it too.
    if kind.custom.is_some() && name.is_empty() {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): it has no kind",
            kind.kind
        )));
    }
    if (kind.custom.is_some() || !api_version.is_empty()) && api_version != expected {
        return Err(Refusal::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({expected})"
        )));
    }
    if kind.custom.is_none() && !name.is_empty() && name != kind.kind {
        return Err(Refusal::bad_request(format!(
            "{name} in version {:?} cannot be handled as a {}",
            kind.version, kind.kind
        )));
    }
    if let Some(fields) = value.as_object_mut() {
        for (field, text) in [("apiVersion", &expected), ("kind", &kind.kind)] {
            if fields.get(field).is_none_or(super::types::is_empty) {
                fields.insert(field.to_owned(), Value::from(text.as_str()));
            }
        }
    }
    let read = incoming(kind, &value).map_err(|error| {
        Refusal::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {error}",
            kind.kind, kind.version, kind.kind
        ))
    })?;
    if caller.strict && !read.unknown.is_empty() {
        return Err(Refusal::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {}",
            kind.kind,
            kind.version,
            kind.kind,
            strict_message(&read.unknown)
        )));
    }
    Ok(Incoming { object: kind.stored(read.object), ..read })
}

fn strict_message(unknown: &[String]) -> String {
    let fields: Vec<String> =
        unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    format!("strict decoding error: {}", fields.join(", "))
}

/// Makes the object's namespace that of the request.
fn match_namespace(kind: &Kind, object: &mut Value, namespace: &str) -> Result<(), Refusal> {
    let own = object::namespace(object);
    if !kind.namespaced {
        object::remove(object, "namespace");
    } else if own.is_empty() {
        object::set(object, "namespace", namespace);
    } else if own != namespace {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// Owner references that say the same are kept once.
fn dedup_owners(object: &mut Value) {
    let Some(owners) =
        object::metadata_mut(object).get_mut("ownerReferences").and_then(Value::as_array_mut)
    else {
        return;
    };
    let mut kept: Vec<Value> = Vec::new();
    for owner in std::mem::take(owners) {
        if !kept.contains(&owner) {
            kept.push(owner);
        }
    }
    *owners = kept;
}
