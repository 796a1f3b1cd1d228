//! Watches, and their events in a form that can be compared.

use std::time::Duration;

use serde_json::{Value, json};

use crate::normal::{Names, hide_controller};
use crate::operation::{Operation, Resource, Shown};
use crate::send::METADATA;
use crate::side::{Event, Side};

/// An event in the common form.
struct Told {
    /// That it belongs to.
    operation: String,
    name: String,
    kind: String,
    body: Value,
    /// The garbage collector had a hand in it.
    collected: bool,
}

/// The events of a watch in the common form: by the operation that they belong to, then by object, for the order in
/// which controllers get to different objects is theirs.
pub fn events(names: &Names, resource: Resource, events: &[Event]) -> Vec<Value> {
    let is_deployment = resource == Resource::Deployments;
    let mut told: Vec<Told> = Vec::new();
    for (kind, object) in events {
        let mut body = names.normal(object);
        let text = |pointer: &str| {
            body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (mut operation, mut name) = (text("/metadata/resourceVersion"), text("/metadata/name"));
        let collected = is_collected(&body);
        match kind.as_str() {
            "ERROR" | "REFUSED" => {
                (operation, name) = (String::new(), String::new());
                body = names.answer(0, object, None);
            }
            "BOOKMARK" if body.pointer("/metadata/annotations").is_none() => continue,
            "BOOKMARK" => {
                (operation, name) = ("~".to_owned(), String::new());
                body["metadata"]["resourceVersion"] = json!("<latest>");
            }
            _ if is_deployment => hide_controller(&mut body),
            _ => {}
        }
        told.push(Told { operation, name, kind: kind.clone(), body, collected });
    }
    told.sort_by(|one, two| {
        (order(&one.operation), &one.name).cmp(&(order(&two.operation), &two.name))
    });
    let same = |one: &Told, two: &Told| one.operation == two.operation && one.name == two.name;
    let mut normal: Vec<Value> = told.chunk_by(same).flat_map(without_steps).collect();
    // What is left when the controller's part is hidden says nothing new.
    normal.dedup_by(|later, earlier| {
        is_deployment && later[0] == "MODIFIED" && earlier[1] == later[1]
    });
    normal
}

/// Whether the garbage collector changed owners or finalizers of the object.
fn is_collected(object: &Value) -> bool {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        let fields = &entry["fieldsV1"]["f:metadata"];
        entry["manager"] == "kube-controller-manager"
            && ["f:ownerReferences", "f:finalizers"].iter().any(|name| fields.get(name).is_some())
    })
}

/// What was told of an object in an operation. In how many steps the garbage collector deletes an object whose owners
/// go at the same time is a race: that it goes is what counts.
fn without_steps(told: &[Told]) -> Vec<Value> {
    let whole = |told: &Told| json!([told.kind, told.body]);
    let is_deleted = told.last().is_some_and(|last| last.kind == "DELETED");
    if !is_deleted || !told.iter().any(|told| told.collected) {
        return told.iter().map(whole).collect();
    }
    let is_step =
        |told: &&Told| told.collected || told.body.pointer("/metadata/deletionTimestamp").is_some();
    let mut shown: Vec<Value> = told.iter().take_while(|told| !is_step(told)).map(whole).collect();
    shown.extend(told.last().map(|last| {
        let mut body = last.body.clone();
        if let Some(metadata) = body["metadata"].as_object_mut() {
            metadata.retain(|name, _| {
                !matches!(
                    name.as_str(),
                    "finalizers"
                        | "deletionTimestamp"
                        | "deletionGracePeriodSeconds"
                        | "ownerReferences"
                        | "managedFields"
                        | "generation"
                )
            });
        }
        json!([last.kind, body])
    }));
    shown
}

fn order(version: &str) -> (usize, String) {
    let number = version
        .trim_start_matches("<operation ")
        .trim_end_matches('>')
        .parse()
        .unwrap_or(usize::MAX);
    (number, version.to_owned())
}

pub fn open_watch(
    side: &Side,
    operation: &Operation,
    patience: Duration,
    enough: &dyn Fn(&[Event]) -> bool,
) -> (u16, Vec<Event>) {
    let version;
    let (resource, query) = match operation {
        Operation::Watch { resource, labels, back, shown } => {
            version = side.end_of(*back);
            let accept = if *shown == Shown::Metadata { METADATA } else { "application/json" };
            let query = vec![
                ("resourceVersion", &*version),
                ("labelSelector", labels),
                ("$accept", accept),
            ];
            (resource, query)
        }
        Operation::WatchFromNothing { resource, labels } => {
            let query = vec![
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
                ("allowWatchBookmarks", "true"),
                ("labelSelector", labels),
            ];
            (resource, query)
        }
        other => unreachable!("{other} is no watch"),
    };
    let always = [("watch", "true"), ("timeoutSeconds", "60")];
    let query: Vec<(&str, &str)> = always.into_iter().chain(query).collect();
    side.watch(&resource.address(&side.namespace), &query, patience, enough)
}
