//! Who owns the number of replicas, as the scale subresource sees it: the field has another name there, and its owners
//! another version.

use std::collections::btree_map::Entry;

use super::{FieldSet, Managed, Manager, Operation, Owned};

/// The version of Scale.
pub(in crate::api_server) const SCALE_VERSION: &str = "autoscaling/v1";

fn in_scale() -> FieldSet {
    FieldSet::of(&[&["spec", "replicas"]])
}

/// The owners of the number of replicas (`path` in the object) as the owners of that in its Scale.
pub(in crate::api_server) fn to_scale(managed: &Managed, path: &FieldSet) -> Managed {
    let mut scale = Managed::default();
    for (manager, owned) in &managed.owned {
        if !owned.fields.intersection(path).is_empty() {
            let owned = Owned::new(in_scale(), SCALE_VERSION, owned.time);
            scale.owned.insert(of_version(manager, SCALE_VERSION), owned);
        }
    }
    scale
}

/// Those who apply are the same whatever version they use.
fn of_version(manager: &Manager, version: &str) -> Manager {
    match manager.operation {
        Operation::Apply => manager.clone(),
        Operation::Update => Manager { api_version: version.to_owned(), ..manager.clone() },
    }
}

/// The owners of the object's fields (`managed`) after those of its Scale have become `scale`.
///
/// Those who update are taken for others in the two versions: whoever owned the number of replicas loses it, and gets it
/// back in an entry of its own, without a time. That the entry is a second one of the same manager is how Kubernetes does
/// it; of the two, the next write reads one only.
pub(in crate::api_server) fn to_parent(
    managed: &Managed,
    scale: &Managed,
    path: &FieldSet,
    version: &str,
) -> Managed {
    let mut left = scale.owned.clone();
    let mut parent = Managed::default();
    for (manager, owned) in &managed.owned {
        if owned.api_version != version {
            continue;
        }
        if owned.fields.intersection(path).is_empty() || left.remove(manager).is_some() {
            parent.owned.insert(manager.clone(), owned.clone());
            continue;
        }
        let rest = owned.fields.difference(path);
        if !rest.is_empty() {
            parent.owned.insert(manager.clone(), owned.with(rest));
        }
    }
    for (manager, owned) in left {
        if owned.fields.intersection(&in_scale()).is_empty() {
            continue;
        }
        let time = managed.owned.get(&manager).and_then(|owned| owned.time);
        let owned = Owned::new(path.clone(), version, time);
        match parent.owned.entry(of_version(&manager, version)) {
            Entry::Occupied(first) => parent.seconds.push((first.key().clone(), owned)),
            Entry::Vacant(place) => {
                place.insert(owned);
            }
        }
    }
    parent
}
