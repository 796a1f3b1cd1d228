//! Options of Flink's Kubernetes client: names, images, Services, resources of the pods.

use std::collections::BTreeMap;

use crate::conf::{ConfigEnum, ConfigOption};

/// Name of the cluster, which all its objects carry; the name of the FlinkDeployment.
/// At most 45 characters.
pub const CLUSTER_ID: ConfigOption<String> = ConfigOption::new("kubernetes.cluster-id");

/// Namespace of the cluster.
pub const NAMESPACE: ConfigOption<String> =
    ConfigOption::new("kubernetes.namespace").default_text("default");

/// Context of the kubeconfig file; of the client only, yet it stays in the ConfigMap.
pub const CONTEXT: ConfigOption<String> = ConfigOption::new("kubernetes.context");

/// Path of a kubeconfig file; of the client only.
pub const CONFIG_FILE: ConfigOption<String> = ConfigOption::new("kubernetes.config.file");

/// Image of JobManager and TaskManagers. Flink's own default names its own version, so there is
/// none here.
pub const CONTAINER_IMAGE: ConfigOption<String> =
    ConfigOption::new("kubernetes.container.image.ref").fallback(&["kubernetes.container.image"]);

/// When the kubelet pulls the image.
pub const CONTAINER_IMAGE_PULL_POLICY: ConfigOption<ImagePullPolicy> =
    ConfigOption::new("kubernetes.container.image.pull-policy").default_text("IfNotPresent");

/// Secrets with the credentials of the registry, added to those of the pod template.
pub const CONTAINER_IMAGE_PULL_SECRETS: ConfigOption<Vec<String>> =
    ConfigOption::new("kubernetes.container.image.pull-secrets");

/// Service account of JobManager and TaskManagers.
pub const SERVICE_ACCOUNT: ConfigOption<String> =
    ConfigOption::new("kubernetes.service-account").default_text("default");

/// Service account of the JobManager.
pub const JOB_MANAGER_SERVICE_ACCOUNT: ConfigOption<String> =
    ConfigOption::new("kubernetes.jobmanager.service-account")
        .fallback(&["kubernetes.service-account"])
        .default_text("default");

/// Service account of the TaskManagers.
pub const TASK_MANAGER_SERVICE_ACCOUNT: ConfigOption<String> =
    ConfigOption::new("kubernetes.taskmanager.service-account")
        .fallback(&["kubernetes.service-account"])
        .default_text("default");

/// Number of JobManager pods; more than one needs high availability.
pub const JOB_MANAGER_REPLICAS: ConfigOption<i32> =
    ConfigOption::new("kubernetes.jobmanager.replicas").default_text("1");

/// Number of TaskManager pods of a standalone cluster.
pub const TASK_MANAGER_REPLICAS: ConfigOption<i32> =
    ConfigOption::new("kubernetes.internal.taskmanager.replicas").default_text("1");

/// Whether a standalone cluster runs one application or is a session.
pub const CLUSTER_MODE: ConfigOption<ClusterMode> =
    ConfigOption::new("kubernetes.internal.cluster-mode");

/// Main class of a native JobManager.
pub const JOB_MANAGER_ENTRYPOINT_CLASS: ConfigOption<String> =
    ConfigOption::new("kubernetes.internal.jobmanager.entrypoint.class");

/// CPU cores of the JobManager.
pub const JOB_MANAGER_CPU: ConfigOption<f64> =
    ConfigOption::new("kubernetes.jobmanager.cpu.amount")
        .fallback(&["kubernetes.jobmanager.cpu"])
        .default_text("1.0");

/// CPU limit as a multiple of the request; at least 1.
pub const JOB_MANAGER_CPU_LIMIT_FACTOR: ConfigOption<f64> =
    ConfigOption::new("kubernetes.jobmanager.cpu.limit-factor").default_text("1.0");

/// Memory limit as a multiple of the request; at least 1.
pub const JOB_MANAGER_MEMORY_LIMIT_FACTOR: ConfigOption<f64> =
    ConfigOption::new("kubernetes.jobmanager.memory.limit-factor").default_text("1.0");

/// CPU cores of a TaskManager; a negative amount means one for each slot.
pub const TASK_MANAGER_CPU: ConfigOption<f64> =
    ConfigOption::new("kubernetes.taskmanager.cpu.amount")
        .fallback(&["kubernetes.taskmanager.cpu"])
        .default_text("-1.0");

/// CPU limit as a multiple of the request; at least 1.
pub const TASK_MANAGER_CPU_LIMIT_FACTOR: ConfigOption<f64> =
    ConfigOption::new("kubernetes.taskmanager.cpu.limit-factor").default_text("1.0");

/// Memory limit as a multiple of the request; at least 1.
pub const TASK_MANAGER_MEMORY_LIMIT_FACTOR: ConfigOption<f64> =
    ConfigOption::new("kubernetes.taskmanager.memory.limit-factor").default_text("1.0");

/// Labels of the JobManager's Deployment and pods.
pub const JOB_MANAGER_LABELS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.jobmanager.labels");

/// Labels of the TaskManager pods.
pub const TASK_MANAGER_LABELS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.taskmanager.labels");

/// Annotations of the JobManager's Deployment and pods.
pub const JOB_MANAGER_ANNOTATIONS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.jobmanager.annotations");

/// Annotations of the TaskManager pods.
pub const TASK_MANAGER_ANNOTATIONS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.taskmanager.annotations");

/// Labels of the nodes on which the JobManager may run.
pub const JOB_MANAGER_NODE_SELECTOR: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.jobmanager.node-selector");

/// Labels of the nodes on which TaskManagers may run.
pub const TASK_MANAGER_NODE_SELECTOR: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.taskmanager.node-selector");

/// Tolerations, each with `key`, `operator`, `value`, `effect` and `tolerationSeconds`.
pub const JOB_MANAGER_TOLERATIONS: ConfigOption<Vec<BTreeMap<String, String>>> =
    ConfigOption::new("kubernetes.jobmanager.tolerations");

/// Tolerations, each with `key`, `operator`, `value`, `effect` and `tolerationSeconds`.
pub const TASK_MANAGER_TOLERATIONS: ConfigOption<Vec<BTreeMap<String, String>>> =
    ConfigOption::new("kubernetes.taskmanager.tolerations");

/// Owners of the Deployment, each with `apiVersion`, `kind`, `name`, `uid`,
/// `blockOwnerDeletion` and `controller`.
pub const JOB_MANAGER_OWNER_REFERENCE: ConfigOption<Vec<BTreeMap<String, String>>> =
    ConfigOption::new("kubernetes.jobmanager.owner.reference");

/// Text behind the JobManager's command.
pub const JOB_MANAGER_ENTRYPOINT_ARGS: ConfigOption<String> =
    ConfigOption::new("kubernetes.jobmanager.entrypoint.args").default_text("");

/// Text behind the TaskManager's command.
pub const TASK_MANAGER_ENTRYPOINT_ARGS: ConfigOption<String> =
    ConfigOption::new("kubernetes.taskmanager.entrypoint.args").default_text("");

/// Executable that every container starts.
pub const ENTRY_PATH: ConfigOption<String> =
    ConfigOption::new("kubernetes.entry.path").default_text("/docker-entrypoint.sh");

/// File with the pod template of JobManager and TaskManagers.
pub const POD_TEMPLATE: ConfigOption<String> =
    ConfigOption::new("kubernetes.pod-template-file.default")
        .fallback(&["kubernetes.pod-template-file"]);

/// File with the pod template of the JobManager.
pub const JOB_MANAGER_POD_TEMPLATE: ConfigOption<String> =
    ConfigOption::new("kubernetes.pod-template-file.jobmanager")
        .fallback(&["kubernetes.pod-template-file", "kubernetes.pod-template-file.default"]);

/// File with the pod template of the TaskManagers.
pub const TASK_MANAGER_POD_TEMPLATE: ConfigOption<String> =
    ConfigOption::new("kubernetes.pod-template-file.taskmanager")
        .fallback(&["kubernetes.pod-template-file", "kubernetes.pod-template-file.default"]);

/// Secrets to mount, by name, with the path of each.
pub const SECRETS: ConfigOption<BTreeMap<String, String>> = ConfigOption::new("kubernetes.secrets");

/// Environment variables out of Secrets, each with `env`, `secret` and `key`.
pub const ENV_SECRET_KEY_REF: ConfigOption<Vec<BTreeMap<String, String>>> =
    ConfigOption::new("kubernetes.env.secretKeyRef");

/// Persistent volume claims to mount, by name, with the path of each (Flink 2.3).
pub const PERSISTENT_VOLUME_CLAIMS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.persistent-volume-claims");

/// Whether the claims are mounted for reading only (Flink 2.3).
pub const PERSISTENT_VOLUME_CLAIM_READ_ONLY: ConfigOption<bool> =
    ConfigOption::new("kubernetes.persistent-volume-claim-read-only").default_text("false");

/// Whether the pods use the network of their node.
pub const HOST_NETWORK: ConfigOption<bool> =
    ConfigOption::new("kubernetes.hostnetwork.enabled").default_text("false");

/// Folder of the configuration in the containers.
pub const FLINK_CONF_DIR: ConfigOption<String> =
    ConfigOption::new("kubernetes.flink.conf.dir").default_text("/opt/flink/conf");

/// Folder of the logs in the containers.
pub const FLINK_LOG_DIR: ConfigOption<String> = ConfigOption::new("kubernetes.flink.log.dir");

/// An existing ConfigMap with Hadoop's configuration.
pub const HADOOP_CONF_CONFIG_MAP: ConfigOption<String> =
    ConfigOption::new("kubernetes.hadoop.conf.config-map.name");

/// Whether Hadoop's configuration is mounted.
pub const HADOOP_CONF_MOUNT_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.decorator.hadoop-conf-mount.enabled").default_text("true");

/// Whether Kerberos' files are mounted.
pub const KERBEROS_MOUNT_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.decorator.kerberos-mount.enabled").default_text("true");

/// Type of the Service in front of the REST API.
pub const REST_SERVICE_EXPOSED_TYPE: ConfigOption<ServiceExposedType> =
    ConfigOption::new("kubernetes.rest-service.exposed.type").default_text("ClusterIP");

/// Annotations of the REST Service.
pub const REST_SERVICE_ANNOTATIONS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.rest-service.annotations");

/// Labels of the REST Service (Flink 2.2).
pub const REST_SERVICE_LABELS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.rest-service.labels");

/// Which address of a node is used with a Service of type NodePort.
pub const NODE_PORT_ADDRESS_TYPE: ConfigOption<String> =
    ConfigOption::new("kubernetes.rest-service.exposed.node-port-address-type")
        .default_text("InternalIP");

/// Annotations of the internal Service.
pub const INTERNAL_SERVICE_ANNOTATIONS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.internal-service.annotations");

/// Labels of the internal Service (Flink 2.2).
pub const INTERNAL_SERVICE_LABELS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.internal-service.labels");

/// Names of resources such as GPUs; each has keys `external-resource.<name>.…`.
pub const EXTERNAL_RESOURCES: ConfigOption<Vec<String>> =
    ConfigOption::new("external-resources").default_text("");

/// Start of keys whose rest is the name of an environment variable of the JobManager.
pub const MASTER_ENV_PREFIX: &str = "containerized.master.env.";

/// Start of keys whose rest is the name of an environment variable of the TaskManagers.
pub const TASK_MANAGER_ENV_PREFIX: &str = "containerized.taskmanager.env.";

/// Start of the keys of one external resource: `external-resource.<name>.amount` and so on.
pub const EXTERNAL_RESOURCE_PREFIX: &str = "external-resource.";

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePullPolicy {
    IfNotPresent,
    Always,
    Never,
}

impl ConfigEnum for ImagePullPolicy {
    const NAMES: &'static [(&'static str, Self)] =
        &[("IfNotPresent", Self::IfNotPresent), ("Always", Self::Always), ("Never", Self::Never)];
}

/// How the REST API can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceExposedType {
    ClusterIp,
    NodePort,
    LoadBalancer,
    /// A ClusterIP Service without an address of its own; its name resolves to the pods.
    HeadlessClusterIp,
}

impl ConfigEnum for ServiceExposedType {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("ClusterIP", Self::ClusterIp),
        ("NodePort", Self::NodePort),
        ("LoadBalancer", Self::LoadBalancer),
        ("Headless_ClusterIP", Self::HeadlessClusterIp),
    ];
}

/// What a standalone cluster runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterMode {
    Application,
    Session,
}

impl ConfigEnum for ClusterMode {
    const NAMES: &'static [(&'static str, Self)] =
        &[("APPLICATION", Self::Application), ("SESSION", Self::Session)];
}
