//! What decisions need of the cluster's Kubernetes objects.

use flink_operator_core::observed::{
    ContainerEnd, ContainerState, ContainerView, JobManagerDeployment, JobManagerPod, Owner,
    ReplicaFailure, Replicas,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{self, ContainerStatus, Pod, PodCondition};
use kube::ResourceExt;

use flink_operator_api::names::annotations;

/// Reads the JobManager's Deployment. `owner_uid` is the FlinkDeployment's.
pub fn observe_deployment(deployment: &Deployment, owner_uid: &str) -> JobManagerDeployment {
    let status = deployment.status.as_ref();
    let replica_failure = status
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
        .map(|condition| ReplicaFailure {
            reason: condition.reason.clone().unwrap_or_else(|| "FailedCreate".to_owned()),
            message: condition.message.clone().unwrap_or_default(),
        });
    JobManagerDeployment {
        uid: deployment.metadata.uid.clone().unwrap_or_default(),
        owner: observe_owner(deployment, owner_uid),
        generation: deployment
            .annotations()
            .get(annotations::GENERATION)
            .and_then(|text| text.parse().ok()),
        created_at: deployment.metadata.creation_timestamp.as_ref().map(|time| time.0),
        deleting: deployment.metadata.deletion_timestamp.is_some(),
        replicas: observe_replicas(deployment),
        never_available: never_available(deployment),
        available: status.and_then(|status| status.available_replicas).unwrap_or(0) > 0,
        replica_failure,
    }
}

fn observe_replicas(deployment: &Deployment) -> Replicas {
    // The API server's default is 1.
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    if wanted > 0 {
        return Replicas::Wanted;
    }
    let status = deployment.status.as_ref();
    let is_seen = status.and_then(|status| status.observed_generation).unwrap_or(0)
        >= deployment.metadata.generation.unwrap_or(0);
    // Those that are told to end are not counted.
    let left = status.and_then(|status| status.replicas).unwrap_or(0);
    if is_seen && left == 0 { Replicas::Ended } else { Replicas::Ending }
}

/// Whether no pod of the Deployment has ever been available. Its controller sets the condition `Available` to False when it
/// first looks, and again only when a pod that was available is so no more. A JobManager takes longer than these seconds to
/// answer, so a later False has had a True before it.
fn never_available(deployment: &Deployment) -> bool {
    const FIRST_LOOK_SECONDS: i64 = 3;
    let condition = deployment
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "Available");
    let (Some(condition), Some(created)) = (condition, &deployment.metadata.creation_timestamp)
    else {
        return false;
    };
    condition.status == "False"
        && condition.last_transition_time.as_ref().is_some_and(|changed| {
            changed.0.duration_since(created.0).as_secs() <= FIRST_LOOK_SECONDS
        })
}

fn observe_owner(deployment: &Deployment, owner_uid: &str) -> Owner {
    let owners = deployment.owner_references();
    if owners.iter().any(|owner| owner.uid == owner_uid) {
        return Owner::This;
    }
    let described = owners
        .first()
        .map_or_else(|| "no owner".to_owned(), |owner| format!("{} {}", owner.kind, owner.name));
    Owner::Other { described }
}

/// Whether a pod can belong to a Deployment that stands. Deployments and pods come by two watches: the pods of the cluster
/// before this one may still be in the cache, and how they failed says nothing about the new ones.
pub fn may_be_of(pod: &Pod, deployment: &Deployment) -> bool {
    if deployment.metadata.deletion_timestamp.is_some() {
        return true;
    }
    match (&pod.metadata.creation_timestamp, &deployment.metadata.creation_timestamp) {
        (Some(pod), Some(deployment)) => pod.0 >= deployment.0,
        _ => true,
    }
}

/// Reads one of the JobManager's pods.
pub fn observe_pod(pod: &Pod) -> JobManagerPod {
    let status = pod.status.as_ref();
    let condition = |type_: &str| -> Option<&PodCondition> {
        status?.conditions.as_ref()?.iter().find(|condition| condition.type_ == type_)
    };
    let holds = |type_: &str| condition(type_).is_some_and(|found| found.status == "True");
    let init_containers = status.and_then(|status| status.init_container_statuses.as_ref());
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    let init_views = init_containers
        .into_iter()
        .flatten()
        .map(|status| ContainerView { init: true, ..observe_container(status) });
    let views: Vec<ContainerView> =
        init_views.chain(containers.into_iter().flatten().map(observe_container)).collect();
    JobManagerPod {
        name: pod.name_any(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        deleting: pod.metadata.deletion_timestamp.is_some(),
        created_at: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
        ready_since: condition("Ready")
            .filter(|found| found.status == "True")
            .and_then(|found| found.last_transition_time.as_ref())
            .map(|time| time.0),
        unschedulable: condition("PodScheduled")
            .filter(|found| found.status == "False")
            .map(|found| found.message.clone().unwrap_or_default()),
        // Clusters before 1.29 do not report the sandbox; a pod with its init containers done has one.
        sandbox_ready: holds("PodReadyToStartContainers")
            || (condition("PodReadyToStartContainers").is_none() && holds("Initialized")),
        failed: status.filter(|status| status.phase.as_deref() == Some("Failed")).map(|status| {
            ReplicaFailure {
                reason: status.reason.clone().unwrap_or_else(|| "Failed".to_owned()),
                message: status.message.clone().unwrap_or_default(),
            }
        }),
        containers: views,
    }
}

fn observe_container(status: &ContainerStatus) -> ContainerView {
    let state = match status.state.as_ref() {
        Some(v1::ContainerState { waiting: Some(waiting), .. }) => ContainerState::Waiting {
            reason: waiting.reason.clone().unwrap_or_default(),
            message: waiting.message.clone().unwrap_or_default(),
        },
        Some(v1::ContainerState { terminated: Some(terminated), .. }) => {
            ContainerState::Ended(observe_end(terminated))
        }
        Some(v1::ContainerState { running: Some(_), .. }) => ContainerState::Running,
        // The API's documentation: a container without a state is waiting.
        Some(_) | None => ContainerState::Waiting { reason: String::new(), message: String::new() },
    };
    ContainerView {
        name: status.name.clone(),
        init: false,
        restarts: status.restart_count,
        image: status.image.clone(),
        state,
        last_end: status
            .last_state
            .as_ref()
            .and_then(|last| last.terminated.as_ref())
            .map(observe_end),
    }
}

fn observe_end(end: &v1::ContainerStateTerminated) -> ContainerEnd {
    ContainerEnd {
        reason: end.reason.clone().unwrap_or_default(),
        exit_code: end.exit_code,
        message: end.message.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn deployment_of_another_owner_is_not_ours() {
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": {
                "name": "a", "uid": "d",
                "annotations": {"flinkdeployment.flink.apache.org/generation": "3"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "other"}]
            },
            "status": {"availableReplicas": 1}
        }))
        .unwrap();
        let seen = observe_deployment(&deployment, "mine");
        assert_eq!(seen.owner, Owner::Other { described: "ConfigMap x".to_owned() });
        assert_eq!(observe_deployment(&deployment, "other").owner, Owner::This);
        assert_eq!((seen.generation, seen.available, seen.deleting), (Some(3), true, false));
    }

    #[test]
    fn pods_of_a_deployment_have_ended_once_its_controller_has_seen_the_change() {
        let replicas = |generation: i64, wanted: Option<i32>, left: i32| {
            let deployment: Deployment = serde_json::from_value(json!({
                "metadata": {"generation": generation},
                "spec": {"replicas": wanted, "selector": {}, "template": {}},
                "status": {"observedGeneration": 2, "replicas": left},
            }))
            .unwrap();
            observe_replicas(&deployment)
        };
        assert_eq!(replicas(2, None, 1), Replicas::Wanted);
        assert_eq!(replicas(3, Some(1), 0), Replicas::Wanted);
        assert_eq!(replicas(3, Some(0), 0), Replicas::Ending, "that is the status from before");
        assert_eq!(replicas(2, Some(0), 1), Replicas::Ending);
        assert_eq!(replicas(2, Some(0), 0), Replicas::Ended);
    }

    #[test]
    fn pod_that_is_older_than_its_deployment_belongs_to_the_one_before() {
        let created = |time: &str| json!({"metadata": {"name": "a", "creationTimestamp": time}});
        let pod: Pod = serde_json::from_value(created("2026-01-01T00:00:05Z")).unwrap();
        for (time, expected) in [("2026-01-01T00:00:05Z", true), ("2026-01-01T00:00:06Z", false)] {
            let mut deployment: Deployment = serde_json::from_value(created(time)).unwrap();
            assert_eq!(may_be_of(&pod, &deployment), expected, "{time}");
            deployment.metadata.deletion_timestamp = pod.metadata.creation_timestamp.clone();
            assert!(may_be_of(&pod, &deployment), "what is being deleted is waited for");
        }
    }

    #[test]
    fn pod_shows_why_it_waits_and_how_it_ended_before() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "a-1", "uid": "p"},
            "status": {
                "conditions": [
                    {"type": "PodReadyToStartContainers", "status": "True"},
                    {"type": "Ready", "status": "False"}
                ],
                "containerStatuses": [{
                    "name": "flink-main-container", "image": "flink:2.2", "imageID": "", "ready": false,
                    "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
                }]
            }
        }))
        .unwrap();
        let seen = observe_pod(&pod);
        assert!(seen.sandbox_ready && seen.ready_since.is_none());
        let container = seen.containers.first().unwrap();
        assert_eq!(container.restarts, 4);
        assert_eq!(container.last_end.as_ref().unwrap().exit_code, 137);
        assert!(
            matches!(&container.state, ContainerState::Waiting { reason, .. } if reason == "CrashLoopBackOff")
        );
    }
}
