//! What the API server would refuse of the objects of a cluster.

use serde_json::{Value, json};

use super::*;
use crate::{build::native, effective};

fn with_template(template: &Value) -> Result<ValidDeployment, Vec<Fault>> {
    validated(&json!({"spec": {"podTemplate": template}}))
}

#[track_caller]
fn check_template(template: &Value, expected: &[&str]) {
    check(&json!({"podTemplate": template}), expected);
}

/// FLINK-15656.
#[test]
fn a_template_whose_only_container_has_another_name_is_refused_with_the_name_that_is_meant() {
    let template = json!({"spec": {
        "containers": [{"name": "flink-sql-container", "volumeMounts": [
            {"name": "scripts", "mountPath": "/opt/flink/usrlib/scripts"},
        ]}],
        "volumes": [{"name": "scripts", "emptyDir": {}}],
    }});
    let faults = with_template(&template).unwrap_err();
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(fault.field, "spec.podTemplate.spec.containers[flink-sql-container].image");
    assert!(fault.remedy.contains("call it flink-main-container"), "{fault}");
}

/// FLINK-28915.
#[test]
fn a_volume_of_the_template_at_the_directory_of_artifacts_is_used_for_them() {
    for path in ["/opt/flink/artifacts", "/opt/flink/artifacts/"] {
        let template = json!({"spec": {
            "containers": [{"name": "flink-main-container", "volumeMounts": [
                {"name": "jars", "mountPath": path},
            ]}],
            "volumes": [{"name": "jars", "emptyDir": {}}],
        }});
        let valid = with_template(&template).unwrap();
        let input = effective::native_input(
            &valid.effective,
            valid.flink_version,
            native::ClusterMode::Session,
            &effective::DeployKeys {
                owner: effective::Owner { name: "o".to_owned(), uid: "u".to_owned() },
                job: None,
            },
            &std::collections::BTreeMap::new(),
        );
        let deployment = native::build(input).unwrap().deployment;
        let text = deployment.to_string();
        assert_eq!(text.matches("/opt/flink/artifacts").count(), 1, "{text}");
        assert!(!text.contains("user-artifacts-volume"), "{text}");
    }
}

#[test]
fn mounts_volumes_and_ports_that_flink_adds_are_taken() {
    let main = |field: &str, value: Value| {
        json!({"spec": {
            "containers": [{"name": "flink-main-container", field: value}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        }})
    };
    let mount = |path: &str| main("volumeMounts", json!([{"name": "v", "mountPath": path}]));
    let mounts = "spec.podTemplate.spec.containers[flink-main-container].volumeMounts";
    check_template(&mount("/opt/flink/conf"), &[&format!("{mounts}[flink-config-volume]")]);
    check_template(&mount("/opt/flink/pod-template"), &[&format!("{mounts}[pod-template-volume]")]);
    check_template(&mount("/opt/flink/log"), &[]);
    let volume = json!({"spec": {"volumes": [{"name": "flink-config-volume", "emptyDir": {}}]}});
    check_template(&volume, &["spec.podTemplate.spec.volumes[flink-config-volume]"]);
    let ports = "spec.podTemplate.spec.containers[flink-main-container].ports";
    for (name, expected) in [
        ("rest", vec![format!("{ports}[rest]")]),
        ("taskmanager-rpc", vec![format!("{ports}[taskmanager-rpc]")]),
        ("metrics", vec![]),
    ] {
        let port = main("ports", json!([{"name": name, "containerPort": 9249}]));
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check_template(&port, &expected);
    }
}

#[test]
fn each_template_is_named_by_its_own_field() {
    let sidecar = |name: &str| json!({"spec": {"containers": [{"name": name}]}});
    check(
        &json!({
            "jobManager": {"podTemplate": sidecar("j")},
            "taskManager": {"podTemplate": sidecar("t")},
        }),
        &[
            "spec.jobManager.podTemplate.spec.containers[j].image",
            "spec.taskManager.podTemplate.spec.containers[t].image",
        ],
    );
    check(
        &json!({"podTemplate": {"spec": {}}, "jobManager": {"podTemplate": sidecar("j")}}),
        &["spec.podTemplate or spec.jobManager.podTemplate.spec.containers[j].image"],
    );
}

#[test]
fn a_policy_that_only_task_managers_have_is_refused_for_the_job_manager() {
    let template = json!({"spec": {"restartPolicy": "Never"}});
    check_template(&template, &["spec.podTemplate.spec.restartPolicy"]);
    check(&json!({"taskManager": {"podTemplate": template}}), &[]);
}

#[test]
fn faults_of_options_name_the_pod_and_the_place() {
    let options = json!({"kubernetes.taskmanager.labels": "team:a b"});
    let faults = validated(&json!({"spec": {"flinkConfiguration": options}})).unwrap_err();
    let text = summary(&faults);
    assert!(text.contains("in the pod of the TaskManager, metadata.labels.team"), "{text}");
    let options = json!({"kubernetes.secrets": "a.b:/secret"});
    // Each process has its own pod with the volume.
    check(&json!({"flinkConfiguration": options}), &["spec.flinkConfiguration"; 2]);
}

#[test]
fn faults_of_pods_come_with_all_others() {
    check(
        &json!({
            "serviceAccount": null,
            "podTemplate": {"spec": {"containers": [{"name": "a"}]}},
        }),
        &["spec.serviceAccount", "spec.podTemplate.spec.containers[a].image"],
    );
}

#[test]
fn a_probe_that_cannot_succeed_is_noted() {
    let probe = json!({"httpGet": {"port": "admin"}});
    let template = json!({"spec": {"containers": [
        {"name": "flink-main-container", "livenessProbe": probe},
    ]}});
    let notes = with_template(&template).unwrap().notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("livenessProbe.httpGet.port is \"admin\""), "{notes:?}");
}

/// In the network of the host no port is declared, so that a probe of the port `rest` would fail for ever.
#[test]
fn the_startup_probe_is_left_out_in_the_network_of_the_host() {
    let options = json!({"kubernetes.hostnetwork.enabled": "true"});
    let valid = validated(&json!({"spec": {"flinkConfiguration": options}})).unwrap();
    assert_eq!(valid.notes, Vec::<String>::new());
}
