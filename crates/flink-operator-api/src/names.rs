//! Names that are stored in clusters and read by other programs, so they must not change.

/// The API group of all four kinds.
pub const GROUP: &str = "flink.apache.org";
/// The only version of the API, served and stored.
pub const VERSION: &str = "v1beta1";
/// Group and version as in `apiVersion`, also inside a recorded spec.
pub const API_VERSION: &str = "flink.apache.org/v1beta1";

/// Finalizers, one per kind. A `FlinkBlueGreenDeployment` has none, since its children have one.
pub mod finalizers {
    /// On every FlinkDeployment.
    pub const FLINK_DEPLOYMENT: &str = "flinkdeployments.flink.apache.org/finalizer";
    /// On every FlinkSessionJob.
    pub const FLINK_SESSION_JOB: &str = "flinksessionjobs.flink.apache.org/finalizer";
    /// On every FlinkStateSnapshot.
    pub const FLINK_STATE_SNAPSHOT: &str = "flinkstatesnapshots.flink.apache.org/finalizer";
}

/// Keys of labels.
pub mod labels {
    /// `"true"` (in any case) marks a canary: a resource that only shows that the operator works.
    pub const CANARY: &str = "flink.apache.org/canary";
    /// On a FlinkSessionJob: the name of its session cluster.
    pub const TARGET_SESSION: &str = "target.session";
    /// On a FlinkStateSnapshot: `SAVEPOINT` or `CHECKPOINT`.
    pub const SNAPSHOT_TYPE: &str = "snapshot.type";
    /// On a FlinkStateSnapshot: why it was taken, a [`SnapshotTriggerType`](crate::SnapshotTriggerType).
    pub const SNAPSHOT_TRIGGER_TYPE: &str = "snapshot.trigger-type";
    /// On a FlinkStateSnapshot: its state, a [`SnapshotState`](crate::SnapshotState).
    pub const SNAPSHOT_STATE: &str = "snapshot.state";
    /// On a FlinkStateSnapshot: the kind of the resource with the job.
    pub const JOB_REFERENCE_KIND: &str = "job-reference.kind";
    /// On a FlinkStateSnapshot: the name of the resource with the job.
    pub const JOB_REFERENCE_NAME: &str = "job-reference.name";
    /// On the child of a FlinkBlueGreenDeployment: `BLUE` or `GREEN`.
    pub const BLUE_GREEN_DEPLOYMENT_TYPE: &str = "flink/blue-green-deployment-type";
    /// On every object of a Flink cluster: the cluster's id.
    pub const APP: &str = "app";
    /// On every object of a Flink cluster: see [`component`](super::component).
    pub const COMPONENT: &str = "component";
    /// On every object of a Flink cluster: see [`cluster_type`](super::cluster_type).
    pub const TYPE: &str = "type";
}

/// Values of the label [`labels::COMPONENT`].
pub mod component {
    /// JobManager Deployments and pods.
    pub const JOB_MANAGER: &str = "jobmanager";
    /// TaskManager Deployments and pods.
    pub const TASK_MANAGER: &str = "taskmanager";
    /// The ingress of a cluster.
    pub const INGRESS: &str = "ingress";
    /// The autoscaler's ConfigMap.
    pub const AUTOSCALER: &str = "autoscaler";
}

/// Values of the label [`labels::TYPE`].
pub mod cluster_type {
    /// Clusters whose TaskManagers Flink itself starts.
    pub const NATIVE: &str = "flink-native-kubernetes";
    /// Clusters whose TaskManagers are a Deployment.
    pub const STANDALONE: &str = "flink-standalone-kubernetes";
}

/// Keys of annotations.
pub mod annotations {
    /// On a JobManager Deployment: `metadata.generation` of the FlinkDeployment it was made from.
    pub const GENERATION: &str = "flinkdeployment.flink.apache.org/generation";
    /// On an Event with reason `JobException`: when the exception happened.
    pub const EXCEPTION_TIMESTAMP: &str = "exception-timestamp";
}

/// The keys that `spec.logConfiguration` may have.
pub const LOG_CONFIGURATION_KEYS: [&str; 2] = ["log4j-console.properties", "logback-console.xml"];

/// The value of `upgradeSavepointPath` after a last-state upgrade, in place of a savepoint's path.
pub const LAST_STATE_SAVEPOINT_PATH: &str = "KUBERNETES_OPERATOR_LAST_STATE";
