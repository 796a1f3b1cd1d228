//! Crashes at every kind of request and call, and a share of everything else that can go wrong in every scenario.

use world::explore::plan::Plan;
use world::explore::run::Run;
use world::explore::scenario;
use world::explore::sweep::{Failure, QUIET, Sweep};

fn show(failure: &Failure) {
    println!("{}", failure.run.command());
    for violation in &failure.violations {
        println!("    {violation}");
    }
}

#[test]
fn every_scenario_ends_as_it_should_whatever_goes_wrong() {
    // A run that panics is a failure that is shown below. The threads of the sweep have no names, those of tests have.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name().is_some() {
            usual(panic);
        }
    }));
    let sweep = Sweep::everyday();
    let outcome = sweep.play(show, |_, _| {});
    let seconds = outcome.took.as_secs_f64();
    println!(
        "{} scenarios, {} plans, {} kinds of requests hit, {} failures, {seconds:.0} s; not hit: {} polls like others, \
         {} in beginnings that scenarios have in common",
        outcome.scenarios,
        outcome.plans,
        outcome.sites.len(),
        outcome.failures.len(),
        outcome.skipped_polls,
        outcome.skipped_beginnings,
    );
    for line in outcome.by_family() {
        println!("{line}");
    }
    for site in &outcome.sites {
        println!("    {site}");
    }
    assert!(outcome.failures.is_empty(), "{} of {} plans", outcome.failures.len(), outcome.plans);
    assert_eq!(outcome.without_crash(), Vec::<&String>::new(), "kinds of requests not hit");
    assert!(outcome.scenarios >= 20, "{} scenarios", outcome.scenarios);
    assert!(outcome.plans >= 3_000, "{} plans", outcome.plans);
}

/// What the quick loop tries in place of the sweep.
#[test]
fn every_scenario_ends_well_undisturbed() {
    // The undisturbed runs are played in every sweep, and no plan is of their family.
    let sweep = Sweep { family: "undisturbed".to_owned(), ..Sweep::everyday() };
    let outcome = sweep.play(show, |_, _| {});
    let seconds = outcome.took.as_secs_f64();
    println!("{} scenarios undisturbed, {seconds:.0} s", outcome.scenarios);
    assert_eq!(outcome.plans, 0, "plans");
    assert!(outcome.failures.is_empty(), "{} failures", outcome.failures.len());
    assert!(outcome.scenarios >= 20, "{} scenarios", outcome.scenarios);
}

#[test]
fn same_seed_and_plan_give_the_same_bytes() {
    let version = world::explore::application::Version::V2_2;
    for (scenario, plan) in [
        ("upgrade-with-savepoint", "undisturbed"),
        ("upgrade-with-savepoint", "request/12/crash-after"),
        ("upgrade-with-savepoint", "rest/9/hang"),
        ("upgrade-with-savepoint", "random/7"),
        // Watches fail in these, and are tried again after pauses.
        ("upgrade-with-savepoint", "random/77"),
        ("finished-job-is-cleared-away", "random/434"),
    ] {
        let scenario = scenario::named(scenario).expect("it is there");
        let plan: Plan = plan.parse().expect("it is a plan");
        let run = Run { scenario, version, seed: 5, plan, quiet: QUIET };
        let (one, other) = (run.play(), run.play());
        assert_eq!(one.digest, other.digest, "{}", run.command());
    }
}
