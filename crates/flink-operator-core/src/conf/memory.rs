//! How Flink divides the memory of its processes.
//!
//! A process has Flink's memory (heap and off-heap, for TaskManagers also managed and network
//! memory), the JVM's metaspace, and an overhead for stacks, code cache and the like. Some of it is
//! configured, the rest is derived. The operator needs the total for the pods, and refuses what
//! Flink would refuse.

mod fraction;
mod job_manager;
mod legacy;
mod process;
mod task_manager;

pub use job_manager::{JobManagerMemory, job_manager_memory};
pub use legacy::with_task_manager_heap;
pub use process::JvmMemory;
pub use task_manager::{TaskManagerMemory, task_manager_memory};

use super::option::ConfigError;

/// The memory of a process cannot be derived from its configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// A size or fraction cannot be read.
    #[error(transparent)]
    Option(#[from] ConfigError),
    /// Nothing says how large the process is.
    #[error("the memory of the {process} is not configured; set {allowed}")]
    NotConfigured {
        /// `JobManager` or `TaskManager`.
        process: &'static str,
        /// The keys of which one must be set.
        allowed: String,
    },
    /// A value does not fit the others.
    #[error("{key}: {value} is not allowed: {problem}; allowed: {allowed}")]
    Inconsistent {
        key: String,
        /// The value as configured, or the default.
        value: String,
        problem: String,
        allowed: String,
    },
}

#[cfg(test)]
mod tests;
