//! Deletion, which always ends.

use super::stateful::{SAVEPOINT, completed, failed, stateful};
use super::*;
use crate::observed::Operation;

/// A running job that is to be deleted with a savepoint.
fn deleted_with_savepoint() -> Case {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.job.savepoint-on-deletion": "true",
        "kubernetes.operator.job.drain-on-savepoint-deletion": "true",
    }}));
    case.step();
    case.delete();
    case
}

impl Case {
    pub(super) fn delete(&mut self) {
        let now = Timestamp::from_second(self.now).unwrap();
        self.resource.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    }
}

#[test]
fn savepoint_is_taken_and_its_path_is_recorded_before_the_cluster_goes() {
    let mut case = deleted_with_savepoint();
    assert!(case.questions().savepoint || case.observed.jobs.present().is_some());
    let decision = case.step();
    check(&decision, &["record", "stop", "event"], "WaitingForSavepoint");
    let drains = decision
        .actions
        .iter()
        .any(|action| matches!(action, Action::StopWithSavepoint { drain: true, .. }));
    assert!(drains);
    case.observed.savepoint = Asked::present_is(Operation::InProgress);
    check(&case.step(), &[], "WaitingForSavepoint");
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished);
    let decision = case.step();
    assert_eq!(short(&decision).get(..2), Some(["record", "delete"].as_slice()), "{decision:?}");
    assert_eq!(case.status().job_status.upgrade_savepoint_path.as_deref(), Some(SAVEPOINT));
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.job_manager_source = Source::ApiServer;
    case.observed.ha_data = Asked::absent();
    check(&case.step(), &["remove finalizer"], "Deleting");
}

#[test]
fn request_that_flink_forgot_after_the_end_of_the_job_was_recorded_is_not_awaited() {
    let mut case = deleted_with_savepoint();
    case.step();
    case.observed.savepoint = Asked::absent();
    case.observed.jobs = Asked::NotAsked;
    case.status().job_status.state = Some(FlinkJobStatus::Finished);
    assert!(case.questions().jobs);
    case.job_is(FlinkJobStatus::Finished);
    assert!(case.questions().job_end);
    case.observed.last_checkpoint = Asked::present_is(SAVEPOINT.to_owned());
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"), "{decision:?}");
}

#[test]
fn failed_savepoint_is_tried_again_until_the_time_is_over() {
    let mut case = deleted_with_savepoint();
    case.step();
    case.observed.savepoint = Asked::present_is(failed());
    assert!(!short(&case.step()).contains(&"delete"));
    assert!(case.status().error.clone().unwrap().contains("the folder is full"));
    case.observed.savepoint = Asked::absent();
    assert!(short(&case.step()).contains(&"stop"));
    case.now += 700;
    assert!(short(&case.step()).contains(&"delete"), "it always ends");
}

#[test]
fn job_that_does_not_run_is_awaited_for_a_minute_and_deleted_without_a_savepoint() {
    let mut case = deleted_with_savepoint();
    case.job_is(FlinkJobStatus::Restarting);
    assert_eq!(case.step().because.reason(), "WaitingForJob");
    case.now += 61;
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"), "{decision:?}");
}

#[test]
fn job_manager_that_never_answers_does_not_hold_the_deletion() {
    let mut case = deleted_with_savepoint();
    case.observed.jobs = Asked::unanswered("timed out");
    case.observed.savepoint = Asked::unanswered("timed out");
    case.step();
    case.now += 61;
    assert_eq!(case.step().because.reason(), "WaitingForJob", "it may run");
    case.now += 600;
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"), "{decision:?}");
}

#[test]
fn pods_that_do_not_end_are_left_to_kubernetes_in_the_end() {
    let mut case = running();
    case.delete();
    case.sees(JobManagerDeployment { deleting: true, ..deployment(1) });
    case.step();
    case.now += 350;
    check(&case.step(), &[], "WaitingForOldCluster");
    case.now += 20;
    assert!(case.questions().ha_data);
    case.observed.ha_data = Asked::absent();
    check(&case.step(), &["remove finalizer", "event"], "Deleting");
}

/// Somebody has deleted the Deployment, and then the resource: the next one of its name would run beside what still ends.
#[test]
fn pods_of_a_deployment_that_is_gone_already_are_awaited() {
    let mut case = running();
    case.delete();
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ha_data: Asked::absent(),
        pods: vec![JobManagerPod { deleting: true, ..ready_pod(1_000) }],
        ..Observed::nothing()
    };
    assert_eq!(case.step().because.reason(), "WaitingForOldCluster");
    let mut ended = case.observed.clone();
    ended.pods.clear();
    let stays = std::mem::replace(&mut case.observed, ended);
    check(&case.decide(), &["remove finalizer"], "Deleting");
    case.observed = stays;
    case.now += 370;
    check(&case.step(), &["remove finalizer", "event"], "Deleting");
}

#[test]
fn resource_that_was_never_deployed_is_let_go() {
    let mut case = fresh();
    case.delete();
    check(&case.step(), &["remove finalizer", "event"], "Deleting");
}
