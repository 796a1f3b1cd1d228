//! Benchmarks on the rig: what they need, and the program that measures.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cluster::{Cluster, Rig};
use crate::{e2e, workspace};

#[derive(clap::Args)]
pub struct Options {
    /// How many applications are measured, after one to warm up.
    #[arg(long, env = "BENCH_RUNS", default_value_t = 20)]
    runs: u32,
    /// Measures the operator as a process of this machine in this build, without an image and an installation.
    #[arg(long)]
    local: Option<Build>,
    /// Prints a table for a document.
    #[arg(long)]
    markdown: bool,
    /// Fails when an aim is not met.
    #[arg(long)]
    strict: bool,
}

/// A profile of cargo.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Build {
    Debug,
    Release,
}

impl Build {
    const fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// The way of one application to RUNNING, in turns with a bare client.
pub fn deploy(options: &Options) -> anyhow::Result<()> {
    // Built before the cluster is up, so that the compiler is not measured. A slow bare client would flatter the operator.
    workspace::run(workspace::cargo().args(["build", "--release", "-p", "bench"]))?;
    let local = options.local.map(build_operator).transpose()?;
    let rig = Rig::full();
    let was_up = rig.is_up();
    match local {
        Some(binary) => {
            let cluster = rig.up("full")?;
            let definitions = workspace::root().join("charts/flink-kubernetes-operator/crds");
            let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
            workspace::output(cluster.kubectl().args(apply).arg(definitions))?;
            let measured = measure(&cluster, options, Some(&binary));
            if !was_up {
                rig.down(false)?;
            }
            measured
        }
        None => {
            let prepared = e2e::prepared(None)?;
            let measured = measure(&prepared.cluster, options, None);
            prepared.finish()?;
            measured
        }
    }
}

fn build_operator(build: Build) -> anyhow::Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "-p", "flink-operator"]);
    match build {
        Build::Release => drop(command.arg("--release")),
        Build::Debug => {}
    }
    workspace::run(&mut command)?;
    Ok(workspace::root()
        .join("target")
        .join(build.folder())
        .join("flink-kubernetes-operator"))
}

fn measure(cluster: &Cluster, options: &Options, local: Option<&PathBuf>) -> anyhow::Result<()> {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--release", "-p", "bench", "--", "deploy"]);
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
