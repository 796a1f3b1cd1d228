//! Benchmarks of an operator on a real cluster: the rig of this repository. Its audit log has the times.
//!
//! `KUBECONFIG` names the cluster and `AUDIT_LOG` the file of its audit log; `cargo xtask bench-deploy` sets both.

// The benchmark, and the application that it deploys.
pub mod deploy;
pub mod manifest;

// The writers beside an installed operator.
pub mod bare;
pub mod local;

// What is observed.
pub mod conditions;
pub mod flink;
pub mod script;
pub mod watched;
pub mod writes;

// The results.
pub mod outcome;
pub mod report;
pub mod spread;
pub mod upstream;
