//! Builds a test program from the copy of the work tree, and runs one test of it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Deserialize;

use super::Test;
use super::tree::Tree;
use crate::workspace;

/// A test takes seconds, a scenario with all of its crashes a little longer. A test that takes longer than this hangs.
const DEADLINE: Duration = Duration::from_mins(5);

/// The beginning of the command that a sweep prints for a failed run. One such line is enough.
const SWEEP_FAILURE: &str = "cargo run -p world -- replay ";

/// A program with tests in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Core,
    Shell,
    Kubernetes,
    Costs,
    Sweep,
}

impl Program {
    /// The layer of `cargo xtask test` that it is part of.
    pub(super) fn layer(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Shell => "shell",
            Self::Kubernetes => "world",
            Self::Costs | Self::Sweep => "sweep",
        }
    }

    /// The folder of its crate.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Core => "crates/flink-operator-core",
            Self::Shell => "crates/flink-operator",
            Self::Kubernetes => "world/kubernetes",
            Self::Costs | Self::Sweep => "world",
        }
    }

    /// The arguments of cargo.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Core => &["test", "--no-run", "-p", "flink-operator-core", "--lib"],
            Self::Shell => &["test", "--no-run", "-p", "flink-operator", "--lib"],
            Self::Kubernetes => &[
                "test",
                "--no-run",
                "--profile",
                "fast",
                "-p",
                "simulated-kubernetes",
                "--test",
                "it",
            ],
            Self::Costs => {
                &["test", "--no-run", "--profile", "fast", "-p", "world", "--test", "it"]
            }
            Self::Sweep => &["build", "--profile", "fast", "-p", "world", "--bin", "world"],
        }
    }

    /// Builds the program. Returns its path, or the compiler's errors.
    pub(super) fn build(self, tree: &Tree) -> anyhow::Result<Result<PathBuf, String>> {
        let output = workspace::cargo()
            .args(self.arguments())
            .args(["--quiet", "--message-format=json-render-diagnostics"])
            .current_dir(tree.root())
            .env("CARGO_TARGET_DIR", tree.target())
            .stdin(Stdio::null())
            .output()
            .context("failed to start cargo")?;
        if !output.status.success() {
            return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let is_test = self != Self::Sweep;
        let executable = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
            .find(|built| built.profile.test == is_test && built.executable.is_some())
            .and_then(|built| built.executable)
            .with_context(|| format!("cargo names no program of {self:?}"))?;
        Ok(Ok(executable))
    }
}

/// A message of cargo about a build result.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// With the last lines of its output.
    Failed(String),
    /// The test has no result, and why.
    Nothing(String),
}

/// Runs one test.
pub(super) fn run(test: Test, program: &Path, tree: &Tree) -> anyhow::Result<Verdict> {
    let folder = tree.root().join(test.program().folder());
    let mut command = Command::new(program);
    command.current_dir(&folder).env("CARGO_MANIFEST_DIR", &folder).env("INSTA_UPDATE", "no");
    match test {
        // Crashes only: of all other plans, one in a million.
        Test::Sweep(scenario) => {
            command.args(["sweep", scenario, "--one-of", "1000000", "--show", "3"]);
            Ok(of_sweep(&bounded(&mut command, &|line| line.starts_with(SWEEP_FAILURE))?))
        }
        Test::Core(name) | Test::Shell(name) | Test::Kubernetes(name) | Test::Costs(name) => {
            command.arg(name);
            Ok(of_tests(&bounded(&mut command, &|_| false)?, name))
        }
    }
}

/// How a program ended, and its output.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ran {
    output: String,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Success,
    Failure,
    /// It printed the expected line, and was killed.
    Enough,
    /// It was killed at the deadline.
    Deadline,
}

/// Runs a program to its end, to the first line that is enough, or to the deadline.
fn bounded(command: &mut Command, is_enough: &dyn Fn(&str) -> bool) -> anyhow::Result<Ran> {
    let deadline = Instant::now() + DEADLINE;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("failed to start the test program")?;
    let stdout = child.stdout.take().context("the test program has no output")?;
    let (sender, lines) = mpsc::channel();
    // This thread ends with the program, because that closes the output.
    let reader = std::thread::spawn(move || {
        BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .take_while(|line| sender.send(line.clone()).is_ok())
            .for_each(drop);
    });
    let mut output = String::new();
    let early = loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let enough = is_enough(&line);
                output.push_str(&line);
                output.push('\n');
                if enough {
                    break Some(End::Enough);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => break Some(End::Deadline),
        }
    };
    if early.is_some() {
        child.kill().context("failed to kill the test program")?;
    }
    let status = child.wait().context("failed to wait for the test program")?;
    drop(lines);
    drop(reader.join());
    let by_itself = if status.success() { End::Success } else { End::Failure };
    Ok(Ran { output, end: early.unwrap_or(by_itself) })
}

fn of_sweep(ran: &Ran) -> Verdict {
    let ended = ran.output.lines().any(|line| line.contains(" plans, "));
    let played = !ran.output.lines().any(|line| line.starts_with("0 scenarios"));
    match ran.end {
        End::Success if ended && played => Verdict::Passed,
        End::Enough => Verdict::Failed(last_lines(&ran.output)),
        End::Deadline => out_of_time(),
        End::Success | End::Failure => no_end(&ran.output),
    }
}

fn out_of_time() -> Verdict {
    Verdict::Nothing(format!("no end within {} s", DEADLINE.as_secs()))
}

fn no_end(output: &str) -> Verdict {
    Verdict::Nothing(format!("the test did not end: {}", last_lines(output)))
}

/// The filter selects every test whose path contains the name. The named test has to be one of them.
fn of_tests(ran: &Ran, name: &str) -> Verdict {
    let ended: Vec<&str> = ran
        .output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
        .filter(|(path, _)| path.rsplit("::").next() == Some(name))
        .map(|(_, how)| how)
        .collect();
    match ran.end {
        End::Failure if ended.contains(&"FAILED") => Verdict::Failed(last_lines(&ran.output)),
        End::Success if ended.contains(&"ok") => Verdict::Passed,
        End::Deadline => out_of_time(),
        End::Success | End::Failure | End::Enough => no_end(&ran.output),
    }
}

fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(output: &str, end: End) -> Ran {
        Ran { output: output.to_owned(), end }
    }

    #[test]
    fn only_the_named_test_decides() {
        let check = |output: &str, end: End| of_tests(&ran(output, end), "job_stays");
        let passed = "test a::job_stays ... ok\ntest a::job_stays_down ... ok\n";
        assert_eq!(check(passed, End::Success), Verdict::Passed);
        let failed = "test a::job_stays ... FAILED\ntest a::job_stays_down ... ok\n";
        assert!(matches!(check(failed, End::Failure), Verdict::Failed(_)));
        let other = "test a::job_stays_down ... FAILED\ntest a::job_stays ... ok\n";
        assert!(matches!(check(other, End::Failure), Verdict::Nothing(_)));
        assert!(matches!(check("running 0 tests\n", End::Success), Verdict::Nothing(_)));
        assert!(matches!(check(passed, End::Deadline), Verdict::Nothing(_)));
    }

    #[test]
    fn sweep_of_nothing_shows_nothing() {
        let check = |output: &str, end: End| of_sweep(&ran(output, end));
        assert_eq!(check("\n20 scenarios, 300 plans, 0 failures\n", End::Success), Verdict::Passed);
        assert!(matches!(check(SWEEP_FAILURE, End::Enough), Verdict::Failed(_)));
        for (output, end) in [
            ("\n0 scenarios, 0 plans, 0 failures\n", End::Success),
            ("", End::Success),
            ("a panic", End::Failure),
            ("", End::Deadline),
        ] {
            assert!(matches!(check(output, end), Verdict::Nothing(_)), "{output:?}");
        }
    }

    #[test]
    fn program_is_heard_to_its_end_or_to_what_is_enough() {
        let heard = |words: &str| {
            bounded(Command::new("sh").args(["-c", words]), &|line| line == "enough").unwrap()
        };
        assert_eq!(heard("echo a"), ran("a\n", End::Success));
        assert_eq!(heard("echo b; exit 3"), ran("b\n", End::Failure));
        assert_eq!(heard("echo enough; exec sleep 600"), ran("enough\n", End::Enough));
    }
}
