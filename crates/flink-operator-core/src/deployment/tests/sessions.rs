//! Session clusters: the jobs in them have the right to go on, whatever happens to their cluster.

use super::stateful::{ha_data, stateful};
use super::*;

/// A session cluster with high availability that answers.
fn session() -> Case {
    let mut case = fresh();
    case.resource.spec.job = None;
    case.edit(&json!({"flinkConfiguration": {
        "high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/h",
    }}));
    case.resource.metadata.generation = Some(1);
    case.step();
    case.sees(deployment(1));
    case.observed.pods = vec![ready_pod(1_000)];
    case.observed.jobs = Asked::present_is(Vec::new());
    case.observed.cluster = Asked::unanswered("no answer");
    case.step();
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable));
    case
}

impl Case {
    fn cluster_is_gone(&mut self) {
        self.observed = Observed {
            job_manager: Seen::Absent,
            job_manager_source: Source::ApiServer,
            ha_data: ha_data(Some(7)),
            ..Observed::nothing()
        };
    }
}

/// Jobs of a session cluster go on from these data.
#[track_caller]
fn check_ha_data_is_kept(decision: &Decision) {
    let actions = short(decision);
    assert!(!actions.contains(&"delete HA data"), "{actions:?}");
    assert!(!actions.contains(&"forget job graphs"), "{actions:?}");
}

#[test]
fn change_of_a_session_cluster_keeps_the_high_availability_data_of_its_jobs() {
    let mut case = session();
    case.edit(&json!({"flinkConfiguration": {"taskmanager.numberOfTaskSlots": "4"}}));
    let decision = case.step();
    // The JobManager first: a job whose TaskManagers end before it may fail, and Flink removes its data.
    check(&decision, &["record", "scale to zero", "event", "event"], "Upgrading");
    assert_eq!(case.status().job_status.state, None, "it has no job of its own");
    case.sees(JobManagerDeployment { replicas: Replicas::Ending, ..deployment(1) });
    check(&case.step(), &["record"], "WaitingForOldCluster");
    case.sees(JobManagerDeployment { replicas: Replicas::Ended, ..deployment(1) });
    case.observed.pods = Vec::new();
    check(&case.step(), &["delete"], "WaitingForOldCluster");
    case.cluster_is_gone();
    case.observed.ha_data = Asked::NotAsked;
    assert_eq!(case.questions(), Questions::default(), "nothing depends on the data");
    case.cluster_is_gone();
    let decision = case.step();
    check_ha_data_is_kept(&decision);
    assert!(short(&decision).contains(&"create"), "{decision:?}");
}

#[test]
fn lost_session_cluster_comes_back_and_its_jobs_with_it() {
    let mut case = session();
    case.cluster_is_gone();
    let decision = case.step();
    check_ha_data_is_kept(&decision);
    assert!(short(&decision).contains(&"create"), "{decision:?}");
}

/// The Java operator writes `FINISHED` when it has deployed a session cluster anew, this one once wrote `CANCELLING`.
#[test]
fn job_state_that_an_earlier_deployment_left_in_a_session_cluster_counts_for_nothing() {
    for left in [FlinkJobStatus::Finished, FlinkJobStatus::Cancelling] {
        let mut case = session();
        case.status().job_status.state = Some(left.clone());
        case.cluster_is_gone();
        let decision = case.step();
        assert!(short(&decision).contains(&"create"), "{left}: {decision:?}");

        let mut case = session();
        case.status().job_status.state = Some(left.clone());
        case.status().job_manager_deployment_status = JobManagerDeploymentStatus::DeployedNotReady;
        case.observed.jobs = Asked::NotAsked;
        assert!(case.questions().jobs, "{left}: its JobManager is asked");
        case.observed.jobs = Asked::present_is(Vec::new());
        check(&case.step(), &["record"], "UpToDate");
        let status = case.status();
        assert_eq!(status.job_manager_deployment_status, JobManagerDeploymentStatus::Ready);
        assert_eq!(status.job_status.state, None);
        check(&case.step(), &[], "UpToDate");
    }
}

/// The record says what is deployed. A newest spec that is refused does not make an application a session cluster.
#[test]
fn application_whose_newest_spec_has_no_job_is_still_looked_after_as_an_application() {
    let mut case = stateful("last-state", true);
    case.resource.spec.job = None;
    case.edit(&json!({}));
    check(&case.step(), &["record", "event"], "InvalidSpec");
    assert_eq!(case.condition("Running").1, "Running");
    case.job_is(FlinkJobStatus::Restarting);
    case.step();
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Restarting));
    assert_eq!(case.condition("Running").1, "Restarting");
    // Nothing says that its state may be given up.
    case.cluster_is_gone();
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    check(&decision, &["record", "event"], "InvalidSpec");
    assert!(decision.because.message().contains("Manual restore required"), "{decision:?}");
}

#[test]
fn session_cluster_whose_newest_spec_has_a_job_is_still_looked_after_as_a_session_cluster() {
    let mut case = session();
    case.edit(&json!({"job": {"jarURI": "local:///j.jar", "parallelism": 1}}));
    check(&case.step(), &["record", "event"], "InvalidSpec");
    let status = case.status();
    assert_eq!(status.job_status.state, None, "it has no job that could be missing");
    assert_eq!(status.job_manager_deployment_status, JobManagerDeploymentStatus::Ready);
    assert_eq!(case.condition("Running").1, "JobManagerReady");
    case.observed.jobs = Asked::unanswered("timed out");
    case.step();
    assert_eq!(case.status().job_status.state, None);
    case.cluster_is_gone();
    let decision = case.step();
    check_ha_data_is_kept(&decision);
    assert!(short(&decision).contains(&"create"), "{decision:?}");
}

const OTHER_JOB: &str = "0123456789abcdef0123456789abcdef";

/// A session cluster that is to be deleted, with a JobManager that lists a job in this state.
fn deleted(state: &FlinkJobStatus) -> Case {
    let mut case = session();
    case.delete();
    case.observed.session_jobs = Asked::absent();
    case.observed.ha_data = Asked::absent();
    case.lists(state);
    case
}

impl Case {
    fn lists(&mut self, state: &FlinkJobStatus) {
        let job = JobView {
            id: OTHER_JOB.to_owned(),
            name: "j".to_owned(),
            state: state.clone(),
            start_time_ms: 5,
            changed_at_ms: None,
        };
        self.observed.jobs = Asked::present_is(vec![job]);
    }

    /// The session cluster is kept, and its condition has this text.
    #[track_caller]
    fn is_held(&mut self, text: &str) {
        let decision = self.step();
        assert_eq!(decision.because.reason(), "WaitingForSessionJobs", "{decision:?}");
        assert!(decision.because.message().contains(text), "{decision:?}");
        let touched = ["delete", "delete HA data", "scale to zero", "remove finalizer"];
        assert!(!short(&decision).iter().any(|done| touched.contains(done)), "{decision:?}");
    }

    #[track_caller]
    fn goes(&mut self) {
        let decision = self.step();
        assert!(short(&decision).contains(&"delete"), "{decision:?}");
    }
}

#[test]
fn deletion_of_a_session_cluster_waits_for_its_session_jobs_and_says_so_once() {
    let mut case = deleted(&FlinkJobStatus::Canceled);
    case.observed.session_jobs = Asked::NotAsked;
    assert_eq!(case.questions(), Questions { session_jobs: true, ..Questions::default() });
    case.observed.session_jobs = Asked::present_is(vec!["one".to_owned(), "two".to_owned()]);
    check(&case.step(), &["record", "event", "event"], "WaitingForSessionJobs");
    assert!(case.status().error.clone().unwrap().contains("one, two"));
    check(&case.step(), &[], "WaitingForSessionJobs");
    case.observed.session_jobs = Asked::unanswered("timed out");
    let decision = case.step();
    assert_eq!(decision.because.reason(), "ClusterStateUnknown", "{decision:?}");
    case.observed.session_jobs = Asked::absent();
    case.goes();
    assert_eq!(case.status().error, None);
}

#[test]
fn deletion_of_a_session_cluster_waits_for_jobs_that_no_resource_describes() {
    let mut case = deleted(&FlinkJobStatus::Running);
    case.is_held(OTHER_JOB);
    case.lists(&FlinkJobStatus::Suspended);
    case.is_held(OTHER_JOB);
    case.lists(&FlinkJobStatus::Finished);
    // Flink has not removed the data of the job yet.
    case.observed.ha_data = ha_data(Some(7));
    case.is_held("high availability data");
    case.observed.ha_data = Asked::absent();
    case.goes();
}

/// Nobody can be asked: what the high availability data name would come back with the next JobManager.
#[test]
fn jobs_of_a_session_cluster_whose_job_manager_does_not_respond_are_found_in_its_data() {
    let mut case = deleted(&FlinkJobStatus::Running);
    case.observed.jobs = Asked::unanswered("timed out");
    case.observed.ha_data = ha_data(None);
    case.is_held("high availability data");
    case.observed.ha_data = Asked::absent();
    case.goes();
    // Somebody has deleted the Deployment.
    let mut case = deleted(&FlinkJobStatus::Running);
    case.cluster_is_gone();
    case.observed.session_jobs = Asked::absent();
    case.is_held("high availability data");
    case.observed.ha_data = Asked::absent();
    check(&case.step(), &["remove finalizer"], "Deleting");
}

#[test]
fn silent_session_cluster_without_high_availability_is_kept_until_the_user_decides() {
    let mut case = fresh();
    case.resource.spec.job = None;
    case.step();
    case.sees(deployment(1));
    case.observed.pods = vec![ready_pod(1_000)];
    case.observed.jobs = Asked::unanswered("timed out");
    case.observed.session_jobs = Asked::absent();
    case.observed.ha_data = Asked::absent();
    case.delete();
    case.is_held("does not respond");
    case.sees(JobManagerDeployment { available: false, ..deployment(1) });
    case.goes();
}

#[test]
fn session_cluster_goes_with_its_jobs_if_the_user_says_so() {
    let mut case = deleted(&FlinkJobStatus::Running);
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.session.deletion.block-on-unmanaged-jobs": "false",
    }}));
    case.goes();
    case.cluster_is_gone();
    case.observed.session_jobs = Asked::absent();
    check(&case.step(), &["delete HA data"], "Deleting");
    let mut case = deleted(&FlinkJobStatus::Running);
    case.edit(&json!({"flinkConfiguration": {
        "kubernetes.operator.session.deletion.block-on-session-jobs": "false",
    }}));
    case.observed.session_jobs = Asked::NotAsked;
    case.goes();
}

/// The time that its pods have for their end does not begin with the request to delete the resource.
#[test]
fn pods_of_a_session_cluster_whose_deletion_was_held_back_have_all_their_time() {
    let mut case = deleted(&FlinkJobStatus::Running);
    case.is_held(OTHER_JOB);
    case.now += 100_000;
    case.lists(&FlinkJobStatus::Canceled);
    case.goes();
    case.sees(JobManagerDeployment { deleting: true, ..deployment(1) });
    let decision = case.step();
    assert_eq!(decision.because.reason(), "WaitingForOldCluster", "{decision:?}");
    case.now += 100_000;
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(short(&decision).contains(&"remove finalizer"), "a deletion always ends: {decision:?}");
}
