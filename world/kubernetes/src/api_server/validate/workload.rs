//! Rules of Deployments and ReplicaSets.

use serde_json::Value;

use super::{metadata, not_negative, pod};
use crate::api_server::object;
use crate::api_server::refusal::{Fault, FieldFault};
use crate::api_server::selector::matches_selector;

pub(super) fn deployment(object: &Value) -> Vec<FieldFault> {
    let mut faults: Vec<FieldFault> =
        not_negative(object, "/spec/replicas", "spec.replicas").into_iter().collect();
    faults.extend(selector_and_template(object, "deployment"));
    let kind = object.pointer("/spec/strategy/type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "Recreate" if object.pointer("/spec/strategy/rollingUpdate").is_some() => {
            let detail = "may not be specified when the strategy's type is Recreate";
            faults.push(FieldFault::forbidden("spec.strategy.rollingUpdate", detail));
        }
        "Recreate" => {}
        "RollingUpdate" => faults.extend(rolling(object)),
        _ => {
            let strategy = object.pointer("/spec/strategy").cloned().unwrap_or_default();
            let detail = "supported values: \"Recreate\", \"RollingUpdate\"";
            faults.push(FieldFault::new(Fault::NotSupported, "spec.strategy", strategy, detail));
        }
    }
    for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        faults.extend(not_negative(object, &format!("/spec/{field}"), &format!("spec.{field}")));
    }
    let number = |field: &str| object.pointer(&format!("/spec/{field}")).and_then(Value::as_i64);
    if let Some(deadline) = number("progressDeadlineSeconds")
        && deadline <= number("minReadySeconds").unwrap_or(0)
    {
        faults.push(FieldFault::invalid(
            "spec.progressDeadlineSeconds",
            deadline,
            "must be greater than minReadySeconds",
        ));
    }
    faults
}

/// The two numbers of a rolling update cannot both be nothing.
fn rolling(object: &Value) -> Option<FieldFault> {
    let field = |name: &str| object.pointer(&format!("/spec/strategy/rollingUpdate/{name}"));
    let is_nothing =
        |value: Option<&Value>| value.is_some_and(|value| *value == 0 || *value == "0%");
    (is_nothing(field("maxUnavailable")) && is_nothing(field("maxSurge"))).then(|| {
        let value = field("maxUnavailable").cloned().unwrap_or_default();
        FieldFault::invalid(
            "spec.strategy.rollingUpdate.maxUnavailable",
            value,
            "may not be 0 when maxSurge is 0",
        )
    })
}

pub(super) fn replica_set(object: &Value) -> Vec<FieldFault> {
    let mut faults: Vec<FieldFault> =
        not_negative(object, "/spec/replicas", "spec.replicas").into_iter().collect();
    faults.extend(selector_and_template(object, "ReplicaSet"));
    faults.extend(not_negative(object, "/spec/minReadySeconds", "spec.minReadySeconds"));
    faults
}

fn selector_and_template(object: &Value, what: &str) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let selector = object.pointer("/spec/selector").filter(|selector| !selector.is_null());
    match selector {
        None => faults.push(FieldFault::required("spec.selector", "")),
        Some(selector) => {
            let labels = selector.get("matchLabels").and_then(Value::as_object);
            faults.extend(metadata::labels(labels, "spec.selector.matchLabels"));
            let expressions = selector.get("matchExpressions").and_then(Value::as_array);
            if labels.is_none_or(serde_json::Map::is_empty) && expressions.is_none_or(Vec::is_empty)
            {
                let detail = format!("an empty selector is invalid for a {what}");
                faults.push(FieldFault::invalid("spec.selector", selector.clone(), detail));
            }
        }
    }
    let template = object.pointer("/spec/template").unwrap_or(&Value::Null);
    let labels = object::labels(template);
    // Without a selector nothing matches.
    let matches = selector.is_some_and(|selector| matches_selector(selector, labels));
    let is_empty = selector.and_then(Value::as_object).is_some_and(serde_json::Map::is_empty);
    if !matches && !is_empty {
        let value = labels.cloned().map_or(Value::Null, Value::Object);
        faults.push(FieldFault::invalid(
            "spec.template.metadata.labels",
            value,
            "the selector does not match the template's labels",
        ));
    }
    faults.extend(pod::template(template, "spec.template"));
    let restart =
        template.pointer("/spec/restartPolicy").and_then(Value::as_str).unwrap_or_default();
    if restart != "Always" {
        let field = "spec.template.spec.restartPolicy";
        faults.push(FieldFault::new(
            Fault::NotSupported,
            field,
            Value::from(restart),
            "supported values: \"Always\"",
        ));
    }
    faults
}

pub(super) fn immutable(new: &Value, old: &Value) -> Vec<FieldFault> {
    let selector = |object: &Value| object.pointer("/spec/selector").cloned().unwrap_or_default();
    if selector(new) == selector(old) {
        return Vec::new();
    }
    vec![FieldFault::invalid("spec.selector", selector(new), "field is immutable")]
}

pub(super) fn deployment_status(object: &Value) -> Vec<FieldFault> {
    let number = |field: &str| {
        object.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0)
    };
    let mut faults = Vec::new();
    for field in [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "collisionCount",
    ] {
        faults.extend(not_negative(
            object,
            &format!("/status/{field}"),
            &format!("status.{field}"),
        ));
    }
    for (field, above) in [
        ("updatedReplicas", "replicas"),
        ("readyReplicas", "replicas"),
        ("availableReplicas", "replicas"),
        ("availableReplicas", "readyReplicas"),
    ] {
        if number(field) > number(above) {
            let detail = format!("cannot be greater than {above}");
            faults.push(FieldFault::invalid(&format!("status.{field}"), number(field), detail));
        }
    }
    faults
}
