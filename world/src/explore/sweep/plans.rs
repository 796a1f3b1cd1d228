//! The plans that an undisturbed run has room for, by family.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Outcome, Sweep, site};
use crate::explore::plan::{OfEdit, OfEvent, OfRequest, OfRest, Place, Plan};
use crate::explore::run::Report;

/// How many plans there were of one kind, and what they were about.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub plans: usize,
    /// Kinds of requests, calls and events.
    pub sites: BTreeSet<String>,
}

/// The name of the family that a plan belongs to.
pub fn family(plan: &Plan) -> &'static str {
    match plan {
        Plan::Undisturbed => "undisturbed",
        Plan::Request(_, of) if OfRequest::CRASHES.contains(of) => "crashes at requests",
        Plan::Request(..) => "troubles of requests",
        Plan::Rest(_, of) if OfRest::CRASHES.contains(of) => "crashes at calls to Flink",
        Plan::Rest(..) => "troubles of calls to Flink",
        Plan::Event(..) => "troubles of events",
        Plan::Twins | Plan::LateTwin => "two operators",
        Plan::OldLeader(_) => "old leader wakes up",
        Plan::Edit(_, OfEdit::Label | OfEdit::SecondChange | OfEdit::Revert) => "user edits",
        Plan::Edit(_, OfEdit::SuspendAndResume) => "user suspends and resumes",
        Plan::Edit(_, OfEdit::Delete) => "user deletes",
        Plan::Edit(_, OfEdit::Overrides | OfEdit::Parallelism) => "autoscaler edits",
        Plan::GitOps | Plan::BusyGitOps => "GitOps tool applies",
        Plan::Random(_) => "random",
    }
}

/// After the end of its scenario a run is hit for so long.
const AFTERMATH: Duration = Duration::from_secs(45);

/// A plan, and the kind of request, call or event that it is about.
type About = (Plan, Option<String>);

/// The plans of a scenario. What goes on after a fault in the beginning that it has in common with another scenario is
/// the same for both, until they part: the last five seconds before that belong to each of them.
pub(super) fn of(
    sweep: &Sweep,
    name: &str,
    report: &Report,
    beginnings: &mut BTreeSet<String>,
    outcome: &mut Outcome,
) -> Vec<Plan> {
    let parts = if sweep.skip_common_beginnings {
        parts_at(report, beginnings).saturating_sub(Duration::from_secs(5))
    } else {
        Duration::ZERO
    };
    let mut skipped = 0;
    let mut is_new = |at: Duration| {
        skipped += usize::from(at < parts);
        at >= parts
    };
    let mut crashes: Vec<About> = Vec::new();
    let mut others: BTreeMap<&'static str, Vec<About>> = BTreeMap::new();
    let mut add = |plan: Plan, site: &str| {
        others.entry(family(&plan)).or_default().push((plan, Some(site.to_owned())));
    };
    let written = Written::of(report);
    for (nth, request) in numbered(&report.requests).filter(|(_, request)| is_new(request.at)) {
        let site = site(request);
        crashes.extend(OfRequest::CRASHES.map(|of| (Plan::Request(nth, of), Some(site.clone()))));
        for of in OfRequest::TROUBLES {
            add(Plan::Request(nth, of), &site);
        }
        for plan in written.meanwhile(Place::Request(nth), request.at) {
            add(plan, &site);
        }
    }
    let calls: Vec<u32> = worth_hitting(report);
    outcome.skipped_polls += report.rest.len() - calls.len();
    for (nth, call) in numbered(&report.rest)
        .filter(|(nth, _)| calls.contains(nth))
        // What a fault in the quiet leads to is not quiet.
        .filter(|(_, call)| call.at <= report.played + AFTERMATH)
        .filter(|(_, call)| is_new(call.at))
    {
        let site = format!("Flink: {}", call.site);
        crashes.extend(OfRest::CRASHES.map(|of| (Plan::Rest(nth, of), Some(site.clone()))));
        for of in OfRest::TROUBLES {
            add(Plan::Rest(nth, of), &site);
        }
        for plan in written.meanwhile(Place::Rest(nth), call.at) {
            add(plan, &site);
        }
    }
    for (nth, told) in report.telling_deliveries().filter(|(_, told)| is_new(told.at)) {
        for of in OfEvent::ALL {
            add(Plan::Event(nth, of), &format!("event of {}", told.resource));
        }
    }
    outcome.skipped_beginnings += skipped;
    // Whatever the share is, the process has crashed at each kind of request and call.
    let (first, crashes) = outcome.first_of_their_kind(crashes);
    let mut plans = first;
    plans.extend(share(crashes, sweep.crashes_one_of, name.len()));
    for (index, (family, all)) in others.into_iter().enumerate() {
        let one_of = if family.starts_with("user ") { sweep.edits_one_of } else { sweep.one_of };
        plans.extend(share(all, one_of, name.len() + 5 * index));
    }
    let whole = [Plan::Twins, Plan::LateTwin, Plan::GitOps, Plan::BusyGitOps];
    plans.extend(whole.map(|plan| (plan, None)));
    plans.retain(|(plan, _)| family(plan).contains(&sweep.family));
    plans.into_iter().map(|about| outcome.count(about)).collect()
}

/// One plan out of so many. Each scenario begins with another one, so that together they see all.
fn share(plans: Vec<About>, one_of: usize, begin: usize) -> Vec<About> {
    let one_of = one_of.max(1);
    plans.into_iter().skip(begin % one_of).step_by(one_of).collect()
}

impl Outcome {
    /// Crashes at kinds of requests and calls that no earlier scenario had, apart from the others.
    fn first_of_their_kind(&self, crashes: Vec<About>) -> (Vec<About>, Vec<About>) {
        let mut known: BTreeSet<String> = self
            .families
            .iter()
            .filter(|(name, _)| name.starts_with("crashes"))
            .flat_map(|(_, family)| family.sites.iter().cloned())
            .collect();
        let mut crash = (Vec::new(), Vec::new());
        let mut at = None;
        for (plan, site) in crashes {
            let place = if let Plan::Request(nth, _) = plan {
                Some(Place::Request(nth))
            } else if let Plan::Rest(nth, _) = plan {
                Some(Place::Rest(nth))
            } else {
                None
            };
            let is_new = site.as_ref().is_some_and(|site| known.insert(site.clone()));
            // All that can happen at the first place of a kind.
            if is_new {
                at = place;
            }
            if place == at { &mut crash.0 } else { &mut crash.1 }.push((plan, site));
        }
        crash
    }

    /// Kinds of requests and calls at which the process has not crashed.
    pub fn without_crash(&self) -> Vec<&String> {
        let crashed = |site: &String| {
            let families = self.families.iter().filter(|(name, _)| name.starts_with("crashes"));
            families.map(|(_, family)| family).any(|family| family.sites.contains(site))
        };
        self.sites.iter().filter(|site| !crashed(site)).collect()
    }

    fn count(&mut self, (plan, site): About) -> Plan {
        let family = self.families.entry(family(&plan)).or_default();
        family.plans += 1;
        family.sites.extend(site);
        plan
    }
}

/// When the user has created the resource, and when there was a spec before the newest one.
struct Written {
    created: Duration,
    changed: Duration,
}

impl Written {
    fn of(report: &Report) -> Self {
        let mut times = report
            .writes
            .iter()
            .filter(|write| {
                write.client == "user" && write.target.kind.plural == "flinkdeployments"
            })
            .map(|write| write.at);
        let mut next = || times.next().unwrap_or(Duration::MAX);
        Self { created: next(), changed: next() }
    }

    /// What can be done meanwhile at a place of this time.
    fn meanwhile(&self, place: Place, at: Duration) -> Vec<Plan> {
        if at <= self.created {
            return Vec::new();
        }
        let edits = OfEdit::ALL.into_iter().filter(|of| *of != OfEdit::Revert || at > self.changed);
        let mut plans: Vec<Plan> = edits.map(|of| Plan::Edit(place, of)).collect();
        plans.push(Plan::OldLeader(place));
        plans
    }
}

/// Items with their numbers, as plans count them.
fn numbered<T>(items: &[T]) -> impl Iterator<Item = (u32, &T)> {
    items.iter().enumerate().filter_map(|(index, item)| Some((u32::try_from(index).ok()?, item)))
}

/// When a run parts from all that were played before: the first request or call that none of them has had after the same
/// ones. Takes note of the run's own.
fn parts_at(report: &Report, beginnings: &mut BTreeSet<String>) -> Duration {
    let mut steps: Vec<(Duration, String)> = Vec::new();
    steps.extend(report.requests.iter().map(|request| (request.at, request.to_string())));
    steps.extend(report.rest.iter().map(|call| (call.at, call.to_string())));
    steps.sort();
    let mut digest = Sha256::new();
    let mut parts = None;
    for (at, step) in steps {
        digest.update(step);
        let so_far = digest
            .clone()
            .finalize()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        if beginnings.insert(so_far) {
            parts = parts.or(Some(at));
        }
    }
    parts.unwrap_or(report.lasted)
}

/// The REST calls that are hit: of polls that follow each other with the same answer, two.
fn worth_hitting(report: &Report) -> Vec<u32> {
    let mut kept = Vec::new();
    let mut before = (String::new(), 0_u32);
    for (nth, call) in report.rest.iter().enumerate() {
        let what = format!("{} {:?}", call.site, call.outcome);
        before = if before.0 == what { (what, before.1 + 1) } else { (what, 0) };
        if before.1 < 2 || !call.site.starts_with("GET") {
            kept.extend(u32::try_from(nth));
        }
    }
    kept
}
