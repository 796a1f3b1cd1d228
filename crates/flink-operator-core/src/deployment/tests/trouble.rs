//! What goes wrong with a job, and what is done about it.

use super::stateful::{SAVEPOINT, checkpoints, completed, ha_data, stateful};
use super::*;
use crate::observed::HealthSample;

/// A job whose last change, in this mode, was deployed and has not proved itself; the change before it had.
pub(super) fn unproven(mode: &str) -> Case {
    let mut case = stateful(mode, true);
    case.edit(
        &json!({"flinkConfiguration": {"kubernetes.operator.deployment.rollback.enabled": "true"}}),
    );
    case.step();
    case.edit(&json!({"image": "flink:broken"}));
    case.observed.ha_data = ha_data(Some(4));
    case.step();
    if mode == "savepoint" {
        case.observed.savepoint = Asked::present_is(completed());
        case.job_is(FlinkJobStatus::Finished);
        case.step();
        // Flink has tidied up behind the job.
        case.observed.ha_data = Asked::absent();
    }
    let ha_data = case.observed.ha_data.clone();
    case.observed = Observed {
        job_manager: Seen::Absent,
        ha_data,
        cluster: Asked::unanswered("no answer"),
        ..Observed::nothing()
    };
    case.step();
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
    case
}

pub(super) fn image(decision: &Decision) -> Option<String> {
    let created = decision.actions.iter().find_map(|action| {
        if let Action::CreateCluster { objects, .. } = action { Some(objects) } else { None }
    })?;
    let image = created.deployment.pointer("/spec/template/spec/containers/0/image")?;
    image.as_str().map(str::to_owned)
}

#[test]
fn change_in_savepoint_mode_that_never_starts_goes_back_to_the_last_stable_spec_and_its_savepoint()
{
    let mut case = unproven("savepoint");
    let never = JobManagerDeployment { available: false, never_available: true, ..deployment(3) };
    case.sees(never);
    case.step();
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
    case.now += 301;
    let decision = case.step();
    check(&decision, &["record", "delete", "event"], "Upgrading");
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::RollingBack);
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::RollingBack));
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    let decision = case.step();
    assert_eq!(image(&decision).as_deref(), Some("flink:2.2"), "{decision:?}");
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::RolledBack);

    case.sees(deployment(3)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(case.now)];
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::RolledBack));
    check(&case.step(), &[], "UpToDate");
}

#[test]
fn rollback_goes_on_from_the_checkpoint_that_was_completed_since_the_change() {
    let mut case = unproven("savepoint");
    case.sees(deployment(3)).job_is(FlinkJobStatus::Restarting);
    case.observed.pods = vec![ready_pod(case.now)];
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-9"));
    case.step();
    case.now += 301;
    let decision = case.step();
    assert!(short(&decision).contains(&"delete"), "{decision:?}");
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::RollingBack);
    let path = case.status().job_status.upgrade_savepoint_path.clone();
    assert_eq!(path.as_deref(), Some("s3://b/c/chk-9"));
}

#[test]
fn change_in_last_state_mode_goes_back_with_the_high_availability_data() {
    let mut case = unproven("last-state");
    case.sees(JobManagerDeployment { available: false, ..deployment(3) });
    case.now += 301;
    let decision = case.step();
    assert!(short(&decision).contains(&"scale to zero"), "{decision:?}");
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    let decision = case.step();
    assert_eq!(image(&decision).as_deref(), Some("flink:2.2"));
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
}

#[test]
fn crash_in_the_middle_of_a_rollback_goes_on_with_it() {
    let mut case = unproven("savepoint");
    case.sees(JobManagerDeployment { available: false, never_available: true, ..deployment(3) });
    case.now += 301;
    case.step();
    assert!(short(&case.step()).contains(&"delete"), "the deletion was lost");
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    let intent =
        case.decide().actions.into_iter().find_map(|action| {
            if let Action::Record(status) = action { Some(*status) } else { None }
        });
    case.resource.status = intent;
    case.sees(JobManagerDeployment { available: false, ..deployment(3) });
    let decision = case.step();
    assert!(short(&decision).contains(&"complete"), "{decision:?}");
    assert_eq!(image(&decision).as_deref(), Some("flink:2.2"));
}

#[test]
fn edit_during_or_after_a_rollback_is_always_accepted() {
    for (image_now, expected) in
        [("flink:mended", Some("flink:mended")), ("flink:2.2", Some("flink:2.2"))]
    {
        let mut case = unproven("savepoint");
        case.sees(JobManagerDeployment {
            available: false,
            never_available: true,
            ..deployment(3)
        });
        case.now += 301;
        case.step();
        case.edit(&json!({"image": image_now}));
        case.observed.job_manager = Seen::Absent;
        case.observed.pods.clear();
        case.step();
        let decision = case.step();
        assert_eq!(image(&decision).as_deref(), expected, "{decision:?}");
        assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
        assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
    }
}

#[test]
fn change_that_is_undone_after_its_rollback_is_accepted_without_another_restart() {
    let mut case = unproven("savepoint");
    case.sees(JobManagerDeployment { available: false, never_available: true, ..deployment(3) });
    case.now += 301;
    case.step();
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.step();
    case.sees(deployment(3)).job_is(FlinkJobStatus::Running);
    case.step();
    case.edit(&json!({"image": "flink:2.2"}));
    let decision = case.step();
    let actions = short(&decision);
    assert!(!actions.contains(&"stop") && !actions.contains(&"delete"), "{actions:?}");
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable));
}

#[test]
fn nothing_is_rolled_back_where_the_newest_state_is_not_known() {
    let mut case = unproven("savepoint");
    // It was available once, so it may have gone on from its savepoint; now it is down, and nobody knows how far it came.
    case.sees(JobManagerDeployment { available: false, ..deployment(3) });
    case.now += 301;
    let decision = case.step();
    assert!(!short(&decision).contains(&"delete"), "{decision:?}");
}

#[test]
fn lost_cluster_that_takes_long_to_come_back_is_no_change_to_go_back_from() {
    let mut case = stateful("last-state", true);
    case.edit(
        &json!({"flinkConfiguration": {"kubernetes.operator.deployment.rollback.enabled": "true"}}),
    );
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ha_data: ha_data(Some(4)),
        cluster: Asked::unanswered("no answer"),
        ..Observed::nothing()
    };
    assert!(short(&case.step()).contains(&"create"));
    case.sees(JobManagerDeployment { available: false, ..deployment(2) });
    case.now += 301;
    let decision = case.step();
    assert!(!short(&decision).contains(&"delete"), "{decision:?}");
    assert_eq!(case.status().reconciliation_status.state, ReconciliationState::Deployed);
}

#[test]
fn main_method_that_fails_at_a_restart_leaves_the_high_availability_data_as_the_restore_point() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"flinkConfiguration": {"kubernetes.operator.job.restart.failed": "true"}}));
    case.step();
    // It had started from a savepoint, and has completed checkpoints since.
    case.status().job_status.upgrade_savepoint_path = Some(SAVEPOINT.to_owned());
    // What Flink calls a job whose main method has failed before there was one: it knows of no checkpoint.
    case.job_is(FlinkJobStatus::Failed);
    let Asked::Answered(Seen::Present(jobs)) = &mut case.observed.jobs else {
        panic!("it is listed")
    };
    for job in jobs {
        job.name = "(application driver)".to_owned();
    }
    case.observed.last_checkpoint = Asked::absent();
    case.observed.exceptions = Asked::absent();
    case.now += 600;
    assert!(case.questions().ha_data, "{:?}", case.questions());
    case.observed.ha_data = ha_data(Some(4));
    case.step();
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
}

#[test]
fn failed_job_is_started_again_from_its_last_checkpoint_where_that_is_asked_for() {
    for (asked, expected) in [("false", false), ("true", true)] {
        let mut case = stateful("savepoint", false);
        case.edit(
            &json!({"flinkConfiguration": {"kubernetes.operator.job.restart.failed": asked}}),
        );
        case.step();
        case.now += 600;
        case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
        case.job_is(FlinkJobStatus::Failed);
        let job = case.status().job_status.job_id.clone();
        case.resource.status.as_mut().unwrap().job_status.job_id = job;
        let decision = case.step();
        assert_eq!(short(&decision).contains(&"delete"), expected, "{decision:?}");
        if !expected {
            assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Failed));
            continue;
        }
        case.observed =
            Observed { job_manager: Seen::Absent, ha_data: Asked::absent(), ..Observed::nothing() };
        let decision = case.step();
        assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-8"));
    }
}

#[test]
fn unhealthy_job_is_started_again_with_its_state() {
    let mut case = stateful("savepoint", true);
    assert!(!case.questions().health, "not asked where nobody wants it");
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.cluster.health-check.enabled": "true",
        "kubernetes.operator.cluster.health-check.restarts.threshold": "3",
    }}));
    assert!(case.questions().health);
    let sample = |restarts| Asked::present_is(HealthSample { restarts, completed_checkpoints: 1 });
    case.observed.health = sample(0);
    case.step();
    case.observed.health = sample(4);
    case.observed.ha_data = ha_data(Some(4));
    let decision = case.step();
    assert!(short(&decision).contains(&"scale to zero"), "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
    case.observed =
        Observed { job_manager: Seen::Absent, ha_data: ha_data(Some(4)), ..Observed::nothing() };
    case.step();
    assert!(!case.status().cluster_info.contains_key("ClusterHealthInfo"));
}

#[test]
fn cluster_of_an_ended_job_goes_when_its_time_is_over_and_what_it_knew_stays() {
    let mut case = stateful("savepoint", false);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
    case.job_is(FlinkJobStatus::Finished);
    let decision = case.step();
    let wait = std::time::Duration::from_hours(24);
    assert_eq!(decision.requeue, Requeue::After(wait), "{decision:?}");
    case.now += 86_398;
    assert!(!short(&case.step()).contains(&"delete"));
    assert!(short(&case.step()).contains(&"delete"));
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    case.observed.job_manager_source = Source::ApiServer;
    let decision = case.step();
    assert!(!short(&decision).contains(&"create"), "{decision:?}");
    // A change goes on from what the job had, without its cluster and without anybody's help.
    case.observed.ha_data = Asked::absent();
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-8"), "{decision:?}");
}

#[test]
fn lost_cluster_stays_lost_where_recovery_is_switched_off() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"flinkConfiguration": {"kubernetes.operator.jm-deployment-recovery.enabled": "false"}}));
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ha_data: ha_data(Some(4)),
        ..Observed::nothing()
    };
    let decision = case.step();
    assert!(!short(&decision).contains(&"create"), "{decision:?}");
    assert_eq!(decision.because.reason(), "ClusterLost");
}

/// One list that fails must not be the last one.
#[test]
fn high_availability_data_of_a_lost_cluster_are_asked_for_until_they_are_seen() {
    let mut case = stateful("last-state", true);
    case.observed = Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ha_data: Asked::unanswered("asked without success: the API server does not answer"),
        ..Observed::nothing()
    };
    let decision = case.step();
    assert_eq!(decision.because.reason(), "ClusterStateUnknown");
    case.observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    assert!(case.questions().ha_data, "{:?}", case.questions());
    case.observed.ha_data = ha_data(Some(4));
    assert!(short(&case.step()).contains(&"create"));
}

#[test]
fn parallelism_of_a_running_job_changes_in_place_where_the_scheduler_can() {
    let vertex = "0123456789abcdef0123456789abcdef";
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"flinkConfiguration": {"jobmanager.scheduler": "adaptive"}}));
    case.step();
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed = Observed {
        job_manager: Seen::Absent,
        ha_data: Asked::absent(),
        cluster: Asked::unanswered("no answer"),
        ..Observed::nothing()
    };
    case.step();
    case.sees(deployment(2)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(case.now)];
    case.step();
    let overrides = format!("{vertex}:3");
    case.edit(
        &json!({"flinkConfiguration": {"pipeline.jobvertex-parallelism-overrides": overrides}}),
    );
    assert!(case.questions().parallelism);
    let jobs = std::mem::replace(&mut case.observed.jobs, Asked::unanswered("no answer"));
    check(&case.decide(), &["record"], "WaitingForParallelism");
    case.observed.jobs = jobs;
    case.observed.parallelism = Asked::unanswered("asked without success: no answer");
    check(&case.decide(), &["record"], "WaitingForParallelism");
    let bounds = crate::observed::Parallelism { lower: 1, upper: 1 };
    case.observed.parallelism = Asked::present_is(BTreeMap::from([(vertex.to_owned(), bounds)]));
    let before = case.resource.status.clone();
    let decision = case.step();
    check(&decision, &["rescale", "record", "event"], "UpToDate");
    assert_eq!(case.status().observed_generation, Some(3));
    assert_eq!(case.recorded_mode().as_deref(), Some("savepoint"));
    case.resource.status = before;
    // What the shell notes when Flink refuses the request.
    case.observed.parallelism = Asked::absent();
    let refused = case.decide();
    assert!(short(&refused).contains(&"stop"), "a refusal takes a restart: {refused:?}");
}

#[test]
fn new_start_after_a_failed_job_has_a_new_id() {
    let mut case = stateful("savepoint", false);
    case.status().job_status.job_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
    case.job_is(FlinkJobStatus::Failed);
    case.step();
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.job_manager = Seen::Absent;
    case.observed.pods.clear();
    case.step();
    let id = case.status().job_status.job_id.clone();
    assert_eq!(id.as_deref(), Some("07070707070707070707070707070707"));
}

/// Another process does not know the ended job from a look of its own, and does not look: nothing is left to be seen.
#[test]
fn status_of_an_ended_job_stays_as_it_is_when_the_operator_starts_anew() {
    let mut case = running();
    case.job_is(FlinkJobStatus::Finished);
    case.observed.last_checkpoint = Asked::absent();
    case.step();
    let before = case.status().clone();
    assert_eq!(before.job_manager_deployment_status, JobManagerDeploymentStatus::Ready);
    case.observed.jobs = Asked::NotAsked;
    case.observed.last_checkpoint = Asked::NotAsked;
    let decision = case.step();
    assert_eq!(short(&decision), Vec::<&str>::new());
    assert_eq!(*case.status(), before);
}

/// A certificate that is not trusted stays so until somebody changes something.
#[test]
fn problem_of_tls_is_told_with_its_remedy_and_goes_away_when_it_is_solved() {
    let mut case = running();
    let problem = "There is no connection: set tls.create".to_owned();
    case.observed.jobs = Asked::unanswered("no connection");
    case.observed.rest_problem = Some(problem.clone());
    let decision = case.step();
    check(&decision, &["record", "event"], "TlsFailed");
    assert_eq!(decision.because.message(), problem);
    assert!(case.status().error.as_ref().is_some_and(|error| error.contains(&problem)));
    check(&case.step(), &[], "TlsFailed");
    case.observed.rest_problem = None;
    case.job_is(FlinkJobStatus::Running);
    check(&case.step(), &["record", "event"], "UpToDate");
    assert_eq!(case.status().error, None);
}
