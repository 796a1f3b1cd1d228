//! High availability data in ZooKeeper, which nobody looks into: it is never taken for absent.

use super::stateful::{SAVEPOINT, checkpoints, completed};
use super::*;

/// A running job of this mode with high availability by ZooKeeper.
fn with_zookeeper(mode: &str) -> Case {
    let mut case = fresh();
    case.edit(&json!({
        "job": {"upgradeMode": mode},
        "flinkConfiguration": {
            "execution.checkpointing.dir": "s3://b/c", "execution.checkpointing.savepoint-dir": "s3://b/s",
            "high-availability.type": "zookeeper", "high-availability.zookeeper.quorum": "zk:2181",
            "high-availability.storageDir": "s3://b/h",
        },
    }));
    case.resource.metadata.generation = Some(1);
    case.step();
    case.sees(deployment(1)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    case.observed.cluster = Asked::unanswered("no answer");
    case.step();
    case.status().job_status.job_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    case.job_is(FlinkJobStatus::Running);
    case
}

fn lost() -> Observed {
    Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    }
}

/// The value of a Flink option in what a decision creates.
fn option(decision: &Decision, key: &str) -> Option<String> {
    let objects = decision.actions.iter().find_map(|action| match action {
        Action::CreateCluster { objects, .. } => Some(objects),
        _ => None,
    })?;
    let text = serde_json::to_string(&objects.accompanying).unwrap();
    let key = key.rsplit('.').next().unwrap();
    let (_, rest) = text.split_once(&format!("{key}: "))?;
    Some(rest.split("\\n").next().unwrap().trim_matches(['\'', '"', '\\']).to_owned())
}

#[test]
fn last_state_change_keeps_the_data_and_leaves_the_old_job_graph_behind() {
    let mut case = with_zookeeper("last-state");
    case.edit(&json!({"job": {"parallelism": 2}}));
    let asked = case.questions();
    assert!(asked.checkpoints && !asked.ha_data, "{asked:?}");
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    check(&case.step(), &["record", "scale to zero", "event", "event"], "Upgrading");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
    case.observed = lost();
    assert!(!case.questions().ha_data);
    let decision = case.step();
    check(&decision, &["record", "create", "record", "event"], "WaitingForJobManager");
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
    let id = case.status().job_status.job_id.clone();
    assert_eq!(
        id.as_deref(),
        Some("0123456789abcdef0123456789abcdef"),
        "the data is filed under it"
    );
    assert_eq!(option(&decision, "path.execution-plans").as_deref(), Some("/execution-plans-r"));
}

#[test]
fn last_state_change_waits_for_the_first_checkpoint() {
    let mut case = with_zookeeper("last-state");
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(None);
    check(&case.step(), &["record"], "WaitingForRestorePoint");
}

#[test]
fn lost_cluster_comes_back_under_its_job_id_and_never_empty() {
    for mode in ["last-state", "savepoint"] {
        let mut case = with_zookeeper(mode);
        case.observed = lost();
        assert!(!case.questions().ha_data, "there are no ConfigMaps to look for");
        let decision = case.step();
        assert!(short(&decision).contains(&"create"), "{decision:?}");
        let path = Case::restores_from(&decision);
        assert_eq!(path.as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"), "{mode}");
        let id = case.status().job_status.job_id.clone();
        assert_eq!(id.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    }
}

/// Where there is a checkpoint the job goes on from it; where there is none, the mode allows an empty start.
#[test]
fn lost_cluster_of_a_stateless_job_goes_on_from_whatever_zookeeper_has() {
    let mut case = with_zookeeper("stateless");
    case.observed = lost();
    let decision = case.step();
    assert!(short(&decision).contains(&"create"), "{decision:?}");
    let path = Case::restores_from(&decision);
    assert_ne!(path.as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
    let id = case.status().job_status.job_id.clone();
    assert_eq!(id.as_deref(), Some("0123456789abcdef0123456789abcdef"));
}

/// A new JobManager would otherwise find the old job there, and run it beside the new one.
#[test]
fn start_under_a_new_job_id_does_not_revive_the_old_job() {
    for (version, key) in [("v1_20", "path.jobgraphs"), ("v2_2", "path.execution-plans")] {
        let mut case = with_zookeeper("stateless");
        case.edit(&json!({"flinkVersion": version, "restartNonce": 1}));
        case.step();
        case.observed = lost();
        let decision = case.step();
        assert!(short(&decision).contains(&"create"), "{decision:?}");
        assert!(option(&decision, key).is_some_and(|path| path.ends_with("-r")), "{version}");
    }
}

#[test]
fn change_of_a_lost_cluster_goes_on_from_the_last_state() {
    let mut case = with_zookeeper("savepoint");
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed = lost();
    let decision = case.step();
    assert_ne!(decision.because.reason(), "StatefulChangeHeld", "{decision:?}");
    assert_eq!(case.recorded_mode().as_deref(), Some("last-state"));
}

#[test]
fn job_that_has_ended_goes_on_from_its_last_checkpoint_after_its_cluster_is_gone() {
    let mut case = with_zookeeper("savepoint");
    case.observed.last_checkpoint = Asked::present_is("s3://b/c/chk-8".to_owned());
    case.job_is(FlinkJobStatus::Failed);
    case.step();
    case.observed = lost();
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("s3://b/c/chk-8"), "{decision:?}");
}

#[test]
fn savepoint_change_needs_no_look_either() {
    let mut case = with_zookeeper("savepoint");
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.step();
    case.observed.savepoint = Asked::present_is(completed());
    case.job_is(FlinkJobStatus::Finished);
    case.step();
    case.observed = lost();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some(SAVEPOINT));
}

/// The Java operator has stopped the job, and another one goes on.
#[test]
fn suspension_in_last_state_is_resumed_without_a_look() {
    let mut case = with_zookeeper("last-state");
    case.edit(&json!({"job": {"state": "suspended"}}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    case.observed = lost();
    check(&case.step(), &["record"], "Suspended");
    case.edit(&json!({"job": {"state": "running"}}));
    case.step();
    let decision = case.step();
    assert_eq!(Case::restores_from(&decision).as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
}

#[test]
fn deletion_says_what_it_leaves_in_zookeeper() {
    let mut case = with_zookeeper("savepoint");
    let now = Timestamp::from_second(case.now).unwrap();
    case.resource.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    case.status().lifecycle_state = Some(LifecycleState::Deleting);
    case.observed = lost();
    case.observed.ha_data = Asked::absent();
    let decision = case.step();
    check(&decision, &["remove finalizer", "event"], "Deleting");
    let told = decision
        .actions
        .iter()
        .any(|action| matches!(action, Action::Publish(event) if event.note.contains("/flink/a")));
    assert!(told, "{decision:?}");
}

/// A record of the last state, and a spec whose clusters keep none any more: nothing would ever answer.
#[test]
fn high_availability_that_is_switched_off_after_the_stop_is_told() {
    let mut case = with_zookeeper("last-state");
    case.edit(&json!({"job": {"parallelism": 2}}));
    case.observed.checkpoints = checkpoints(Some("s3://b/c/chk-4"));
    case.step();
    case.observed = lost();
    case.edit(&json!({"flinkConfiguration": {"high-availability.type": "NONE"}}));
    check(&case.step(), &["record"], "ClusterLost");
}
