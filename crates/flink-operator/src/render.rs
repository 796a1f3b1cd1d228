//! `render`: what a manifest would be deployed as, without a cluster.

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use flink_operator_api::{FlinkDeployment, JobState};
use flink_operator_core::deployment;
use flink_operator_core::fault;
use flink_operator_core::names::JobId;
use flink_operator_core::observed::{Observed, Seen};
use flink_operator_core::reconcile::decision::Action;
use flink_operator_core::reconcile::questions::Step;
use flink_operator_core::reconcile::{FreshIds, Inputs, Platform, Settings};
use flink_operator_core::record::Record;
use flink_operator_core::validate;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::{self, ConfigSources};

/// Values that only a deployment knows. They are the same each time, so that two renderings can be compared.
const UID: &str = "00000000-0000-0000-0000-000000000000";
const JOB_RESULT_STORE: &str = "00000000-0000-0000-0000-000000000000";

/// The form of printed objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A list, as `kubectl get -o json` prints it.
    Json,
    /// One document for each object.
    Yaml,
}

/// What a manifest is deployed as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The objects as text, which can be applied.
    pub objects: String,
    /// Settings that are allowed, but do not do what the user may expect.
    pub warnings: Vec<String>,
}

/// Renders every FlinkDeployment in `text`.
///
/// # Errors
///
/// Text that is no manifest, a resource of another kind, or a spec with faults: all of them.
pub fn render(text: &str, namespace: &str, output: Output) -> anyhow::Result<Rendered> {
    let config = config::load(&ConfigSources::of_environment())
        .context("the configuration cannot be used")?;
    let platform = Platform::new(config.configuration.clone(), config.console_logs.clone())
        .context("an option of the operator has a bad value")?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)
        .map_err(|error| anyhow::anyhow!("the manifest is no YAML: {error}"))?;
    let mut objects = Vec::new();
    let mut warnings = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        objects.extend(objects_of(document, namespace, &platform, &mut warnings)?);
    }
    if objects.is_empty() {
        bail!("the manifest has no FlinkDeployment");
    }
    Ok(Rendered { objects: print(&objects, output)?, warnings })
}

fn objects_of(
    document: Value,
    namespace: &str,
    platform: &Platform,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Vec<Value>> {
    let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind != "FlinkDeployment" {
        bail!("the manifest has an object of kind {kind:?}; only FlinkDeployment can be rendered");
    }
    let mut resource: FlinkDeployment =
        serde_json::from_value(document).context("the manifest is no FlinkDeployment")?;
    let name = resource.metadata.name.clone().unwrap_or_default();
    resource.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
    resource.metadata.uid = Some(UID.to_owned());
    resource.metadata.generation = Some(1);
    resource.status = None;
    if let Some(job) = &mut resource.spec.job {
        // A suspended job is rendered as it would run.
        job.state = Some(JobState::Running);
    }
    let validated = validate::deployment(&resource, &platform.defaults);
    match &validated {
        Ok(valid) => warnings.extend(valid.notes.iter().map(|note| format!("{name}: {note}"))),
        Err(faults) => bail!("{name}: {}", fault::summary(faults)),
    }
    let settings = Settings::default();
    let ids = FreshIds {
        job_id: JobId::from_bytes([0; 16]),
        job_result_store: JOB_RESULT_STORE.to_owned(),
        trigger_id: String::new(),
    };
    let inputs = Inputs {
        resource: &resource,
        validated: &validated,
        record: &Ok(Record::default()),
        platform,
        settings: &settings,
        ids: &ids,
        now: Timestamp::UNIX_EPOCH,
    };
    let observed = Observed { job_manager: Seen::Absent, ..Observed::nothing() };
    let mut created = None;
    let actions = match deployment::decide(&inputs, &observed) {
        Step::Done(decision) => decision.actions,
        Step::Ask(_) => Vec::new(),
    };
    for action in actions {
        if let Action::CreateCluster { objects, .. } = action {
            created = Some(objects);
        }
    }
    let Some(created) = created else { bail!("{name}: nothing would be deployed for it") };
    let created = created.owned_by(&name, UID);
    let mut objects = vec![created.deployment];
    objects.extend(created.accompanying);
    let namespace = resource.metadata.namespace.unwrap_or_default();
    for object in &mut objects {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), Value::from(namespace.clone()));
        }
    }
    Ok(objects)
}

fn print(objects: &[Value], output: Output) -> anyhow::Result<String> {
    match output {
        Output::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            Ok(serde_json::to_string_pretty(&list)? + "\n")
        }
        Output::Yaml => {
            let documents: Vec<String> =
                objects.iter().map(serde_saphyr::to_string).collect::<Result<_, _>>()?;
            Ok(documents
                .iter()
                .fold(String::new(), |text, document| text + "---\n" + document.trim_end() + "\n"))
        }
    }
}
