//! Messages, and what the recorded vectors do not cover.

use super::*;
use crate::{
    conf::{Configuration, MemorySize},
    flink_version::FlinkVersion,
};

fn of(settings: &[(&str, &str)]) -> Configuration {
    settings.iter().copied().collect()
}

fn job_manager(settings: &[(&str, &str)]) -> Result<JobManagerMemory, String> {
    job_manager_memory(&of(settings), FlinkVersion::V2_2).map_err(|error| error.to_string())
}

fn task_manager(settings: &[(&str, &str)]) -> Result<TaskManagerMemory, String> {
    task_manager_memory(&of(settings), FlinkVersion::V2_2).map_err(|error| error.to_string())
}

#[test]
fn refusals_of_the_job_manager_name_key_value_and_what_is_allowed() {
    for (settings, message) in [
        (
            [("jobmanager.memory.process.size", "448m")].as_slice(),
            "jobmanager.memory.process.size: 448m is not allowed: Flink's memory is 0 bytes, and \
             jobmanager.memory.off-heap.size takes 128 mb of it, so there is no heap left; \
             allowed: a size that leaves more than 128 mb for Flink's memory",
        ),
        (
            &[("jobmanager.memory.process.size", "1k")],
            "jobmanager.memory.process.size: 1k is not allowed: jobmanager.memory.jvm-metaspace.size \
             is 256 mb and the JVM's overhead is 192 mb; allowed: more than 448 mb",
        ),
        (
            &[("jobmanager.memory.flink.size", "1g"), ("jobmanager.memory.process.size", "1280m")],
            "jobmanager.memory.process.size: 1280m is not allowed: Flink's memory and the metaspace \
             take 1280 mb, and what is left for the JVM's overhead is not 192 mb to 1 gb \
             (jobmanager.memory.jvm-overhead.min, jobmanager.memory.jvm-overhead.max); allowed: \
             1472 mb to 2304 mb",
        ),
        (
            &[
                ("jobmanager.memory.process.size", "2g"),
                ("jobmanager.memory.jvm-overhead.fraction", "1.5"),
            ],
            "jobmanager.memory.jvm-overhead.fraction: 1.5 is not allowed: 1.5 is no fraction of a \
             whole; allowed: at least 0 and less than 1",
        ),
        (
            &[("jobmanager.memory.heap.size", "1g"), ("jobmanager.memory.flink.size", "900m")],
            "jobmanager.memory.heap.size: 1g is not allowed: it is more than \
             jobmanager.memory.flink.size, which is 900 mb; allowed: at most 900 mb, or only one of \
             the two keys",
        ),
        (
            &[],
            "the memory of the JobManager is not configured; set jobmanager.memory.process.size, or \
             jobmanager.memory.flink.size, or jobmanager.memory.heap.size",
        ),
    ] {
        assert_eq!(job_manager(settings), Err(message.to_owned()));
    }
}

#[test]
fn refusals_of_the_task_manager_name_key_value_and_what_is_allowed() {
    for (settings, message) in [
        (
            [("taskmanager.memory.flink.size", "300m")].as_slice(),
            "taskmanager.memory.flink.size: 300m is not allowed: Flink's memory is 300 mb, and \
             managed memory takes 125829121 bytes, network memory 64 mb, and the framework and \
             off-heap memory 256 mb of it; allowed: at least the sum of these parts (here 461373441 bytes)",
        ),
        (
            &[
                ("taskmanager.memory.flink.size", "1g"),
                ("taskmanager.memory.task.heap.size", "500m"),
                ("taskmanager.memory.size", "250m"),
            ],
            "taskmanager.memory.flink.size: 1g is not allowed: heap, managed and off-heap memory take \
             1006 mb of Flink's 1 gb, and the rest for the network, 18 mb, is not at least 64 mb \
             (taskmanager.memory.network.min, taskmanager.memory.network.max); allowed: a size that \
             leaves at least 64 mb for the network",
        ),
        (
            &[("taskmanager.memory.process.size", "2g"), ("taskmanager.cpu.cores", "0")],
            "taskmanager.cpu.cores: 0 is not allowed: a TaskManager needs a CPU; allowed: more than 0",
        ),
        (
            &[
                ("taskmanager.memory.process.size", "2g"),
                ("taskmanager.memory.framework.heap.size", "9223372036854775807"),
            ],
            "taskmanager.memory.framework.heap.size: 9223372036854775807 is not allowed: together \
             with the other sizes it is more than Flink can count; allowed: sizes whose sum is at \
             most 9223372036854775807 bytes",
        ),
    ] {
        assert_eq!(task_manager(settings), Err(message.to_owned()));
    }
}

#[test]
fn an_older_spelling_is_blamed_under_its_own_name() {
    let message = task_manager(&[
        ("taskmanager.memory.process.size", "2g"),
        ("taskmanager.network.memory.fraction", "2"),
    ]);
    assert!(message.unwrap_err().starts_with("taskmanager.network.memory.fraction: 2 is not"));
}

#[test]
fn flink_1_takes_the_old_heap_for_the_process_and_flink_2_does_not() {
    let configuration = of(&[("jobmanager.heap.mb", "1024"), ("taskmanager.heap.size", "2g")]);
    let old = FlinkVersion::V1_20;
    let job_manager = job_manager_memory(&configuration, old).unwrap();
    assert_eq!(job_manager.total_process(), MemorySize::from_mebibytes(1024));
    // Flink itself maps the TaskManager's key before it derives the memory, and only on Kubernetes.
    assert!(task_manager_memory(&configuration, old).is_err());
    let mapped = with_task_manager_heap(&configuration, old).unwrap();
    let task_manager = task_manager_memory(&mapped, old).unwrap();
    assert_eq!(task_manager.total_process(), MemorySize::from_mebibytes(2048));

    let new = FlinkVersion::V2_0;
    assert!(job_manager_memory(&configuration, new).is_err());
    assert_eq!(*with_task_manager_heap(&configuration, new).unwrap(), configuration);
}

#[test]
fn flink_1_takes_a_number_of_network_buffers() {
    let configuration = of(&[
        ("taskmanager.memory.process.size", "2g"),
        ("taskmanager.network.numberOfBuffers", "4096"),
    ]);
    let memory = task_manager_memory(&configuration, FlinkVersion::V1_20).unwrap();
    assert_eq!(memory.network, MemorySize::from_mebibytes(128));
    let memory = task_manager_memory(&configuration, FlinkVersion::V2_0).unwrap();
    assert_eq!(memory.network, MemorySize::from_bytes(166_429_984));
}

#[test]
fn external_resources_are_passed_on_with_their_amounts() {
    let memory = task_manager(&[
        ("taskmanager.memory.process.size", "2g"),
        ("external-resources", "gpu;fpga;none"),
        ("external-resource.gpu.amount", "2"),
        ("external-resource.fpga.amount", "0"),
    ])
    .unwrap();
    let options = memory.dynamic_options();
    for (key, value) in [("external-resources", "\"gpu\""), ("external-resource.gpu.amount", "2")] {
        assert!(options.contains(&(key.to_owned(), value.to_owned())), "{options:?}");
    }
    assert_eq!(memory.external_resources.len(), 1);
}
