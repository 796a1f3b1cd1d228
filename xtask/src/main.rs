//! What the Makefile calls. Each subcommand is a module; this file only picks one.

mod chart;
mod check;
mod crds;
mod image;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What the Makefile calls")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Lints and renders the Helm chart, and holds what comes out against the rules for it.
    Chart,
    /// Checks what no compiler does: which crate may use which, files, links, workflows.
    Check,
    /// Writes the custom resource definitions into the chart.
    Crds(crds::Options),
    /// Builds the operator's image without Docker, as an OCI archive.
    Image(image::Options),
    /// Installs the programs that checks and tests need into the cache folder.
    Tools(tools::Options),
}

fn main() -> ExitCode {
    let Err(error) = run(Cli::parse().task) else { return ExitCode::SUCCESS };
    eprintln!("Error: {error:#}");
    ExitCode::FAILURE
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Chart => chart::run(),
        Task::Check => check::run(),
        Task::Crds(options) => crds::run(&options),
        Task::Image(options) => image::run(&options),
        Task::Tools(options) => tools::run(&options),
    }
}
