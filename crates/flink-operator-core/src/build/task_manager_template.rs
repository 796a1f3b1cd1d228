//! Mounts the template of TaskManager pods, which the JobManager reads from a file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    error::BuildError,
    labels::Labels,
    object::{config_map, config_map_source},
    pod::Pod,
};

/// The JobManager reads the file with this name.
const FILE: &str = "taskmanager-pod-template.yaml";
const DIRECTORY: &str = "/opt/flink/pod-template";

/// The template of TaskManager pods.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskManagerTemplate {
    /// YAML, which is not changed.
    Text(String),
    /// A pod, which is checked and written as YAML.
    Pod(Value),
}

impl TaskManagerTemplate {
    /// Mounts the template. Returns the ConfigMap to create.
    pub(super) fn mount(
        self,
        pod: &mut Pod,
        cluster_id: &str,
        labels: &Labels,
    ) -> Result<Value, BuildError> {
        let name = format!("pod-template-{cluster_id}");
        let text = match self {
            Self::Text(text) => text,
            Self::Pod(template) => yaml(&template)?,
        };
        pod.mount("pod-template-volume", config_map_source(&name, [FILE]), DIRECTORY);
        Ok(config_map(&name, &labels.common(), &BTreeMap::from([(FILE.to_owned(), text)])))
    }
}

/// Writes a template as YAML. All strings are quoted, because YAML parsers disagree on which unquoted
/// words are booleans or numbers.
fn yaml(template: &Value) -> Result<String, BuildError> {
    const ROLE: &str = "TaskManager";
    Pod::from_template(Some(template.clone()))
        .map_err(|source| BuildError::PodTemplate { role: ROLE, source })?;
    let options = serde_saphyr::ser_options! { quote_all: true };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, template, options)
        .map_err(|error| BuildError::TemplateText { role: ROLE, reason: error.to_string() })?;
    Ok(text)
}
