//! One pass over a resource, whatever its kind: what it starts from, what it decides, and what it writes.

pub mod inputs;
pub mod settings;

pub(crate) mod recorded;

pub mod decision;
pub mod questions;

pub(crate) mod conditions;
pub(crate) mod notes;
pub(crate) mod pass;
pub(crate) mod progress;

pub use inputs::{FreshIds, Inputs, Platform};
pub use settings::Settings;
