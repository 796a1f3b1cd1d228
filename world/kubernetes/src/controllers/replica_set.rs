//! The ReplicaSet controller: as many pods as there are to be.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{controlled, controller, controller_reference, kind, manager, number, target, write};
use crate::api_server::refusal::Refusal;
use crate::api_server::selector::matches_selector;
use crate::api_server::store::{Key, Stored};
use crate::api_server::types::time;
use crate::api_server::verbs::{DeleteOptions, Patch};
use crate::api_server::{Kubernetes, object};

/// What was refused is tried again after this time: quotas and permissions change without a word.
const AGAIN: Duration = Duration::from_secs(10);

/// Does one step for a ReplicaSet. When to look again although nothing changes.
pub(super) fn sync(kubernetes: &mut Kubernetes, key: &Key, now: Timestamp) -> Option<Duration> {
    let stored = kubernetes.stored_at(&kind("replicasets").storage, key).cloned()?;
    let set = &stored.object;
    adopt(kubernetes, set, now);
    let pods: Vec<Arc<Stored>> =
        controlled(kubernetes, kind("pods"), object::namespace(set), object::uid(set))
            .into_iter()
            .filter(|pod| is_active(&pod.object))
            .collect();
    let mut refused = None;
    if !object::is_deleting(set) {
        let wanted = usize::try_from(number(set, "/spec/replicas")).unwrap_or(0);
        for _ in pods.len()..wanted {
            if let Err(refusal) = create_pod(kubernetes, set, now) {
                refused = Some(refusal);
                break;
            }
        }
        let mut surplus = pods.clone();
        surplus.sort_by_key(|pod| std::cmp::Reverse(dispensable(&pod.object)));
        for pod in surplus.into_iter().take(pods.len().saturating_sub(wanted)) {
            let (namespace, name) = (object::namespace(&pod.object), object::name(&pod.object));
            drop(kubernetes.delete(
                kind("pods"),
                namespace,
                name,
                &DeleteOptions::default(),
                &manager(now),
            ));
        }
    }
    write_status(kubernetes, set, &pods, refused.as_ref(), now);
    refused.map(|_| AGAIN)
}

/// Pods that match and belong to nobody become the ReplicaSet's.
fn adopt(kubernetes: &mut Kubernetes, set: &Value, now: Timestamp) {
    if object::is_deleting(set) {
        return;
    }
    let selector = set.pointer("/spec/selector").cloned().unwrap_or_default();
    for pod in kubernetes.stored_list(kind("pods"), object::namespace(set)) {
        let is_free = controller(&pod.object).is_none() && is_active(&pod.object);
        if is_free && matches_selector(&selector, object::labels(&pod.object)) {
            let mut owners = object::owner_references(&pod.object).to_vec();
            owners.push(controller_reference(kind("replicasets"), set));
            let patch =
                json!({"metadata": {"uid": object::uid(&pod.object), "ownerReferences": owners}});
            drop(kubernetes.patch(
                &target(kind("pods"), &pod.object, ""),
                &Patch::Merge(patch),
                &manager(now),
            ));
        }
    }
}

fn is_active(pod: &Value) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    !object::is_deleting(pod) && !matches!(phase, "Succeeded" | "Failed")
}

fn create_pod(kubernetes: &mut Kubernetes, set: &Value, now: Timestamp) -> Result<(), Refusal> {
    let template = set.pointer("/spec/template").cloned().unwrap_or_default();
    let mut metadata = json!({
        "generateName": format!("{}-", object::name(set)),
        "namespace": object::namespace(set),
        "ownerReferences": [controller_reference(kind("replicasets"), set)],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = object::get(&template, field) {
            object::set_field(&mut metadata, field, value.clone());
        }
    }
    let pod = json!({"metadata": metadata, "spec": object::field(&template, "spec")});
    kubernetes.create(kind("pods"), object::namespace(set), pod, &manager(now)).map(drop)
}

/// How little is lost with a pod: one that nobody runs, one that does not work, one that is young.
fn dispensable(pod: &Value) -> (bool, bool, bool, String, String) {
    let has_node = pod.pointer("/spec/nodeName").is_some();
    let is_pending = pod.pointer("/status/phase").and_then(Value::as_str) != Some("Running");
    let created = object::text(pod, "creationTimestamp").to_owned();
    (!has_node, is_pending, !is_ready(pod), created, object::name(pod).to_owned())
}

fn ready_condition(pod: &Value) -> Option<&Value> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|condition| condition.get("type").and_then(Value::as_str) == Some("Ready"))
}

fn is_ready(pod: &Value) -> bool {
    ready_condition(pod)
        .is_some_and(|condition| condition.get("status").and_then(Value::as_str) == Some("True"))
}

fn is_available(pod: &Value, ready_after: i64, now: Timestamp) -> bool {
    let since = ready_condition(pod)
        .and_then(|condition| time::parse(condition.get("lastTransitionTime")?.as_str()?));
    is_ready(pod)
        && (ready_after == 0
            || since.is_some_and(|since| since + SignedDuration::from_secs(ready_after) <= now))
}

fn write_status(
    kubernetes: &mut Kubernetes,
    set: &Value,
    pods: &[Arc<Stored>],
    refused: Option<&Refusal>,
    now: Timestamp,
) {
    let count = |fits: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| fits(&pod.object)).count();
    let template = set.pointer("/spec/template").cloned().unwrap_or_default();
    let labels = json!({"matchLabels": object::labels(&template)});
    let ready_after = number(set, "/spec/minReadySeconds");
    let mut status = json!({"replicas": pods.len()});
    for (field, value) in [
        ("fullyLabeledReplicas", count(&|pod| matches_selector(&labels, object::labels(pod)))),
        ("readyReplicas", count(&is_ready)),
        ("availableReplicas", count(&|pod| is_available(pod, ready_after, now))),
    ] {
        if value > 0 {
            object::set_field(&mut status, field, value);
        }
    }
    object::set_field(&mut status, "observedGeneration", object::generation(set));
    let before = super::rollout::condition(set, "ReplicaFailure").cloned();
    if let Some(refusal) = refused {
        let condition = before.unwrap_or_else(|| {
            json!({
                "type": "ReplicaFailure", "status": "True", "lastTransitionTime": time::seconds(now),
                "reason": "FailedCreate", "message": refusal.message,
            })
        });
        object::set_field(&mut status, "conditions", json!([condition]));
    }
    if status != *object::field(set, "status") {
        let mut next = set.clone();
        object::set_field(&mut next, "status", status);
        write(kubernetes, kind("replicasets"), "status", &next, &manager(now));
    }
}
