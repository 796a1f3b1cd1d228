//! Logs: text for people, JSON for machines, to standard error.

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging. `filter` is in the syntax of `RUST_LOG`, for example `info,flink_operator=debug`.
///
/// # Errors
///
/// The filter cannot be parsed, or logging has been started before.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry
            .with(
                fmt::layer()
                    .with_writer(|| OneLine(io::stderr()))
                    .with_target(false)
                    .with_ansi(std::io::stderr().is_terminal()),
            )
            .try_init()?,
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init()?,
    }
    Ok(())
}

/// Writes each event on one line. Texts of users are part of events (the last lines of a container, messages of exceptions), and
/// a line break in them must not begin what looks like another event.
#[derive(Debug)]
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// The formatter writes an event, with the line break at its end, in one call.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (line, end) = match text.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (text.as_ref(), ""),
        };
        self.0.write_all((escaped(line) + end).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Escapes control characters. The start of a colour is left alone: the formatter escapes those that are not its own.
fn escaped(line: &str) -> String {
    const COLOUR: char = '\u{1b}';
    let mut escaped = String::with_capacity(line.len());
    for letter in line.chars() {
        if letter.is_control() && letter != COLOUR {
            escaped.extend(letter.escape_default());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_of_a_user_does_not_begin_another_event() {
        let mut writer = OneLine(Vec::new());
        let event = "INFO decided message=exit code 1: a\r\nINFO all is well\tb\n";
        assert_eq!(writer.write(event.as_bytes()).unwrap(), event.len());
        let written = String::from_utf8(writer.0).unwrap();
        assert_eq!(written, "INFO decided message=exit code 1: a\\r\\nINFO all is well\\tb\n");
    }
}
