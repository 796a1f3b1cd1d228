//! The memory of the JobManager.

use super::{
    MemoryError,
    legacy::with_job_manager_heap,
    process::{FlinkMemory, FlinkTotal, JvmMemory, ProcessOptions, ShareOptions, Sizes, derive},
};
use crate::{
    conf::{Configuration, memory_size::MemorySize, options::memory as options},
    flink_version::FlinkVersion,
};

/// The memory of a JobManager's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobManagerMemory {
    pub heap: MemorySize,
    /// Direct and native memory.
    pub off_heap: MemorySize,
    pub jvm: JvmMemory,
    /// Whether the JVM enforces `off_heap`.
    pub direct_memory_limit: bool,
}

impl JobManagerMemory {
    /// The process without the JVM's own memory.
    pub fn total_flink(&self) -> MemorySize {
        add(&[self.heap, self.off_heap])
    }

    /// The whole process; the pod asks for this much, in whole mebibytes.
    pub fn total_process(&self) -> MemorySize {
        add(&[self.total_flink(), self.jvm.metaspace, self.jvm.overhead])
    }

    /// The arguments of the JVM, as Flink's scripts derive them in the container.
    pub fn jvm_args(&self) -> String {
        let heap = self.heap.bytes();
        let direct = if self.direct_memory_limit {
            format!(" -XX:MaxDirectMemorySize={}", self.off_heap.bytes())
        } else {
            String::new()
        };
        let metaspace = self.jvm.metaspace.bytes();
        format!("-Xmx{heap} -Xms{heap}{direct} -XX:MaxMetaspaceSize={metaspace}")
    }

    /// The options with which Flink's scripts fix the derived sizes, each for a `-D key=value`.
    pub fn dynamic_options(&self) -> Vec<(String, String)> {
        [
            (options::JOB_MANAGER_HEAP_SIZE, self.heap),
            (options::JOB_MANAGER_OFF_HEAP_SIZE, self.off_heap),
            (options::JOB_MANAGER_METASPACE_SIZE, self.jvm.metaspace),
            (options::JOB_MANAGER_OVERHEAD_MIN, self.jvm.overhead),
            (options::JOB_MANAGER_OVERHEAD_MAX, self.jvm.overhead),
        ]
        .map(|(option, size)| (option.key.to_owned(), format!("{}b", size.bytes())))
        .to_vec()
    }
}

/// Adds sizes whose sum is known to be small enough, because it was checked when they were derived.
pub(super) fn add(sizes: &[MemorySize]) -> MemorySize {
    MemorySize::from_bytes(sizes.iter().map(|size| size.bytes()).fold(0, u64::saturating_add))
}

const OPTIONS: ProcessOptions = ProcessOptions {
    process: "JobManager",
    parts: &[options::JOB_MANAGER_HEAP_SIZE],
    flink_size: options::JOB_MANAGER_FLINK_SIZE,
    process_size: options::JOB_MANAGER_PROCESS_SIZE,
    metaspace_size: options::JOB_MANAGER_METASPACE_SIZE,
    overhead: ShareOptions {
        min: options::JOB_MANAGER_OVERHEAD_MIN,
        max: options::JOB_MANAGER_OVERHEAD_MAX,
        fraction: options::JOB_MANAGER_OVERHEAD_FRACTION,
    },
};

/// Derives the memory of the JobManager.
///
/// Flink 1 also takes `jobmanager.heap.size`, or `jobmanager.heap.mb`, for the size of the process;
/// Flink 2 does not know these keys.
pub fn job_manager_memory(
    configuration: &Configuration,
    version: FlinkVersion,
) -> Result<JobManagerMemory, MemoryError> {
    let configuration = &*with_job_manager_heap(configuration, version)?;
    let sizes = Sizes { configuration, version };
    let (flink, jvm) = derive::<HeapAndOffHeap>(sizes, &OPTIONS)?;
    sizes.sum(&[flink.total(), jvm.metaspace, jvm.overhead])?;
    Ok(JobManagerMemory {
        heap: flink.heap,
        off_heap: flink.off_heap,
        jvm,
        direct_memory_limit: sizes.read(&options::JOB_MANAGER_DIRECT_MEMORY_LIMIT)?,
    })
}

struct HeapAndOffHeap {
    heap: MemorySize,
    off_heap: MemorySize,
}

impl FlinkMemory for HeapAndOffHeap {
    fn from_parts(sizes: Sizes<'_>) -> Result<Self, MemoryError> {
        let heap = sizes.read(&options::JOB_MANAGER_HEAP_SIZE)?;
        let off_heap = sizes.read(&options::JOB_MANAGER_OFF_HEAP_SIZE)?;
        if !sizes.is_set(&options::JOB_MANAGER_FLINK_SIZE) {
            return Ok(Self { heap, off_heap });
        }
        let total = sizes.read(&options::JOB_MANAGER_FLINK_SIZE)?;
        let Some(rest) = total.bytes().checked_sub(heap.bytes()) else {
            return Err(sizes.inconsistent(
                &options::JOB_MANAGER_HEAP_SIZE,
                format!(
                    "it is more than {}, which is {total}",
                    options::JOB_MANAGER_FLINK_SIZE.key
                ),
                format!("at most {total}, or only one of the two keys"),
            ));
        };
        let rest = MemorySize::from_bytes(rest);
        if sizes.is_set(&options::JOB_MANAGER_OFF_HEAP_SIZE) && rest != off_heap {
            return Err(sizes.inconsistent(
                &options::JOB_MANAGER_FLINK_SIZE,
                format!(
                    "it is not the sum of {}, which is {heap}, and {}, which is {off_heap}",
                    options::JOB_MANAGER_HEAP_SIZE.key,
                    options::JOB_MANAGER_OFF_HEAP_SIZE.key
                ),
                format!("{}, or only two of the three keys", sizes.sum(&[heap, off_heap])?),
            ));
        }
        Ok(Self { heap, off_heap: rest })
    }

    fn from_total(sizes: Sizes<'_>, total: FlinkTotal) -> Result<Self, MemoryError> {
        let off_heap = sizes.read(&options::JOB_MANAGER_OFF_HEAP_SIZE)?;
        match total.size.bytes().checked_sub(off_heap.bytes()) {
            Some(heap) if heap > 0 => Ok(Self { heap: MemorySize::from_bytes(heap), off_heap }),
            Some(_) | None => Err(total.too_small(
                sizes,
                &OPTIONS,
                &format!(
                    "{} takes {off_heap} of it, so there is no heap left",
                    options::JOB_MANAGER_OFF_HEAP_SIZE.key
                ),
                &format!("more than {off_heap}"),
            )),
        }
    }

    fn total(&self) -> MemorySize {
        add(&[self.heap, self.off_heap])
    }
}
