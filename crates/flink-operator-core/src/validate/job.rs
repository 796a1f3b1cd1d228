//! Rules on `spec.job` of a FlinkDeployment or FlinkSessionJob.

use flink_operator_api::{JobSpec, JobState, UpgradeMode};

use super::rules::Rules;
use crate::{
    conf::options::{job, operator::resource},
    fault::Fault,
};

/// The state that the spec asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredState {
    Running,
    Suspended,
}

/// How an upgrade keeps the state of a job: `spec.job.upgradeMode`, with its default filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidUpgradeMode {
    Savepoint,
    LastState,
    Stateless,
}

/// A job that can be deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidJob {
    pub state: DesiredState,
    pub upgrade_mode: ValidUpgradeMode,
    /// The savepoint from which the first deployment starts, and every redeployment that
    /// `savepoint_redeploy_nonce` asks for.
    pub initial_savepoint_path: Option<String>,
    pub savepoint_trigger_nonce: Option<i64>,
    pub checkpoint_trigger_nonce: Option<i64>,
    pub savepoint_redeploy_nonce: Option<i64>,
    pub autoscaler_reset_nonce: Option<i64>,
}

const MODE_FIELD: &str = "spec.job.upgradeMode";
const NO_SAVEPOINT_DIR: &str =
    "it makes the operator take savepoints, but execution.checkpointing.savepoint-dir is not set";
const SAVEPOINTS_REMEDY: &str = "set execution.checkpointing.savepoint-dir in \
                                 spec.flinkConfiguration, for example s3://bucket/savepoints";

/// Checks a job. `replicas` is the number of TaskManagers that the spec asks for.
pub(super) fn check(rules: &mut Rules, spec: &JobSpec, replicas: Option<i32>) -> Option<ValidJob> {
    let state = desired_state(rules, spec);
    let upgrade_mode = upgrade_mode(rules, spec);
    if let Some(mode) = upgrade_mode {
        check_directories(rules, spec, mode);
    }
    check_parallelism(rules, spec, replicas);
    let path = spec.initial_savepoint_path.clone().filter(|path| !path.trim().is_empty());
    Some(ValidJob {
        state: state?,
        upgrade_mode: upgrade_mode?,
        initial_savepoint_path: path,
        savepoint_trigger_nonce: spec.savepoint_trigger_nonce,
        checkpoint_trigger_nonce: spec.checkpoint_trigger_nonce,
        savepoint_redeploy_nonce: spec.savepoint_redeploy_nonce,
        autoscaler_reset_nonce: spec.autoscaler_reset_nonce,
    })
}

fn desired_state(rules: &mut Rules, spec: &JobSpec) -> Option<DesiredState> {
    match &spec.state {
        None | Some(JobState::Running) => Some(DesiredState::Running),
        Some(JobState::Suspended) => Some(DesiredState::Suspended),
        Some(JobState::Unrecognised(word)) => {
            let fault = Fault::new(
                "spec.job.state",
                "it is not a job state that a spec can ask for",
                "write running or suspended",
            );
            rules.add(fault.with_value(word));
            None
        }
    }
}

fn upgrade_mode(rules: &mut Rules, spec: &JobSpec) -> Option<ValidUpgradeMode> {
    match &spec.upgrade_mode {
        None | Some(UpgradeMode::Stateless) => Some(ValidUpgradeMode::Stateless),
        Some(UpgradeMode::LastState) => Some(ValidUpgradeMode::LastState),
        Some(UpgradeMode::Savepoint) => Some(ValidUpgradeMode::Savepoint),
        Some(UpgradeMode::Unrecognised(word)) => {
            let fault = Fault::new(
                MODE_FIELD,
                "it is not an upgrade mode",
                "write savepoint, last-state or stateless",
            );
            rules.add(fault.with_value(word));
            None
        }
    }
}

/// Checks that directories are configured for the snapshots that the spec asks for.
fn check_directories(rules: &mut Rules, spec: &JobSpec, mode: ValidUpgradeMode) {
    if mode != ValidUpgradeMode::Stateless && !rules.is_present(&job::CHECKPOINTING_DIR) {
        let fault = Fault::new(
            MODE_FIELD,
            "it needs checkpoints, but execution.checkpointing.dir is not set",
            "set execution.checkpointing.dir in spec.flinkConfiguration, for example \
             s3://bucket/checkpoints, or write stateless",
        );
        rules.add(fault.with_value(mode_text(mode)));
    }
    if rules.is_present(&job::SAVEPOINT_DIR) {
        return;
    }
    if mode == ValidUpgradeMode::Savepoint {
        let fault = Fault::new(MODE_FIELD, NO_SAVEPOINT_DIR, SAVEPOINTS_REMEDY);
        rules.add(fault.with_value(mode_text(mode)));
    }
    if let Some(nonce) = spec.savepoint_trigger_nonce {
        let fault =
            Fault::new("spec.job.savepointTriggerNonce", NO_SAVEPOINT_DIR, SAVEPOINTS_REMEDY);
        rules.add(fault.with_value(nonce));
    }
    if rules.configuration.contains(&resource::PERIODIC_SAVEPOINT_INTERVAL) {
        let fault = Fault::new(
            rules.field(resource::PERIODIC_SAVEPOINT_INTERVAL.key),
            NO_SAVEPOINT_DIR,
            SAVEPOINTS_REMEDY,
        );
        rules.add(fault);
    }
    if rules.configuration.contains(&resource::LAST_STATE_MAX_CHECKPOINT_AGE) {
        let fault = Fault::new(
            rules.field(resource::LAST_STATE_MAX_CHECKPOINT_AGE.key),
            NO_SAVEPOINT_DIR,
            SAVEPOINTS_REMEDY,
        );
        rules.add(fault);
    }
}

fn mode_text(mode: ValidUpgradeMode) -> &'static str {
    match mode {
        ValidUpgradeMode::Savepoint => "savepoint",
        ValidUpgradeMode::LastState => "last-state",
        ValidUpgradeMode::Stateless => "stateless",
    }
}

fn check_parallelism(rules: &mut Rules, spec: &JobSpec, replicas: Option<i32>) {
    match replicas {
        Some(replicas) if replicas < 1 => rules.add(no_task_managers(replicas)),
        Some(_) if spec.parallelism > 0 => rules.note(
            "spec.job.parallelism has no effect because spec.taskManager.replicas is set: the \
             parallelism is the total number of slots",
        ),
        None if spec.parallelism < 1 => {
            let fault = Fault::new(
                "spec.job.parallelism",
                "the parallelism of a job is at least 1",
                "write 1 or more, or set spec.taskManager.replicas",
            );
            rules.add(fault.with_value(spec.parallelism));
        }
        Some(_) | None => {}
    }
}

pub(super) fn no_task_managers(replicas: i32) -> Fault {
    Fault::new(
        "spec.taskManager.replicas",
        "a cluster has at least one TaskManager",
        "write 1 or more, or leave it out",
    )
    .with_value(replicas)
}
