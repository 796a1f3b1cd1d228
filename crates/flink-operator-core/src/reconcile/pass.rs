//! The state of one pass while it is decided: the next status, the actions, the events.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, ReconciliationState, Savepoint,
};
use jiff::Timestamp;

use crate::fault::Fault;
use crate::job::lifecycle;
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::lifecycle_state;
use crate::observed::{Observed, Owner, Seen};
use crate::reconcile::conditions::Mode;
use crate::reconcile::decision::{Action, Because, Blocked, Decision, Event, Requeue, Wait};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::recorded::Recorded;
use crate::reconcile::{conditions, notes, progress, recorded};
use crate::record::error::{ErrorClass, StatusError};
use crate::record::{self, Record};

/// The newest spec is invalid, and the pass is one over the last valid one.
///
/// The pass does all that the last valid spec asks for. Its status says that the newest spec is refused: in the error,
/// unless something else needs the user too, and in the conditions.
#[derive(Clone, Debug)]
pub(crate) struct InvalidSpec {
    pub(crate) faults: String,
    /// `metadata.generation` of the invalid spec.
    pub(crate) generation: i64,
}

/// A pass that is being decided.
pub(crate) struct Pass<'a> {
    pub(crate) inputs: &'a Inputs<'a>,
    pub(crate) observed: &'a Observed,
    /// What the cluster is deployed as. The newest spec may say something else, and is refused then.
    pub(crate) mode: Mode,
    /// The status as it will be written next.
    pub(crate) status: FlinkDeploymentStatus,
    /// The record in that status, parsed.
    pub(crate) record: Record<FlinkDeploymentSpec>,
    /// The status as the last record in `actions`, or else the resource, has it.
    recorded: Cow<'a, FlinkDeploymentStatus>,
    deployed_options: OnceCell<JobOptions<'a>>,
    actions: Vec<Action>,
    events: Vec<Event>,
    /// Warnings published after the next status write and before the action.
    warnings: Vec<Event>,
    invalid_spec: Option<InvalidSpec>,
    /// The error in the status is one that this pass has reported.
    has_reported: bool,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(inputs: &'a Inputs<'a>, observed: &'a Observed) -> Self {
        let recorded = match &inputs.resource.status {
            Some(status) => Cow::Borrowed(status),
            None => Cow::Owned(FlinkDeploymentStatus::default()),
        };
        let mut pass = Self {
            inputs,
            observed,
            mode: Mode::of(&inputs.resource.spec),
            status: recorded.as_ref().clone(),
            record: inputs.record.as_ref().ok().cloned().unwrap_or_default(),
            recorded,
            deployed_options: OnceCell::new(),
            actions: Vec::new(),
            events: Vec::new(),
            warnings: Vec::new(),
            invalid_spec: None,
            has_reported: false,
        };
        if !inputs.is_being_deleted() && !inputs.has_finalizer() && !inputs.is_canary() {
            pass.actions.push(Action::AddFinalizer);
        }
        pass
    }

    /// The inputs are those of the last valid spec, for the newest one is invalid.
    pub(crate) fn with_invalid_spec(mut self, invalid: InvalidSpec) -> Self {
        self.invalid_spec = Some(invalid);
        self
    }

    /// Continues with what is deployed instead of what the newest spec describes.
    pub(crate) fn is_deployed_as(&mut self, spec: &FlinkDeploymentSpec) {
        self.mode = Mode::of(spec);
        if self.mode == Mode::Session {
            // The Java operator writes FINISHED here when it has deployed a session cluster again. There is no such job.
            lifecycle::forget_state(&mut self.status.job_status);
        }
    }

    pub(crate) fn newest_spec_is_invalid(&self) -> bool {
        self.invalid_spec.is_some() || self.inputs.validated.is_err()
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(crate) fn publish(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Publishes an event before anything is done that it warns of.
    pub(crate) fn warn(&mut self, event: Event) {
        self.warnings.push(event);
    }

    pub(crate) fn remove_finalizer(&mut self) {
        if self.inputs.has_finalizer() {
            self.actions.push(Action::RemoveFinalizer);
        }
    }

    /// Puts an error into the status, unless the same one is there.
    pub(crate) fn set_error(&mut self, error: &StatusError) {
        let text =
            error.text(&self.inputs.platform.error_limits, &self.inputs.platform.error_labels);
        if self.status.error.as_ref() != Some(&text) {
            self.status.error = Some(text);
        }
    }

    /// Writes the status as it is now: the record of what comes next.
    pub(crate) fn record(&mut self, because: &Because) {
        let because = &self.with_faults(because.clone());
        self.set_conditions(because);
        if self.status != *self.recorded {
            self.actions.push(Action::Record(Box::new(self.status.clone())));
            self.recorded = Cow::Owned(self.status.clone());
        }
        self.actions.extend(self.warnings.drain(..).map(Action::Publish));
    }

    /// Ends the pass. What has changed is recorded, except for a step of progress that the next one is about to overtake.
    pub(crate) fn end(mut self, because: Because, requeue: Requeue) -> Decision {
        let because = self.with_faults(because);
        self.set_conditions(&because);
        if self.status != *self.recorded {
            if progress::is_overtaken_soon(
                &self.recorded,
                &self.status,
                self.observed,
                self.inputs.now,
            ) {
                self.events.clear();
            } else {
                self.actions.push(Action::Record(Box::new(self.status.clone())));
            }
        }
        self.end_without_record(because, requeue)
    }

    /// Ends the pass without another write of the status.
    pub(crate) fn end_without_record(self, because: Because, requeue: Requeue) -> Decision {
        let mut actions = self.actions;
        actions.extend(self.warnings.into_iter().map(Action::Publish));
        actions.extend(self.events.into_iter().map(Action::Publish));
        Decision { actions, because, requeue }
    }

    /// Puts the faults of an invalid spec into the status and into the reason, and publishes them once. A step of a change
    /// that is under way stays the reason until it is done.
    fn with_faults(&mut self, because: Because) -> Because {
        let Some(InvalidSpec { faults, .. }) = self.invalid_spec.clone() else { return because };
        if self.inputs.is_being_deleted() {
            return because;
        }
        let other = match &because {
            Because::NeedsUser(Blocked::InvalidSpec { .. }) | Because::NotOurs => return because,
            Because::NeedsUser(blocked) => Some(blocked.message()),
            // The reported error stays in the status, so that the next pass does not report it again.
            other if self.has_reported => Some(other.message()),
            Because::UpToDate
            | Because::Suspended
            | Because::Deploying
            | Because::Upgrading { .. }
            | Because::Deleting
            | Because::WaitingFor(_) => None,
        };
        let mut is_known = self.recorded.conditions.iter().any(|condition| {
            condition.type_ == conditions::STALLED
                && condition.message.as_deref().is_some_and(|known| known.starts_with(&faults))
        });
        if other.is_none() {
            self.set_error(&StatusError::new(ErrorClass::Validation, faults.as_str()));
            is_known |= self.status.error == self.recorded.error;
        }
        if !is_known {
            self.publish(Event::warning("ValidationError", faults.as_str()));
        }
        if other.is_none() && self.is_step_of_a_change(&because) {
            return because;
        }
        let faults = other.map_or(faults.clone(), |other| format!("{faults} Besides: {other}"));
        Because::NeedsUser(Blocked::InvalidSpec { faults })
    }

    fn is_step_of_a_change(&self, because: &Because) -> bool {
        let state = &self.status.reconciliation_status.state;
        match because {
            Because::Deploying | Because::Upgrading { .. } | Because::Deleting => true,
            Because::WaitingFor(wait) => {
                matches!(state, ReconciliationState::Upgrading | ReconciliationState::RollingBack)
                    || matches!(
                        wait,
                        Wait::JobToEnd
                            | Wait::OldCluster
                            | Wait::OldClusterStays { .. }
                            | Wait::StopWithSavepoint
                            | Wait::NextSavepoint { .. }
                    )
            }
            Because::UpToDate | Because::Suspended | Because::NotOurs | Because::NeedsUser(_) => {
                false
            }
        }
    }

    /// Brings what is derived up to date: conditions and the lifecycle state.
    fn set_conditions(&mut self, because: &Because) {
        let is_recorded = self.status.reconciliation_status.last_reconciled_spec.is_some();
        let mode = is_recorded.then_some(self.mode);
        let generation =
            self.invalid_spec.as_ref().map_or(self.inputs.generation(), |spec| spec.generation);
        conditions::set(&mut self.status, mode, because, generation, self.inputs.now);
        if self.invalid_spec.is_none() {
            self.warnings.extend(notes::settle(&mut self.status, self.inputs));
        }
        let recorded = self.record.last().map(|last| &last.spec);
        self.status.lifecycle_state = Some(lifecycle_state::of_deployment(&self.status, recorded));
    }
}

impl<'a> Pass<'a> {
    /// What the options of the spec that runs say; those of the newest spec if none runs.
    pub(crate) fn deployed_options(&self) -> &JobOptions<'a> {
        self.deployed_options.get_or_init(|| {
            let inputs = self.inputs;
            let record = inputs.record.as_ref().ok().and_then(Record::last);
            match (record, &inputs.resource.status) {
                (Some(last), Some(status)) => {
                    JobOptions::of_deployed(inputs, &recorded::deployed(status, last))
                }
                (None, _) | (_, None) => JobOptions::of_current(inputs),
            }
        })
    }

    /// Puts the faults of the spec into the status, and tells of them once.
    pub(crate) fn refuse_spec(&mut self, faults: &str) {
        let before = self.status.error.clone();
        self.set_error(&StatusError::new(ErrorClass::Validation, faults));
        if self.status.error != before {
            self.publish(Event::warning("ValidationError", faults));
        }
    }

    /// The generation of the spec that is being worked towards: the newest one if it is valid, else the recorded one.
    pub(crate) fn target_generation(&self) -> i64 {
        match self.inputs.validated {
            Ok(_) => self.inputs.generation(),
            Err(_) => self.status.observed_generation.unwrap_or_else(|| self.inputs.generation()),
        }
    }

    /// Puts a refusal of the API server into the status, and tells of it once. The Deployment's own state is left alone:
    /// it says whether the one that stands there is the old or the new one.
    pub(crate) fn refused(&mut self, reason: &str, message: &str) {
        let before = self.status.error.clone();
        let mut error = StatusError::new(ErrorClass::DeploymentFailed, message);
        error.thrown.reason = Some(reason.to_owned());
        self.set_error(&error);
        if self.status.error != before {
            self.publish(Event::warning("FailedCreate", message));
        }
    }

    /// The newest state that the status knows, savepoints included. A savepoint from before the job's start does not count:
    /// the job has continued from something else since.
    pub(crate) fn last_known(&self) -> RestoreFrom {
        let job = &self.status.job_status;
        let known = RestoreFrom::of_status(job);
        if !known.is_empty() {
            return known;
        }
        let started = lifecycle::started_ms(job);
        let of_this_job =
            |savepoint: &&Savepoint| started.is_none_or(|started| savepoint.time_stamp >= started);
        let last = job.savepoint_info.last_savepoint.as_ref().filter(of_this_job);
        RestoreFrom::at(last.and_then(|last| last.location.clone()))
    }

    /// What the next start of the job goes on from, as far as the status knows.
    pub(crate) fn known_state(&self) -> RestoreFrom {
        RestoreFrom::of_status(&self.status.job_status)
    }

    /// Records what the next start of the job goes on from.
    pub(crate) fn set_restore(&mut self, from: &RestoreFrom) {
        from.write(&mut self.status.job_status);
    }

    /// No savepoint is under way any more.
    pub(crate) fn forget_savepoint_under_way(&mut self) {
        let info = &mut self.status.job_status.savepoint_info;
        info.trigger_id = None;
        info.trigger_timestamp = None;
        info.trigger_type = None;
        info.format_type = None;
    }

    /// Puts an error into the status, and tells of it unless the status had the same one before this pass.
    pub(crate) fn report(&mut self, class: ErrorClass, reason: &str, message: &str) {
        self.set_error(&StatusError::new(class, message));
        self.has_reported = true;
        let before = self.inputs.resource.status.as_ref().and_then(|status| status.error.as_ref());
        if before != self.status.error.as_ref() {
            self.publish(Event::warning(reason, message));
        }
    }

    /// What went wrong before is not over: the error stays, however well the job runs.
    pub(crate) fn keep_error(&mut self) {
        let before = self.inputs.resource.status.as_ref().and_then(|status| status.error.clone());
        self.status.error = before;
    }

    /// The message in the JSON of `status.error`.
    pub(crate) fn error_message(&self) -> Option<String> {
        let error: serde_json::Value = serde_json::from_str(self.status.error.as_deref()?).ok()?;
        error.get("message")?.as_str().map(str::to_owned)
    }

    /// Whether a decision may still ask something about the cluster: it is ours to look at, and does not end.
    pub(crate) fn may_ask(&self) -> bool {
        match &self.observed.job_manager {
            Seen::Present(deployment) => deployment.owner == Owner::This && !deployment.deleting,
            Seen::Absent => true,
            Seen::Unknown { .. } => false,
        }
    }

    /// Whether the high availability data can be asked for, and were not.
    pub(crate) fn may_ask_for_ha_data(&self) -> bool {
        self.may_ask() && self.may_have_ha_data() && self.observed.ha_data.is_not_asked()
    }

    /// Whether there may be high availability data in ConfigMaps, so that deploying without having looked is not safe. What
    /// was deployed decides that, not only the newest spec: the recorded spec and, during a change, the last stable one.
    pub(crate) fn may_have_ha_data(&self) -> bool {
        let keeps =
            |recorded: &Recorded| JobOptions::of_deployed(self.inputs, recorded).keeps_ha_data();
        self.inputs.may_have_ha_data()
            || self.record.last().is_some_and(|last| keeps(last))
            || record::last_stable(&self.status).ok().flatten().is_some_and(|stable| keeps(&stable))
    }

    /// Nothing is done with a spec that has faults; they are told once.
    pub(crate) fn end_invalid(mut self, faults: &[Fault]) -> Decision {
        let text = crate::fault::summary(faults);
        self.refuse_spec(&text);
        self.end(Because::NeedsUser(Blocked::InvalidSpec { faults: text }), Requeue::OnChange)
    }

    /// How long ago the last deployment was recorded.
    pub(crate) fn since_deployment(&self) -> Duration {
        let millis = self.status.reconciliation_status.reconciliation_timestamp;
        Timestamp::from_millisecond(millis)
            .ok()
            .and_then(|deployed| Duration::try_from(self.inputs.now.duration_since(deployed)).ok())
            .unwrap_or_default()
    }
}
