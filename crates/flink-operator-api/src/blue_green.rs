//! FlinkBlueGreenDeployment: an application cluster that runs until its successor is ready.

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    FlinkDeploymentSpec, IngressSpec, TemplateMetadata,
    status::{Condition, JobStatus},
    tolerant::null_as_default,
};

kind! {
    /// Alternates between two FlinkDeployments, `NAME-blue` and `NAME-green`: a change starts the
    /// other one, and deletes the old one when the new one is stable.
    pub struct FlinkBlueGreenDeployment {
        spec: FlinkBlueGreenDeploymentSpec,
        status: FlinkBlueGreenDeploymentStatus,
        plural: "flinkbluegreendeployments",
        singular: "flinkbluegreendeployment",
        short_name: "flinkbgdep",
        columns: [("Job Status", ".status.jobStatus.state")],
        scale: false,
    }
}

/// The desired deployment. Its fields are in the order in which they are recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkBlueGreenDeploymentSpec {
    /// Publishes the web interface of the active deployment through an ingress.
    pub ingress: Option<IngressSpec>,
    /// Template of the FlinkDeployments.
    pub template: Option<FlinkDeploymentTemplate>,
    /// Options of the switch. `kubernetes.operator.bluegreen.abort.grace-period` (10 min): how long
    /// the new deployment may take before the switch is aborted.
    /// `kubernetes.operator.bluegreen.deployment-deletion.delay` (0 ms): how long the old one stays
    /// after the switch. `kubernetes.operator.bluegreen.reconciliation.reschedule-interval` (15 s):
    /// how often a switch in progress is checked.
    pub configuration: Option<BTreeMap<String, String>>,
}

/// Template of the FlinkDeployments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkDeploymentTemplate {
    /// Accepted, but not used.
    pub metadata: Option<TemplateMetadata>,
    /// Spec of the FlinkDeployments.
    pub spec: Option<FlinkDeploymentSpec>,
}

/// Status of a blue/green deployment, written by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct FlinkBlueGreenDeploymentStatus {
    /// The job of the active deployment. Only its `state` is shown.
    #[serde(deserialize_with = "null_as_default")]
    pub job_status: JobStatus,
    /// Which deployment is active, or the switch in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green_state: Option<BlueGreenState>,
    /// The spec that was handled last, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reconciled_spec: Option<String>,
    /// When the spec was handled last, as an ISO-8601 instant in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reconciled_timestamp: Option<String>,
    /// When a switch in progress is aborted, as an ISO-8601 instant in UTC; the year 1970: no switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_timestamp: Option<String>,
    /// When the new deployment was ready, as an ISO-8601 instant in UTC; the year 1970: not yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_ready_timestamp: Option<String>,
    /// Flink's id of the savepoint that the new deployment will start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub savepoint_trigger_id: Option<String>,
    /// The last error. Unset if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Conditions, by type.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, kept as they are.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// Which deployment is active, or the switch in progress.
    pub enum BlueGreenState {
        /// The first deployment starts.
        InitializingBlue = "INITIALIZING_BLUE",
        /// Blue is active.
        ActiveBlue = "ACTIVE_BLUE",
        /// Green is active.
        ActiveGreen = "ACTIVE_GREEN",
        /// Blue starts, to replace green.
        TransitioningToBlue = "TRANSITIONING_TO_BLUE",
        /// Green starts, to replace blue.
        TransitioningToGreen = "TRANSITIONING_TO_GREEN",
        /// Blue is active and a savepoint of it is taken, for green.
        SavepointingBlue = "SAVEPOINTING_BLUE",
        /// Green is active and a savepoint of it is taken, for blue.
        SavepointingGreen = "SAVEPOINTING_GREEN",
    }
}
