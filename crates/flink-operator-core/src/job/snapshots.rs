//! Savepoints and checkpoints of a running job.

pub(crate) mod request;
pub(crate) mod retention;
pub(crate) mod schedule;
