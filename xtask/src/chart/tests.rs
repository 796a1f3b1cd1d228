//! Tests that the rendered objects have the names that users and their tools expect. Needs helm: `cargo xtask tools helm`.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

/// Renders with these values. Panics with helm's message if it refuses them.
fn rendered(values: &Value) -> Vec<Value> {
    render(&values.to_string()).unwrap_or_else(|error| panic!("{error:#}"))
}

fn refused(values: &Value) -> String {
    render(&values.to_string()).expect_err("these values should be refused").to_string()
}

fn one<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found: Vec<&Value> = all(objects, kind)
        .into_iter()
        .filter(|object| object["metadata"]["name"] == name)
        .collect();
    assert_eq!(found.len(), 1, "{kind} {name} among {:?}", names(objects));
    found[0]
}

fn all<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

fn names(objects: &[Value]) -> BTreeSet<String> {
    objects.iter().map(rules::name).collect()
}

fn deployment(values: &Value) -> Value {
    one(&rendered(values), "Deployment", "flink-kubernetes-operator").clone()
}

fn container(values: &Value) -> Value {
    deployment(values)["spec"]["template"]["spec"]["containers"][0].clone()
}

fn configuration(values: &Value, file: &str) -> String {
    let objects = rendered(values);
    one(&objects, "ConfigMap", "flink-operator-config")["data"][file]
        .as_str()
        .expect("the file is there")
        .to_owned()
}

/// The lines of a file without comments and empty lines.
fn settings(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn chart_objects_have_the_names_that_users_know() {
    let expected = [
        "ClusterRole /flink-operator",
        "ClusterRoleBinding /flink-operator-role-binding",
        "ConfigMap flink-operator/flink-operator-config",
        "Deployment flink-operator/flink-kubernetes-operator",
        "Role flink-operator/flink",
        "Role flink-operator/flink-operator",
        "RoleBinding flink-operator/flink-operator-role-binding",
        "RoleBinding flink-operator/flink-role-binding",
        "ServiceAccount flink-operator/flink",
        "ServiceAccount flink-operator/flink-operator",
    ];
    assert_eq!(names(&rendered(&json!({}))), expected.map(ToOwned::to_owned).into());
}

#[test]
fn chart_and_crates_have_one_version() {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Chart {
        version: String,
        app_version: String,
    }
    let text = std::fs::read_to_string(workspace::root().join(CHART).join("Chart.yaml")).unwrap();
    let chart: Chart = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(
        (chart.version.as_str(), chart.app_version.as_str()),
        (workspace::VERSION, workspace::VERSION)
    );
    assert_eq!(
        container(&json!({}))["image"],
        format!("flink-kubernetes-operator:{}", workspace::VERSION)
    );
}

#[test]
fn chart_brings_the_definitions_of_the_four_kinds() {
    let folder = workspace::root().join(CHART).join("crds");
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for definition in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            kinds.insert(definition["metadata"]["name"].as_str().unwrap().to_owned());
        }
    }
    let expected = [
        "flinkbluegreendeployments",
        "flinkdeployments",
        "flinksessionjobs",
        "flinkstatesnapshots",
    ];
    assert_eq!(kinds, expected.map(|plural| format!("{plural}.flink.apache.org")).into());
}

#[test]
fn chart_keeps_the_rules_with_every_set_of_values() {
    for file in value_files().unwrap() {
        let objects = render(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(rules::faults(&objects), Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn chart_grants_the_rights_that_were_reviewed() {
    check_rights().unwrap();
}

#[test]
fn rules_find_what_they_are_for() {
    let broken = |path: &str, value: Value| {
        let mut objects = rendered(&json!({}));
        let at = objects
            .iter()
            .position(|object| object.pointer(path).is_some())
            .expect("some object has the path");
        *objects[at].pointer_mut(path).unwrap() = value;
        rules::faults(&objects).join("\n")
    };
    let pod = "/spec/template/spec";
    for (path, value, expected) in [
        ("/metadata/labels/helm.sh~1chart", json!(""), "no label helm.sh/chart"),
        ("/rules/0/resources", json!(["secrets"]), "rights on secrets"),
        ("/rules/0/verbs", json!(["*"]), "the verb *"),
        ("/rules/0/apiGroups", json!(["rbac.authorization.k8s.io"]), "rights on the group rbac"),
        ("/roleRef/name", json!("other"), "which is not rendered"),
        ("/subjects/0/name", json!("other"), "which is not rendered"),
        (&format!("{pod}/securityContext/runAsUser"), json!(0), "runAsUser is 0, not 9999"),
        (
            &format!("{pod}/containers/0/securityContext"),
            json!({}),
            "readOnlyRootFilesystem is null",
        ),
        (
            &format!("{pod}/containers/0/livenessProbe/httpGet/port"),
            json!("other"),
            "livenessProbe asks",
        ),
        (&format!("{pod}/volumes/0/name"), json!("other"), "which is no volume"),
        (
            &format!("{pod}/volumes/0/configMap/items/0/key"),
            json!("other"),
            "takes other, which the ConfigMap",
        ),
        (
            &format!("{pod}/volumes/1"),
            json!({ "name": "flink-artifacts-volume", "hostPath": {} }),
            "is a hostPath",
        ),
        ("/spec/selector/matchLabels", json!({}), "the selector does not match"),
        ("/metadata/namespace", Value::Null, "lacks one"),
    ] {
        // For serde null is a value; for Kubernetes it is the same as a missing field.
        if value.is_null() {
            let mut objects = rendered(&json!({}));
            objects[0]["metadata"].as_object_mut().unwrap().remove("namespace");
            assert!(rules::faults(&objects).join("\n").contains(expected), "{path}");
            continue;
        }
        let found = broken(path, value);
        assert!(found.contains(expected), "{path}: {found}");
    }
    let mut twice = rendered(&json!({}));
    twice.extend(twice.clone());
    assert!(rules::faults(&twice).join("\n").contains("is there twice"));
}

#[test]
fn chart_selects_pods_by_one_label_that_never_changes() {
    let deployment = deployment(&json!({ "operatorPod": { "labels": { "team": "a" } } }));
    let name = json!({ "app.kubernetes.io/name": "flink-kubernetes-operator" });
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], name);
    assert_eq!(
        deployment["spec"]["template"]["metadata"]["labels"],
        json!({ "app.kubernetes.io/name": "flink-kubernetes-operator", "team": "a" })
    );
}

#[test]
fn watched_namespaces_get_roles_and_the_cluster_none() {
    let objects = rendered(&json!({ "watchNamespaces": ["ns1", "ns2"] }));
    assert!(
        all(&objects, "ClusterRole").is_empty() && all(&objects, "ClusterRoleBinding").is_empty()
    );
    let places = |kind: &str, name: &str| -> Vec<&str> {
        let found =
            all(&objects, kind).into_iter().filter(|object| object["metadata"]["name"] == name);
        found.map(|object| object["metadata"]["namespace"].as_str().unwrap()).collect()
    };
    // Users' own chart tests may compare the order.
    assert_eq!(places("Role", "flink-operator"), ["ns1", "ns2", "flink-operator"]);
    assert_eq!(
        places("RoleBinding", "flink-operator-role-binding"),
        ["ns1", "ns2", "flink-operator"]
    );
    assert_eq!(places("Role", "flink"), ["ns1", "ns2"]);
    assert_eq!(places("RoleBinding", "flink-role-binding"), ["ns1", "ns2"]);
    assert_eq!(places("ServiceAccount", "flink"), ["ns1", "ns2"]);
    assert_eq!(places("ServiceAccount", "flink-operator"), ["flink-operator"]);
    let text = configuration(&json!({ "watchNamespaces": ["ns1", "ns2"] }), "flink-conf.yaml");
    assert!(settings(&text).contains(&"kubernetes.operator.watched.namespaces: ns1,ns2"), "{text}");
}

#[test]
fn a_role_name_with_a_colon_is_a_cluster_role_of_somebody_else() {
    let rbac = json!({ "operatorRole": { "create": false, "name": "system:flink" } });
    let objects = rendered(&json!({ "watchNamespaces": ["ns1"], "rbac": rbac }));
    let binding = one(&objects, "RoleBinding", "flink-role-binding");
    assert_eq!(binding["roleRef"]["kind"], "Role");
    for binding in all(&objects, "RoleBinding") {
        if binding["metadata"]["name"] == "flink-operator-role-binding" {
            assert_eq!(binding["roleRef"]["kind"], "ClusterRole");
            assert_eq!(binding["roleRef"]["name"], "system:flink");
        }
    }
}

#[test]
fn what_is_not_to_be_created_is_not() {
    let kinds = |values: Value| -> BTreeSet<String> {
        rendered(&values).iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect()
    };
    let no_rights = kinds(json!({ "rbac": { "create": false } }));
    assert_eq!(
        no_rights,
        ["ConfigMap", "Deployment", "ServiceAccount"].map(ToOwned::to_owned).into()
    );
    let bare = kinds(json!({
        "rbac": { "create": false },
        "operatorServiceAccount": { "create": false },
        "jobServiceAccount": { "create": false },
        "defaultConfiguration": { "create": false },
    }));
    assert_eq!(bare, ["Deployment".to_owned()].into());
}

#[test]
fn accounts_keep_their_names_when_somebody_else_creates_them() {
    let values = json!({ "operatorServiceAccount": { "create": false, "name": "mine" }, "jobServiceAccount": { "create": false, "name": "jobs" } });
    let objects = rendered(&values);
    assert_eq!(deployment(&values)["spec"]["template"]["spec"]["serviceAccountName"], "mine");
    assert_eq!(
        one(&objects, "ClusterRoleBinding", "flink-operator-role-binding")["subjects"][0]["name"],
        "mine"
    );
    assert_eq!(one(&objects, "RoleBinding", "flink-role-binding")["subjects"][0]["name"], "jobs");
    let unnamed = json!({ "operatorServiceAccount": { "create": false, "name": "" } });
    assert_eq!(deployment(&unnamed)["spec"]["template"]["spec"]["serviceAccountName"], "default");
}

#[test]
fn what_running_jobs_need_outlives_the_release() {
    let objects = rendered(&json!({}));
    for (kind, name) in
        [("ServiceAccount", "flink"), ("Role", "flink"), ("RoleBinding", "flink-role-binding")]
    {
        let annotations = &one(&objects, kind, name)["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/resource-policy"], "keep", "{kind} {name}");
    }
    assert_eq!(one(&objects, "Role", "flink-operator")["metadata"]["annotations"], Value::Null);
}

#[test]
fn both_configuration_files_begin_with_the_defaults_and_end_with_what_other_values_say() {
    let values = json!({
        "operatorHealth": { "port": 8090 },
        "defaultConfiguration": { "flink-conf.yaml": "a.b: c\n", "config.yaml": "a:\n  b: c\n" },
    });
    for (file, own) in [("flink-conf.yaml", vec!["a.b: c"]), ("config.yaml", vec!["a:", "  b: c"])]
    {
        let text = configuration(&values, file);
        let lines = settings(&text);
        assert_eq!(
            lines[..2],
            ["taskmanager.numberOfTaskSlots: 1", "parallelism.default: 1"],
            "{file}"
        );
        assert_eq!(lines[4..lines.len() - 2], own, "{file}");
        assert_eq!(
            lines[lines.len() - 2..],
            [
                "kubernetes.operator.health.probe.enabled: true",
                "kubernetes.operator.health.probe.port: 8090"
            ],
            "{file}"
        );
        let parsed: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(parsed["parallelism.default"], 1, "{file} is YAML");
    }
}

#[test]
fn java_17_flags_have_the_key_of_their_flink_version() {
    let text = configuration(&json!({}), "flink-conf.yaml");
    let flags = |key: &str| -> Vec<String> {
        let prefix = format!("kubernetes.operator.default-configuration.flink-version.{key}: ");
        let line =
            text.lines().find_map(|line| line.strip_prefix(&prefix)).expect("the key is there");
        line.split(' ').map(ToOwned::to_owned).collect()
    };
    let new = flags("v1_19+.env.java.default-opts.all");
    assert_eq!(new, flags("v1_18.env.java.opts.all"));
    assert_eq!(new.iter().filter(|flag| flag.starts_with("--add-exports=")).count(), 3);
    assert_eq!(new.iter().filter(|flag| flag.starts_with("--add-opens=java.base/")).count(), 12);
    assert!(new.iter().all(|flag| flag.ends_with("=ALL-UNNAMED")), "{new:?}");
    assert_eq!(new.iter().collect::<BTreeSet<_>>().len(), 15);
}

#[test]
fn without_append_only_the_users_text_is_left() {
    let values = json!({ "defaultConfiguration": { "append": false, "flink-conf.yaml": "x: y\n", "log4j-console.properties": "z = 1\n" } });
    assert_eq!(settings(&configuration(&values, "flink-conf.yaml"))[0], "x: y");
    assert_eq!(configuration(&values, "log4j-console.properties").trim(), "z = 1");
    // A logback file is always replaced, also with append.
    let values = json!({ "defaultConfiguration": { "logback-console.xml": "<configuration/>" } });
    assert_eq!(configuration(&values, "logback-console.xml").trim(), "<configuration/>");
    assert!(configuration(&json!({}), "logback-console.xml").contains("ConsoleAppender"));
}

#[test]
fn the_first_volume_has_the_files_of_one_format_and_one_logging_framework() {
    let items = |values: Value| -> Vec<String> {
        let deployment = deployment(&values);
        let volume = &deployment["spec"]["template"]["spec"]["volumes"][0];
        assert_eq!(volume["name"], "flink-operator-config-volume");
        let items = volume["configMap"]["items"].as_array().unwrap();
        items.iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        items(json!({})),
        ["flink-conf.yaml", "log4j-operator.properties", "log4j-console.properties"]
    );
    let yaml_and_logback = json!({
        "defaultConfiguration": { "flink-conf.yaml": null, "config.yaml": "a: b" },
        "logging": { "framework": "logback" },
    });
    assert_eq!(
        items(yaml_and_logback),
        ["config.yaml", "logback-operator.xml", "logback-console.xml"]
    );
}

#[test]
fn the_operators_container_is_told_where_it_is() {
    let container = container(&json!({}));
    assert_eq!(container["args"], json!(["run"]));
    assert_eq!(container["command"], Value::Null, "the image's entry point is the program");
    let of = |name: &str| {
        let variables = container["env"].as_array().unwrap();
        variables
            .iter()
            .find(|variable| variable["name"] == name)
            .cloned()
            .unwrap_or_else(|| panic!("no {name}"))
    };
    for (name, field) in [
        ("OPERATOR_NAMESPACE", "metadata.namespace"),
        ("HOST_IP", "status.hostIP"),
        ("POD_IP", "status.podIP"),
        ("POD_NAME", "metadata.name"),
    ] {
        assert_eq!(of(name)["valueFrom"]["fieldRef"]["fieldPath"], field);
    }
    assert_eq!(of("OPERATOR_NAME")["value"], "flink-kubernetes-operator");
    assert_eq!(of("FLINK_CONF_DIR")["value"], container["volumeMounts"][0]["mountPath"]);
}

#[test]
fn stores_for_tls_are_mounted_from_the_secret_where_the_operator_looks_for_them() {
    let tls = json!({ "tls": { "create": true, "secretName": "stores" } });
    let pod = deployment(&tls)["spec"]["template"]["spec"].clone();
    let environment = pod["containers"][0]["env"].as_array().unwrap().clone();
    let variable = |name: &str| environment.iter().find(|variable| variable["name"] == name);
    for (name, file) in
        [("OPERATOR_TRUSTSTORE_PATH", "truststore.jks"), ("OPERATOR_KEYSTORE_PATH", "keystore.jks")]
    {
        assert_eq!(variable(name).unwrap()["value"], format!("/opt/flink/tls-cert/{file}"));
    }
    let reference = &variable("OPERATOR_KEYSTORE_PASSWORD").unwrap()["valueFrom"]["secretKeyRef"];
    let expected =
        json!({"name": "operator-certificate-password", "key": "password", "optional": true});
    assert_eq!(*reference, expected);
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["name"] == "flink-operator-cert-secret");
    assert_eq!(volume.unwrap()["secret"], json!({"secretName": "stores", "optional": true}));
    let without = container(&json!({})).to_string();
    assert!(!without.contains("OPERATOR_TRUSTSTORE_PATH"), "{without}");
}

#[test]
fn image_digest_goes_before_tag() {
    let image =
        |image: Value| container(&json!({ "image": image }))["image"].as_str().unwrap().to_owned();
    assert_eq!(image(json!({ "repository": "a/b", "tag": "7" })), "a/b:7");
    let digest = format!("sha256:{}", "0".repeat(64));
    assert_eq!(
        image(json!({ "repository": "a/b", "tag": "7", "digest": digest })),
        format!("a/b@{digest}")
    );
}

#[test]
fn ports_are_named() {
    let ports = |values: Value| container(&values)["ports"].clone();
    assert_eq!(ports(json!({})), json!([{ "name": "health-port", "containerPort": 8085 }]));
    assert_eq!(
        ports(json!({ "metrics": { "port": 9999 } })),
        json!([{ "name": "metrics", "containerPort": 9999 }, { "name": "health-port", "containerPort": 8085 }])
    );
}

#[test]
fn a_probe_can_be_left_out() {
    let container = container(&json!({ "operatorHealth": { "livenessProbe": null } }));
    assert_eq!(container["livenessProbe"], Value::Null);
    assert_eq!(container["startupProbe"]["failureThreshold"], 60);
}

#[test]
fn names_can_be_overridden() {
    let values = json!({ "nameOverride": "flink-op", "operatorServiceAccount": { "name": "" }, "fullnameOverride": "whole" });
    let objects = rendered(&values);
    let deployment = one(&objects, "Deployment", "flink-op");
    assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"], "flink-op");
    // Tools find the container by the chart's name, whatever the name of the release is.
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["name"],
        "flink-kubernetes-operator"
    );
    one(&objects, "ServiceAccount", "whole");
}

#[test]
fn wrong_values_are_refused_with_key_value_and_what_is_allowed() {
    for (values, expected) in [
        (json!({ "watchNamespaces": "team-a" }), "at '/watchNamespaces': got string, want array"),
        (json!({ "watchNamespaces": ["Team"] }), "at '/watchNamespaces/0': 'Team' does not match"),
        (
            json!({ "logging": { "framework": "slf4j" } }),
            "at '/logging/framework': value must be one of 'log4j2', 'logback'",
        ),
        (json!({ "replicas": "two" }), "at '/replicas': got string, want integer"),
        (json!({ "operatorHealth": { "port": 0 } }), "at '/operatorHealth/port': minimum: got 0"),
        (json!({ "image": { "digest": "sha256:12" } }), "at '/image/digest': 'sha256:12' does not"),
        (
            json!({ "tls": { "create": true, "secretName": "" } }),
            "at '/tls/secretName': minLength: got 0, want 1",
        ),
        (
            json!({ "metrics": { "port": 8085 } }),
            "metrics.port and operatorHealth.port are both 8085",
        ),
    ] {
        let error = refused(&values);
        assert!(error.contains(expected), "{values}: {error}");
    }
}
