//! The program `bench`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use bench::deploy;
use bench::outcome::Outcome;
use bench::report::{self, Form};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about = "Benchmarks of an operator on a real cluster")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Deploys applications, alternating with a bare client that does the same writes.
    Deploy(Deploy),
    /// Prints the stored result of an earlier run.
    Report {
        /// The file that `deploy` has written.
        file: PathBuf,
        #[command(flatten)]
        shown: Shown,
    },
}

#[derive(clap::Args)]
struct Deploy {
    /// How many applications are measured. One more is deployed first, to warm up.
    #[arg(long, env = "BENCH_RUNS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// The account of the operator, as the API server names it.
    #[arg(
        long,
        env = "OPERATOR_USER",
        default_value = "system:serviceaccount:flink-operator:flink-operator"
    )]
    user: String,
    /// Measures this program, as a process on this machine, instead of the installed operator.
    #[arg(long, value_name = "BINARY", conflicts_with = "user")]
    local: Option<PathBuf>,
    /// Where the result is stored.
    #[arg(long, default_value = "target/bench/deploy.json")]
    json: PathBuf,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Args)]
struct Shown {
    /// Prints a table for a document.
    #[arg(long)]
    markdown: bool,
    /// Fails when an aim is not met.
    #[arg(long)]
    strict: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().task).await {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Deploy(options) => {
            let measured =
                deploy::Options { runs: options.runs, account: options.user, local: options.local };
            let outcome = Box::pin(deploy::run(&measured)).await?;
            store(&outcome, &options.json)?;
            Ok(show(&outcome, &options.shown))
        }
        Task::Report { file, shown } => Ok(show(&read(&file)?, &shown)),
    }
}

fn store(outcome: &Outcome, file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(outcome)?;
    std::fs::write(file, text + "\n").with_context(|| format!("failed to write {}", file.display()))
}

fn read(file: &Path) -> anyhow::Result<Outcome> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("failed to read {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} was not written by `bench deploy`", file.display()))
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn show(outcome: &Outcome, shown: &Shown) -> ExitCode {
    let form = if shown.markdown { Form::Markdown } else { Form::Text };
    print!("{}", report::of(outcome, form));
    let missed = report::aims(outcome).iter().any(|aim| !aim.met);
    if shown.strict && missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[expect(clippy::print_stderr, reason = "the program has no log")]
fn complain(error: &anyhow::Error) {
    eprintln!("Error: {error:#}");
}
