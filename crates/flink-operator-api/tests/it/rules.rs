//! The rules that the API server checks: what they refuse and, as important, what they let pass.
//!
//! They run here in the evaluator of the kube project; the tests on a real cluster show that the
//! API server takes them and says the same.

#![expect(clippy::needless_pass_by_value, reason = "it takes what json! makes")]

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use flink_operator_api::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkDeploymentSpec, FlinkSessionJob,
    FlinkSessionJobSpec, FlinkStateSnapshot, RecordedSpec, ResourceMetadata,
};
use kube::core::{CustomResourceExt, cel::Validator};
use serde_json::{Value, json};

/// The schema of a kind for the check of an update or a creation, made once.
fn schema<K: CustomResourceExt>(update: bool) -> Value {
    static SCHEMAS: LazyLock<Mutex<HashMap<(&str, bool), Value>>> = LazyLock::new(Mutex::default);
    let mut schemas = SCHEMAS.lock().unwrap();
    let made = schemas.entry((K::crd_name(), update)).or_insert_with(|| {
        let schema = K::crd().spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.clone();
        // The evaluator has a plain null where the API server has an optional value.
        let text = serde_json::to_string(&schema)
            .unwrap()
            .replace("oldSelf.hasValue()", if update { "true" } else { "false" });
        let mut schema = serde_json::from_str(&text).unwrap();
        forget_pod_templates(&mut schema);
        schema
    });
    made.clone()
}

/// No rule is about them, and they are nearly all of the schema.
fn forget_pod_templates(schema: &mut Value) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    properties.remove("podTemplate");
    properties.values_mut().for_each(forget_pod_templates);
}

/// What the API server would say to `object`, which replaces `old`: `path: message`, in order.
fn refusals<K: CustomResourceExt>(object: &Value, old: Option<&Value>) -> Vec<String> {
    let schema = schema::<K>(old.is_some());
    match Validator::new().validate(&schema, object, old) {
        Ok(()) => Vec::new(),
        Err(errors) => {
            let mut texts: Vec<String> = errors
                .into_iter()
                .map(|error| error.to_string().trim_start_matches('.').to_owned())
                .collect();
            texts.sort();
            texts
        }
    }
}

fn merged(base: &Value, change: &Value) -> Value {
    fn merge(base: &mut Value, change: &Value) {
        match (base, change) {
            (Value::Object(base), Value::Object(change)) => {
                for (name, value) in change {
                    if value.is_null() {
                        base.remove(name);
                    } else {
                        merge(base.entry(name.clone()).or_insert(Value::Null), value);
                    }
                }
            }
            (base, change) => *base = change.clone(),
        }
    }
    let mut result = base.clone();
    merge(&mut result, change);
    result
}

fn deployment() -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": { "name": "basic", "namespace": "default" },
        "spec": {
            "image": "flink:2.2", "flinkVersion": "v2_2", "serviceAccount": "flink",
            "jobManager": { "resource": { "cpu": 1, "memory": "1024m" } },
            "taskManager": { "resource": { "cpu": 1, "memory": "1024m" } },
            "job": { "jarURI": "local:///opt/flink/job.jar", "parallelism": 2 },
        },
    })
}

/// Refusals of a new FlinkDeployment that differs from a good one by `change`.
fn created(change: Value) -> Vec<String> {
    refusals::<FlinkDeployment>(&merged(&deployment(), &change), None)
}

#[track_caller]
fn check_refused(refusals: &[String], path: &str, part: &str) {
    let [refusal] = refusals else { panic!("one refusal was expected: {refusals:?}") };
    assert!(refusal.starts_with(&format!("{path}: ")), "{refusal}");
    assert!(refusal.contains(part), "{refusal}");
}

#[test]
fn good_deployments_pass() {
    let nothing: Vec<String> = Vec::new();
    for change in [
        json!({}),
        json!({ "spec": { "job": null } }),
        json!({ "spec": { "flinkVersion": "v1_20" } }),
        json!({ "spec": { "flinkVersion": "v2_9" } }),
        json!({ "spec": { "flinkVersion": "v1_13" } }),
        json!({ "spec": { "job": { "parallelism": null }, "taskManager": { "replicas": 3 }, "mode": "standalone" } }),
        json!({ "spec": { "job": { "parallelism": 0 }, "taskManager": { "replicas": 3 } } }),
        json!({ "spec": { "jobManager": null, "taskManager": null } }),
        json!({ "spec": { "jobManager": { "replicas": 3 } } }),
        json!({ "spec": { "ingress": { "template": "" } } }),
        json!({ "spec": { "logConfiguration": {} } }),
        json!({ "spec": { "logConfiguration": { "log4j-console.properties": "x", "logback-console.xml": "y" } } }),
        json!({ "metadata": { "name": "a" } }),
        json!({ "metadata": { "name": "a234567890123456789012345678901234567890-2345" } }),
        json!({ "spec": { "job": { "savepointRedeployNonce": 1 } } }),
    ] {
        assert_eq!(created(change.clone()), nothing, "{change}");
    }
}

#[test]
fn a_version_that_is_not_written_like_one_is_refused() {
    for text in ["1.20", "v1.20", "V1_20", "v1_20_1", "2_0", "", "latest", "v1_", "v0_1"] {
        let refusals = created(json!({ "spec": { "flinkVersion": text } }));
        check_refused(
            &refusals,
            "spec.flinkVersion",
            &format!("\"{text}\" is not a version of Flink; write it like v1_20"),
        );
    }
}

#[test]
fn what_a_deployment_needs_is_demanded() {
    let refusals = created(json!({ "spec": { "flinkVersion": null } }));
    check_refused(&refusals, "spec.flinkVersion", "must be set");
    let refusals = created(json!({ "spec": { "serviceAccount": null } }));
    check_refused(&refusals, "spec.serviceAccount", "must be set");
    let refusals = created(json!({ "spec": { "job": { "parallelism": null } } }));
    check_refused(&refusals, "spec.job.parallelism", "must be set");
}

#[test]
fn what_cannot_work_is_refused() {
    let cases = [
        (json!({ "job": { "parallelism": 0 } }), "spec.job.parallelism", "at least 1"),
        (json!({ "jobManager": { "replicas": 0 } }), "spec.jobManager.replicas", "at least 1"),
        (json!({ "taskManager": { "replicas": 0 } }), "spec.taskManager.replicas", "at least 1"),
        (json!({ "ingress": { "className": "nginx" } }), "spec.ingress.template", "must be set"),
        (
            json!({ "logConfiguration": { "log4j.properties": "x" } }),
            "spec.logConfiguration",
            "log4j-console.properties",
        ),
        (
            json!({ "logConfiguration": { "log4j-console.properties": "x", "logback-console.xml": "y", "z": "" } }),
            "spec.logConfiguration",
            "the only keys are",
        ),
    ];
    for (spec, path, part) in cases {
        check_refused(&created(json!({ "spec": spec })), path, part);
    }
}

#[test]
fn requests_and_limits_are_compared_where_flink_and_kubernetes_agree_on_them() {
    let resources = |resources: Value| {
        let job_manager = created(json!({ "spec": { "jobManager": { "resources": resources } } }));
        let task_manager =
            created(json!({ "spec": { "taskManager": { "resources": resources } } }));
        let renamed: Vec<String> = task_manager
            .iter()
            .map(|refusal| refusal.replace("taskManager", "jobManager"))
            .collect();
        assert_eq!(job_manager, renamed);
        job_manager
    };
    let refused = [
        (
            json!({ "requests": { "cpu": 0 } }),
            "spec.jobManager.resources.requests",
            "greater than 0",
        ),
        (
            json!({ "requests": { "cpu": "-1" } }),
            "spec.jobManager.resources.requests",
            "greater than 0",
        ),
        (
            json!({ "limits": { "cpu": "0m" } }),
            "spec.jobManager.resources.limits",
            "greater than 0",
        ),
        (
            json!({ "requests": { "cpu": 2 }, "limits": { "cpu": "1500m" } }),
            "spec.jobManager.resources.requests",
            "of cpu must not exceed",
        ),
        (
            json!({ "requests": { "memory": "2Gi" }, "limits": { "memory": "2047Mi" } }),
            "spec.jobManager.resources.requests",
            "of memory must not exceed",
        ),
    ];
    for (case, path, part) in refused {
        check_refused(&resources(case), path, part);
    }
    for fine in [
        json!({ "requests": { "cpu": "500m", "memory": "2Gi" }, "limits": { "cpu": 1, "memory": "2Gi" } }),
        json!({ "requests": { "cpu": 1 } }),
        json!({ "limits": { "memory": "1Gi" } }),
        // Flink's mebibytes: more than Kubernetes' reading of the limit, less than Flink's.
        json!({ "requests": { "memory": "1024m" }, "limits": { "memory": "1" } }),
        json!({ "requests": { "cpu": "half of one" }, "limits": { "cpu": 1 } }),
        json!({}),
    ] {
        assert_eq!(resources(fine.clone()), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn a_name_that_cannot_be_a_clusters_is_refused_at_creation_alone() {
    for name in ["1st", "-a", "a-", "a.b", "Abc", "a2345678901234567890123456789012345678901234-6"]
    {
        let object = merged(&deployment(), &json!({ "metadata": { "name": name } }));
        let refusals_at_creation = refusals::<FlinkDeployment>(&object, None);
        check_refused(
            &refusals_at_creation,
            "metadata.name",
            &format!("\"{name}\" cannot be the name"),
        );
        assert_eq!(refusals::<FlinkDeployment>(&object, Some(&object)), Vec::<String>::new());
    }
}

#[test]
fn canaries_pass_with_no_spec_and_with_a_nonce_alone() {
    let canary = |spec: Option<Value>| {
        let mut object = json!({ "metadata": { "name": "canary.1", "labels": { "flink.apache.org/canary": "true" } } });
        if let Some(spec) = spec {
            object["spec"] = spec;
        }
        object
    };
    for spec in
        [None, Some(json!({})), Some(json!({ "restartNonce": 3, "flinkConfiguration": {} }))]
    {
        let object = canary(spec);
        assert_eq!(refusals::<FlinkDeployment>(&object, None), Vec::<String>::new());
        assert_eq!(refusals::<FlinkSessionJob>(&object, None), Vec::<String>::new());
    }
}

/// The good deployment with `change`, deployed as it is.
fn deployed(change: Value) -> Value {
    let object = merged(&deployment(), &change);
    let spec: FlinkDeploymentSpec = serde_json::from_value(object["spec"].clone()).unwrap();
    let text =
        RecordedSpec { spec, resource_metadata: Some(ResourceMetadata::new(true)) }.to_text();
    merged(
        &object,
        &json!({ "status": { "reconciliationStatus": { "lastReconciledSpec": text } } }),
    )
}

fn changed(old: &Value, change: Value) -> Vec<String> {
    refusals::<FlinkDeployment>(&merged(old, &change), Some(old))
}

#[test]
fn a_deployed_cluster_keeps_or_lacks_its_job() {
    let session = deployed(json!({ "spec": { "job": null } }));
    let job = json!({ "spec": { "job": { "parallelism": 1 } } });
    check_refused(&changed(&session, job.clone()), "spec.job", "submit a FlinkSessionJob");
    let application = deployed(json!({}));
    check_refused(
        &changed(&application, json!({ "spec": { "job": null } })),
        "spec.job",
        "suspended",
    );

    let nothing: Vec<String> = Vec::new();
    assert_eq!(changed(&application, json!({ "spec": { "job": { "parallelism": 7 } } })), nothing);
    let not_deployed = merged(&session, &json!({ "status": null }));
    assert_eq!(changed(&not_deployed, job.clone()), nothing);
    let tried_once = merged(
        &session,
        &json!({ "status": { "reconciliationStatus": { "lastReconciledSpec": null } } }),
    );
    assert_eq!(changed(&tried_once, job), nothing);
}

#[test]
fn a_deployed_cluster_keeps_its_mode() {
    let native = deployed(json!({}));
    let native_by_name = deployed(json!({ "spec": { "mode": "native" } }));
    let standalone = deployed(json!({ "spec": { "mode": "standalone" } }));
    for (old, mode) in [
        (&native, json!("standalone")),
        (&native_by_name, json!("standalone")),
        (&standalone, json!("native")),
        (&standalone, Value::Null),
    ] {
        check_refused(
            &changed(old, json!({ "spec": { "mode": mode } })),
            "spec.mode",
            "cannot be changed",
        );
    }
    for (old, mode) in [(&native, json!("native")), (&native_by_name, Value::Null)] {
        assert_eq!(changed(old, json!({ "spec": { "mode": mode } })), Vec::<String>::new());
    }
}

#[test]
fn what_was_changed_before_the_rules_existed_can_be_changed_back() {
    let nothing: Vec<String> = Vec::new();
    let application = deployed(json!({}));
    let without_job = merged(&application, &json!({ "spec": { "job": null } }));
    assert_eq!(refusals::<FlinkDeployment>(&application, Some(&without_job)), nothing);
    let standalone = merged(&application, &json!({ "spec": { "mode": "standalone" } }));
    assert_eq!(refusals::<FlinkDeployment>(&application, Some(&standalone)), nothing);
}

#[test]
fn a_broken_object_gets_its_status_and_loses_its_finalizer() {
    let application = deployed(json!({}));
    for broken in [
        merged(&application, &json!({ "spec": { "job": null } })),
        merged(&application, &json!({ "spec": { "mode": "standalone" } })),
        merged(&application, &json!({ "spec": { "job": { "savepointRedeployNonce": 9 } } })),
        merged(&application, &json!({ "metadata": { "name": "1.st" } })),
    ] {
        let with_status = merged(&broken, &json!({ "status": { "error": "it is broken" } }));
        assert_eq!(refusals::<FlinkDeployment>(&with_status, Some(&broken)), Vec::<String>::new());
        let without_finalizer = merged(&broken, &json!({ "metadata": { "finalizers": [] } }));
        assert_eq!(
            refusals::<FlinkDeployment>(&without_finalizer, Some(&broken)),
            Vec::<String>::new()
        );
    }
}

#[test]
fn records_of_the_oldest_form_are_left_to_the_operator() {
    let status = json!({ "status": { "reconciliationStatus": {
        "lastReconciledSpec": r#"{"apiVersion":"flink.apache.org/v1beta1","job":null,"mode":null}"#
    } } });
    let old = merged(&merged(&deployment(), &json!({ "spec": { "job": null } })), &status);
    let change = json!({ "spec": { "job": { "parallelism": 1, "savepointRedeployNonce": 1 }, "mode": "standalone" } });
    assert_eq!(changed(&old, change), Vec::<String>::new());
}

#[test]
fn a_new_redeploy_nonce_needs_a_savepoint() {
    let nothing: Vec<String> = Vec::new();
    let job = |nonce: Value, path: Value| json!({ "spec": { "job": { "savepointRedeployNonce": nonce, "initialSavepointPath": path } } });
    let never = deployed(json!({}));
    let once = deployed(job(json!(1), json!("s3://savepoints/1")));

    for path in [Value::Null, json!(""), json!(" ")] {
        check_refused(
            &changed(&never, job(json!(1), path.clone())),
            "spec.job.initialSavepointPath",
            "to redeploy from",
        );
        check_refused(
            &changed(&once, job(json!(2), path)),
            "spec.job.initialSavepointPath",
            "to redeploy from",
        );
    }
    assert_eq!(changed(&never, job(json!(1), json!("s3://savepoints/1"))), nothing);
    assert_eq!(changed(&once, job(json!(2), json!("s3://savepoints/1"))), nothing);
    assert_eq!(changed(&once, job(json!(1), Value::Null)), nothing, "the nonce is the same");
    assert_eq!(changed(&once, job(Value::Null, Value::Null)), nothing, "no nonce, no redeployment");

    // A change that the operator did not see yet is taken back.
    let pending = merged(&once, &job(json!(2), json!("s3://savepoints/2")));
    assert_eq!(changed(&pending, job(json!(1), Value::Null)), nothing);
    let cleaned = merged(&once, &job(Value::Null, Value::Null));
    assert_eq!(changed(&cleaned, job(json!(1), Value::Null)), nothing);
}

fn session_job() -> Value {
    json!({
        "metadata": { "name": "job.1" },
        "spec": { "deploymentName": "cluster", "job": { "jarURI": "https://example.com/job.jar", "parallelism": 1 } },
    })
}

#[test]
fn session_jobs_need_a_job_and_the_name_of_a_cluster() {
    let created =
        |change: Value| refusals::<FlinkSessionJob>(&merged(&session_job(), &change), None);
    assert_eq!(created(json!({})), Vec::<String>::new());
    // Whether this works depends on the cluster, which the API server does not look up.
    assert_eq!(
        created(json!({ "spec": { "job": { "parallelism": null } } })),
        Vec::<String>::new()
    );
    check_refused(&created(json!({ "spec": { "job": null } })), "spec.job", "must be set");
    check_refused(
        &created(json!({ "spec": { "deploymentName": null } })),
        "spec.deploymentName",
        "must be set",
    );
    check_refused(
        &created(json!({ "spec": { "deploymentName": "My_Cluster" } })),
        "spec.deploymentName",
        "\"My_Cluster\" cannot be the name of a FlinkDeployment",
    );
}

#[test]
fn a_deployed_session_job_stays_on_its_cluster() {
    let nothing: Vec<String> = Vec::new();
    let recorded = |first_deployment| {
        let spec: FlinkSessionJobSpec =
            serde_json::from_value(session_job()["spec"].clone()).unwrap();
        let metadata = Some(ResourceMetadata::new(first_deployment));
        let text = RecordedSpec { spec, resource_metadata: metadata }.to_text();
        merged(
            &session_job(),
            &json!({ "status": { "reconciliationStatus": { "lastReconciledSpec": text } } }),
        )
    };
    let to = |name: &str| json!({ "spec": { "deploymentName": name } });
    for old in [recorded(true), recorded(false)] {
        let moved = merged(&old, &to("other"));
        check_refused(
            &refusals::<FlinkSessionJob>(&moved, Some(&old)),
            "spec.deploymentName",
            "cannot move",
        );
        assert_eq!(refusals::<FlinkSessionJob>(&old, Some(&moved)), nothing, "it may go back");
        assert_eq!(
            refusals::<FlinkSessionJob>(&moved, Some(&moved)),
            nothing,
            "status can be written"
        );
    }
    let not_deployed = session_job();
    assert_eq!(
        refusals::<FlinkSessionJob>(&merged(&not_deployed, &to("other")), Some(&not_deployed)),
        nothing
    );
}

#[test]
fn a_snapshot_is_of_one_kind_and_of_a_job() {
    let created = |spec: Value| {
        let object = json!({ "metadata": { "name": "s" }, "spec": spec });
        refusals::<FlinkStateSnapshot>(&object, None)
    };
    let nothing: Vec<String> = Vec::new();
    let job = json!({ "kind": "FlinkDeployment", "name": "basic" });
    assert_eq!(created(json!({ "jobReference": job, "savepoint": {} })), nothing);
    assert_eq!(created(json!({ "jobReference": job, "checkpoint": {} })), nothing);
    assert_eq!(
        created(json!({ "savepoint": { "alreadyExists": true, "path": "s3://x" } })),
        nothing
    );
    check_refused(&created(json!({ "jobReference": job })), "spec", "exactly one");
    check_refused(
        &created(json!({ "jobReference": job, "savepoint": {}, "checkpoint": {} })),
        "spec",
        "exactly one",
    );
    check_refused(&created(json!({ "savepoint": {} })), "spec.jobReference", "must be set");
    check_refused(
        &created(json!({ "savepoint": { "alreadyExists": false } })),
        "spec.jobReference",
        "must be set",
    );
    check_refused(&created(json!({ "checkpoint": {} })), "spec.jobReference", "must be set");
    let without_spec = json!({ "metadata": { "name": "s" } });
    check_refused(&refusals::<FlinkStateSnapshot>(&without_spec, None), "spec", "exactly one");
    assert_eq!(refusals::<FlinkStateSnapshot>(&without_spec, Some(&without_spec)), nothing);
}

#[test]
fn a_blue_green_template_is_checked_for_what_is_in_it() {
    let created = |spec: Value| {
        let object =
            json!({ "metadata": { "name": "bg" }, "spec": { "template": { "spec": spec } } });
        refusals::<FlinkBlueGreenDeployment>(&object, None)
    };
    let good = deployment()["spec"].clone();
    let nothing: Vec<String> = Vec::new();
    assert_eq!(created(good.clone()), nothing);
    // A mutating webhook may fill in what is missing when the children are created.
    assert_eq!(
        created(merged(
            &good,
            &json!({ "serviceAccount": null, "flinkVersion": null, "job": { "parallelism": null } })
        )),
        nothing
    );
    let refused = created(merged(&good, &json!({ "flinkVersion": "2.2" })));
    check_refused(&refused, "spec.template.spec.flinkVersion", "\"2.2\" is not a version");
    let refused = created(merged(&good, &json!({ "job": { "parallelism": -1 } })));
    check_refused(&refused, "spec.template.spec.job.parallelism", "at least 1");
    assert_eq!(
        refusals::<FlinkBlueGreenDeployment>(&json!({ "metadata": { "name": "bg" } }), None),
        nothing
    );
}
