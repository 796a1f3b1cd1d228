//! The total CPU and memory of a cluster for `status.clusterInfo`, computed like the Java operator does.

use crate::conf::options::{kubernetes, memory};
use crate::conf::{ConfigOption, Configuration, MemorySize};

/// The sum of the limits of all pods of a cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterSize {
    pub cpu: f64,
    pub memory_bytes: i64,
}

impl ClusterSize {
    /// The number of CPUs as Java prints it: `4.0`.
    pub fn cpu_text(&self) -> String {
        format!("{:?}", self.cpu)
    }
}

/// Adds up the limits of the configured number of JobManagers and of `task_managers` TaskManagers. The defaults are one
/// CPU and no memory.
pub fn of(configuration: &Configuration, task_managers: usize) -> ClusterSize {
    let number = |option: &ConfigOption<f64>, otherwise: f64| {
        configuration.get(option).ok().flatten().filter(|value| *value > 0.0).unwrap_or(otherwise)
    };
    let bytes = |option: &ConfigOption<MemorySize>| {
        configuration.get(option).ok().flatten().map_or(0.0, |size| as_number(size.bytes()))
    };
    let job_managers =
        configuration.get_or_default(&kubernetes::JOB_MANAGER_REPLICAS).unwrap_or(1).max(1);
    let task_managers = f64::from(u32::try_from(task_managers).unwrap_or(u32::MAX));
    let job_managers = f64::from(job_managers);
    let cpu = number(&kubernetes::JOB_MANAGER_CPU, 1.0)
        * number(&kubernetes::JOB_MANAGER_CPU_LIMIT_FACTOR, 1.0)
        * job_managers
        + number(&kubernetes::TASK_MANAGER_CPU, 1.0)
            * number(&kubernetes::TASK_MANAGER_CPU_LIMIT_FACTOR, 1.0)
            * task_managers;
    let memory = bytes(&memory::JOB_MANAGER_PROCESS_SIZE)
        * number(&kubernetes::JOB_MANAGER_MEMORY_LIMIT_FACTOR, 1.0)
        * job_managers
        + bytes(&memory::TASK_MANAGER_PROCESS_SIZE)
            * number(&kubernetes::TASK_MANAGER_MEMORY_LIMIT_FACTOR, 1.0)
            * task_managers;
    ClusterSize { cpu, memory_bytes: whole(memory) }
}

/// Converts a number of bytes, exactly up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a cluster's memory is far below 2^53 bytes")]
fn as_number(bytes: u64) -> f64 {
    bytes as f64
}

/// Rounds down, like a cast in Java.
#[expect(clippy::cast_possible_truncation, reason = "Rust's cast saturates, as Java's does")]
fn whole(bytes: f64) -> i64 {
    bytes as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_all_pods_are_added_up() {
        let configuration: Configuration = [
            ("jobmanager.memory.process.size", "1g"),
            ("taskmanager.memory.process.size", "1g"),
            ("kubernetes.jobmanager.cpu.amount", "0.2"),
            ("kubernetes.taskmanager.cpu.amount", "0.2"),
            ("kubernetes.jobmanager.cpu.limit-factor", "10.0"),
            ("kubernetes.taskmanager.cpu.limit-factor", "10.0"),
        ]
        .into_iter()
        .fold(Configuration::new(), |mut configuration, (key, value)| {
            configuration.set(key, value);
            configuration
        });
        let size = of(&configuration, 1);
        assert_eq!((size.cpu_text().as_str(), size.memory_bytes), ("4.0", 2_147_483_648));
        assert_eq!(of(&configuration, 3).cpu_text(), "8.0");
    }
}
