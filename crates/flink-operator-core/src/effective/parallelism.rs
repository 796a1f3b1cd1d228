//! How parallel an application is, and how many TaskManagers that takes.

use flink_operator_api::{DeploymentMode, FlinkDeploymentSpec, JobSpec};

use crate::conf::{
    ConfigError, Configuration,
    options::{job, memory},
};

/// The parallelism of a job: all slots of the TaskManagers if the spec counts those; else, in
/// standalone mode, the largest of the parallelisms that single vertices are given; else its own.
pub(super) fn of_job(
    spec: &FlinkDeploymentSpec,
    job: &JobSpec,
    configuration: &Configuration,
) -> Result<i32, ConfigError> {
    if let Some(replicas) = replicas(spec) {
        let slots = configuration.get_or_default(&memory::TASK_MANAGER_SLOTS)?;
        return Ok(replicas.saturating_mul(slots));
    }
    let overridden = match spec.mode {
        Some(DeploymentMode::Standalone) => largest_override(configuration)?,
        Some(DeploymentMode::Native | DeploymentMode::Unrecognised(_)) | None => None,
    };
    Ok(overridden.unwrap_or(job.parallelism))
}

/// Number of TaskManagers that the spec asks for, if it does.
pub(super) fn replicas(spec: &FlinkDeploymentSpec) -> Option<i32> {
    spec.task_manager.as_ref()?.replicas.filter(|replicas| *replicas > 0)
}

fn largest_override(configuration: &Configuration) -> Result<Option<i32>, ConfigError> {
    let overrides = configuration.get(&job::PARALLELISM_OVERRIDES)?.unwrap_or_default();
    let largest = overrides.values().filter_map(|text| text.trim().parse::<i32>().ok()).max();
    Ok(largest.filter(|largest| *largest > 0))
}

/// Number of TaskManagers whose slots are enough for the application of an effective configuration.
///
/// # Errors
///
/// A parallelism or a number of slots that is no number.
pub fn task_managers(configuration: &Configuration) -> Result<i32, ConfigError> {
    let parallelism = configuration.get_or_default(&job::PARALLELISM)?;
    let slots = configuration.get_or_default(&memory::TASK_MANAGER_SLOTS)?;
    Ok(needed(parallelism, slots))
}

/// How many TaskManagers with `slots` each have `parallelism` slots.
pub fn needed(parallelism: i32, slots: i32) -> i32 {
    let (parallelism, slots) = (i64::from(parallelism.max(0)), i64::from(slots.max(1)));
    i32::try_from((parallelism + slots - 1) / slots).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_managers_are_counted_up_and_without_overflow() {
        for (parallelism, slots, expected) in
            [(5, 2, 3), (4, 2, 2), (i32::MAX, 1, i32::MAX), (1, i32::MAX, 1), (-1, 0, 0)]
        {
            assert_eq!(needed(parallelism, slots), expected, "{parallelism} / {slots}");
        }
    }
}
