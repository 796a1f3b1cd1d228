//! Fears that the status does not tell the truth.

use super::super::stateful::{checkpoints, completed, ha_data, stateful};
use super::*;
use crate::observed::{HealthSample, PodWarning};

impl Case {
    /// `Ready`, `Reconciling`, `Stalled` in this order, and the reason.
    fn verdict(&mut self) -> (String, String) {
        let letters = ["Ready", "Reconciling", "Stalled"].map(|type_| self.condition(type_).0);
        (letters.join(" "), self.condition("Ready").1)
    }
}

#[track_caller]
fn says(case: &mut Case, verdict: &str, reason: &str) {
    assert_eq!(case.verdict(), (verdict.to_owned(), reason.to_owned()));
}

/// Row 7: the resource is believed stable while nothing runs. FLINK-41157.
#[test]
fn fear_07_nothing_is_ready_while_nothing_runs() {
    let mut case = stateful("stateless", true);
    case.observed = gone();
    assert!(case.questions().ha_data, "a stateless job with high availability as well");
    case.observed.ha_data = Asked::unanswered("timed out");
    case.step();
    says(&mut case, "False True False", "ClusterStateUnknown");
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    assert!(does(&decision, "create"), "{decision:?}");
    assert_ne!(case.verdict().0, "True False False");
    for state in [FlinkJobStatus::Created, FlinkJobStatus::Restarting, FlinkJobStatus::Failing] {
        let mut case = stateful("savepoint", true);
        case.job_is(state);
        case.step();
        says(&mut case, "False True False", "WaitingForJob");
    }
}

/// Row 7: a JobManager that starts anew brings a failed job back. FLINK-38049, FLINK-39704.
#[test]
fn fear_07_failed_job_that_a_restarted_job_manager_brings_back_is_seen() {
    let mut case = stateful("savepoint", true);
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
    case.job_is(FlinkJobStatus::Failed);
    case.step();
    case.observed.jobs = Asked::NotAsked;
    assert!(!case.questions().jobs, "an ended job costs nothing");
    case.now += 100;
    case.observed.pods = vec![ready_pod(case.now)];
    assert!(case.questions().jobs, "another JobManager");
    case.job_is(FlinkJobStatus::Running);
    let decision = case.step();
    assert_eq!(decision.because.reason(), "UpToDate");
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Running));
}

/// Row 11: changes of a resource with a version that is not supported are ignored in silence.
#[test]
fn fear_11_unknown_version_is_told_and_the_job_runs_on() {
    for version in ["v1_14", "v2_9", "v3_0", "latest"] {
        let mut case = stateful("savepoint", true);
        case.edit(&json!({"flinkVersion": version}));
        let decision = case.step();
        check(&decision, &["record", "event"], "InvalidSpec");
        assert!(decision.because.message().contains("v1_19 to v2_3") || version == "latest");
        says(&mut case, "False False True", "InvalidSpec");
        assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Running));
    }
}

/// Row 11: an old version is not frozen.
#[test]
fn fear_11_change_of_a_job_with_a_deprecated_version_is_made() {
    let mut case = fresh();
    case.edit(&json!({"flinkVersion": "v1_17", "image": "flink:1.17"}));
    case.step();
    case.sees(deployment(2)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    case.step();
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert!(does(&case.step(), "delete"));
}

/// Row 14: READY does not mean ready, and a dead JobManager is never reported. FLINK-41311.
#[test]
fn fear_14_ready_means_that_rest_has_answered_and_silence_is_told_with_its_time() {
    let mut case = fresh();
    case.step();
    case.sees(deployment(1));
    case.observed.pods = vec![ready_pod(case.now)];
    case.observed.jobs = Asked::unanswered("connection refused");
    case.now += 31;
    case.step();
    let shown = case.status().job_manager_deployment_status.clone();
    assert_eq!(shown, JobManagerDeploymentStatus::DeployedNotReady);

    let mut case = stateful("savepoint", true);
    case.observed.jobs = Asked::unanswered("timed out");
    let since = Timestamp::from_second(case.now).unwrap().to_string();
    case.step();
    says(&mut case, "False True False", "WaitingForRest");
    case.now += 3_600;
    check(&case.step(), &[], "WaitingForRest");
    let ready = case.status().conditions.iter().find(|found| found.type_ == "Ready").cloned();
    assert_eq!(ready.unwrap().last_transition_time, Some(since), "since when");
}

/// Row 15: a crash loop looks like DEPLOYING. FLINK-41375, FLINK-37430.
#[test]
fn fear_15_crash_loop_is_an_error_with_exit_code_and_cause_and_one_event() {
    let mut case = stateful("savepoint", true);
    case.sees(JobManagerDeployment { available: false, ..deployment(1) });
    let mut told = 0;
    for turn in 0..5 {
        let log = format!("10:00:0{turn} ERROR out of memory");
        case.observed.pods = vec![crash_loop("OOMKilled", 137, &log)];
        let decision = case.step();
        told += usize::from(tells(&decision, "OOMKilled"));
        assert!(decision.because.message().contains("exit code 137"), "{decision:?}");
        case.now += 60;
    }
    assert_eq!(told, 1);
    let shown = case.status().job_manager_deployment_status.clone();
    assert_eq!(shown, JobManagerDeploymentStatus::Error);
    says(&mut case, "False False True", "JobManagerFailed");
}

/// Row 16: a finished batch job becomes unmanageable, or is started again. FLINK-39043, FLINK-38290, FLINK-39507.
#[test]
fn fear_16_finished_job_stays_finished_whatever_becomes_of_its_cluster() {
    let finished = || {
        let mut case = stateful("savepoint", true);
        case.edit(&json!({"flinkConfiguration": {
            "kubernetes.operator.cluster.health-check.enabled": "true",
            "kubernetes.operator.cluster.health-check.restarts.threshold": "1",
            "kubernetes.operator.job.restart.failed": "true",
        }}));
        case.observed.health =
            Asked::present_is(HealthSample { restarts: 0, completed_checkpoints: 0 });
        case.step();
        case.observed.last_checkpoint = Asked::absent();
        case.job_is(FlinkJobStatus::Finished);
        case.step();
        case
    };
    for cluster in [
        gone(),
        Observed { job_manager: Seen::Present(deployment(1)), ..Observed::nothing() },
        Observed {
            job_manager: Seen::Present(JobManagerDeployment { available: false, ..deployment(1) }),
            pods: vec![crash_loop("Error", 1, "")],
            ..Observed::nothing()
        },
    ] {
        let mut case = finished();
        case.observed = cluster;
        case.observed.health =
            Asked::present_is(HealthSample { restarts: 99, completed_checkpoints: 0 });
        for _ in 0..3 {
            let decision = case.step();
            assert!(!does(&decision, "create") && !does(&decision, "delete"), "{decision:?}");
        }
        assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Finished));
    }
    let mut case = finished();
    case.edit(&json!({"job": {"parallelism": 2}}));
    assert!(does(&case.step(), "delete"), "a change is made");
}

/// Row 17: `observedGeneration` stays behind, and tools wait for ever. FLINK-30858, FLINK-39243.
#[test]
fn fear_17_generation_is_observed_in_every_state_that_a_user_asks_for() {
    let is_observed = |case: &mut Case| {
        let generation = case.resource.metadata.generation;
        case.status().observed_generation == generation
    };
    let mut case = fresh();
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.step();
    assert!(is_observed(&mut case), "never deployed");
    says(&mut case, "True False False", "Suspended");

    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.step();
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed = gone();
    case.step();
    assert!(is_observed(&mut case));
    case.edit(&json!({"image": "flink:2.2.1"}));
    case.step();
    assert!(is_observed(&mut case), "edited while suspended");
    says(&mut case, "True False False", "Suspended");
    check(&case.step(), &[], "Suspended");
    case.edit(&json!({"job": {"state": "running"}}));
    case.step();
    let decision = case.step();
    assert_eq!(
        super::super::trouble::image(&decision).as_deref(),
        Some("flink:2.2.1"),
        "{decision:?}"
    );
    let of_conditions = |case: &mut Case| {
        let conditions = case.status().conditions.clone();
        conditions.iter().find(|found| found.type_ == "Ready").unwrap().observed_generation
    };
    assert_eq!(of_conditions(&mut case), case.resource.metadata.generation);
}

/// Row 18: Argo CD says Healthy for a failed job, and Progressing for ever for a suspended one. Its built-in check reads
/// `reconciliationStatus.state`, which is the log of intents and has to say DEPLOYED; the conditions say what is true.
#[test]
fn fear_18_failed_job_is_stalled_and_a_suspended_one_ready() {
    let mut case = stateful("savepoint", true);
    case.observed.last_checkpoint = Asked::absent();
    case.job_is(FlinkJobStatus::Failed);
    case.step();
    says(&mut case, "False False True", "JobFailed");
    assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Failed));
    let mut case = stateful("savepoint", true);
    case.step();
    says(&mut case, "True False False", "UpToDate");
}

/// The recordings of the Java operator: a healthy cluster was shown as ERROR, for its pod was scheduled before its
/// ConfigMaps had been created, and the kubelet mounted them on its next try.
#[test]
fn recorded_failed_mount_that_the_kubelet_mends_is_no_failure() {
    let mut case = fresh();
    case.step();
    case.sees(JobManagerDeployment { available: false, never_available: true, ..deployment(1) });
    let created = case.now;
    let mut pod = pod_with(
        ContainerState::Waiting { reason: "ContainerCreating".to_owned(), message: String::new() },
        None,
    );
    pod.sandbox_ready = false;
    pod.created_at = Timestamp::from_second(created).ok();
    case.observed.pods = vec![pod];
    case.now = created + 15;
    assert!(!case.questions().pod_warnings, "a first try that failed is not even asked for");
    assert_ne!(case.step().because.reason(), "JobManagerFailed");
    case.now = created + 25;
    assert!(case.questions().pod_warnings);
    case.observed.pod_warnings = Asked::present_is(vec![PodWarning {
        reason: "FailedMount".to_owned(),
        message: "secret \"keys\" not found".to_owned(),
    }]);
    let decision = case.step();
    assert!(decision.because.message().contains("keys"), "one that stays is told: {decision:?}");
}

/// The recordings: for ten seconds after its JobManager was killed the job was shown RUNNING.
#[test]
fn recorded_killed_job_manager_is_shown_at_once() {
    let mut case = stateful("last-state", true);
    case.sees(JobManagerDeployment { available: false, ..deployment(1) });
    case.observed.pods = Vec::new();
    case.step();
    assert_eq!(case.status().job_status.state, Some(FlinkJobStatus::Reconciling));
    assert_eq!(case.condition("Running").0, "False");
    says(&mut case, "False True False", "WaitingForJobManager");
}

/// The recordings: 13 s between the decision to upgrade and the new Deployment. The pass that sees the old one gone
/// creates the new one.
#[test]
fn recorded_upgrade_goes_on_in_the_pass_that_sees_the_old_cluster_gone() {
    let mut case = stateful("last-state", true);
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.ha_data = ha_data(Some(4));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    assert!(does(&case.step(), "scale to zero"));
    case.observed = Observed { ha_data: ha_data(Some(4)), ..gone() };
    assert!(does(&case.step(), "create"));
}

/// The recordings: a savepoint nonce alone took a running job from STABLE to DEPLOYED and back.
#[test]
fn recorded_nonce_leaves_a_stable_job_stable() {
    let mut case = stateful("savepoint", true);
    case.edit(&json!({"job": {"savepointTriggerNonce": 7}}));
    for _ in 0..2 {
        case.step();
        assert_eq!(case.status().lifecycle_state, Some(LifecycleState::Stable));
        case.observed.savepoint = Asked::present_is(completed());
    }
}

/// The recordings: the mended spec waited twelve seconds behind the back-off of the invalid one, whose error stayed.
#[test]
fn recorded_mended_spec_is_taken_at_once_and_its_error_goes() {
    let mut case = stateful("savepoint", false);
    case.edit(&json!({"job": {"parallelism": 0}}));
    let decision = case.step();
    assert_eq!(decision.requeue, Requeue::After(std::time::Duration::from_mins(1)), "no failure");
    assert!(case.status().error.is_some());
    case.edit(&json!({"job": {"parallelism": 1}}));
    check(&case.step(), &["record"], "UpToDate");
    assert_eq!(case.status().error, None);
}
