//! The sizes of Flink 1 that count as the size of the process: `jobmanager.heap.size` and the like.

use std::borrow::Cow;

use super::{MemoryError, process::Sizes};
use crate::{
    conf::{
        Configuration,
        memory_size::MemorySize,
        option::ConfigOption,
        options::memory::{JOB_MANAGER_PROCESS_SIZE, TASK_MANAGER_PROCESS_SIZE},
    },
    flink_version::FlinkVersion,
};

/// The keys of one kind of process.
struct LegacyHeap {
    process_size: ConfigOption<MemorySize>,
    size: ConfigOption<MemorySize>,
    mebibytes: ConfigOption<i32>,
}

const JOB_MANAGER: LegacyHeap = LegacyHeap {
    process_size: JOB_MANAGER_PROCESS_SIZE,
    size: ConfigOption::new("jobmanager.heap.size"),
    mebibytes: ConfigOption::new("jobmanager.heap.mb"),
};

const TASK_MANAGER: LegacyHeap = LegacyHeap {
    process_size: TASK_MANAGER_PROCESS_SIZE,
    size: ConfigOption::new("taskmanager.heap.size"),
    mebibytes: ConfigOption::new("taskmanager.heap.mb"),
};

/// The configuration as Flink 1 looks at it for the JobManager: the old size of the heap is the size
/// of the process, unless that is set. Flink 2 does not know the old keys.
pub(super) fn with_job_manager_heap(
    configuration: &Configuration,
    version: FlinkVersion,
) -> Result<Cow<'_, Configuration>, MemoryError> {
    with_heap(configuration, version, &JOB_MANAGER)
}

/// The same for TaskManagers. Flink's Kubernetes client and its JobManager do this in version 1
/// before they derive the memory of a TaskManager; the configuration that they ship stays as it is.
pub fn with_task_manager_heap(
    configuration: &Configuration,
    version: FlinkVersion,
) -> Result<Cow<'_, Configuration>, MemoryError> {
    with_heap(configuration, version, &TASK_MANAGER)
}

fn with_heap<'a>(
    configuration: &'a Configuration,
    version: FlinkVersion,
    heap: &LegacyHeap,
) -> Result<Cow<'a, Configuration>, MemoryError> {
    if version.major >= 2 || configuration.contains(&heap.process_size) {
        return Ok(Cow::Borrowed(configuration));
    }
    let size = match configuration.get(&heap.size)? {
        Some(size) => Some(size),
        None => of_mebibytes(Sizes { configuration, version }, heap)?,
    };
    let Some(size) = size else { return Ok(Cow::Borrowed(configuration)) };
    let mut configuration = configuration.clone();
    configuration.set_option(&heap.process_size, size);
    Ok(Cow::Owned(configuration))
}

fn of_mebibytes(sizes: Sizes<'_>, heap: &LegacyHeap) -> Result<Option<MemorySize>, MemoryError> {
    let Some(mebibytes) = sizes.configuration.get(&heap.mebibytes)? else { return Ok(None) };
    match u32::try_from(mebibytes) {
        Ok(mebibytes) => Ok(Some(MemorySize::from_mebibytes(mebibytes))),
        Err(_) => Err(sizes.inconsistent(
            &heap.mebibytes,
            "a size is not negative".to_owned(),
            "a number of mebibytes".to_owned(),
        )),
    }
}
