//! Starts the benchmarks on the rig: prepares the cluster and runs the program that measures.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use clap::ValueEnum;
use serde_json::Value;

use crate::cluster::{Cluster, Rig};
use crate::{e2e, workspace};

#[derive(clap::Args)]
pub struct Options {
    /// How many applications are measured, after a first one that does not count.
    #[arg(long, env = "BENCH_RUNS", default_value_t = 20)]
    runs: u32,
    /// Measures a build of this tree as a process on this machine, without an image and an installation.
    #[arg(long)]
    local: Option<Build>,
    /// Prints the results as a Markdown table.
    #[arg(long)]
    markdown: bool,
    /// Fails if a target is missed.
    #[arg(long)]
    strict: bool,
}

/// A build profile of cargo.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Build {
    Debug,
    Release,
}

/// Measures how long one application takes until it is RUNNING, in turns with a minimal client.
pub fn deploy(options: &Options) -> anyhow::Result<()> {
    // Built before the cluster starts, so that compilation does not affect the times. A slow minimal client would make the
    // operator look faster.
    let bench = build("bench", Build::Release)?;
    let local = options.local.map(|build_as| build("flink-operator", build_as)).transpose()?;
    let rig = Rig::full();
    let was_up = rig.is_up();
    match local {
        Some(binary) => {
            let cluster = rig.up("full")?;
            let definitions = workspace::root().join("charts/flink-kubernetes-operator/crds");
            let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
            workspace::output(cluster.kubectl().args(apply).arg(definitions))?;
            let measured = measure(&bench, &cluster, options, Some(&binary));
            if !was_up {
                rig.down(false)?;
            }
            measured
        }
        None => {
            let prepared = e2e::prepared(None)?;
            let measured = measure(&bench, &prepared.cluster, options, None);
            prepared.finish()?;
            measured
        }
    }
}

/// Builds the program of a package, and returns its path.
fn build(package: &str, build: Build) -> anyhow::Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "-p", package, "--message-format=json-render-diagnostics"]);
    if matches!(build, Build::Release) {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().context("failed to start cargo")?;
    anyhow::ensure!(output.status.success(), "{package} cannot be built");
    let messages = String::from_utf8(output.stdout).context("cargo's messages are not UTF-8")?;
    program(&messages).with_context(|| format!("cargo built no program of {package}"))
}

/// The program that cargo's messages name, one message a line.
fn program(messages: &str) -> Option<PathBuf> {
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    };
    messages.lines().find_map(executable)
}

fn measure(
    bench: &Path,
    cluster: &Cluster,
    options: &Options,
    local: Option<&Path>,
) -> anyhow::Result<()> {
    let mut command = Command::new(bench);
    command.current_dir(workspace::root()).arg("deploy");
    command.args(["--runs", &options.runs.to_string()]);
    if let Some(binary) = local {
        command.arg("--local").arg(binary);
    }
    for (flag, wanted) in [("--markdown", options.markdown), ("--strict", options.strict)] {
        if wanted {
            command.arg(flag);
        }
    }
    cluster.environment(&mut command);
    workspace::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_among_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/t/release/bench"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(program(messages), Some(PathBuf::from("/t/release/bench")));
        assert_eq!(program("{\"executable\":null}\nno message"), None);
    }
}
