//! Recordings of what Flink's clients send to Kubernetes, for tests that compare our objects with them.
//!
//! A client is one release of Flink, or the Java operator with the client that it links. Its recording is
//! one file of lines, such as `1.20.5.jsonl`, with a case per line. [`find`] also reads the layout in which
//! the recordings are made: a folder per client, in it a folder per case.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod case;
mod folder;
mod lines;
mod recording;

pub use case::{Case, Sent};
pub use lines::{file_name, write};
pub use recording::{Client, Recording, find};
