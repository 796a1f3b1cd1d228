//! Which changes of the status are worth a write.
//!
//! Between the JobManager's readiness and a running job lie several states that follow each other within seconds. Each
//! would cost a write that nobody has time to read. They are shown when they last.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus, ReconciliationState,
};
use jiff::Timestamp;

use crate::observed::Observed;

/// A start takes 7 to 45 s on a busy machine, most of it before the JobManager is ready. A job that does not run this
/// long after that is worth telling about.
const SHOWN_AFTER: Duration = Duration::from_secs(30);

/// Whether the change is only a step on the way to a running job, and young.
pub(super) fn is_overtaken_soon(
    before: &FlinkDeploymentStatus,
    after: &FlinkDeploymentStatus,
    observed: &Observed,
    now: Timestamp,
) -> bool {
    starting(before) && starting(after) && same_but_for_progress(before, after) && {
        let ready_since = observed.pods.iter().filter_map(|pod| pod.ready_since).max();
        ready_since.is_some_and(|since| {
            Duration::try_from(now.duration_since(since)).unwrap_or_default() < SHOWN_AFTER
        })
    }
}

fn starting(status: &FlinkDeploymentStatus) -> bool {
    let reconciliation = &status.reconciliation_status;
    let unproven = reconciliation.last_stable_spec != reconciliation.last_reconciled_spec;
    let coming_up = match status.job_manager_deployment_status {
        JobManagerDeploymentStatus::Deploying
        | JobManagerDeploymentStatus::DeployedNotReady
        | JobManagerDeploymentStatus::Ready => true,
        JobManagerDeploymentStatus::Missing
        | JobManagerDeploymentStatus::Error
        | JobManagerDeploymentStatus::Unrecognised(_) => false,
    };
    let job_coming_up = match &status.job_status.state {
        None
        | Some(
            FlinkJobStatus::Reconciling | FlinkJobStatus::Initializing | FlinkJobStatus::Created,
        ) => true,
        Some(
            FlinkJobStatus::Running
            | FlinkJobStatus::Failing
            | FlinkJobStatus::Failed
            | FlinkJobStatus::Cancelling
            | FlinkJobStatus::Canceled
            | FlinkJobStatus::Finished
            | FlinkJobStatus::Restarting
            | FlinkJobStatus::Suspended
            | FlinkJobStatus::Unrecognised(_),
        ) => false,
    };
    reconciliation.state == ReconciliationState::Deployed && unproven && coming_up && job_coming_up
}

/// The same, apart from how far the start has come and the conditions that say so.
fn same_but_for_progress(before: &FlinkDeploymentStatus, after: &FlinkDeploymentStatus) -> bool {
    let level = |status: &FlinkDeploymentStatus| {
        let mut status = status.clone();
        status.job_manager_deployment_status = JobManagerDeploymentStatus::Deploying;
        status.job_status.state = None;
        status.job_status.job_name = None;
        status.job_status.start_time = None;
        status.job_status.update_time = None;
        for condition in &mut status.conditions {
            condition.reason = None;
            condition.message = None;
        }
        status
    };
    level(before) == level(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::JobManagerPod;

    fn deployed(
        job_manager: JobManagerDeploymentStatus,
        job: FlinkJobStatus,
    ) -> FlinkDeploymentStatus {
        let mut status = FlinkDeploymentStatus {
            job_manager_deployment_status: job_manager,
            ..FlinkDeploymentStatus::default()
        };
        status.reconciliation_status.state = ReconciliationState::Deployed;
        status.reconciliation_status.last_reconciled_spec = Some("{}".to_owned());
        status.job_status.state = Some(job);
        status
    }

    #[track_caller]
    fn check(after: &FlinkDeploymentStatus, seconds_since_ready: i64, expected: bool) {
        let before = deployed(JobManagerDeploymentStatus::Deploying, FlinkJobStatus::Reconciling);
        let ready_since = Some(Timestamp::from_second(1_000).unwrap());
        let pod = JobManagerPod {
            name: "a".to_owned(),
            uid: "p".to_owned(),
            deleting: false,
            created_at: None,
            ready_since,
            unschedulable: None,
            sandbox_ready: true,
            failed: None,
            containers: Vec::new(),
        };
        let observed = Observed { pods: vec![pod], ..Observed::nothing() };
        let now = Timestamp::from_second(1_000 + seconds_since_ready).unwrap();
        assert_eq!(is_overtaken_soon(&before, after, &observed, now), expected);
    }

    #[test]
    fn a_step_of_a_fresh_start_waits_for_the_next_one() {
        let ready = deployed(JobManagerDeploymentStatus::Ready, FlinkJobStatus::Created);
        check(&ready, 2, true);
        check(&ready, 31, false);
    }

    #[test]
    fn what_a_user_waits_for_or_fears_is_written_at_once() {
        check(&deployed(JobManagerDeploymentStatus::Ready, FlinkJobStatus::Running), 2, false);
        check(&deployed(JobManagerDeploymentStatus::Ready, FlinkJobStatus::Failed), 2, false);
        check(&deployed(JobManagerDeploymentStatus::Error, FlinkJobStatus::Reconciling), 2, false);
        let mut with_error = deployed(JobManagerDeploymentStatus::Ready, FlinkJobStatus::Created);
        with_error.error = Some("x".to_owned());
        check(&with_error, 2, false);
    }
}
