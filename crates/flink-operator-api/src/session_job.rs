//! FlinkSessionJob: a job on a session cluster.

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

/// The job that the user wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkSessionJobSpec {
    /// The job. Required.
    pub job: Option<JobSpec>,
    /// A new value restarts the job, as a change of the spec does.
    pub restart_nonce: Option<i64>,
    /// Options for this job, over those of its cluster: state, checkpoints, restarts, and keys with
    /// the prefix `kubernetes.operator.` or `job.autoscaler.`. Those of processes have no effect.
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

/// What the operator recorded and saw of a session job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkSessionJobStatus {
    /// The job as it was last seen.
    #[serde(deserialize_with = "null_as_default")]
    pub job_status: JobStatus,
    /// The last error, as JSON with `type` and `message`. Unset: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `metadata.generation` of the spec that is recorded as last reconciled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the resource is in its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_state: Option<LifecycleState>,
    /// What was deployed last and what is known to work.
    #[serde(deserialize_with = "null_as_default")]
    pub reconciliation_status: ReconciliationStatus,
    /// Conditions, by type.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Members that this version does not know, kept.
    #[serde(flatten)]
    #[schemars(skip)]
    pub extra: Map<String, Value>,
}
