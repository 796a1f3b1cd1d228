//! Each check with a pod that it refuses, and pods that the API server accepts.

use serde_json::{Value, json};

use super::*;

/// A pod that is accepted.
fn base() -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {
        "containers": [{"name": "a", "image": "i"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }})
}

fn merged(patch: &Value) -> Value {
    fn apply(target: &mut Value, patch: &Value) {
        match (target, patch) {
            (Value::Object(target), Value::Object(patch)) => {
                for (field, value) in patch {
                    apply(target.entry(field).or_insert(Value::Null), value);
                }
            }
            (target, patch) => *target = patch.clone(),
        }
    }
    let mut pod = base();
    apply(&mut pod, patch);
    pod
}

/// The paths that are refused.
#[track_caller]
fn check(patch: &Value, expected: &[&str]) {
    let checked = check_pod(&merged(patch), PodOf::Deployment);
    let paths: Vec<&str> = checked.refusals.iter().map(|refusal| refusal.path.as_str()).collect();
    assert_eq!(paths, expected, "{patch}: {:?}", checked.refusals);
}

#[track_caller]
fn container(fields: &Value, expected: &[&str]) {
    let mut container = json!({"name": "a", "image": "i"});
    for (field, value) in fields.as_object().unwrap() {
        container[field] = value.clone();
    }
    let expected: Vec<String> =
        expected.iter().map(|path| format!("spec.containers[a].{path}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&json!({"spec": {"containers": [container]}}), &expected);
}

/// The cases that are compared with a real API server: see `e2e/tests/api_server.rs`.
fn cases() -> Vec<(Value, bool)> {
    let cases: Value =
        serde_json::from_str(include_str!("../../tests/golden/admission.json")).unwrap();
    let case = |case: &Value| {
        (json!({"spec": case["spec"], "metadata": case["metadata"]}), case["accepted"] == true)
    };
    cases.as_array().unwrap().iter().map(case).collect()
}

#[test]
fn pods_are_accepted_or_refused_as_by_the_api_server() {
    for (pod, accepted) in cases() {
        let checked = check_pod(&pod, PodOf::Deployment);
        assert_eq!(checked.refusals.is_empty(), accepted, "{pod}: {:?}", checked.refusals);
    }
    assert!(cases().len() > 60);
}

#[test]
fn a_refusal_names_place_value_problem_and_remedy() {
    let pod = merged(&json!({"spec": {"containers": [{"name": "A", "image": "i"}]}}));
    let refusal = check_pod(&pod, PodOf::Deployment).refusals.pop().unwrap();
    assert_eq!(refusal.path, "spec.containers[A].name");
    assert_eq!(refusal.value.as_deref(), Some("A"));
    assert!(refusal.problem.contains("DNS label") && refusal.remedy.contains("lower-case"));
}

#[test]
fn every_fault_is_found_at_once() {
    check(
        &json!({"spec": {
            "containers": [{"name": "a", "env": [{"value": "1"}]}, {"name": "a", "image": "i"}],
            "volumes": [{"name": "v"}, {"name": "v"}],
            "restartPolicy": "Never",
        }}),
        &[
            "spec.volumes[v]",
            "spec.containers[a].image",
            "spec.containers[a].env[0].name",
            "spec.containers[a]",
            "spec.restartPolicy",
        ],
    );
}

#[test]
fn two_mounts_at_one_path_are_refused() {
    let mounts = json!([{"name": "v", "mountPath": "/m"}, {"name": "v", "mountPath": "/m"}]);
    container(&json!({"volumeMounts": mounts}), &["volumeMounts[v]"]);
    let mounts = json!([{"name": "v", "mountPath": "/m"}, {"name": "w", "mountPath": "/n"}]);
    container(&json!({"volumeMounts": mounts}), &["volumeMounts[w]"]);
}

#[test]
fn a_request_above_its_limit_is_refused() {
    let resources = |request: &str, limit: &str| json!({"resources": {"requests": {"memory": request}, "limits": {"memory": limit}}});
    container(&resources("1Gi", "1Gi"), &[]);
    container(&resources("2Gi", "1024Mi"), &["resources.requests.memory"]);
}

#[test]
fn a_probe_of_a_port_that_the_container_does_not_have_is_a_warning() {
    let probe = json!({"livenessProbe": {"httpGet": {"port": "rest"}}});
    let pod = merged(&json!({"spec": {"containers": [
        {"name": "a", "image": "i", "livenessProbe": probe["livenessProbe"]},
    ]}}));
    let checked = check_pod(&pod, PodOf::Deployment);
    assert_eq!(checked.refusals, []);
    assert_eq!(checked.warnings[0].path, "spec.containers[a].livenessProbe.httpGet.port");
}

#[test]
fn pods_of_task_managers_may_end() {
    let pod = merged(&json!({"spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 9}}));
    assert_eq!(check_pod(&pod, PodOf::JobManager), Checked::default());
    assert_eq!(check_pod(&pod, PodOf::Deployment).refusals.len(), 2);
}

#[test]
fn the_values_of_variables_are_not_repeated() {
    let pod = merged(&json!({"spec": {"containers": [
        {"name": "a", "image": "i", "env": [{"name": "E", "value": 12345}]},
    ]}}));
    let refusals = check_pod(&pod, PodOf::Deployment).refusals;
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].value, None);
}

#[test]
fn a_config_map_of_more_than_a_mebibyte_is_refused() {
    let object = |bytes: usize| {
        check_object(&json!({"kind": "ConfigMap", "data": {"a": "x".repeat(bytes)}}))
    };
    assert_eq!(object(1024 * 1024).refusals, []);
    assert_eq!(object(1024 * 1024 + 1).refusals[0].path, "data");
}
