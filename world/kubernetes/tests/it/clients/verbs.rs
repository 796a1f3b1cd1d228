//! Creating, replacing, patching and deleting.

use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};
use simulated_kubernetes::run;

use super::*;

#[test]
fn created_object_has_what_the_server_gives() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let created =
            api.create(&PostParams::default(), &config_map("a", json!({"k": "v"}))).await.unwrap();
        assert!(created.uid().is_some() && created.resource_version().is_some());
        assert_eq!(created.creation_timestamp().unwrap().0.to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(created.managed_fields()[0].manager.as_deref(), Some("unknown"));
        let again = refused(api.create(&PostParams::default(), &config_map("a", json!({}))).await);
        assert_eq!((again.code, &*again.reason), (409, "AlreadyExists"));
    });
}

#[test]
fn generated_names_come_from_the_seed() {
    let names = |seed| {
        run(seed, |world| async move {
            let api = config_maps(&world.client("me"));
            let mut object = config_map("", json!({}));
            object.metadata.name = None;
            object.metadata.generate_name = Some("a-".to_owned());
            let created = api.create(&PostParams::default(), &object).await.unwrap();
            (created.name_any(), created.uid().unwrap())
        })
    };
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
    assert!(names(1).0.starts_with("a-") && names(1).0.len() == 7);
}

#[test]
fn objects_are_refused_where_they_break_rules() {
    run(1, |world| async move {
        let client = world.client("me");
        let api = config_maps(&client);
        let bad_name =
            refused(api.create(&PostParams::default(), &config_map("A_b", json!({}))).await);
        assert_eq!((bad_name.code, &*bad_name.reason), (422, "Invalid"));
        assert_eq!(bad_name.details.unwrap().causes[0].field, "metadata.name");
        let nowhere: Api<ConfigMap> = Api::namespaced(client.clone(), "nowhere");
        let no_namespace =
            refused(nowhere.create(&PostParams::default(), &config_map("a", json!({}))).await);
        assert_eq!((no_namespace.code, &*no_namespace.reason), (404, "NotFound"));
        let mut deployment: Value = json!({
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "other"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
            }},
        });
        let create = |object: &Value| {
            let object = serde_json::from_value(object.clone()).unwrap();
            let api = deployments(&client);
            async move { api.create(&PostParams::default(), &object).await }
        };
        assert_eq!(refused(create(&deployment).await).code, 422);
        deployment["spec"]["template"]["metadata"]["labels"]["a"] = json!("b");
        create(&deployment).await.unwrap();
    });
}

#[test]
fn replacing_an_old_version_is_a_conflict_and_the_same_again_is_no_write() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let first =
            api.create(&PostParams::default(), &config_map("a", json!({"k": "1"}))).await.unwrap();
        let mut second = first.clone();
        second.data.as_mut().unwrap().insert("k".to_owned(), "2".to_owned());
        let second = api.replace("a", &PostParams::default(), &second).await.unwrap();
        assert_ne!(first.resource_version(), second.resource_version());
        let conflict = refused(api.replace("a", &PostParams::default(), &first).await);
        assert_eq!((conflict.code, &*conflict.reason), (409, "Conflict"));
        let same = api.replace("a", &PostParams::default(), &second).await.unwrap();
        assert_eq!(same.resource_version(), second.resource_version());
    });
}

#[test]
fn custom_resources_need_a_version_lose_unknown_fields_and_keep_their_status_apart() {
    run(1, |world| async move {
        let api = flink_deployments(&world.client("me"));
        let mut object = flink_deployment("f");
        object.data["spec"]["color"] = json!("red");
        object.data["status"] = json!({"lifecycleState": "STABLE"});
        let mut created = api.create(&PostParams::default(), &object).await.unwrap();
        assert!(
            created.data["spec"].get("color").is_none() && created.data.get("status").is_none()
        );
        assert_eq!(created.metadata.generation, Some(1));
        created.data["status"] = json!({"lifecycleState": "STABLE"});
        created.data["spec"]["image"] = json!("other");
        let with_status = api.replace_status("f", &PostParams::default(), &created).await.unwrap();
        assert_eq!(with_status.data["status"]["lifecycleState"], "STABLE");
        assert_eq!(
            (&with_status.data["spec"]["image"], with_status.metadata.generation),
            (&json!("flink:2.2.1"), Some(1))
        );
        let patch = json!({"spec": {"image": "other"}, "status": {"lifecycleState": "FAILED"}});
        let patched = api.patch("f", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        assert_eq!(
            (patched.metadata.generation, &patched.data["status"]["lifecycleState"]),
            (Some(2), &json!("STABLE"))
        );
        let mut unversioned = patched.clone();
        unversioned.metadata.resource_version = None;
        assert_eq!(refused(api.replace("f", &PostParams::default(), &unversioned).await).code, 422);
        let wrong = json!({"spec": {"job": {"parallelism": "two"}}});
        let wrong = refused(api.patch("f", &PatchParams::default(), &Patch::Merge(wrong)).await);
        assert_eq!(
            (wrong.code, &*wrong.details.unwrap().causes[0].field),
            (422, "spec.job.parallelism")
        );
    });
}

#[test]
fn patches_change_what_they_say_and_check_what_they_are_told_to() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let created = api
            .create(&PostParams::default(), &config_map("a", json!({"x": "1", "y": "1"})))
            .await
            .unwrap();
        let merge = json!({"data": {"x": null, "z": "1"}});
        let merged = api.patch("a", &PatchParams::default(), &Patch::Merge(merge)).await.unwrap();
        assert_eq!(serde_json::to_value(&merged.data).unwrap(), json!({"y": "1", "z": "1"}));
        let operations: json_patch::Patch =
            serde_json::from_value(json!([{"op": "test", "path": "/data/y", "value": "2"}]))
                .unwrap();
        let failed =
            refused(api.patch("a", &PatchParams::default(), &Patch::<()>::Json(operations)).await);
        assert_eq!((failed.code, &*failed.reason), (422, "Invalid"));
        let fenced = json!({"metadata": {"resourceVersion": created.resource_version()}, "data": {"y": "3"}});
        let conflict =
            refused(api.patch("a", &PatchParams::default(), &Patch::Merge(fenced)).await);
        assert_eq!(conflict.code, 409);
        let strategic =
            refused(api.patch("a", &PatchParams::default(), &Patch::Strategic(json!({}))).await);
        assert_eq!((strategic.code, &*strategic.reason), (415, "UnsupportedMediaType"));
    });
}

#[test]
fn deletion_waits_for_finalizers_and_holds_to_preconditions() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let mut object = config_map("a", json!({}));
        object.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
        let created = api.create(&PostParams::default(), &object).await.unwrap();
        let with_uid = |uid: &str| DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        assert_eq!(refused(api.delete("a", &with_uid("other")).await).code, 409);
        let waiting =
            api.delete("a", &with_uid(&created.uid().unwrap())).await.unwrap().left().unwrap();
        assert!(waiting.metadata.deletion_timestamp.is_some());
        let more = json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}});
        assert_eq!(
            refused(api.patch("a", &PatchParams::default(), &Patch::Merge(more)).await).code,
            422
        );
        let none = json!({"metadata": {"finalizers": null}});
        api.patch("a", &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
        assert_eq!(refused(api.get("a").await).code, 404);
        api.create(&PostParams::default(), &config_map("a", json!({}))).await.unwrap();
        let gone = api.delete("a", &DeleteParams::default()).await.unwrap().right().unwrap();
        assert!(gone.is_success());
    });
}

#[test]
fn dry_run_stores_nothing() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        api.create(&dry, &config_map("a", json!({}))).await.unwrap();
        assert_eq!(refused(api.get("a").await).code, 404);
        api.create(&PostParams::default(), &config_map("a", json!({}))).await.unwrap();
        api.delete("a", &DeleteParams::default().dry_run()).await.unwrap();
        assert!(api.get("a").await.is_ok());
    });
}
