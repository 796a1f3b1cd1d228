//! The world from the command line: sweeps, single runs, and a soak of random ones.

#![expect(clippy::print_stdout, reason = "what a command finds is printed")]

/// A third of what a run takes is the making and dropping of JSON.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use world::explore::application::Version;
use world::explore::plan::Plan;
use world::explore::run::Run;
use world::explore::scenario::{self, Scenario};
use world::explore::sweep::judge::Expected;
use world::explore::sweep::{Ends, Failure, QUIET, Sweep};

/// Simulated Kubernetes and Flink under the real operator.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every fault that the undisturbed run of each scenario has room for.
    Sweep {
        /// Only scenarios whose name contains this, such as upgrade or @1.20.
        #[arg(default_value = "")]
        filter: String,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Beside crashes and edits, one of so many other faults.
        #[arg(long, default_value_t = 1)]
        one_of: usize,
        /// One of so many crashes.
        #[arg(long, default_value_t = 1)]
        crashes_one_of: usize,
        /// One of so many edits by users.
        #[arg(long, default_value_t = 1)]
        edits_one_of: usize,
        /// Only families of plans whose name contains this, such as crashes or user.
        #[arg(long, default_value = "")]
        family: String,
        /// Ends after so many failures have been shown.
        #[arg(long, default_value_t = 20)]
        show: usize,
    },
    /// One run again, with everything that happens in it.
    Replay {
        /// As in upgrade-with-savepoint@2.2.
        scenario: String,
        /// As in request/17/crash-before.
        plan: Plan,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The operator's log as well.
        #[arg(long)]
        log: bool,
    },
    /// Random faults in random scenarios, each followed by a quiet hour.
    Soak {
        /// How long, in real time.
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// The names of the scenarios.
    Scenarios,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Sweep { filter, seed, one_of, crashes_one_of, edits_one_of, family, show } => {
            sweep(
                &Sweep {
                    filter,
                    seed,
                    family,
                    crashes_one_of,
                    edits_one_of,
                    one_of,
                    skip_common_beginnings: false,
                    quiet: QUIET,
                },
                show,
            )
        }
        Command::Replay { scenario, plan, seed, log } => replay(&scenario, plan, seed, log),
        Command::Soak { minutes, seed } => soak(Duration::from_mins(minutes), seed),
        Command::Scenarios => {
            for (scenario, version) in cases() {
                println!("{}@{}", scenario.name, version.text());
            }
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn cases() -> Vec<(&'static Scenario, Version)> {
    scenario::all()
        .flat_map(|scenario| scenario.versions.iter().map(move |version| (scenario, *version)))
        .collect()
}

fn show(failure: &Failure) {
    println!("\n{}", failure.run.command());
    for violation in &failure.violations {
        println!("    {violation}");
    }
}

fn sweep(sweep: &Sweep, limit: usize) -> anyhow::Result<()> {
    silence_panics();
    let shown = std::sync::atomic::AtomicUsize::new(0);
    let told = std::sync::Mutex::new(Instant::now());
    let outcome = sweep.play(
        |failure| {
            if shown.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < limit {
                show(failure);
            }
        },
        |played, of| {
            if let Ok(mut last) = told.lock()
                && last.elapsed() > Duration::from_mins(1)
            {
                *last = Instant::now();
                println!("{played} of {of} plans");
            }
        },
    );
    let seconds = outcome.took.as_secs_f64();
    println!(
        "\n{} scenarios, {} plans, {} kinds of requests, {} polls like others skipped, {} failures, {seconds:.1} s",
        outcome.scenarios,
        outcome.plans,
        outcome.sites.len(),
        outcome.skipped_polls,
        outcome.failures.len(),
    );
    for line in outcome.by_family() {
        println!("{line}");
    }
    if !outcome.failures.is_empty() {
        bail!("not every plan has ended well");
    }
    Ok(())
}

fn replay(name: &str, plan: Plan, seed: u64, log: bool) -> anyhow::Result<()> {
    let (scenario, version) = cases()
        .into_iter()
        .find(|(scenario, version)| format!("{}@{}", scenario.name, version.text()) == name)
        .with_context(|| format!("there is no scenario {name}; `scenarios` lists them"))?;
    if log {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .without_time()
            .init();
    }
    let run = |plan| Run { scenario, version, seed, plan, quiet: QUIET };
    let undisturbed = run(Plan::Undisturbed).play();
    let run = run(plan);
    let report = run.play();
    for line in report.trace() {
        println!("{line}");
    }
    let violations = Expected::of(&run).judge(&run, &report);
    println!("\nend: {:#}", report.end);
    println!(
        "{} requests, {} REST calls, {} starts of the job ({} undisturbed), {:.1} s in the world, digest {}",
        report.requests.len(),
        report.rest.len(),
        report.attempts,
        undisturbed.attempts,
        report.lasted.as_secs_f64(),
        report.digest
    );
    for violation in &violations {
        println!("    {violation}");
    }
    if !violations.is_empty() {
        bail!("the run did not end well");
    }
    Ok(())
}

/// Runs random plans until the time is over. The seed of each run follows from the first one.
fn soak(lasts: Duration, seed: u64) -> anyhow::Result<()> {
    silence_panics();
    let began = Instant::now();
    let cases = cases();
    let ends = Ends::of(&cases);
    let (mut runs, mut failures) = (0_u64, 0_u64);
    let mut told = Instant::now();
    while began.elapsed() < lasts {
        let batch: Vec<Run> =
            (runs..runs + 64).map(|number| random(&cases, seed.wrapping_add(number))).collect();
        for failure in ends.judge(&batch) {
            failures += 1;
            show(&failure);
        }
        runs += 64;
        if told.elapsed() > Duration::from_mins(1) {
            told = Instant::now();
            let rate =
                f64::from(u32::try_from(runs).unwrap_or(u32::MAX)) / began.elapsed().as_secs_f64();
            println!(
                "{:.0} min: {runs} runs, {rate:.0} a second, {failures} failures",
                began.elapsed().as_secs_f64() / 60.0
            );
        }
    }
    println!("{runs} random runs from seed {seed}, {failures} failures");
    if failures > 0 {
        bail!("not every run has ended well");
    }
    Ok(())
}

fn random(cases: &[(&'static Scenario, Version)], seed: u64) -> Run {
    let mut chance = simulated_kubernetes::chance::Chance::new(seed).fork("choice of the scenario");
    let (scenario, version) =
        *chance.pick(cases).unwrap_or_else(|| unreachable!("there are scenarios"));
    Run { scenario, version, seed, plan: Plan::Random(seed), quiet: Duration::from_hours(1) }
}

/// A run that panics says so in its report.
fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
