//! What the status records about specs: which one is deployed or being deployed, which is known to
//! work. These records are the operator's log of intents; every way of changing them is here.
//!
//! Each method of [`Record`] changes a status as the Java operator does, so that either can go on from what the
//! other wrote. The recorded text is parsed once: a record that cannot be read is an error before anything is changed.

pub mod error;
mod recordable;

use std::sync::Arc;

use flink_operator_api::{
    FlinkConfiguration, JobSpec, JobState, ReconciliationState, RecordedSpec, RecordedSpecError,
    ResourceMetadata, TaskManagerInfo, UpgradeMode,
};
use jiff::Timestamp;

pub use self::recordable::{Spec, Status};
use crate::{diff, effective, names::ClusterName};

/// What is about to be deployed, or was.
#[derive(Clone, Debug)]
pub struct Deployed<'a, S> {
    /// The spec as the user wants it.
    pub spec: &'a S,
    /// How the job's state is carried over. It is recorded in place of the user's `upgradeMode`,
    /// for what comes after has to know how the job was stopped. None for a session cluster.
    pub upgrade_mode: Option<UpgradeMode>,
    /// `metadata.generation` of the spec.
    pub generation: i64,
    pub now: Timestamp,
    /// The TaskManagers of an application cluster while it runs; see [`task_managers`]. None leaves
    /// those that the status shows.
    pub task_managers: Option<TaskManagerInfo>,
}

/// The TaskManagers of a running application, for the scale subresource: as many as have `slots`
/// for its `parallelism`.
pub fn task_managers(cluster: &ClusterName, parallelism: i32, slots: i32) -> TaskManagerInfo {
    TaskManagerInfo {
        label_selector: Some(format!("component=taskmanager,app={cluster}")),
        replicas: effective::task_managers_needed(parallelism, slots),
    }
}

/// The spec that is deployed or being deployed; None if nothing was ever.
///
/// # Errors
///
/// A record that can not be read. It must not be taken for none.
pub fn last_reconciled<S: Status>(
    status: &S,
) -> Result<Option<RecordedSpec<S::Spec>>, RecordedSpecError> {
    status.reconciliation().last_reconciled_spec.as_deref().map(RecordedSpec::parse).transpose()
}

/// The last spec that is known to work.
///
/// # Errors
///
/// A record that can not be read.
pub fn last_stable<S: Status>(
    status: &S,
) -> Result<Option<RecordedSpec<S::Spec>>, RecordedSpecError> {
    status.reconciliation().last_stable_spec.as_deref().map(RecordedSpec::parse).transpose()
}

/// Whether the last reconciled spec is the last stable one.
///
/// The Java operator compares the texts. Here two texts that say the same are equal too: a text
/// that another version wrote with other members or another order is no new spec.
pub fn is_stable<S: Status>(status: &S) -> bool {
    let reconciliation = status.reconciliation();
    let (Some(reconciled), Some(stable)) =
        (&reconciliation.last_reconciled_spec, &reconciliation.last_stable_spec)
    else {
        return false;
    };
    reconciled == stable || means_the_same::<S::Spec>(reconciled, stable)
}

fn means_the_same<S: Spec>(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (RecordedSpec::<S>::parse(one), RecordedSpec::<S>::parse(other))
    else {
        return false;
    };
    // The oldest records have no metadata; all newer ones agree in the API version.
    let metadata = one.resource_metadata.is_none()
        || other.resource_metadata.is_none()
        || one.resource_metadata == other.resource_metadata;
    let (one, other) = (serde_json::to_value(one.spec), serde_json::to_value(other.spec));
    metadata && matches!((one, other), (Ok(one), Ok(other)) if diff::same(&one, &other))
}

/// `lastReconciledSpec` of a status, parsed. It follows each change that its methods make to that status.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<S> {
    last: Option<Arc<RecordedSpec<S>>>,
}

/// Nothing was recorded yet.
impl<S> Default for Record<S> {
    fn default() -> Self {
        Self { last: None }
    }
}

impl<S: Spec> Record<S> {
    /// Parses the record of a status.
    ///
    /// # Errors
    ///
    /// A record that can not be read. It must not be taken for none.
    pub fn read<St: Status<Spec = S>>(status: &St) -> Result<Self, RecordedSpecError> {
        Ok(Self { last: last_reconciled(status)?.map(Arc::new) })
    }

    /// The spec that is deployed or being deployed; None if nothing was ever.
    pub fn last(&self) -> Option<&Arc<RecordedSpec<S>>> {
        self.last.as_ref()
    }

    /// Records that the spec is about to be deployed: its job counts as suspended until it is.
    pub fn before_deploy<St: Status<Spec = S>>(
        &mut self,
        status: &mut St,
        deployed: &Deployed<'_, S>,
    ) {
        let state = match status.reconciliation().state {
            ReconciliationState::RollingBack => ReconciliationState::RollingBack,
            ReconciliationState::Deployed
            | ReconciliationState::Upgrading
            | ReconciliationState::RolledBack
            | ReconciliationState::Unrecognised(_) => ReconciliationState::Upgrading,
        };
        self.record(status, deployed, state, Some(JobState::Suspended));
    }

    /// Records that the spec is deployed, scaled or suspended, as its job's state says.
    pub fn after_deploy<St: Status<Spec = S>>(
        &mut self,
        status: &mut St,
        deployed: &Deployed<'_, S>,
    ) {
        let state = match status.reconciliation().state {
            ReconciliationState::RollingBack => ReconciliationState::RolledBack,
            ReconciliationState::Deployed
            | ReconciliationState::Upgrading
            | ReconciliationState::RolledBack
            | ReconciliationState::Unrecognised(_) => ReconciliationState::Deployed,
        };
        let job_state = deployed.spec.job().and_then(|job| job.state.clone());
        self.record(status, deployed, state, job_state);
    }

    fn record<St: Status<Spec = S>>(
        &mut self,
        status: &mut St,
        deployed: &Deployed<'_, S>,
        state: ReconciliationState,
        job_state: Option<JobState>,
    ) {
        let rollback =
            matches!(state, ReconciliationState::RollingBack | ReconciliationState::RolledBack);
        if rollback {
            // The record keeps the spec that did not work: the unchanged resource then shows no change.
            if let Some(last) = &mut self.last {
                let failed = Arc::make_mut(last);
                if let Some(job) = failed.spec.job_mut() {
                    job.upgrade_mode.clone_from(&deployed.upgrade_mode);
                }
                status.reconciliation_mut().last_reconciled_spec = Some(failed.to_text());
            }
        } else {
            let previous = self.last.as_deref();
            let first = first_deployment(previous, &state);
            let runs = !matches!(job_state, Some(JobState::Suspended));
            let spec = recorded_spec(deployed, previous.map(|previous| &previous.spec), job_state);
            self.set(status, spec, first);
            status.set_observed_generation(deployed.generation);
            match &deployed.task_managers {
                Some(running) if runs => status.set_task_manager(running.clone()),
                None if runs => {}
                Some(_) | None if deployed.spec.job().is_some() => {
                    status.set_task_manager(no_task_managers());
                }
                Some(_) | None => {}
            }
            if is_suspended(deployed.spec) {
                mark_stable(status);
            }
        }
        let reconciliation = status.reconciliation_mut();
        reconciliation.state = state;
        reconciliation.reconciliation_timestamp = deployed.now.as_millisecond();
        status.set_error(None);
    }

    /// Takes note of a generation that asks for nothing: the record keeps its spec.
    ///
    /// Nothing changes while an upgrade is under way, or before the first deployment.
    pub fn refresh_metadata<St: Status<Spec = S>>(&mut self, status: &mut St, generation: i64) {
        let state = status.reconciliation().state.clone();
        let Some(previous) = self.last.as_deref() else { return };
        if state == ReconciliationState::Upgrading {
            return;
        }
        let first = first_deployment(Some(previous), &state);
        // An unchanged record keeps its text: whoever wrote it, it says what it said.
        if previous.resource_metadata != Some(ResourceMetadata::new(first)) {
            let spec = previous.spec.clone();
            self.set(status, spec, first);
        }
        status.set_observed_generation(generation);
    }

    /// Records options that differ from the recorded ones and ask for nothing: those of the operator itself, which take
    /// effect without a deployment. The Java operator does not record them. Here they are what holds while the newest spec
    /// is invalid.
    pub fn options<St: Status<Spec = S>>(&mut self, status: &mut St, spec: &S) {
        let Some(previous) = self.last.as_deref() else { return };
        if previous.spec.flink_configuration() == spec.flink_configuration() {
            return;
        }
        let texts = |spec: &S| spec.flink_configuration().map(FlinkConfiguration::flatten);
        if texts(&previous.spec).unwrap_or_default() == texts(spec).unwrap_or_default() {
            return;
        }
        let first =
            previous.resource_metadata.as_ref().is_some_and(|metadata| metadata.first_deployment);
        let stable = is_stable(status);
        let mut recorded = previous.spec.clone();
        recorded.set_flink_configuration(spec.flink_configuration().cloned());
        self.set(status, recorded, first);
        if stable {
            mark_stable(status);
        }
    }

    /// Records nonces of the spec whose snapshots were asked for, or whose reset was done.
    pub fn nonces<St: Status<Spec = S>>(
        &mut self,
        status: &mut St,
        generation: i64,
        now: Timestamp,
        set: impl FnOnce(&mut JobSpec),
    ) {
        let Some(previous) = self.last.as_deref() else { return };
        let first = first_deployment(Some(previous), &status.reconciliation().state);
        let stable = is_stable(status);
        let mut spec = previous.spec.clone();
        if let Some(job) = spec.job_mut() {
            set(job);
        }
        self.set(status, spec, first);
        // A nonce does not make a working job unproven.
        if stable {
            mark_stable(status);
        }
        status.reconciliation_mut().reconciliation_timestamp = now.as_millisecond();
        status.set_observed_generation(generation);
    }

    /// Records that the running job is being cancelled for an upgrade, and how its state is carried
    /// over. The spec stays that of the job that still runs.
    pub fn cancelling<St: Status<Spec = S>>(&mut self, status: &mut St, upgrade_mode: UpgradeMode) {
        self.edit(status, |job| job.upgrade_mode = Some(upgrade_mode));
        status.reconciliation_mut().state = ReconciliationState::Upgrading;
    }

    /// Records that the job of the recorded spec has ended, and waits to be started again.
    pub fn job_ended<St: Status<Spec = S>>(&mut self, status: &mut St) {
        self.edit(status, |job| job.state = Some(JobState::Suspended));
    }

    /// Changes the job of the record; it is no first deployment any more.
    fn edit<St: Status<Spec = S>>(&mut self, status: &mut St, edit: impl FnOnce(&mut JobSpec)) {
        let Some(previous) = self.last.as_deref() else { return };
        let mut spec = previous.spec.clone();
        if let Some(job) = spec.job_mut() {
            edit(job);
        }
        self.set(status, spec, false);
    }

    fn set<St: Status<Spec = S>>(&mut self, status: &mut St, spec: S, first_deployment: bool) {
        let resource_metadata = Some(ResourceMetadata::new(first_deployment));
        let recorded = RecordedSpec { spec, resource_metadata };
        status.reconciliation_mut().last_reconciled_spec = Some(recorded.to_text());
        self.last = Some(Arc::new(recorded));
    }
}

/// Records that the last reconciled spec works.
pub fn mark_stable<S: Status>(status: &mut S) {
    let reconciliation = status.reconciliation_mut();
    reconciliation.last_stable_spec.clone_from(&reconciliation.last_reconciled_spec);
}

/// True from the first attempt to deploy until the first upgrade starts.
fn first_deployment<S>(previous: Option<&RecordedSpec<S>>, state: &ReconciliationState) -> bool {
    let Some(previous) = previous else { return true };
    let was_first =
        previous.resource_metadata.as_ref().is_some_and(|metadata| metadata.first_deployment);
    was_first && *state == ReconciliationState::Deployed
}

fn recorded_spec<S: Spec>(
    deployed: &Deployed<'_, S>,
    previous: Option<&S>,
    job_state: Option<JobState>,
) -> S {
    let mut spec = deployed.spec.clone();
    if let Some(job) = spec.job_mut() {
        job.state = job_state;
        job.upgrade_mode.clone_from(&deployed.upgrade_mode);
        // A nonce is recorded when its snapshot is asked for, not when the spec is deployed.
        if let Some(previous) = previous.and_then(Spec::job) {
            job.savepoint_trigger_nonce = previous.savepoint_trigger_nonce;
            job.checkpoint_trigger_nonce = previous.checkpoint_trigger_nonce;
        }
    }
    spec
}

/// How the Java operator says that there are none.
fn no_task_managers() -> TaskManagerInfo {
    TaskManagerInfo { label_selector: Some(String::new()), replicas: 0 }
}

fn is_suspended<S: Spec>(spec: &S) -> bool {
    spec.job().is_some_and(|job| job.state == Some(JobState::Suspended))
}

#[cfg(test)]
mod tests;
