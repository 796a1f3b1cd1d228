//! Options of high availability, and whether it is on.

use jiff::SignedDuration;

use crate::conf::{ConfigError, ConfigOption, Configuration};

/// `NONE`, `kubernetes`, `zookeeper`, or the class name of a factory. Ask [`HighAvailability::of`].
pub const TYPE: ConfigOption<String> = ConfigOption::new("high-availability.type")
    .fallback(&["recovery.mode", "high-availability"])
    .default_text("NONE");

/// Name under which the cluster keeps its metadata.
pub const CLUSTER_ID: ConfigOption<String> = ConfigOption::new("high-availability.cluster-id")
    .fallback(&["high-availability.zookeeper.path.namespace", "recovery.zookeeper.path.namespace"])
    .default_text("/default");

/// Folder that survives the JobManager; needed when high availability is on.
pub const STORAGE_DIR: ConfigOption<String> = ConfigOption::new("high-availability.storageDir")
    .fallback(&["high-availability.zookeeper.storageDir", "recovery.zookeeper.storageDir"]);

/// Port or range of ports of the JobManager's RPC when high availability is on; 0 is any.
pub const JOB_MANAGER_PORT: ConfigOption<String> =
    ConfigOption::new("high-availability.jobmanager.port")
        .fallback(&["recovery.jobmanager.port"])
        .default_text("0");

/// How long a leader may stay silent.
pub const KUBERNETES_LEASE_DURATION: ConfigOption<SignedDuration> =
    ConfigOption::new("high-availability.kubernetes.leader-election.lease-duration")
        .default_text("15 s");

/// How long a leader tries to renew its lease before it gives up.
pub const KUBERNETES_RENEW_DEADLINE: ConfigOption<SignedDuration> =
    ConfigOption::new("high-availability.kubernetes.leader-election.renew-deadline")
        .default_text("15 s");

/// Pause between two attempts to become the leader.
pub const KUBERNETES_RETRY_PERIOD: ConfigOption<SignedDuration> =
    ConfigOption::new("high-availability.kubernetes.leader-election.retry-period")
        .default_text("5 s");

/// Addresses of ZooKeeper's servers.
pub const ZOOKEEPER_QUORUM: ConfigOption<String> =
    ConfigOption::new("high-availability.zookeeper.quorum")
        .fallback(&["recovery.zookeeper.quorum"]);

/// Node in ZooKeeper under which all clusters live.
pub const ZOOKEEPER_PATH_ROOT: ConfigOption<String> =
    ConfigOption::new("high-availability.zookeeper.path.root")
        .fallback(&["recovery.zookeeper.path.root"])
        .default_text("/flink");

/// Node of the submitted jobs in Flink 1.
pub const ZOOKEEPER_PATH_JOB_GRAPHS: ConfigOption<String> =
    ConfigOption::new("high-availability.zookeeper.path.jobgraphs")
        .fallback(&["recovery.zookeeper.path.jobgraphs"])
        .default_text("/jobgraphs");

/// Node of the submitted jobs in Flink 2.
pub const ZOOKEEPER_PATH_EXECUTION_PLANS: ConfigOption<String> =
    ConfigOption::new("high-availability.zookeeper.path.execution-plans")
        .fallback(&[
            "recovery.zookeeper.path.jobgraphs",
            "high-availability.zookeeper.path.jobgraphs",
        ])
        .default_text("/execution-plans");

/// Node of the submitted applications in Flink 2.3 and later.
pub const ZOOKEEPER_PATH_APPLICATIONS: ConfigOption<String> =
    ConfigOption::new("high-availability.zookeeper.path.applications")
        .default_text("/applications");

/// Folder of the results of finished jobs; by default below the storage folder.
pub const JOB_RESULT_STORE_PATH: ConfigOption<String> =
    ConfigOption::new("job-result-store.storage-path");

/// Whether the result of a job is deleted once the job is cleaned up.
pub const JOB_RESULT_STORE_DELETE_ON_COMMIT: ConfigOption<bool> =
    ConfigOption::new("job-result-store.delete-on-commit").default_text("true");

/// Folder of the results of applications in Flink 2.3 and later; by default below the storage folder.
pub const APPLICATION_RESULT_STORE_PATH: ConfigOption<String> =
    ConfigOption::new("application-result-store.storage-path");

/// The kinds of high availability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HighAvailability {
    /// The JobManager's memory is all there is.
    Off,
    /// Metadata in ConfigMaps.
    Kubernetes,
    /// Metadata in ZooKeeper.
    ZooKeeper,
    /// Services made by the factory class of this name.
    Custom(String),
}

/// Class name of Flink's own factory, the long spelling of `kubernetes`.
const KUBERNETES_FACTORY: &str =
    "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory";

impl HighAvailability {
    /// Reads the kind of high availability. The names are compared without regard to case; any other
    /// text is a class name.
    pub fn of(configuration: &Configuration) -> Result<Self, ConfigError> {
        let text = configuration.get_or_default(&TYPE)?;
        Ok(match text.to_lowercase().as_str() {
            "none" => Self::Off,
            "kubernetes" => Self::Kubernetes,
            "zookeeper" => Self::ZooKeeper,
            _ if text.eq_ignore_ascii_case(KUBERNETES_FACTORY) => Self::Kubernetes,
            _ => Self::Custom(text),
        })
    }

    /// Whether the cluster's metadata outlives the JobManager.
    pub fn is_on(&self) -> bool {
        match self {
            Self::Off => false,
            Self::Kubernetes | Self::ZooKeeper | Self::Custom(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(key: &str, value: &str) -> HighAvailability {
        HighAvailability::of(&[(key, value)].into_iter().collect()).unwrap()
    }

    #[test]
    fn high_availability_is_off_by_default_and_on_for_any_other_kind() {
        assert_eq!(HighAvailability::of(&Configuration::new()), Ok(HighAvailability::Off));
        assert_eq!(kind("high-availability.type", "None"), HighAvailability::Off);
        assert_eq!(kind("high-availability.type", "KUBERNETES"), HighAvailability::Kubernetes);
        assert_eq!(
            kind("high-availability.type", KUBERNETES_FACTORY),
            HighAvailability::Kubernetes
        );
        let custom = kind("high-availability.type", "com.example.Factory");
        assert_eq!(custom, HighAvailability::Custom("com.example.Factory".to_owned()));
        assert!(custom.is_on());
    }

    #[test]
    fn older_spellings_of_the_kind_count() {
        assert_eq!(kind("high-availability", "zookeeper"), HighAvailability::ZooKeeper);
        assert_eq!(kind("recovery.mode", "zookeeper"), HighAvailability::ZooKeeper);
    }
}
