//! The operator's process.
