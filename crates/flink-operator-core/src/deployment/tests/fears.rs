//! What users of Flink on Kubernetes fear, from the trackers and mailing lists of the operators there are: a test for each
//! fear that is about applications, named after it. What no test of decisions can show is in `docs/compatibility.md`.

mod deletion;
mod state;
mod status;

use super::*;

/// No Deployment, and the API server was asked for it.
fn gone() -> Observed {
    Observed {
        job_manager: Seen::Absent,
        job_manager_source: Source::ApiServer,
        ..Observed::nothing()
    }
}

fn does(decision: &Decision, action: &str) -> bool {
    short(decision).contains(&action)
}

fn tells(decision: &Decision, reason: &str) -> bool {
    decision
        .actions
        .iter()
        .any(|action| matches!(action, Action::Publish(event) if event.reason == reason))
}

/// The JobManager's pod, whose container is in this state.
fn pod_with(state: ContainerState, last_end: Option<ContainerEnd>) -> JobManagerPod {
    let container = ContainerView {
        name: "flink-main-container".to_owned(),
        init: false,
        restarts: 4,
        image: "flink:2.2".to_owned(),
        state,
        last_end,
    };
    JobManagerPod { ready_since: None, containers: vec![container], ..ready_pod(1) }
}

fn crash_loop(reason: &str, exit_code: i32, message: &str) -> JobManagerPod {
    let waiting =
        ContainerState::Waiting { reason: "CrashLoopBackOff".to_owned(), message: String::new() };
    let end = ContainerEnd { reason: reason.to_owned(), exit_code, message: message.to_owned() };
    pod_with(waiting, Some(end))
}
