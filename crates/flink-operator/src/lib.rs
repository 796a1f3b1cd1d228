//! The operator's process: what is watched, asked, carried out and told. What is decided is in `flink-operator-core`.

pub mod cli;
pub mod clock;
pub mod config;
pub mod controllers;
pub mod create;
pub mod deadline;
pub mod events;
pub mod execute;
pub mod memory;
pub mod metrics;
pub mod observe;
pub mod own_writes;
pub mod process;
pub mod render;
pub mod rest;
pub mod server;
pub mod status;
pub mod telemetry;
pub mod watches;
