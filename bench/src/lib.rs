//! Benchmarks of an operator on a real cluster: the rig of this repository, whose audit log the times come from.
//!
//! `KUBECONFIG` names the cluster and `AUDIT_LOG` the file of its audit log; `cargo xtask bench-deploy` sets both.

// What is measured,
pub mod deploy;
pub mod manifest;

// who does it,
pub mod bare;
pub mod local;

// what is looked at,
pub mod conditions;
pub mod flink;
pub mod script;
pub mod watched;
pub mod writes;

// and what comes of it.
pub mod outcome;
pub mod report;
pub mod spread;
pub mod upstream;
