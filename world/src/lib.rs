//! The operator's real controllers, caches and clients against a simulated Kubernetes and simulated Flink clusters, in one
//! process and on virtual time; and what is tried there.

pub mod operator;

pub mod explore;
