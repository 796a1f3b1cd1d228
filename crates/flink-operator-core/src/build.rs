//! Builds Kubernetes objects from an effective configuration.
//!
//! [`native`] builds all objects of a native cluster. It puts them together from the other modules, each
//! of which builds one part.

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
