//! The end of a namespace: first everything in it, then itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{kind, manager, target};
use crate::api_server::kind::Kinds;
use crate::api_server::verbs::DeleteOptions;
use crate::api_server::{Kubernetes, object};

/// What has finalizers may take longer: the namespace is looked at again after this time.
const AGAIN: Duration = Duration::from_secs(5);

/// Deletes what is in a namespace that is being deleted, and the namespace when it is empty. When to look again.
pub(super) fn empty(kubernetes: &mut Kubernetes, name: &str, now: Timestamp) -> Option<Duration> {
    let namespaces = kind("namespaces");
    let namespace = kubernetes.stored(namespaces, "", name).cloned()?;
    if !object::is_deleting(&namespace.object) {
        return None;
    }
    let mut left = false;
    for kind in Kinds::known().all().iter().filter(|kind| kind.namespaced) {
        for stored in kubernetes.stored_list(kind, name) {
            if !object::is_deleting(&stored.object) {
                let name_of = object::name(&stored.object);
                drop(kubernetes.delete(
                    kind,
                    name,
                    name_of,
                    &DeleteOptions::default(),
                    &manager(now),
                ));
            }
        }
        left |= !kubernetes.stored_list(kind, name).is_empty();
    }
    if left {
        return Some(AGAIN);
    }
    let mut finalized = namespace.object.clone();
    object::set_field(&mut finalized, "spec", json!({"finalizers": []}));
    drop(kubernetes.update(
        &target(namespaces, &finalized, "finalize"),
        finalized.clone(),
        &manager(now),
    ));
    None
}
