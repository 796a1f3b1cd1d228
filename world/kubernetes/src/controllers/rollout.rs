//! The numbers of a rollout: how many pods each ReplicaSet is to have, and what the Deployment's status says about it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::deployment::deadline_of;
use super::{controlled, kind, manager, number, write};
use crate::api_server::store::Stored;
use crate::api_server::types::time;
use crate::api_server::{Kubernetes, object};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";

pub(super) type Set<'a> = &'a Arc<Stored>;

/// What a Deployment asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rollout {
    pub(super) replicas: i64,
    /// Pods of before go before pods of now come.
    pub(super) recreates: bool,
    surge: i64,
    unavailable: i64,
}

impl Rollout {
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = deployment.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        let recreates =
            deployment.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate");
        if recreates {
            return Self { replicas, recreates, surge: 0, unavailable: 0 };
        }
        let part = |field: &str, round_up: bool| {
            let value = deployment.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
            scaled(value.unwrap_or(&Value::Null), replicas, round_up)
        };
        let (surge, mut unavailable) = (part("maxSurge", true), part("maxUnavailable", false));
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        Self { replicas, recreates, surge, unavailable: unavailable.min(replicas) }
    }

    pub(super) fn most(&self) -> i64 {
        self.replicas + self.surge
    }

    /// Pods of a set that is made now.
    pub(super) fn first_replicas(&self, old: &[Set<'_>]) -> i64 {
        if self.recreates {
            return self.replicas;
        }
        (self.most() - wanted(old.iter().copied())).clamp(0, self.replicas)
    }

    pub(super) fn insert_numbers(&self, annotations: &mut Map<String, Value>) {
        annotations.insert(DESIRED.to_owned(), Value::from(self.replicas.to_string()));
        annotations.insert(MOST.to_owned(), Value::from(self.most().to_string()));
    }

    /// Whether the Deployment was scaled since the sets that have pods were.
    pub(super) fn was_scaled(&self, sets: &[Arc<Stored>]) -> bool {
        let active = sets.iter().filter(|set| number(&set.object, "/spec/replicas") > 0);
        active
            .filter_map(|set| annotation(&set.object, DESIRED)?.parse::<i64>().ok())
            .any(|desired| desired != self.replicas)
    }

    /// One step of a rolling update. True if something was scaled.
    pub(super) fn roll(
        &self,
        kubernetes: &mut Kubernetes,
        new: Set<'_>,
        old: &[Set<'_>],
        now: Timestamp,
    ) -> bool {
        let size = number(&new.object, "/spec/replicas");
        let total = wanted(old.iter().copied()) + size;
        if size > self.replicas {
            return self.scale_set(kubernetes, new, self.replicas, now);
        }
        if size < self.replicas {
            let up = (self.most() - total).clamp(0, self.replicas - size);
            if self.scale_set(kubernetes, new, size + up, now) {
                return true;
            }
        }
        let least = self.replicas - self.unavailable;
        let new_unavailable = size - number(&new.object, "/status/availableReplicas");
        let mut down = total - least - new_unavailable;
        if wanted(old.iter().copied()) == 0 || down <= 0 {
            return false;
        }
        let mut scaled = false;
        // Pods that do not work go first.
        for set in old {
            let (size, available) = sizes(set);
            let unhealthy = (size - available).clamp(0, down);
            if unhealthy > 0 {
                scaled |= self.scale_set(kubernetes, set, size - unhealthy, now);
                down -= unhealthy;
            }
        }
        if scaled {
            return true;
        }
        let available: i64 = old.iter().copied().chain([new]).map(|set| sizes(set).1).sum();
        let mut spare = available - least;
        for set in old.iter().filter(|_| available > least) {
            let (size, _) = sizes(set);
            let less = size.min(spare.max(0));
            if less > 0 {
                scaled |= self.scale_set(kubernetes, set, size - less, now);
                spare -= less;
            }
        }
        scaled
    }

    /// Takes all pods from the sets of before. True if there were some.
    pub(super) fn empty_old(
        &self,
        kubernetes: &mut Kubernetes,
        old: &[Set<'_>],
        now: Timestamp,
    ) -> bool {
        let active = old.iter().filter(|set| number(&set.object, "/spec/replicas") > 0);
        let scaled: Vec<bool> = active.map(|set| self.scale_set(kubernetes, set, 0, now)).collect();
        scaled.contains(&true)
    }
}

/// A number, or a part of all replicas.
fn scaled(value: &Value, replicas: i64, round_up: bool) -> i64 {
    if let Some(percent) =
        value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok())
    {
        let whole = percent * replicas;
        return if round_up { (whole + 99) / 100 } else { whole / 100 };
    }
    value.as_i64().unwrap_or(0)
}

pub(super) fn wanted<'a>(sets: impl Iterator<Item = Set<'a>>) -> i64 {
    sets.map(|set| number(&set.object, "/spec/replicas")).sum()
}

fn sizes(set: Set<'_>) -> (i64, i64) {
    (number(&set.object, "/spec/replicas"), number(&set.object, "/status/availableReplicas"))
}

pub(super) fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object::get(object, "annotations")?.get(name)?.as_str()
}

pub(super) fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

pub(super) fn max_revision(sets: &[Set<'_>]) -> i64 {
    sets.iter().map(|set| revision(&set.object)).max().unwrap_or(0)
}

/// Whether pods of other sets than the newest have not ended yet.
pub(super) fn old_pods_run(
    kubernetes: &Kubernetes,
    deployment: &Value,
    new: Option<Set<'_>>,
    old: &[Set<'_>],
) -> bool {
    if old.iter().any(|set| number(&set.object, "/status/replicas") > 0) {
        return true;
    }
    let new_uid = new.map(|set| object::uid(&set.object));
    old.iter()
        .filter(|set| Some(object::uid(&set.object)) != new_uid)
        .flat_map(|set| {
            controlled(
                kubernetes,
                kind("pods"),
                object::namespace(deployment),
                object::uid(&set.object),
            )
        })
        .any(|pod| {
            let phase = pod.object.pointer("/status/phase").and_then(Value::as_str);
            !matches!(phase, Some("Succeeded" | "Failed"))
        })
}

/// Whether every pod is one of now, and available.
pub(super) fn is_complete(deployment: &Value, status: &Value) -> bool {
    let replicas = Rollout::of(deployment).replicas;
    ["/replicas", "/updatedReplicas", "/availableReplicas"]
        .iter()
        .all(|field| number(status, field) == replicas)
        && number(status, "/observedGeneration") >= object::generation(deployment)
}

pub(super) fn condition<'a>(deployment: &'a Value, ty: &str) -> Option<&'a Value> {
    let conditions = deployment.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(ty))
}

/// Sets a condition; its time of change moves when its status does. One that says the same stays as it is.
fn set_condition(
    deployment: &mut Value,
    ty: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let now = time::seconds(now);
    let before = condition(deployment, ty).cloned();
    let same = |field: &str, text: &str| {
        before.as_ref().is_some_and(|before| before.get(field) == Some(&Value::from(text)))
    };
    if same("status", status) && same("reason", reason) {
        return;
    }
    let since = before
        .as_ref()
        .and_then(|before| before.get("lastTransitionTime"))
        .filter(|_| same("status", status));
    let since = since.cloned().unwrap_or_else(|| Value::from(now.clone()));
    let new = json!({
        "type": ty, "status": status, "lastUpdateTime": now, "lastTransitionTime": since, "reason": reason, "message": message,
    });
    let mut conditions = deployment
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    conditions.retain(|condition| condition.get("type").and_then(Value::as_str) != Some(ty));
    conditions.push(new);
    object::set_status(deployment, "conditions", conditions);
}

fn remove_condition(deployment: &mut Value, ty: &str) {
    let Some(conditions) =
        deployment.pointer_mut("/status/conditions").and_then(Value::as_array_mut)
    else {
        return;
    };
    conditions.retain(|condition| condition.get("type").and_then(Value::as_str) != Some(ty));
}

pub(super) fn progress(
    deployment: &mut Value,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    set_condition(deployment, "Progressing", status, reason, message, now);
}

/// A pause is no lack of progress. True if the condition about it changed.
pub(super) fn note_pause(deployment: &mut Value, now: Timestamp) -> bool {
    let is_paused = deployment.pointer("/spec/paused") == Some(&Value::Bool(true));
    let reason = condition(deployment, "Progressing")
        .and_then(|condition| condition.get("reason")?.as_str());
    match (is_paused, reason) {
        (_, Some("ProgressDeadlineExceeded")) | (true, Some("DeploymentPaused")) => false,
        (true, _) => {
            progress(deployment, "Unknown", "DeploymentPaused", "Deployment is paused", now);
            true
        }
        (false, Some("DeploymentPaused")) => {
            progress(deployment, "Unknown", "DeploymentResumed", "Deployment is resumed", now);
            true
        }
        (false, _) => false,
    }
}

/// Writes the status, if it says something new. When the progress deadline is to be looked at.
pub(super) fn write_status(
    kubernetes: &mut Kubernetes,
    deployment: &Value,
    new: Option<Set<'_>>,
    old: &[Set<'_>],
    estimates: bool,
    now: Timestamp,
) -> Option<Duration> {
    // Sets may have been scaled a moment ago.
    let fresh = |set: Set<'_>| {
        let (namespace, name) = (object::namespace(&set.object), object::name(&set.object));
        kubernetes.stored(kind("replicasets"), namespace, name).cloned()
    };
    let new = new.and_then(fresh);
    let sets: Vec<Arc<Stored>> = old.iter().copied().filter_map(fresh).chain(new.clone()).collect();
    let sum = |pointer: &str| sets.iter().map(|set| number(&set.object, pointer)).sum::<i64>();
    let rollout = Rollout::of(deployment);
    let available = sum("/status/availableReplicas");
    let mut next = deployment.clone();
    let mut status = Map::new();
    let updated = new.as_ref().map_or(0, |set| number(&set.object, "/status/replicas"));
    for (field, value) in [
        ("observedGeneration", object::generation(deployment)),
        ("replicas", sum("/status/replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (sum("/spec/replicas") - available).max(0)),
    ] {
        if value != 0 {
            status.insert(field.to_owned(), Value::from(value));
        }
    }
    for field in ["conditions", "collisionCount"] {
        if let Some(value) = deployment.pointer(&format!("/status/{field}")) {
            status.insert(field.to_owned(), value.clone());
        }
    }
    object::set_field(&mut next, "status", status);
    let (state, reason, message) = if available >= rollout.replicas - rollout.unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_condition(&mut next, "Available", state, reason, message, now);
    let mut again = None;
    if estimates {
        again = estimate(&mut next, deployment, new.as_ref(), now);
        match failure(new.as_ref(), &sets) {
            Some(failure) => {
                let text = |field: &str| {
                    failure.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                set_condition(
                    &mut next,
                    "ReplicaFailure",
                    &text("status"),
                    &text("reason"),
                    &text("message"),
                    now,
                );
            }
            None => remove_condition(&mut next, "ReplicaFailure"),
        }
    }
    if next != *deployment {
        write(kubernetes, kind("deployments"), "status", &next, &manager(now));
    }
    again
}

fn failure(new: Option<&Arc<Stored>>, sets: &[Arc<Stored>]) -> Option<Value> {
    new.into_iter().chain(sets).find_map(|set| condition(&set.object, "ReplicaFailure").cloned())
}

/// Whether the rollout is done, goes on, or has not gone on for too long.
fn estimate(
    next: &mut Value,
    before: &Value,
    new: Option<&Arc<Stored>>,
    now: Timestamp,
) -> Option<Duration> {
    let (old_status, status) =
        (object::field(before, "status").clone(), object::field(next, "status").clone());
    let subject = match new {
        Some(set) => format!("ReplicaSet {:?}", object::name(&set.object)),
        None => format!("Deployment {:?}", object::name(before)),
    };
    let current = condition(before, "Progressing").cloned();
    let reason = current.as_ref().and_then(|condition| condition.get("reason")?.as_str());
    if reason == Some("NewReplicaSetAvailable")
        && number(&status, "/replicas") == number(&status, "/updatedReplicas")
    {
        return None;
    }
    if is_complete(before, &status) {
        let message = format!("{subject} has successfully progressed.");
        progress(next, "True", "NewReplicaSetAvailable", &message, now);
        return None;
    }
    let rose = |field: &str| number(&status, field) > number(&old_status, field);
    let old_pods =
        |status: &Value| number(status, "/replicas") - number(status, "/updatedReplicas");
    if rose("/updatedReplicas")
        || rose("/readyReplicas")
        || rose("/availableReplicas")
        || old_pods(&status) < old_pods(&old_status)
    {
        let since =
            current.as_ref().filter(|condition| condition.get("status") == Some(&json!("True")));
        let since = since.and_then(|condition| condition.get("lastTransitionTime")).cloned();
        remove_condition(next, "Progressing");
        progress(next, "True", "ReplicaSetUpdated", &format!("{subject} is progressing."), now);
        if let Some(since) = since
            && let Some(last) = next
                .pointer_mut("/status/conditions")
                .and_then(Value::as_array_mut)
                .and_then(|list| list.last_mut())
        {
            object::set_field(last, "lastTransitionTime", since);
        }
    }
    let updated = condition(next, "Progressing")
        .and_then(|condition| condition.get("lastUpdateTime")?.as_str());
    let deadline =
        deadline_of(updated?, before.pointer("/spec/progressDeadlineSeconds")?.as_i64()?)?;
    if deadline > now {
        // Nothing will happen by itself when the deadline is over.
        return Duration::try_from(now.duration_until(deadline))
            .ok()
            .map(|left| left + Duration::from_secs(1));
    }
    progress(
        next,
        "False",
        "ProgressDeadlineExceeded",
        &format!("{subject} has timed out progressing."),
        now,
    );
    None
}
