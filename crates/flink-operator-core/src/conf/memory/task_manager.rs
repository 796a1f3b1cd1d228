//! The memory of a TaskManager.

use std::collections::BTreeMap;

use super::{
    MemoryError,
    fraction::Share,
    job_manager::add,
    process::{
        FlinkMemory, FlinkTotal, JvmMemory, ProcessOptions, ShareOptions, Sizes, Source, derive,
    },
};
use crate::{
    conf::{
        ConfigOption, Configuration,
        double::double_text,
        memory_size::MemorySize,
        options::{
            kubernetes::{EXTERNAL_RESOURCE_PREFIX, EXTERNAL_RESOURCES},
            memory as options,
        },
    },
    flink_version::FlinkVersion,
};

/// The memory of a TaskManager's process, and its CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskManagerMemory {
    pub framework_heap: MemorySize,
    pub framework_off_heap: MemorySize,
    pub task_heap: MemorySize,
    pub task_off_heap: MemorySize,
    pub network: MemorySize,
    pub managed: MemorySize,
    pub jvm: JvmMemory,
    /// Cores that Flink counts with; by default as many as slots.
    pub cpu_cores: f64,
    pub slots: i32,
    /// Amounts of GPUs and the like, by name.
    pub external_resources: BTreeMap<String, i64>,
}

impl TaskManagerMemory {
    /// The process without the JVM's own memory.
    pub fn total_flink(&self) -> MemorySize {
        add(&[
            self.framework_heap,
            self.framework_off_heap,
            self.task_heap,
            self.task_off_heap,
            self.network,
            self.managed,
        ])
    }

    /// The whole process; the pod asks for this much, in whole mebibytes.
    pub fn total_process(&self) -> MemorySize {
        add(&[self.total_flink(), self.jvm.metaspace, self.jvm.overhead])
    }

    /// The arguments of the JVM, as the JobManager derives them for its TaskManagers.
    pub fn jvm_args(&self) -> String {
        let heap = add(&[self.framework_heap, self.task_heap]).bytes();
        let direct = add(&[self.framework_off_heap, self.task_off_heap, self.network]).bytes();
        let metaspace = self.jvm.metaspace.bytes();
        format!(
            "-Xmx{heap} -Xms{heap} -XX:MaxDirectMemorySize={direct} \
             -XX:MaxMetaspaceSize={metaspace}"
        )
    }

    /// The options with which the derived values are fixed, each for a `-D key=value`.
    pub fn dynamic_options(&self) -> Vec<(String, String)> {
        let mut dynamic: Vec<(String, String)> = [
            (options::TASK_MANAGER_FRAMEWORK_HEAP_SIZE, self.framework_heap),
            (options::TASK_MANAGER_FRAMEWORK_OFF_HEAP_SIZE, self.framework_off_heap),
            (options::TASK_MANAGER_TASK_HEAP_SIZE, self.task_heap),
            (options::TASK_MANAGER_TASK_OFF_HEAP_SIZE, self.task_off_heap),
            (options::TASK_MANAGER_NETWORK_MIN, self.network),
            (options::TASK_MANAGER_NETWORK_MAX, self.network),
            (options::TASK_MANAGER_MANAGED_SIZE, self.managed),
            (options::TASK_MANAGER_METASPACE_SIZE, self.jvm.metaspace),
            (options::TASK_MANAGER_OVERHEAD_MIN, self.jvm.overhead),
            (options::TASK_MANAGER_OVERHEAD_MAX, self.jvm.overhead),
        ]
        .map(|(option, size)| (option.key.to_owned(), format!("{}b", size.bytes())))
        .to_vec();
        dynamic.push((options::TASK_MANAGER_CPU_CORES.key.to_owned(), double_text(self.cpu_cores)));
        dynamic.push((options::TASK_MANAGER_SLOTS.key.to_owned(), self.slots.to_string()));
        let names: Vec<&str> = self.external_resources.keys().map(String::as_str).collect();
        let names =
            if names.is_empty() { "none".to_owned() } else { format!("\"{}\"", names.join(";")) };
        dynamic.push((EXTERNAL_RESOURCES.key.to_owned(), names));
        dynamic.extend(
            self.external_resources
                .iter()
                .map(|(name, amount)| (amount_key(name), amount.to_string())),
        );
        dynamic
    }
}

const OPTIONS: ProcessOptions = ProcessOptions {
    process: "TaskManager",
    parts: &[options::TASK_MANAGER_TASK_HEAP_SIZE, options::TASK_MANAGER_MANAGED_SIZE],
    flink_size: options::TASK_MANAGER_FLINK_SIZE,
    process_size: options::TASK_MANAGER_PROCESS_SIZE,
    metaspace_size: options::TASK_MANAGER_METASPACE_SIZE,
    overhead: ShareOptions {
        min: options::TASK_MANAGER_OVERHEAD_MIN,
        max: options::TASK_MANAGER_OVERHEAD_MAX,
        fraction: options::TASK_MANAGER_OVERHEAD_FRACTION,
    },
};

const NETWORK: ShareOptions = ShareOptions {
    min: options::TASK_MANAGER_NETWORK_MIN,
    max: options::TASK_MANAGER_NETWORK_MAX,
    fraction: options::TASK_MANAGER_NETWORK_FRACTION,
};

/// Derives the memory of a TaskManager.
///
/// Flink 1 also takes the number of network buffers, `taskmanager.network.numberOfBuffers`, when
/// no option of the network memory is set; Flink 2 does not know this key. For the size of the heap
/// in the configuration of Flink 1 see [`with_task_manager_heap`](super::with_task_manager_heap).
pub fn task_manager_memory(
    configuration: &Configuration,
    version: FlinkVersion,
) -> Result<TaskManagerMemory, MemoryError> {
    let sizes = Sizes { configuration, version };
    let (flink, jvm) = derive::<Parts>(sizes, &OPTIONS)?;
    sizes.sum(&[flink.total(), jvm.metaspace, jvm.overhead])?;
    let slots = sizes.read(&options::TASK_MANAGER_SLOTS)?;
    Ok(TaskManagerMemory {
        framework_heap: flink.fixed.framework_heap,
        framework_off_heap: flink.fixed.framework_off_heap,
        task_heap: flink.task_heap,
        task_off_heap: flink.fixed.task_off_heap,
        network: flink.network,
        managed: flink.managed,
        jvm,
        cpu_cores: cpu_cores(sizes, slots)?,
        slots,
        external_resources: external_resources(configuration)?,
    })
}

fn cpu_cores(sizes: Sizes<'_>, slots: i32) -> Result<f64, MemoryError> {
    let allowed = || "more than 0".to_owned();
    if sizes.is_set(&options::TASK_MANAGER_CPU_CORES) {
        let cores = sizes.read(&options::TASK_MANAGER_CPU_CORES)?;
        if cores > 0.0 {
            return Ok(cores);
        }
        let problem = "a TaskManager needs a CPU".to_owned();
        return Err(sizes.inconsistent(&options::TASK_MANAGER_CPU_CORES, problem, allowed()));
    }
    if slots > 0 {
        return Ok(f64::from(slots));
    }
    let problem = "a TaskManager needs a slot".to_owned();
    Err(sizes.inconsistent(&options::TASK_MANAGER_SLOTS, problem, allowed()))
}

/// The external resources with a positive amount; Flink ignores the others with a warning.
fn external_resources(configuration: &Configuration) -> Result<BTreeMap<String, i64>, MemoryError> {
    let mut amounts = BTreeMap::new();
    for name in configuration.get_or_default(&EXTERNAL_RESOURCES)? {
        if let Some(amount) = configuration.get_key::<i64>(&amount_key(&name))?
            && amount > 0
        {
            amounts.insert(name, amount);
        }
    }
    Ok(amounts)
}

fn amount_key(name: &str) -> String {
    format!("{EXTERNAL_RESOURCE_PREFIX}{name}.amount")
}

/// The parts that are configured or have a default, and are never derived.
#[expect(clippy::struct_field_names, reason = "the names of the options")]
struct Fixed {
    framework_heap: MemorySize,
    framework_off_heap: MemorySize,
    task_off_heap: MemorySize,
}

impl Fixed {
    fn read(sizes: Sizes<'_>) -> Result<Self, MemoryError> {
        Ok(Self {
            framework_heap: sizes.read(&options::TASK_MANAGER_FRAMEWORK_HEAP_SIZE)?,
            framework_off_heap: sizes.read(&options::TASK_MANAGER_FRAMEWORK_OFF_HEAP_SIZE)?,
            task_off_heap: sizes.read(&options::TASK_MANAGER_TASK_OFF_HEAP_SIZE)?,
        })
    }
}

/// Flink's memory in a TaskManager.
struct Parts {
    fixed: Fixed,
    task_heap: MemorySize,
    managed: MemorySize,
    network: MemorySize,
}

impl FlinkMemory for Parts {
    fn from_parts(sizes: Sizes<'_>) -> Result<Self, MemoryError> {
        let fixed = Fixed::read(sizes)?;
        let task_heap = sizes.read(&options::TASK_MANAGER_TASK_HEAP_SIZE)?;
        let managed = sizes.read(&options::TASK_MANAGER_MANAGED_SIZE)?;
        let others = sum_of_others(sizes, &fixed, &[task_heap, managed])?;
        let network = if sizes.is_set(&options::TASK_MANAGER_FLINK_SIZE) {
            let size = sizes.read(&options::TASK_MANAGER_FLINK_SIZE)?;
            rest_for_network(sizes, FlinkTotal { size, source: Source::FlinkSize }, others)?
        } else if let Some(network) = network_of_buffers(sizes)? {
            network
        } else {
            let share = sizes.share(&NETWORK)?;
            share.beside(others).ok_or_else(|| sizes.too_large(&NETWORK.fraction))?
        };
        Ok(Self { fixed, task_heap, managed, network })
    }

    fn from_total(sizes: Sizes<'_>, total: FlinkTotal) -> Result<Self, MemoryError> {
        let fixed = Fixed::read(sizes)?;
        if sizes.is_set(&options::TASK_MANAGER_TASK_HEAP_SIZE) {
            let task_heap = sizes.read(&options::TASK_MANAGER_TASK_HEAP_SIZE)?;
            let managed = managed(sizes, total.size)?;
            let others = sum_of_others(sizes, &fixed, &[task_heap, managed])?;
            let network = rest_for_network(sizes, total, others)?;
            return Ok(Self { fixed, task_heap, managed, network });
        }
        let managed = managed(sizes, total.size)?;
        let network = if let Some(network) = network_of_buffers(sizes)? {
            network
        } else {
            let share = sizes.share(&NETWORK)?;
            share.of(total.size).ok_or_else(|| sizes.too_large(&NETWORK.fraction))?
        };
        let others = sum_of_others(sizes, &fixed, &[managed, network])?;
        let task_heap = total.rest(sizes, &OPTIONS, others, &|| {
            format!(
                "managed memory takes {managed}, network memory {network}, and the framework and \
                 off-heap memory {} of it",
                add(&[fixed.framework_heap, fixed.framework_off_heap, fixed.task_off_heap])
            )
        })?;
        Ok(Self { fixed, task_heap, managed, network })
    }

    fn total(&self) -> MemorySize {
        let Fixed { framework_heap, framework_off_heap, task_off_heap } = self.fixed;
        let fixed = add(&[framework_heap, framework_off_heap, task_off_heap]);
        add(&[fixed, self.task_heap, self.managed, self.network])
    }
}

fn sum_of_others(
    sizes: Sizes<'_>,
    fixed: &Fixed,
    others: &[MemorySize],
) -> Result<MemorySize, MemoryError> {
    let fixed = [fixed.framework_heap, fixed.framework_off_heap, fixed.task_off_heap];
    sizes.sum(&[fixed.as_slice(), others].concat())
}

/// The managed memory: its size if that is configured, and else a part of Flink's memory.
fn managed(sizes: Sizes<'_>, total: MemorySize) -> Result<MemorySize, MemoryError> {
    if sizes.is_set(&options::TASK_MANAGER_MANAGED_SIZE) {
        return sizes.read(&options::TASK_MANAGER_MANAGED_SIZE);
    }
    let fraction = options::TASK_MANAGER_MANAGED_FRACTION;
    let share = Share {
        min: MemorySize::ZERO,
        max: MemorySize::MAX,
        fraction: f64::from(sizes.read(&fraction)?),
    };
    sizes.check_fraction(&fraction, share)?;
    share.of(total).ok_or_else(|| sizes.too_large(&fraction))
}

/// The network memory when everything else in Flink's memory is fixed.
fn rest_for_network(
    sizes: Sizes<'_>,
    total: FlinkTotal,
    others: MemorySize,
) -> Result<MemorySize, MemoryError> {
    let network = total.rest(sizes, &OPTIONS, others, &|| {
        format!("heap, managed and off-heap memory take {others} of it")
    })?;
    if let Some(configured) = network_of_buffers(sizes)? {
        if configured == network {
            return Ok(network);
        }
        return Err(sizes.inconsistent(
            &BUFFERS,
            format!("network memory gets the rest of Flink's memory, {network}"),
            format!("not to set it, or a number of buffers of {network} together"),
        ));
    }
    let share = sizes.share(&NETWORK)?;
    if share.holds(network) {
        return Ok(network);
    }
    Err(sizes.inconsistent(
        total.option(&OPTIONS),
        format!(
            "heap, managed and off-heap memory take {others} of Flink's {}, and the rest for the \
             network, {network}, is not {} ({}, {})",
            total.size,
            share.limits(),
            NETWORK.min.key,
            NETWORK.max.key
        ),
        format!("a size that leaves {} for the network", share.limits()),
    ))
}

const BUFFERS: ConfigOption<i32> = ConfigOption::new("taskmanager.network.numberOfBuffers");

/// The network memory as Flink 1 has it from a number of buffers; `None` unless that is the only
/// option of the network memory.
fn network_of_buffers(sizes: Sizes<'_>) -> Result<Option<MemorySize>, MemoryError> {
    let by_size =
        sizes.is_set(&NETWORK.min) || sizes.is_set(&NETWORK.max) || sizes.is_set(&NETWORK.fraction);
    if sizes.version.major >= 2 || by_size {
        return Ok(None);
    }
    let Some(buffers) = sizes.configuration.get(&BUFFERS)? else { return Ok(None) };
    let segment = segment_size(sizes)?;
    let bytes = u64::try_from(buffers).ok().and_then(|n| n.checked_mul(segment.bytes()));
    match bytes.filter(|bytes| *bytes <= MemorySize::MAX.bytes()) {
        Some(bytes) => Ok(Some(MemorySize::from_bytes(bytes))),
        None => Err(sizes.inconsistent(
            &BUFFERS,
            "it is no number of buffers".to_owned(),
            "0 or more".to_owned(),
        )),
    }
}

/// The size of a network buffer.
fn segment_size(sizes: Sizes<'_>) -> Result<MemorySize, MemoryError> {
    const SEGMENT_SIZE: ConfigOption<MemorySize> =
        ConfigOption::new("taskmanager.memory.segment-size").default_text("32 kb");
    const SEGMENT_BYTES_MIN: u64 = 4096;
    let segment = sizes.read(&SEGMENT_SIZE)?;
    if segment.bytes() >= SEGMENT_BYTES_MIN && segment.bytes().is_power_of_two() {
        return Ok(segment);
    }
    Err(sizes.inconsistent(
        &SEGMENT_SIZE,
        "it is no size of a buffer".to_owned(),
        format!("a power of two of at least {SEGMENT_BYTES_MIN} bytes"),
    ))
}
