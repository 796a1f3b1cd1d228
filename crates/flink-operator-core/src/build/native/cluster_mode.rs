//! What a native cluster is there for.

/// What a cluster is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterMode {
    /// One job, which the JobManager starts from its configuration.
    Application,
    /// Any number of jobs, which come over REST.
    Session,
}

impl ClusterMode {
    /// What Flink calls the mode in `execution.target`.
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
