//! Building a test program from the copy of the work tree, and running one test in it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use super::Test;
use super::tree::Tree;
use crate::workspace;

/// A test takes seconds, a scenario with all of its crashes some more. What takes longer hangs.
const DEADLINE: Duration = Duration::from_mins(5);

/// What a sweep prints when a run was not as it should be.
const SWEEP_FAILED: &str = "not every plan has ended well";

/// A program with tests in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Core,
    Shell,
    World,
    Costs,
    Sweep,
}

impl Program {
    /// The layer of `cargo xtask test` that it is part of.
    pub(super) fn layer(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Shell => "shell",
            Self::World => "world",
            Self::Costs | Self::Sweep => "sweep",
        }
    }

    /// Where its crate is.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Core => "crates/flink-operator-core",
            Self::Shell => "crates/flink-operator",
            Self::World | Self::Costs | Self::Sweep => "world",
        }
    }

    /// What cargo is asked for. All of the world is built in one profile.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Core => &["test", "--no-run", "-p", "flink-operator-core", "--lib"],
            Self::Shell => &["test", "--no-run", "-p", "flink-operator", "--lib"],
            Self::World => &["test", "--no-run", "--profile", "fast", "-p", "world", "--lib"],
            Self::Costs => {
                &["test", "--no-run", "--profile", "fast", "-p", "world", "--test", "costs"]
            }
            Self::Sweep => &["build", "--profile", "fast", "-p", "world", "--bin", "world"],
        }
    }

    /// Builds it: the path of the program, or what the compiler says against it.
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

/// One message of cargo: something that was built.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// What a test has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// With the end of its output.
    Failed(String),
    /// It has said nothing, and why.
    Nothing(String),
}

/// Runs one test.
pub(super) fn run(test: Test, program: &Path, tree: &Tree) -> anyhow::Result<Verdict> {
    let folder = tree.root().join(test.program().folder());
    let mut command = Command::new(program);
    command.current_dir(&folder).env("CARGO_MANIFEST_DIR", &folder).env("INSTA_UPDATE", "no");
    match test {
        // Of what is no crash, one plan out of many: none.
        Test::Sweep(scenario) => {
            command.args(["sweep", scenario, "--one-of", "1000000", "--show", "3"])
        }
        Test::Core(name) | Test::Shell(name) | Test::World(name) | Test::Costs(name) => {
            command.arg(name)
        }
    };
    let Some((output, success)) = bounded(&mut command)? else {
        return Ok(Verdict::Nothing(format!("no end within {} s", DEADLINE.as_secs())));
    };
    Ok(match test {
        Test::Sweep(_) => of_sweep(&output, success),
        Test::Core(name) | Test::Shell(name) | Test::World(name) | Test::Costs(name) => {
            of_tests(&output, success, name)
        }
    })
}

/// Runs a program to its end, and returns what it has printed and whether it ended well; `None` if it was killed at the
/// deadline.
fn bounded(command: &mut Command) -> anyhow::Result<Option<(String, bool)>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("failed to start the test program")?;
    let mut stdout = child.stdout.take().context("the test program has no output")?;
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens any more once the deadline is over.
        drop(sender.send(read));
    });
    let Ok(read) = receiver.recv_timeout(DEADLINE) else {
        child.kill().context("failed to kill the test program")?;
        child.wait().context("failed to wait for the test program")?;
        return Ok(None);
    };
    let status = child.wait().context("failed to wait for the test program")?;
    drop(reader.join());
    let bytes = read.context("failed to read what the test program printed")?;
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), status.success())))
}

fn of_sweep(output: &str, success: bool) -> Verdict {
    if success && !output.contains("\n0 scenarios") {
        Verdict::Passed
    } else if !success && output.contains(SWEEP_FAILED) {
        Verdict::Failed(end(output))
    } else {
        Verdict::Nothing(format!("the sweep did not come to its end: {}", end(output)))
    }
}

/// A filter takes every test whose path has the name in it: the one that is meant has to be among them.
fn of_tests(output: &str, success: bool, name: &str) -> Verdict {
    let ended: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
        .filter(|(path, _)| path.rsplit("::").next() == Some(name))
        .map(|(_, how)| how)
        .collect();
    if ended.contains(&"FAILED") {
        Verdict::Failed(end(output))
    } else if success && ended.contains(&"ok") {
        Verdict::Passed
    } else {
        Verdict::Nothing(format!("the test did not come to its end: {}", end(output)))
    }
}

fn end(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_test_decides() {
        let name = "job_stays";
        let check = |output: &str, success: bool| of_tests(output, success, name);
        let passed = "test a::job_stays ... ok\ntest a::job_stays_down ... ok\n";
        assert_eq!(check(passed, true), Verdict::Passed);
        let failed = "test a::job_stays ... FAILED\ntest a::job_stays_down ... ok\n";
        assert!(matches!(check(failed, false), Verdict::Failed(_)));
        let other = "test a::job_stays_down ... FAILED\ntest a::job_stays ... ok\n";
        assert!(matches!(check(other, false), Verdict::Nothing(_)));
        assert!(matches!(check("running 0 tests\n", true), Verdict::Nothing(_)));
    }

    #[test]
    fn sweep_of_nothing_shows_nothing() {
        let closing = "\n20 scenarios, 300 plans, 2 failures\n";
        assert_eq!(of_sweep(closing, true), Verdict::Passed);
        let failed = format!("{closing}{SWEEP_FAILED}\n");
        assert!(matches!(of_sweep(&failed, false), Verdict::Failed(_)));
        assert!(matches!(of_sweep("\n0 scenarios, 0 plans\n", true), Verdict::Nothing(_)));
        assert!(matches!(of_sweep("a panic", false), Verdict::Nothing(_)));
    }

    #[test]
    fn program_that_ends_is_heard_and_its_end_is_known() {
        let heard = |words: &str| bounded(Command::new("sh").args(["-c", words])).unwrap();
        assert_eq!(heard("echo a"), Some(("a\n".to_owned(), true)));
        assert_eq!(heard("echo b; exit 3"), Some(("b\n".to_owned(), false)));
    }
}
