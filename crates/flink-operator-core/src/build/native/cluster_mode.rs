//! Application clusters and session clusters.

/// Whether a cluster runs one job or session jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterMode {
    /// One job, which the JobManager starts by its configuration.
    Application,
    /// Any number of jobs, which are submitted through the REST API.
    Session,
}

impl ClusterMode {
    /// The value of `execution.target` for this mode.
    pub fn target(self) -> &'static str {
        match self {
            Self::Application => "kubernetes-application",
            Self::Session => "kubernetes-session",
        }
    }

    pub(super) fn entrypoint_class(self) -> &'static str {
        match self {
            Self::Application => {
                "org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint"
            }
            Self::Session => {
                "org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint"
            }
        }
    }
}
