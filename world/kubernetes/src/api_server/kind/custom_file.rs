//! The operator's own kinds, from the very definitions that its chart installs.

use std::sync::Arc;

use serde_json::Value;

use super::custom::Schema;
use super::{Generation, Kind, Scale};
use crate::api_server::ownership::FieldSet;

const FILES: [&str; 4] = [
    include_str!(
        "../../../../../charts/flink-kubernetes-operator/crds/flinkdeployments.flink.apache.org-v1.yml"
    ),
    include_str!(
        "../../../../../charts/flink-kubernetes-operator/crds/flinksessionjobs.flink.apache.org-v1.yml"
    ),
    include_str!(
        "../../../../../charts/flink-kubernetes-operator/crds/flinkstatesnapshots.flink.apache.org-v1.yml"
    ),
    include_str!(
        "../../../../../charts/flink-kubernetes-operator/crds/flinkbluegreendeployments.flink.apache.org-v1.yml"
    ),
];

/// Every kind that the files define, in every version that they serve.
pub(super) fn kinds() -> Vec<Kind> {
    FILES.iter().flat_map(|text| of_definition(text)).collect()
}

fn of_definition(text: &str) -> Vec<Kind> {
    let definition: Value = serde_saphyr::from_str(text)
        .expect("the chart's definitions are YAML: a test installs them");
    let at = |pointer: &str| {
        definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions
        .into_iter()
        .flatten()
        .filter(|version| version.get("served") != Some(&Value::Bool(false)));
    served
        .map(|version| {
            let schema =
                Schema::read(version.pointer("/schema/openAPIV3Schema").unwrap_or(&Value::Null));
            let status = version.pointer("/subresources/status").is_some();
            let ignored = if status { FieldSet::of(&[&["status"]]) } else { FieldSet::default() };
            Kind {
                group: at("/spec/group"),
                version: version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                kind: at("/spec/names/kind"),
                plural: at("/spec/names/plural"),
                singular: at("/spec/names/singular"),
                namespaced: at("/spec/scope") == "Namespaced",
                ty: schema.root_type(),
                custom: Some(Arc::new(schema)),
                status,
                scale: version.pointer("/subresources/scale").map(scale),
                generation: Generation::AllButMetadata,
                unconditional_update: false,
                ignored,
                status_ignored: FieldSet::of(&[&["spec"]]),
                ..Kind::default()
            }
        })
        .collect()
}

fn scale(scale: &Value) -> Scale {
    let path = |field: &str| {
        let path = scale.get(field).and_then(Value::as_str)?;
        Some(path.replace('.', "/"))
    };
    Scale {
        spec_replicas: path("specReplicasPath").unwrap_or_default(),
        status_replicas: path("statusReplicasPath").unwrap_or_default(),
        selector: path("labelSelectorPath"),
    }
}
