//! The operator's process: which objects it watches, what it asks Flink, how it carries decisions out and reports them.
//! The decisions are made in `flink-operator-core`.

// Start and stop, the command line, the configuration.
pub mod cli;
pub mod config;
pub mod process;
pub mod render;

// A pass: what starts it, what it observes, how its decision is carried out.
pub mod controllers;
pub mod execute;
pub mod observe;
pub mod status;
pub mod watches;

// What passes share.
pub mod clock;
pub mod deadline;
pub mod flink_api;
pub mod ha_data;
pub mod kind;
pub mod own_writes;
pub mod pod_index;
pub mod resource_cache;
pub mod rest_gate;

// What is reported.
pub mod events;
pub mod metrics;
pub mod server;
pub mod telemetry;
