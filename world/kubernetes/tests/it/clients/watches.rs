//! Watches, by hand and through kube's own watcher.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt as _, reflector};
use kube::{Resource as _, ResourceExt};
use serde_json::json;
use simulated_kubernetes::run;

use super::*;

fn short(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(object) => format!("+{}", object.name_any()),
        WatchEvent::Modified(object) => format!("~{}", object.name_any()),
        WatchEvent::Deleted(object) => format!("-{}", object.name_any()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

async fn label(api: &Api<ConfigMap>, name: &str, value: &str) {
    let patch = json!({"metadata": {"labels": {"tier": value}}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[test]
fn watch_tells_every_change_after_its_version() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let first = api.create(&PostParams::default(), &config_map("a", json!({}))).await.unwrap();
        label(&api, "a", "x").await;
        api.create(&PostParams::default(), &config_map("b", json!({}))).await.unwrap();
        api.delete("a", &DeleteParams::default()).await.unwrap();
        let version = first.resource_version().unwrap();
        let params = WatchParams::default().timeout(5);
        let events: Vec<_> =
            api.watch(&params, &version).await.unwrap().try_collect().await.unwrap();
        assert_eq!(events.iter().map(short).collect::<Vec<_>>(), ["~a", "+b", "-a"]);
        let WatchEvent::Deleted(last) = &events[2] else { panic!("the last event is a deletion") };
        assert_eq!(last.labels()["tier"], "x", "a deletion shows the last state");
        let versions: Vec<u64> = [&events[0], &events[1], &events[2]]
            .map(|event| match event {
                WatchEvent::Added(o) | WatchEvent::Modified(o) | WatchEvent::Deleted(o) => {
                    o.resource_version().unwrap()
                }
                WatchEvent::Bookmark(_) | WatchEvent::Error(_) => String::new(),
            })
            .map(|version| version.parse().unwrap())
            .to_vec();
        assert!(versions.is_sorted(), "{versions:?}");
    });
}

#[test]
fn objects_come_and_go_with_the_selector() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let first = api.create(&PostParams::default(), &config_map("a", json!({}))).await.unwrap();
        for value in ["x", "x2", "y", "x"] {
            label(&api, "a", value).await;
        }
        let params = WatchParams::default().labels("tier in (x,x2)").timeout(5);
        let version = first.resource_version().unwrap();
        let events: Vec<_> =
            api.watch(&params, &version).await.unwrap().try_collect().await.unwrap();
        assert_eq!(events.iter().map(short).collect::<Vec<_>>(), ["+a", "~a", "-a", "+a"]);
    });
}

#[test]
fn watch_without_a_version_begins_with_what_is_there() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        for name in ["b", "a"] {
            api.create(&PostParams::default(), &config_map(name, json!({}))).await.unwrap();
        }
        let params = WatchParams::streaming_lists().timeout(5);
        let events: Vec<_> = api.watch(&params, "0").await.unwrap().try_collect().await.unwrap();
        assert_eq!(events.iter().map(short).collect::<Vec<_>>(), ["+a", "+b", "bookmark"]);
    });
}

#[test]
fn forgotten_versions_are_told_as_an_error_and_bookmarks_come_by_the_minute() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let first = api.create(&PostParams::default(), &config_map("a", json!({}))).await.unwrap();
        label(&api, "a", "x").await;
        world.kubernetes(simulated_kubernetes::api_server::Kubernetes::compact);
        let version = first.resource_version().unwrap();
        let params = WatchParams::default().timeout(150);
        let events: Vec<_> =
            api.watch(&params, &version).await.unwrap().try_collect().await.unwrap();
        assert_eq!(events.iter().map(short).collect::<Vec<_>>(), ["error 410"]);
        let now = api.get("a").await.unwrap().resource_version().unwrap();
        let events: Vec<_> = api.watch(&params, &now).await.unwrap().try_collect().await.unwrap();
        assert_eq!(events.iter().map(short).collect::<Vec<_>>(), ["bookmark", "bookmark"]);
    });
}

#[test]
fn reflector_of_kube_follows_the_world_through_a_lost_past() {
    run(1, |world| async move {
        let client = world.client("watcher");
        let (store, writer) = reflector::store();
        let stream = watcher(config_maps(&client), watcher::Config::default())
            .default_backoff()
            .reflect(writer);
        tokio::spawn(stream.for_each(|_| async {}));
        store.wait_until_ready().await.unwrap();
        let api = config_maps(&world.client("me"));
        for number in 0..20 {
            api.create(&PostParams::default(), &config_map(&format!("c{number}"), json!({})))
                .await
                .unwrap();
        }
        world.disconnect("watcher");
        for number in 0..10 {
            api.delete(&format!("c{number}"), &DeleteParams::default()).await.unwrap();
        }
        world.kubernetes(simulated_kubernetes::api_server::Kubernetes::compact);
        tokio::time::sleep(Duration::from_mins(5)).await;
        let mut names: Vec<String> = store.state().iter().map(|object| object.name_any()).collect();
        names.sort();
        assert_eq!(names.len(), 10, "{names:?}");
        assert!(names.iter().all(|name| name.len() == 3), "{names:?}");
    });
}

#[test]
fn metadata_watcher_and_streaming_lists_work_too() {
    run(1, |world| async move {
        let client = world.client("me");
        let api = config_maps(&client);
        api.create(&PostParams::default(), &config_map("a", json!({"k": "v"}))).await.unwrap();
        let config = watcher::Config::default().streaming_lists();
        let events: Vec<_> = watcher(api.clone(), config).take(3).collect().await;
        assert!(
            matches!(&events[..], [Ok(Event::Init), Ok(Event::InitApply(object)), Ok(Event::InitDone)] if object.name_any() == "a")
        );
        let api: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client, "default");
        let metadata: Vec<_> = watcher(api, watcher::Config::default()).take(2).collect().await;
        let Ok(Event::InitApply(object)) = &metadata[1] else { panic!("{metadata:?}") };
        assert_eq!(object.meta().name.as_deref(), Some("a"));
    });
}
