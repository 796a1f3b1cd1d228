//! Pure decisions about Flink clusters. Nothing here awaits, reads a clock or opens a socket.

pub mod build;
pub mod cluster_size;
pub mod conf;
pub mod decision;
pub mod deployment;
pub mod diff;
pub mod effective;
pub mod excluded_periods;
pub mod fault;
pub mod flink_version;
pub mod invariants;
pub mod lifecycle_state;
pub mod names;
pub mod observed;
pub mod pod_template;
pub mod quantity;
pub mod quartz;
pub mod record;
pub mod resources;
pub mod validate;
