//! Why a JobManager does not start, in the words of its own pod.

use crate::observed::{
    ContainerEnd, ContainerState, ContainerView, JobManagerDeployment, JobManagerPod, PodWarning,
};

/// A failure of the JobManager. Two failures of one kind compare equal whatever the kubelet's back-off counter says, so
/// that a crash loop is reported once and not at each of its turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The event reason: upstream's set.
    pub reason: String,
    pub message: String,
}

/// Restarts after which an ended container counts as a crash loop even between the kubelet's back-offs, when the
/// container runs for a moment.
const CRASH_LOOP_RESTARTS: i32 = 2;

/// Finds the first reason for which the JobManager cannot become available; `None` while it may still.
pub(crate) fn detect(
    deployment: &JobManagerDeployment,
    pods: &[JobManagerPod],
    warnings: &[PodWarning],
) -> Option<Failure> {
    if deployment.available {
        return None;
    }
    if let Some(failure) = &deployment.replica_failure {
        return Some(Failure {
            reason: failure.reason.clone(),
            message: format!("Kubernetes refuses the JobManager's pod: {}", failure.message),
        });
    }
    let pods = || pods.iter().filter(|pod| !pod.deleting);
    pods()
        .flat_map(|pod| &pod.containers)
        .find_map(of_container)
        .or_else(|| pods().find_map(of_pod))
        .or_else(|| pods().any(|pod| !pod.sandbox_ready).then(|| of_warnings(warnings))?)
}

fn of_container(container: &ContainerView) -> Option<Failure> {
    let name = container.name.as_str();
    match &container.state {
        ContainerState::Waiting { reason, message } => match reason.as_str() {
            // The kubelet goes back and forth between the two: one failure with one name.
            "ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName" => {
                Some(Failure {
                    reason: if reason == "InvalidImageName" {
                        reason.clone()
                    } else {
                        "ImagePullBackOff".to_owned()
                    },
                    message: format!(
                        "[{name}] the image {:?} cannot be pulled; check its name, its registry and the pull secrets",
                        container.image
                    ),
                })
            }
            "CrashLoopBackOff" => Some(Failure {
                reason: crash_reason(container.last_end.as_ref()),
                message: format!("[{name}] {}", ended(container.last_end.as_ref())),
            }),
            "RunContainerError" | "CreateContainerConfigError" | "CreateContainerError" => {
                Some(Failure { reason: reason.clone(), message: format!("[{name}] {message}") })
            }
            _ => None,
        },
        ContainerState::Ended(end)
            if container.restarts >= CRASH_LOOP_RESTARTS && end.exit_code != 0 =>
        {
            Some(Failure {
                reason: crash_reason(Some(end)),
                message: format!("[{name}] {}", ended(Some(end))),
            })
        }
        ContainerState::Running | ContainerState::Ended(_) => None,
    }
}

fn crash_reason(end: Option<&ContainerEnd>) -> String {
    match end {
        Some(end) if end.reason == "OOMKilled" => "OOMKilled".to_owned(),
        Some(_) | None => "CrashLoopBackOff".to_owned(),
    }
}

/// Exit code and reason of the last end: what a person looks for first.
fn ended(end: Option<&ContainerEnd>) -> String {
    let Some(end) = end else {
        return "the container ends again and again".to_owned();
    };
    let mut text = format!(
        "the container ends again and again, the last time with exit code {} ({})",
        end.exit_code,
        match end.reason.as_str() {
            "OOMKilled" => "OOMKilled: it used more memory than its limit",
            other => other,
        }
    );
    let words = last_words(&end.message);
    if !words.is_empty() {
        text.push_str(": ");
        text.push_str(&words);
    }
    text
}

/// What the end of a container's log says, without what only a debugger reads: of a Java stack trace its root cause, of
/// anything else its last lines.
fn last_words(log: &str) -> String {
    const LINES: usize = 5;
    const ROOT: &str = "Caused by: ";
    let is_frame = |line: &str| line.starts_with("at ") || line.starts_with("... ");
    let telling: Vec<&str> =
        log.lines().map(str::trim).filter(|line| !line.is_empty() && !is_frame(line)).collect();
    if let Some(root) = telling.iter().rev().find_map(|line| line.strip_prefix(ROOT)) {
        return shortened(root);
    }
    let skipped = telling.len().saturating_sub(LINES);
    shortened(&telling.get(skipped..).unwrap_or_default().join("\n"))
}

/// The end of a text: that is where the error is, and a status is no place for a log.
fn shortened(text: &str) -> String {
    const KEPT: usize = 500;
    let skipped = text.chars().count().saturating_sub(KEPT);
    if skipped == 0 {
        return text.to_owned();
    }
    format!("… {}", text.chars().skip(skipped).collect::<String>())
}

fn of_pod(pod: &JobManagerPod) -> Option<Failure> {
    let failed = pod.failed.as_ref()?;
    Some(Failure {
        reason: failed.reason.clone(),
        message: format!("the pod {} has failed: {}", pod.name, failed.message),
    })
}

/// A volume that cannot be mounted. The shell asks for these only when a pod has stood without its volumes for a while:
/// the kubelet tries again by itself, and a first try that came before an object was there is no failure.
fn of_warnings(warnings: &[PodWarning]) -> Option<Failure> {
    let warning = warnings
        .iter()
        .find(|warning| matches!(warning.reason.as_str(), "FailedMount" | "FailedAttachVolume"))?;
    Some(Failure { reason: "FailedMount".to_owned(), message: warning.message.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{Owner, ReplicaFailure, Replicas};

    fn deployment() -> JobManagerDeployment {
        JobManagerDeployment {
            uid: "u".to_owned(),
            owner: Owner::This,
            generation: Some(1),
            created_at: None,
            deleting: false,
            replicas: Replicas::Wanted,
            available: false,
            never_available: true,
            replica_failure: None,
        }
    }

    fn pod(state: ContainerState, last_end: Option<ContainerEnd>) -> JobManagerPod {
        JobManagerPod {
            name: "a-1".to_owned(),
            uid: "p".to_owned(),
            deleting: false,
            created_at: None,
            ready_since: None,
            unschedulable: None,
            sandbox_ready: true,
            failed: None,
            containers: vec![ContainerView {
                name: "flink-main-container".to_owned(),
                init: false,
                restarts: 3,
                image: "flink:nope".to_owned(),
                state,
                last_end,
            }],
        }
    }

    fn waiting(reason: &str, message: &str) -> ContainerState {
        ContainerState::Waiting { reason: reason.to_owned(), message: message.to_owned() }
    }

    fn end(reason: &str, exit_code: i32) -> ContainerEnd {
        ContainerEnd { reason: reason.to_owned(), exit_code, message: String::new() }
    }

    #[track_caller]
    fn check(pod: &JobManagerPod, expected: Option<(&str, &str)>) {
        let failure = detect(&deployment(), std::slice::from_ref(pod), &[]);
        match (failure, expected) {
            (None, None) => {}
            (Some(failure), Some((reason, part))) => {
                assert_eq!(failure.reason, reason);
                assert!(failure.message.contains(part), "{}", failure.message);
            }
            (failure, expected) => panic!("{failure:?} is not {expected:?}"),
        }
    }

    #[test]
    fn pulling_states_of_one_image_are_one_failure() {
        let first =
            detect(&deployment(), &[pod(waiting("ErrImagePull", "rpc error: 1"), None)], &[]);
        let second =
            detect(&deployment(), &[pod(waiting("ImagePullBackOff", "back-off 10s"), None)], &[]);
        assert_eq!(first, second);
        check(
            &pod(waiting("ErrImagePull", ""), None),
            Some(("ImagePullBackOff", "\"flink:nope\"")),
        );
    }

    #[test]
    fn crash_loop_shows_exit_code_and_not_the_back_off_counter() {
        check(
            &pod(waiting("CrashLoopBackOff", "back-off 40s restarting"), Some(end("Error", 3))),
            Some(("CrashLoopBackOff", "exit code 3 (Error)")),
        );
        check(
            &pod(waiting("CrashLoopBackOff", "back-off 40s"), Some(end("OOMKilled", 137))),
            Some(("OOMKilled", "exit code 137")),
        );
        check(
            &pod(ContainerState::Ended(end("Error", 1)), None),
            Some(("CrashLoopBackOff", "exit code 1")),
        );
    }

    #[test]
    fn crash_is_told_with_the_root_cause_of_the_log() {
        let log = "point.main(X.java:86) ~[flink-dist-2.2.1.jar:2.2.1]\n\tat org.apache.A.b(A.java:1)\n\
                   Caused by: org.apache.flink.client.program.ProgramInvocationException: no jar\n\tat c.D.e(D.java:2)\n\
                   \t... 4 more\nCaused by: java.io.IOException: JAR file does not exist '/opt/nowhere.jar'\n\
                   \tat org.apache.F.g(F.java:3)\n\t... 4 more";
        let ended = ContainerEnd { message: log.to_owned(), ..end("Error", 1) };
        check(
            &pod(waiting("CrashLoopBackOff", ""), Some(ended)),
            Some((
                "CrashLoopBackOff",
                "exit code 1 (Error): java.io.IOException: JAR file does not exist '/opt/nowhere.jar'",
            )),
        );
        let ended = ContainerEnd { message: "one\ntwo\n".to_owned(), ..end("Error", 2) };
        check(
            &pod(waiting("CrashLoopBackOff", ""), Some(ended)),
            Some(("CrashLoopBackOff", "exit code 2 (Error): one\ntwo")),
        );
    }

    #[test]
    fn a_container_that_is_being_made_is_no_failure() {
        check(&pod(waiting("ContainerCreating", ""), None), None);
        check(&pod(waiting("PodInitializing", ""), None), None);
        check(&pod(ContainerState::Running, Some(end("Error", 1))), None);
    }

    #[test]
    fn quota_refusal_is_shown_in_its_own_words() {
        let refused = JobManagerDeployment {
            replica_failure: Some(ReplicaFailure {
                reason: "FailedCreate".to_owned(),
                message: "exceeded quota: small".to_owned(),
            }),
            ..deployment()
        };
        let failure = detect(&refused, &[], &[]).unwrap();
        assert_eq!(failure.reason, "FailedCreate");
        assert!(failure.message.contains("exceeded quota: small"));
    }

    #[test]
    fn mount_warning_counts_only_while_the_pod_lacks_its_volumes() {
        let warnings =
            [PodWarning { reason: "FailedMount".to_owned(), message: "no secret".to_owned() }];
        let mut waiting_pod = pod(waiting("ContainerCreating", ""), None);
        assert_eq!(detect(&deployment(), &[waiting_pod.clone()], &warnings), None);
        waiting_pod.sandbox_ready = false;
        assert_eq!(detect(&deployment(), &[waiting_pod], &warnings).unwrap().reason, "FailedMount");
    }

    #[test]
    fn available_job_manager_has_no_failure() {
        let available = JobManagerDeployment { available: true, ..deployment() };
        let crashed = pod(waiting("CrashLoopBackOff", ""), Some(end("Error", 1)));
        assert_eq!(detect(&available, &[crashed], &[]), None);
    }
}
