//! All tests, layer by layer, with their totals.
//!
//! A layer that ran no test is a failure: a filter that matches nothing must not look like success.

mod junit;
mod layers;
pub mod nextest;

use std::time::Instant;

use anyhow::bail;

use crate::cluster::Rig;
use crate::e2e;
use junit::Suite;
use layers::{Layer, Place};
use nextest::Selection;

#[derive(clap::Args)]
pub struct Options {
    /// The names of the layers to run [default: all].
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only tests that need no cluster; each scenario of the simulated world runs once without a fault, instead of the sweep.
    #[arg(long)]
    quick: bool,
}

/// The control plane for tests of the API server. Its own name keeps it apart from a running rig.
const CONTROL_PLANE: Rig = Rig::named("test");

/// The result of a layer.
#[derive(Debug, Default)]
struct Outcome {
    layer: &'static str,
    passed: usize,
    failed: usize,
    /// The sum over its tests, which run in parallel.
    seconds: f64,
    /// Why the layer counts as failed although no test failed.
    trouble: Option<String>,
}

/// A step of a run, and its duration.
struct Step {
    name: &'static str,
    seconds: f64,
}

/// The results so far.
#[derive(Default)]
struct Results {
    outcomes: Vec<Outcome>,
    steps: Vec<Step>,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let began = Instant::now();
    let wanted = wanted(options)?;
    let at = |place: Place| -> Vec<&'static Layer> {
        wanted.iter().copied().filter(|layer| layer.place == place).collect()
    };
    let mut results = Results::default();
    results.in_process(&at(Place::InProcess), options);
    results.on_control_plane(&at(Place::ControlPlane));
    results.on_node(&at(Place::Node));
    results.steps.push(Step { name: "all", seconds: began.elapsed().as_secs_f64() });
    results.summarise()
}

fn wanted(options: &Options) -> anyhow::Result<Vec<&'static Layer>> {
    let known = |name: &String| layers::ALL.iter().any(|layer| layer.name == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        let names: Vec<&str> = layers::ALL.iter().map(|layer| layer.name).collect();
        bail!("there is no layer {unknown}; known are {}", names.join(", "));
    }
    let is_wanted = |layer: &&Layer| {
        let named = options.only.is_empty() || options.only.iter().any(|name| name == layer.name);
        named && (!options.quick || layer.place == Place::InProcess)
    };
    let wanted: Vec<&Layer> = layers::ALL.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        bail!("none of {} runs without a cluster", options.only.join(", "));
    }
    Ok(wanted)
}

impl Results {
    fn in_process(&mut self, layers: &[&'static Layer], options: &Options) {
        let selection = Selection {
            profile: if options.quick { "quick" } else { "in-process" },
            programs: vec!["--exclude", "e2e"],
            filter: filter_unless_all(layers, options),
        };
        self.take(layers, |results| {
            results.timed("in process: build", || selection.build())?;
            results.timed("in process: run", || selection.run(None))
        });
    }

    fn on_control_plane(&mut self, layers: &[&'static Layer]) {
        let programs = vec!["--test", "crds", "--test", "api_server", "--test", "conformance"];
        let selection =
            Selection { profile: "control-plane", programs, filter: Some(filter(layers)) };
        self.take(layers, |results| {
            results.timed("control plane: build", || {
                e2e::operator_binary()?;
                selection.build()
            })?;
            let cluster = results.timed("control plane: start", || CONTROL_PLANE.up("cp"))?;
            let ran = results.timed("control plane: run", || selection.run(Some(&cluster)));
            CONTROL_PLANE.down(true)?;
            ran
        });
    }

    fn on_node(&mut self, layers: &[&'static Layer]) {
        let selection = e2e::selection();
        self.take(layers, |results| {
            results.timed("e2e: build", || selection.build())?;
            let prepared = results.timed("e2e: start", || e2e::prepared(None))?;
            let ran = results.timed("e2e: run", || selection.run(Some(&prepared.cluster)));
            prepared.finish()?;
            ran
        });
    }

    /// Runs the tests of several layers in one run of nextest, and counts the results by layer.
    fn take(
        &mut self,
        layers: &[&'static Layer],
        run: impl FnOnce(&mut Self) -> anyhow::Result<nextest::Ran>,
    ) {
        if layers.is_empty() {
            return;
        }
        match run(self) {
            Ok(ran) => self.outcomes.extend(counted(layers, &ran.suites, ran.success)),
            Err(error) => self.outcomes.extend(layers.iter().map(|layer| Outcome {
                layer: layer.name,
                trouble: Some(format!("{error:#}")),
                ..Outcome::default()
            })),
        }
    }

    fn timed<T>(
        &mut self,
        name: &'static str,
        what: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        println!("\n=== {name}");
        let began = Instant::now();
        let result = what();
        self.steps.push(Step { name, seconds: began.elapsed().as_secs_f64() });
        result
    }

    fn summarise(&self) -> anyhow::Result<()> {
        println!("\n{:<24} {:>8}", "step", "seconds");
        for Step { name, seconds } in &self.steps {
            println!("{name:<24} {seconds:>8.1}");
        }
        // Tests run in parallel, so the seconds of the layers are more than those of the steps.
        println!("\n{:<12} {:>7} {:>7} {:>8}", "layer", "passed", "failed", "seconds");
        for Outcome { layer, passed, failed, seconds, trouble } in &self.outcomes {
            let trouble = trouble.as_deref().map(|text| format!("  {text}")).unwrap_or_default();
            println!("{layer:<12} {passed:>7} {failed:>7} {seconds:>8.1}{trouble}");
        }
        let passed: usize = self.outcomes.iter().map(|outcome| outcome.passed).sum();
        let failed: usize = self.outcomes.iter().map(Outcome::failures).sum();
        println!("\n{passed} passed, {failed} failed");
        if failed > 0 {
            bail!("a layer failed");
        }
        Ok(())
    }
}

impl Outcome {
    /// The number of failures; at least one if the layer has a trouble text.
    fn failures(&self) -> usize {
        self.failed.max(usize::from(self.trouble.is_some()))
    }
}

fn filter(layers: &[&Layer]) -> String {
    layers.iter().map(|layer| layer.filter()).collect::<Vec<_>>().join(" | ")
}

/// The filter, or none if all layers run: then a program without a layer runs too, and fails the run.
fn filter_unless_all(layers: &[&Layer], options: &Options) -> Option<String> {
    (!options.only.is_empty()).then(|| filter(layers))
}

/// Sums up the programs of each layer.
fn counted(layers: &[&'static Layer], suites: &[Suite], success: bool) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> =
        layers.iter().map(|layer| Outcome { layer: layer.name, ..Outcome::default() }).collect();
    let mut homeless = Vec::new();
    for suite in suites {
        let layer = Layer::of(&suite.program).map(|layer| layer.name);
        match outcomes.iter_mut().find(|outcome| Some(outcome.layer) == layer) {
            Some(outcome) => {
                outcome.passed += suite.passed;
                outcome.failed += suite.failed;
                outcome.seconds += suite.seconds;
            }
            None => homeless.push(format!("{}::{}", suite.program.package, suite.program.name)),
        }
    }
    for outcome in &mut outcomes {
        if outcome.passed + outcome.failed == 0 {
            outcome.trouble = Some("no test ran".to_owned());
        }
    }
    if !homeless.is_empty() {
        let trouble = Some(format!("in no layer: {}", homeless.join(", ")));
        outcomes.push(Outcome { layer: "?", trouble, ..Outcome::default() });
    }
    if !success && outcomes.iter().all(|outcome| outcome.failures() == 0) {
        let trouble = Some("nextest has failed, although no test has".to_owned());
        outcomes.push(Outcome { layer: "?", trouble, ..Outcome::default() });
    }
    outcomes
}

#[cfg(test)]
mod tests;
