//! All tests, layer by layer, with their totals.
//!
//! A layer that ran no test is a failure: a filter that matches nothing must not look like success.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::cluster::{Cluster, Rig};
use crate::{e2e, workspace};

#[derive(clap::Args)]
pub struct Options {
    /// Only these layers, by their names; see the totals of a whole run.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// What a layer's tests said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: usize,
    failed: usize,
}

struct Outcome {
    layer: &'static str,
    totals: Totals,
    seconds: f32,
    /// Why the layer counts as failed although no test did.
    trouble: Option<String>,
}

/// The layers that need no cluster: name, and what `cargo test` is asked for.
const IN_PROCESS: [(&str, &[&str]); 8] = [
    ("api", &["-p", "flink-operator-api"]),
    ("core", &["-p", "flink-operator-core", "-p", "golden"]),
    ("rest", &["-p", "flink-rest"]),
    ("shell", &["-p", "flink-operator"]),
    ("world", &["-p", "world", "--lib", "--bins"]),
    (
        "sweep",
        &[
            "--profile",
            "fast",
            "-p",
            "world",
            "--test",
            "sweep",
            "--test",
            "costs",
            "--test",
            "fleet",
        ],
    ),
    ("xtask", &["-p", "xtask"]),
    ("bench", &["-p", "bench"]),
];

/// The control plane that tests of the API server get: a name of their own, so that a running rig is left alone.
const CONTROL_PLANE: Rig = Rig::named("test");

pub fn run(options: &Options) -> anyhow::Result<()> {
    let wanted =
        |layer: &str| options.only.is_empty() || options.only.iter().any(|only| only == layer);
    let mut outcomes = Vec::new();
    for (layer, arguments) in IN_PROCESS {
        if wanted(layer) {
            outcomes.push(cargo_test(layer, arguments, None));
        }
    }
    let on_control_plane = ["api-server", "conformance"].into_iter().filter(|layer| wanted(layer));
    outcomes.extend(self::on_control_plane(&on_control_plane.collect::<Vec<_>>()));
    if wanted("e2e") {
        outcomes.push(end_to_end());
    }
    if outcomes.is_empty() {
        bail!("there is no layer {}", options.only.join(", "));
    }
    summarise(&outcomes)
}

fn on_control_plane(layers: &[&'static str]) -> Vec<Outcome> {
    let Some(first) = layers.first() else { return Vec::new() };
    let cluster = match CONTROL_PLANE.up("cp") {
        Ok(cluster) => cluster,
        Err(error) => return vec![trouble(first, &error)],
    };
    let mut outcomes: Vec<Outcome> = layers
        .iter()
        .map(|layer| match *layer {
            "conformance" => {
                cargo_test(layer, &["-p", "world", "--test", "conformance"], Some(&cluster))
            }
            _ => api_server(layer, &cluster),
        })
        .collect();
    if let Err(error) = CONTROL_PLANE.down(true) {
        outcomes.push(trouble(first, &error));
    }
    outcomes
}

fn api_server(layer: &'static str, cluster: &Cluster) -> Outcome {
    match e2e::operator_binary() {
        Ok(()) => {
            let arguments = &["-p", "e2e", "--test", "crds", "--test", "api_server"];
            cargo_test(layer, arguments, Some(cluster))
        }
        Err(error) => trouble(layer, &error),
    }
}

fn end_to_end() -> Outcome {
    match e2e::operator_binary().and_then(|()| e2e::prepared(None)) {
        Ok(prepared) => {
            let outcome = cargo_test("e2e", &e2e::selection(), Some(&prepared.cluster));
            if let Err(error) = prepared.finish() {
                return trouble("e2e", &error);
            }
            outcome
        }
        Err(error) => trouble("e2e", &error),
    }
}

fn trouble(layer: &'static str, error: &anyhow::Error) -> Outcome {
    Outcome { layer, totals: Totals::default(), seconds: 0.0, trouble: Some(format!("{error:#}")) }
}

/// Runs `cargo test` with its output passed on, and adds up what the test programs say.
fn cargo_test(layer: &'static str, arguments: &[&str], cluster: Option<&Cluster>) -> Outcome {
    println!("\n=== {layer}");
    let began = Instant::now();
    let mut command = workspace::cargo();
    // A failure in one test program does not hide what the next one says.
    command.args(["test", "--no-fail-fast"]).args(arguments).args(["--", "--nocapture"]);
    if cluster.is_some() {
        // They share one cluster, and some measure times.
        command.arg("--test-threads=1");
    }
    if let Some(cluster) = cluster {
        cluster.environment(&mut command);
    }
    let (totals, trouble) = match watched(&mut command) {
        Ok((totals, _)) if totals == Totals::default() => (totals, Some("no test ran".to_owned())),
        Ok((totals, true)) => (totals, None),
        Ok((totals, false)) if totals.failed > 0 => (totals, None),
        Ok((totals, false)) => (totals, Some("the tests did not run to their end".to_owned())),
        Err(error) => (Totals::default(), Some(format!("{error:#}"))),
    };
    Outcome { layer, totals, seconds: began.elapsed().as_secs_f32(), trouble }
}

fn watched(command: &mut Command) -> anyhow::Result<(Totals, bool)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut totals = Totals::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        if let Some(of_program) = parse(&line) {
            totals.passed += of_program.passed;
            totals.failed += of_program.failed;
        }
    }
    Ok((totals, child.wait()?.success()))
}

/// Reads the line with which a test program ends: `test result: ok. 3 passed; 0 failed; …`.
fn parse(line: &str) -> Option<Totals> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |what: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what))
            .and_then(|number| number.trim().parse().ok())
    };
    Some(Totals { passed: count(" passed")?, failed: count(" failed")? })
}

fn summarise(outcomes: &[Outcome]) -> anyhow::Result<()> {
    println!("\n{:<12} {:>7} {:>7} {:>8}", "layer", "passed", "failed", "seconds");
    for outcome in outcomes {
        let Totals { passed, failed } = outcome.totals;
        let trouble =
            outcome.trouble.as_deref().map(|text| format!("  {text}")).unwrap_or_default();
        println!("{:<12} {passed:>7} {failed:>7} {:>8.1}{trouble}", outcome.layer, outcome.seconds);
    }
    let passed: usize = outcomes.iter().map(|outcome| outcome.totals.passed).sum();
    let troubled = outcomes
        .iter()
        .filter(|outcome| outcome.trouble.is_some() && outcome.totals.failed == 0)
        .count();
    let failed = outcomes.iter().map(|outcome| outcome.totals.failed).sum::<usize>() + troubled;
    println!("\n{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("not every layer has passed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read_and_others_are_not() {
        let line = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.01s";
        assert_eq!(parse(line), Some(Totals { passed: 12, failed: 0 }));
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(parse(line), Some(Totals { passed: 1, failed: 2 }));
        assert_eq!(parse("test a::b ... ok"), None);
    }

    #[test]
    fn layer_without_a_test_is_a_failure() {
        let empty = Outcome {
            layer: "core",
            totals: Totals::default(),
            seconds: 0.0,
            trouble: Some("no test ran".to_owned()),
        };
        assert!(summarise(&[empty]).is_err());
        let good = Outcome {
            layer: "core",
            totals: Totals { passed: 1, failed: 0 },
            seconds: 0.0,
            trouble: None,
        };
        assert!(summarise(&[good]).is_ok());
    }
}
