//! Pure decisions about Flink clusters. Nothing here awaits, reads a clock or opens a socket.

// What a resource says.
pub mod names;

pub mod conf;
pub mod flink_version;
pub mod quantity;
pub mod resources;

pub mod pod_template;

pub mod admission;

pub mod excluded_periods;
pub mod quartz;

pub mod effective;

pub mod fault;
pub mod validate;

// What its cluster is made of.
pub mod build;
pub mod cluster_size;

// What was seen, and what the status records.
pub mod observed;

pub mod diff;
pub mod lifecycle_state;
pub mod record;

pub mod rest_endpoint;

// What a pass decides.
pub mod reconcile;

pub(crate) mod job;

pub(crate) mod cluster;

pub mod deployment;

// What no decision may do.
pub mod invariants;
