//! What the tests against real clusters share.
//!
//! `KUBECONFIG` names the cluster. `AUDIT_LOG`, where it is set, is the API server's audit log, from which requests are
//! counted.

pub mod audit;
pub mod cluster;
pub mod flink;
pub mod manifests;
pub mod namespace;
pub mod operator;
pub mod wait;
