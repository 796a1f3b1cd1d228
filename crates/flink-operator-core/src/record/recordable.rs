//! The kinds whose status records specs.

use flink_operator_api::{
    FlinkConfiguration, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkSessionJobSpec,
    FlinkSessionJobStatus, JobSpec, ReconciliationStatus, TaskManagerInfo,
};
use serde::{Serialize, de::DeserializeOwned};

/// A spec that a status records.
pub trait Spec: Clone + Serialize + DeserializeOwned {
    fn job(&self) -> Option<&JobSpec>;
    fn job_mut(&mut self) -> Option<&mut JobSpec>;
    fn flink_configuration(&self) -> Option<&FlinkConfiguration>;
    fn set_flink_configuration(&mut self, configuration: Option<FlinkConfiguration>);
}

impl Spec for FlinkDeploymentSpec {
    fn job(&self) -> Option<&JobSpec> {
        self.job.as_ref()
    }

    fn job_mut(&mut self) -> Option<&mut JobSpec> {
        self.job.as_mut()
    }

    fn flink_configuration(&self) -> Option<&FlinkConfiguration> {
        self.flink_configuration.as_ref()
    }

    fn set_flink_configuration(&mut self, configuration: Option<FlinkConfiguration>) {
        self.flink_configuration = configuration;
    }
}

impl Spec for FlinkSessionJobSpec {
    fn job(&self) -> Option<&JobSpec> {
        self.job.as_ref()
    }

    fn job_mut(&mut self) -> Option<&mut JobSpec> {
        self.job.as_mut()
    }

    fn flink_configuration(&self) -> Option<&FlinkConfiguration> {
        self.flink_configuration.as_ref()
    }

    fn set_flink_configuration(&mut self, configuration: Option<FlinkConfiguration>) {
        self.flink_configuration = configuration;
    }
}

/// A status that records specs.
pub trait Status: Clone {
    type Spec: Spec;

    fn reconciliation(&self) -> &ReconciliationStatus;
    fn reconciliation_mut(&mut self) -> &mut ReconciliationStatus;
    fn set_error(&mut self, error: Option<String>);
    fn set_observed_generation(&mut self, generation: i64);
    /// Shows the TaskManagers to the scale subresource, where the kind has one.
    fn set_task_manager(&mut self, task_manager: TaskManagerInfo);
}

impl Status for FlinkDeploymentStatus {
    type Spec = FlinkDeploymentSpec;

    fn reconciliation(&self) -> &ReconciliationStatus {
        &self.reconciliation_status
    }

    fn reconciliation_mut(&mut self) -> &mut ReconciliationStatus {
        &mut self.reconciliation_status
    }

    fn set_error(&mut self, error: Option<String>) {
        self.error = error;
    }

    fn set_observed_generation(&mut self, generation: i64) {
        self.observed_generation = Some(generation);
    }

    fn set_task_manager(&mut self, task_manager: TaskManagerInfo) {
        self.task_manager = Some(task_manager);
    }
}

impl Status for FlinkSessionJobStatus {
    type Spec = FlinkSessionJobSpec;

    fn reconciliation(&self) -> &ReconciliationStatus {
        &self.reconciliation_status
    }

    fn reconciliation_mut(&mut self) -> &mut ReconciliationStatus {
        &mut self.reconciliation_status
    }

    fn set_error(&mut self, error: Option<String>) {
        self.error = error;
    }

    fn set_observed_generation(&mut self, generation: i64) {
        self.observed_generation = Some(generation);
    }

    fn set_task_manager(&mut self, _: TaskManagerInfo) {}
}
