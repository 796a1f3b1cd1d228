//! Server-side apply.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use simulated_kubernetes::run;

use super::*;

fn applied(data: Value) -> Patch<Value> {
    Patch::Apply(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}),
    )
}

#[test]
fn apply_creates_merges_and_removes_what_it_no_longer_says() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let params = PatchParams::apply("one");
        let first = api.patch("a", &params, &applied(json!({"x": "1", "y": "1"}))).await.unwrap();
        let same = api.patch("a", &params, &applied(json!({"x": "1", "y": "1"}))).await.unwrap();
        assert_eq!(first.resource_version(), same.resource_version(), "the same again is no write");
        let less = api.patch("a", &params, &applied(json!({"x": "1"}))).await.unwrap();
        assert_eq!(serde_json::to_value(&less.data).unwrap(), json!({"x": "1"}));
    });
}

#[test]
fn fields_of_others_are_a_conflict_unless_forced() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        api.create(&PostParams::default(), &config_map("a", json!({"x": "1"}))).await.unwrap();
        let params = PatchParams::apply("one");
        let conflict = refused(api.patch("a", &params, &applied(json!({"x": "2"}))).await);
        assert_eq!((conflict.code, &*conflict.reason), (409, "Conflict"));
        let causes = conflict.details.unwrap().causes;
        assert_eq!((&*causes[0].reason, &*causes[0].field), ("FieldManagerConflict", ".data.x"));
        let forced =
            api.patch("a", &params.clone().force(), &applied(json!({"x": "2"}))).await.unwrap();
        let managers: Vec<&str> =
            forced.managed_fields().iter().filter_map(|entry| entry.manager.as_deref()).collect();
        assert_eq!(managers, ["one", "unknown"], "the creator keeps what is left: the map itself");
    });
}

#[test]
fn containers_of_a_deployment_are_merged_by_name() {
    run(1, |world| async move {
        let api = deployments(&world.client("me"));
        let apply = |containers: Value| {
            Patch::Apply(json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
                "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
                    "metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers},
                }},
            }))
        };
        let one = apply(json!([{"name": "main", "image": "i"}]));
        api.patch("d", &PatchParams::apply("one"), &one).await.unwrap();
        let side = apply(json!([{"name": "side", "image": "s"}]));
        let both = api.patch("d", &PatchParams::apply("two"), &side).await.unwrap();
        let names: Vec<String> = both
            .spec
            .unwrap()
            .template
            .spec
            .unwrap()
            .containers
            .into_iter()
            .map(|c| c.name)
            .collect();
        assert_eq!(names, ["main", "side"]);
        let again = api.patch("d", &PatchParams::apply("one"), &one).await.unwrap();
        assert_eq!(
            again.spec.unwrap().template.spec.unwrap().containers.len(),
            2,
            "two's container stays"
        );
    });
}

#[test]
fn apply_needs_a_manager_and_a_known_type() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let nobody = refused(api.patch("a", &PatchParams::default(), &applied(json!({}))).await);
        assert_eq!((nobody.code, &*nobody.reason), (422, "Invalid"));
        let odd =
            Patch::Apply(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}));
        assert_eq!(refused(api.patch("a", &PatchParams::apply("one"), &odd).await).code, 400);
    });
}

/// What is no longer applied below of a field without a type leaves a null there. It is stored, and not read: the next
/// write of the object as it is read is one that changes something.
#[test]
fn nulls_that_are_left_are_stored_and_not_read() {
    run(1, |world| async move {
        let api = flink_deployments(&world.client("me"));
        let params = PatchParams::apply("one").force();
        let applied = |configuration: Value| {
            let mut object = serde_json::to_value(flink_deployment("a")).unwrap();
            object["spec"]["flinkConfiguration"] = configuration;
            Patch::Apply(object)
        };
        api.patch("a", &params, &applied(json!({"x": "1"}))).await.unwrap();
        let emptied = api.patch("a", &params, &applied(json!({}))).await.unwrap();
        assert!(emptied.data["spec"].get("flinkConfiguration").is_none(), "{}", emptied.data);
        let same = Patch::Merge(json!({}));
        let rewritten = api.patch("a", &PatchParams::default(), &same).await.unwrap();
        assert_ne!(emptied.resource_version(), rewritten.resource_version());
        let again = api.patch("a", &PatchParams::default(), &same).await.unwrap();
        assert_eq!(rewritten.resource_version(), again.resource_version());
        assert_eq!((emptied.metadata.generation, again.metadata.generation), (Some(2), Some(2)));
    });
}

#[test]
fn volume_that_becomes_two_things_is_refused() {
    run(1, |world| async move {
        let api = deployments(&world.client("me"));
        let with = |volume: Value| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
                "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "main", "image": "i"}], "volumes": [volume]},
                }},
            })
        };
        let first = serde_json::from_value(with(json!({"name": "v"}))).unwrap();
        api.create(&PostParams::default(), &first).await.unwrap();
        let other = Patch::Apply(with(json!({"name": "v", "configMap": {"name": "c"}})));
        let params = PatchParams::apply("one").force();
        let refusal = refused(api.patch("d", &params, &other).await);
        let causes = refusal.details.unwrap().causes;
        assert_eq!(causes[0].field, "spec.template.spec.volumes[0].configMap");
        assert_eq!((refusal.code, &*causes[0].reason), (422, "FieldValueForbidden"));
    });
}
