//! What JobManager and TaskManager have in common: metaspace, overhead, and where to start from.

use super::{MemoryError, fraction::Share};
use crate::{
    conf::{
        Configuration,
        memory_size::MemorySize,
        option::{ConfigOption, OptionType},
    },
    flink_version::FlinkVersion,
};

/// The memory of the JVM beside Flink's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JvmMemory {
    pub metaspace: MemorySize,
    pub overhead: MemorySize,
}

/// The options of one kind of process.
pub(super) struct ProcessOptions {
    /// `JobManager` or `TaskManager`.
    pub(super) process: &'static str,
    /// Options that, all set, fix Flink's memory from its parts.
    pub(super) parts: &'static [ConfigOption<MemorySize>],
    pub(super) flink_size: ConfigOption<MemorySize>,
    pub(super) process_size: ConfigOption<MemorySize>,
    pub(super) metaspace_size: ConfigOption<MemorySize>,
    pub(super) overhead: ShareOptions,
}

/// The three options of a [`Share`].
#[derive(Clone, Copy)]
pub(super) struct ShareOptions {
    pub(super) min: ConfigOption<MemorySize>,
    pub(super) max: ConfigOption<MemorySize>,
    pub(super) fraction: ConfigOption<f32>,
}

/// Flink's memory as a whole, and which option it comes from.
#[derive(Clone, Copy)]
pub(super) struct FlinkTotal {
    pub(super) size: MemorySize,
    pub(super) source: Source,
}

/// The option from which Flink's memory comes.
#[derive(Clone, Copy)]
pub(super) enum Source {
    FlinkSize,
    /// The JVM's own memory is already taken off.
    ProcessSize,
}

impl FlinkTotal {
    pub(super) fn option(self, options: &ProcessOptions) -> &ConfigOption<MemorySize> {
        match self.source {
            Source::FlinkSize => &options.flink_size,
            Source::ProcessSize => &options.process_size,
        }
    }

    /// What is left after other parts, or an error that says what they take.
    pub(super) fn rest(
        self,
        sizes: Sizes<'_>,
        options: &ProcessOptions,
        others: MemorySize,
        taken: &dyn Fn() -> String,
    ) -> Result<MemorySize, MemoryError> {
        let rest = self.size.bytes().checked_sub(others.bytes()).map(MemorySize::from_bytes);
        rest.ok_or_else(|| {
            // Parts that are fractions grow with the whole, so the sum is of this size only.
            let needed = format!("at least the sum of these parts (here {others})");
            self.too_small(sizes, options, &taken(), &needed)
        })
    }

    pub(super) fn too_small(
        self,
        sizes: Sizes<'_>,
        options: &ProcessOptions,
        taken: &str,
        needed: &str,
    ) -> MemoryError {
        let allowed = match self.source {
            Source::FlinkSize => needed.to_owned(),
            Source::ProcessSize => format!("a size that leaves {needed} for Flink's memory"),
        };
        let problem = format!("Flink's memory is {}, and {taken}", self.size);
        sizes.inconsistent(self.option(options), problem, allowed)
    }
}

/// How one kind of process divides Flink's memory.
pub(super) trait FlinkMemory: Sized {
    /// From the parts that are all set.
    fn from_parts(sizes: Sizes<'_>) -> Result<Self, MemoryError>;

    /// From the whole.
    fn from_total(sizes: Sizes<'_>, total: FlinkTotal) -> Result<Self, MemoryError>;

    /// The sum of all parts.
    fn total(&self) -> MemorySize;
}

/// Derives all memory of a process. The order in which the options are looked at is Flink's.
pub(super) fn derive<F: FlinkMemory>(
    sizes: Sizes<'_>,
    options: &ProcessOptions,
) -> Result<(F, JvmMemory), MemoryError> {
    if options.parts.iter().all(|part| sizes.is_set(part)) {
        let flink = F::from_parts(sizes)?;
        let jvm = jvm_beside(sizes, options, flink.total())?;
        Ok((flink, jvm))
    } else if sizes.is_set(&options.flink_size) {
        let size = sizes.read(&options.flink_size)?;
        let flink = F::from_total(sizes, FlinkTotal { size, source: Source::FlinkSize })?;
        let jvm = jvm_beside(sizes, options, size)?;
        Ok((flink, jvm))
    } else if sizes.is_set(&options.process_size) {
        let process = sizes.read(&options.process_size)?;
        let jvm = jvm_within(sizes, options, process)?;
        let taken = sizes.sum(&[jvm.metaspace, jvm.overhead])?;
        let size = MemorySize::from_bytes(process.bytes() - taken.bytes());
        let flink = F::from_total(sizes, FlinkTotal { size, source: Source::ProcessSize })?;
        Ok((flink, jvm))
    } else {
        let parts: Vec<&str> = options.parts.iter().map(|part| part.key).collect();
        Err(MemoryError::NotConfigured {
            process: options.process,
            allowed: format!(
                "{}, or {}, or {}",
                options.process_size.key,
                options.flink_size.key,
                parts.join(" with ")
            ),
        })
    }
}

/// Metaspace and overhead within a process of a given size; they are not more than it.
fn jvm_within(
    sizes: Sizes<'_>,
    options: &ProcessOptions,
    process: MemorySize,
) -> Result<JvmMemory, MemoryError> {
    let metaspace = sizes.read(&options.metaspace_size)?;
    let share = sizes.share(&options.overhead)?;
    let overhead = share.of(process).ok_or_else(|| sizes.too_large(&options.overhead.fraction))?;
    let taken = sizes.sum(&[metaspace, overhead])?;
    if taken > process {
        return Err(sizes.inconsistent(
            &options.process_size,
            format!(
                "{} is {metaspace} and the JVM's overhead is {overhead}",
                options.metaspace_size.key
            ),
            format!("more than {taken}"),
        ));
    }
    Ok(JvmMemory { metaspace, overhead })
}

/// Metaspace and overhead beside Flink's memory: the overhead is the rest of the process if its
/// size is configured, and else a share.
fn jvm_beside(
    sizes: Sizes<'_>,
    options: &ProcessOptions,
    flink: MemorySize,
) -> Result<JvmMemory, MemoryError> {
    let metaspace = sizes.read(&options.metaspace_size)?;
    let others = sizes.sum(&[flink, metaspace])?;
    let share = sizes.share(&options.overhead)?;
    let overhead = if sizes.is_set(&options.process_size) {
        let process = sizes.read(&options.process_size)?;
        let rest = process.bytes().checked_sub(others.bytes()).map(MemorySize::from_bytes);
        match rest.filter(|rest| share.holds(*rest)) {
            Some(overhead) => overhead,
            None => return Err(overhead_out_of_limits(sizes, options, others, share)),
        }
    } else {
        share.beside(others).ok_or_else(|| sizes.too_large(&options.overhead.fraction))?
    };
    Ok(JvmMemory { metaspace, overhead })
}

fn overhead_out_of_limits(
    sizes: Sizes<'_>,
    options: &ProcessOptions,
    others: MemorySize,
    share: Share,
) -> MemoryError {
    let limit = |overhead: MemorySize| {
        MemorySize::from_bytes(others.bytes().saturating_add(overhead.bytes()))
    };
    sizes.inconsistent(
        &options.process_size,
        format!(
            "Flink's memory and the metaspace take {others}, and what is left for the JVM's \
             overhead is not {} ({}, {})",
            share.limits(),
            options.overhead.min.key,
            options.overhead.max.key
        ),
        format!("{} to {}", limit(share.min), limit(share.max)),
    )
}

/// Reads sizes out of a configuration, with errors that name key and value.
#[derive(Clone, Copy)]
pub(super) struct Sizes<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) version: FlinkVersion,
}

impl Sizes<'_> {
    pub(super) fn is_set<T: OptionType>(self, option: &ConfigOption<T>) -> bool {
        self.configuration.contains(option)
    }

    pub(super) fn read<T: OptionType>(self, option: &ConfigOption<T>) -> Result<T, MemoryError> {
        Ok(self.configuration.get_or_default(option)?)
    }

    /// Reads the limits and the fraction of a share.
    pub(super) fn share(self, options: &ShareOptions) -> Result<Share, MemoryError> {
        let share = Share {
            min: self.read(&options.min)?,
            max: self.read(&options.max)?,
            fraction: f64::from(self.read(&options.fraction)?),
        };
        if share.min > share.max {
            let problem = format!("it is more than {}, which is {}", options.max.key, share.max);
            return Err(self.inconsistent(&options.min, problem, format!("at most {}", share.max)));
        }
        self.check_fraction(&options.fraction, share)?;
        Ok(share)
    }

    /// Checks that a fraction leaves something for the rest.
    pub(super) fn check_fraction(
        self,
        option: &ConfigOption<f32>,
        share: Share,
    ) -> Result<(), MemoryError> {
        if (0.0..1.0).contains(&share.fraction) {
            return Ok(());
        }
        let problem = format!("{} is no fraction of a whole", share.fraction_text());
        Err(self.inconsistent(option, problem, "at least 0 and less than 1".to_owned()))
    }

    /// Adds sizes up.
    pub(super) fn sum(self, sizes: &[MemorySize]) -> Result<MemorySize, MemoryError> {
        let sum = sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(size.bytes()));
        match sum.filter(|sum| *sum <= MemorySize::MAX.bytes()) {
            Some(sum) => Ok(MemorySize::from_bytes(sum)),
            None => Err(self.sum_too_large()),
        }
    }

    fn sum_too_large(self) -> MemoryError {
        let sizes = self.configuration.iter().filter(|(key, _)| key.contains("memory"));
        let largest = sizes
            .filter_map(|(key, value)| {
                let size = MemorySize::read(value, self.configuration.syntax()).ok()?;
                Some((size, key))
            })
            .max();
        let (size, key) = largest.unwrap_or_default();
        MemoryError::Inconsistent {
            key: key.to_owned(),
            value: self.configuration.text(key).unwrap_or_else(|| size.to_string()),
            problem: "together with the other sizes it is more than Flink can count".to_owned(),
            allowed: format!("sizes whose sum is at most {}", MemorySize::MAX),
        }
    }

    /// A part that grows with something else is more than Flink can count.
    pub(super) fn too_large<T: OptionType>(self, fraction: &ConfigOption<T>) -> MemoryError {
        self.inconsistent(
            fraction,
            format!("that is more than {} of the other sizes", MemorySize::MAX),
            "a smaller value, or smaller sizes".to_owned(),
        )
    }

    pub(super) fn inconsistent<T: OptionType>(
        self,
        option: &ConfigOption<T>,
        problem: String,
        allowed: String,
    ) -> MemoryError {
        // The key under which the value stands may be an older spelling.
        let set = option.all_keys().find(|key| self.configuration.contains_key(key));
        let key = set.unwrap_or(option.key);
        let value = self.configuration.text(key);
        let value = value.or_else(|| option.default.map(str::to_owned)).unwrap_or_default();
        MemoryError::Inconsistent { key: key.to_owned(), value, problem, allowed }
    }
}
