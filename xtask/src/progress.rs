//! Runs a long program and prints at least one line every fifteen seconds.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::workspace;

/// Without output for longer than this, people think that the program hangs.
pub const EVERY: Duration = Duration::from_secs(15);

/// How many lines of a program's output are printed when it fails.
const LINES_OF_A_FAILURE: usize = 40;

/// Runs a program and reads its standard error: prints some lines while it runs, and the last lines if it fails.
pub fn run(what: &str, command: &mut Command) -> anyhow::Result<()> {
    let began = Instant::now();
    println!("{what}");
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", workspace::shown(command)))?;
    let errors = child.stderr.take().context("the program has no standard error")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut lines: Vec<String> = Vec::new();
    let mut next = began + EVERY;
    loop {
        match receiver.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Timeout) => {
                let at = lines.last().map_or("", |line| line.trim());
                println!("  {what}: {} s, at: {at}", began.elapsed().as_secs());
                next += EVERY;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait()?;
    if !status.success() {
        let shown = lines.split_at(lines.len().saturating_sub(LINES_OF_A_FAILURE)).1;
        bail!("{} ended with {status}\n{}", workspace::shown(command), shown.join("\n"));
    }
    println!("  {what}: done in {} s", began.elapsed().as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> anyhow::Result<()> {
        run("a test", Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn failure_shows_what_the_program_said_last_and_a_success_nothing_of_it() {
        let error = shell("for i in $(seq 100); do echo line $i >&2; done; exit 3").unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.ends_with("\nline 100"), "{text}");
        assert!(text.contains("\nline 61\n") && !text.contains("\nline 60\n"), "{text}");
        assert!(shell("echo fine >&2").is_ok());
    }
}
