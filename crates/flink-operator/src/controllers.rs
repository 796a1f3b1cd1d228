//! The controllers: one for each kind, and what they share.

pub mod deployment;

pub mod backoff;
pub mod pass;
pub mod release;
