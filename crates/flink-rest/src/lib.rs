//! A client of Flink's REST API, for every supported version (1.19 to 2.3).
//!
//! Only this crate knows the names of Flink's JSON fields. It has no state, repeats no request and decides nothing. Each
//! call sends one request, with a deadline and a limit on the size of the answer.
//!
//! Calls that the operator does not use yet:
//!
//! | Calls | For |
//! |---|---|
//! | [`jars`] | session jobs |
//! | [`FlinkCluster::disposal_status`], [`FlinkCluster::checkpoint_details`] | FlinkStateSnapshot |
//! | [`FlinkCluster::checkpoint_config`] | reading from Flink whether checkpoints outlive their job |
//! | [`FlinkCluster::job`], [`metrics`] of vertices, TaskManagers and the JobManager | the autoscaler |

// How a call is sent, and how it can fail.
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

// Types that several calls use.
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
