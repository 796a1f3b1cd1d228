//! Changing the parallelism of a running job without stopping it.

use std::collections::BTreeMap;

use flink_operator_api::{FlinkDeploymentSpec, FlinkJobStatus};

use crate::cluster::plan::Plan;
use crate::cluster::state::ClusterState;
use crate::diff::{DiffType, SpecDiff};
use crate::job::options::JobOptions;
use crate::observed::{Asked, Parallelism, Seen, is_globally_terminal};
use crate::reconcile::decision::{Action, Event};
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded::Recorded;

/// What a change of parallelism takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rescale {
    /// The job has to be stopped for it.
    No,
    /// What the job may have now has to be seen first.
    Ask,
    /// It could not be seen, and is asked for again: stopping the job for it would be the larger step.
    Wait(String),
    /// The job has what is wanted.
    Done,
    /// What each vertex of the job is to have, all of them.
    Put(BTreeMap<String, Parallelism>),
}

/// Whether the change is one of parallelism only, and the job can take it while it runs.
pub(crate) fn plan(pass: &Pass<'_>, diff: &SpecDiff) -> Rescale {
    if diff.diff_type() != DiffType::Scale {
        return Rescale::No;
    }
    let deployed = pass.deployed_options();
    let next = JobOptions::of_current(pass.inputs);
    let job = pass.status.job_status.state.as_ref();
    let in_sight = job
        .is_some_and(|state| *state != FlinkJobStatus::Reconciling && !is_globally_terminal(state));
    if !next.rescales_in_place() || !deployed.schedules_adaptively() {
        return Rescale::No;
    }
    if !in_sight {
        // One answer that did not come is no reason to stop a job that runs. The next pass knows it as one out of sight.
        let was_running = pass
            .inputs
            .resource
            .status
            .as_ref()
            .is_some_and(|status| status.job_status.state == Some(FlinkJobStatus::Running));
        return match pass.observed.jobs.seen() {
            Seen::Unknown { why } if was_running => Rescale::Wait(why),
            Seen::Unknown { .. } | Seen::Present(_) | Seen::Absent => Rescale::No,
        };
    }
    let (before, after) = (deployed.parallelism_overrides(), next.parallelism_overrides());
    if before.is_empty() && after.is_empty() {
        return Rescale::No;
    }
    match &pass.observed.parallelism {
        Asked::NotAsked => Rescale::Ask,
        Asked::Answered(Seen::Present(current)) => wanted(current, &before, &after),
        Asked::Answered(Seen::Unknown { why }) => Rescale::Wait(why.clone()),
        Asked::Answered(Seen::Absent) => Rescale::No,
    }
}

/// Flink aims at the upper bound; the lower bound is the minimum to run.
fn wanted(
    current: &BTreeMap<String, Parallelism>,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Rescale {
    let mut wanted = current.clone();
    for (vertex, bounds) in &mut wanted {
        match after.get(vertex).map(|text| text.trim().parse::<i32>()) {
            Some(Ok(upper)) => *bounds = Parallelism { lower: bounds.lower.min(upper), upper },
            // What the job would have without the override, only a new start tells.
            None if before.contains_key(vertex) => return Rescale::No,
            None => {}
            Some(Err(_)) => return Rescale::No,
        }
    }
    if wanted == *current { Rescale::Done } else { Rescale::Put(wanted) }
}

/// Rescales the job, and records the spec as deployed once Flink has accepted that.
fn carry_out(
    pass: &mut Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    bounds: Option<BTreeMap<String, Parallelism>>,
) -> Outcome {
    let mut spec = desired.clone();
    if let (Some(job), Some(before)) = (&mut spec.job, &recorded.spec.job) {
        job.upgrade_mode.clone_from(&before.upgrade_mode);
    }
    let plan = match Plan::new(pass.inputs, spec, pass.inputs.generation()) {
        Ok(plan) => plan,
        Err(faults) => return Outcome::Invalid(faults),
    };
    if let (Some(bounds), Some(job_id)) = (bounds, pass.status.job_status.job_id.clone()) {
        pass.act(Action::Rescale { job_id, bounds });
        pass.publish(Event::normal("Scaling", "The running job takes its new parallelism."));
    }
    plan.record_success(pass);
    Outcome::Recorded
}

/// What became of a change that the job can take while it runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// What the job has now has to be seen first.
    Ask,
    /// It is carried out and recorded as deployed.
    Recorded,
    /// What the job has now could not be seen, and why.
    Waits(String),
    /// The spec has faults after all.
    Invalid(Vec<crate::fault::Fault>),
}

/// Decides on a change that the job can take while it runs; `None` if it cannot.
pub(crate) fn decide(
    pass: &mut Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    diff: &SpecDiff,
    cluster: Option<&ClusterState>,
) -> Option<Outcome> {
    cluster?;
    let bounds = match plan(pass, diff) {
        Rescale::No => return None,
        Rescale::Ask => return Some(Outcome::Ask),
        Rescale::Wait(why) => return Some(Outcome::Waits(why)),
        Rescale::Done => None,
        Rescale::Put(bounds) => Some(bounds),
    };
    Some(carry_out(pass, recorded, desired, bounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(vertex, value)| ((*vertex).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn check(before: &[(&str, &str)], after: &[(&str, &str)], expected: Option<&[(i32, i32)]>) {
        let current: BTreeMap<String, Parallelism> = [("a", (1, 4)), ("b", (3, 3))]
            .into_iter()
            .map(|(vertex, (lower, upper))| (vertex.to_owned(), Parallelism { lower, upper }))
            .collect();
        let outcome = wanted(&current, &overrides(before), &overrides(after));
        let bounds = match outcome {
            Rescale::Put(bounds) => {
                Some(bounds.values().map(|one| (one.lower, one.upper)).collect::<Vec<_>>())
            }
            Rescale::Done => Some(Vec::new()),
            Rescale::No | Rescale::Ask | Rescale::Wait(_) => None,
        };
        assert_eq!(bounds.as_deref(), expected);
    }

    #[test]
    fn override_becomes_the_upper_bound_and_the_lower_one_makes_way() {
        check(&[], &[("a", "2")], Some(&[(1, 2), (3, 3)]));
        check(&[], &[("a", "2"), ("b", "1")], Some(&[(1, 2), (1, 1)]));
        check(&[("a", "4")], &[("a", "4")], Some(&[]));
        check(&[], &[("gone", "4")], Some(&[]));
    }

    #[test]
    fn override_that_goes_away_takes_a_new_start() {
        check(&[("a", "4")], &[("b", "2")], None);
        check(&[], &[("a", "many")], None);
    }
}
