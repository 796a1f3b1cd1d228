//! The definitions against upstream's: every field, with its type; and what they say beyond that.
//!
//! `data/crd/` has every path of upstream's definitions outside of pod templates, with its type.

use std::collections::{BTreeMap, BTreeSet};

use flink_operator_api::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot,
};
use kube::core::{CustomResourceExt, Resource};
use serde_json::{Value, json};

fn definition<K: CustomResourceExt>() -> Value {
    serde_json::to_value(K::crd()).unwrap()
}

fn version(definition: &Value) -> &Value {
    let versions = definition.pointer("/spec/versions").unwrap().as_array().unwrap();
    assert_eq!(versions.len(), 1);
    versions.first().unwrap()
}

fn schema<K: CustomResourceExt>() -> Value {
    version(&definition::<K>()).pointer("/schema/openAPIV3Schema").unwrap().clone()
}

fn members<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn type_name(schema: &Value) -> String {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return "int-or-string".to_owned();
    }
    match (schema.get("additionalProperties"), schema.get("type").and_then(Value::as_str)) {
        (Some(values), _) => format!("map<{}>", type_name(values)),
        (None, Some(name)) => name.to_owned(),
        (None, None) => "any".to_owned(),
    }
}

/// Calls `visit` for every schema below (and with) `schema`, with its path; not inside pod templates.
fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    if path.ends_with(".podTemplate") {
        return;
    }
    for (name, property) in members(schema, "properties") {
        walk(property, &format!("{path}.{name}"), visit);
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{path}[]"), visit);
    }
}

/// Paths with type and, after a tab, what else upstream's table says.
fn paths(schema: &Value) -> BTreeMap<String, (String, String)> {
    let mut paths = BTreeMap::new();
    walk(schema, "", &mut |path, schema| {
        let mut words: Vec<&str> = schema
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        words.sort_unstable();
        let more = if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
            "x-kubernetes-preserve-unknown-fields=True".to_owned()
        } else if words.is_empty() {
            String::new()
        } else {
            format!("enum={}", words.join("|"))
        };
        paths.insert(path.to_owned(), (type_name(schema), more));
    });
    paths
}

fn check_paths<K: CustomResourceExt>(table: &str, beyond_upstream: &[&str]) {
    let mut ours = paths(&schema::<K>());
    let mut count = 0;
    for line in table.lines().skip(1) {
        let mut columns = line.split('\t');
        let (path, kind, more) =
            (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
        let found = ours.remove(path).unwrap_or_else(|| panic!("{path} is missing"));
        // Versions that upstream does not know are accepted, so its list is not ours.
        let more = if path.ends_with(".flinkVersion") { "" } else { more };
        assert_eq!(found, (kind.to_owned(), more.to_owned()), "{path}");
        count += 1;
    }
    assert!(count >= 20, "{count} lines of the table were read");
    let rest: BTreeSet<&str> = ours.keys().map(String::as_str).collect();
    assert_eq!(
        rest,
        beyond_upstream.iter().copied().collect(),
        "fields that upstream does not have"
    );
}

const CONDITIONS: [&str; 8] = [
    ".status.conditions",
    ".status.conditions[]",
    ".status.conditions[].lastTransitionTime",
    ".status.conditions[].message",
    ".status.conditions[].observedGeneration",
    ".status.conditions[].reason",
    ".status.conditions[].status",
    ".status.conditions[].type",
];
/// Kubernetes has these fields in every object; rules can blame only a field that is in the schema.
const METADATA: [&str; 2] = [".metadata", ".metadata.name"];

#[test]
fn flink_deployment_has_every_field_of_upstream() {
    check_paths::<FlinkDeployment>(include_str!("data/crd/flinkdeployments.tsv"), &METADATA);
}

#[test]
fn flink_session_job_has_every_field_of_upstream() {
    let beyond = [&METADATA[..], &CONDITIONS].concat();
    check_paths::<FlinkSessionJob>(include_str!("data/crd/flinksessionjobs.tsv"), &beyond);
}

#[test]
fn flink_state_snapshot_has_every_field_of_upstream() {
    let beyond = [&METADATA[..], &CONDITIONS].concat();
    check_paths::<FlinkStateSnapshot>(include_str!("data/crd/flinkstatesnapshots.tsv"), &beyond);
}

#[test]
fn flink_blue_green_deployment_has_every_field_of_upstream() {
    let beyond = [&METADATA[..], &CONDITIONS].concat();
    check_paths::<FlinkBlueGreenDeployment>(
        include_str!("data/crd/flinkbluegreendeployments.tsv"),
        &beyond,
    );
}

/// Identity, columns and subresources of a kind, in short.
fn identity<K: CustomResourceExt>() -> Value {
    let definition = definition::<K>();
    let version = version(&definition);
    let columns: Vec<String> = version["additionalPrinterColumns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            // Without a priority it is 0: shown without `-o wide`.
            assert_eq!((&column["type"], column.get("priority")), (&json!("string"), None));
            format!("{} {}", column["name"].as_str().unwrap(), column["jsonPath"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        (&version["name"], &version["served"], &version["storage"]),
        (&json!("v1beta1"), &json!(true), &json!(true))
    );
    assert_eq!(
        (&definition["spec"]["group"], &definition["spec"]["scope"]),
        (&json!("flink.apache.org"), &json!("Namespaced"))
    );
    assert_eq!(definition["metadata"]["name"], K::crd_name());
    assert_eq!(definition["spec"]["names"]["shortNames"], json!(K::shortnames()));
    assert_eq!(definition["spec"]["names"]["plural"], K::api_resource().plural);
    json!([definition["spec"]["names"], columns, version["subresources"]])
}

#[test]
fn kinds_have_the_names_and_columns_that_users_know() {
    let jobs = ["Job Status .status.jobStatus.state", "Lifecycle State .status.lifecycleState"];
    assert_eq!(
        identity::<FlinkDeployment>(),
        json!([
            { "kind": "FlinkDeployment", "plural": "flinkdeployments", "singular": "flinkdeployment", "shortNames": ["flinkdep"] },
            jobs,
            { "status": {}, "scale": {
                "specReplicasPath": ".spec.taskManager.replicas",
                "statusReplicasPath": ".status.taskManager.replicas",
                "labelSelectorPath": ".status.taskManager.labelSelector",
            } },
        ])
    );
    assert_eq!(
        identity::<FlinkSessionJob>(),
        json!([
            { "kind": "FlinkSessionJob", "plural": "flinksessionjobs", "singular": "flinksessionjob", "shortNames": ["sessionjob"] },
            jobs,
            { "status": {} },
        ])
    );
    assert_eq!(
        identity::<FlinkStateSnapshot>(),
        json!([
            { "kind": "FlinkStateSnapshot", "plural": "flinkstatesnapshots", "singular": "flinkstatesnapshot", "shortNames": ["flinksnp"] },
            ["Path .status.path", "Result Timestamp .status.resultTimestamp", "Snapshot State .status.state"],
            { "status": {} },
        ])
    );
    assert_eq!(
        identity::<FlinkBlueGreenDeployment>(),
        json!([
            { "kind": "FlinkBlueGreenDeployment", "plural": "flinkbluegreendeployments", "singular": "flinkbluegreendeployment", "shortNames": ["flinkbgdep"] },
            ["Job Status .status.jobStatus.state"],
            { "status": {} },
        ])
    );
}

#[test]
fn api_paths_of_the_types_are_those_of_the_definitions() {
    assert_eq!(
        FlinkBlueGreenDeployment::url_path(&(), Some("ns")),
        "/apis/flink.apache.org/v1beta1/namespaces/ns/flinkbluegreendeployments"
    );
}

/// Every keyword of every schema, pod templates included.
fn keywords(schema: &Value, found: &mut BTreeSet<String>) {
    found.extend(schema.as_object().unwrap().keys().cloned());
    for (_, property) in members(schema, "properties") {
        keywords(property, found);
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(name) {
            keywords(inner, found);
        }
    }
}

#[test]
fn schemas_demand_default_and_bound_nothing() {
    let mut found = BTreeSet::new();
    for schema in all_schemas() {
        keywords(&schema, &mut found);
    }
    let allowed = [
        "additionalProperties",
        "description",
        "enum",
        "format",
        "items",
        "properties",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    assert_eq!(found, allowed.map(str::to_owned).into());
}

fn all_schemas() -> [Value; 4] {
    [
        schema::<FlinkDeployment>(),
        schema::<FlinkSessionJob>(),
        schema::<FlinkStateSnapshot>(),
        schema::<FlinkBlueGreenDeployment>(),
    ]
}

#[test]
fn numbers_have_formats_that_the_api_server_knows() {
    for schema in all_schemas() {
        walk(&schema, "", &mut |path, schema| {
            if let Some(format) = schema.get("format").and_then(Value::as_str) {
                assert!(["int32", "int64"].contains(&format), "{path}: {format}");
                assert_eq!(schema["type"], "integer", "{path}");
            }
        });
    }
}

#[test]
fn every_field_of_ours_is_explained() {
    let mut count = 0;
    for schema in all_schemas() {
        walk(&schema, "", &mut |path, schema| {
            // Items and fields of Kubernetes' own types are explained by what contains them.
            if path.ends_with("[]")
                || path.starts_with(".metadata")
                || path.contains(".template.metadata.")
            {
                return;
            }
            let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(text.ends_with('.') && text.len() > 5, "{path}: {text:?}");
            assert!(!text.contains('\n'), "{path}: {text:?}");
            assert!(text.len() < 500, "{path} is explained at length: {text:?}");
            count += 1;
        });
    }
    assert!(count > 250, "{count} fields were seen");
}

fn pod_templates() -> Vec<Value> {
    let mut found = Vec::new();
    for schema in all_schemas() {
        walk(&schema, "", &mut |path, schema| {
            if path.ends_with(".podTemplate") {
                found.push(schema.clone());
            }
        });
    }
    found
}

/// Whatever has no type would accept anything.
fn all_typed(schema: &Value, path: &str) {
    assert_ne!(type_name(schema), "any", "{path}");
    for (name, property) in members(schema, "properties") {
        all_typed(property, &format!("{path}.{name}"));
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(name) {
            all_typed(inner, &format!("{path}[]"));
        }
    }
}

#[test]
fn pod_templates_are_checked_field_by_field() {
    let templates = pod_templates();
    assert_eq!(templates.len(), 6);
    for template in templates {
        let mut found = BTreeSet::new();
        keywords(&template, &mut found);
        assert!(!found.contains("x-kubernetes-preserve-unknown-fields"));
        assert!(!found.contains("format") && !found.contains("x-kubernetes-validations"));
        all_typed(&template, "");
    }
}

/// The type at a path such as `spec.containers[].env[].name`.
fn type_at(schema: &Value, path: &str) -> Option<String> {
    let mut at = schema;
    for step in path.split('.') {
        let name = step.trim_end_matches("[]");
        at = at.get("properties")?.get(name)?;
        for _ in 0..step.matches("[]").count() {
            at = at.get("items")?;
        }
    }
    Some(type_name(at))
}

#[test]
fn pod_templates_have_fields_of_every_kubernetes_up_to_the_newest() {
    let template = pod_templates().swap_remove(0);
    let expected = [
        ("metadata.labels", "map<string>"),
        ("metadata.annotations", "map<string>"),
        ("spec.containers[].name", "string"),
        ("spec.containers[].resources.limits", "map<int-or-string>"),
        ("spec.containers[].ports[].containerPort", "integer"),
        ("spec.containers[].livenessProbe.httpGet.port", "int-or-string"),
        ("spec.containers[].securityContext.runAsNonRoot", "boolean"),
        ("spec.initContainers[].restartPolicy", "string"),
        ("spec.ephemeralContainers[].targetContainerName", "string"),
        (
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[].weight",
            "integer",
        ),
        ("spec.topologySpreadConstraints[].labelSelector.matchLabels", "map<string>"),
        (
            "spec.volumes[].ephemeral.volumeClaimTemplate.spec.resources.requests",
            "map<int-or-string>",
        ),
        ("spec.volumes[].emptyDir.sizeLimit", "int-or-string"),
        ("spec.overhead", "map<int-or-string>"),
        ("status.conditions[].type", "string"),
        // 1.34
        ("spec.hostnameOverride", "string"),
        ("spec.containers[].restartPolicyRules[].exitCodes.values[]", "integer"),
        ("spec.containers[].env[].valueFrom.fileKeyRef.volumeName", "string"),
        ("spec.volumes[].projected.sources[].podCertificate.keyType", "string"),
        // 1.35
        ("spec.workloadRef.podGroup", "string"),
        ("spec.volumes[].projected.sources[].podCertificate.userAnnotations", "map<string>"),
        ("status.resources.limits", "map<int-or-string>"),
        // 1.36
        ("spec.schedulingGroup.podGroupName", "string"),
        ("status.nodeAllocatableResourceClaimStatuses[].resources", "map<int-or-string>"),
        // 1.37
        ("spec.evictionResponders[].priority", "integer"),
        ("spec.volumes[].configMap.items[].user", "integer"),
        ("spec.initContainers[].volumeMounts[].bindMountOptions[]", "string"),
    ];
    for (path, kind) in expected {
        assert_eq!(type_at(&template, path).as_deref(), Some(kind), "{path}");
    }
    assert_eq!(type_at(&template, "spec.contaners"), None);
}

#[test]
fn recorded_texts_and_any_configuration_pass_unchecked() {
    let schema = schema::<FlinkDeployment>();
    let configuration = schema.pointer("/properties/spec/properties/flinkConfiguration").unwrap();
    assert_eq!(configuration.get("type"), None, "a configuration may be any JSON");
    assert_eq!(configuration["x-kubernetes-preserve-unknown-fields"], true);
}
