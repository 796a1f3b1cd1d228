//! Getting and listing.

use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use simulated_kubernetes::run;

use super::*;

async fn create(api: &Api<ConfigMap>, name: &str, labels: Value) {
    let object = json!({"metadata": {"name": name, "labels": labels}});
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
}

fn names(list: &kube::core::ObjectList<ConfigMap>) -> Vec<String> {
    list.iter().map(ResourceExt::name_any).collect()
}

#[test]
fn lists_are_ordered_selected_and_have_a_version() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        for (name, tier) in [("b", "x"), ("a", "y"), ("c", "x")] {
            create(&api, name, json!({"tier": tier})).await;
        }
        let all = api.list(&ListParams::default()).await.unwrap();
        assert_eq!(names(&all), ["a", "b", "c"]);
        let version: u64 = all.metadata.resource_version.unwrap().parse().unwrap();
        assert!(
            all.items
                .iter()
                .all(|item| item.resource_version().unwrap().parse::<u64>().unwrap() <= version)
        );
        let some = api
            .list(&ListParams::default().labels("tier in (x)").fields("metadata.name!=c"))
            .await
            .unwrap();
        assert_eq!(names(&some), ["b"]);
        assert_eq!(refused(api.list(&ListParams::default().fields("data.x=1")).await).code, 400);
    });
}

#[test]
fn long_lists_come_in_pages_of_one_version() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        for number in 0..5 {
            create(&api, &format!("n{number}"), json!({})).await;
        }
        let first = api.list(&ListParams::default().limit(2)).await.unwrap();
        assert_eq!(names(&first), ["n0", "n1"]);
        assert_eq!(first.metadata.remaining_item_count, Some(3));
        create(&api, "n1a", json!({})).await;
        api.delete("n4", &DeleteParams::default()).await.unwrap();
        let token = first.metadata.continue_.clone().unwrap();
        let rest = api.list(&ListParams::default().continue_token(&token)).await.unwrap();
        assert_eq!(names(&rest), ["n2", "n3", "n4"], "as it was at the first page");
        assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
        world.kubernetes(simulated_kubernetes::api_server::Kubernetes::compact);
        let expired = refused(api.list(&ListParams::default().continue_token(&token)).await);
        assert_eq!((expired.code, &*expired.reason), (410, "Expired"));
        let token = expired.metadata.unwrap().continue_.unwrap();
        let now = api.list(&ListParams::default().continue_token(&token)).await.unwrap();
        assert_eq!(names(&now), ["n1a", "n2", "n3"], "as it is now");
    });
}

#[test]
fn metadata_alone_can_be_asked_for() {
    run(1, |world| async move {
        let client = world.client("me");
        let api = config_maps(&client);
        api.create(&PostParams::default(), &config_map("a", json!({"k": "v"}))).await.unwrap();
        let meta = api.get_metadata("a").await.unwrap();
        assert_eq!(
            (meta.name_any(), meta.types.unwrap().kind),
            ("a".to_owned(), "PartialObjectMetadata".to_owned())
        );
        assert_eq!(api.list_metadata(&ListParams::default()).await.unwrap().items.len(), 1);
    });
}

#[test]
fn nobody_sees_the_future() {
    run(1, |world| async move {
        let api = config_maps(&world.bare_client("me"));
        let params =
            ListParams { resource_version: Some("99999".to_owned()), ..ListParams::default() };
        let refused = refused(api.list(&params).await);
        assert_eq!((refused.code, &*refused.reason), (504, "Timeout"));
    });
}

#[test]
fn server_says_what_it_is() {
    run(1, |world| async move {
        let client = world.client("me");
        assert_eq!(client.apiserver_version().await.unwrap().minor, "34");
        let groups = client.list_api_groups().await.unwrap();
        assert!(groups.groups.iter().any(|group| group.name == "flink.apache.org"));
        let resources = client.list_api_group_resources("apps/v1").await.unwrap();
        assert!(resources.resources.iter().any(|resource| resource.name == "deployments/status"));
        let nothing = client.list_api_group_resources("nothing/v1").await;
        assert_eq!(refused(nothing).code, 404);
    });
}
