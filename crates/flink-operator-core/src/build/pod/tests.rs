//! Tests of pods that the golden data does not cover.

use serde_json::{Value, json};

use super::*;

fn pod(template: Value) -> Pod {
    Pod::from_template(Some(template)).unwrap()
}

fn main_container(pod: Pod) -> Value {
    let template = pod.into_template();
    template["spec"]["containers"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn without_a_template_the_pod_has_an_empty_main_container() {
    for template in [None, Some(Value::Null), Some(json!({})), Some(json!({ "spec": null }))] {
        let pod = Pod::from_template(template).unwrap();
        assert_eq!(pod.into_template(), json!({ "metadata": {}, "spec": { "containers": [{}] } }));
    }
}

#[test]
fn the_main_container_comes_last_and_the_others_keep_their_order() {
    let template = json!({ "spec": {
        "containers": [
            { "name": "a" },
            { "name": MAIN_CONTAINER, "workingDir": "/w" },
            { "name": "b" },
        ],
        "initContainers": [{ "name": "i" }, { "name": "j" }],
    } });
    let spec = pod(template).into_template()["spec"].clone();
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&spec["containers"]), ["a", "b", MAIN_CONTAINER]);
    assert_eq!(names(&spec["initContainers"]), ["i", "j"]);
    assert_eq!(spec["containers"][2]["workingDir"], "/w");
}

#[test]
fn the_last_of_two_main_containers_is_used() {
    let template = json!({ "spec": { "containers": [
        { "name": MAIN_CONTAINER, "workingDir": "/first" },
        { "name": MAIN_CONTAINER, "workingDir": "/last" },
    ] } });
    let spec = pod(template).into_template()["spec"].clone();
    assert_eq!(spec["containers"], json!([{ "name": MAIN_CONTAINER, "workingDir": "/last" }]));
}

#[test]
fn fields_that_are_not_changed_are_kept_even_unknown_ones() {
    let template = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "n", "finalizers": ["f"] },
        "spec": {
            "restartPolicy": "Never",
            "affinity": { "podAntiAffinity": {} },
            "ofAFutureKubernetes": [1, { "deep": null }],
            "containers": [{
                "name": MAIN_CONTAINER,
                "livenessProbe": { "periodSeconds": 5 },
                "resources": { "claims": [{ "name": "c" }] },
                "alsoNew": true,
            }],
        },
    });
    let out = pod(template.clone()).into_template();
    assert_eq!(out["metadata"], template["metadata"]);
    assert_eq!(out["spec"], template["spec"]);
}

#[test]
fn duplicates_in_lists_are_kept() {
    let mut pod = pod(json!({ "spec": {
        "volumes": [{ "name": "v", "emptyDir": {} }],
        "containers": [{
            "name": MAIN_CONTAINER,
            "env": [{ "name": "E", "value": "template" }],
            "ports": [{ "name": "rest", "containerPort": 1 }],
            "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
        }],
    } }));
    pod.mount("v", ("emptyDir", json!({})), "/v");
    pod.main.add_env("E", "configuration");
    pod.main.ports.push(json!({ "name": "rest", "containerPort": 8081 }));
    let volumes = pod.volumes.clone();
    let main = main_container(pod);
    assert_eq!(
        volumes,
        [json!({ "name": "v", "emptyDir": {} }), json!({ "name": "v", "emptyDir": {} })]
    );
    assert_eq!(
        main["env"],
        json!([{ "name": "E", "value": "template" }, { "name": "E", "value": "configuration" }])
    );
    assert_eq!(main["ports"].as_array().unwrap().len(), 2);
    assert_eq!(main["volumeMounts"].as_array().unwrap().len(), 2);
}

#[test]
fn numbers_in_maps_and_quantities_become_strings_in_every_container() {
    let template = json!({
        "metadata": { "labels": { "level": 2, "on": true } },
        "spec": {
            "nodeSelector": { "n": 1 },
            "initContainers": [{ "name": "i", "resources": { "limits": { "cpu": 1 } } }],
            "containers": [
                { "name": "s", "resources": { "requests": { "cpu": 0.5 } } },
                { "name": MAIN_CONTAINER, "resources": { "limits": { "gpu": 1 } } },
            ],
        },
    });
    let out = pod(template).into_template();
    assert_eq!(out["metadata"]["labels"], json!({ "level": "2", "on": "true" }));
    assert_eq!(out["spec"]["nodeSelector"], json!({ "n": "1" }));
    assert_eq!(out["spec"]["initContainers"][0]["resources"]["limits"]["cpu"], "1");
    assert_eq!(out["spec"]["containers"][0]["resources"]["requests"]["cpu"], "0.5");
    assert_eq!(out["spec"]["containers"][1]["resources"]["limits"]["gpu"], "1");
}

#[test]
fn the_error_for_a_field_of_the_wrong_type_names_field_value_and_allowed_type() {
    let main = |field: &str, value: Value| json!({ "spec": { "containers": [{ "name": MAIN_CONTAINER, field: value }] } });
    let cases = [
        (json!("pod"), "the template is the text \"pod\"; allowed is an object"),
        (json!([]), "the template is the list []; allowed is an object"),
        (json!({ "metadata": 1 }), "metadata is the number 1; allowed is an object"),
        (json!({ "spec": "x" }), "spec is the text \"x\"; allowed is an object"),
        (
            json!({ "spec": { "containers": "x" } }),
            "spec.containers is the text \"x\"; allowed is a list",
        ),
        (
            json!({ "spec": { "containers": [{ "name": "a" }, "x"] } }),
            "spec.containers[1] is the text \"x\"; allowed is an object",
        ),
        (
            json!({ "spec": { "containers": [{ "name": 7 }] } }),
            "spec.containers[0].name is the number 7; allowed is a text",
        ),
        (
            json!({ "spec": { "containers": [{ "resources": { "limits": { "cpu": [] } } }] } }),
            "spec.containers[0].resources.limits.cpu is the list []; allowed is a text",
        ),
        (
            json!({ "spec": { "initContainers": [null] } }),
            "spec.initContainers[0] is null; allowed is an object",
        ),
        (
            json!({ "spec": { "volumes": { "name": "v" } } }),
            "spec.volumes is the object {\"name\":\"v\"}; allowed is a list",
        ),
        (
            json!({ "spec": { "serviceAccountName": true } }),
            "spec.serviceAccountName is the boolean true; allowed is a text",
        ),
        (
            json!({ "metadata": { "labels": { "l": null } } }),
            "metadata.labels.l is null; allowed is a text",
        ),
        (
            main("env", json!("E=1")),
            "spec.containers[0].env is the text \"E=1\"; allowed is a list",
        ),
        (main("image", json!(1)), "spec.containers[0].image is the number 1; allowed is a text"),
        (
            main("resources", json!([1])),
            "spec.containers[0].resources is the list [1]; allowed is an object",
        ),
    ];
    for (template, expected) in cases {
        let error = Pod::from_template(Some(template.clone())).unwrap_err();
        assert_eq!(error.to_string(), expected, "{template}");
    }
}

#[test]
fn a_long_value_is_cut_off_in_the_message() {
    let error = Pod::from_template(Some(json!("ä".repeat(10_000)))).unwrap_err().to_string();
    assert!(error.chars().count() < 150 && error.contains('…'), "{error}");
}
