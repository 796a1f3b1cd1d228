//! Carrying out a decision: its actions in order, up to the first that fails.

mod cluster;
mod create;
mod error;
mod job;
mod resource;

use std::sync::Arc;

use flink_operator_api::FlinkDeployment;
use flink_operator_core::reconcile::decision::Action;
use flink_rest::savepoints::StopMode;
use kube::Client;

pub use error::ExecuteError;

use crate::events::Events;
use crate::flink_api::FlinkApi;
use crate::own_writes::{JobManagerWrites, ResourceWrites};

/// Carries out the actions on one resource.
pub struct Executor<'a> {
    pub client: &'a Client,
    pub resource_writes: &'a ResourceWrites<FlinkDeployment>,
    pub job_manager_writes: &'a JobManagerWrites,
    pub events: &'a Events,
    pub flink: &'a FlinkApi,
}

/// What a pass has after its actions.
#[derive(Debug)]
pub struct Executed {
    /// The resource as the last write of it was answered.
    pub resource: Arc<FlinkDeployment>,
    /// Something was sent that changes the world.
    pub acted: bool,
    /// The status was written since the resource was read: no other process has continued from it.
    is_newest: bool,
}

impl Executor<'_> {
    /// Carries out `actions` on `resource`.
    ///
    /// # Errors
    ///
    /// The first action that was not carried out. Those before it were, and the resource as they wrote it is returned
    /// together with the error.
    pub async fn execute(
        &self,
        resource: Arc<FlinkDeployment>,
        actions: Vec<Action>,
    ) -> (Executed, Result<(), ExecuteError>) {
        let mut executed = Executed { resource, acted: false, is_newest: false };
        for action in actions {
            executed.acted = true;
            if let Err(error) = self.act(&mut executed, action).await {
                return (executed, Err(error));
            }
        }
        (executed, Ok(()))
    }

    async fn act(&self, executed: &mut Executed, action: Action) -> Result<(), ExecuteError> {
        let Self { client, resource_writes, job_manager_writes, events, flink } = self;
        let resource = Arc::clone(&executed.resource);
        match action {
            Action::AddFinalizer => {
                executed.resource =
                    resource::add_finalizer(client, resource_writes, resource.as_ref()).await?;
            }
            Action::RemoveFinalizer => {
                executed.resource =
                    resource::remove_finalizer(client, resource_writes, resource.as_ref()).await?;
            }
            Action::Record(next) => {
                let written =
                    resource::record(client, resource_writes, resource.as_ref(), &next).await?;
                if let Some(written) = written {
                    executed.resource = written;
                    executed.is_newest = true;
                }
            }
            Action::Publish(event) => resource::publish(events, resource.as_ref(), &event).await,
            Action::CreateCluster { objects, existing } => {
                let existing = existing.as_deref();
                cluster::create(client, job_manager_writes, &resource, *objects, existing).await?;
            }
            Action::StopJobManager { uid } => {
                self.confirm(executed).await?;
                cluster::stop_job_manager(client, job_manager_writes, &resource, &uid).await?;
            }
            Action::DeleteJobManager { uid } => {
                self.confirm(executed).await?;
                cluster::delete_job_manager(client, job_manager_writes, &resource, &uid).await?;
            }
            Action::DeleteHaData => cluster::delete_ha_data(client, &resource).await?,
            Action::ForgetJobGraphs => cluster::forget_job_graphs(client, &resource).await?,
            Action::CancelJob { job_id } => job::cancel(flink, &job_id).await,
            Action::StopWithSavepoint { job_id, savepoint, drain } => {
                let mode = if drain { StopMode::Drain } else { StopMode::Suspend };
                job::stop(flink, &job_id, &savepoint, mode).await;
            }
            Action::TriggerSavepoint { job_id, savepoint } => {
                job::trigger_savepoint(flink, &job_id, &savepoint).await;
            }
            Action::TriggerCheckpoint { job_id, trigger_id, kind } => {
                job::trigger_checkpoint(flink, &job_id, &trigger_id, kind).await;
            }
            Action::Rescale { job_id, bounds } => job::rescale(flink, &job_id, &bounds).await?,
            Action::DisposeSavepoint { path } => job::dispose_savepoint(flink, &path).await?,
        }
        Ok(())
    }

    /// Makes sure that the uid of the decision is not that of a later cluster. If the status was written since the
    /// resource was read, it cannot be.
    async fn confirm(&self, executed: &Executed) -> Result<(), ExecuteError> {
        if executed.is_newest {
            return Ok(());
        }
        resource::confirm(self.client, executed.resource.as_ref()).await
    }
}

#[cfg(test)]
mod tests;
