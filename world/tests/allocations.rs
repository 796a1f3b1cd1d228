//! What an idle pass allocates, and what the cache of many resources holds: golden figures. A rise is a failure to explain;
//! a fall is one to write down.
//!
//! `UPDATE_GOLDEN=1 cargo test --profile fast -p world --test allocations` writes the file anew.

#![cfg(test)]

use std::alloc::System;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use flink_operator_api::{FlinkDeployment, Stored};
use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use simulated_flink::Flink;
use simulated_kubernetes::World;
use simulated_kubernetes::api_server::Kubernetes;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::settings::Settings;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use world::explore::application::{NAMESPACE, Version, application};
use world::operator::{Operator, Process};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many resources the cache holds.
const CACHED: usize = 10_000;

/// Hash tables are seeded anew in each process, which may move the moments at which they grow.
const TOLERANCE_PERCENT: usize = 1;

/// Bytes that are allocated now.
fn live() -> usize {
    // What was reallocated is in both figures already.
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Allocations so far. A piece of memory that grows counts once more.
fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// One test: another one beside it would allocate too.
#[test]
fn idle_pass_and_full_cache_take_what_they_did() {
    let (idle_pass, resource) = idle_pass();
    let figures = BTreeMap::from([
        ("allocations of an idle pass", idle_pass),
        ("bytes of 10000 cached resources", cached(&resource)),
    ]);
    for (name, figure) in &figures {
        println!("{name}: {figure}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/allocations.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&figures).expect("figures can be written");
        std::fs::write(&path, text + "\n").expect("the file can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden figures are there");
    let golden: BTreeMap<&str, usize> =
        serde_json::from_str(&golden).expect("the golden figures can be read");
    assert_eq!(golden.keys().collect::<Vec<_>>(), figures.keys().collect::<Vec<_>>());
    for (name, figure) in figures {
        let before = golden[name];
        let most = before + before * TOLERANCE_PERCENT / 100;
        assert!(figure <= most, "{name}: {before} became {figure}");
    }
}

/// Allocations of a pass over a job that runs and is left alone, and the resource as it then is.
///
/// What the simulated Flink allocates to answer is among them: it is the same in every run.
fn idle_pass() -> (usize, Value) {
    let settings = Settings { keep_history: false, ..Settings::default() };
    simulated_kubernetes::run_with(1, settings, |world| async move {
        world.create(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE},
        }));
        world.create(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flink", "namespace": NAMESPACE},
        }));
        let flink = Flink::new(&world);
        let operator =
            Operator::start(&world, Process::named("operator"), flink.transport("operator"));
        world.create(application(Version::V2_2));
        tokio::time::sleep(Duration::from_mins(30)).await;
        let running = resource(&world);
        assert_eq!(running.pointer("/status/jobStatus/state"), Some(&json!("RUNNING")));

        let (passes_before, allocations_before) = (passes(&operator), allocations());
        tokio::time::sleep(Duration::from_hours(2)).await;
        let made = allocations() - allocations_before;
        let passes = passes(&operator) - passes_before;
        assert!(passes >= 100, "{passes} passes in two hours");
        assert_eq!(resource(&world), running, "an idle pass changes nothing");
        (made / passes, running)
    })
}

fn resource(world: &World) -> Value {
    let kind = Kinds::known().plural("flinkdeployments");
    let all =
        world.kubernetes(|kubernetes: &mut Kubernetes| kubernetes.stored_list(kind, NAMESPACE));
    all.first().expect("there is one resource").object.clone()
}

/// Passes so far, of every outcome.
fn passes(operator: &Operator) -> usize {
    let text = operator.metrics().encode();
    let lines = text.lines().filter(|line| line.starts_with("flink_operator_passes_total"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}

/// Bytes of the operator's cache with so many resources like this one.
fn cached(resource: &Value) -> usize {
    let (cache, mut writer) = reflector::store::<Stored<FlinkDeployment>>();
    let before = live();
    for number in 0..CACHED {
        let mut resource = resource.clone();
        resource["metadata"]["name"] = format!("app-{number:05}").into();
        // The operator keeps none of these either.
        resource["metadata"]["managedFields"].take();
        let read = serde_json::from_str(&resource.to_string()).expect("the resource can be read");
        writer.apply_watcher_event(&Event::Apply(read));
    }
    assert_eq!(cache.len(), CACHED);
    live() - before
}
