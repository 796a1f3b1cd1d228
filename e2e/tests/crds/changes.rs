//! Changes of resources that were deployed, and of resources that were broken before there were rules.

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkSessionJobSpec, RecordedSpec, ResourceMetadata,
};
use kube::api::DeleteParams;
use serde::{Serialize, de::DeserializeOwned};

use super::*;

/// A status that says that the spec was deployed.
fn deployed<Spec: Serialize + DeserializeOwned>(spec: &Value) -> Value {
    let spec: Spec = serde_json::from_value(spec.clone()).unwrap();
    let text =
        RecordedSpec { spec, resource_metadata: Some(ResourceMetadata::new(true)) }.to_text();
    json!({ "reconciliationStatus": { "state": "DEPLOYED", "lastReconciledSpec": text } })
}

#[track_caller]
fn check_refused(outcome: Result<DynamicObject, kube::Error>, path: &str, part: &str) {
    let Err(refusal) = outcome else { panic!("accepted, though {path} was to be refused") };
    let refusal = refusal.to_string();
    println!("{refusal}\n");
    assert!(refusal.contains(path) && refusal.contains(part), "{refusal}");
}

#[tokio::test]
async fn what_is_deployed_cannot_become_something_else() {
    let place = Place::new("deployed").await;
    let resource = FlinkDeployment::api_resource();
    let session_spec = json!({ "flinkVersion": "v2_2", "serviceAccount": "flink" });
    for (name, spec) in [("application", &good_spec()), ("session", &session_spec)] {
        place.apply(&object(&resource, name, spec.clone())).unwrap();
        place.write_status(&resource, name, &deployed::<FlinkDeploymentSpec>(spec)).await.unwrap();
    }
    let change = |name: &'static str, spec: Value| {
        let (place, resource) = (&place, &resource);
        async move { place.merge(resource, name, &json!({ "spec": spec })).await }
    };
    let job = json!({ "job": { "parallelism": 1 } });
    check_refused(change("session", job).await, "spec.job", "submit a FlinkSessionJob");
    check_refused(
        change("application", json!({ "job": null })).await,
        "spec.job",
        "set job.state to suspended",
    );
    for name in ["application", "session"] {
        check_refused(
            change(name, json!({ "mode": "standalone" })).await,
            "spec.mode",
            "cannot be changed",
        );
        change(name, json!({ "mode": "native" })).await.unwrap();
        change(name, json!({ "mode": null, "restartNonce": 2 })).await.unwrap();
    }
    let nonce = json!({ "job": { "savepointRedeployNonce": 1 } });
    check_refused(
        change("application", nonce).await,
        "spec.job.initialSavepointPath",
        "to redeploy from",
    );
    let with_path = json!({ "job": { "savepointRedeployNonce": 1, "initialSavepointPath": "s3://savepoints/1" } });
    change("application", with_path).await.unwrap();

    let kind = FlinkSessionJob::api_resource();
    let spec = json!({ "deploymentName": "session", "job": { "parallelism": 1 } });
    place.apply(&object(&kind, "job", spec.clone())).unwrap();
    place.merge(&kind, "job", &json!({ "spec": { "deploymentName": "other" } })).await.unwrap();
    place.merge(&kind, "job", &json!({ "spec": { "deploymentName": "session" } })).await.unwrap();
    place.write_status(&kind, "job", &deployed::<FlinkSessionJobSpec>(&spec)).await.unwrap();
    let moved = place.merge(&kind, "job", &json!({ "spec": { "deploymentName": "other" } })).await;
    check_refused(moved, "spec.deploymentName", "cannot move to another cluster");
    place.clear(&[resource, kind]).await;
}

#[tokio::test]
async fn large_records_do_not_exceed_what_a_rule_may_cost() {
    let place = Place::new("large").await;
    let resource = FlinkDeployment::api_resource();
    place.apply(&object(&resource, "large", good_spec())).unwrap();
    // Twice this and its metadata is about what fits into etcd.
    let spec = merged(
        &good_spec(),
        &json!({ "logConfiguration": { "logback-console.xml": "x".repeat(400_000) } }),
    );
    let status = deployed::<FlinkDeploymentSpec>(&spec);
    place.write_status(&resource, "large", &status).await.unwrap();
    let change =
        json!({ "spec": { "job": { "savepointRedeployNonce": 1 }, "mode": "standalone" } });
    let refused = place.merge(&resource, "large", &change).await;
    check_refused(refused, "spec.mode", "to redeploy from");
    place.clear(&[resource]).await;
}

/// The definition of a kind under another group, with and without rules, so that other tests do not notice.
fn elsewhere<K: CustomResourceExt>(
    group: &str,
    with_rules: bool,
) -> (CustomResourceDefinition, ApiResource) {
    fn without_rules(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                members.remove("x-kubernetes-validations");
                members.values_mut().for_each(without_rules);
            }
            Value::Array(items) => items.iter_mut().for_each(without_rules),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut definition = serde_json::to_value(K::crd()).unwrap();
    let mut resource = K::api_resource();
    definition["metadata"]["name"] = json!(format!("{}.{group}", resource.plural));
    definition["spec"]["group"] = json!(group);
    definition["spec"]["names"].as_object_mut().unwrap().remove("shortNames");
    if !with_rules {
        without_rules(&mut definition);
    }
    resource.group = group.to_owned();
    resource.api_version = format!("{group}/{}", resource.version);
    (serde_json::from_value(definition).unwrap(), resource)
}

#[tokio::test]
async fn what_was_broken_before_there_were_rules_can_be_reported_mended_and_deleted() {
    let place = Place::new("broken").await;
    let definitions = Api::<CustomResourceDefinition>::all(place.cluster.client.clone());
    let group = format!("rules{}.example.com", jiff::Timestamp::now().as_millisecond());
    let (without_rules, resource) = elsewhere::<FlinkDeployment>(&group, false);
    let definition_name = without_rules.metadata.name.clone().unwrap();
    definitions.create(&PostParams::default(), &without_rules).await.unwrap();
    served(&place.cluster.client, &definition_name).await;

    let broken = [
        ("1st.cluster", json!({})),
        ("version", json!({ "flinkVersion": "1.20" })),
        ("nothing-set", json!({ "flinkVersion": null, "serviceAccount": null })),
        ("parallelism", json!({ "job": { "parallelism": 0 } })),
        ("replicas", json!({ "jobManager": { "replicas": 0 }, "taskManager": { "replicas": 0 } })),
        ("ingress", json!({ "ingress": {} })),
        ("logging", json!({ "logConfiguration": { "x": "" } })),
        ("resources", json!({ "jobManager": { "resources": { "requests": { "cpu": 0 } } } })),
        ("mode", json!({ "mode": "standalone" })),
        ("no-job", json!({ "job": null })),
    ];
    let names = |name: &str| [format!("{name}-mended"), format!("{name}-deleted")];
    for (name, change) in &broken {
        for name in names(name) {
            let mut object = object(&resource, &name, merged(&good_spec(), change));
            object["metadata"]["finalizers"] = json!(["example.com/test"]);
            place.apply(&object).unwrap();
            place
                .write_status(&resource, &name, &deployed::<FlinkDeploymentSpec>(&good_spec()))
                .await
                .unwrap();
        }
    }
    let rules = elsewhere::<FlinkDeployment>(&group, true).0;
    let patch = json!({ "spec": { "versions": rules.spec.versions } });
    definitions
        .patch(&definition_name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    eventually("the rules are in force", Duration::from_secs(30), || async {
        let bad = merged(&good_spec(), &json!({ "serviceAccount": null }));
        let object = serde_json::from_value(object(&resource, "probe", bad))?;
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        Ok(place.api(&resource).create(&dry, &object).await.err().map(|_| ()))
    })
    .await
    .unwrap();

    for (name, _) in &broken {
        let [mended, deleted] = names(name);
        for name in [&mended, &deleted] {
            let mut status = deployed::<FlinkDeploymentSpec>(&good_spec());
            status["error"] = json!("it is broken");
            let written = place.write_status(&resource, name, &status).await;
            assert!(written.is_ok(), "the status of {name}: {written:?}");
            place
                .merge(&resource, name, &json!({ "metadata": { "labels": { "seen": "yes" } } }))
                .await
                .unwrap();
        }

        let mut object = place.get(&resource, &mended).await;
        object["spec"] = good_spec();
        let object = serde_json::from_value(object).unwrap();
        place.api(&resource).replace(&mended, &PostParams::default(), &object).await.unwrap();
        place
            .merge(&resource, &mended, &json!({ "metadata": { "finalizers": null } }))
            .await
            .unwrap();

        drop(place.api(&resource).delete(&deleted, &DeleteParams::default()).await.unwrap());
        place
            .merge(&resource, &deleted, &json!({ "metadata": { "finalizers": null } }))
            .await
            .unwrap();
        assert!(
            place.api(&resource).get_opt(&deleted).await.unwrap().is_none(),
            "{deleted} is gone"
        );
    }
    drop(definitions.delete(&definition_name, &DeleteParams::default()).await.unwrap());
    place.clear(&[]).await;
}
