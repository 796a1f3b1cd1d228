//! A client of Flink's REST API, for every supported version (1.19 to 2.3).
//!
//! Only this crate knows the names of Flink's JSON fields. It sends what it is told to and reports what it is told: no
//! retries, no state, no decisions. Every call is one request with a deadline and a cap on its answer.

// How a call travels, and what becomes of it.
pub mod client;
pub mod error;
pub mod transport;

// The calls.
pub mod checkpoints;
pub mod cluster;
pub mod jars;
pub mod jobs;
pub mod metrics;
pub mod savepoints;

// What they are made of.
pub mod ids;
pub mod operation;
pub mod throwable;
mod wire;

pub use client::{BaseUrlError, FlinkCluster, FlinkRest};
pub use cluster::FlinkRelease;
pub use error::RestError;
pub use ids::{JarId, JarName, JobId, TriggerId, VertexId};
pub use jobs::JobStatus;
pub use operation::AsyncStatus;
pub use throwable::Throwable;
pub use transport::{HttpOptions, TlsOptions, Transport, TransportError};
