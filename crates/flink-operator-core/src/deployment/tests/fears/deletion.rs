//! Fears that a deletion never ends.

use super::super::stateful::{ha_data, stateful};
use super::*;
use crate::observed::is_globally_terminal;

const STATES: [FlinkJobStatus; 11] = [
    FlinkJobStatus::Initializing,
    FlinkJobStatus::Created,
    FlinkJobStatus::Running,
    FlinkJobStatus::Failing,
    FlinkJobStatus::Failed,
    FlinkJobStatus::Cancelling,
    FlinkJobStatus::Canceled,
    FlinkJobStatus::Finished,
    FlinkJobStatus::Restarting,
    FlinkJobStatus::Suspended,
    FlinkJobStatus::Reconciling,
];

impl Case {
    fn is_deleted(&mut self) {
        let now = Timestamp::from_second(self.now).unwrap();
        self.resource.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    }

    /// How long the deletion takes in a world that never helps: no savepoint succeeds, no job ends, no pod goes.
    fn seconds_to_the_end(&mut self) -> Option<i64> {
        let began = self.now;
        while self.now - began < 7_200 {
            let decision = self.step();
            if does(&decision, "remove finalizer") {
                return Some(self.now - began);
            }
            if does(&decision, "delete")
                && let Seen::Present(found) = &mut self.observed.job_manager
            {
                found.deleting = true;
            }
            if does(&decision, "delete HA data") {
                self.observed.ha_data = Asked::absent();
            } else if does(&decision, "delete") || decision.actions.is_empty() {
                // Asked for or not: a pass that does not need the answer does not look at it.
                self.observed.ha_data = ha_data(Some(1));
            }
            self.now += 59;
        }
        None
    }
}

/// Row 13: a deletion hangs, in whatever state the job is and whatever Flink does. FLINK-37766, FLINK-39271, FLINK-39432,
/// FLINK-40388, FLINK-40542, FLINK-31860, FLINK-28648.
#[test]
fn fear_13_deletion_ends_in_every_state_of_the_job_although_nothing_helps() {
    for savepoint in ["false", "true"] {
        for state in STATES {
            for silent in [false, true] {
                if silent && is_globally_terminal(&state) {
                    continue;
                }
                let mut case = stateful("savepoint", true);
                case.edit(&json!({"flinkConfiguration": {
                    "kubernetes.operator.job.savepoint-on-deletion": savepoint,
                }}));
                case.step();
                case.job_is(state.clone());
                case.step();
                if silent {
                    case.observed.jobs = Asked::unanswered("timed out");
                }
                case.observed.savepoint = Asked::unanswered("timed out");
                case.is_deleted();
                let seconds = case.seconds_to_the_end();
                let most = if savepoint == "true" { 660 + 60 + 300 + 180 } else { 60 + 300 + 180 };
                assert!(
                    seconds.is_some_and(|seconds| seconds <= most),
                    "{state} {savepoint} {silent}: {seconds:?}"
                );
            }
        }
    }
}

/// Row 13: at every moment of the resource's own life.
#[test]
fn fear_13_deletion_ends_at_every_step_of_an_upgrade_and_of_a_first_deployment() {
    for steps in 0..6 {
        let mut case = stateful("savepoint", true);
        case.edit(&json!({"job": {"parallelism": 2}}));
        for _ in 0..steps {
            case.step();
        }
        case.is_deleted();
        assert!(case.seconds_to_the_end().is_some(), "after {steps} steps");
    }
    let mut case = fresh();
    case.step();
    case.sees(JobManagerDeployment { available: false, never_available: true, ..deployment(1) });
    case.is_deleted();
    assert!(case.seconds_to_the_end().is_some());
}

/// Row 13, and the recordings of the Java operator: a resource that was invalid from its first version could not be
/// deleted, for the clean-up read the value that validation had refused.
#[test]
fn fear_13_resource_that_was_never_valid_is_deleted_at_once() {
    let mut case = fresh();
    case.edit(&json!({"taskManager": {"resource": {"memory": "lots"}}}));
    case.step();
    case.is_deleted();
    let decision = case.step();
    assert!(does(&decision, "remove finalizer"), "{decision:?}");
}

/// Row 13: what it waits for is named all the while.
#[test]
fn fear_13_deletion_says_what_it_waits_for() {
    let mut case = stateful("savepoint", true);
    case.is_deleted();
    let mut reasons = vec![case.step().because.reason()];
    case.job_is(FlinkJobStatus::Cancelling);
    reasons.push(case.step().because.reason());
    case.job_is(FlinkJobStatus::Canceled);
    case.step();
    case.sees(JobManagerDeployment { deleting: true, ..deployment(1) });
    reasons.push(case.step().because.reason());
    assert_eq!(
        reasons,
        ["WaitingForCancellation", "WaitingForCancellation", "WaitingForOldCluster"]
    );
    assert_eq!(case.condition("Reconciling").0, "True");
}
