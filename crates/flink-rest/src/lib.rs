//! A client of Flink's REST API, for every supported version (1.19 to 2.3).
//!
//! Only this crate knows the names of Flink's JSON fields. It sends what it is told to and reports what it is told: no
//! retries, no state, no decisions. Every call is one request with a deadline and a cap on its answer.

pub mod checkpoints;
pub mod client;
pub mod cluster;
pub mod error;
pub mod ids;
pub mod jars;
pub mod jobs;
pub mod metrics;
pub mod operation;
pub mod savepoints;
pub mod throwable;
pub mod transport;
mod wire;

pub use client::{BaseUrlError, FlinkCluster, FlinkRest};
pub use cluster::FlinkRelease;
pub use error::RestError;
pub use ids::{JarId, JarName, JobId, TriggerId, VertexId};
pub use jobs::JobStatus;
pub use operation::AsyncStatus;
pub use throwable::Throwable;
pub use transport::{HttpOptions, TlsOptions, Transport, TransportError};
