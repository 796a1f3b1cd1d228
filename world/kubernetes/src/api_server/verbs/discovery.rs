//! What is not about objects: the version, health, and which kinds there are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api_server::kind::{Kind, Kinds};
use crate::api_server::refusal::Refusal;
use crate::api_server::request::{Answer, Body, Request};

/// The version that the simulated server says it is: that of the real one in the conformance test.
pub const VERSION: &str = "v1.34.10";

pub(in crate::api_server) fn answer(request: &Request) -> Result<Answer, Refusal> {
    let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["healthz" | "livez" | "readyz", ..]) => {
            Ok(Answer { code: 200, body: Body::Text("ok"), retry_after: None })
        }
        ("GET", ["version"]) => Ok(Answer::json(200, &version())),
        ("GET", ["api"]) => {
            Ok(Answer::json(200, &json!({"kind": "APIVersions", "versions": ["v1"]})))
        }
        ("GET", ["api", version]) => resources("", version),
        ("GET", ["apis"]) => Ok(Answer::json(200, &groups())),
        ("GET", ["apis", group]) => {
            let found = all_groups().remove(*group).ok_or_else(Refusal::no_such_page)?;
            Ok(Answer::json(200, &found))
        }
        ("GET", ["apis", group, version]) => resources(group, version),
        _ => Err(Refusal::no_such_page()),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "", "buildDate": "",
        "goVersion": "", "compiler": "", "platform": "",
    })
}

fn all_groups() -> BTreeMap<String, Value> {
    let mut groups = BTreeMap::new();
    for kind in Kinds::known().all().iter().filter(|kind| !kind.group.is_empty()) {
        let version = json!({"groupVersion": kind.api_version(), "version": kind.version});
        let group = json!({
            "kind": "APIGroup", "apiVersion": "v1", "name": kind.group, "versions": [version], "preferredVersion": version,
        });
        groups.insert(kind.group.clone(), group);
    }
    groups
}

fn groups() -> Value {
    let groups: Vec<Value> = all_groups().into_values().collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn resources(group: &str, version: &str) -> Result<Answer, Refusal> {
    let kinds: Vec<&Kind> = Kinds::known()
        .all()
        .iter()
        .map(|kind| &**kind)
        .filter(|kind| kind.group == group && kind.version == version)
        .collect();
    let first = kinds.first().ok_or_else(Refusal::no_such_page)?;
    let api_version = first.api_version();
    let resources: Vec<Value> = kinds.into_iter().flat_map(of_kind).collect();
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources});
    Ok(Answer::json(200, &list))
}

fn of_kind(kind: &Kind) -> Vec<Value> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let mut resources = vec![json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs,
    })];
    if kind.status {
        resources.push(json!({
            "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": ["get", "patch", "update"],
        }));
    }
    resources
}
