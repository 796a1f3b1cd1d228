//! Merges the pod templates of a spec, and adds the operator's own settings to them.
//!
//! Templates are JSON values, so fields that this program does not know reach the pod unchanged.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The container that runs Flink. Flink's own client uses this name, and so do users in templates.
pub const MAIN_CONTAINER: &str = "flink-main-container";

/// How to merge two arrays in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayMerge {
    /// Merges objects with the same index and appends the further elements of the overlay. A scalar
    /// element of the base is kept.
    ByIndex,
    /// Merges objects with the same `name` and appends the others, if every element of both arrays
    /// has a name; otherwise like [`Self::ByIndex`].
    ByName,
}

/// Requests and limits of the main container for which Flink has no options: quantities by the name
/// of the resource, such as `ephemeral-storage` or `nvidia.com/gpu`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraResources {
    pub requests: BTreeMap<String, String>,
    pub limits: BTreeMap<String, String>,
}

impl ExtraResources {
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.limits.is_empty()
    }
}

/// Merges `spec.podTemplate` with the template of the JobManager or TaskManager. `None` if neither is
/// set.
pub fn join(common: Option<&Value>, own: Option<&Value>, arrays: ArrayMerge) -> Option<Value> {
    match (common, own) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) => Some(only.clone()),
        (Some(common), Some(own)) => {
            let mut joined = common.clone();
            merge(&mut joined, own, arrays);
            Some(joined)
        }
    }
}

/// Merges `overlay` into `base`: objects field by field, arrays as `arrays` says.
///
/// A scalar in the overlay does not replace an object, and a null in the overlay has no effect.
pub fn merge(base: &mut Value, overlay: &Value, arrays: ArrayMerge) {
    let (Value::Object(base), Value::Object(overlay)) = (base, overlay) else { return };
    for (field, new) in overlay.iter().filter(|(_, new)| !new.is_null()) {
        match (base.get_mut(field), new) {
            (Some(old @ Value::Object(_)), _) => merge(old, new, arrays),
            (Some(Value::Array(old)), Value::Array(new)) => merge_arrays(old, new, arrays),
            (Some(old), _) => *old = new.clone(),
            (None, _) => {
                base.insert(field.clone(), new.clone());
            }
        }
    }
}

/// Adds resources to the main container. A quantity of the template with the same name is replaced.
pub fn add_resources(template: Option<Value>, extra: &ExtraResources) -> Option<Value> {
    if extra.is_empty() {
        return template;
    }
    Some(edit_main_container(template, |container| {
        let resources = child_object(container, "resources");
        for (kind, quantities) in [("requests", &extra.requests), ("limits", &extra.limits)] {
            if quantities.is_empty() {
                continue;
            }
            let target = child_object(resources, kind);
            for (name, quantity) in quantities {
                target.insert(name.clone(), Value::String(quantity.clone()));
            }
        }
    }))
}

/// Adds a startup probe to the JobManager's main container, unless it has one: liveness and readiness
/// probes start only after the REST server responds. The number of attempts is not limited.
pub fn add_startup_probe(template: Option<Value>) -> Value {
    edit_main_container(template, |container| {
        if container.get("startupProbe").is_none_or(Value::is_null) {
            let probe = json!({
                "failureThreshold": i32::MAX,
                "httpGet": { "path": "/config", "port": "rest" },
                "periodSeconds": 1,
            });
            container.insert("startupProbe".to_owned(), probe);
        }
    })
}

/// Makes Kubernetes use the end of the log of a failed JobManager as its termination message, unless the template sets
/// another policy. The operator reads the cause of the failure there; the log itself is deleted with the pod.
pub fn log_as_termination_message(template: Option<Value>) -> Value {
    edit_main_container(template, |container| {
        if container.get("terminationMessagePolicy").is_none_or(Value::is_null) {
            container.insert(
                "terminationMessagePolicy".to_owned(),
                Value::from("FallbackToLogsOnError"),
            );
        }
    })
}

/// The first place in a template with a value of the wrong type, if the functions of this module write
/// there.
pub fn find_wrong_type(template: &Value) -> Option<&'static str> {
    let object_or_unset =
        |value: Option<&Value>| value.is_none_or(|value| value.is_object() || value.is_null());
    if !template.is_object() {
        return Some("the template");
    }
    if !object_or_unset(template.get("spec")) {
        return Some("spec");
    }
    let containers = match template.pointer("/spec/containers") {
        None | Some(Value::Null) => return None,
        Some(Value::Array(containers)) => containers,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Some("spec.containers");
        }
    };
    let well_shaped = |container: &Value| {
        container.is_object()
            && object_or_unset(container.get("resources"))
            && object_or_unset(container.pointer("/resources/requests"))
            && object_or_unset(container.pointer("/resources/limits"))
    };
    if containers.iter().all(well_shaped) { None } else { Some("an element of spec.containers") }
}

/// The names of the containers of a template, in order.
pub fn container_names(template: &Value) -> impl Iterator<Item = &str> {
    template
        .pointer("/spec/containers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|container| container.get("name")?.as_str())
}

fn merge_arrays(base: &mut Vec<Value>, overlay: &[Value], arrays: ArrayMerge) {
    let all_named = || base.iter().chain(overlay).all(|element| name(element).is_some());
    match arrays {
        ArrayMerge::ByName if all_named() => merge_by_name(base, overlay, arrays),
        ArrayMerge::ByName | ArrayMerge::ByIndex => merge_by_index(base, overlay, arrays),
    }
}

fn merge_by_index(base: &mut Vec<Value>, overlay: &[Value], arrays: ArrayMerge) {
    for (index, new) in overlay.iter().enumerate() {
        match base.get_mut(index) {
            Some(old) => merge(old, new, arrays),
            None => base.push(new.clone()),
        }
    }
}

fn merge_by_name(base: &mut Vec<Value>, overlay: &[Value], arrays: ArrayMerge) {
    for new in overlay {
        match base.iter_mut().find(|old| name(old) == name(new)) {
            Some(old) => merge(old, new, arrays),
            None => base.push(new.clone()),
        }
    }
}

fn name(element: &Value) -> Option<&str> {
    element.get("name").and_then(Value::as_str)
}

/// Applies `edit` to the main container of a template. If there is none, it is added as the last one.
///
/// Values of the wrong type are replaced: see [`find_wrong_type`].
fn edit_main_container(
    template: Option<Value>,
    edit: impl FnOnce(&mut Map<String, Value>),
) -> Value {
    let mut root = match template {
        Some(Value::Object(root)) => root,
        Some(_) | None => Map::new(),
    };
    let spec = child_object(&mut root, "spec");
    let containers = spec.entry("containers").or_insert_with(|| Value::Array(Vec::new()));
    if !containers.is_array() {
        *containers = Value::Array(Vec::new());
    }
    if let Value::Array(containers) = containers {
        let is_main = |container: &Map<String, Value>| {
            container.get("name").and_then(Value::as_str) == Some(MAIN_CONTAINER)
        };
        let found = containers.iter_mut().filter_map(Value::as_object_mut).find(|c| is_main(c));
        if let Some(container) = found {
            edit(container);
        } else {
            let mut container = Map::new();
            container.insert("name".to_owned(), Value::from(MAIN_CONTAINER));
            edit(&mut container);
            containers.push(Value::Object(container));
        }
    }
    Value::Object(root)
}

/// The object at `field`. A missing value or one of another type is replaced by an empty object.
fn child_object<'a>(parent: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let child = parent.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    child.as_object_mut().expect("the line above replaces every value that is not an object")
}

#[cfg(test)]
mod tests;
