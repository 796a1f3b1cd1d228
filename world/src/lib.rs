//! A simulated Kubernetes in one process: the real `kube::Client` talks to it, on virtual time, and everything that
//! happens follows from one seed.

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
pub mod fault;
pub mod flink;
pub mod kubernetes;
pub mod log;
mod server;
pub mod settings;
mod stream;
mod timers;
pub mod world;

pub use world::{World, run, run_with};

#[cfg(test)]
mod tests;
