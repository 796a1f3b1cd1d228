//! Checks resources: returns a validated resource, or every fault that it has.
//!
//! The rules are those of the Java operator: a resource that it accepts and deploys is also accepted
//! here. Further rules find what would fail later: options that cannot be parsed, and objects that
//! cannot be built.

// What every check needs: the options of the resource, and the faults found so far.
mod rules;

// Parts of a resource.
mod options;

mod job;
mod processes;

mod artifact;
mod ingress;

mod autoscaler;

mod change;
mod config_file;
mod pods;

// Whole resources.
mod deployment;
mod session_job;
mod state_snapshot;

pub use self::{
    artifact::{JarUri, is_restricted},
    deployment::{Management, ValidDeployment, Workload, deployment},
    ingress::{ValidIngress, ingress},
    job::{DesiredState, ValidJob, ValidUpgradeMode},
    session_job::{ValidSessionJob, session_job},
    state_snapshot::{SnapshotKind, SnapshotTarget, ValidSnapshot, state_snapshot},
};
pub use crate::fault::Fault;

#[cfg(test)]
mod tests;
