//! Tests of the effect of each change, and of its text.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NATIVE: DeploymentMode = DeploymentMode::Native;
const STANDALONE: DeploymentMode = DeploymentMode::Standalone;

fn spec(members: Value) -> FlinkDeploymentSpec {
    serde_json::from_value(members).unwrap()
}

/// Applies a merge patch to a spec that sets most fields, and compares.
fn patched(patch: &Value, mode: &DeploymentMode) -> SpecDiff {
    let base = base();
    let mut after = base.clone();
    apply(&mut after, patch);
    deployment(&spec(base), &spec(after), mode)
}

fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (member, value) in patch {
        apply(&mut target[member], value);
    }
}

fn base() -> Value {
    json!({
        "image": "flink:2.2",
        "flinkVersion": "v2_2",
        "serviceAccount": "flink",
        "restartNonce": 1,
        "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2", "job.autoscaler.enabled": "true"},
        "podTemplate": {"metadata": {"labels": {"l": "1"}}, "spec": {"hostname": "h", "containers": [
            {"name": "flink-main-container", "resources": {"requests": {"nvidia.com/gpu": "1"}}},
        ]}},
        "ingress": {"template": "a.b"},
        "jobManager": {"resource": {"cpu": 1, "memory": "1g"}},
        "taskManager": {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}, "replicas": 2},
        "job": {"jarURI": "local:///a.jar", "parallelism": 2, "savepointRedeployNonce": 1},
    })
}

#[track_caller]
fn check(patch: &Value, native: DiffType, standalone: DiffType) {
    assert_eq!(patched(patch, &NATIVE).diff_type(), native, "native {patch}");
    assert_eq!(patched(patch, &STANDALONE).diff_type(), standalone, "standalone {patch}");
}

#[test]
fn a_change_of_a_field_asks_for_what_the_table_says() {
    use DiffType::{Ignore, SavepointRedeploy, Scale, Upgrade};
    for (patch, native, standalone) in [
        (json!({"image": "flink:2.3"}), Upgrade, Upgrade),
        (json!({"imagePullPolicy": "Always"}), Upgrade, Upgrade),
        (json!({"serviceAccount": null}), Upgrade, Upgrade),
        (json!({"flinkVersion": "v2_3"}), Upgrade, Upgrade),
        (json!({"ingress": {"labels": {"a": "b"}}}), Ignore, Ignore),
        (json!({"podTemplate": {"spec": {"hostname": "g"}}}), Upgrade, Upgrade),
        // A label is not a quantity, even if its value looks like one.
        (json!({"podTemplate": {"metadata": {"labels": {"l": "1000m"}}}}), Upgrade, Upgrade),
        (json!({"jobManager": {"replicas": 2}}), Upgrade, Upgrade),
        (json!({"jobManager": null}), Upgrade, Upgrade),
        (json!({"taskManager": {"replicas": 3}}), Upgrade, Scale),
        (json!({"taskManager": {"resource": {"cpu": 3}}}), Upgrade, Upgrade),
        (json!({"taskManager": {"resources": {"requests": {"cpu": "2"}}}}), Upgrade, Upgrade),
        (json!({"taskManager": null}), Upgrade, Upgrade),
        (json!({"logConfiguration": {"log4j-console.properties": ""}}), Upgrade, Upgrade),
        (json!({"mode": "standalone"}), Upgrade, Upgrade),
        (json!({"job": null}), Upgrade, Upgrade),
        (json!({"job": {"jarURI": "local:///b.jar"}}), Upgrade, Upgrade),
        (json!({"job": {"parallelism": 3}}), Upgrade, Scale),
        (json!({"job": {"entryClass": "A"}}), Upgrade, Upgrade),
        (json!({"job": {"args": ["a"]}}), Upgrade, Upgrade),
        (json!({"job": {"state": "suspended"}}), Upgrade, Upgrade),
        (json!({"job": {"savepointTriggerNonce": 1}}), Ignore, Ignore),
        (json!({"job": {"initialSavepointPath": "s"}}), Ignore, Ignore),
        (json!({"job": {"checkpointTriggerNonce": 1}}), Ignore, Ignore),
        (json!({"job": {"upgradeMode": "savepoint"}}), Ignore, Ignore),
        (json!({"job": {"allowNonRestoredState": true}}), Ignore, Ignore),
        (json!({"job": {"savepointRedeployNonce": 2}}), SavepointRedeploy, SavepointRedeploy),
        (json!({"job": {"autoscalerResetNonce": 1}}), Ignore, Ignore),
        (json!({"restartNonce": 2}), Upgrade, Upgrade),
        (json!({"flinkConfiguration": {"a": "b"}}), Upgrade, Upgrade),
        (json!({"flinkConfiguration": {"job.autoscaler.enabled": "false"}}), Ignore, Ignore),
        (json!({"flinkConfiguration": {"parallelism.default": "3"}}), Ignore, Ignore),
        (json!({"flinkConfiguration": {"kubernetes.operator.x": "3"}}), Ignore, Ignore),
        (
            json!({"flinkConfiguration": {"pipeline.jobvertex-parallelism-overrides": "a:1"}}),
            Scale,
            Upgrade,
        ),
    ] {
        assert!(!patched(&patch, &NATIVE).fields.is_empty(), "{patch}");
        check(&patch, native, standalone);
    }
}

#[test]
fn values_with_the_same_meaning_are_not_a_change() {
    for patch in [
        json!({}),
        json!({"restartNonce": null}),
        json!({"job": {"savepointRedeployNonce": null}}),
        json!({"mode": "native"}),
        json!({"job": {"args": []}}),
        json!({"job": {"args": null}}),
        json!({"podTemplate": {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "x"}}}),
        json!({"podTemplate": {"metadata": {"labels": {}, "creationTimestamp": null}}}),
        json!({"podTemplate": {"spec": {"volumes": []}}}),
        json!({"taskManager": {"resources": {"requests": {"cpu": "1000m", "memory": 1_073_741_824}}}}),
        json!({"flinkConfiguration": {"job": {"autoscaler": {"enabled": true}}}}),
        json!({"flinkConfiguration": {"taskmanager.numberOfTaskSlots": 2}}),
    ] {
        assert_eq!(patched(&patch, &NATIVE).fields, vec![], "{patch}");
    }
}

#[test]
fn an_empty_label_selector_differs_from_a_missing_one() {
    let term = |selector: Value| {
        json!({"podTemplate": {"spec": {"affinity": {"podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [selector],
        }}}}})
    };
    let before = spec(term(json!({"topologyKey": "k"})));
    let after = spec(term(json!({"topologyKey": "k", "labelSelector": {}})));
    assert_eq!(deployment(&before, &after, &NATIVE).diff_type(), DiffType::Upgrade);
}

#[test]
fn changes_are_printed_in_the_order_of_the_table() {
    let patch = json!({
        "restartNonce": 7,
        "image": "flink:2.3",
        "ingress": null,
        "podTemplate": {"spec": {"hostname": "g"}},
        "jobManager": {"resource": {"memory": "2g"}},
        "job": {"parallelism": 4, "args": ["a", "b"]},
        "flinkConfiguration": {"taskmanager.numberOfTaskSlots": null, "b": "1"},
    });
    assert_eq!(
        patched(&patch, &NATIVE).to_string(),
        "Diff: FlinkDeploymentSpec[image : flink:2.2 -> flink:2.3, ingress : {..} -> null, \
         podTemplate.spec.hostname : h -> g, jobManager.resource.memory : 1g -> 2g, \
         job.parallelism : 2 -> 4, job.args.0 : null -> a, job.args.1 : null -> b, \
         restartNonce : 1 -> 7, \
         flinkConfiguration.taskmanager.numberOfTaskSlots : 2 -> null, \
         flinkConfiguration.b : null -> 1]"
    );
}

#[test]
fn a_long_value_is_cut_off_in_the_text() {
    let printed = patched(&json!({"image": "ä".repeat(5000)}), &NATIVE).to_string();
    assert!(printed.chars().count() < 300, "{printed}");
    assert!(printed.ends_with("ä…]"), "{printed}");
}

#[test]
fn secrets_are_not_printed() {
    let patch = json!({"flinkConfiguration": {"s3.secret-key": "hunter2"}});
    assert_eq!(
        patched(&patch, &NATIVE).to_string(),
        "Diff: FlinkDeploymentSpec[flinkConfiguration.s3.secret-key : null -> ******]"
    );
}

#[test]
fn a_session_job_is_compared_by_the_same_rules() {
    let spec = |members: Value| serde_json::from_value::<FlinkSessionJobSpec>(members).unwrap();
    let before = spec(json!({"deploymentName": "s", "job": {"parallelism": 1}}));
    let after = spec(json!({"deploymentName": "t", "job": {"parallelism": 2}}));
    assert_eq!(
        session_job(&before, &after, &NATIVE).to_string(),
        "Diff: FlinkSessionJobSpec[deploymentName : s -> t, job.parallelism : 1 -> 2]"
    );
    let scaled = spec(json!({"deploymentName": "s", "job": {"parallelism": 2}}));
    assert_eq!(session_job(&before, &scaled, &STANDALONE).diff_type(), DiffType::Scale);
}

/// The operator would ignore the changes of a field that is not in the table.
#[test]
fn the_table_has_every_field_of_a_spec() {
    let names = |table: &[Field]| -> Vec<&'static str> {
        let mut names: Vec<_> = table.iter().map(|field| field.name).collect();
        names.sort_unstable();
        names
    };
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    let deployment = serde_json::to_value(spec(base())).unwrap();
    assert_eq!(names(rules::DEPLOYMENT), keys(&deployment));
    for nested in ["job", "taskManager"] {
        let field = rules::DEPLOYMENT.iter().find(|field| field.name == nested).unwrap();
        let Parts::Fields(table) = field.parts else { panic!("{nested}") };
        assert_eq!(names(table), keys(&deployment[nested]));
    }
    let session_job = serde_json::to_value(FlinkSessionJobSpec::default()).unwrap();
    assert_eq!(names(rules::SESSION_JOB), keys(&session_job));
}

#[test]
fn recorded_specs_of_the_java_operator_equal_the_specs_they_were_made_from() {
    let specs: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/golden/status/specs.json")).unwrap();
    for stored in specs.into_iter().filter(|spec| spec.get("deploymentName").is_none()) {
        let read = spec(stored.clone());
        let again = spec(serde_json::to_value(&read).unwrap());
        assert_eq!(deployment(&read, &again, &NATIVE).fields, vec![], "{stored}");
    }
}

proptest! {
    #[test]
    fn comparison_is_reflexive_and_symmetric(
        before in any_json(), after in any_json(),
    ) {
        prop_assert!(same(&before, &before));
        prop_assert_eq!(json::changes("a", &before, &before), vec![]);
        prop_assert_eq!(same(&before, &after), same(&after, &before));
        prop_assert_eq!(same(&before, &after), json::changes("a", &before, &after).is_empty());
    }

    #[test]
    fn a_spec_does_not_differ_from_itself(configuration in any_json(), template in any_json()) {
        let one = FlinkDeploymentSpec {
            flink_configuration: Some(configuration.into()),
            pod_template: Some(template.into()),
            ..spec(base())
        };
        prop_assert_eq!(deployment(&one, &one, &NATIVE).diff_type(), DiffType::Ignore);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        "(1|1000m|[a-c])".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("(a|b|requests|labelSelector)", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn an_object_in_an_array_of_options_counts() {
    let of = |value: &str| {
        spec(
            json!({"flinkConfiguration": {"kubernetes.taskmanager.tolerations": [{"key": value}]}}),
        )
    };
    assert_eq!(deployment(&of("a"), &of("b"), &NATIVE).diff_type(), DiffType::Upgrade);
    assert_eq!(deployment(&of("a"), &of("a"), &NATIVE).diff_type(), DiffType::Ignore);
}

/// FLINK-33710.
#[test]
fn the_notation_of_lists_and_maps_and_the_order_of_a_map_are_no_change() {
    use DiffType::{Ignore, Scale, Upgrade};
    let check = |version: &str, key: &str, before: &str, after: &str, expected: DiffType| {
        let of = |value: &str| {
            spec(json!({"flinkVersion": version, "flinkConfiguration": {key: value}}))
        };
        let found = deployment(&of(before), &of(after), &NATIVE).diff_type();
        assert_eq!(found, expected, "{version} {key}: {before} -> {after}");
    };
    let overrides = "pipeline.jobvertex-parallelism-overrides";
    let annotations = "kubernetes.jobmanager.annotations";
    let tolerations = "kubernetes.taskmanager.tolerations";
    for version in ["v1_20", "v2_2"] {
        check(version, overrides, "a:1,b:2", "b:2,a:1", Ignore);
        check(version, overrides, "a:1,b:2", " b:2 , a:1 ", Ignore);
        check(version, overrides, "a:1,b:2", "a:2,b:1", Scale);
        check(version, annotations, "x:1,y:2", "y:2,x:1", Ignore);
        check(version, tolerations, "key:a,operator:Exists", "operator:Exists,key:a", Ignore);
        // The order of a list counts.
        check(version, tolerations, "key:a;key:b", "key:b;key:a", Upgrade);
        check(version, "pipeline.jars", "a;b", "b;a", Upgrade);
        // Nothing is known about other options.
        check(version, "mine", "a:1,b:2", "b:2,a:1", Upgrade);
        check(version, "execution.checkpointing.interval", "60 s", "1 min", Upgrade);
        // A text that Flink cannot read is only compared as text.
        check(version, annotations, "x:1,'", "',x:1", Upgrade);
    }
    check("v2_2", overrides, "a:1,b:2", "{b: 2, a: 1}", Ignore);
    check("v2_2", "pipeline.jars", "a;b", "[a, b]", Ignore);
    // Flink 1.x does not read YAML in a value.
    check("v1_20", overrides, "a:1,b:2", "{b: 2, a: 1}", Scale);
}

#[test]
fn secrets_in_arguments_and_variables_are_hidden() {
    let before = spec(json!({
        "job": {"args": ["--password", "old-1", "--topic", "a", "--api.token=old-2"]},
        "podTemplate": {"spec": {"containers": [
            {"name": "flink-main-container", "env": [{"name": "DB_PWD", "value": "old-3"}]},
        ]}},
    }));
    let after = spec(json!({
        "job": {"args": ["--password", "new-1", "--topic", "b", "--api.token=new-2", "--secret=new-4"]},
        "podTemplate": {"spec": {"containers": [
            {"name": "flink-main-container", "env": [
                {"name": "DB_PWD", "value": "new-3"}, {"name": "X", "value": "new-5"},
            ]},
            {"name": "sidecar", "env": [{"name": "Y", "value": "new-6"}]},
        ]}},
    }));
    let text = deployment(&before, &after, &NATIVE).to_string();
    assert!(!text.contains("old-") && !text.contains("new-"), "{text}");
    assert!(text.contains("job.args.1 : ****** -> ******"), "{text}");
    assert!(text.contains("job.args.3 : a -> b"), "what is no secret is shown: {text}");
    assert!(text.contains("sidecar"), "{text}");
}
