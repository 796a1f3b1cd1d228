//! Deletes the old cluster before a new one is created.

use std::time::Duration;

use flink_operator_api::{JobManagerDeploymentStatus, UpgradeMode};
use jiff::Timestamp;

use crate::job::lifecycle;
use crate::observed::{JobManagerDeployment, JobManagerPod, Owner, Replicas, is_globally_terminal};
use crate::reconcile::conditions::READY;
use crate::reconcile::decision::{Action, Because, Decision, Event, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::Recorded;
use crate::record::error::ErrorClass;

/// Whether the next cluster goes on from the high availability data of the one that is taken away, by the record of that.
/// The jobs of a session cluster do; whether the old cluster kept such data, the record of the next one does not say.
pub(crate) fn leaves_ha_data(recorded: &Recorded) -> bool {
    recorded
        .spec
        .job
        .as_ref()
        .is_none_or(|job| job.upgrade_mode.as_ref() == Some(&UpgradeMode::LastState))
}

/// The next step in taking a Deployment away; `None` while the last one is not done.
///
/// Garbage collection ends the TaskManagers first, as they belong to the Deployment itself, and the JobManager's pod after
/// its ReplicaSet. The JobManager sees its tasks fail in between. A job that Flink does not start again then has FAILED,
/// and Flink removes the data that the next cluster is to go on from. So the JobManager goes first where they are needed.
pub(crate) fn next_step(
    pass: &Pass<'_>,
    deployment: &JobManagerDeployment,
    leaves_ha_data: bool,
) -> Option<Action> {
    let uid = deployment.uid.clone();
    match deployment.replicas {
        Replicas::Wanted if leaves_ha_data => Some(Action::StopJobManager { uid }),
        Replicas::Ending if leaves_ha_data => None,
        Replicas::Ended if leaves_ha_data && running(pass).next().is_some() => None,
        Replicas::Wanted | Replicas::Ending | Replicas::Ended => {
            Some(Action::DeleteJobManager { uid })
        }
    }
}

/// The pods in which something may run. One that has failed as a whole, such as one that its node has evicted, stays until
/// its ReplicaSet goes.
pub(crate) fn running<'p>(pass: &'p Pass<'_>) -> impl Iterator<Item = &'p JobManagerPod> {
    pass.observed.pods.iter().filter(|pod| pod.failed.is_none())
}

/// Goes on with taking a Deployment away, after the intent of the next cluster was recorded.
pub(crate) fn continue_teardown(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    deployment: &JobManagerDeployment,
) -> Decision {
    match next_step(&pass, deployment, leaves_ha_data(recorded)) {
        Some(action) => {
            pass.act(action);
            wait(pass)
        }
        None => wait_for_pods(pass),
    }
}

/// The uid of a Deployment that stands where nothing is to run: the record says that the job has ended, or is suspended,
/// and that its cluster is gone. The request of a process that was cut off has arrived after others had gone on. A create
/// request carries no version that the API server could refuse it by, so it is taken back.
pub(crate) fn stale_create(pass: &Pass<'_>) -> Option<String> {
    let status = &pass.status;
    let is_gone = status.job_manager_deployment_status == JobManagerDeploymentStatus::Missing
        && status.job_status.state.as_ref().is_some_and(is_globally_terminal);
    let stands = pass.observed.job_manager.present();
    let stands = stands.filter(|found| found.owner == Owner::This && !found.deleting);
    stands.filter(|_| is_gone).map(|found| found.uid.clone())
}

/// Deletes it. No JobManager has started in the meantime: that takes seconds.
pub(crate) fn delete_stale_create(mut pass: Pass<'_>, uid: String) -> Decision {
    pass.publish(Event::warning(
        "Cleanup",
        "Deleting a Deployment that an earlier process of the operator had asked for, and that appeared when nothing was \
         to run any more.",
    ));
    pass.act(Action::DeleteJobManager { uid });
    wait(pass)
}

pub(crate) fn wait(pass: Pass<'_>) -> Decision {
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    pass.end(Because::WaitingFor(Wait::OldCluster), requeue)
}

/// The cluster was told to end when the intent of the next one was recorded. Pods that stay longer than they may are named.
pub(crate) fn wait_for_pods(pass: Pass<'_>) -> Decision {
    let recorded = pass.status.reconciliation_status.reconciliation_timestamp;
    let since = Timestamp::from_millisecond(recorded).unwrap_or(pass.inputs.now);
    wait_for_pods_since(pass, since)
}

/// The same for a Deployment that somebody else has deleted. The loss was seen at the later of two times: when the job's
/// state became unknown, and when the resource ceased to be ready.
pub(crate) fn wait_for_pods_of_lost(pass: Pass<'_>) -> Decision {
    let ready = pass.status.conditions.iter().find(|condition| condition.type_ == READY);
    let not_ready = ready.filter(|ready| ready.status == "False");
    let not_ready = not_ready.and_then(|ready| ready.last_transition_time.as_ref()?.parse().ok());
    let since = not_ready.max(lifecycle::since(&pass.status.job_status));
    let since = since.unwrap_or(pass.inputs.now);
    wait_for_pods_since(pass, since)
}

fn wait_for_pods_since(mut pass: Pass<'_>, since: Timestamp) -> Decision {
    let age = Duration::try_from(pass.inputs.now.duration_since(since)).unwrap_or_default();
    if age <= pass.inputs.settings.cleanup_timeout {
        return wait(pass);
    }
    let pods: Vec<&str> = running(&pass).take(5).map(|pod| pod.name.as_str()).collect();
    let pods = if pods.is_empty() { "TaskManagers".to_owned() } else { pods.join(", ") };
    let because = Because::WaitingFor(Wait::OldClusterStays { pods });
    pass.report(ErrorClass::UpgradeFailure, "CleanupFailed", &because.message());
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    pass.end(because, requeue)
}
