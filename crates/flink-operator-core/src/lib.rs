//! Pure decisions about Flink clusters. Nothing here awaits, reads a clock or opens a socket.

pub mod build;
pub mod conf;
pub mod diff;
pub mod effective;
pub mod fault;
pub mod flink_version;
pub mod lifecycle_state;
pub mod names;
pub mod pod_template;
pub mod quantity;
pub mod quartz;
pub mod record;
pub mod resources;
