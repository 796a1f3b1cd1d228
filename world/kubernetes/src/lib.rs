//! A simulated Kubernetes: an API server with controllers, and the clients that talk to it, on virtual time. Everything
//! that happens in it follows from one seed.

pub mod world;

pub mod api_server;
pub mod controllers;

pub mod client;
mod server;
pub mod settings;
pub mod stream;

pub mod crash;
pub mod fault;
pub mod marks;

pub mod log;

pub mod chance;
pub mod clock;
pub mod timers;

pub use world::{World, run, run_with};
