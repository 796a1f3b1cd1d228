//! Conditions of a FlinkDeployment: upstream's `Running`, and the three that kstatus and GitOps tools read.

use flink_operator_api::{
    Condition, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus,
    JobManagerDeploymentStatus,
};
use jiff::Timestamp;

use crate::reconcile::decision::Because;

/// True when the job's vertices run (application) or the JobManager answers (session). Upstream's only condition.
pub(crate) const RUNNING: &str = "Running";
/// True when the world is as the spec says, and works.
pub(crate) const READY: &str = "Ready";
/// True while the operator works towards the spec or waits for something else to.
pub(crate) const RECONCILING: &str = "Reconciling";
/// True when nothing goes on until a user, or another system, changes something.
pub(crate) const STALLED: &str = "Stalled";

/// Whether a resource is deployed as an application or as a session cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Application,
    Session,
}

impl Mode {
    pub(crate) fn of(spec: &FlinkDeploymentSpec) -> Self {
        if spec.job.is_some() { Self::Application } else { Self::Session }
    }
}

/// Sets the four conditions. A condition's time moves only when its status flips; conditions of other types are kept.
pub(crate) fn set(
    status: &mut FlinkDeploymentStatus,
    mode: Option<Mode>,
    because: &Because,
    generation: i64,
    now: Timestamp,
) {
    let mut wanted = Vec::with_capacity(4);
    if let Some(mode) = mode {
        wanted.push(running(status, mode));
    }
    let (ready, reconciling, stalled) = match because {
        Because::UpToDate | Because::Suspended | Because::NotOurs => (true, false, false),
        Because::Deploying
        | Because::Upgrading { .. }
        | Because::Deleting
        | Because::WaitingFor(_) => (false, true, false),
        Because::NeedsUser(_) => (false, false, true),
    };
    for (type_, holds) in [(READY, ready), (RECONCILING, reconciling), (STALLED, stalled)] {
        wanted.push(Condition {
            type_: type_.to_owned(),
            status: truth(holds),
            reason: Some(because.reason().to_owned()),
            message: Some(because.message()),
            observed_generation: Some(generation),
            last_transition_time: None,
        });
    }
    let previous = std::mem::take(&mut status.conditions);
    for mut condition in wanted {
        let before = previous.iter().find(|old| old.type_ == condition.type_);
        condition.last_transition_time = match before {
            Some(old) if old.status == condition.status => old.last_transition_time.clone(),
            Some(_) | None => Some(now.to_string()),
        };
        status.conditions.push(condition);
    }
    let foreign = previous
        .into_iter()
        .filter(|old| ![RUNNING, READY, RECONCILING, STALLED].contains(&old.type_.as_str()));
    status.conditions.extend(foreign);
}

/// Puts a condition of a type of its own, whose time is set already.
pub(crate) fn put(status: &mut FlinkDeploymentStatus, condition: Condition) {
    status.conditions.retain(|old| old.type_ != condition.type_);
    status.conditions.push(condition);
}

fn running(status: &FlinkDeploymentStatus, mode: Mode) -> Condition {
    let (holds, reason, message) = match mode {
        Mode::Application => {
            let state = status.job_status.state.as_ref();
            let word = state.map_or("RECONCILING", FlinkJobStatus::as_str);
            (
                state == Some(&FlinkJobStatus::Running),
                capitalised(word),
                format!("Job status {word}"),
            )
        }
        Mode::Session => {
            let (reason, message) = match status.job_manager_deployment_status {
                JobManagerDeploymentStatus::Ready => {
                    ("JobManagerReady", "The JobManager runs and answers REST calls.")
                }
                JobManagerDeploymentStatus::DeployedNotReady => {
                    ("DeployedNotReady", "The JobManager runs; its REST API does not answer yet.")
                }
                JobManagerDeploymentStatus::Deploying => {
                    ("JobManagerIsDeploying", "The JobManager starts.")
                }
                JobManagerDeploymentStatus::Error => ("Error", "The JobManager cannot start."),
                JobManagerDeploymentStatus::Missing
                | JobManagerDeploymentStatus::Unrecognised(_) => {
                    ("JobManagerDeploymentMissing", "There is no JobManager Deployment.")
                }
            };
            let ready = status.job_manager_deployment_status == JobManagerDeploymentStatus::Ready;
            (ready, reason.to_owned(), message.to_owned())
        }
    };
    Condition {
        type_: RUNNING.to_owned(),
        status: truth(holds),
        reason: Some(reason),
        message: Some(message),
        ..Condition::default()
    }
}

fn truth(holds: bool) -> String {
    if holds { "True" } else { "False" }.to_owned()
}

/// `RECONCILING` → `Reconciling`, as upstream writes the reason.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_string() + &letters.as_str().to_lowercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::decision::{Blocked, Wait};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn find<'a>(status: &'a FlinkDeploymentStatus, type_: &str) -> &'a Condition {
        status.conditions.iter().find(|condition| condition.type_ == type_).unwrap()
    }

    #[test]
    fn time_moves_only_when_the_status_flips() {
        let mut status = FlinkDeploymentStatus::default();
        let waiting = Because::WaitingFor(Wait::OldCluster);
        set(&mut status, Some(Mode::Application), &waiting, 1, at(10));
        let first = status.clone();
        set(&mut status, Some(Mode::Application), &waiting, 1, at(20));
        assert_eq!(status, first, "an idle pass changes nothing");
        set(&mut status, Some(Mode::Application), &Because::UpToDate, 1, at(30));
        assert_eq!(find(&status, READY).status, "True");
        assert_eq!(find(&status, READY).last_transition_time, Some(at(30).to_string()));
        assert_eq!(find(&status, STALLED).last_transition_time, Some(at(10).to_string()));
    }

    #[test]
    fn running_says_what_upstream_says() {
        let mut status = FlinkDeploymentStatus::default();
        status.job_status.state = Some(FlinkJobStatus::Running);
        set(&mut status, Some(Mode::Application), &Because::UpToDate, 1, at(1));
        let running = find(&status, RUNNING);
        assert_eq!(
            (running.status.as_str(), running.reason.as_deref(), running.message.as_deref()),
            ("True", Some("Running"), Some("Job status RUNNING"))
        );
    }

    #[test]
    fn stuck_resource_is_stalled_and_says_why_and_foreign_conditions_stay() {
        let mut status = FlinkDeploymentStatus {
            conditions: vec![Condition { type_: "Audited".to_owned(), ..Condition::default() }],
            ..FlinkDeploymentStatus::default()
        };
        let blocked =
            Because::NeedsUser(Blocked::InvalidSpec { faults: "spec.image: no".to_owned() });
        set(&mut status, None, &blocked, 4, at(1));
        assert_eq!(find(&status, STALLED).status, "True");
        assert_eq!(find(&status, STALLED).message.as_deref(), Some("spec.image: no"));
        assert_eq!(find(&status, STALLED).observed_generation, Some(4));
        assert_eq!(status.conditions.last().unwrap().type_, "Audited");
        assert!(!status.conditions.iter().any(|condition| condition.type_ == RUNNING));
    }
}
