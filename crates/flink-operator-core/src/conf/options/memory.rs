//! Options of the memory of JobManager and TaskManager. Fractions have 32 bits in Flink.

use crate::conf::{ConfigOption, MemorySize};

/// All memory of the JobManager's process; the memory of its container.
pub const JOB_MANAGER_PROCESS_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.process.size");

/// Memory of the JobManager without metaspace and overhead.
pub const JOB_MANAGER_FLINK_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.flink.size");

/// Heap of the JobManager.
pub const JOB_MANAGER_HEAP_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.heap.size");

/// Memory of the JobManager outside of the heap.
pub const JOB_MANAGER_OFF_HEAP_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.off-heap.size").default_text("128 mb");

/// Whether the JVM enforces the off-heap size.
pub const JOB_MANAGER_DIRECT_MEMORY_LIMIT: ConfigOption<bool> =
    ConfigOption::new("jobmanager.memory.enable-jvm-direct-memory-limit").default_text("false");

/// Metaspace of the JobManager.
pub const JOB_MANAGER_METASPACE_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.jvm-metaspace.size").default_text("256 mb");

/// Least memory for stacks, code cache and the like.
pub const JOB_MANAGER_OVERHEAD_MIN: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.jvm-overhead.min").default_text("192 mb");

/// Most memory for stacks, code cache and the like.
pub const JOB_MANAGER_OVERHEAD_MAX: ConfigOption<MemorySize> =
    ConfigOption::new("jobmanager.memory.jvm-overhead.max").default_text("1 gb");

/// Part of the process' memory for stacks, code cache and the like.
pub const JOB_MANAGER_OVERHEAD_FRACTION: ConfigOption<f32> =
    ConfigOption::new("jobmanager.memory.jvm-overhead.fraction").default_text("0.1");

/// All memory of a TaskManager's process; the memory of its container.
pub const TASK_MANAGER_PROCESS_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.process.size");

/// Memory of a TaskManager without metaspace and overhead.
pub const TASK_MANAGER_FLINK_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.flink.size");

/// Heap that Flink itself uses.
pub const TASK_MANAGER_FRAMEWORK_HEAP_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.framework.heap.size").default_text("128 mb");

/// Memory outside of the heap that Flink itself uses.
pub const TASK_MANAGER_FRAMEWORK_OFF_HEAP_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.framework.off-heap.size").default_text("128 mb");

/// Heap of the tasks.
pub const TASK_MANAGER_TASK_HEAP_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.task.heap.size");

/// Memory outside of the heap that tasks use.
pub const TASK_MANAGER_TASK_OFF_HEAP_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.task.off-heap.size").default_text("0 bytes");

/// Memory that Flink manages: state backends, sorting, Python.
pub const TASK_MANAGER_MANAGED_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.managed.size").fallback(&["taskmanager.memory.size"]);

/// Managed part of Flink's memory, when no size is given.
pub const TASK_MANAGER_MANAGED_FRACTION: ConfigOption<f32> =
    ConfigOption::new("taskmanager.memory.managed.fraction").default_text("0.4");

/// Least memory for network buffers.
pub const TASK_MANAGER_NETWORK_MIN: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.network.min")
        .fallback(&["taskmanager.network.memory.min"])
        .default_text("64 mb");

/// Most memory for network buffers.
pub const TASK_MANAGER_NETWORK_MAX: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.network.max")
        .fallback(&["taskmanager.network.memory.max"])
        .default_text("9223372036854775807 bytes");

/// Part of Flink's memory for network buffers.
pub const TASK_MANAGER_NETWORK_FRACTION: ConfigOption<f32> =
    ConfigOption::new("taskmanager.memory.network.fraction")
        .fallback(&["taskmanager.network.memory.fraction"])
        .default_text("0.1");

/// Metaspace of a TaskManager.
pub const TASK_MANAGER_METASPACE_SIZE: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.jvm-metaspace.size").default_text("256 mb");

/// Least memory for stacks, code cache and the like.
pub const TASK_MANAGER_OVERHEAD_MIN: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.jvm-overhead.min").default_text("192 mb");

/// Most memory for stacks, code cache and the like.
pub const TASK_MANAGER_OVERHEAD_MAX: ConfigOption<MemorySize> =
    ConfigOption::new("taskmanager.memory.jvm-overhead.max").default_text("1 gb");

/// Part of the process' memory for stacks, code cache and the like.
pub const TASK_MANAGER_OVERHEAD_FRACTION: ConfigOption<f32> =
    ConfigOption::new("taskmanager.memory.jvm-overhead.fraction").default_text("0.1");

/// Number of slots of a TaskManager.
pub const TASK_MANAGER_SLOTS: ConfigOption<i32> =
    ConfigOption::new("taskmanager.numberOfTaskSlots").default_text("1");

/// CPU cores that Flink counts with; by default as many as slots.
pub const TASK_MANAGER_CPU_CORES: ConfigOption<f64> = ConfigOption::new("taskmanager.cpu.cores");
