//! Parses the CPU, memory and storage of a spec. Flink has options for CPU and memory; other resources are
//! added to the pod template.
//!
//! A spec has two fields for them: `resources`, as in a pod, and the older `resource`. If `resources` has
//! a request or a limit, `resource` is ignored.

use flink_operator_api::{Resource, ResourceRequirements};

use crate::{
    conf::{Configuration, MemorySize, memory_size::MemorySizeError},
    fault::Fault,
    flink_version::FlinkVersion,
    pod_template::ExtraResources,
    quantity::Quantity,
};

/// Which process the resources are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    JobManager,
    TaskManager,
}

impl Process {
    /// The name of the process in the keys of Flink's options.
    fn key(self) -> &'static str {
        match self {
            Self::JobManager => "jobmanager",
            Self::TaskManager => "taskmanager",
        }
    }

    /// The field of a spec that describes the process.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::JobManager => "spec.jobManager",
            Self::TaskManager => "spec.taskManager",
        }
    }
}

/// The resources of a process, parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessResources {
    /// Total memory of the process.
    pub memory: Option<MemorySize>,
    /// Number of CPUs.
    pub cpu: Option<f64>,
    /// The memory limit divided by the request.
    pub memory_limit_factor: Option<f64>,
    /// The CPU limit divided by the request.
    pub cpu_limit_factor: Option<f64>,
    /// Resources for which Flink has no options.
    pub extra: ExtraResources,
}

const MEMORY_REMEDY: &str = "write a whole number and a unit, in Flink's notation (2048m, 2g) or \
                             that of Kubernetes (2Gi)";

/// Parses the resources of a process.
///
/// # Errors
///
/// Every value that is invalid or out of range, with its field.
pub fn of_process(
    process: Process,
    resource: Option<&Resource>,
    resources: Option<&ResourceRequirements>,
) -> Result<ProcessResources, Vec<Fault>> {
    let mut faults = Vec::new();
    let resources = resources.filter(|resources| has_quantities(resources));
    let read = match (resources, resource) {
        (Some(resources), _) => of_requirements(process, resources, &mut faults),
        (None, Some(resource)) => of_resource(process, resource, &mut faults),
        (None, None) => ProcessResources::default(),
    };
    if faults.is_empty() { Ok(read) } else { Err(faults) }
}

/// Whether `resources` has a request or a limit, so that `resource` is ignored.
pub fn has_quantities(resources: &ResourceRequirements) -> bool {
    !resources.requests.is_empty() || !resources.limits.is_empty()
}

impl ProcessResources {
    /// Sets the options of the process.
    pub fn apply(
        &self,
        process: Process,
        version: FlinkVersion,
        configuration: &mut Configuration,
    ) {
        let key = process.key();
        if let Some(memory) = self.memory {
            configuration.set(format!("{key}.memory.process.size"), memory);
        }
        if let Some(cpu) = self.cpu {
            configuration.set(format!("kubernetes.{key}.cpu.amount"), cpu);
            if version < FlinkVersion::V1_17 {
                configuration.set(format!("kubernetes.{key}.cpu"), cpu);
            }
        }
        for (name, factor) in [("memory", self.memory_limit_factor), ("cpu", self.cpu_limit_factor)]
        {
            if let Some(factor) = factor {
                configuration.set(format!("kubernetes.{key}.{name}.limit-factor"), factor);
            }
        }
    }
}

fn of_resource(process: Process, resource: &Resource, faults: &mut Vec<Fault>) -> ProcessResources {
    let field = |name: &str| format!("{}.resource.{name}", process.field());
    let memory = resource
        .memory
        .as_deref()
        .and_then(|text| ok_or_add(positive_memory(text, field("memory")), faults));
    let storage = resource
        .ephemeral_storage
        .as_deref()
        .and_then(|text| ok_or_add(storage(text, field("ephemeralStorage")), faults));
    let mut extra = ExtraResources::default();
    if let Some(storage) = storage {
        for quantities in [&mut extra.requests, &mut extra.limits] {
            quantities.insert("ephemeral-storage".to_owned(), storage.clone());
        }
    }
    // The CPU is not checked: Flink defines what zero and a negative number mean.
    ProcessResources { memory, cpu: resource.cpu, extra, ..ProcessResources::default() }
}

fn cpu_not_positive(field: String) -> Fault {
    Fault::new(field, "it is not positive", "write a positive number of CPUs, for example 0.5")
}

/// A request and a limit of the same resource.
struct Pair<T> {
    request: Option<T>,
    limit: Option<T>,
}

impl<T: Copy> Pair<T> {
    /// The amount for Flink's option: the request, or the limit if there is no request.
    fn amount(&self) -> Option<T> {
        self.request.or(self.limit)
    }
}

fn of_requirements(
    process: Process,
    resources: &ResourceRequirements,
    faults: &mut Vec<Fault>,
) -> ProcessResources {
    let memory = pair(process, resources, "memory", faults, positive_memory);
    let cpu = pair(process, resources, "cpu", faults, positive_cpu);
    let extra = |kind: &str| {
        let quantities = if kind == "requests" { &resources.requests } else { &resources.limits };
        quantities
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "cpu" | "memory"))
            .map(|(name, quantity)| {
                let field = format!("{}.resources.{kind}.{name}", process.field());
                (field, name.clone(), quantity.as_str().to_owned())
            })
            .collect::<Vec<_>>()
    };
    let mut checked = |kind: &str| {
        extra(kind)
            .into_iter()
            .filter_map(|(field, name, text)| {
                ok_or_add(not_negative(&text, field), faults).map(|()| (name, text))
            })
            .collect()
    };
    ProcessResources {
        memory_limit_factor: factor(&memory, |size| as_f64(size.bytes())),
        cpu_limit_factor: factor(&cpu, Quantity::as_f64),
        memory: memory.amount(),
        cpu: cpu.amount().map(Quantity::as_f64),
        extra: ExtraResources { requests: checked("requests"), limits: checked("limits") },
    }
}

fn pair<T: Copy + PartialOrd>(
    process: Process,
    resources: &ResourceRequirements,
    name: &str,
    faults: &mut Vec<Fault>,
    parse: fn(&str, String) -> Result<T, Fault>,
) -> Pair<T> {
    let field = |kind: &str| format!("{}.resources.{kind}.{name}", process.field());
    let mut read = |kind: &str, text: Option<&str>| {
        text.and_then(|text| ok_or_add(parse(text, field(kind)), faults))
    };
    let request_text = resources.requests.get(name).map(flink_operator_api::Quantity::as_str);
    let limit_text = resources.limits.get(name).map(flink_operator_api::Quantity::as_str);
    let pair = Pair { request: read("requests", request_text), limit: read("limits", limit_text) };
    if let (Some(request), Some(limit), Some(request_text), Some(limit_text)) =
        (pair.request, pair.limit, request_text, limit_text)
        && request > limit
    {
        faults.push(
            Fault::new(
                field("requests"),
                format!("it is greater than the limit, which is {limit_text}"),
                format!("write at most {limit_text}, or increase {}", field("limits")),
            )
            .with_value(request_text),
        );
    }
    pair
}

fn factor<T: Copy>(pair: &Pair<T>, number: impl Fn(T) -> f64) -> Option<f64> {
    let (request, limit) = (number(pair.request?), number(pair.limit?));
    (request > 0.0).then(|| limit / request)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of sizes needs no more than 53 bits")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

/// Returns the value, or adds the fault.
fn ok_or_add<T>(result: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

/// Parses an amount of memory: in Flink's notation, where `1G` is 1024³ bytes, or else in the notation
/// of Kubernetes (`2Gi`, `1.5Gi`, `2GiB`).
///
/// # Errors
///
/// Why the text is neither.
fn parse_memory(text: &str) -> Result<MemorySize, String> {
    let flink_error = match text.parse::<MemorySize>() {
        Ok(size) => return Ok(size),
        Err(error) => error,
    };
    let quantity = kubernetes_notation(text).parse::<Quantity>().ok();
    let bytes = quantity.and_then(Quantity::rounded_up).map(u64::try_from);
    match (bytes, flink_error) {
        (Some(Ok(bytes)), _) => Ok(MemorySize::from_bytes(bytes)),
        (Some(Err(_)), _) => Err("it is negative".to_owned()),
        (None, MemorySizeError::Unit { .. }) if quantity.is_some() => {
            Err(MemorySizeError::Overflow.to_string())
        }
        (None, error) => Err(error.to_string()),
    }
}

/// Converts the spellings of quantities that the Java operator accepts: `2 gib` to `2Gi`.
fn kubernetes_notation(text: &str) -> String {
    let upper: String =
        text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    let amount = upper.strip_suffix('B').unwrap_or(&upper);
    match amount.strip_suffix('I') {
        Some(start) => format!("{start}i"),
        None => amount.to_owned(),
    }
}

fn positive_memory(text: &str, field: String) -> Result<MemorySize, Fault> {
    let fault = |problem: String| Fault::new(field, problem, MEMORY_REMEDY).with_value(text);
    match parse_memory(text) {
        Ok(size) if size == MemorySize::ZERO => Err(fault("it is not positive".to_owned())),
        Ok(size) => Ok(size),
        Err(problem) => Err(fault(problem)),
    }
}

fn positive_cpu(text: &str, field: String) -> Result<Quantity, Fault> {
    match text.parse::<Quantity>() {
        Ok(cpu) if cpu > Quantity::ZERO => Ok(cpu),
        Ok(_) => Err(cpu_not_positive(field).with_value(text)),
        Err(_) => Err(Fault::new(
            field,
            "it is not a number of CPUs",
            "write a number of CPUs or of thousandths of a CPU, for example 1.5 or 500m",
        )
        .with_value(text)),
    }
}

/// Ephemeral storage as a Kubernetes quantity. Flink's notation is converted to a number of bytes.
fn storage(text: &str, field: String) -> Result<String, Fault> {
    let bytes = parse_memory(text)
        .map_err(|problem| Fault::new(field, problem, MEMORY_REMEDY).with_value(text))?;
    let is_quantity = text.parse::<Quantity>().is_ok();
    Ok(if is_quantity { text.to_owned() } else { bytes.bytes().to_string() })
}

/// Checks the amount of a resource that only Kubernetes uses.
fn not_negative(text: &str, field: String) -> Result<(), Fault> {
    match text.parse::<Quantity>() {
        Ok(quantity) if quantity >= Quantity::ZERO => Ok(()),
        Ok(_) => Err(Fault::new(field, "it is negative", "write 0 or more").with_value(text)),
        Err(_) => Err(Fault::new(
            field,
            "it is not a Kubernetes quantity",
            "write a number and, if needed, a unit, for example 1 or 10Gi",
        )
        .with_value(text)),
    }
}

#[cfg(test)]
mod tests;
