//! Scripts of an operator's writes.

use e2e::audit::Request;

use super::*;
use crate::writes::tests::{SUBJECT, deployment, request};
use crate::writes::{self};

fn versions() -> Vec<Value> {
    let finalizers = json!(["flinkdeployments.flink.apache.org/finalizer"]);
    let status = |state: &str| json!({"reconciliationStatus": {"state": state, "stamp": 1}});
    vec![
        json!({"metadata": {"name": "app", "resourceVersion": "1"}}),
        json!({"metadata": {"name": "app", "resourceVersion": "2", "finalizers": finalizers}}),
        json!({"metadata": {"name": "app", "finalizers": finalizers}, "status": status("UPGRADING")}),
        json!({"metadata": {"name": "app", "finalizers": finalizers}, "status": status("DEPLOYED")}),
    ]
}

fn objects() -> Vec<(&'static Kind, Value)> {
    let find = |plural: &str| KINDS.iter().find(|kind| kind.plural == plural).unwrap();
    let object = |name: &str, spec: Value| {
        json!({
            "metadata": {
                "name": name, "namespace": "ns", "uid": "u", "resourceVersion": "9",
                "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [],
                "labels": {"app": "app"},
                "annotations": {"deployment.kubernetes.io/revision": "1", "kept": "yes"},
            },
            "spec": spec,
            "status": {"replicas": 1},
        })
    };
    vec![
        (find("deployments"), object("app", json!({"replicas": 1, "paused": false}))),
        (
            find("services"),
            object("app-rest", json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]})),
        ),
        (find("configmaps"), json!({"metadata": {"name": "flink-config-app"}, "data": {"a": "b"}})),
        (find("events"), json!({"metadata": {"name": "app.1"}, "reason": "Submit"})),
    ]
}

fn script(requests: &[Request], versions: &[Value]) -> anyhow::Result<Script> {
    let writes = writes::all(requests, &SUBJECT)?;
    Script::of(&writes, &Found { versions, objects: &objects() })
}

fn shown(script: &Script) -> Vec<Vec<String>> {
    let step = |step: &Step| match step {
        Step::PatchMetadata(_) => "metadata".to_owned(),
        Step::PatchStatus(_) => "status".to_owned(),
        Step::Create { kind, .. } => kind.kind.to_owned(),
    };
    script.groups.iter().map(|group| group.iter().map(step).collect()).collect()
}

#[test]
fn writes_are_repeated_in_their_order_and_side_by_side_where_they_were() {
    let script = script(&deployment(), &versions()).unwrap();
    let expected: [&[&str]; 5] =
        [&["metadata"], &["status"], &["Deployment"], &["Service", "ConfigMap"], &["status"]];
    assert_eq!(shown(&script), expected, "what comes after the last version is left out");
    assert_eq!(script.writes_to_deployment(), 3);
    assert_eq!(script.left_out, Vec::<String>::new());
}

#[test]
fn events_between_are_repeated_too() {
    let mut requests = deployment();
    requests.push(request("create", "events", "app.1", 16_500, 16_600));
    let script = script(&requests, &versions()).unwrap();
    assert_eq!(shown(&script)[4..], [vec!["Event"], vec!["status"]]);
}

#[test]
fn bodies_are_what_was_sent() {
    let script = script(&deployment(), &versions()).unwrap();
    let steps: Vec<&Step> = script.groups.iter().flatten().collect();
    let finalizers = json!(["flinkdeployments.flink.apache.org/finalizer"]);
    assert_eq!(*steps[0], Step::PatchMetadata(json!({"metadata": {"finalizers": finalizers}})));
    assert_eq!(
        *steps[5],
        Step::PatchStatus(
            json!({"metadata": {}, "status": {"reconciliationStatus": {"state": "DEPLOYED"}}})
        )
    );
    let Step::Create { body, .. } = steps[2] else { panic!("{:?}", steps[2]) };
    assert_eq!(
        *body,
        json!({
            "metadata": {
                "name": "app", "namespace": "ns", "labels": {"app": "app"}, "annotations": {"kept": "yes"},
            },
            "spec": {"replicas": 0, "paused": false},
            "apiVersion": "apps/v1",
            "kind": "Deployment",
        })
    );
    let Step::Create { body, .. } = steps[3] else { panic!("{:?}", steps[3]) };
    assert_eq!(body["spec"], json!({}), "the API server gives addresses");
}

#[test]
fn write_that_changed_nothing_is_an_error() {
    let mut requests = deployment();
    requests.push(request("patch", "flinkdeployments/status", "app", 9_200, 9_300));
    requests.push(request("patch", "flinkdeployments/status", "app", 9_400, 9_500));
    let mut versions = versions();
    versions.push(versions[3].clone());
    let error = script(&requests, &versions).unwrap_err().to_string();
    assert!(error.contains("does not fit the change"), "{error}");
    let error = script(&requests[..4], &versions).unwrap_err().to_string();
    assert_eq!(error, "the resource changed more often than the operator wrote it");
}

#[test]
fn what_cannot_be_repeated_is_an_error_before_the_deployment_and_a_note_after_it() {
    let mut requests = deployment();
    requests.push(request("delete", "pods", "app-1", 16_500, 16_600));
    assert_eq!(script(&requests, &versions()).unwrap().left_out, ["delete pods app-1"]);
    requests.push(request("create", "ingresses", "app", 9_500, 9_600));
    let error = script(&requests, &versions()).unwrap_err().to_string();
    assert_eq!(error, "create ingresses app: this write before the Deployment cannot be repeated");
}

#[test]
fn differences_lead_from_one_object_to_the_other() {
    let cases = [
        (json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"b": {"c": 2, "d": 4}, "e": [1]})),
        (json!({}), json!({"a": {"b": "c"}})),
        (json!({"a": [1, 2]}), json!({"a": [2]})),
        (json!({"a": {"b": 1}}), json!({"a": "text"})),
    ];
    for (before, after) in cases {
        let mut patched = before.clone();
        json_patch::merge(&mut patched, &difference(&before, &after).unwrap());
        assert_eq!(patched, after);
        assert_eq!(difference(&after, &after), None);
    }
}
