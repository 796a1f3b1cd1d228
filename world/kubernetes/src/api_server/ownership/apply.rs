//! Server-side apply.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::{Step, display};
use super::{
    FieldSet, Managed, Manager, Operation, Owned, Write, compare, merge, strip, taken, typed,
    update,
};
use crate::api_server::types::Type;

/// Why an apply is refused.
#[derive(Debug)]
pub enum ApplyError {
    /// Others own fields that the configuration sets to other values.
    Conflicts(Vec<(Manager, Vec<Step>)>),
    /// The configuration does not fit the type.
    Invalid(String),
}

/// Applies a configuration. The object is `None` when nothing changes but, perhaps, who owns it.
///
/// # Errors
///
/// See [`ApplyError`].
pub fn apply(
    write: &Write<'_>,
    live: &Value,
    config: &Value,
    mut managed: Managed,
    force: bool,
) -> Result<(Option<Value>, Managed), ApplyError> {
    let ty = write.ty;
    let faults = typed::faults(ty, config, true);
    if !faults.is_empty() {
        let shown = if let [one] = faults.as_slice() {
            one.clone()
        } else {
            format!("errors:\n  {}", faults.join("\n  "))
        };
        return Err(ApplyError::Invalid(format!("failed to create typed patch object: {shown}")));
    }
    if managed.is_empty() {
        // Whatever is there came from somebody who was not kept track of.
        let before = Write { manager: "before-first-apply", ..*write };
        managed = update(&before, &ty.zero(), live, managed);
    }
    let applier = write.manager(Operation::Apply);
    let previous = managed.owned.get(&applier);
    let (last, last_time) =
        (previous.map(|owned| (*owned.fields).clone()), previous.and_then(|owned| owned.time));
    let set = typed::fields_of(ty, config).outside(write.ignored);
    managed.owned.insert(applier.clone(), Owned::new(set, write.api_version, Some(write.now)));
    let merged = merge::merge(ty, live, config)
        .map_err(|fault| ApplyError::Invalid(format!("failed to merge config: {fault}")))?;
    let new = match last.filter(|last| !last.is_empty()) {
        Some(last) => prune(ty, &merged, &managed, &last),
        None => merged,
    };
    let compared = compare::compare(ty, live, &new).outside(write.ignored);
    let changed = compared.modified.union(&compared.added);
    if !force {
        let conflicts = conflicts(&managed.owned, &applier, &changed);
        if !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
    }
    let mut managed = taken(managed, Some(&applier), &changed, &compared.removed);
    let has_changed = *live != new;
    if let Some(owned) = managed.owned.remove(&applier) {
        let fields = strip(&owned.fields);
        // The time is that of the last change, not of the last apply.
        let time = if has_changed { Some(write.now) } else { last_time };
        if !fields.is_empty() {
            managed.owned.insert(applier, Owned::new(fields, write.api_version, time));
        }
    }
    Ok((has_changed.then_some(new), managed))
}

fn conflicts(
    owned: &BTreeMap<Manager, Owned>,
    but: &Manager,
    changed: &FieldSet,
) -> Vec<(Manager, Vec<Step>)> {
    let others = owned.iter().filter(|(manager, _)| *manager != but);
    others
        .flat_map(|(manager, owned)| {
            owned
                .fields
                .intersection(changed)
                .paths()
                .into_iter()
                .map(|path| (manager.clone(), path))
        })
        .collect()
}

/// Removes what the manager applied last time and not this time, unless somebody else owns it.
fn prune(ty: &Type, merged: &Value, managed: &Managed, last: &FieldSet) -> Value {
    let last = last.with_declared_parents(ty);
    let fields = |value: &Value| typed::fields_of(ty, value).with_declared_parents(ty);
    let without = |removed: &FieldSet| merge::remove(ty, merged, removed).unwrap_or(Value::Null);
    let all = fields(merged);
    let everyones =
        managed.owned.values().fold(FieldSet::default(), |union, owned| union.union(&owned.fields));
    let pruned = without(&last);
    // What somebody owns comes back, …
    let pruned =
        without(&all.difference(&fields(&pruned).union(&everyones.with_declared_parents(ty))));
    // … and so does what this manager did not apply itself.
    without(&all.difference(&fields(&pruned)).intersection(&last))
}

/// The manager in messages.
fn shown(manager: &Manager) -> String {
    let mut text = format!("{:?}", manager.name);
    if !manager.subresource.is_empty() {
        text = format!("{text} with subresource {:?}", manager.subresource);
    }
    match manager.operation {
        Operation::Update => format!("{text} using {}", manager.api_version),
        Operation::Apply => text,
    }
}

/// The message about conflicts, and for each of them its message and field.
pub fn conflict_texts(conflicts: &[(Manager, Vec<Step>)]) -> (String, Vec<(String, String)>) {
    let causes: Vec<(String, String)> = conflicts
        .iter()
        .map(|(manager, path)| (format!("conflict with {}", shown(manager)), display(path)))
        .collect();
    if let [(message, path)] = causes.as_slice() {
        return (format!("Apply failed with 1 conflict: {message}: {path}"), causes);
    }
    let mut lines = Vec::new();
    let mut last = None;
    for (manager, path) in conflicts {
        if last != Some(manager) {
            lines.push(format!("conflicts with {}:", shown(manager)));
            last = Some(manager);
        }
        lines.push(format!("- {}", display(path)));
    }
    (format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n")), causes)
}
