//! Tests of how the results of a run are counted.

use super::junit::Program;
use super::*;

fn named(name: &str) -> Vec<&'static Layer> {
    layers::ALL.iter().filter(|layer| layer.name == name).collect()
}

fn suite(package: &str, passed: usize, failed: usize) -> Suite {
    let program = Program { package: package.to_owned(), name: String::new() };
    Suite { program, passed, failed, seconds: 0.5 }
}

fn summary(outcomes: Vec<Outcome>) -> anyhow::Result<()> {
    Results { outcomes, steps: Vec::new() }.summarise()
}

#[test]
fn programs_of_a_layer_are_summed_up() {
    let suites = [suite("flink-operator-core", 3, 0), suite("flink-operator-core", 2, 1)];
    let outcomes = counted(&named("core"), &suites, false);
    let [core] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((core.passed, core.failed, core.trouble.as_deref()), (5, 1, None));
    assert!(summary(outcomes).is_err());
}

#[test]
fn layer_without_a_test_is_a_failure() {
    assert!(summary(counted(&named("core"), &[], true)).is_err());
    assert!(summary(counted(&named("core"), &[suite("flink-operator-core", 1, 0)], true)).is_ok());
}

#[test]
fn program_in_no_layer_is_a_failure() {
    let suites = [suite("flink-operator-core", 1, 0), suite("unheard-of", 1, 0)];
    assert!(summary(counted(&named("core"), &suites, true)).is_err());
}

#[test]
fn run_that_fails_without_a_failing_test_is_a_failure() {
    assert!(
        summary(counted(&named("core"), &[suite("flink-operator-core", 1, 0)], false)).is_err()
    );
}

#[test]
fn unknown_layers_are_refused() {
    let options = |only: &str, quick| Options { only: vec![only.to_owned()], quick };
    assert!(wanted(&options("cores", false)).is_err());
    assert!(wanted(&options("e2e", true)).is_err());
    assert_eq!(wanted(&options("e2e", false)).unwrap().len(), 1);
    let all = Options { only: Vec::new(), quick: true };
    assert!(wanted(&all).unwrap().iter().all(|layer| layer.place == Place::InProcess));
}
