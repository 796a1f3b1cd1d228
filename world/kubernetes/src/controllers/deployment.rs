//! The Deployment controller: ReplicaSets for the template of now, and none for those of before.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::rollout::{self, REVISION, Rollout};
use super::{controlled, controller_reference, kind, manager, number, target, write};
use crate::api_server::selector::matches_selector;
use crate::api_server::store::{Key, Stored};
use crate::api_server::types::time;
use crate::api_server::verbs::{DeleteOptions, Patch};
use crate::api_server::{Kubernetes, object};

/// The label that tells the pods of different templates apart.
pub(super) const HASH: &str = "pod-template-hash";
/// The letters of a hash: names of ReplicaSets are made of it.
const HASH_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Does one step for a Deployment. When to look again although nothing changes.
pub(super) fn sync(kubernetes: &mut Kubernetes, key: &Key, now: Timestamp) -> Option<Duration> {
    let deployments = kind("deployments");
    let stored = kubernetes.stored_at(&deployments.storage, key).cloned()?;
    let mut deployment = stored.object.clone();
    adopt(kubernetes, &deployment, now);
    let sets = owned_sets(kubernetes, &deployment);
    if object::is_deleting(&deployment) {
        let (new, old) = split(&deployment, &sets);
        return rollout::write_status(kubernetes, &deployment, new, &old, false, now);
    }
    if rollout::note_pause(&mut deployment, now) {
        write(kubernetes, deployments, "status", &deployment, &manager(now));
        return None;
    }
    let is_paused = object_flag(&deployment, "/spec/paused");
    let (new, old) = split(&deployment, &sets);
    // What the template's annotations and revision say is kept on the newest set.
    if let Some(new) = new
        && sync_annotations(kubernetes, &deployment, new, &old, now)
    {
        return None;
    }
    let rollout = Rollout::of(&deployment);
    if is_paused || rollout.was_scaled(&sets) {
        if rollout.scale(kubernetes, &deployment, new, &old, now) {
            return None;
        }
        if is_paused {
            clean_up(kubernetes, &deployment, &old, now);
        }
        return rollout::write_status(kubernetes, &deployment, new, &old, false, now);
    }
    if rollout.recreates {
        let scaled = rollout.empty_old(kubernetes, &old, now);
        if scaled || rollout::old_pods_run(kubernetes, &deployment, new, &old) {
            return rollout::write_status(kubernetes, &deployment, new, &old, true, now);
        }
    }
    let Some(new) = new else {
        create_set(kubernetes, &deployment, &old, &rollout, now);
        return None;
    };
    let scaled = if rollout.recreates {
        rollout.scale_set(kubernetes, new, rollout.replicas, now)
    } else {
        rollout.roll(kubernetes, new, &old, now)
    };
    if !scaled && rollout::is_complete(&deployment, object::field(&deployment, "status")) {
        clean_up(kubernetes, &deployment, &old, now);
    }
    rollout::write_status(kubernetes, &deployment, Some(new), &old, true, now)
}

fn object_flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer) == Some(&Value::Bool(true))
}

/// ReplicaSets that match and belong to nobody become the Deployment's.
fn adopt(kubernetes: &mut Kubernetes, deployment: &Value, now: Timestamp) {
    if object::is_deleting(deployment) {
        return;
    }
    let selector = deployment.pointer("/spec/selector").cloned().unwrap_or_default();
    for set in kubernetes.stored_list(kind("replicasets"), object::namespace(deployment)) {
        let is_free = super::controller(&set.object).is_none() && !object::is_deleting(&set.object);
        if is_free && matches_selector(&selector, object::labels(&set.object)) {
            let mut owners = object::owner_references(&set.object).to_vec();
            owners.push(controller_reference(kind("deployments"), deployment));
            let patch =
                json!({"metadata": {"uid": object::uid(&set.object), "ownerReferences": owners}});
            drop(kubernetes.patch(
                &target(kind("replicasets"), &set.object, ""),
                &Patch::Merge(patch),
                &manager(now),
            ));
        }
    }
}

/// The ReplicaSets of the Deployment, oldest first.
fn owned_sets(kubernetes: &Kubernetes, deployment: &Value) -> Vec<Arc<Stored>> {
    let (namespace, uid) = (object::namespace(deployment), object::uid(deployment));
    let mut sets = controlled(kubernetes, kind("replicasets"), namespace, uid);
    sets.sort_by_key(|set| {
        let created = object::text(&set.object, "creationTimestamp").to_owned();
        (created, object::name(&set.object).to_owned())
    });
    sets
}

/// The set with the template of now, if there is one, and all others.
fn split<'a>(
    deployment: &Value,
    sets: &'a [Arc<Stored>],
) -> (Option<&'a Arc<Stored>>, Vec<&'a Arc<Stored>>) {
    let wanted = without_hash(deployment.pointer("/spec/template"));
    let new = sets.iter().find(|set| without_hash(set.object.pointer("/spec/template")) == wanted);
    let old = sets.iter().filter(|set| new.is_none_or(|new| !Arc::ptr_eq(new, set))).collect();
    (new, old)
}

fn without_hash(template: Option<&Value>) -> Value {
    let mut template = template.cloned().unwrap_or_default();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH);
    }
    template
}

fn create_set(
    kubernetes: &mut Kubernetes,
    deployment: &Value,
    old: &[&Arc<Stored>],
    rollout: &Rollout,
    now: Timestamp,
) {
    let mut template = deployment.pointer("/spec/template").cloned().unwrap_or_default();
    let hash = template_hash(&template, number(deployment, "/status/collisionCount"));
    let name = format!("{}-{hash}", object::name(deployment));
    let mut labels = object::labels(&template).cloned().unwrap_or_default();
    labels.insert(HASH.to_owned(), Value::from(hash.clone()));
    object::set(&mut template, "labels", labels.clone());
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_default();
    if let Some(selector) = selector.as_object_mut() {
        let wanted = selector.entry("matchLabels").or_insert_with(|| json!({}));
        object::set_field(wanted, HASH, hash);
    }
    let revision = (rollout::max_revision(old) + 1).to_string();
    let mut set = json!({
        "metadata": {
            "name": name,
            "namespace": object::namespace(deployment),
            "labels": labels,
            "ownerReferences": [controller_reference(kind("deployments"), deployment)],
        },
        "spec": {"replicas": rollout.first_replicas(old), "selector": selector, "template": template},
    });
    let ready_after = number(deployment, "/spec/minReadySeconds");
    if ready_after > 0
        && let Some(spec) = set.get_mut("spec")
    {
        object::set_field(spec, "minReadySeconds", ready_after);
    }
    let mut annotations = copied_annotations(deployment);
    annotations.insert(REVISION.to_owned(), Value::from(revision.clone()));
    rollout.insert_numbers(&mut annotations);
    object::set(&mut set, "annotations", annotations);
    let mut deployment = deployment.clone();
    match kubernetes.create(kind("replicasets"), object::namespace(&deployment), set, &manager(now))
    {
        Ok(_) => {
            set_annotation(&mut deployment, REVISION, &revision);
            let message = format!("Created new replica set {name:?}");
            rollout::progress(&mut deployment, "True", "NewReplicaSetCreated", &message, now);
        }
        Err(refusal) if refusal.reason == "AlreadyExists" => {
            // Another Deployment's, or one of an older template with the same hash: the next try gets another name.
            let count = number(&deployment, "/status/collisionCount") + 1;
            object::set_status(&mut deployment, "collisionCount", count);
        }
        Err(refusal) => {
            let message = format!("Failed to create new replica set {name:?}: {}", refusal.message);
            rollout::progress(&mut deployment, "False", "ReplicaSetCreateError", &message, now);
        }
    }
    write(kubernetes, kind("deployments"), "status", &deployment, &manager(now));
}

/// A hash of the template, in letters that are good in names.
fn template_hash(template: &Value, collisions: i64) -> String {
    let digest = Sha256::digest(format!("{template} {collisions}"));
    let letter = |byte: &u8| {
        HASH_LETTERS.get(usize::from(*byte) % HASH_LETTERS.len()).copied().unwrap_or(b'b')
    };
    digest.iter().take(10).map(|byte| char::from(letter(byte))).collect()
}

/// The Deployment's annotations that its newest set gets too.
fn copied_annotations(deployment: &Value) -> Map<String, Value> {
    let annotations =
        object::get(deployment, "annotations").and_then(Value::as_object).into_iter().flatten();
    let own = |name: &str| {
        name.starts_with("deployment.kubernetes.io/")
            || name == "kubectl.kubernetes.io/last-applied-configuration"
    };
    annotations
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn set_annotation(object: &mut Value, name: &str, value: &str) {
    let annotations =
        object::metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
    object::set_field(annotations, name, value);
}

/// Keeps the annotations of the newest set and the Deployment's revision up to date. True if something was written.
fn sync_annotations(
    kubernetes: &mut Kubernetes,
    deployment: &Value,
    new: &Arc<Stored>,
    old: &[&Arc<Stored>],
    now: Timestamp,
) -> bool {
    let mut set = new.object.clone();
    for (name, value) in copied_annotations(deployment) {
        set_annotation(&mut set, &name, value.as_str().unwrap_or_default());
    }
    let revision = rollout::revision(&new.object);
    let wanted = rollout::max_revision(old) + 1;
    if revision < wanted {
        set_annotation(&mut set, REVISION, &wanted.to_string());
        if revision > 0 {
            let history = "deployment.kubernetes.io/revision-history";
            let before = rollout::annotation(&new.object, history).unwrap_or_default();
            let all = if before.is_empty() {
                revision.to_string()
            } else {
                format!("{before},{revision}")
            };
            set_annotation(&mut set, history, &all);
        }
    }
    let ready_after = number(deployment, "/spec/minReadySeconds");
    if ready_after != number(&set, "/spec/minReadySeconds")
        && let Some(spec) = set.get_mut("spec")
    {
        object::set_field(spec, "minReadySeconds", ready_after);
    }
    if set != new.object {
        return write(kubernetes, kind("replicasets"), "", &set, &manager(now));
    }
    let mut deployment = deployment.clone();
    let revision = rollout::annotation(&new.object, REVISION).unwrap_or_default().to_owned();
    let mut changed = rollout::annotation(&deployment, REVISION) != Some(revision.as_str());
    set_annotation(&mut deployment, REVISION, &revision);
    if rollout::condition(&deployment, "Progressing").is_none() {
        let message = format!("Found new replica set {:?}", object::name(&new.object));
        rollout::progress(&mut deployment, "True", "FoundNewReplicaSet", &message, now);
        changed = true;
    }
    changed && write(kubernetes, kind("deployments"), "status", &deployment, &manager(now))
}

/// Old sets without pods are kept up to a limit.
fn clean_up(kubernetes: &mut Kubernetes, deployment: &Value, old: &[&Arc<Stored>], now: Timestamp) {
    let alive: Vec<&&Arc<Stored>> =
        old.iter().filter(|set| !object::is_deleting(&set.object)).collect();
    let limit = usize::try_from(number(deployment, "/spec/revisionHistoryLimit")).unwrap_or(0);
    let surplus = alive.len().saturating_sub(limit);
    let mut by_revision = alive;
    by_revision.sort_by_key(|set| rollout::revision(&set.object));
    for set in by_revision.into_iter().take(surplus) {
        let object = &set.object;
        let is_empty =
            number(object, "/status/replicas") == 0 && number(object, "/spec/replicas") == 0;
        if is_empty && object::generation(object) <= number(object, "/status/observedGeneration") {
            let (namespace, name) = (object::namespace(object), object::name(object));
            drop(kubernetes.delete(
                kind("replicasets"),
                namespace,
                name,
                &DeleteOptions::default(),
                &manager(now),
            ));
        }
    }
}

/// When the progress deadline of a condition that was updated at this time is over.
pub(super) fn deadline_of(updated: &str, seconds: i64) -> Option<Timestamp> {
    Some(time::parse(updated)? + SignedDuration::from_secs(seconds))
}
