//! Kubernetes objects out of an effective configuration.
//!
//! What clusters of every kind have in common is here; [`native`] puts it together.

pub mod native;

mod entries;
mod error;
mod flink_conf;
mod hadoop;
mod kerberos;
mod labels;
mod object;
mod parameters;
mod pod;
mod ports;
mod resources;
mod services;
mod task_manager_template;
mod volumes;

pub use error::{BuildError, TemplateError};
