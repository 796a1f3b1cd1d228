//! FlinkSessionJob: a job on a session cluster.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    FlinkConfiguration, JobSpec,
    status::{Condition, JobStatus, LifecycleState, ReconciliationStatus},
    tolerant::null_as_default,
};

kind! {
    /// A job that is submitted to the session cluster of a FlinkDeployment.
    pub struct FlinkSessionJob {
        spec: FlinkSessionJobSpec,
        status: FlinkSessionJobStatus,
        plural: "flinksessionjobs",
        singular: "flinksessionjob",
        short_name: "sessionjob",
        columns: [("Job Status", ".status.jobStatus.state"), ("Lifecycle State", ".status.lifecycleState")],
        scale: false,
    }
}

/// The desired job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkSessionJobSpec {
    /// The job. Required.
    pub job: Option<JobSpec>,
    /// A new value restarts the job, as a change of the spec does.
    pub restart_nonce: Option<i64>,
    /// Options for this job, which override those of its cluster: state, checkpoints, restarts, and
    /// keys with the prefix `kubernetes.operator.` or `job.autoscaler.`. Options of the JobManager
    /// and TaskManager processes have no effect.
    pub flink_configuration: Option<FlinkConfiguration>,
    /// Name of the FlinkDeployment in the same namespace whose cluster runs the job. Required. It
    /// cannot be changed once the job is deployed.
    pub deployment_name: Option<String>,
}

impl Default for FlinkSessionJobSpec {
    fn default() -> Self {
        Self {
            job: None,
            restart_nonce: None,
            flink_configuration: Some(FlinkConfiguration::default()),
            deployment_name: None,
        }
    }
}

/// Status of a session job, written by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkSessionJobStatus {
    /// The job as last observed.
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
    /// The spec that was deployed last, and the last stable one.
    #[serde(deserialize_with = "null_as_default")]
    pub reconciliation_status: ReconciliationStatus,
    /// Conditions, by type.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, kept as they are.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}
