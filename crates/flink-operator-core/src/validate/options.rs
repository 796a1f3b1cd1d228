//! Rules on options that the operator reads while the cluster runs. An invalid value is reported here:
//! later there is no place where the user would see the fault.

use super::rules::Rules;
use crate::{
    conf::{
        duration,
        options::{job, network, operator::resource},
    },
    quartz::Schedule,
};

/// Parses every operator option that a resource may set, and the Flink options that the operator
/// itself uses.
pub(super) fn check(rules: &mut Rules) {
    for option in [
        &resource::ROLLBACK_ENABLED,
        &resource::IGNORE_PENDING_SAVEPOINT,
        &resource::INPLACE_SCALING_ENABLED,
        &resource::LAST_STATE_FALLBACK_ENABLED,
        &resource::LAST_STATE_CANCEL_JOB,
        &resource::RESTART_FAILED_JOB,
        &resource::SAVEPOINT_ON_DELETION,
        &resource::DRAIN_ON_SAVEPOINT_DELETION,
        &resource::JOB_MANAGER_RECOVERY_ENABLED,
        &resource::JOB_MANAGER_STARTUP_PROBE_ENABLED,
        &resource::MERGE_ARRAYS_BY_NAME,
        &resource::SAVEPOINT_DISPOSE_ON_DELETE,
        &resource::SAVEPOINT_CLEANUP_ENABLED,
        &resource::SNAPSHOT_RESOURCE_ENABLED,
        &resource::HEALTH_CHECK_ENABLED,
        &resource::HEALTH_CHECK_CHECKPOINT_PROGRESS_ENABLED,
        &resource::BLOCK_ON_SESSION_JOBS,
        &resource::BLOCK_ON_UNMANAGED_JOBS,
        &network::REST_SSL_ENABLED,
    ] {
        rules.read(option);
    }
    for option in [
        &resource::SAVEPOINT_TRIGGER_GRACE_PERIOD,
        &resource::CHECKPOINT_TRIGGER_GRACE_PERIOD,
        &resource::READINESS_TIMEOUT,
        &resource::LAST_STATE_MAX_CHECKPOINT_AGE,
        &resource::JOB_MANAGER_SHUTDOWN_TTL,
        &resource::SAVEPOINT_HISTORY_MAX_AGE,
        &resource::HEALTH_CHECK_RESTARTS_WINDOW,
        &resource::HEALTH_CHECK_CHECKPOINT_PROGRESS_WINDOW,
        &job::CHECKPOINTING_INTERVAL,
        &job::CHECKPOINTING_TIMEOUT,
    ] {
        rules.read(option);
    }
    for option in [
        &resource::SAVEPOINT_HISTORY_MAX_COUNT,
        &resource::HEALTH_CHECK_RESTARTS_THRESHOLD,
        &job::TOLERABLE_FAILED_CHECKPOINTS,
        &network::REST_PORT,
    ] {
        rules.read(option);
    }
    rules.read(&resource::ARTIFACTS_HTTP_HEADER);
    rules.read(&resource::SAVEPOINT_FORMAT_TYPE);
    rules.read(&resource::CHECKPOINT_TYPE);
    for option in [&resource::PERIODIC_SAVEPOINT_INTERVAL, &resource::PERIODIC_CHECKPOINT_INTERVAL]
    {
        let text = rules.read(option).unwrap_or_default();
        if text.trim().is_empty() || duration::parse(&text).is_ok() {
            continue;
        }
        if let Err(error) = Schedule::parse(&text) {
            let field = rules.field(option.key);
            rules.note(format!(
                "{field} is {text:?}, and no periodic snapshots are taken: it is neither a duration nor a Quartz cron \
                 expression: {error}{}",
                of_crontab(&text)
            ));
        }
    }
}

/// The Quartz expression of a crontab entry, as an instruction; empty for anything else. A day of the week has another number
/// in Quartz, so that only entries for every day are translated.
fn of_crontab(text: &str) -> String {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, "*"] = fields.as_slice() else { return String::new() };
    let quartz = format!("0 {minute} {hour} {day} {month} ?");
    if Schedule::parse(&quartz).is_err() {
        return String::new();
    }
    format!(". The five fields of crontab are written as {quartz}")
}
