//! What is expected of the runs of a scenario, and what is wrong with one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::explore::end;
use crate::explore::plan::{OfEdit, OfRequest, OfRest, Place, Plan};
use crate::explore::run::{Report, Run};

/// How a run may end: as its undisturbed one, or as one with the same edit at another place.
#[derive(Clone, Debug)]
pub struct Expected {
    end: Value,
    /// Starts of the job.
    attempts: usize,
    /// By edit: how the runs ended that had it before everything else, and after.
    edited: BTreeMap<OfEdit, Vec<(Value, usize)>>,
}

impl Expected {
    pub fn as_undisturbed(report: &Report) -> Self {
        Self { end: report.end.clone(), attempts: report.attempts, edited: BTreeMap::new() }
    }

    /// Plays what a run is compared with.
    pub fn of(run: &Run) -> Self {
        let as_planned = |plan: Plan| Run { plan, ..run.clone() }.play();
        let mut expected = Self::as_undisturbed(&as_planned(Plan::Undisturbed));
        for plan in references(&run.plan) {
            let report = as_planned(plan.clone());
            expected.refer(&plan, &report);
        }
        expected
    }

    /// Takes note of a run that others are compared with.
    pub fn refer(&mut self, plan: &Plan, report: &Report) {
        if let Plan::Edit(_, of) = plan {
            self.edited.entry(*of).or_default().push((report.end.clone(), report.attempts));
        }
    }

    /// What is wrong with a run, with what it says itself: it has not ended as it should, or it has started the job more
    /// often.
    pub fn judge(&self, run: &Run, report: &Report) -> Vec<String> {
        let mut violations = report.violations.clone();
        let from_undisturbed = || end::differences(&self.end, &report.end);
        let mut most = None;
        match run.plan {
            Plan::Edit(place, of) => match of {
                OfEdit::Label => {
                    violations.extend(from_undisturbed());
                    most = Some(self.attempts);
                }
                OfEdit::SecondChange | OfEdit::Overrides | OfEdit::Parallelism => {
                    let ends = self.edited.get(&of).map(Vec::as_slice).unwrap_or_default();
                    if !matches!(place, Place::Start | Place::End) {
                        let differences =
                            ends.iter().map(|(end, _)| end::differences(end, &report.end));
                        violations.extend(differences.min_by_key(Vec::len).unwrap_or_default());
                        let edited = ends.iter().map(|(_, attempts)| *attempts).max();
                        // Once more for the edit, and once for a GitOps tool that takes it back.
                        most = edited.max(Some(self.attempts + 2));
                    }
                }
                // Nothing has ended as in this one; that the spec is matched, the run sees itself.
                OfEdit::Revert | OfEdit::SuspendAndResume => {}
                OfEdit::Delete => {
                    violations.extend(end::differences(&nothing(report), &report.end));
                }
            },
            Plan::Undisturbed
            | Plan::Request(..)
            | Plan::Rest(..)
            | Plan::Event(..)
            | Plan::Twins
            | Plan::LateTwin
            | Plan::OldLeader(_)
            | Plan::GitOps
            | Plan::BusyGitOps
            | Plan::Random(_) => {
                violations.extend(from_undisturbed());
                most = starts_no_more_often(&run.plan).then_some(self.attempts);
            }
        }
        if let Some(most) = most.filter(|most| report.attempts > *most) {
            violations
                .push(format!("the job was started {} times, expected {most}", report.attempts));
        }
        violations
    }
}

/// The runs that one with this plan is compared with, beside the undisturbed one.
pub fn references(plan: &Plan) -> Vec<Plan> {
    if let Plan::Edit(
        Place::Request(_) | Place::Rest(_),
        of @ (OfEdit::SecondChange | OfEdit::Overrides | OfEdit::Parallelism),
    ) = plan
    {
        return [Place::Start, Place::End].map(|place| Plan::Edit(place, *of)).to_vec();
    }
    Vec::new()
}

/// The end of a run whose resource was deleted. What others have made beside it stays.
fn nothing(report: &Report) -> Value {
    json!({
        "objects": report.made_by_hand,
        "pods": 0,
        "resources": {},
        "running jobs": 0,
    })
}

/// Whether what the plan does is no reason to start the job once more.
fn starts_no_more_often(plan: &Plan) -> bool {
    match plan {
        Plan::Request(_, of) => OfRequest::CRASHES.contains(of),
        Plan::Rest(_, of) => OfRest::CRASHES.contains(of),
        Plan::Twins | Plan::OldLeader(_) | Plan::GitOps | Plan::BusyGitOps => true,
        Plan::Undisturbed | Plan::Event(..) | Plan::LateTwin | Plan::Edit(..) | Plan::Random(_) => {
            false
        }
    }
}
