//! Going back to the last stable spec when a change does not prove itself in time.
//!
//! The record keeps the spec that did not work, so that the unchanged resource shows no change; its state says ROLLING_BACK
//! until the last stable spec is deployed, then ROLLED_BACK. A new edit of the resource ends all of that.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentSpec, JobState, ReconciliationState, RecordedSpec, UpgradeMode,
};
use jiff::Timestamp;

use super::options::JobOptions;
use super::pass::Pass;
use super::{Recorded, deploy, upgrade};
use crate::decision::{Because, Decision, Requeue};
use crate::record;

/// The spec to go back to, if the one that is deployed has had its time.
pub(super) fn target(pass: &Pass<'_>, recorded: &Recorded) -> Option<FlinkDeploymentSpec> {
    let reconciliation = &pass.status.reconciliation_status;
    let options = JobOptions::of_current(pass.given);
    if !options.rolls_back()
        || reconciliation.state != ReconciliationState::Deployed
        || record::is_stable(&pass.status)
    {
        return None;
    }
    let stable = record::last_stable(&pass.status).ok().flatten()?.spec;
    let job = stable.job.as_ref()?;
    if upgrade::same(recorded, &stable) {
        // A lost cluster that comes back, or a job that is started again: no change that could be taken back.
        return None;
    }
    let runs = job.state != Some(JobState::Suspended);
    // Newer versions of Flink write what older ones do not read.
    let same_version = stable.flink_version == recorded.spec.flink_version;
    (runs && same_version && is_over(pass, options.readiness_timeout())).then(|| as_running(stable))
}

/// When the deployed spec has had its time, counted from its deployment.
pub(super) fn deadline(pass: &Pass<'_>) -> Option<Duration> {
    let options = JobOptions::of_current(pass.given);
    let waits = options.rolls_back()
        && pass.status.reconciliation_status.state == ReconciliationState::Deployed
        && !record::is_stable(&pass.status);
    // A moment after it, so that the pass that looks finds it over.
    let moment = Duration::from_millis(100);
    waits
        .then(|| {
            options.readiness_timeout().saturating_sub(used(pass, options.readiness_timeout()))
        })
        .map(|left| if left.is_zero() { left } else { left + moment })
}

fn is_over(pass: &Pass<'_>, timeout: Duration) -> bool {
    used(pass, timeout) > timeout
}

/// How much of its time the deployed spec has had. A JobManager that became ready in time gives its job the whole of it
/// anew, once: a busy machine is not the spec's fault.
fn used(pass: &Pass<'_>, timeout: Duration) -> Duration {
    let since_deployment = since_deployment(pass);
    let ready_since = pass.observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    let since_ready = ready_since
        .and_then(|since| Duration::try_from(pass.given.now.duration_since(since)).ok())
        .filter(|since| *since <= since_deployment);
    match since_ready {
        Some(since_ready) => since_ready.max(since_deployment.saturating_sub(timeout)),
        None => since_deployment,
    }
}

pub(super) fn since_deployment(pass: &Pass<'_>) -> Duration {
    let millis = pass.status.reconciliation_status.reconciliation_timestamp;
    Timestamp::from_millisecond(millis)
        .ok()
        .and_then(|deployed| Duration::try_from(pass.given.now.duration_since(deployed)).ok())
        .unwrap_or_default()
}

fn as_running(mut spec: FlinkDeploymentSpec) -> FlinkDeploymentSpec {
    if let Some(job) = &mut spec.job {
        job.state = Some(JobState::Running);
    }
    spec
}

/// The mode in which the state goes back: the user's word for stateless, else from the newest state there is.
pub(super) fn mode(desired: &FlinkDeploymentSpec) -> UpgradeMode {
    match desired.job.as_ref().and_then(|job| job.upgrade_mode.clone()) {
        Some(UpgradeMode::Stateless) | None => UpgradeMode::Stateless,
        Some(UpgradeMode::Savepoint | UpgradeMode::LastState | UpgradeMode::Unrecognised(_)) => {
            UpgradeMode::LastState
        }
    }
}

/// The record as the rest of a rollback reads it: the last stable spec, started as the record says.
pub(super) fn going_back(pass: &Pass<'_>, recorded: &Recorded) -> Option<Recorded> {
    let mut spec = record::last_stable(&pass.status).ok().flatten()?.spec;
    if let Some(job) = &mut spec.job {
        job.state = Some(JobState::Suspended);
        job.upgrade_mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    }
    Some(RecordedSpec { spec, resource_metadata: recorded.resource_metadata.clone() })
}

/// Goes on with a rollback, unless the resource was edited meanwhile.
pub(super) fn resume(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let edited =
        pass.given.validated.as_ref().is_ok_and(|valid| !upgrade::same(recorded, &valid.spec));
    let stable = going_back(&pass, recorded).filter(|_| !edited);
    if let Some(stable) = stable {
        return deploy::resume(pass, stable);
    }
    // The job is stopped already: the new spec starts where the old one was to go back.
    pass.status.reconciliation_status.state = ReconciliationState::Upgrading;
    let mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    let mut spec = super::stop::next_spec(&pass, recorded);
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = mode;
    }
    let because = Because::Upgrading { changes: upgrade::changes(recorded, &spec) };
    let generation = pass.given.generation();
    match super::plan::Plan::new(pass.given, spec, generation) {
        Ok(plan) => {
            plan.record_intent(&mut pass);
            pass.end(because, Requeue::Now)
        }
        Err(faults) => deploy::invalid(pass, &faults),
    }
}

/// The spec that runs: after a rollback it is not the recorded one.
pub(super) fn deployed(pass: &Pass<'_>, recorded: &Recorded) -> Recorded {
    if pass.status.reconciliation_status.state != ReconciliationState::RolledBack {
        return recorded.clone();
    }
    let stable = record::last_stable(&pass.status).ok().flatten();
    stable.map_or_else(
        || recorded.clone(),
        |stable| RecordedSpec {
            spec: as_running(stable.spec),
            resource_metadata: recorded.resource_metadata.clone(),
        },
    )
}
