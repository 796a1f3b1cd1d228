//! What was seen, put into the status: never more than was seen.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus};

use super::exceptions;
use super::failure::{self, Failure};
use super::pass::Pass;
use super::recovered;
use crate::decision::Event;
use crate::observed::{ClusterView, JobView, Seen, is_globally_terminal};
use crate::record::error::{ErrorClass, StatusError};

/// A job that its JobManager does not list this long after it became ready is missing: until then it is being submitted,
/// or recovered from high availability data.
const JOB_EXPECTED_WITHIN: Duration = Duration::from_mins(1);

/// What the cluster was seen to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// The Deployment could not be seen.
    Unseen { why: String },
    /// There is no Deployment.
    Gone,
    /// Its pod is not available, and will not become so by itself.
    Failed(Failure),
    /// Its pod is not available yet.
    Starting { detail: String },
    /// Its pod is available, and REST does not answer.
    NoRest { why: String },
    /// REST answers, and the job is not listed.
    NoJob,
    /// The job is listed.
    Job(FlinkJobStatus),
    /// REST answers, and the cluster is one for sessions: it has no job of its own.
    Session,
}

/// Looks at the cluster and brings the status up to date with it.
pub(super) fn update(pass: &mut Pass<'_>) -> Sight {
    let sight = look(pass);
    match &sight {
        Sight::Unseen { .. } => {}
        Sight::Gone => gone(pass),
        Sight::Failed(failure) => failed(pass, failure),
        Sight::Starting { .. } => not_available(pass, JobManagerDeploymentStatus::Deploying),
        // The JobManager of a job that has ended is not asked any more: what it was when it was, it counts as.
        Sight::NoRest { .. } if was_terminal(pass) && was_ready(pass) => {}
        Sight::NoRest { .. } => not_available(pass, JobManagerDeploymentStatus::DeployedNotReady),
        Sight::NoJob => {
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
            no_job(pass);
        }
        Sight::Job(_) => {
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
            job(pass);
        }
        Sight::Session => {
            pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Ready;
            if let Some(cluster) = &pass.observed.cluster {
                describe_cluster(pass, cluster);
            }
        }
    }
    sight
}

/// Looks, and changes nothing.
pub(super) fn look(pass: &Pass<'_>) -> Sight {
    let observed = pass.observed;
    let deployment = match &observed.job_manager {
        Seen::Unknown { why } => return Sight::Unseen { why: why.clone() },
        Seen::Absent => return Sight::Gone,
        Seen::Present(deployment) => deployment,
    };
    if let Some(failure) = failure::detect(deployment, &observed.pods, &observed.pod_warnings) {
        return Sight::Failed(failure);
    }
    if !deployment.available {
        let detail =
            observed.pods.iter().find_map(|pod| pod.unschedulable.clone()).unwrap_or_default();
        return Sight::Starting { detail };
    }
    match &observed.jobs {
        Seen::Unknown { why } => Sight::NoRest { why: why.clone() },
        Seen::Present(_) | Seen::Absent if pass.given.resource.spec.job.is_none() => Sight::Session,
        Seen::Absent => Sight::NoJob,
        Seen::Present(jobs) => match find(pass, jobs) {
            Some(job) => job_in_sight(pass, &job.state),
            None => Sight::NoJob,
        },
    }
}

/// A job's end is taken note of together with its last checkpoint, or not at all: without it nobody would know later on
/// where the job could go on.
fn job_in_sight(pass: &Pass<'_>, state: &FlinkJobStatus) -> Sight {
    match &pass.observed.last_checkpoint {
        Seen::Unknown { why } if is_globally_terminal(state) && !was_terminal(pass) => {
            Sight::NoRest { why: why.clone() }
        }
        Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } => Sight::Job(state.clone()),
    }
}

fn find<'j>(pass: &Pass<'_>, jobs: &'j [JobView]) -> Option<&'j JobView> {
    let id = pass.status.job_status.job_id.as_deref()?;
    jobs.iter().find(|job| job.id == id)
}

fn was_terminal(pass: &Pass<'_>) -> bool {
    pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal)
}

fn was_ready(pass: &Pass<'_>) -> bool {
    pass.status.job_manager_deployment_status == JobManagerDeploymentStatus::Ready
}

/// What Flink lists as a failed job when the main method has failed before there was one
/// (`execution.submit-failed-job-on-application-error`). It takes no note of where the job was to start from, and leaves
/// the high availability data as they are.
pub(super) fn is_main_failed(name: &str) -> bool {
    name == "(application driver)"
}

/// The job's state is not known any more; a state that ends a job stays what it is.
fn lose_sight(pass: &mut Pass<'_>) {
    if !was_terminal(pass) && pass.given.resource.spec.job.is_some() {
        set_state(pass, FlinkJobStatus::Reconciling);
    }
}

fn gone(pass: &mut Pass<'_>) {
    let before = pass.status.job_manager_deployment_status.clone();
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    lose_sight(pass);
    if before != JobManagerDeploymentStatus::Missing && !was_terminal(pass) {
        let message =
            "The JobManager's Deployment is gone; nobody asked the operator to delete it.";
        pass.set_error(&StatusError::new(ErrorClass::MissingJobManager, message));
        pass.publish(Event::warning("Missing", message));
    }
}

fn failed(pass: &mut Pass<'_>, failure: &Failure) {
    let before = pass.status.error.clone();
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Error;
    lose_sight(pass);
    let mut error = StatusError::new(ErrorClass::DeploymentFailed, failure.message.as_str());
    error.thrown.reason = Some(failure.reason.clone());
    pass.set_error(&error);
    if let Some(known) =
        before.as_ref().filter(|known| same_but_for_numbers(known, pass.status.error.as_deref()))
    {
        // A container that crashes in a loop logs other times at each turn: it is told of once.
        pass.status.error = Some(known.clone());
    }
    if pass.status.error != before {
        pass.publish(Event::warning(&failure.reason, failure.message.as_str()));
    }
}

fn same_but_for_numbers(known: &str, text: Option<&str>) -> bool {
    let words = |text: &str| text.replace(|letter: char| letter.is_ascii_digit(), "");
    text.is_some_and(|text| words(known) == words(text))
}

fn not_available(pass: &mut Pass<'_>, state: JobManagerDeploymentStatus) {
    pass.status.job_manager_deployment_status = state;
    lose_sight(pass);
}

/// REST answers and does not list the job. A JobManager that has just started has not submitted or recovered it yet.
fn no_job(pass: &mut Pass<'_>) {
    if was_terminal(pass) {
        return;
    }
    let ready_since = pass.observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    let young = ready_since.is_none_or(|since| {
        Duration::try_from(pass.given.now.duration_since(since)).unwrap_or_default()
            < JOB_EXPECTED_WITHIN
    });
    set_state(pass, FlinkJobStatus::Reconciling);
    if young {
        return;
    }
    // The text is one that deletion of a session job by the Java operator depends on.
    let missing = "Job Not Found";
    if pass.status.error.as_deref() != Some(missing) {
        pass.status.error = Some(missing.to_owned());
        let id = pass.status.job_status.job_id.clone().unwrap_or_default();
        pass.publish(Event::warning(
            "Missing",
            format!("The JobManager answers and does not list the job {id}."),
        ));
    }
}

fn job(pass: &mut Pass<'_>) {
    let Some(jobs) = pass.observed.jobs.present() else { return };
    let Some(job) = find(pass, jobs).cloned() else { return };
    let before = pass.status.job_status.state.clone();
    set_state(pass, job.state.clone());
    pass.status.job_status.job_name = Some(job.name.clone());
    if let Some(cluster) = &pass.observed.cluster {
        describe_cluster(pass, cluster);
    }
    if before.as_ref() == Some(&job.state) {
        recovered::note_start(pass, &job);
        return;
    }
    if job.state == FlinkJobStatus::Failed {
        job_failed(pass);
    }
    match &pass.observed.last_checkpoint {
        Seen::Present(path) => {
            pass.status.job_status.upgrade_savepoint_path = Some(path.clone());
        }
        Seen::Absent => recovered::note_end(pass, &job),
        Seen::Unknown { .. } => {}
    }
    recovered::note_start(pass, &job);
    let note = match before {
        Some(before) => format!("The job's state changed from {before} to {}.", job.state),
        None => format!("The job's state is {}.", job.state),
    };
    pass.publish(Event::normal("JobStatusChanged", note));
}

fn job_failed(pass: &mut Pass<'_>) {
    // The result is asked for once, and its answer may get lost; the exceptions are another question.
    let result = pass.observed.job_failure.clone();
    let Some(failure) = result.or_else(|| exceptions::newest(pass)) else { return };
    let error = StatusError::new(ErrorClass::Other(failure.class), failure.message.as_str());
    pass.set_error(&error);
    pass.publish(Event::warning("Error", format!("The job has failed: {}", failure.message)));
}

fn set_state(pass: &mut Pass<'_>, state: FlinkJobStatus) {
    if pass.status.job_status.state.as_ref() != Some(&state) {
        pass.status.job_status.state = Some(state);
        pass.status.job_status.update_time = Some(pass.given.now.as_millisecond().to_string());
    }
}

/// Version and revision as Flink says them; CPU and memory of what was asked for, as upstream computes them.
fn describe_cluster(pass: &mut Pass<'_>, cluster: &ClusterView) {
    let facts = &mut pass.status.cluster_info;
    facts.insert("flink-version".to_owned(), cluster.flink_version.clone());
    facts.insert("flink-revision".to_owned(), cluster.flink_revision.clone());
    if let Ok(valid) = pass.given.validated {
        let size = crate::cluster_size::of(&valid.effective.configuration, cluster.task_managers);
        facts.insert("total-cpu".to_owned(), size.cpu_text());
        facts.insert("total-memory".to_owned(), size.memory_bytes.to_string());
    }
}
