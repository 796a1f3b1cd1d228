//! Checks the vectors of the memory model: a configuration, and the resulting sizes or an error.

use flink_operator_core::{
    conf::{
        Configuration,
        memory::{
            JobManagerMemory, MemoryError, TaskManagerMemory, job_manager_memory,
            task_manager_memory,
        },
    },
    flink_version::FlinkVersion,
};
use serde_json::{Map, Value as Json, json};

use crate::{Tally, compare, error_of};

pub(crate) fn check(tally: &mut Tally, version: FlinkVersion, vectors: &Json) {
    for vector in vectors.as_array().unwrap() {
        let settings = vector["conf"].as_object().unwrap();
        let configuration: Configuration =
            settings.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap())).collect();
        let role = vector["role"].as_str().unwrap();
        let actual = match role {
            "jobmanager" => job_manager_memory(&configuration, version).map(|m| job_manager(&m)),
            "taskmanager" => task_manager_memory(&configuration, version).map(|m| task_manager(&m)),
            other => panic!("unknown role {other}"),
        };
        let name = format!("{version} memory of {role} with {}", vector["conf"]);
        tally.case(&name, compare_memory(vector, settings, actual));
    }
}

fn compare_memory(
    vector: &Json,
    settings: &Map<String, Json>,
    actual: Result<Json, MemoryError>,
) -> Result<(), String> {
    match (error_of(vector), actual) {
        (None, Ok(actual)) => {
            let mut expected = vector.clone();
            let fields = expected.as_object_mut().unwrap();
            fields.remove("role");
            fields.remove("conf");
            compare(&expected, &actual)
        }
        (Some(_), Err(error)) => check_message(&error, settings),
        (Some(expected), Ok(actual)) => {
            Err(format!("Flink reports the error {expected}, we have {actual}"))
        }
        (None, Err(error)) => Err(format!("Flink accepts it, we report {error}")),
    }
}

/// An error must name the key, its value, and what is allowed.
fn check_message(error: &MemoryError, settings: &Map<String, Json>) -> Result<(), String> {
    let message = error.to_string();
    let named = match error {
        MemoryError::NotConfigured { process, .. } => {
            let key = format!("{}.memory.process.size", process.to_lowercase());
            message.contains(&key)
        }
        MemoryError::Option(_) | MemoryError::Inconsistent { .. } => {
            let named = settings.iter().any(|(key, value)| {
                message.contains(key) && message.contains(value.as_str().unwrap())
            });
            named && message.contains("allowed: ")
        }
    };
    if named { Ok(()) } else { Err(format!("the message is unclear: {message}")) }
}

fn job_manager(memory: &JobManagerMemory) -> Json {
    json!({
        "totalProcessMiB": memory.total_process().mebibytes(),
        "totalProcessBytes": memory.total_process().bytes(),
        "totalFlinkBytes": memory.total_flink().bytes(),
        "heap": memory.heap.bytes(),
        "offHeap": memory.off_heap.bytes(),
        "metaspace": memory.jvm.metaspace.bytes(),
        "overhead": memory.jvm.overhead.bytes(),
        "jvm": memory.jvm_args(),
        "dynamic": dynamic(memory.dynamic_options()),
    })
}

fn task_manager(memory: &TaskManagerMemory) -> Json {
    json!({
        "totalProcessMiB": memory.total_process().mebibytes(),
        "totalProcessBytes": memory.total_process().bytes(),
        "totalFlinkBytes": memory.total_flink().bytes(),
        "taskHeap": memory.task_heap.bytes(),
        "managed": memory.managed.bytes(),
        "network": memory.network.bytes(),
        "metaspace": memory.jvm.metaspace.bytes(),
        "overhead": memory.jvm.overhead.bytes(),
        "cpu": memory.cpu_cores,
        "jvm": memory.jvm_args(),
        "dynamic": dynamic(memory.dynamic_options()),
    })
}

/// The options as in the vectors: the text split at every `-D`, sorted.
fn dynamic(options: Vec<(String, String)>) -> Vec<String> {
    let options = options.into_iter().map(|(key, value)| format!("{key}={value}"));
    let mut parts: Vec<String> = options.chain([String::new()]).collect();
    parts.sort();
    parts
}
