//! Rules on changes: compares the spec of a FlinkDeployment with the spec in its status.

use flink_operator_api::{DeploymentMode, FlinkDeploymentSpec, JobState, UpgradeMode};

use super::rules::Rules;
use crate::fault::Fault;

const RECREATE: &str = "undo the change, or delete the resource and create it again";

/// Checks a spec against the last recorded one.
pub(super) fn check(rules: &mut Rules, recorded: &FlinkDeploymentSpec, spec: &FlinkDeploymentSpec) {
    check_version(rules, recorded, spec);
    match (&recorded.job, &spec.job) {
        (None, Some(_)) => rules.add(Fault::new(
            "spec.job",
            "a deployed session cluster cannot become an application cluster",
            RECREATE,
        )),
        (Some(_), None) => rules.add(Fault::new(
            "spec.job",
            "a deployed application cluster cannot become a session cluster",
            RECREATE,
        )),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let (before, after) = (mode(recorded), mode(spec));
    if before != after {
        let fault = Fault::new(
            "spec.mode",
            format!("the cluster is deployed in mode {before}, which cannot be changed"),
            RECREATE,
        );
        rules.add(fault.with_value(after));
    }
    check_redeployment(rules, recorded, spec);
}

/// The default mode is native.
fn mode(spec: &FlinkDeploymentSpec) -> &str {
    spec.mode.as_ref().unwrap_or(&DeploymentMode::Native).as_str()
}

/// A job that was suspended with upgrade mode last-state keeps its state in high availability data.
/// Only the Flink version that wrote this data can read it.
fn check_version(rules: &mut Rules, recorded: &FlinkDeploymentSpec, spec: &FlinkDeploymentSpec) {
    let Some(old_job) = &recorded.job else { return };
    let suspended_with_last_state = old_job.state == Some(JobState::Suspended)
        && old_job.upgrade_mode == Some(UpgradeMode::LastState);
    let stays_stateful = spec
        .job
        .as_ref()
        .is_some_and(|job| !matches!(job.upgrade_mode, None | Some(UpgradeMode::Stateless)));
    if let (Some(old), Some(new)) = (&recorded.flink_version, &spec.flink_version)
        && suspended_with_last_state
        && stays_stateful
        && old != new
    {
        let fault = Fault::new(
            "spec.flinkVersion",
            format!(
                "the job was suspended with upgrade mode last-state, and only {old} can read its \
                 high availability data"
            ),
            format!(
                "write {old}, resume the job, and change the version while it runs; or set \
                 spec.job.upgradeMode to stateless, which discards the state"
            ),
        );
        rules.add(fault.with_value(new));
    }
}

fn check_redeployment(
    rules: &mut Rules,
    recorded: &FlinkDeploymentSpec,
    spec: &FlinkDeploymentSpec,
) {
    let (Some(old_job), Some(job)) = (&recorded.job, &spec.job) else { return };
    let redeploy = job.savepoint_redeploy_nonce.is_some()
        && job.savepoint_redeploy_nonce != old_job.savepoint_redeploy_nonce;
    let path = job.initial_savepoint_path.as_deref().unwrap_or_default();
    if redeploy && path.trim().is_empty() {
        rules.add(Fault::new(
            "spec.job.initialSavepointPath",
            "it is not set, but spec.job.savepointRedeployNonce has changed",
            "write the path of the savepoint to redeploy from, or undo the change of \
             spec.job.savepointRedeployNonce",
        ));
    }
}
