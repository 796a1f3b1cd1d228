//! The cluster as a whole: its version, slots, TaskManagers and configuration.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use serde::Deserialize;

use crate::client::{FlinkCluster, SMALL};
use crate::error::RestError;
use crate::wire;

impl FlinkCluster {
    /// Version and features of the JobManager. It answers as soon as the REST API is up.
    pub async fn config(&self) -> Result<ClusterConfig, RestError> {
        let call = self.call("read the version of Flink", Method::GET, &["config"]);
        self.fetch(call.at_most(SMALL)).await
    }

    /// Counts of TaskManagers, slots and jobs.
    pub async fn overview(&self) -> Result<ClusterOverview, RestError> {
        let call = self.call("read the overview of the cluster", Method::GET, &["overview"]);
        self.fetch(call.at_most(SMALL)).await
    }

    /// The registered TaskManagers.
    pub async fn task_managers(&self) -> Result<Vec<TaskManager>, RestError> {
        let call = self.call("list the TaskManagers", Method::GET, &["taskmanagers"]);
        let answer: TaskManagers = self.fetch(call).await?;
        Ok(answer.task_managers)
    }

    /// The configuration that the JobManager has loaded. Flink masks the values of sensitive keys.
    pub async fn job_manager_config(&self) -> Result<BTreeMap<String, String>, RestError> {
        let call = self.call(
            "read the configuration of the JobManager",
            Method::GET,
            &["jobmanager", "config"],
        );
        let answer: Entries = self.fetch(call).await?;
        Ok(answer.0.into_iter().map(|entry| (entry.key, entry.value)).collect())
    }

    /// Shuts the cluster down: jobs are suspended, and the processes end.
    pub async fn delete_cluster(&self) -> Result<(), RestError> {
        let call = self.call("shut the cluster down", Method::DELETE, &["cluster"]);
        self.done(call.at_most(SMALL)).await
    }
}

/// What `/config` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterConfig {
    /// E.g. `2.3.0` or `1.20-SNAPSHOT`.
    #[serde(rename = "flink-version")]
    pub flink_version: String,
    /// Commit and time of it, e.g. `c0f8d1a @ 2026-06-14T16:29:03+02:00`.
    #[serde(default, rename = "flink-revision", deserialize_with = "wire::or_default")]
    pub flink_revision: String,
}

impl ClusterConfig {
    /// The version as numbers, unless it is written in an unknown way.
    pub fn release(&self) -> Option<FlinkRelease> {
        FlinkRelease::parse(&self.flink_version)
    }
}

/// A minor release of Flink. What a request may contain depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlinkRelease {
    /// The first number of a version.
    pub major: u16,
    /// The second number of a version.
    pub minor: u16,
}

impl FlinkRelease {
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads the beginning of a version such as `1.20.5` or `2.3-SNAPSHOT`.
    pub fn parse(version: &str) -> Option<Self> {
        let (major, rest) = version.split_once('.')?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for FlinkRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What `/overview` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterOverview {
    /// Registered TaskManagers.
    #[serde(rename = "taskmanagers")]
    pub task_managers: u32,
    /// Slots of all TaskManagers.
    #[serde(rename = "slots-total")]
    pub slots_total: u32,
    /// Slots without a task.
    #[serde(rename = "slots-available")]
    pub slots_available: u32,
    /// Jobs that have not ended.
    #[serde(rename = "jobs-running")]
    pub jobs_running: u32,
    /// Jobs that ended by themselves.
    #[serde(rename = "jobs-finished")]
    pub jobs_finished: u32,
    /// Jobs that were cancelled.
    #[serde(rename = "jobs-cancelled")]
    pub jobs_cancelled: u32,
    /// Jobs that gave up.
    #[serde(rename = "jobs-failed")]
    pub jobs_failed: u32,
}

#[derive(Deserialize)]
struct TaskManagers {
    #[serde(rename = "taskmanagers", deserialize_with = "wire::list::<_, _, 10_000>")]
    task_managers: Vec<TaskManager>,
}

/// One registered TaskManager.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TaskManager {
    /// In native mode the name of its pod.
    pub id: String,
    /// Slots in all.
    #[serde(rename = "slotsNumber")]
    pub slots: u32,
    /// Slots without a task.
    #[serde(rename = "freeSlots")]
    pub free_slots: u32,
    /// When the JobManager last heard of it, in milliseconds since 1970.
    #[serde(default, rename = "timeSinceLastHeartbeat")]
    pub last_heartbeat_ms: Option<i64>,
    /// The machine, as its process sees it.
    #[serde(default)]
    pub hardware: Option<Hardware>,
    /// How its memory is divided.
    #[serde(default, rename = "memoryConfiguration")]
    pub memory: Option<MemoryConfiguration>,
}

/// What the process sees of its machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hardware {
    /// Processors.
    #[serde(rename = "cpuCores")]
    pub cpu_cores: u32,
    /// Memory of the whole machine.
    #[serde(rename = "physicalMemory")]
    pub physical_memory_bytes: u64,
}

/// The memory model of a TaskManager; every part in bytes, and missing if it was not configured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MemoryConfiguration {
    /// Heap for Flink itself.
    #[serde(default, rename = "frameworkHeap")]
    pub framework_heap: Option<u64>,
    /// Heap for user code.
    #[serde(default, rename = "taskHeap")]
    pub task_heap: Option<u64>,
    /// Direct and native memory for Flink itself.
    #[serde(default, rename = "frameworkOffHeap")]
    pub framework_off_heap: Option<u64>,
    /// Direct and native memory for user code.
    #[serde(default, rename = "taskOffHeap")]
    pub task_off_heap: Option<u64>,
    /// Buffers for data exchange.
    #[serde(default, rename = "networkMemory")]
    pub network: Option<u64>,
    /// Memory for state backends, sorting and Python.
    #[serde(default, rename = "managedMemory")]
    pub managed: Option<u64>,
    /// Classes.
    #[serde(default, rename = "jvmMetaspace")]
    pub jvm_metaspace: Option<u64>,
    /// Threads, code cache and the rest of the JVM.
    #[serde(default, rename = "jvmOverhead")]
    pub jvm_overhead: Option<u64>,
    /// All but metaspace and overhead.
    #[serde(default, rename = "totalFlinkMemory")]
    pub total_flink: Option<u64>,
    /// All of it: what the container has.
    #[serde(default, rename = "totalProcessMemory")]
    pub total_process: Option<u64>,
}

#[derive(Deserialize)]
struct Entries(#[serde(deserialize_with = "wire::list::<_, _, 100_000>")] Vec<Entry>);

#[derive(Deserialize)]
struct Entry {
    key: String,
    #[serde(default, deserialize_with = "wire::or_default")]
    value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_from_versions_and_compare_as_numbers() {
        assert_eq!(FlinkRelease::parse("1.20.5"), Some(FlinkRelease::new(1, 20)));
        assert_eq!(FlinkRelease::parse("2.3-SNAPSHOT"), Some(FlinkRelease::new(2, 3)));
        for odd in ["", "2", "v2.3", "2.x", "<unknown>", "99999.1"] {
            assert_eq!(FlinkRelease::parse(odd), None, "{odd}");
        }
        assert!(FlinkRelease::new(1, 9) < FlinkRelease::new(1, 20));
    }
}
