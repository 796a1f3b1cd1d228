//! The command line of `cargo xtask`, which the Makefile calls. Each subcommand is a module.

mod bench;
mod chart;
mod check;
mod cluster;
mod crds;
mod demo;
mod e2e;
mod flink_conf;
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
#[command(name = "cargo xtask", about = "Builds, checks and tests; the Makefile calls it")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measures how long an application takes until it is RUNNING; in turns with a minimal client that sends the same writes.
    BenchDeploy(bench::Options),
    /// Lints and renders the Helm chart, and checks the rendered objects.
    Chart,
    /// Checks dependencies between crates and modules, files, links and workflows.
    Check,
    /// Writes the custom resource definitions into the chart.
    Crds(crds::Options),
    /// Runs a Flink job with the operator, on a Kubernetes that this starts or on an existing cluster.
    Demo(demo::Options),
    /// Removes everything that `demo` created.
    DemoDown(demo::Options),
    /// Runs the tests with real Flink clusters.
    E2e(e2e::Options),
    /// Runs the test that has Flink's own classes read what the operator writes, for each minor version.
    FlinkConf,
    /// Converts recordings of Flink's clients to the files of lines that the tests of core read.
    Golden(golden::Options),
    /// Builds the operator's image without Docker, as an OCI archive.
    Image(image::Options),
    /// Inserts faults into the operator, one at a time, and checks that a test fails for each.
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
        Task::FlinkConf => flink_conf::run(),
        Task::Golden(options) => golden::run(&options),
        Task::Mutations(options) => mutations::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Image(options) => image::run(&options),
        Task::Tools(options) => tools::run(&options),
    }
}
