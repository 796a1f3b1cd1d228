//! Code that the tests on real clusters share.
//!
//! `KUBECONFIG` names the cluster. `AUDIT_LOG`, if it is set, is the API server's audit log, in which requests are
//! counted.

pub mod audit;
pub mod born;
pub mod cluster;
pub mod flink;
pub mod golden;
pub mod manifests;
pub mod moments;
pub mod namespace;
pub mod operator;
pub mod stage;
pub mod status;
pub mod wait;
