//! Measured figures of the Java operator.
//!
//! Version 1.16-SNAPSHOT of July 2026 with the settings of its chart, on the rig of this repository (2 cores), on another
//! day. There were three creations with high availability and a volume: two of Flink 2.2.1, one of 1.20.5. The operator's
//! JVM had just started before the first. See docs/benchmarks.md.

/// Seconds until the Deployment was created, in order of size.
pub const DEPLOYMENT: &str = "0.24, 0.31, 1.69 s";
/// Seconds until Flink reported the job as RUNNING.
pub const JOB_RUNNING: &str = "7.0, 9.4, 11.2 s";
/// Seconds until the status was RUNNING and STABLE.
pub const STABLE: &str = "17.4, 20.4, 31.8 s";
/// The difference: how long the status was late.
pub const LATE_SINCE_STATE: &str = "10.4, 11.1, 20.6 s";
/// All requests until the status was RUNNING and STABLE.
pub const REQUESTS: &str = "35, 36, 37";
/// How many of them wrote the status.
pub const STATUS_WRITES: &str = "18";
/// Seconds from the deletion until all objects were gone.
pub const DELETED: &str = "2.2, 6.3, 6.9 s";
/// Requests for the deletion.
pub const DELETE_REQUESTS: &str = "10";
