//! The examples are read as the operator reads them, and nothing in them is lost on the way: a misspelt field would be.

use std::path::Path;

use anyhow::Context;
use flink_operator_api::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Fault;
use crate::workspace;

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for file in workspace::files()? {
        if file.starts_with("examples")
            && file.extension().is_some_and(|extension| extension == "yaml")
        {
            let text = std::fs::read_to_string(workspace::root().join(&file))
                .with_context(|| format!("failed to read {}", file.display()))?;
            faults.extend(of_file(&file, &text));
        }
    }
    Ok(faults)
}

fn of_file(file: &Path, text: &str) -> Vec<Fault> {
    match serde_saphyr::from_multiple::<Value>(text) {
        Err(error) => vec![Fault::new(file.display(), format!("is not YAML: {error}"))],
        Ok(objects) if objects.is_empty() => vec![Fault::new(file.display(), "has no object")],
        Ok(objects) => objects
            .iter()
            .filter_map(|object| of_object(object).err())
            .map(|error| Fault::new(file.display(), format!("{error:#}")))
            .collect(),
    }
}

fn of_object(object: &Value) -> anyhow::Result<()> {
    let of = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match (of("/apiVersion"), of("/kind")) {
        ("flink.apache.org/v1beta1", "FlinkDeployment") => read_back::<FlinkDeployment>(object),
        ("flink.apache.org/v1beta1", "FlinkSessionJob") => read_back::<FlinkSessionJob>(object),
        ("flink.apache.org/v1beta1", "FlinkStateSnapshot") => {
            read_back::<FlinkStateSnapshot>(object)
        }
        ("flink.apache.org/v1beta1", "FlinkBlueGreenDeployment") => {
            read_back::<FlinkBlueGreenDeployment>(object)
        }
        ("autoscaling/v2", "HorizontalPodAutoscaler") => {
            read_back::<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler>(object)
        }
        ("v1", "PersistentVolumeClaim") => {
            read_back::<k8s_openapi::api::core::v1::PersistentVolumeClaim>(object)
        }
        (version, kind) => {
            anyhow::bail!("{kind:?} of {version:?} is no kind that examples are checked for")
        }
    }
}

fn read_back<K: DeserializeOwned + Serialize>(object: &Value) -> anyhow::Result<()> {
    let read: K = serde_json::from_value(object.clone()).context("is not what its kind says")?;
    let back = serde_json::to_value(read).context("cannot be written again")?;
    match lost("", object, &back) {
        Some(path) => anyhow::bail!("the field {path} is no field of its kind"),
        None => Ok(()),
    }
}

/// The first path in `given` that is not in `read` with the same value.
fn lost(path: &str, given: &Value, read: &Value) -> Option<String> {
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => given.iter().find_map(|(key, value)| {
            let path = format!("{path}.{key}");
            match read.get(key) {
                Some(read) => lost(&path, value, read),
                None => Some(path),
            }
        }),
        (Value::Array(given), Value::Array(read)) if given.len() == read.len() => {
            let mut pairs = given.iter().zip(read).enumerate();
            pairs.find_map(|(index, (given, read))| lost(&format!("{path}[{index}]"), given, read))
        }
        _ => (given != read).then(|| path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<String> {
        of_file(Path::new("a.yaml"), text).iter().map(ToString::to_string).collect()
    }

    const KIND: &str =
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: a}\n";

    #[test]
    fn a_misspelt_field_is_found() {
        assert_eq!(
            check(&format!("{KIND}spec: {{image: a, job: {{parallelism: 2}}}}")),
            Vec::<String>::new()
        );
        assert_eq!(
            check(&format!("{KIND}spec: {{job: {{paralelism: 2}}}}")),
            ["a.yaml: the field .spec.job.paralelism is no field of its kind"]
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_found() {
        let found = check(&format!("{KIND}spec: {{job: {{parallelism: many}}}}"));
        assert!(found[0].starts_with("a.yaml: is not what its kind says"), "{found:?}");
    }

    #[test]
    fn every_object_has_to_be_of_a_known_kind() {
        let found =
            check("apiVersion: v1\nkind: Pod\n---\napiVersion: v1beta1\nkind: FlinkDeployment\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(check("# nothing\n").len(), 1);
    }

    #[test]
    fn the_examples_are_read_without_loss() {
        assert_eq!(faults().unwrap(), []);
    }
}
