//! The cluster as a whole: its version, and counts of TaskManagers, slots and jobs.

use std::fmt;

use http::Method;
use serde::Deserialize;

use crate::client::{FlinkCluster, SMALL};
use crate::error::RestError;
use crate::wire;

impl FlinkCluster {
    /// Version and features of the JobManager. It answers as soon as the REST API is up.
    pub async fn config(&self) -> Result<ClusterConfig, RestError> {
        let call = self.call("read the version of Flink", Method::GET, &["config"]);
        self.fetch(call.at_most(SMALL)).await
    }

    /// Counts of TaskManagers, slots and jobs.
    pub async fn overview(&self) -> Result<ClusterOverview, RestError> {
        let call = self.call("read the overview of the cluster", Method::GET, &["overview"]);
        self.fetch(call.at_most(SMALL)).await
    }
}

/// The answer of `/config`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterConfig {
    /// E.g. `2.3.0` or `1.20-SNAPSHOT`.
    #[serde(rename = "flink-version")]
    pub flink_version: String,
    /// The commit and its time, e.g. `c0f8d1a @ 2026-06-14T16:29:03+02:00`.
    #[serde(default, rename = "flink-revision", deserialize_with = "wire::or_default")]
    pub flink_revision: String,
}

impl ClusterConfig {
    /// The version as numbers; `None` if the text has another form.
    pub fn release(&self) -> Option<FlinkRelease> {
        FlinkRelease::parse(&self.flink_version)
    }
}

/// A minor release of Flink. Some requests have other fields in other releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlinkRelease {
    /// The first number of a version.
    pub major: u16,
    /// The second number of a version.
    pub minor: u16,
}

impl FlinkRelease {
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads the beginning of a version such as `1.20.5` or `2.3-SNAPSHOT`.
    pub fn parse(version: &str) -> Option<Self> {
        let (major, rest) = version.split_once('.')?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for FlinkRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The answer of `/overview`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterOverview {
    /// Registered TaskManagers.
    #[serde(rename = "taskmanagers")]
    pub task_managers: u32,
    /// Slots of all TaskManagers.
    #[serde(rename = "slots-total")]
    pub slots_total: u32,
    /// Slots without a task.
    #[serde(rename = "slots-available")]
    pub slots_available: u32,
    /// Jobs that have not ended.
    #[serde(rename = "jobs-running")]
    pub jobs_running: u32,
    /// Jobs that finished.
    #[serde(rename = "jobs-finished")]
    pub jobs_finished: u32,
    /// Jobs that were cancelled.
    #[serde(rename = "jobs-cancelled")]
    pub jobs_cancelled: u32,
    /// Jobs that failed.
    #[serde(rename = "jobs-failed")]
    pub jobs_failed: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_from_versions_and_compare_as_numbers() {
        assert_eq!(FlinkRelease::parse("1.20.5"), Some(FlinkRelease::new(1, 20)));
        assert_eq!(FlinkRelease::parse("2.3-SNAPSHOT"), Some(FlinkRelease::new(2, 3)));
        for odd in ["", "2", "v2.3", "2.x", "<unknown>", "99999.1"] {
            assert_eq!(FlinkRelease::parse(odd), None, "{odd}");
        }
        assert!(FlinkRelease::new(1, 9) < FlinkRelease::new(1, 20));
    }
}
