//! The simulated Kubernetes as its clients see it, what its controllers do, and its rules one by one.

#![allow(
    clippy::needless_pass_by_value,
    reason = "expected values are written where they are passed"
)]

#[cfg(test)]
mod api_server;
#[cfg(test)]
mod chance;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod controllers;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod log;
#[cfg(test)]
mod timers;
