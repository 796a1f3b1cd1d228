//! Which changes of the status are worth a write.
//!
//! Between the JobManager's readiness and a running job lie several states that follow each other within seconds. Each
//! would cost a write that nobody has time to read. They are shown when they last.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus, ReconciliationState,
};
use jiff::Timestamp;

use crate::job::lifecycle;
use crate::observed::Observed;

/// A start takes 7 to 45 s on a busy machine, most of it before the JobManager is ready. A job that does not run this
/// long after that is worth telling about.
const SHOWN_AFTER: Duration = Duration::from_secs(30);

/// The scheduler tells of a pod without a node at its first look, and binds it a moment later where a volume or a node was
/// about to come.
const UNSCHEDULABLE_SHOWN_AFTER: Duration = Duration::from_secs(10);

/// Whether the change is only a step on the way to a running job, and young.
pub(crate) fn is_overtaken_soon(
    before: &FlinkDeploymentStatus,
    after: &FlinkDeploymentStatus,
    observed: &Observed,
    now: Timestamp,
) -> bool {
    starting(before)
        && starting(after)
        && same_but_for_progress(before, after)
        && is_young(observed, now)
}

fn is_young(observed: &Observed, now: Timestamp) -> bool {
    let within = |limit: Duration, since: Timestamp| {
        Duration::try_from(now.duration_since(since)).unwrap_or_default() < limit
    };
    if let Some(since) = observed.pods.iter().filter_map(|pod| pod.ready_since).max() {
        return within(SHOWN_AFTER, since);
    }
    if observed.job_manager.present().is_some_and(|deployment| deployment.available) {
        // Deployments and pods come by two watches: the pods' is behind, and this start is younger than it can tell.
        return true;
    }
    observed
        .pods
        .iter()
        .filter_map(|pod| pod.created_at)
        .max()
        .is_some_and(|created| within(UNSCHEDULABLE_SHOWN_AFTER, created))
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
        status.job_status = lifecycle::without_progress(&status.job_status);
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
    use flink_operator_api::Condition;

    use super::*;
    use crate::observed::{JobManagerDeployment, JobManagerPod, Owner, Replicas, Seen};

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

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pod(created: i64, ready_since: Option<i64>) -> JobManagerPod {
        JobManagerPod {
            name: "a".to_owned(),
            uid: "p".to_owned(),
            deleting: false,
            created_at: Some(at(created)),
            ready_since: ready_since.map(at),
            unschedulable: None,
            sandbox_ready: true,
            failed: None,
            containers: Vec::new(),
        }
    }

    fn available(available: bool) -> Seen<JobManagerDeployment> {
        Seen::Present(JobManagerDeployment {
            uid: "d".to_owned(),
            owner: Owner::This,
            generation: Some(1),
            created_at: None,
            deleting: false,
            replicas: Replicas::Wanted,
            available,
            never_available: !available,
            replica_failure: None,
        })
    }

    #[track_caller]
    fn check(after: &FlinkDeploymentStatus, seconds_since_ready: i64, expected: bool) {
        let before = deployed(JobManagerDeploymentStatus::Deploying, FlinkJobStatus::Reconciling);
        let pod = pod(900, Some(1_000));
        let observed =
            Observed { job_manager: available(true), pods: vec![pod], ..Observed::nothing() };
        let now = at(1_000 + seconds_since_ready);
        assert_eq!(is_overtaken_soon(&before, after, &observed, now), expected);
    }

    #[test]
    fn pod_that_its_watch_has_not_told_of_yet_is_young() {
        let before = deployed(JobManagerDeploymentStatus::Deploying, FlinkJobStatus::Reconciling);
        let after =
            deployed(JobManagerDeploymentStatus::DeployedNotReady, FlinkJobStatus::Reconciling);
        let behind = Observed {
            job_manager: available(true),
            pods: vec![pod(900, None)],
            ..Observed::nothing()
        };
        assert!(is_overtaken_soon(&before, &after, &behind, at(1_000)));
    }

    #[test]
    fn pod_without_a_node_is_told_of_when_it_lasts() {
        let before = deployed(JobManagerDeploymentStatus::Deploying, FlinkJobStatus::Reconciling);
        let mut after = before.clone();
        after.conditions = vec![Condition::default()];
        let mut with_words = after.clone();
        with_words.conditions[0].message = Some("0/1 nodes are available".to_owned());
        let waiting = Observed {
            job_manager: available(false),
            pods: vec![pod(900, None)],
            ..Observed::nothing()
        };
        assert!(is_overtaken_soon(&after, &with_words, &waiting, at(901)));
        assert!(!is_overtaken_soon(&after, &with_words, &waiting, at(910)));
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
