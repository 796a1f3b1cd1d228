//! How a run ended, without what differs between two runs that are equally good.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use simulated_flink::Flink;
use simulated_kubernetes::World;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::api_server::store::Stored;
use simulated_kubernetes::world::BY_HAND;

use super::application::NAMESPACE;

/// What is compared: every object of the scenario's namespace by kind and name, what each FlinkDeployment's status says,
/// and the jobs that run.
pub fn summary(world: &World, flink: &Flink) -> Value {
    let pods = world.kubernetes(|kubernetes| {
        kubernetes.stored_list(Kinds::known().plural("pods"), NAMESPACE).len()
    });
    let resources: Map<String, Value> = world
        .kubernetes(|kubernetes| {
            kubernetes.stored_list(Kinds::known().plural("flinkdeployments"), NAMESPACE)
        })
        .iter()
        .map(|stored| (object::name(&stored.object).to_owned(), of_resource(&stored.object)))
        .collect();
    json!({
        "objects": objects(world, |_| true),
        "pods": pods,
        "resources": resources,
        "running jobs": super::invariants::running(flink),
    })
}

/// The objects among them that were there from the beginning, or that somebody has put there, and that neither the operator
/// nor Flink has written to.
pub fn made_by_hand(world: &World) -> Value {
    objects(world, |stored| stored.managed.is_of(BY_HAND))
}

/// Names of objects by kind.
fn objects(world: &World, which: impl Fn(&Stored) -> bool) -> Value {
    let mut objects: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for plural in ["configmaps", "deployments", "services"] {
        let found = world.kubernetes(|kubernetes| {
            kubernetes.stored_list(Kinds::known().plural(plural), NAMESPACE)
        });
        let mut names: Vec<String> = found
            .iter()
            .filter(|stored| which(stored))
            .map(|stored| without_ids(object::name(&stored.object)))
            .collect();
        names.sort();
        objects.insert(plural, names);
    }
    json!(objects)
}

fn of_resource(resource: &Value) -> Value {
    let at = |pointer: &str| resource.pointer(pointer).cloned().unwrap_or(Value::Null);
    let record = at("/status/reconciliationStatus/lastReconciledSpec");
    let mut recorded: Value =
        record.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    if let Some(job) = recorded.pointer_mut("/spec/job").and_then(Value::as_object_mut) {
        // Which way the state was kept depends on what could be seen when the choice was due. That it was, the ledger
        // tells.
        job.shift_remove("upgradeMode");
    }
    let is_stable = record == at("/status/reconciliationStatus/lastStableSpec");
    let conditions: Map<String, Value> = at("/status/conditions")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|condition| {
            let type_ = condition.get("type")?.as_str()?.to_owned();
            // They tell of the last change and of the last exception, and how many there were, and which of them were
            // seen, depends on when the operator looked.
            (type_ != "StateKept" && type_ != "JobException")
                .then(|| (type_, json!([condition.get("status"), condition.get("reason")])))
        })
        .collect();
    json!({
        "generation": at("/metadata/generation"),
        "finalizers": at("/metadata/finalizers"),
        "observed generation": at("/status/observedGeneration"),
        "state": at("/status/reconciliationStatus/state"),
        "lifecycle": at("/status/lifecycleState"),
        "job": at("/status/jobStatus/state"),
        "job manager": at("/status/jobManagerDeploymentStatus"),
        "error": at("/status/error"),
        "recorded": recorded.get("spec"),
        "is stable": is_stable,
        "savepoint under way": at("/status/jobStatus/savepointInfo/triggerId"),
        "conditions": conditions,
    })
}

/// Names of high availability ConfigMaps have the job's id in them.
fn without_ids(name: &str) -> String {
    name.split('-')
        .map(|part| {
            let is_id = part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_id { "<job>" } else { part }
        })
        .collect::<Vec<_>>()
        .join("-")
}

/// Where two ends differ, one line each: pointer, what was expected, what was found.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", expected, found, &mut lines);
    lines
}

fn compare(at: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    if let (Some(one), Some(other)) = (expected.as_object(), found.as_object()) {
        let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for name in names {
            let side = |side: &Map<String, Value>| side.get(name).cloned().unwrap_or(Value::Null);
            compare(&format!("{at}/{name}"), &side(one), &side(other), lines);
        }
    } else if expected != found {
        lines.push(format!("{at}: expected {expected}, found {found}"));
    }
}
