//! The parallelism of an application, and the number of TaskManagers that it needs.

use flink_operator_api::{DeploymentMode, FlinkDeploymentSpec, JobSpec};

use crate::conf::{
    ConfigError, Configuration,
    options::{job, memory},
};

/// The parallelism of a job: the total number of slots if the spec sets the number of TaskManagers; else, in
/// standalone mode, the largest override for a vertex; else `job.parallelism`.
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

/// The number of TaskManagers that the spec sets, if it does.
pub(super) fn replicas(spec: &FlinkDeploymentSpec) -> Option<i32> {
    spec.task_manager.as_ref()?.replicas.filter(|replicas| *replicas > 0)
}

fn largest_override(configuration: &Configuration) -> Result<Option<i32>, ConfigError> {
    let overrides = configuration.get(&job::PARALLELISM_OVERRIDES)?.unwrap_or_default();
    let largest = overrides.values().filter_map(|text| text.trim().parse::<i32>().ok()).max();
    Ok(largest.filter(|largest| *largest > 0))
}

/// The number of TaskManagers that an application needs for its parallelism.
///
/// # Errors
///
/// The parallelism or the number of slots is not a number.
pub fn task_managers(configuration: &Configuration) -> Result<i32, ConfigError> {
    let parallelism = configuration.get_or_default(&job::PARALLELISM)?;
    let slots = configuration.get_or_default(&memory::TASK_MANAGER_SLOTS)?;
    Ok(needed(parallelism, slots))
}

/// The number of TaskManagers with `slots` slots each that provide `parallelism` slots.
pub fn needed(parallelism: i32, slots: i32) -> i32 {
    let (parallelism, slots) = (i64::from(parallelism.max(0)), i64::from(slots.max(1)));
    i32::try_from((parallelism + slots - 1) / slots).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_task_managers_is_rounded_up_without_overflow() {
        for (parallelism, slots, expected) in
            [(5, 2, 3), (4, 2, 2), (i32::MAX, 1, i32::MAX), (1, i32::MAX, 1), (-1, 0, 0)]
        {
            assert_eq!(needed(parallelism, slots), expected, "{parallelism} / {slots}");
        }
    }
}
