//! FlinkDeployment: a Flink cluster with one job (application) or with many (session).

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    FlinkConfiguration, FlinkVersionName, JobSpec, PodTemplate, Resource, ResourceRequirements,
    status::{Condition, JobStatus, LifecycleState, ReconciliationStatus},
    tolerant::null_as_default,
};

kind! {
    /// A Flink cluster: an application cluster if `spec.job` is set, else a session cluster.
    pub struct FlinkDeployment {
        spec: FlinkDeploymentSpec,
        status: FlinkDeploymentStatus,
        plural: "flinkdeployments",
        singular: "flinkdeployment",
        short_name: "flinkdep",
        columns: [("Job Status", ".status.jobStatus.state"), ("Lifecycle State", ".status.lifecycleState")],
        scale: true,
    }
}

/// The desired cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkDeploymentSpec {
    /// The job of an application cluster. Unset: a session cluster, to which FlinkSessionJobs are
    /// submitted. A deployed cluster cannot be switched from one to the other.
    pub job: Option<JobSpec>,
    /// A new value restarts the cluster, as a change of the spec does.
    pub restart_nonce: Option<i64>,
    /// Flink options, flat (`taskmanager.numberOfTaskSlots: "2"`) or nested. They override the
    /// operator's defaults. Keys with the prefix `kubernetes.operator.` or `job.autoscaler.`
    /// configure how the operator treats this resource.
    pub flink_configuration: Option<FlinkConfiguration>,
    /// Image of JobManager and TaskManagers. Unset: the official image of `flinkVersion`.
    pub image: Option<String>,
    /// When to pull the image: `IfNotPresent`, `Always` or `Never`.
    pub image_pull_policy: Option<String>,
    /// Service account of the cluster's pods. Required. The chart creates `flink` for it.
    pub service_account: Option<String>,
    /// Minor version of Flink in the image, for example `v1_20` or `v2_2`. Required.
    pub flink_version: Option<FlinkVersionName>,
    /// Publishes Flink's web interface through an ingress.
    pub ingress: Option<IngressSpec>,
    /// Template for the pods of JobManager and TaskManagers: a Pod, whose container
    /// `flink-main-container` is the Flink process.
    pub pod_template: Option<PodTemplate>,
    /// The JobManager.
    pub job_manager: Option<JobManagerSpec>,
    /// The TaskManagers.
    pub task_manager: Option<TaskManagerSpec>,
    /// Files for Flink's logging, by name: `log4j-console.properties` or `logback-console.xml`.
    pub log_configuration: Option<BTreeMap<String, String>>,
    /// Who starts TaskManagers: `native` (default), Flink itself, as many as the job needs;
    /// `standalone`, a Deployment with a fixed number. It cannot be changed once deployed.
    pub mode: Option<DeploymentMode>,
}

impl Default for FlinkDeploymentSpec {
    fn default() -> Self {
        Self {
            job: None,
            restart_nonce: None,
            flink_configuration: Some(FlinkConfiguration::default()),
            image: None,
            image_pull_policy: None,
            service_account: None,
            flink_version: None,
            ingress: None,
            pod_template: None,
            job_manager: None,
            task_manager: None,
            log_configuration: None,
            mode: None,
        }
    }
}

/// The JobManager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct JobManagerSpec {
    /// CPU and memory in Flink's notation. Deprecated: use `resources`, which overrides it.
    pub resource: Option<Resource>,
    /// Requests and limits of the Flink container.
    pub resources: Option<ResourceRequirements>,
    /// Number of JobManagers, 1 by default. More than one are standbys and need high availability.
    #[serde(deserialize_with = "null_as_default")]
    pub replicas: i32,
    /// Template for JobManager pods, merged over `spec.podTemplate`.
    pub pod_template: Option<PodTemplate>,
}

impl Default for JobManagerSpec {
    fn default() -> Self {
        Self { resource: None, resources: None, replicas: 1, pod_template: None }
    }
}

/// The TaskManagers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct TaskManagerSpec {
    /// CPU and memory in Flink's notation. Deprecated: use `resources`, which overrides it.
    pub resource: Option<Resource>,
    /// Requests and limits of the Flink container.
    pub resources: Option<ResourceRequirements>,
    /// Number of TaskManagers, at least 1. Only standalone clusters use it; unset: as many as the
    /// job's parallelism needs.
    pub replicas: Option<i32>,
    /// Template for TaskManager pods, merged over `spec.podTemplate`.
    pub pod_template: Option<PodTemplate>,
}

/// An ingress for Flink's web interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct IngressSpec {
    /// Host and path, with placeholders: `{{name}}.{{namespace}}.example.com` or
    /// `example.com/{{namespace}}/{{name}}(/|$)(.*)`. Required.
    pub template: Option<String>,
    /// Name of the IngressClass. Unset: the default of the cluster.
    pub class_name: Option<String>,
    /// Annotations of the ingress.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Labels of the ingress.
    pub labels: Option<BTreeMap<String, String>>,
    /// Certificates of the ingress.
    pub tls: Option<Vec<IngressTls>>,
}

/// A certificate of an ingress.
///
/// It is a Kubernetes object, so unset fields are left out when it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct IngressTls {
    /// Hosts that the certificate is for. Unset: all hosts of the ingress.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Name of the Secret with the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}

open_enum! {
    /// Who starts TaskManagers.
    pub enum DeploymentMode {
        /// Flink itself, as many as the job needs.
        Native = "native",
        /// A Deployment with a fixed number.
        Standalone = "standalone",
    }
}

/// Status of a cluster, written by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkDeploymentStatus {
    /// The job of an application cluster, as last observed.
    #[serde(deserialize_with = "null_as_default")]
    pub job_status: JobStatus,
    /// The last error, as JSON with `type` and `message`. Unset if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `metadata.generation` of the spec that is recorded as last reconciled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Lifecycle state of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_state: Option<LifecycleState>,
    /// Facts about the running cluster: its Flink version and revision, CPU, memory, size of state.
    #[serde(deserialize_with = "null_as_default")]
    pub cluster_info: BTreeMap<String, String>,
    /// State of the JobManager's Deployment.
    #[serde(deserialize_with = "null_as_default")]
    pub job_manager_deployment_status: JobManagerDeploymentStatus,
    /// The spec that was deployed last, and the last stable one.
    #[serde(deserialize_with = "null_as_default")]
    pub reconciliation_status: ReconciliationStatus,
    /// The TaskManagers of an application cluster, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_manager: Option<TaskManagerInfo>,
    /// Conditions, by type.
    #[serde(deserialize_with = "null_as_default")]
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, kept as they are.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// State of the JobManager's Deployment.
    #[derive(Default)]
    pub enum JobManagerDeploymentStatus {
        /// It runs and its REST API answers.
        Ready = "READY",
        /// It runs, but its REST API does not answer yet.
        DeployedNotReady = "DEPLOYED_NOT_READY",
        /// It starts.
        Deploying = "DEPLOYING",
        /// There is none.
        #[default]
        Missing = "MISSING",
        /// It cannot start.
        Error = "ERROR",
    }
}

/// The TaskManagers, for the scale subresource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct TaskManagerInfo {
    /// Selector of the TaskManager pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// Number of TaskManagers.
    #[serde(deserialize_with = "null_as_default")]
    pub replicas: i32,
}
