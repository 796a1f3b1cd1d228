//! The state of one pass while it is decided: the next status, the actions, the events.

use flink_operator_api::{FlinkDeploymentStatus, Savepoint};

use super::{Given, conditions, progress};
use crate::decision::{Action, Because, Decision, Event, Requeue};
use crate::lifecycle_state;
use crate::observed::Observed;
use crate::record::error::{ErrorClass, StatusError};

/// A pass that is being decided.
pub(super) struct Pass<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) observed: &'a Observed,
    /// The status as it will be written next.
    pub(super) status: FlinkDeploymentStatus,
    /// The status as the last record in `actions`, or else the resource, has it.
    recorded: FlinkDeploymentStatus,
    /// A running job may be rescaled: not when Flink has just refused that.
    pub(super) may_rescale: bool,
    actions: Vec<Action>,
    events: Vec<Event>,
    /// Events that come right after the next record, before what it is the intent of.
    warnings: Vec<Event>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(given: &'a Given<'a>, observed: &'a Observed) -> Self {
        let status = given.resource.status.clone().unwrap_or_default();
        let mut pass = Self {
            given,
            observed,
            recorded: status.clone(),
            status,
            may_rescale: true,
            actions: Vec::new(),
            events: Vec::new(),
            warnings: Vec::new(),
        };
        if !given.is_being_deleted() && !given.has_finalizer() && !given.is_canary() {
            pass.actions.push(Action::AddFinalizer);
        }
        pass
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn publish(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Publishes an event before anything is done that it warns of.
    pub(super) fn warn(&mut self, event: Event) {
        self.warnings.push(event);
    }

    pub(super) fn remove_finalizer(&mut self) {
        if self.given.has_finalizer() {
            self.actions.push(Action::RemoveFinalizer);
        }
    }

    /// Puts an error into the status, unless the same one is there.
    pub(super) fn set_error(&mut self, error: &StatusError) {
        let text = error.text(&self.given.platform.error_limits, &self.given.platform.error_labels);
        if self.status.error.as_ref() != Some(&text) {
            self.status.error = Some(text);
        }
    }

    /// Writes the status as it is now: the record of what comes next.
    pub(super) fn record(&mut self, because: &Because) {
        self.settle(because);
        if self.status != self.recorded {
            self.actions.push(Action::Record(Box::new(self.status.clone())));
            self.recorded = self.status.clone();
        }
        self.actions.extend(self.warnings.drain(..).map(Action::Publish));
    }

    /// Ends the pass. What has changed is recorded, except for a step of progress that the next one is about to overtake.
    pub(super) fn end(mut self, because: Because, requeue: Requeue) -> Decision {
        self.settle(&because);
        if self.status != self.recorded {
            if progress::is_overtaken_soon(
                &self.recorded,
                &self.status,
                self.observed,
                self.given.now,
            ) {
                self.events.clear();
            } else {
                self.actions.push(Action::Record(Box::new(self.status.clone())));
            }
        }
        self.end_without_record(because, requeue)
    }

    /// Ends the pass without another write of the status.
    pub(super) fn end_without_record(self, because: Because, requeue: Requeue) -> Decision {
        let mut actions = self.actions;
        actions.extend(self.warnings.into_iter().map(Action::Publish));
        actions.extend(self.events.into_iter().map(Action::Publish));
        Decision { actions, because, requeue }
    }

    /// Brings what is derived up to date: conditions and the lifecycle state.
    fn settle(&mut self, because: &Because) {
        let mode = self
            .given
            .resource
            .spec
            .job
            .as_ref()
            .map_or(conditions::Mode::Session, |_| conditions::Mode::Application);
        let mode = self.status.reconciliation_status.last_reconciled_spec.is_some().then_some(mode);
        conditions::set(&mut self.status, mode, because, self.given.generation(), self.given.now);
        self.status.lifecycle_state = Some(lifecycle_state::of_deployment(&self.status));
    }
}

impl Pass<'_> {
    /// Puts the faults of the spec into the status, and tells of them once.
    pub(super) fn refuse_spec(&mut self, faults: &str) {
        let before = self.status.error.clone();
        self.set_error(&StatusError::new(ErrorClass::Validation, faults));
        if self.status.error != before {
            self.publish(Event::warning("ValidationError", faults));
        }
    }

    /// The generation of the spec that is being worked towards: the newest one if it is valid, else the recorded one.
    pub(super) fn target_generation(&self) -> i64 {
        match self.given.validated {
            Ok(_) => self.given.generation(),
            Err(_) => self.status.observed_generation.unwrap_or_else(|| self.given.generation()),
        }
    }

    /// Puts a refusal of the API server into the status, and tells of it once. The Deployment's own state is left alone:
    /// it says whether the one that stands there is the old or the new one.
    pub(super) fn refused(&mut self, reason: &str, message: &str) {
        let before = self.status.error.clone();
        let mut error = StatusError::new(ErrorClass::DeploymentFailed, message);
        error.thrown.reason = Some(reason.to_owned());
        self.set_error(&error);
        if self.status.error != before {
            self.publish(Event::warning("FailedCreate", message));
        }
    }

    /// The newest savepoint or checkpoint that the status has. A savepoint from before the job's start does not count:
    /// the job has gone on from something else since.
    pub(super) fn last_known_path(&self) -> Option<String> {
        let job = &self.status.job_status;
        let started = job.start_time.as_ref().and_then(|text| text.parse::<i64>().ok());
        let of_this_job =
            |savepoint: &&Savepoint| started.is_none_or(|started| savepoint.time_stamp >= started);
        job.upgrade_savepoint_path.clone().or_else(|| {
            let last = job.savepoint_info.last_savepoint.as_ref().filter(of_this_job)?;
            last.location.clone()
        })
    }

    /// No savepoint is under way any more.
    pub(super) fn forget_savepoint_under_way(&mut self) {
        let info = &mut self.status.job_status.savepoint_info;
        info.trigger_id = None;
        info.trigger_timestamp = None;
        info.trigger_type = None;
        info.format_type = None;
    }

    /// Puts an error into the status, and tells of it unless the status had the same one before this pass.
    pub(super) fn report(&mut self, class: ErrorClass, reason: &str, message: &str) {
        self.set_error(&StatusError::new(class, message));
        let before = self.given.resource.status.as_ref().and_then(|status| status.error.as_ref());
        if before != self.status.error.as_ref() {
            self.publish(Event::warning(reason, message));
        }
    }

    /// What went wrong before is not over: the error stays, however well the job runs.
    pub(super) fn keep_error(&mut self) {
        let before = self.given.resource.status.as_ref().and_then(|status| status.error.clone());
        self.status.error = before;
    }

    /// The message in the JSON of `status.error`.
    pub(super) fn error_message(&self) -> Option<String> {
        let error: serde_json::Value = serde_json::from_str(self.status.error.as_deref()?).ok()?;
        error.get("message")?.as_str().map(str::to_owned)
    }

    /// Whether high availability data may exist, so that deploying without having looked is not safe.
    pub(super) fn needs_ha_answer(&self) -> bool {
        self.given.may_have_ha_data()
    }
}
