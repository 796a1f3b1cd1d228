//! The table of fields: what a change of each field requires.

use super::diff_type::DiffType::{self, Ignore, SavepointRedeploy, Scale, Upgrade};

/// A field and the effect of its change.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    pub(super) removal: Removal,
    pub(super) parts: Parts,
}

/// The effect of a change, which may depend on the deployment mode.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Always(DiffType),
    /// The effect in standalone mode, where the operator manages the TaskManagers. In native mode it is an
    /// upgrade.
    Standalone(DiffType),
    /// The effect in native mode. In standalone mode it is an upgrade.
    Native(DiffType),
}

/// Whether the removal of a field is a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Counts,
    /// The removal of a nonce triggers nothing.
    Ignored,
}

/// How a field is compared.
#[derive(Clone, Copy)]
pub(super) enum Parts {
    Whole,
    /// Field by field, if it is set in both specs.
    Fields(&'static [Field]),
    /// Option by option.
    Configuration,
}

/// The fields of a FlinkDeployment's spec, in the order in which changes are listed.
pub(super) static DEPLOYMENT: &[Field] = &[
    field("image", Upgrade),
    field("imagePullPolicy", Upgrade),
    field("serviceAccount", Upgrade),
    field("flinkVersion", Upgrade),
    // This version creates no Ingress: a restart of the job would change nothing.
    field("ingress", Ignore),
    field("podTemplate", Upgrade),
    field("jobManager", Upgrade),
    nested("taskManager", Parts::Fields(TASK_MANAGER)),
    field("logConfiguration", Upgrade),
    field("mode", Upgrade),
    nested("job", Parts::Fields(JOB)),
    nonce("restartNonce", Upgrade),
    nested("flinkConfiguration", Parts::Configuration),
];

/// The fields of a FlinkSessionJob's spec.
pub(super) static SESSION_JOB: &[Field] = &[
    field("deploymentName", Upgrade),
    nested("job", Parts::Fields(JOB)),
    nonce("restartNonce", Upgrade),
    nested("flinkConfiguration", Parts::Configuration),
];

static TASK_MANAGER: &[Field] = &[
    field("resource", Upgrade),
    field("resources", Upgrade),
    scale("replicas"),
    field("podTemplate", Upgrade),
];

static JOB: &[Field] = &[
    field("jarURI", Upgrade),
    scale("parallelism"),
    field("entryClass", Upgrade),
    field("args", Upgrade),
    field("state", Upgrade),
    field("savepointTriggerNonce", Ignore),
    field("initialSavepointPath", Ignore),
    field("checkpointTriggerNonce", Ignore),
    field("upgradeMode", Ignore),
    field("allowNonRestoredState", Ignore),
    nonce("savepointRedeployNonce", SavepointRedeploy),
    field("autoscalerResetNonce", Ignore),
];

/// The effect of a change of an option: the first prefix that matches its key decides.
static CONFIGURATION: &[(&str, Effect)] = &[
    ("job.autoscaler", Effect::Always(Ignore)),
    ("parallelism.default", Effect::Always(Ignore)),
    ("kubernetes.operator", Effect::Always(Ignore)),
    ("pipeline.jobvertex-parallelism-overrides", Effect::Native(Scale)),
];

/// The effect of a change of the option `key`.
pub(super) fn effect_of_option(key: &str) -> Effect {
    CONFIGURATION
        .iter()
        .find(|(prefix, _)| key.starts_with(prefix))
        .map_or(Effect::Always(Upgrade), |(_, effect)| *effect)
}

const fn field(name: &'static str, diff: DiffType) -> Field {
    Field { name, effect: Effect::Always(diff), removal: Removal::Counts, parts: Parts::Whole }
}

const fn nonce(name: &'static str, diff: DiffType) -> Field {
    Field { name, effect: Effect::Always(diff), removal: Removal::Ignored, parts: Parts::Whole }
}

const fn scale(name: &'static str) -> Field {
    Field { name, effect: Effect::Standalone(Scale), removal: Removal::Counts, parts: Parts::Whole }
}

/// A field whose parts are compared one by one. Adding or removing the whole field is an upgrade.
const fn nested(name: &'static str, parts: Parts) -> Field {
    Field { name, effect: Effect::Always(Upgrade), removal: Removal::Counts, parts }
}
