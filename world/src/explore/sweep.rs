//! Every plan of every scenario, on all processors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use simulated_kubernetes::log::Entry;

use self::judge::Expected;
use self::plans::Family;
use super::application::Version;
use super::plan::Plan;
use super::run::{Report, Run};
use super::scenario::{self, Scenario};

pub mod judge;
pub mod plans;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Only scenarios whose name contains this.
    pub filter: String,
    pub seed: u64,
    /// Only plans of families whose name contains this.
    pub family: String,
    /// Of crashes, one plan out of so many: 1 for all.
    pub crashes_one_of: usize,
    /// The same of what users do to a resource meanwhile.
    pub edits_one_of: usize,
    /// The same of everything else that can go wrong.
    pub one_of: usize,
    /// Scenarios begin alike: the part that a run has in common with one that was played before is not hit again.
    pub skip_common_beginnings: bool,
    /// How long nothing may be written at the end of a run.
    pub quiet: Duration,
}

/// The quiet at the end of each run of a sweep, in the world: several intervals of everything that the operator does by
/// the clock.
pub const QUIET: Duration = Duration::from_mins(3);

/// A scenario with one version of Flink, and its undisturbed run.
#[derive(Debug)]
struct Case {
    scenario: &'static Scenario,
    version: Version,
    expected: Expected,
    plans: Vec<Plan>,
}

/// A run that was not as it should be.
#[derive(Debug)]
pub struct Failure {
    pub run: Run,
    pub violations: Vec<String>,
}

/// What a sweep has tried, and found.
#[derive(Debug, Default)]
pub struct Outcome {
    pub scenarios: usize,
    pub plans: usize,
    /// Different requests to the API server and calls to Flink, by verb and address without names: each was hit by a crash
    /// before it, a crash after it, and a lost answer.
    pub sites: BTreeSet<String>,
    /// Polls of Flink that were not hit because two like them, one after the other, were.
    pub skipped_polls: usize,
    /// Requests, calls and events that were not hit because another scenario begins with the same ones.
    pub skipped_beginnings: usize,
    /// What was tried, by kind.
    pub families: BTreeMap<&'static str, Family>,
    pub failures: Vec<Failure>,
    pub took: Duration,
}

impl Outcome {
    /// How many plans there were of each kind, and how many kinds of requests, calls and events they were about.
    pub fn by_family(&self) -> Vec<String> {
        let line = |(name, family): (&&str, &Family)| {
            format!("{:>7} {name}, at {} kinds of places", family.plans, family.sites.len())
        };
        self.families.iter().map(line).collect()
    }
}

impl Sweep {
    /// Everything that fits into the everyday tests.
    pub fn everyday() -> Self {
        Self {
            filter: String::new(),
            seed: 1,
            family: String::new(),
            // Primes: kinds of faults take turns, and so none of them is always left out.
            crashes_one_of: 17,
            // A second wish on the way is what operators get wrong most often, next to a crash.
            edits_one_of: 31,
            one_of: 97,
            skip_common_beginnings: true,
            quiet: QUIET,
        }
    }

    /// Plays everything. `told` hears of each failure as it is found, `played` of how many plans were played, and of how many.
    pub fn play(
        &self,
        told: impl Fn(&Failure) + Sync,
        played: impl Fn(usize, usize) + Sync,
    ) -> Outcome {
        let began = Instant::now();
        let mut outcome = Outcome::default();
        let undisturbed: Vec<Run> = scenario::all()
            .flat_map(|scenario| scenario.versions.iter().map(move |version| (scenario, *version)))
            .filter(|(scenario, version)| {
                format!("{}@{}", scenario.name, version.text()).contains(&self.filter)
            })
            .map(|(scenario, version)| self.run(scenario, version, Plan::Undisturbed))
            .collect();
        outcome.scenarios = undisturbed.len();
        let mut beginnings = BTreeSet::new();
        let mut cases: Vec<Case> = parallel(&undisturbed, |run| (run.clone(), run.play()))
            .into_iter()
            .filter_map(|(run, report)| {
                outcome.sites.extend(sites(&report));
                let name = run.scenario.name;
                let plans = plans::of(self, name, &report, &mut beginnings, &mut outcome);
                let expected = Expected::as_undisturbed(&report);
                let case = Case { scenario: run.scenario, version: run.version, expected, plans };
                if !report.violations.is_empty() {
                    let failure = Failure { run, violations: report.violations };
                    told(&failure);
                    outcome.failures.push(failure);
                    return None;
                }
                Some(case)
            })
            .collect();
        self.refer(&mut cases, &mut outcome, &told);
        let runs: Vec<(&Case, Run)> = cases
            .iter()
            .flat_map(|case| {
                let run = |plan: &Plan| self.run(case.scenario, case.version, plan.clone());
                case.plans.iter().map(move |plan| (case, run(plan)))
            })
            .collect();
        outcome.plans += runs.len();
        let count = AtomicUsize::new(0);
        let failures = parallel(&runs, |(case, run)| {
            let violations = case.expected.judge(run, &run.play());
            played(count.fetch_add(1, Ordering::Relaxed) + 1, runs.len());
            if violations.is_empty() {
                return None;
            }
            let failure = Failure { run: run.clone(), violations };
            told(&failure);
            Some(failure)
        });
        outcome.failures.extend(failures.into_iter().flatten());
        outcome.took = began.elapsed();
        outcome
    }

    /// Plays what the plans of the cases are compared with.
    fn refer(&self, cases: &mut [Case], outcome: &mut Outcome, told: &(impl Fn(&Failure) + Sync)) {
        let mut runs: Vec<(usize, Run)> = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            let mut plans: Vec<Plan> = Vec::new();
            for plan in case.plans.iter().flat_map(judge::references) {
                if !plans.contains(&plan) {
                    plans.push(plan);
                }
            }
            let run = |plan| (index, self.run(case.scenario, case.version, plan));
            runs.extend(plans.into_iter().map(run));
        }
        outcome.plans += runs.len();
        for (index, run, report) in
            parallel(&runs, |(index, run)| (*index, run.clone(), run.play()))
        {
            outcome.families.entry(plans::family(&run.plan)).or_default().plans += 1;
            let Some(case) = cases.get_mut(index) else { continue };
            case.expected.refer(&run.plan, &report);
            if !report.violations.is_empty() {
                let failure = Failure { run, violations: report.violations };
                told(&failure);
                outcome.failures.push(failure);
            }
        }
    }

    fn run(&self, scenario: &'static Scenario, version: Version, plan: Plan) -> Run {
        Run { scenario, version, seed: self.seed, plan, quiet: self.quiet }
    }
}

/// How the undisturbed runs end, by scenario and version: whatever the seed.
#[derive(Debug)]
pub struct Ends(BTreeMap<(&'static str, Version), Value>);

impl Ends {
    /// Plays every scenario once, on all processors.
    pub fn of(cases: &[(&'static Scenario, Version)]) -> Self {
        let ends = parallel(cases, |&(scenario, version)| {
            let plan = Plan::Undisturbed;
            let run = Run { scenario, version, seed: 1, plan, quiet: Duration::ZERO };
            ((scenario.name, version), run.play().end)
        });
        Self(ends.into_iter().collect())
    }

    /// Plays runs on all processors, and returns those that were not as they should be.
    pub fn judge(&self, runs: &[Run]) -> Vec<Failure> {
        let failures = parallel(runs, |run| {
            let report = run.play();
            let mut violations = report.violations;
            let end = self.0.get(&(run.scenario.name, run.version)).unwrap_or(&Value::Null);
            violations.extend(super::end::differences(end, &report.end));
            (!violations.is_empty()).then(|| Failure { run: run.clone(), violations })
        });
        failures.into_iter().flatten().collect()
    }
}

fn sites(report: &Report) -> BTreeSet<String> {
    sites_until(report, report.lasted).collect()
}

/// What each request and each REST call up to this time of the world was, in their order.
pub(super) fn sites_until(report: &Report, time: Duration) -> impl Iterator<Item = String> {
    let requests = report.requests.iter().filter(move |request| request.at <= time).map(site);
    let calls = report.rest.iter().filter(move |call| call.at <= time);
    requests.chain(calls.map(|call| format!("Flink: {}", call.site)))
}

/// `PATCH flinkdeployments/status` and the like.
pub fn site(request: &Entry) -> String {
    let path = request.address.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // `api/v1` or `apis/group/version`
    let prefix = if parts.first() == Some(&"api") { 2 } else { 3 };
    parts.drain(..prefix.min(parts.len()));
    if parts.first() == Some(&"namespaces") && parts.len() > 2 {
        parts.drain(..2);
    }
    let what = match parts.as_slice() {
        [resource, _, subresource] => format!("{resource}/{subresource}"),
        [resource, ..] => (*resource).to_owned(),
        [] => path.to_owned(),
    };
    let watch = if request.address.contains("watch=") { " (watch)" } else { "" };
    format!("{} {what}{watch}", request.method)
}

/// Does the work for every item, on all processors; the results come in the order of the items.
pub fn parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
