//! The simulated API server against a real one: the same random sequences of operations, and no difference.
//!
//! `KUBECONFIG` names a control plane that may be filled and thrown away (`rig/rig up cp`): an API server with its
//! controller manager, and nobody who runs pods. `CONFORMANCE_SEQUENCES` and `CONFORMANCE_OPERATIONS` say how much is
//! tried, `CONFORMANCE_SEED` where to begin, `CONFORMANCE_THREADS` how many sequences run side by side, each in a
//! namespace of its own. Any difference is a fault of the simulator.

#![cfg(test)]
#![expect(
    unreachable_pub,
    clippy::wildcard_enum_match_arm,
    reason = "the modules of a test are read by nobody else, and a new operation fails loudly"
)]

mod changes;
mod compare;
mod content;
mod events;
mod generate;
mod normal;
mod operation;
mod send;
mod shrink;
mod side;
mod state;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use compare::{Difference, Pair};
use operation::Operation;
use serde_json::{Value, json};
use side::Side;

const DEFINITIONS: [&str; 4] = [
    include_str!(
        "../../../../charts/flink-kubernetes-operator/crds/flinkdeployments.flink.apache.org-v1.yml"
    ),
    include_str!(
        "../../../../charts/flink-kubernetes-operator/crds/flinksessionjobs.flink.apache.org-v1.yml"
    ),
    include_str!(
        "../../../../charts/flink-kubernetes-operator/crds/flinkstatesnapshots.flink.apache.org-v1.yml"
    ),
    include_str!(
        "../../../../charts/flink-kubernetes-operator/crds/flinkbluegreendeployments.flink.apache.org-v1.yml"
    ),
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

/// Installs the operator's definitions, and waits until the garbage collector knows them too.
fn prepare(real: &mut Side) {
    for text in DEFINITIONS {
        let definition: Value = serde_saphyr::from_str(text).expect("definitions are YAML");
        let name = definition["metadata"]["name"].as_str().expect("definitions have names");
        let address = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let query = [("fieldManager", "conformance"), ("force", "true")];
        let applied = real.call(
            "PATCH",
            &address,
            &query,
            Some("application/apply-patch+yaml"),
            Some(&definition),
        );
        assert!(applied.code == 200 || applied.code == 201, "{}", applied.body);
    }
    let namespace = format!("conformance-{}", std::process::id());
    real.begin(&namespace);
    let began = Instant::now();
    for attempt in 0.. {
        let dangling = json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkStateSnapshot",
            "metadata": {"name": format!("probe-{attempt}"), "ownerReferences": [{
                "apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "nobody",
            }]},
            "spec": {"savepoint": {}, "jobReference": {"kind": "FlinkDeployment", "name": "a"}},
        });
        let address = operation::Resource::FlinkStateSnapshots.address(&namespace);
        real.call("POST", &address, &[], None, Some(&dangling));
        for _ in 0..50 {
            if real.all(&address).is_empty()
                && real.call("GET", &address, &[], None, None).code == 200
            {
                return;
            }
            real.pause(Duration::from_millis(100));
        }
        assert!(
            began.elapsed() < Duration::from_mins(3),
            "the garbage collector does not see custom resources"
        );
    }
}

#[test]
fn simulated_server_does_what_a_real_one_does() {
    assert!(
        std::env::var_os("KUBECONFIG").is_some(),
        "set KUBECONFIG to a control plane that may be thrown away: rig/rig up cp"
    );
    let (sequences, operations) =
        (setting("CONFORMANCE_SEQUENCES", 60), setting("CONFORMANCE_OPERATIONS", 50));
    let first = setting("CONFORMANCE_SEED", 1);
    let threads = setting("CONFORMANCE_THREADS", 4);
    prepare(&mut Side::real());
    let began = Instant::now();
    let count = usize::try_from(operations).expect("it is a small number");
    let mut verbs: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in first..first + sequences {
        for operation in generate::sequence(seed, count) {
            *verbs.entry(operation.verb()).or_default() += 1;
        }
    }
    // Most of the time it is the real server's controllers that are waited for.
    let (next, differences) = (AtomicU64::new(first), AtomicU64::new(0));
    let races = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut real = Side::real();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + sequences {
                        break;
                    }
                    let done = seed - first;
                    if done > 0 && done.is_multiple_of(50) {
                        println!("{done} of {sequences} in {:.0} s", began.elapsed().as_secs_f64());
                    }
                    match compare(&mut real, seed, count) {
                        Outcome::Same => {}
                        Outcome::Race(shown) => {
                            races.fetch_add(1, Ordering::Relaxed);
                            println!("{shown}");
                        }
                        Outcome::Different(shown) => {
                            differences.fetch_add(1, Ordering::Relaxed);
                            println!("{shown}");
                        }
                    }
                }
            });
        }
    });
    let (differences, races) = (differences.into_inner(), races.into_inner());
    let total: usize = verbs.values().sum();
    println!(
        "{sequences} sequences from seed {first}, {total} operations {verbs:?} in {:.0} s: {differences} differences, {races} races of the real controllers",
        began.elapsed().as_secs_f64()
    );
    assert_eq!(differences, 0, "any difference is the simulator's fault");
}

/// What came of a sequence.
enum Outcome {
    Same,
    /// What differed once, and did not when the same was tried again.
    Race(String),
    Different(String),
}

/// How often a sequence that differs is tried again.
const TRIES: u32 = 4;

/// Runs the sequence of a seed. Which of a real server's controllers comes first is chance, and so is what follows from
/// it; the simulated one always does the same. That has to be something that the real one does too: a difference that
/// is gone when the sequence is tried again is none. One that stays is shown, with the shortest sequence that has it.
fn compare(real: &mut Side, seed: u64, operations: usize) -> Outcome {
    let sequence = generate::sequence(seed, operations);
    let namespace = format!("c-{:x}-{seed}", std::process::id());
    let mut shown = String::new();
    for number in 1.. {
        let mut simulated = Side::simulated(seed);
        let namespace = format!("{namespace}-t{number}");
        let found = Pair::begin(&mut simulated, real, &namespace).run(&sequence);
        match found {
            None if number == 1 => return Outcome::Same,
            None => return Outcome::Race(format!("\nonce, and not again: {}", shown.trim_start())),
            Some(found) if number == TRIES => {
                let (shortest, found) =
                    shrink::shrink(&mut simulated, real, &namespace, &sequence, found);
                return Outcome::Different(describe(seed, &found, &shortest));
            }
            Some(found) => shown = describe(seed, &found, &sequence[found.at..=found.at]),
        }
    }
    unreachable!("the last try returns")
}

fn describe(seed: u64, found: &Difference, sequence: &[Operation]) -> String {
    let mut shown = format!("\nseed {seed}: {} differs", found.what);
    for line in shrink::differing(&found.simulated, &found.real) {
        let _ = write!(shown, "\n  {line}");
    }
    for (number, operation) in sequence.iter().enumerate() {
        let _ = write!(shown, "\n  {number}: {operation}");
    }
    shown
}
