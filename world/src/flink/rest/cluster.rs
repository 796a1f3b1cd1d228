//! The cluster: version, slots, TaskManagers, configuration.

use flink_operator_core::flink_version::FlinkVersion;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::flink::around::Around;
use crate::flink::process::Process;
use crate::flink::settings::release;

/// The commit that the recorded answers name.
fn revision(version: FlinkVersion) -> (&'static str, &'static str) {
    match (version.major, version.minor) {
        (2, 2) => ("450c63e", "450c63e @ 2026-05-03T10:10:44+02:00"),
        (_, _) => ("0000000", "0000000 @ 2026-01-01T00:00:00+00:00"),
    }
}

pub(super) fn config(process: &Process) -> Answer {
    let version = process.settings.version;
    let is_on = |key: &str| process.settings.value(key) != Some("false");
    Answer::ok(json!({
        "refresh-interval": 3000,
        "timezone-name": "Coordinated Universal Time",
        "timezone-offset": 0,
        "flink-version": release(version),
        "flink-revision": revision(version).1,
        "features": {
            "web-submit": !process.settings.is_application() && is_on("web.submit.enable"),
            "web-cancel": is_on("web.cancel.enable"),
            "web-rescale": process.settings.is_adaptive(),
            "web-history": false,
        },
    }))
}

pub(super) fn overview(process: &Process, around: &Around) -> Answer {
    let task_managers = process.registered(around);
    let total = task_managers * process.settings.slots;
    let [running, finished, cancelled, failed] = process.job_counts();
    Answer::ok(json!({
        "taskmanagers": task_managers,
        "slots-total": total,
        "slots-available": total.saturating_sub(slots_used(process)),
        "jobs-running": running,
        "jobs-finished": finished,
        "jobs-cancelled": cancelled,
        "jobs-failed": failed,
        "flink-version": release(process.settings.version),
        "flink-commit": revision(process.settings.version).0,
    }))
}

/// Slots that tasks are in.
pub(super) fn slots_used(process: &Process) -> u32 {
    process.jobs.iter().filter(|job| job.running_since.is_some()).map(|job| job.parallelism).sum()
}

pub(super) fn task_managers(process: &Process, around: &Around) -> Answer {
    let slots = process.settings.slots;
    let mut used = slots_used(process);
    let registered = usize::try_from(process.registered(around)).unwrap_or(0);
    let running = around
        .task_managers_of(&process.resource)
        .into_iter()
        .filter(|one| one.running_since.is_some());
    let all: Vec<Value> = running
        .take(registered)
        .map(|one| {
            let busy = used.min(slots);
            used -= busy;
            let mut shown = json!({
                "id": one.name,
                "path": format!("pekko.tcp://flink@{}:6122/user/rpc/taskmanager_0", one.ip),
                "dataPort": 33235,
                "jmxPort": -1,
                "timeSinceLastHeartbeat": around.now,
                "slotsNumber": slots,
                "freeSlots": slots - busy,
                "totalResource": resources(1.0),
                "freeResource": resources(f64::from(slots - busy) / f64::from(slots.max(1))),
                "hardware": {
                    "cpuCores": 2, "physicalMemory": 25_276_510_208_u64, "freeMemory": 310_378_496,
                    "managedMemory": 67_108_864,
                },
                "memoryConfiguration": {
                    "frameworkHeap": 134_217_728, "taskHeap": 176_160_768,
                    "frameworkOffHeap": 134_217_728, "taskOffHeap": 0,
                    "networkMemory": 67_108_864, "managedMemory": 67_108_864,
                    "jvmMetaspace": 268_435_456, "jvmOverhead": 201_326_592,
                    "totalFlinkMemory": 578_813_952, "totalProcessMemory": 1_048_576_000,
                },
            });
            if process.settings.version >= FlinkVersion::V2_3 {
                crate::kubernetes::object::set_field(&mut shown, "assignedTasks", busy);
            }
            shown
        })
        .collect();
    Answer::ok(json!({"taskmanagers": all}))
}

fn resources(share: f64) -> Value {
    json!({
        "cpuCores": share, "taskHeapMemory": 168, "taskOffHeapMemory": 0, "managedMemory": 64,
        "networkMemory": 64, "extendedResources": {},
    })
}

pub(super) fn job_manager_config(process: &Process) -> Answer {
    let all: Vec<Value> = process
        .settings
        .all
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    Answer::ok(Value::Array(all))
}
