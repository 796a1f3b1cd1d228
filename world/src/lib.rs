//! A simulated Kubernetes and simulated Flink clusters in one process: the operator's real controllers and clients talk
//! to them, on virtual time, and everything that happens follows from one seed.

#![cfg_attr(
    test,
    allow(
        clippy::needless_pass_by_value,
        reason = "expected values are written where they are passed"
    )
)]

pub mod chance;
mod client;
pub mod clock;
pub mod controllers;
pub mod crash;
pub mod explore;
pub mod fault;
pub mod flink;
pub mod kubernetes;
pub mod log;
mod marks;
pub mod operator;
mod server;
pub mod settings;
mod stream;
mod timers;
pub mod world;

pub use world::{World, run, run_with};

#[cfg(test)]
mod tests;
