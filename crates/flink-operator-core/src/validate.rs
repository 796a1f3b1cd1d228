//! Checks resources: returns a validated resource, or every fault that it has.
//!
//! The rules are those of the Java operator; a resource that it accepts and deploys is accepted
//! here. Beyond them, whatever would fail later on is found here: options that can not be read, and
//! objects that can not be built.

mod artifact;
mod autoscaler;
mod change;
mod config_file;
mod deployment;
mod ingress;
mod job;
mod options;
mod processes;
mod rules;
mod session_job;
mod state_snapshot;

pub use self::{
    artifact::{JarUri, is_restricted},
    deployment::{Management, ValidDeployment, Workload, deployment},
    ingress::{ValidIngress, ingress},
    job::{CarryOver, DesiredState, ValidJob},
    session_job::{ValidSessionJob, session_job},
    state_snapshot::{SnapshotKind, SnapshotTarget, ValidSnapshot, state_snapshot},
};
pub use crate::fault::Fault;

#[cfg(test)]
mod tests;
