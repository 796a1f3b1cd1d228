//! Random sequences of operations.

use serde_json::{Value, json};
use simulated_kubernetes::chance::Chance;

use crate::changes;
use crate::content::{self, MANAGERS, NAMES, one};
use crate::operation::{At, Base, Operation, Resource, Shown, Uid, Version};

/// A sequence of operations from a seed.
pub fn sequence(seed: u64, operations: usize) -> Vec<Operation> {
    let mut chance = Chance::new(seed).fork("sequence");
    // Few kinds in each sequence, so that operations meet.
    let mut kinds = vec![Resource::ConfigMaps];
    for (resource, percent) in [
        (Resource::FlinkDeployments, 60),
        (Resource::Deployments, 30),
        (Resource::FlinkBlueGreenDeployments, 20),
        (Resource::FlinkSessionJobs, 20),
        (Resource::FlinkStateSnapshots, 20),
    ] {
        if chance.percent(percent) {
            kinds.push(resource);
        }
    }
    (0..operations).map(|_| operation(&mut chance, &kinds)).collect()
}

fn operation(chance: &mut Chance, kinds: &[Resource]) -> Operation {
    let resource = one(chance, kinds);
    let name = one(chance, &NAMES);
    let manager = one(chance, &MANAGERS);
    let labels = one(
        chance,
        &["", "", "tier=x", "tier in (x,y)", "tier!=x", "!tier", "tier,app", "tier notin (z)"],
    );
    let shown = if chance.percent(85) { Shown::Whole } else { Shown::Metadata };
    match chance.below(100) {
        0..22 => create(chance, resource, manager),
        22..30 => {
            let choices = subresources(resource);
            Operation::Get {
                resource,
                name,
                subresource: if chance.percent(80) { "" } else { one(chance, choices) },
                shown,
            }
        }
        30..37 => list(chance, resource, labels, shown),
        37..40 => Operation::Continue { resource },
        40..52 => replace(chance, resource, name, manager),
        52..66 => patch(chance, resource, name, manager),
        66..80 => apply(chance, resource, name, manager),
        80..90 => Operation::Delete {
            resource,
            name,
            policy: one(
                chance,
                &[
                    None,
                    None,
                    Some("Background"),
                    Some("Foreground"),
                    Some("Orphan"),
                    Some("Sideways"),
                ],
            ),
            uid: one(chance, &[Uid::None, Uid::None, Uid::Current, Uid::Wrong]),
            version: one(
                chance,
                &[Version::None, Version::None, Version::None, Version::Current, Version::Stale],
            ),
        },
        90..92 => Operation::DeleteCollection {
            resource,
            labels: one(chance, &["tier=x", "tier in (x,y)", "app=a"]),
            policy: one(chance, &[None, Some("Foreground"), Some("Orphan")]),
        },
        92..98 => {
            let back = usize::try_from(chance.below(20)).unwrap_or(0);
            Operation::Watch { resource, labels, back, shown }
        }
        _ => Operation::WatchFromNothing { resource, labels },
    }
}

fn subresources(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::ConfigMaps => &[""],
        Resource::Deployments
        | Resource::FlinkDeployments
        | Resource::FlinkBlueGreenDeployments
        | Resource::FlinkSessionJobs
        | Resource::FlinkStateSnapshots => &["", "status"],
    }
}

fn subresource(chance: &mut Chance, resource: Resource) -> &'static str {
    if chance.percent(60) { "" } else { one(chance, subresources(resource)) }
}

fn create(chance: &mut Chance, resource: Resource, manager: &'static str) -> Operation {
    let name = one(chance, &NAMES);
    let name = match chance.below(100) {
        0..2 => Some("Bad_Name"),
        2..4 => None,
        _ => Some(name),
    };
    let mut object = content::object(chance, resource, name);
    if chance.percent(3) {
        object["apiVersion"] = json!("example.com/v9");
    }
    if chance.percent(3) {
        object["metadata"]["resourceVersion"] = json!("5");
    }
    if chance.percent(3) {
        object["metadata"]["uid"] = json!("00000000-0000-4000-8000-00000000000a");
    }
    Operation::Create { resource, object, manager, strict: chance.percent(10) }
}

fn list(chance: &mut Chance, resource: Resource, labels: &'static str, shown: Shown) -> Operation {
    let fields = one(chance, &["", "", "", "metadata.name=a", "metadata.name!=a", "data.k1=1"]);
    let limit = one(chance, &[0, 0, 1, 2]);
    let at = match chance.below(10) {
        0..2 => At::Exact { back: usize::try_from(chance.below(15)).unwrap_or(0) },
        2 => At::NotOlder,
        _ => At::Latest,
    };
    Operation::List { resource, labels, fields, limit, at, shown }
}

fn replace(
    chance: &mut Chance,
    resource: Resource,
    name: &'static str,
    manager: &'static str,
) -> Operation {
    let subresource = subresource(chance, resource);
    let base = if chance.percent(75) {
        Base::LastSeen
    } else {
        Base::New(content::object(chance, resource, Some(name)))
    };
    let written =
        if chance.percent(15) { json!({}) } else { changes::change(chance, resource, subresource) };
    Operation::Replace {
        resource,
        name,
        subresource,
        base,
        change: written,
        version: one(
            chance,
            &[Version::Current, Version::Current, Version::Current, Version::None, Version::Stale],
        ),
        uid: one(chance, &[Uid::Current, Uid::Current, Uid::None, Uid::Wrong]),
        manager,
    }
}

fn patch(
    chance: &mut Chance,
    resource: Resource,
    name: &'static str,
    manager: &'static str,
) -> Operation {
    let subresource = subresource(chance, resource);
    let patch: Value = if chance.percent(30) && subresource.is_empty() {
        changes::json_patch(chance, resource)
    } else {
        changes::change(chance, resource, subresource)
    };
    let version = one(
        chance,
        &[Version::None, Version::None, Version::None, Version::Current, Version::Stale],
    );
    Operation::Patch { resource, name, subresource, patch, version, manager }
}

fn apply(
    chance: &mut Chance,
    resource: Resource,
    name: &'static str,
    manager: &'static str,
) -> Operation {
    let subresource =
        if chance.percent(80) || resource == Resource::ConfigMaps { "" } else { "status" };
    let manager = if manager.is_empty() && chance.percent(90) { "one" } else { manager };
    Operation::Apply {
        resource,
        name,
        subresource,
        config: changes::config(chance, resource, name, subresource),
        manager,
        force: chance.percent(40),
        version: one(
            chance,
            &[
                Version::None,
                Version::None,
                Version::None,
                Version::None,
                Version::Current,
                Version::Stale,
            ],
        ),
    }
}
