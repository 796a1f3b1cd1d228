//! What the Makefile calls. Each subcommand is a module; this file only picks one.

mod bench;
mod chart;
mod check;
mod cluster;
mod crds;
mod demo;
mod e2e;
mod golden;
mod image;
mod mutations;
mod progress;
mod test;
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
    /// Measures the way of an application to RUNNING, in turns with a bare client that does the same writes.
    BenchDeploy(bench::Options),
    /// Lints and renders the Helm chart, and holds what comes out against the rules for it.
    Chart,
    /// Checks what no compiler does: which crate may use which, files, links, workflows.
    Check,
    /// Writes the custom resource definitions into the chart.
    Crds(crds::Options),
    /// Shows a Flink job under the operator, on a real Kubernetes that this starts.
    Demo(demo::Options),
    /// Removes what the demo made.
    DemoDown(demo::Options),
    /// Runs the tests with real Flink clusters.
    E2e(e2e::Options),
    /// Writes recordings of Flink's clients as lines, where the tests of core read them.
    Golden(golden::Options),
    /// Builds the operator's image without Docker, as an OCI archive.
    Image(image::Options),
    /// Breaks the operator in one place after the other, and sees that the test that is named for each fails.
    Mutations(mutations::Options),
    /// Runs all tests and prints the totals of each layer.
    Test(test::Options),
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
        Task::BenchDeploy(options) => bench::deploy(&options),
        Task::Chart => chart::run(),
        Task::Check => check::run(),
        Task::Crds(options) => crds::run(&options),
        Task::Demo(options) => demo::up(&options),
        Task::DemoDown(options) => demo::down(&options),
        Task::E2e(options) => e2e::run(&options),
        Task::Golden(options) => golden::run(&options),
        Task::Mutations(options) => mutations::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Image(options) => image::run(&options),
        Task::Tools(options) => tools::run(&options),
    }
}
