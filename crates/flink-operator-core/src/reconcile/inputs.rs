//! What a pass starts from, besides what it observes.

use std::collections::BTreeMap;

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentSpec, RecordedSpecError, UpgradeMode, names,
};
use jiff::Timestamp;

use crate::conf::options::high_availability::HighAvailability;
use crate::conf::{ConfigError, Configuration};
use crate::effective::DefaultConfiguration;
use crate::fault::Fault;
use crate::names::JobId;
use crate::reconcile::settings::Settings;
use crate::record::Record;
use crate::record::error::{ErrorLabels, ErrorLimits};
use crate::validate::ValidDeployment;

/// What a pass starts from, besides what it observes.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The resource as it was read: metadata, spec, and the status that is the log of intents.
    pub resource: &'a FlinkDeployment,
    /// The spec, parsed once; or every fault that it has.
    pub validated: &'a Result<ValidDeployment, Vec<Fault>>,
    /// The record of the status, parsed once.
    pub record: &'a Result<Record<FlinkDeploymentSpec>, RecordedSpecError>,
    pub platform: &'a Platform,
    pub settings: &'a Settings,
    pub ids: &'a FreshIds,
    pub now: Timestamp,
}

impl<'a> Inputs<'a> {
    pub(crate) fn generation(&self) -> i64 {
        self.resource.metadata.generation.unwrap_or(0)
    }

    pub(crate) fn name(&self) -> &'a str {
        self.resource.metadata.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> &'a str {
        self.resource.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Whether a cluster of the newest spec keeps high availability data in ConfigMaps.
    pub(crate) fn may_have_ha_data(&self) -> bool {
        self.validated.as_ref().map_or(true, |valid| {
            HighAvailability::of(&valid.effective.configuration)
                .is_ok_and(|mode| mode == HighAvailability::Kubernetes)
        })
    }

    /// The user does not ask for the job's state to be kept. Whatever else is wrong with a spec, this can be read in it;
    /// the record says how the job was started, which is another thing. A spec without a job does not say it.
    pub(crate) fn may_start_empty(&self) -> bool {
        self.resource.spec.job.as_ref().is_some_and(|job| match job.upgrade_mode {
            None | Some(UpgradeMode::Stateless) => true,
            Some(
                UpgradeMode::Savepoint | UpgradeMode::LastState | UpgradeMode::Unrecognised(_),
            ) => false,
        })
    }

    pub(crate) fn is_being_deleted(&self) -> bool {
        self.resource.metadata.deletion_timestamp.is_some()
    }

    pub(crate) fn has_finalizer(&self) -> bool {
        self.resource
            .metadata
            .finalizers
            .iter()
            .flatten()
            .any(|finalizer| finalizer == names::finalizers::FLINK_DEPLOYMENT)
    }

    /// Canaries prove that upstream's operator is alive. Nothing is ever deployed for one.
    pub(crate) fn is_canary(&self) -> bool {
        self.resource
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(names::labels::CANARY))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
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
