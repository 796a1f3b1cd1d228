//! One pass over a FlinkDeployment: what to do next, and why.
//!
//! ```text
//! questions(given, observed) ─► the shell asks ─► … ─► decide(given, observed) ─► Decision
//! ```
//!
//! [`decide`] is pure. The status is the log of intents: a step that cannot be undone comes after a record that says it
//! is under way, so that whoever reads the status next (this process, another one, the Java operator) goes on from there.

pub mod settings;

mod cancel;
mod choice;
mod conditions;
mod delete;
mod deploy;
mod exceptions;
mod failure;
mod health;
mod observe;
mod old_cluster;
mod options;
mod pass;
mod plan;
mod progress;
mod recover;
mod recovered;
mod replace;
mod rescale;
mod restore_point;
mod retention;
mod rollback;
mod schedule;
mod snapshots;
mod steady;
mod stop;
mod terminal;
mod unanswered;
mod upgrade;

#[cfg(test)]
#[allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "tests pick one action out of many, and cases read best with their values in place"
)]
mod tests;

use std::collections::BTreeMap;

use flink_operator_api::{
    DeploymentMode, FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus,
    JobState, ReconciliationState, RecordedSpec, UpgradeMode, names,
};
use jiff::Timestamp;

pub use settings::Settings;

use crate::conf::options::high_availability::HighAvailability;
use crate::conf::{ConfigError, Configuration};
use crate::decision::{Because, Decision, Requeue, Stuck};
use crate::diff::{self, SpecDiff};
use crate::effective::DefaultConfiguration;
use crate::fault::Fault;
use crate::names::JobId;
use crate::observed::{Observed, Questions};
use crate::record::error::{ErrorLabels, ErrorLimits};
use crate::validate::{Management, ValidDeployment};
use pass::Pass;

/// What a pass starts from, besides what it observes.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The resource as it was read: metadata, spec, and the status that is the log of intents.
    pub resource: &'a FlinkDeployment,
    /// The spec, parsed once; or every fault that it has.
    pub validated: &'a Result<ValidDeployment, Vec<Fault>>,
    pub platform: &'a Platform,
    pub settings: &'a Settings,
    pub ids: &'a FreshIds,
    pub now: Timestamp,
}

/// What is the same for every resource of one operator.
#[derive(Clone, Debug)]
pub struct Platform {
    pub defaults: DefaultConfiguration,
    /// The operator's own console logging files, which clusters without `spec.logConfiguration` get.
    pub console_logs: BTreeMap<String, String>,
    /// How much of an error the status keeps.
    pub error_limits: ErrorLimits,
    pub error_labels: ErrorLabels,
}

impl Platform {
    /// Takes the operator's configuration apart.
    ///
    /// # Errors
    ///
    /// An option about errors has a value that cannot be read.
    pub fn new(
        configuration: Configuration,
        console_logs: BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            error_limits: ErrorLimits::read(&configuration)?,
            error_labels: ErrorLabels::read(&configuration)?,
            defaults: DefaultConfiguration::new(configuration),
            console_logs,
        })
    }
}

/// Identifiers that nobody has used before, made by the shell for each pass and used by few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreshIds {
    pub job_id: JobId,
    /// A UUID: the directory of the job result store.
    pub job_result_store: String,
    /// Names a request to Flink, 32 hexadecimal digits: recorded before it is sent, so that it can be repeated.
    pub trigger_id: String,
}

impl<'a> Given<'a> {
    fn generation(&self) -> i64 {
        self.resource.metadata.generation.unwrap_or(0)
    }

    fn name(&self) -> &'a str {
        self.resource.metadata.name.as_deref().unwrap_or_default()
    }

    fn namespace(&self) -> &'a str {
        self.resource.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Whether Flink may keep high availability data in ConfigMaps, so that their absence has to be seen.
    fn may_have_ha_data(&self) -> bool {
        self.validated.as_ref().map_or(true, |valid| {
            HighAvailability::of(&valid.effective.configuration)
                .is_ok_and(|mode| mode == HighAvailability::Kubernetes)
        })
    }

    /// The user does not ask for the job's state to be kept. Whatever else is wrong with a spec, this can be read in it;
    /// the record says how the job was started, which is another thing.
    fn may_start_empty(&self) -> bool {
        self.resource.spec.job.as_ref().is_none_or(|job| match job.upgrade_mode {
            None | Some(UpgradeMode::Stateless) => true,
            Some(
                UpgradeMode::Savepoint | UpgradeMode::LastState | UpgradeMode::Unrecognised(_),
            ) => false,
        })
    }

    fn is_being_deleted(&self) -> bool {
        self.resource.metadata.deletion_timestamp.is_some()
    }

    fn has_finalizer(&self) -> bool {
        self.resource
            .metadata
            .finalizers
            .iter()
            .flatten()
            .any(|finalizer| finalizer == names::finalizers::FLINK_DEPLOYMENT)
    }

    /// Canaries prove that upstream's operator is alive. Nothing is ever deployed for one.
    fn is_canary(&self) -> bool {
        self.resource
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(names::labels::CANARY))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// The spec that the status says was deployed, or is being deployed.
type Recorded = RecordedSpec<FlinkDeploymentSpec>;

/// What has to be asked before a decision, given what was seen so far. The shell asks until nothing more is wanted.
pub fn questions(given: &Given<'_>, observed: &Observed) -> Questions {
    if given.is_canary() {
        return Questions::default();
    }
    match recorded(given) {
        Ok(recorded) if given.is_being_deleted() => {
            delete::questions(given, recorded.as_ref(), observed)
        }
        Ok(Some(recorded)) => steady::questions(given, &recorded, observed),
        Ok(None) | Err(_) => Questions::default(),
    }
}

/// Decides what one pass does.
///
/// # Invariants
///
/// Those of [`crate::invariants`]. Whoever carries a decision out checks them first.
pub fn decide(given: &Given<'_>, observed: &Observed) -> Decision {
    let pass = Pass::new(given, observed);
    if given.is_canary() {
        return canary(pass);
    }
    let recorded = match recorded(given) {
        Ok(recorded) => recorded,
        Err(error) => {
            let message = format!(
                "status.reconciliationStatus.lastReconciledSpec: {error}. What runs is left as it is; restore the \
                 field, or delete the resource."
            );
            return pass
                .end(Because::NeedsUser(Stuck::UnreadableRecord { message }), Requeue::OnChange);
        }
    };
    if given.is_being_deleted() {
        return delete::decide(pass, recorded.as_ref());
    }
    if let Ok(valid) = given.validated
        && valid.management == Management::Standalone
    {
        let message = "spec.mode standalone is not supported by this version of the operator; what runs is left as it \
                       is. Native mode (the default) is."
            .to_owned();
        return pass.end(Because::NeedsUser(Stuck::NotSupported { message }), Requeue::OnChange);
    }
    match recorded {
        None => deploy::first(pass),
        Some(recorded) => {
            let state = pass.status.reconciliation_status.state.clone();
            match state {
                ReconciliationState::Upgrading if cancel::is_under_way(&pass, &recorded) => {
                    cancel::proceed(pass, &recorded)
                }
                ReconciliationState::Upgrading => deploy::resume(pass, recorded),
                ReconciliationState::RollingBack => rollback::resume(pass, &recorded),
                ReconciliationState::Deployed
                | ReconciliationState::RolledBack
                | ReconciliationState::Unrecognised(_) => steady::decide(pass, &recorded),
            }
        }
    }
}

fn canary(mut pass: Pass<'_>) -> Decision {
    if pass.given.is_being_deleted() {
        pass.remove_finalizer();
    }
    pass.end_without_record(Because::NotOurs, Requeue::OnChange)
}

fn recorded(given: &Given<'_>) -> Result<Option<Recorded>, flink_operator_api::RecordedSpecError> {
    given
        .resource
        .status
        .as_ref()
        .and_then(|status| status.reconciliation_status.last_reconciled_spec.as_deref())
        .map(Recorded::parse)
        .transpose()
}

/// Whether the recorded spec says that a job is to run. Upstream records `suspended` both for a job that was stopped and
/// for one whose deployment has not succeeded yet.
fn wants_running(spec: &FlinkDeploymentSpec) -> bool {
    spec.job.as_ref().is_none_or(|job| job.state != Some(JobState::Suspended))
}

/// What is wanted in place of what is recorded, by the rules of the mode that is wanted.
fn difference(recorded: &Recorded, desired: &FlinkDeploymentSpec) -> SpecDiff {
    let mode = desired.mode.clone().unwrap_or(DeploymentMode::Native);
    diff::deployment(&recorded.spec, desired, &mode)
}

/// Whether the status says that the job is being cancelled for a change of its spec: the record is still that of the job
/// that runs.
fn is_being_cancelled(status: &FlinkDeploymentStatus, recorded: &Recorded) -> bool {
    status.reconciliation_status.state == ReconciliationState::Upgrading
        && status.job_status.state == Some(FlinkJobStatus::Cancelling)
        && recorded.spec.job.is_some()
        && wants_running(&recorded.spec)
}

/// Flink refused to rescale the running job: what to do instead.
pub fn not_rescaled(given: &Given<'_>, observed: &Observed) -> Decision {
    let mut pass = Pass::new(given, observed);
    pass.may_rescale = false;
    match recorded(given) {
        Ok(Some(recorded)) => steady::decide(pass, &recorded),
        Ok(None) | Err(_) => pass.end_without_record(Because::UpToDate, Requeue::OnChange),
    }
}

/// The API server refused an object of the cluster (`reason` is its own word, such as `Forbidden`), or its name is taken.
/// What was recorded before stays the log of intents: the next pass tries again.
pub fn refused(given: &Given<'_>, observed: &Observed, reason: &str, message: &str) -> Decision {
    let mut pass = Pass::new(given, observed);
    pass.refused(reason, message);
    let message = message.to_owned();
    pass.end(Because::NeedsUser(Stuck::ObjectRefused { message }), Requeue::OnChange)
}
