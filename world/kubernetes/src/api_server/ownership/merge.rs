//! Merging an applied configuration into an object, and taking fields out of one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::path::Step;
use super::set::FieldSet;
use super::typed::{Shape, field, item_step, shape};
use crate::api_server::types::{List, Type};

/// The object with what the configuration sets. Nothing is removed.
///
/// # Errors
///
/// What is wrong with a list that is merged by keys or values.
pub fn merge(ty: &Type, live: &Value, config: &Value) -> Result<Value, String> {
    Ok(pair(ty, Some(live), Some(config))?.unwrap_or(Value::Null))
}

fn pair(ty: &Type, live: Option<&Value>, config: Option<&Value>) -> Result<Option<Value>, String> {
    let Some(form) = config.filter(|value| !value.is_null()).or(live).or(config) else {
        return Ok(None);
    };
    let whole = || Ok(config.or(live).cloned());
    match shape(ty, form) {
        Shape::Scalar | Shape::Atomic => whole(),
        Shape::Items(list) => {
            let as_items = |value: Option<&Value>| {
                value.and_then(Value::as_array).cloned().unwrap_or_default()
            };
            let (live_items, config_items) = (as_items(live), as_items(config));
            if live_items.is_empty() && config_items.is_empty() {
                return whole();
            }
            Ok(Some(Value::Array(items(list, &live_items, &config_items)?)))
        }
        Shape::Fields => {
            let as_fields = |value: Option<&Value>| {
                value.and_then(Value::as_object).cloned().unwrap_or_default()
            };
            let (live_fields, config_fields) = (as_fields(live), as_fields(config));
            if live_fields.is_empty() && config_fields.is_empty() {
                return whole();
            }
            let names: BTreeSet<&String> = live_fields.keys().chain(config_fields.keys()).collect();
            let mut merged = Map::new();
            for name in names {
                let inner = field(ty, name);
                if let Some(value) =
                    pair(&inner.ty, live_fields.get(name), config_fields.get(name))?
                {
                    merged.insert(name.clone(), value);
                }
            }
            Ok(Some(Value::Object(merged)))
        }
    }
}

/// Items keep the order of the object; those that the configuration names come in the order of the configuration.
pub fn items(list: &List, live: &[Value], config: &[Value]) -> Result<Vec<Value>, String> {
    let steps = |items: &[Value]| {
        items.iter().map(|item| item_step(list, item)).collect::<Result<Vec<Step>, String>>()
    };
    let (live_steps, config_steps) = (steps(live)?, steps(config)?);
    if let Some(twice) = config_steps
        .iter()
        .enumerate()
        .find(|(at, step)| config_steps.iter().take(*at).any(|other| other == *step))
    {
        return Err(format!("duplicate entries for key {}", twice.1));
    }
    // An item that the object has twice is not merged with the configuration's: that one takes its place.
    let live_item = |step: &Step| {
        let mut found =
            live_steps.iter().zip(live).filter(|(other, _)| *other == step).map(|(_, item)| item);
        found.next().filter(|_| found.next().is_none())
    };
    let mut shared = config_steps.iter().filter(|step| live_steps.contains(step)).peekable();
    let mut merged_steps: Vec<&Step> = Vec::new();
    let mut out = Vec::new();
    let mut from_live = live_steps.iter().zip(live).peekable();
    let mut from_config = config_steps.iter().zip(config).peekable();
    loop {
        match (from_live.peek().copied(), from_config.peek().copied()) {
            (Some((live_step, _)), Some((config_step, item))) if live_step == config_step => {
                merged_steps.push(config_step);
                out.extend(pair(&list.items, live_item(config_step), Some(item))?);
                from_live.next();
                from_config.next();
                shared.next();
                continue;
            }
            // A shared item, but not the one whose turn it is.
            (Some((live_step, _)), Some(_))
                if config_steps.contains(live_step)
                    && shared.peek().is_some_and(|next| *next != live_step) =>
            {
                from_live.next();
                continue;
            }
            (None, None) => return Ok(out),
            (Some(_) | None, Some(_) | None) => {}
        }
        if let Some((live_step, item)) = from_live.peek().copied() {
            if !config_steps.contains(live_step) {
                out.extend(pair(&list.items, Some(item), None)?);
                from_live.next();
                continue;
            }
            if merged_steps.contains(&live_step) {
                from_live.next();
            }
        }
        if let Some((config_step, item)) = from_config.next() {
            merged_steps.push(config_step);
            out.extend(pair(&list.items, live_item(config_step), Some(item))?);
            if shared.peek().is_some_and(|next| *next == config_step) {
                shared.next();
            }
        }
    }
}

/// The object without the fields and items of the set. `None` if nothing is left of it.
pub fn remove(ty: &Type, value: &Value, removed: &FieldSet) -> Option<Value> {
    match (shape(ty, value), value) {
        (Shape::Scalar, _) => Some(value.clone()),
        (Shape::Items(list), Value::Array(items)) => {
            let kept: Vec<Value> = items
                .iter()
                .filter_map(|item| {
                    let Ok(step) = item_step(list, item) else { return Some(item.clone()) };
                    without(&list.items, item, &step, removed)
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        (Shape::Fields, Value::Object(fields)) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                let inner = field(ty, name);
                if let Some(value) = without(&inner.ty, value, &Step::field(name), removed) {
                    kept.insert(name.clone(), value);
                }
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        // Atomic values below of which something is to be removed go as a whole.
        (Shape::Atomic | Shape::Items(_) | Shape::Fields, _) => None,
    }
}

/// `None` if the value itself is removed. A value of which all fields are removed stays, as null.
fn without(ty: &Type, value: &Value, step: &Step, removed: &FieldSet) -> Option<Value> {
    if removed.has(step) {
        return None;
    }
    match removed.below(step).filter(|below| !below.is_empty()) {
        Some(below) => Some(remove(ty, value, below).unwrap_or(Value::Null)),
        None => Some(value.clone()),
    }
}
