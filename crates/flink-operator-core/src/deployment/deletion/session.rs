//! What holds the deletion of a session cluster back: jobs that would be lost with it.
//!
//! Session jobs are resources of their own, and do not end with their cluster. Whoever deletes the cluster has to end them
//! first, or say with `kubernetes.operator.session.deletion.block-on-session-jobs` that they may be lost.

use crate::job::options::JobOptions;
use crate::observed::{Asked, JobManagerDeployment, JobView, Seen, is_globally_terminal};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Questions;
use crate::reconcile::recorded::Recorded;

/// A message names at most so many jobs.
const NAMED_MAX: usize = 10;

const REMEDY: &str = "To delete the cluster with these jobs, set kubernetes.operator.session.deletion.block-on-unmanaged-jobs to false.";

/// Whether the session cluster may be deleted now.
pub(super) enum Hold {
    Ask(Questions),
    /// Jobs hold the deletion back, for this reason.
    Held(String),
    /// What holds it back was not seen.
    Unknown(String),
    Free,
}

pub(super) fn look(
    pass: &Pass<'_>,
    recorded: &Recorded,
    deployment: Option<&JobManagerDeployment>,
) -> Hold {
    let options = JobOptions::of_current(pass.inputs);
    if !options.blocks_on_session_jobs() {
        return Hold::Free;
    }
    match &pass.observed.session_jobs {
        Asked::NotAsked => return Hold::Ask(Questions::session_jobs()),
        Asked::Answered(Seen::Unknown { why }) => return Hold::Unknown(why.clone()),
        Asked::Answered(Seen::Present(names)) if !names.is_empty() => {
            let names = listed(names.iter().map(String::as_str));
            return Hold::Held(format!(
                "FlinkSessionJobs of this cluster have to be deleted first: {names}. To delete the cluster without them, \
                 set kubernetes.operator.session.deletion.block-on-session-jobs to false."
            ));
        }
        Asked::Answered(Seen::Present(_) | Seen::Absent) => {}
    }
    if !options.blocks_on_unmanaged_jobs() {
        return Hold::Free;
    }
    let is_available = deployment.is_some_and(|found| found.available);
    if is_available && pass.observed.jobs.is_not_asked() {
        return Hold::Ask(Questions { jobs: true, ..Questions::default() });
    }
    if let Some(jobs) = pass.observed.jobs.present()
        && let Some(running) = running(jobs)
    {
        return Hold::Held(format!(
            "Jobs run in this session cluster that have to be cancelled first: {running}. {REMEDY}"
        ));
    }
    // What no JobManager tells, its high availability data do: they name each job that has not ended.
    match &pass.observed.ha_data {
        Asked::NotAsked => return Hold::Ask(Questions::ha_data()),
        Asked::Answered(Seen::Unknown { why }) => return Hold::Unknown(why.clone()),
        Asked::Answered(Seen::Present(data)) if data.has_job_graph => {
            return Hold::Held(format!(
                "The high availability data of this session cluster name jobs that have not ended. {REMEDY}"
            ));
        }
        Asked::Answered(Seen::Present(_) | Seen::Absent) => {}
    }
    let is_silent = is_available && pass.observed.jobs.present().is_none();
    if is_silent && !JobOptions::of_deployed(pass.inputs, recorded).keeps_ha_data() {
        return Hold::Held(format!(
            "The JobManager runs and does not respond, so that the operator does not know which jobs run in this session \
             cluster. {REMEDY}"
        ));
    }
    Hold::Free
}

/// The jobs that have not ended.
fn running(jobs: &[JobView]) -> Option<String> {
    let running: Vec<&str> = jobs
        .iter()
        .filter(|job| !is_globally_terminal(&job.state))
        .map(|job| job.id.as_str())
        .collect();
    (!running.is_empty()).then(|| listed(running.into_iter()))
}

fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let shown = names.take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
