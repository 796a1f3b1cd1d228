//! Opening a watch.

use std::sync::Arc;

use serde_json::Value;

use crate::api_server::Kubernetes;
use crate::api_server::refusal::{Fault, FieldFault, Refusal};
use crate::api_server::representation::Representation;
use crate::api_server::request::{Answer, Body, Query, Request, Target};
use crate::api_server::selector::Selector;
use crate::api_server::watch::Watch;

impl Kubernetes {
    pub(in crate::api_server) fn watch_request(
        &mut self,
        request: &Request,
        target: &Target,
    ) -> Result<Answer, Refusal> {
        let query = request.query();
        check_watch_options(&query)?;
        let mut fields = query.get("fieldSelector").to_owned();
        if !target.name.is_empty() && fields.is_empty() {
            fields = format!("metadata.name={}", target.name);
        }
        let selector = Selector::parse(&target.kind, query.get("labelSelector"), &fields)?;
        let from = query.get("resourceVersion");
        let Ok(from_version) = (if from.is_empty() { Ok(0) } else { from.parse::<u64>() }) else {
            return Err(Refusal::new(500, "", super::read::not_a_version(from)));
        };
        let watch = Watch {
            kind: Arc::clone(&target.kind),
            namespace: target.namespace.clone(),
            selector,
            representation: Representation::of(&request.accept),
            bookmarks: query.flag("allowWatchBookmarks"),
        };
        // Without a version the watch begins with what is there.
        let initial_events = match query.get("sendInitialEvents") {
            "" => from_version == 0,
            text => matches!(text, "true" | "1"),
        };
        let id = self.watches.open(watch.clone());
        let storage = &target.kind.storage;
        if initial_events {
            for stored in self.store.list(storage, &target.namespace) {
                if let Some(line) = watch.initial(&stored) {
                    self.watches.push(id, line);
                }
            }
            self.watches.bookmark(id, self.store.version(), true);
        } else {
            match self.store.changes_after(storage, from_version) {
                Ok(changes) => {
                    for line in changes.iter().filter_map(|change| watch.line(change)) {
                        self.watches.push(id, line);
                    }
                }
                Err(oldest) => {
                    let refusal = Refusal::expired(format!(
                        "too old resource version: {from_version} ({oldest})"
                    ));
                    self.watches.fail(id, &refusal);
                }
            }
        }
        Ok(Answer { code: 200, body: Body::Watch(id), retry_after: None })
    }
}

fn check_watch_options(query: &Query) -> Result<(), Refusal> {
    let (matching, initial) = (query.get("resourceVersionMatch"), query.get("sendInitialEvents"));
    let mut faults = Vec::new();
    let forbidden = |detail: &str| FieldFault::forbidden("resourceVersionMatch", detail);
    if !initial.is_empty() && matching != "NotOlderThan" {
        faults.push(forbidden(
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    if !matching.is_empty() {
        if initial.is_empty() {
            faults.push(forbidden(
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if matching != "NotOlderThan" {
            let detail = "supported values: \"NotOlderThan\"";
            faults.push(FieldFault::new(
                Fault::NotSupported,
                "resourceVersionMatch",
                Value::from(matching),
                detail,
            ));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Refusal::invalid("meta.k8s.io", "ListOptions", "", &faults))
    }
}
