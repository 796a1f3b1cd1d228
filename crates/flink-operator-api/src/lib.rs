//! The four kinds of the operator: their types, their schemas, and the format of their status.
//!
//! The types read what a cluster holds, whoever wrote it: an absent field has the default that
//! users know, an explicit `null` stays a `None`, and an enum value that this version does not know
//! is kept as text. A spec serialises to exactly the text that is recorded in the status (see
//! [`RecordedSpec`]). That text has the fields in the order of the types, so fields of specs must
//! not be reordered.

#[macro_use]
mod macros;

pub mod names;

mod deployment;
mod session_job;
mod state_snapshot;

mod blue_green;

mod flink_configuration;
mod flink_version;
mod job;
mod pod_template;
mod resources;

mod recorded;
#[cfg(feature = "schema")]
mod schema;
mod status;
mod stored;
mod tolerant;

pub use blue_green::{
    BlueGreenState, FlinkBlueGreenDeployment, FlinkBlueGreenDeploymentSpec,
    FlinkBlueGreenDeploymentStatus, FlinkDeploymentTemplate,
};
pub use deployment::{
    DeploymentMode, FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, IngressSpec,
    IngressTls, JobManagerDeploymentStatus, JobManagerSpec, TaskManagerInfo, TaskManagerSpec,
};
pub use flink_configuration::{FlinkConfiguration, scalar_text};
pub use flink_version::FlinkVersionName;
pub use job::{JobSpec, JobState, UpgradeMode};
pub use pod_template::{PodTemplate, TemplateMetadata};
pub use recorded::{RecordedSpec, RecordedSpecError, ResourceMetadata};
pub use resources::{Quantity, Resource, ResourceClaim, ResourceRequirements};
pub use session_job::{FlinkSessionJob, FlinkSessionJobSpec, FlinkSessionJobStatus};
pub use state_snapshot::{
    CheckpointSpec, FlinkStateSnapshot, FlinkStateSnapshotSpec, FlinkStateSnapshotStatus, JobKind,
    JobReference, SavepointSpec, SnapshotState,
};
pub use status::{
    Checkpoint, CheckpointFormatType, CheckpointInfo, Condition, FlinkJobStatus, JobStatus,
    LifecycleState, ReconciliationState, ReconciliationStatus, Savepoint, SavepointFormatType,
    SavepointInfo, SnapshotTriggerType,
};
pub use stored::{Stored, Unreadable};
