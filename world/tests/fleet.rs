//! Many resources for a long time: what the operator keeps in memory for each, that it does not grow, and how many
//! passes a change costs.
//!
//! `FLEET_RESOURCES=1000 FLEET_HOURS=24 cargo test --profile fast -p world --test fleet -- --nocapture` tries more than
//! the everyday run does.

#![cfg(test)]

use std::alloc::System;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulated_flink::Flink;
use simulated_kubernetes::World;
use simulated_kubernetes::api_server::Kubernetes;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::settings::Settings;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use world::explore::application::{NAMESPACE, Version, application, merged};
use world::operator::{Operator, Process, client};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated now.
fn live() -> usize {
    // What was reallocated is in both figures already.
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

fn resource(number: u64) -> Value {
    merged(application(Version::V2_2), &json!({"metadata": {"name": format!("app-{number:04}")}}))
}

/// Passes so far, of every outcome.
fn passes(operator: &Operator) -> u64 {
    let text = operator.metrics().encode();
    let lines = text.lines().filter(|line| line.starts_with("flink_operator_passes_total"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

fn running(world: &World) -> u64 {
    let kind = Kinds::known().plural("flinkdeployments");
    let all = world.kubernetes(|kubernetes| kubernetes.stored_list(kind, NAMESPACE));
    let runs = |object: &Value| {
        object.pointer("/status/jobStatus/state").and_then(Value::as_str) == Some("RUNNING")
    };
    all.iter().filter(|stored| runs(&stored.object)).count() as u64
}

fn start(world: &World, flink: &Flink, name: &str) -> Operator {
    let mut process = Process::named(name);
    process.configuration = "kubernetes.operator.reconcile.interval: 60 s\n".to_owned();
    Operator::start(world, process, flink.transport(name))
}

#[test]
fn fleet_costs_little_memory_and_no_more_with_time() {
    let (resources, hours) = (setting("FLEET_RESOURCES", 100), setting("FLEET_HOURS", 3));
    let began = Instant::now();
    let mut settings = Settings { keep_history: false, ..Settings::default() };
    settings.controllers.pods.pull_after = Duration::from_millis(100);
    simulated_kubernetes::run_with(1, settings, |world| async move {
        world.create(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE},
        }));
        world.create(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flink", "namespace": NAMESPACE},
        }));
        let flink = Flink::new(&world);
        forget_regularly(&world);
        let operator = start(&world, &flink, "operator");
        for number in 0..resources {
            world.create(resource(number));
        }
        while running(&world) < resources {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(world.clock().elapsed() < Duration::from_hours(1), "{}", running(&world));
        }
        println!("{resources} jobs run after {:.0} s", world.clock().elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_mins(30)).await;

        // The same seconds of two minutes, one with changes in it: every resource is polled once a minute.
        let window = Duration::from_secs(10);
        let before = passes(&operator);
        tokio::time::sleep(window).await;
        let undisturbed = passes(&operator) - before;
        tokio::time::sleep(Duration::from_secs(50)).await;
        let changed = resources.min(100);
        let (before, began_to_change) = (passes(&operator), world.clock().elapsed());
        for number in 0..changed {
            change(&world, &format!("app-{number:04}")).await;
        }
        tokio::time::sleep((began_to_change + window).saturating_sub(world.clock().elapsed()))
            .await;
        let for_changes = (passes(&operator) - before).saturating_sub(undisturbed);
        println!("{changed} changes cost {for_changes} passes; {undisturbed} without them");
        assert!(for_changes >= changed, "{for_changes} passes for {changed} changes");
        assert!(for_changes <= 2 * changed, "{for_changes} passes for {changed} changes");

        // What another operator adds, once its caches are filled, is what an operator keeps.
        let settled = || {
            world.kubernetes(Kubernetes::compact);
            live()
        };
        let without = settled();
        let other = start(&world, &flink, "operator-b");
        tokio::time::sleep(Duration::from_mins(10)).await;
        let with = settled();
        let kept = with.saturating_sub(without);
        other.stop();
        tokio::time::sleep(Duration::from_mins(2)).await;
        let each = kept / usize::try_from(resources).unwrap_or(usize::MAX);
        println!(
            "an operator keeps {kept} bytes for {resources} resources: {each} each, {} given back",
            with.saturating_sub(settled())
        );

        let first = settled();
        let passes_before = passes(&operator);
        tokio::time::sleep(Duration::from_hours(hours)).await;
        let last = settled();
        let growth = last.saturating_sub(first);
        println!(
            "{hours} h in the world: {} passes, {first} bytes became {last}; {:.0} s",
            passes(&operator) - passes_before,
            began.elapsed().as_secs_f64()
        );
        assert!(growth * 100 <= first, "{first} bytes became {last} within {hours} h");
        // The cached resource, its Deployment and its pod; the rest is what kube keeps beside them.
        assert!(each <= 64 * 1024, "{each} bytes for each resource");
    });
}

/// The API server has etcd forget what is older than five minutes.
fn forget_regularly(world: &World) {
    let world = world.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_mins(5)).await;
            world.kubernetes(Kubernetes::compact);
        }
    });
}

async fn change(world: &World, name: &str) {
    let api: kube::Api<flink_operator_api::FlinkDeployment> =
        kube::Api::namespaced(client(world, "user"), NAMESPACE);
    let patch = json!({"spec": {"flinkConfiguration": {
        "kubernetes.operator.savepoint.history.max.count": "7",
    }}});
    let params = kube::api::PatchParams::default();
    let patched = api.patch(name, &params, &kube::api::Patch::Merge(patch)).await;
    patched.expect("the change is taken");
}
