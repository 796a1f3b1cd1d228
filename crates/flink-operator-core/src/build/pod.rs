//! A pod that is being built from a template.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{error::TemplateError, object::put_texts};
use crate::pod_template::MAIN_CONTAINER;

/// A pod with its main container in a field of its own.
///
/// [`Pod::from_template`] parses every field that is changed later, so that changing it cannot fail. All
/// other fields are kept as they are, including those that this program does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pod {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) node_selector: BTreeMap<String, String>,
    pub(super) image_pull_secrets: Vec<Value>,
    pub(super) tolerations: Vec<Value>,
    pub(super) volumes: Vec<Value>,
    pub(super) main: MainContainer,
    sidecars: Vec<Value>,
    metadata: Map<String, Value>,
    spec: Map<String, Value>,
}

/// The container that runs Flink.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MainContainer {
    pub(super) env: Vec<Value>,
    pub(super) ports: Vec<Value>,
    pub(super) volume_mounts: Vec<Value>,
    pub(super) requests: BTreeMap<String, String>,
    pub(super) limits: BTreeMap<String, String>,
    /// The fields of `resources` other than requests and limits, such as `claims`.
    resources: Map<String, Value>,
    fields: Map<String, Value>,
}

impl Pod {
    /// Parses a template; without one the pod is empty. If several containers have the name of the main
    /// container, the last one is used, as by Flink's own client.
    pub(super) fn from_template(template: Option<Value>) -> Result<Self, TemplateError> {
        let mut template = object(template.unwrap_or_default(), "")?;
        let mut metadata = take_object(&mut template, "metadata", "")?;
        let mut spec = take_object(&mut template, "spec", "")?;
        let mut pod = Self {
            labels: take_texts(&mut metadata, "labels", "metadata")?,
            annotations: take_texts(&mut metadata, "annotations", "metadata")?,
            node_selector: take_texts(&mut spec, "nodeSelector", "spec")?,
            image_pull_secrets: take_objects(&mut spec, "imagePullSecrets", "spec")?,
            tolerations: take_objects(&mut spec, "tolerations", "spec")?,
            volumes: take_objects(&mut spec, "volumes", "spec")?,
            ..Self::default()
        };
        let init_containers = take_objects(&mut spec, "initContainers", "spec")?;
        if !init_containers.is_empty() {
            let init_containers = quantities_as_text(init_containers, "spec.initContainers")?;
            spec.insert("initContainers".to_owned(), Value::Array(init_containers));
        }
        let containers = take_objects(&mut spec, "containers", "spec")?;
        for (index, container) in containers.into_iter().enumerate() {
            let path = format!("spec.containers[{index}]");
            let mut container = object(container, &path)?;
            if text(&container, "name", &path)?.as_deref() == Some(MAIN_CONTAINER) {
                pod.main = MainContainer::from_template(container, &path)?;
            } else {
                resources_as_text(&mut container, &path)?;
                pod.sidecars.push(Value::Object(container));
            }
        }
        for field in ["serviceAccount", "serviceAccountName", "dnsPolicy"] {
            text(&spec, field, "spec")?;
        }
        Ok(Self { metadata, spec, ..pod })
    }

    /// The current value of a text field in the pod's spec. `None` if it is blank.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        present_text(&self.spec, field)
    }

    /// Sets a field in the pod's spec. It overrides the template.
    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.spec.insert(field.to_owned(), value.into());
    }

    /// Adds a volume and mounts it in the main container.
    pub(super) fn mount(&mut self, name: &str, source: (&str, Value), mount_path: &str) {
        let (source, details) = source;
        self.volumes.push(json!({ "name": name, source: details }));
        self.main.volume_mounts.push(json!({ "name": name, "mountPath": mount_path }));
    }

    /// The `template` field of a Deployment. The main container is the last container.
    pub(super) fn into_template(self) -> Value {
        let mut metadata = self.metadata;
        put_texts(&mut metadata, "labels", &self.labels);
        put_texts(&mut metadata, "annotations", &self.annotations);
        let mut spec = self.spec;
        let mut containers = self.sidecars;
        containers.push(self.main.into_value());
        put_list(&mut spec, "containers", containers);
        put_texts(&mut spec, "nodeSelector", &self.node_selector);
        put_list(&mut spec, "imagePullSecrets", self.image_pull_secrets);
        put_list(&mut spec, "tolerations", self.tolerations);
        put_list(&mut spec, "volumes", self.volumes);
        json!({ "metadata": metadata, "spec": spec })
    }
}

impl MainContainer {
    fn from_template(mut fields: Map<String, Value>, path: &str) -> Result<Self, TemplateError> {
        let resources_path = join(path, "resources");
        let mut resources = take_object(&mut fields, "resources", path)?;
        let main = Self {
            env: take_objects(&mut fields, "env", path)?,
            ports: take_objects(&mut fields, "ports", path)?,
            volume_mounts: take_objects(&mut fields, "volumeMounts", path)?,
            requests: take_texts(&mut resources, "requests", &resources_path)?,
            limits: take_texts(&mut resources, "limits", &resources_path)?,
            ..Self::default()
        };
        for field in ["image", "imagePullPolicy"] {
            text(&fields, field, path)?;
        }
        Ok(Self { resources, fields, ..main })
    }

    /// The current value of a text field of the container. `None` if it is blank.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        present_text(&self.fields, field)
    }

    /// Sets a field of the container. It overrides the template.
    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    pub(super) fn add_env(&mut self, name: &str, value: &str) {
        self.env.push(json!({ "name": name, "value": value }));
    }

    fn into_value(self) -> Value {
        let mut fields = self.fields;
        put_list(&mut fields, "env", self.env);
        put_list(&mut fields, "ports", self.ports);
        let mut resources = self.resources;
        put_texts(&mut resources, "requests", &self.requests);
        put_texts(&mut resources, "limits", &self.limits);
        if !resources.is_empty() {
            fields.insert("resources".to_owned(), Value::Object(resources));
        }
        put_list(&mut fields, "volumeMounts", self.volume_mounts);
        Value::Object(fields)
    }
}

fn put_list(target: &mut Map<String, Value>, field: &str, list: Vec<Value>) {
    if !list.is_empty() {
        target.insert(field.to_owned(), Value::Array(list));
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Parses an object. A null is an empty object: merged templates may contain null for an unset field.
fn object(value: Value, path: &str) -> Result<Map<String, Value>, TemplateError> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(TemplateError::new(path, &other, "an object"))
        }
    }
}

fn take_object(
    parent: &mut Map<String, Value>,
    field: &str,
    path: &str,
) -> Result<Map<String, Value>, TemplateError> {
    object(parent.shift_remove(field).unwrap_or_default(), &join(path, field))
}

fn take_objects(
    parent: &mut Map<String, Value>,
    field: &str,
    path: &str,
) -> Result<Vec<Value>, TemplateError> {
    let path = join(path, field);
    let list = match parent.shift_remove(field).unwrap_or_default() {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(TemplateError::new(&path, &other, "a list"));
        }
    };
    match list.iter().enumerate().find(|(_, element)| !element.is_object()) {
        Some((index, element)) => {
            Err(TemplateError::new(&format!("{path}[{index}]"), element, "an object"))
        }
        None => Ok(list),
    }
}

/// Removes a field that is a map of strings, and parses it. Numbers and booleans become strings, because
/// YAML such as `level: 2` is common for labels and quantities.
fn take_texts(
    parent: &mut Map<String, Value>,
    field: &str,
    path: &str,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let entries = take_object(parent, field, path)?;
    let path = join(path, field);
    let as_text = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Number(number) => Ok((key, number.to_string())),
        Value::Bool(flag) => Ok((key, flag.to_string())),
        other @ (Value::Null | Value::Array(_) | Value::Object(_)) => {
            Err(TemplateError::new(&join(&path, &key), &other, "a text"))
        }
    };
    entries.into_iter().map(as_text).collect()
}

fn text(
    parent: &Map<String, Value>,
    field: &str,
    path: &str,
) -> Result<Option<String>, TemplateError> {
    match parent.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            Err(TemplateError::new(&join(path, field), other, "a text"))
        }
    }
}

fn present_text(parent: &Map<String, Value>, field: &str) -> Option<String> {
    parent
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
}

/// Converts the quantities of containers to strings, so that the objects do not depend on whether the
/// user wrote a number or a string.
fn quantities_as_text(containers: Vec<Value>, path: &str) -> Result<Vec<Value>, TemplateError> {
    let one = |(index, container): (usize, Value)| {
        let path = format!("{path}[{index}]");
        let mut container = object(container, &path)?;
        resources_as_text(&mut container, &path)?;
        Ok(Value::Object(container))
    };
    containers.into_iter().enumerate().map(one).collect()
}

fn resources_as_text(container: &mut Map<String, Value>, path: &str) -> Result<(), TemplateError> {
    if !container.contains_key("resources") {
        return Ok(());
    }
    let mut resources = take_object(container, "resources", path)?;
    let path = join(path, "resources");
    for kind in ["requests", "limits"] {
        let quantities = take_texts(&mut resources, kind, &path)?;
        put_texts(&mut resources, kind, &quantities);
    }
    container.insert("resources".to_owned(), Value::Object(resources));
    Ok(())
}

#[cfg(test)]
mod tests;
