//! The same seed gives the same bytes; and how fast that goes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;
use simulated_kubernetes::api_server::request::Verb;
use simulated_kubernetes::controllers::pod::{Behaviour, Run};
use simulated_kubernetes::fault::{Effect, FaultPlan, Fits, Refused, RequestFault, When};
use simulated_kubernetes::settings::{Order, Settings};
use simulated_kubernetes::{World, run, run_with};

use super::*;

/// A controller of kube's own: every ConfigMap gets a Deployment, and is told how many of its pods are available.
fn start_controller(client: &Client) {
    let (api, owned) = (config_maps(client), deployments(client));
    let client = client.clone();
    let reconcile = move |object: Arc<ConfigMap>, _: Arc<()>| {
        let client = client.clone();
        async move {
            let name = object.name_any();
            let apply = json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": name, "ownerReferences": [{
                    "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": object.uid(), "controller": true,
                }]},
                "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
                    "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]},
                }},
            });
            let params = PatchParams::apply("controller").force();
            let deployment =
                deployments(&client).patch(&name, &params, &Patch::Apply(apply)).await?;
            let available =
                deployment.status.and_then(|status| status.available_replicas).unwrap_or(0);
            let patch = json!({"data": {"available": available.to_string()}});
            config_maps(&client)
                .patch(&name, &PatchParams::default(), &Patch::Merge(patch))
                .await?;
            Ok::<_, kube::Error>(Action::requeue(Duration::from_secs(15)))
        }
    };
    let controller =
        Controller::new(api, watcher::Config::default()).owns(owned, watcher::Config::default());
    let running = controller.run(
        reconcile,
        |_, _: &kube::Error, _| Action::requeue(Duration::from_secs(5)),
        Arc::new(()),
    );
    tokio::spawn(running.for_each(|_| async {}));
}

async fn hour(world: &World, objects: u32) {
    start_controller(&world.client("controller"));
    let api = config_maps(&world.client("me"));
    let creations = (0..objects).map(|number| {
        let api = api.clone();
        async move {
            api.create(&PostParams::default(), &config_map(&format!("c{number:03}"), json!({})))
                .await
        }
    });
    futures::future::try_join_all(creations).await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
}

fn digest(seed: u64, order: Order) -> (String, usize) {
    let crashing = Behaviour {
        run: Run::Ends { after: Duration::from_secs(100), exit_code: 1 },
        ..Behaviour::default()
    };
    let mut settings = Settings { order, ..Settings::default() };
    settings.controllers.pods = crashing;
    run_with(seed, settings, |world| async move {
        hour(&world, 10).await;
        (world.digest(), world.log().len())
    })
}

#[test]
fn same_seed_gives_the_same_log_and_another_order_another_one() {
    let (first, requests) = digest(1, Order::ByContent);
    assert!(requests > 4000, "{requests}");
    assert_eq!((first.clone(), requests), digest(1, Order::ByContent));
    let shuffled: BTreeSet<String> = (1..=3).map(|seed| digest(seed, Order::Shuffled).0).collect();
    assert_eq!(shuffled.len(), 3, "every seed tries another order");
    assert_eq!(digest(2, Order::Shuffled).0, digest(2, Order::Shuffled).0);
    assert!(!shuffled.contains(&first));
}

#[test]
fn speed_is_measured() {
    let began = Instant::now();
    let requests = simulated_kubernetes::run(1, |world| async move {
        hour(&world, 20).await;
        world.log().len()
    });
    let took = began.elapsed();
    let per_second = f64::from(u32::try_from(requests).unwrap()) / took.as_secs_f64();
    println!(
        "100 objects, one virtual hour, {requests} requests: {took:?}, {per_second:.0} requests a second"
    );
    assert!(requests > 9600, "{requests}");
}

/// When a watch that is refused for two minutes is tried again, in milliseconds.
fn tries(seed: u64) -> Vec<u128> {
    run(seed, |world| async move {
        let fault = RequestFault {
            fits: Fits::verb(Verb::Watch, "configmaps"),
            when: When { until: Duration::from_mins(2), ..When::ALWAYS },
            effect: Effect::Refuse(Refused::InternalError),
        };
        world.plan(FaultPlan { requests: vec![fault], watches: Vec::new() });
        let events = watcher(config_maps(&world.client("me")), watcher::Config::default());
        tokio::spawn(events.default_backoff().for_each(|_| async {}));
        tokio::time::sleep(Duration::from_mins(3)).await;
        let log = world.log();
        let watches = log.iter().filter(|entry| entry.address.contains("watch=true"));
        watches.map(|entry| entry.at.as_millis()).collect()
    })
}

#[test]
fn jitter_of_kubes_own_back_off_follows_from_the_seed() {
    let first = tries(1);
    assert!(first.len() >= 6, "{first:?}");
    assert_eq!(first, tries(1));
    assert_ne!(first, tries(2), "pauses have jitter");
}
