//! Tests of native clusters that the golden data does not cover.

use serde_json::{Value, json};

use super::*;

mod hostile;

/// A session cluster with the fewest options.
fn session(version: FlinkVersion, settings: &[(&str, &str)]) -> ClusterInput {
    let base = [
        ("kubernetes.cluster-id", "my-app"),
        ("jobmanager.memory.process.size", "1600m"),
        ("taskmanager.memory.process.size", "1728m"),
    ];
    let configuration = base.iter().chain(settings).map(|(key, value)| (*key, *value)).collect();
    ClusterInput::new(version, ClusterMode::Session, configuration)
}

fn application(version: FlinkVersion, settings: &[(&str, &str)]) -> ClusterInput {
    let mut input = session(version, settings);
    input.mode = ClusterMode::Application;
    input.configuration.set("execution.target", "kubernetes-application");
    input
}

fn message(input: ClusterInput) -> String {
    let error = build(input).expect_err("the input is refused");
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

fn named<'o>(objects: &'o ClusterObjects, kind: &str, name: &str) -> &'o Value {
    let wanted = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.accompanying.iter().find(wanted).unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn options_of_later_versions_are_ignored_and_reported() {
    let settings = [
        ("kubernetes.internal-service.annotations", "ia:1"),
        ("kubernetes.internal-service.labels", "il:1"),
        ("kubernetes.rest-service.labels", "rl:1"),
        ("kubernetes.persistent-volume-claims", "c:/c"),
    ];
    let effects = |client| {
        let objects = build(ClusterInput { client, ..session(client, &settings) }).unwrap();
        let internal = &named(&objects, "Service", "my-app")["metadata"];
        let rest = &named(&objects, "Service", "my-app-rest")["metadata"];
        let volumes = &objects.deployment["spec"]["template"]["spec"]["volumes"];
        let seen = [
            internal["annotations"] == json!({ "ia": "1" }),
            internal["labels"]["il"] == "1",
            rest["labels"]["rl"] == "1",
            volumes.as_array().unwrap().iter().any(|volume| volume["name"] == "c-pvc"),
        ];
        assert_eq!(seen.iter().filter(|seen| !**seen).count(), objects.ignored.len());
        seen
    };
    assert_eq!(effects(FlinkVersion::V1_19), [false, false, false, false]);
    assert_eq!(effects(FlinkVersion::V1_20), [true, false, false, false]);
    assert_eq!(effects(FlinkVersion::V2_1), [true, false, false, false]);
    assert_eq!(effects(FlinkVersion::V2_2), [true, true, true, false]);
    assert_eq!(effects(FlinkVersion::V2_3), [true, true, true, true]);

    let objects = build(session(FlinkVersion::V2_2, &settings)).unwrap();
    assert_eq!(
        objects.ignored.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["kubernetes.persistent-volume-claims has no effect before Flink v2_3"]
    );
}

/// The Java operator builds the objects of Flink 1.20 for every version, so options of 1.20 must work for
/// older versions too.
#[test]
fn older_versions_have_the_objects_of_1_20_but_their_own_file_and_image() {
    let settings = [("kubernetes.internal-service.annotations", "ia:1")];
    let input = session(FlinkVersion::V1_18, &settings);
    assert_eq!(input.client, FlinkVersion::V1_20);
    assert_eq!(input.config_file, ConfigFile::FlinkConf);
    assert_eq!(input.default_image, "apache/flink:1.18-scala_2.12");
    let objects = build(input).unwrap();
    let internal = named(&objects, "Service", "my-app");
    assert_eq!(internal["metadata"]["annotations"], json!({ "ia": "1" }));
    assert_eq!(session(FlinkVersion::V2_3, &[]).client, FlinkVersion::V2_3);
}

#[test]
fn log_files_are_those_that_the_version_knows() {
    let keys = |version| {
        let mut input = session(version, &[]);
        for name in ["log4j.properties", "log4j-console.properties", "notes.txt"] {
            input.log_files.insert(name.to_owned(), name.to_owned());
        }
        let objects = build(input).unwrap();
        let data = &named(&objects, "ConfigMap", "flink-config-my-app")["data"];
        data.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (two, file) = ("log4j-console.properties", "config.yaml");
    assert_eq!(keys(FlinkVersion::V1_20), ["flink-conf.yaml", two]);
    assert_eq!(keys(FlinkVersion::V2_0), [file, two]);
    assert_eq!(keys(FlinkVersion::V2_1), [file, two, "log4j.properties"]);
}

#[test]
fn an_option_that_is_set_overrides_the_template_and_the_template_overrides_defaults() {
    let template = json!({ "spec": {
        "serviceAccountName": "template-account",
        "dnsPolicy": "Default",
        "containers": [{
            "name": "flink-main-container",
            "image": "template/image",
            "imagePullPolicy": "Never",
        }],
    } });
    let seen = |settings: &[(&str, &str)]| {
        // Flink 1.20: nested YAML cannot contain the older key of the image and the pull policy.
        let mut input = session(FlinkVersion::V1_20, settings);
        input.job_manager_template = Some(template.clone());
        let spec = build(input).unwrap().deployment["spec"]["template"]["spec"].clone();
        let main = &spec["containers"][0];
        [
            &spec["serviceAccount"],
            &spec["serviceAccountName"],
            &spec["dnsPolicy"],
            &main["image"],
            &main["imagePullPolicy"],
        ]
        .map(|text| text.as_str().unwrap().to_owned())
    };
    assert_eq!(
        seen(&[]),
        ["template-account", "template-account", "Default", "template/image", "Never"]
    );
    assert_eq!(
        seen(&[
            ("kubernetes.service-account", "configured"),
            ("kubernetes.container.image", "configured/image"),
            ("kubernetes.container.image.pull-policy", "always"),
            ("kubernetes.hostnetwork.enabled", "true"),
        ]),
        ["configured", "configured", "ClusterFirstWithHostNet", "configured/image", "Always"]
    );
}

#[test]
fn the_default_image_is_that_of_the_flink_version() {
    let image = |input| {
        build(input).unwrap().deployment["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(image(session(FlinkVersion::V2_2, &[])), "apache/flink:2.2-scala_2.12");
    let mut input = session(FlinkVersion::V2_2, &[]);
    input.default_image = "company/flink".to_owned();
    assert_eq!(image(input), "company/flink");
}

#[test]
fn the_error_for_an_invalid_template_names_process_and_field() {
    let mut input = session(FlinkVersion::V2_2, &[]);
    input.job_manager_template = Some(json!({ "spec": { "containers": "all of them" } }));
    let text = message(input);
    for fragment in ["JobManager", "spec.containers", "all of them", "a list"] {
        assert!(text.contains(fragment), "{text}");
    }

    let mut input = session(FlinkVersion::V2_2, &[]);
    input.task_manager_template = Some(TaskManagerTemplate::Pod(json!({ "spec": [] })));
    let text = message(input);
    for fragment in ["TaskManager", "spec", "an object"] {
        assert!(text.contains(fragment), "{text}");
    }
}

#[test]
fn strings_of_a_task_manager_template_are_quoted() {
    let template = json!({ "spec": { "containers": [{
        "name": "flink-main-container",
        "env": [{ "name": "yes", "value": "0x1F" }, { "name": "on", "value": "1e3\n~" }],
        "ports": [{ "containerPort": 80 }],
    }] } });
    let mut input = session(FlinkVersion::V2_2, &[]);
    input.task_manager_template = Some(TaskManagerTemplate::Pod(template.clone()));
    let objects = build(input).unwrap();
    let data = &named(&objects, "ConfigMap", "pod-template-my-app")["data"];
    let text = data["taskmanager-pod-template.yaml"].as_str().unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(text).unwrap(), template);
    for word in ["yes", "0x1F", "on"] {
        let quoted = [format!("'{word}'"), format!("\"{word}\"")];
        assert!(quoted.iter().any(|quoted| text.contains(quoted)), "{word} in {text}");
    }
    assert!(text.contains("containerPort: 80\n"), "{text}");
}

#[test]
fn an_application_needs_its_target_and_the_number_of_jars_that_the_version_allows() {
    let two = "local:///a.jar;local:///b.jar";
    let ok = |input| assert!(build(input).is_ok());
    ok(application(FlinkVersion::V1_20, &[("pipeline.jars", "local:///a.jar")]));
    ok(application(FlinkVersion::V2_0, &[]));
    ok(application(FlinkVersion::V1_20, &[("$internal.application.program-args", "-pym;module")]));
    ok(application(
        FlinkVersion::V1_20,
        &[("$internal.application.main", "org.apache.flink.client.python.PythonDriver")],
    ));
    for (input, fragment) in [
        (application(FlinkVersion::V1_20, &[]), "pipeline.jars names 0 jars"),
        (application(FlinkVersion::V1_20, &[("pipeline.jars", two)]), "exactly one"),
        (application(FlinkVersion::V2_2, &[("pipeline.jars", two)]), "at most one"),
    ] {
        let text = message(input);
        assert!(text.contains(fragment), "{text}");
    }
    let mut input = application(FlinkVersion::V2_2, &[]);
    input.configuration.set("execution.target", "remote");
    let text = message(input);
    assert!(text.contains("remote") && text.contains("kubernetes-application"), "{text}");
}

#[test]
fn a_keytab_needs_a_principal_and_kerberos_files_must_exist() {
    let keytab = ("security.kerberos.login.keytab", "/etc/keys/my.keytab");
    let principal = ("security.kerberos.login.principal", "flink@REALM");
    let text = message(session(FlinkVersion::V2_2, &[keytab]));
    assert!(text.contains("security.kerberos.login.principal"), "{text}");

    let text = message(session(FlinkVersion::V2_2, &[keytab, principal]));
    assert!(text.contains(keytab.0) && text.contains(keytab.1), "{text}");

    let krb5 = ("security.kerberos.krb5-conf.path", "/etc/other.conf");
    let text = message(session(FlinkVersion::V2_2, &[krb5]));
    assert!(text.contains(krb5.0) && text.contains(krb5.1), "{text}");

    // The files are not needed if the mount is disabled.
    let off = ("kubernetes.decorator.kerberos-mount.enabled", "false");
    assert!(build(session(FlinkVersion::V2_2, &[keytab, krb5, off])).is_ok());
}

/// Flink's client mounts a file with another name at a path that no process reads.
#[test]
fn krb5_conf_is_mounted_at_the_default_path_whatever_its_name_is() {
    let krb5 = ("security.kerberos.krb5-conf.path", "/etc/other.conf");
    let mut input = session(FlinkVersion::V2_2, &[krb5]);
    input.krb5_conf = Some("[libdefaults]".to_owned());
    let objects = build(input).unwrap();
    let config_map = named(&objects, "ConfigMap", "kerberos-krb5conf-my-app");
    assert_eq!(config_map["data"], json!({ "other.conf": "[libdefaults]" }));
    let volumes = objects.deployment["spec"]["template"]["spec"]["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|v| v["name"] == "kerberos-krb5conf-volume").unwrap();
    assert_eq!(volume["configMap"]["items"], json!([{ "key": "other.conf", "path": "krb5.conf" }]));
}

#[test]
fn the_error_for_an_invalid_option_names_key_value_and_what_is_allowed() {
    let cases: [(&str, &str, &[&str]); 14] = [
        ("kubernetes.cluster-id", "", &["kubernetes.cluster-id", "0 characters", "1 to 45"]),
        ("kubernetes.namespace", " ", &["kubernetes.namespace", "blank"]),
        ("kubernetes.jobmanager.replicas", "0", &["replicas is 0", "1 or more"]),
        ("kubernetes.jobmanager.replicas", "2", &["replicas is 2", "high-availability.type"]),
        ("kubernetes.jobmanager.replicas", "two", &["replicas", "two", "whole number"]),
        ("kubernetes.jobmanager.cpu.amount", "-1", &["cpu.amount is -1", "positive"]),
        ("kubernetes.jobmanager.cpu.limit-factor", "0.9", &["limit-factor is 0.9", "1.0 or more"]),
        ("kubernetes.jobmanager.memory.limit-factor", "NaN", &["NaN", "1.0 or more"]),
        ("kubernetes.rest-service.exposed.type", "Ingress", &["Ingress", "Headless_ClusterIP"]),
        ("kubernetes.container.image.pull-policy", "x", &["pull-policy", "\"x\"", "IfNotPresent"]),
        ("kubernetes.container.image.ref", " ", &["kubernetes.container.image.ref", "blank"]),
        ("kubernetes.jobmanager.labels", "a", &["kubernetes.jobmanager.labels", "key:value"]),
        ("kubernetes.hostnetwork.enabled", "maybe", &["maybe", "true or false"]),
        ("rest.port", "8081-8090", &["rest.port", "8081-8090", "65535"]),
    ];
    for (key, value, fragments) in cases {
        let text = message(session(FlinkVersion::V2_2, &[(key, value)]));
        for fragment in fragments {
            assert!(text.contains(fragment), "{key}: {text:?} lacks {fragment:?}");
        }
    }
    let mut input = session(FlinkVersion::V2_2, &[]);
    input.configuration.remove("kubernetes.cluster-id");
    assert!(message(input).contains("kubernetes.cluster-id is not set"));
}

#[test]
fn overlapping_keys_are_refused_only_if_the_file_is_nested_yaml() {
    let overlap =
        [("restart-strategy", "fixed-delay"), ("restart-strategy.fixed-delay.attempts", "3")];
    let text = message(session(FlinkVersion::V2_2, &overlap));
    for (key, _) in overlap {
        assert!(text.contains(key), "{text}");
    }
    let objects = build(session(FlinkVersion::V1_20, &overlap)).unwrap();
    let data = &named(&objects, "ConfigMap", "flink-config-my-app")["data"];
    let lines = data["flink-conf.yaml"].as_str().unwrap();
    assert!(lines.contains("restart-strategy: fixed-delay\n"), "{lines}");
    assert!(lines.contains("restart-strategy.fixed-delay.attempts: 3\n"), "{lines}");
}

#[test]
fn the_deployment_becomes_the_owner_of_the_accompanying_objects() {
    let objects = build(session(FlinkVersion::V2_2, &[])).unwrap();
    assert!(objects.accompanying.iter().all(|o| o["metadata"].get("ownerReferences").is_none()));
    let complete = objects.owned_by("my-app", "u-1");
    assert_eq!(complete.accompanying.len(), 3);
    for object in &complete.accompanying {
        let owner = &object["metadata"]["ownerReferences"][0];
        assert_eq!((&owner["name"], &owner["uid"]), (&json!("my-app"), &json!("u-1")));
        assert_eq!((&owner["controller"], &owner["kind"]), (&json!(true), &json!("Deployment")));
    }
}
