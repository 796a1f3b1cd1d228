//! Watches, and their events in a form that can be compared.

use std::time::Duration;

use serde_json::{Value, json};

use crate::normal::{Names, hide_controller};
use crate::operation::{Operation, Resource, Shown};
use crate::send::METADATA;
use crate::side::{Event, Side};

/// The events of a watch in the common form: by the operation that they belong to, then by object, for the order in
/// which controllers get to different objects is theirs.
pub fn events(names: &Names, resource: Resource, events: &[Event]) -> Vec<Value> {
    let is_deployment = resource == Resource::Deployments;
    let mut normal: Vec<(String, String, Value)> = Vec::new();
    for (kind, object) in events {
        let mut body = names.normal(object);
        if kind == "ERROR" || kind == "REFUSED" {
            normal.push((
                String::new(),
                String::new(),
                json!([kind, names.answer(0, object, None)]),
            ));
            continue;
        }
        if kind == "BOOKMARK" {
            if body.pointer("/metadata/annotations").is_some() {
                body["metadata"]["resourceVersion"] = json!("<latest>");
                normal.push(("~".to_owned(), String::new(), json!([kind, body])));
            }
            continue;
        }
        let text = |pointer: &str| {
            body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (version, name) = (text("/metadata/resourceVersion"), text("/metadata/name"));
        if is_deployment {
            hide_controller(&mut body);
        }
        normal.push((version, name, json!([kind, body])));
    }
    normal.sort_by(|one, two| (order(&one.0), &one.1).cmp(&(order(&two.0), &two.1)));
    let mut normal: Vec<Value> = normal.into_iter().map(|(_, _, event)| event).collect();
    // What is left when the controller's part is hidden says nothing new.
    normal.dedup_by(|later, earlier| {
        is_deployment && later[0] == "MODIFIED" && earlier[1] == later[1]
    });
    normal
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
