//! Builds Kubernetes objects from an effective configuration.
//!
//! [`native`] builds all objects of a native cluster. It puts them together from the other modules, each
//! of which builds one part.

pub mod native;

// The configuration, parsed.
mod parameters;

mod entries;
mod ports;

// Parts of Kubernetes objects.
mod labels;
mod object;

mod pod;
mod resources;
mod volumes;

// Objects, and what they add to the JobManager's pod.
mod services;

mod hadoop;
mod kerberos;

mod flink_conf;
mod task_manager_template;

mod error;

pub use error::{BuildError, TemplateError};
