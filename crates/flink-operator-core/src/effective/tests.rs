//! What is derived from a spec, step by step and against what the Java operator deployed.

mod golden;

use flink_operator_api::{FlinkDeploymentSpec, FlinkSessionJobSpec};
use serde_json::{Value as Json, json};

use super::*;
use crate::{conf::Value, fault::Fault};

/// A spec that can be deployed.
fn base() -> Json {
    json!({
        "flinkVersion": "v1_20",
        "serviceAccount": "flink",
        "job": {"jarURI": "local:///a.jar", "parallelism": 3},
        "jobManager": {"resource": {"memory": "1g"}},
        "taskManager": {"resource": {"memory": "2g", "cpu": 0.5}},
    })
}

fn spec(patch: &Json) -> FlinkDeploymentSpec {
    let mut spec = base();
    apply(&mut spec, patch);
    serde_json::from_value(spec).unwrap()
}

/// A merge patch.
fn apply(target: &mut Json, patch: &Json) {
    match (target.as_object_mut(), patch) {
        (Some(target), Json::Object(patch)) => {
            for (member, value) in patch {
                apply(target.entry(member).or_insert(Json::Null), value);
            }
        }
        _ => *target = patch.clone(),
    }
}

fn defaults(options: &[(&str, &str)]) -> DefaultConfiguration {
    DefaultConfiguration::new(options.iter().copied().collect())
}

fn derived(options: &[(&str, &str)], patch: &Json) -> EffectiveCluster {
    deploy(&defaults(options), "ns", "app", 7, &spec(patch)).unwrap()
}

/// Checks options; an expected empty text means that the key is not there.
#[track_caller]
fn check(patch: &Json, expected: &[(&str, &str)]) {
    check_over(&[], patch, expected);
}

#[track_caller]
fn check_over(options: &[(&str, &str)], patch: &Json, expected: &[(&str, &str)]) {
    let configuration = derived(options, patch).configuration;
    for (key, text) in expected {
        assert_eq!(configuration.text(key).unwrap_or_default(), *text, "{key}");
    }
}

#[track_caller]
fn check_faults(patch: &Json, fields: &[&str]) {
    let faults = deploy(&defaults(&[]), "ns", "app", 7, &spec(patch)).unwrap_err();
    let found: Vec<&str> = faults.iter().map(|fault: &Fault| fault.field.as_str()).collect();
    assert_eq!(found, fields);
}

#[test]
fn options_of_the_resource_win_over_defaults_and_derived_ones_over_both() {
    check_over(
        &[
            ("a", "file"),
            ("b", "file"),
            ("kubernetes.operator.default-configuration.namespace.ns.b", "namespace"),
            ("web.cancel.enable", "true"),
            ("kubernetes.service-account", "file"),
        ],
        &json!({"flinkConfiguration": {"a": {"nested": [1, "x"]}, "c": true, "execution.target": "x"}}),
        &[
            ("a", "file"),
            ("a.nested", "1;x"),
            ("b", "namespace"),
            ("c", "true"),
            ("web.cancel.enable", "true"),
            ("kubernetes.rest-service.exposed.type", "ClusterIP"),
            ("$internal.flink.version", "v1_20"),
            ("kubernetes.service-account", "flink"),
            ("execution.target", "kubernetes-application"),
            ("kubernetes.namespace", "ns"),
            ("kubernetes.cluster-id", "app"),
            ("high-availability.cluster-id", ""),
            ("kubernetes.jobmanager.annotations", "flinkdeployment.flink.apache.org/generation:7"),
        ],
    );
    check(&json!({}), &[("web.cancel.enable", "false")]);
}

#[test]
fn the_generation_joins_the_annotations_of_the_user() {
    let configuration =
        derived(&[], &json!({"flinkConfiguration": {"kubernetes.jobmanager.annotations": "a:b"}}))
            .configuration;
    let annotations = configuration
        .get(&crate::conf::options::kubernetes::JOB_MANAGER_ANNOTATIONS)
        .unwrap()
        .unwrap();
    assert_eq!(annotations["a"], "b");
    assert_eq!(annotations["flinkdeployment.flink.apache.org/generation"], "7");
}

#[test]
fn the_image_goes_to_the_key_of_the_version() {
    const NEW: &str = "kubernetes.container.image.ref";
    const OLD: &str = "kubernetes.container.image";
    let image = |version: &str, image: &str| json!({"flinkVersion": version, "image": image});
    check(&image("v1_17", "i"), &[(NEW, "i"), (OLD, "")]);
    check(&image("v1_16", "i"), &[(NEW, ""), (OLD, "i")]);
    check(&image("v1_20", " "), &[(NEW, ""), (OLD, "")]);
    check(
        &json!({"imagePullPolicy": "Always"}),
        &[("kubernetes.container.image.pull-policy", "Always")],
    );
}

#[test]
fn replicas_of_both_processes() {
    const JOB_MANAGER: &str = "kubernetes.jobmanager.replicas";
    const TASK_MANAGER: &str = "kubernetes.internal.taskmanager.replicas";
    check(&json!({}), &[(JOB_MANAGER, "1"), (TASK_MANAGER, "")]);
    check(&json!({"jobManager": null}), &[(JOB_MANAGER, "")]);
    check(&json!({"jobManager": {"replicas": 0}}), &[(JOB_MANAGER, "")]);
    check(&json!({"taskManager": {"replicas": 4}}), &[(TASK_MANAGER, "4")]);
    // As many as have slots for the job, where the operator itself starts them.
    let slots = json!({"taskmanager.numberOfTaskSlots": "2"});
    check(&json!({"mode": "standalone", "flinkConfiguration": slots}), &[(TASK_MANAGER, "2")]);
    check(&json!({"mode": "standalone", "job": null}), &[(TASK_MANAGER, "")]);
    check(
        &json!({"mode": "standalone", "flinkConfiguration": {TASK_MANAGER: "9"}}),
        &[(TASK_MANAGER, "9")],
    );
}

#[test]
fn the_parallelism_is_that_of_all_slots_or_of_overrides_or_of_the_job() {
    let slots_and_overrides = json!({
        "taskmanager.numberOfTaskSlots": "2",
        "pipeline.jobvertex-parallelism-overrides": "a:5,b:8",
    });
    for (patch, expected) in [
        (json!({}), "3"),
        (json!({"flinkConfiguration": slots_and_overrides}), "3"),
        (json!({"flinkConfiguration": slots_and_overrides, "mode": "native"}), "3"),
        (json!({"flinkConfiguration": slots_and_overrides, "mode": "standalone"}), "8"),
        (
            json!({"flinkConfiguration": slots_and_overrides, "mode": "standalone", "taskManager": {"replicas": 2}}),
            "4",
        ),
        (json!({"flinkConfiguration": {"parallelism.default": "77"}}), "3"),
    ] {
        check(&patch, &[("parallelism.default", expected)]);
    }
}

#[test]
fn an_application_brings_its_job() {
    let job = json!({"job": {
        "entryClass": "A", "args": ["a b", "", ";"], "allowNonRestoredState": false,
    }});
    check(
        &job,
        &[
            ("execution.target", "kubernetes-application"),
            ("pipeline.jars", "local:///a.jar"),
            ("pipeline.classpaths", ""),
            ("pipeline.name", "app"),
            ("execution.shutdown-on-application-finish", "false"),
            ("execution.submit-failed-job-on-application-error", "true"),
            ("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION"),
            ("execution.checkpointing.interval", ""),
            ("execution.savepoint.ignore-unclaimed-state", "false"),
            ("$internal.application.main", "A"),
            ("kubernetes.internal.cluster-mode", ""),
        ],
    );
    assert_eq!(
        derived(&[], &job).configuration.value("$internal.application.program-args"),
        Some(&Value::List(vec!["a b".to_owned(), String::new(), ";".to_owned()]))
    );
    check(&json!({}), &[("execution.savepoint.ignore-unclaimed-state", "")]);
}

#[test]
fn what_a_job_needs_is_there_unless_the_user_says_otherwise() {
    const INTERVAL: &str = "execution.checkpointing.interval";
    let last_state = |options: Json| json!({"job": {"upgradeMode": "last-state"}, "flinkConfiguration": options});
    check(&last_state(json!({})), &[(INTERVAL, "5 min")]);
    check(&last_state(json!({INTERVAL: "1 s"})), &[(INTERVAL, "1 s")]);
    check(
        &last_state(json!({
            "pipeline.name": "mine",
            "execution.shutdown-on-application-finish": "true",
            "execution.submit-failed-job-on-application-error": "false",
            "execution.checkpointing.externalized-checkpoint-retention": "DELETE_ON_CANCELLATION",
        })),
        &[
            ("pipeline.name", "mine"),
            // The operator has to see how the job ended.
            ("execution.shutdown-on-application-finish", "false"),
            ("execution.submit-failed-job-on-application-error", "false"),
            ("execution.checkpointing.externalized-checkpoint-retention", "DELETE_ON_CANCELLATION"),
        ],
    );
}

#[test]
fn a_session_cluster_has_no_job() {
    check(
        &json!({"job": null}),
        &[
            ("execution.target", "kubernetes-session"),
            ("pipeline.name", ""),
            ("parallelism.default", ""),
            ("execution.shutdown-on-application-finish", ""),
        ],
    );
}

#[test]
fn a_standalone_cluster_has_the_jar_on_its_class_path() {
    check(
        &json!({"mode": "standalone"}),
        &[
            ("execution.target", "remote"),
            ("kubernetes.internal.cluster-mode", "APPLICATION"),
            ("pipeline.jars", ""),
            ("pipeline.classpaths", "file:///a.jar"),
        ],
    );
    check(
        &json!({"mode": "standalone", "job": null}),
        &[("execution.target", "remote"), ("kubernetes.internal.cluster-mode", "SESSION")],
    );
}

#[test]
fn high_availability_data_are_kept_under_the_name_of_the_cluster() {
    for kind in ["kubernetes", "ZOOKEEPER", "org.example.Factory"] {
        check(
            &json!({"flinkConfiguration": {"high-availability": kind}}),
            &[("high-availability.cluster-id", "app")],
        );
    }
    check(
        &json!({"flinkConfiguration": {"high-availability.type": "none"}}),
        &[("high-availability.cluster-id", "")],
    );
}

#[test]
fn templates_are_joined_and_completed() {
    let cluster = derived(
        &[],
        &json!({
            "podTemplate": {"spec": {"hostname": "h"}},
            "jobManager": {"podTemplate": {"spec": {"subdomain": "j"}}},
            "taskManager": {"resource": {"ephemeralStorage": "1Gi"}},
        }),
    );
    let job_manager = cluster.job_manager_template.unwrap();
    assert_eq!(job_manager["spec"]["hostname"], "h");
    assert_eq!(job_manager["spec"]["subdomain"], "j");
    assert_eq!(job_manager["spec"]["containers"][0]["startupProbe"]["httpGet"]["path"], "/config");
    assert_eq!(
        cluster.task_manager_template.unwrap(),
        json!({"spec": {"hostname": "h", "containers": [{
            "name": "flink-main-container",
            "resources": {
                "requests": {"ephemeral-storage": "1Gi"},
                "limits": {"ephemeral-storage": "1Gi"},
            },
        }]}})
    );
}

#[test]
fn templates_are_left_out_where_nothing_is_in_them() {
    let cluster = derived(&[], &json!({}));
    assert!(cluster.job_manager_template.is_some());
    assert_eq!(cluster.task_manager_template, None);
    let probe = "kubernetes.operator.jm-deployment.startup.probe.enabled";
    let cluster = derived(&[(probe, "false")], &json!({}));
    assert_eq!(
        cluster.job_manager_template.unwrap(),
        json!({"spec": {"containers": [{
            "name": "flink-main-container",
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }]}})
    );
}

#[test]
fn arrays_of_templates_merge_by_name_if_asked() {
    let template = |name: &str| json!({"spec": {"containers": [{"name": name}]}});
    let patch = json!({
        "podTemplate": template("a"),
        "taskManager": {"podTemplate": template("b")},
        "flinkConfiguration": {"kubernetes.operator.pod-template.merge-arrays-by-name": "true"},
    });
    let cluster = derived(&[], &patch);
    let merged = cluster.task_manager_template.unwrap();
    let names: Vec<&str> = crate::pod_template::container_names(&merged).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn log_files_are_those_of_the_spec_or_of_the_operator() {
    assert_eq!(derived(&[], &json!({})).log_files, None);
    let files = json!({"log4j-console.properties": "x", "other": "y"});
    assert_eq!(
        derived(&[], &json!({"logConfiguration": files})).log_files,
        Some(BTreeMap::from([("log4j-console.properties".to_owned(), "x".to_owned())]))
    );
    assert_eq!(derived(&[], &json!({"logConfiguration": {}})).log_files, Some(BTreeMap::new()));
}

#[test]
fn everything_from_which_nothing_can_be_derived_is_named() {
    check_faults(&json!({"flinkVersion": null}), &["spec.flinkVersion"]);
    check_faults(&json!({"flinkVersion": "1.20"}), &["spec.flinkVersion"]);
    check_faults(&json!({"flinkConfiguration": ["a"]}), &["spec.flinkConfiguration"]);
    check_faults(
        &json!({
            "imagePullPolicy": "always",
            "jobManager": {"resource": {"memory": "much"}},
            "taskManager": {"replicas": 2},
            "flinkConfiguration": {
                "taskmanager.numberOfTaskSlots": "two",
                "kubernetes.operator.pod-template.merge-arrays-by-name": "perhaps",
            },
        }),
        &[
            "spec.imagePullPolicy",
            "spec.jobManager.resource.memory",
            "spec.flinkConfiguration.taskmanager.numberOfTaskSlots",
            "spec.flinkConfiguration.kubernetes.operator.pod-template.merge-arrays-by-name",
        ],
    );
}

#[test]
fn the_operator_treats_a_running_cluster_by_its_current_spec() {
    let deployed = spec(&json!({"image": "old", "flinkConfiguration": {
        "kubernetes.operator.old": "1", "state.savepoints.dir": "old", "x": "old",
    }}));
    let current = spec(&json!({"image": "new", "flinkConfiguration": {
        "kubernetes.operator.new": "2", "job.autoscaler.enabled": "true",
        "state.savepoints.dir": "new", "x": "new",
    }}));
    let observed = observe(&defaults(&[]), "ns", "app", &deployed, &current).unwrap();
    for (key, text) in [
        ("kubernetes.container.image.ref", "old"),
        ("x", "old"),
        ("kubernetes.operator.old", "1"),
        ("kubernetes.operator.new", "2"),
        ("job.autoscaler.enabled", "true"),
        ("execution.checkpointing.savepoint-dir", "new"),
        ("state.savepoints.dir", "old"),
        ("kubernetes.jobmanager.annotations", ""),
    ] {
        assert_eq!(observed.configuration.text(key).unwrap_or_default(), text, "{key}");
    }
}

#[test]
fn a_session_job_runs_with_its_options_over_those_of_the_cluster() {
    let cluster = derived(&[], &json!({"job": null, "flinkConfiguration": {"a": "1", "b": "1"}}));
    let job: FlinkSessionJobSpec = serde_json::from_value(json!({
        "job": {"upgradeMode": "last-state", "entryClass": "A"},
        "flinkConfiguration": {"b": "2"},
    }))
    .unwrap();
    let configuration = session_job(&cluster.configuration, "job-1", &job);
    for (key, text) in [
        ("a", "1"),
        ("b", "2"),
        ("pipeline.name", "job-1"),
        ("execution.checkpointing.interval", "5 min"),
        ("$internal.application.main", ""),
    ] {
        assert_eq!(configuration.text(key).unwrap_or_default(), text, "{key}");
    }
}

fn keys(restore: RestoreFrom) -> DeployKeys {
    DeployKeys {
        owner: Owner { name: "app".to_owned(), uid: "u-1".to_owned() },
        job: Some(JobKeys {
            job_id: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            restore,
            job_result_store_id: "r-1".to_owned(),
        }),
    }
}

#[track_caller]
fn check_deployed(options: &Json, restore: RestoreFrom, expected: &[(&str, &str)]) {
    let cluster = derived(&[], &json!({"flinkConfiguration": options}));
    let configuration = for_flink(&with_deploy_keys(cluster.configuration, &keys(restore)));
    for (key, text) in expected {
        assert_eq!(configuration.text(key).unwrap_or_default(), *text, "{key}");
    }
}

#[test]
fn a_job_starts_from_where_it_is_told_and_nowhere_else() {
    const OLD: &str = "execution.savepoint.path";
    const NEW: &str = "execution.state-recovery.path";
    let mine = || json!({OLD: "mine", NEW: "mine too"});
    for (restore, path) in [
        (RestoreFrom::Empty, ""),
        (RestoreFrom::Path("s3://s".to_owned()), "s3://s"),
        (RestoreFrom::HaMetadata, "KUBERNETES_OPERATOR_LAST_STATE"),
        (RestoreFrom::NoState, ""),
    ] {
        check_deployed(&mine(), restore, &[(OLD, path), (NEW, "")]);
    }
}

#[test]
fn the_job_has_the_id_that_is_recorded_or_that_of_the_user() {
    const ID: &str = "$internal.pipeline.job-id";
    check_deployed(&json!({}), RestoreFrom::Empty, &[(ID, "0123456789abcdef0123456789abcdef")]);
    let mine = "ffffffffffffffffffffffffffffffff";
    check_deployed(&json!({ID: mine}), RestoreFrom::Empty, &[(ID, mine)]);
    let configured = |id: &str| {
        let cluster = derived(&[], &json!({"flinkConfiguration": {ID: id}}));
        configured_job_id(&cluster.configuration).map(|id| id.map(|id| id.to_string()))
    };
    assert_eq!(configured(mine), Ok(Some(mine.to_owned())));
    assert_eq!(configured("x").unwrap_err().key(), ID);
}

#[test]
fn job_results_are_kept_apart_for_every_deployment_where_there_is_a_storage_folder() {
    const PATH: &str = "job-result-store.storage-path";
    const DELETE: &str = "job-result-store.delete-on-commit";
    check_deployed(&json!({}), RestoreFrom::Empty, &[(PATH, ""), (DELETE, "")]);
    check_deployed(
        &json!({"high-availability.storageDir": "s3://b/ha/", PATH: "mine"}),
        RestoreFrom::Empty,
        &[(PATH, "s3://b/ha/job-result-store/app/r-1"), (DELETE, "false")],
    );
    check_deployed(
        &json!({"high-availability.storageDir": "hdfs:///", DELETE: "true"}),
        RestoreFrom::Empty,
        &[(PATH, "hdfs:///job-result-store/app/r-1"), (DELETE, "true")],
    );
}

#[test]
fn flink_gets_neither_options_of_the_operator_nor_typed_values() {
    let cluster = derived(
        &[("kubernetes.operator.x", "1"), ("job.autoscaler.enabled", "true"), ("y", "1")],
        &json!({}),
    );
    let configuration =
        for_flink(&with_deploy_keys(cluster.configuration, &keys(RestoreFrom::Empty)));
    assert_eq!(configuration.text("y").as_deref(), Some("1"));
    assert!(!configuration.contains_key("kubernetes.operator.x"));
    assert!(!configuration.contains_key("job.autoscaler.enabled"));
    assert!(configuration.iter().all(|(_, value)| matches!(value, Value::Text(_))));
}

/// The options that a cluster of a version is given, and in which file.
fn given(
    defaults: &DefaultConfiguration,
    version: &str,
    patch: &Json,
) -> (crate::build::native::ConfigFile, Configuration) {
    let mut spec = spec(patch);
    spec.flink_version = Some(serde_json::from_value(json!(version)).unwrap());
    let cluster = deploy(defaults, "ns", "app", 7, &spec).unwrap();
    let mode = crate::build::native::ClusterMode::Application;
    let version = version.parse().unwrap();
    let input = native_input(&cluster, version, mode, &keys(RestoreFrom::Empty), &BTreeMap::new());
    (input.config_file, input.configuration)
}

/// FLINK-40467
#[test]
fn application_results_of_2_3_are_kept_apart_for_every_deployment() {
    const PATH: &str = "application-result-store.storage-path";
    let found = |version: &str, options: Json| {
        let patch = json!({"flinkConfiguration": options});
        given(&defaults(&[]), version, &patch).1.text(PATH)
    };
    let ha = json!({"high-availability.storageDir": "s3://b/ha/", PATH: "mine"});
    let own = "s3://b/ha/application-result-store/app/r-1".to_owned();
    assert_eq!(found("v2_3", ha), Some(own));
    let ha = json!({"high-availability.storageDir": "s3://b/ha/"});
    assert_eq!(found("v2_2", ha), None, "the option came with 2.3");
    assert_eq!(found("v2_3", json!({})), None, "nothing outlives the JobManager");
}

#[test]
fn lists_and_maps_are_in_the_syntax_of_the_version_whatever_file_the_operator_has() {
    use crate::conf::{read_config_yaml, read_flink_conf};
    let yaml = "kubernetes.taskmanager.labels: 'a: 1, b: 2'\n\
                kubernetes.jobmanager.annotations: '{c: d}'\n\
                kubernetes.taskmanager.tolerations: [{key: k, operator: Exists}]\n\
                mine: [e, f;g]\ntext: '[h, i]'\nnumber: 007\n";
    let legacy = "kubernetes.taskmanager.labels: a:1,b:2\n\
                  kubernetes.jobmanager.annotations: c:d\n\
                  kubernetes.taskmanager.tolerations: key:k,operator:Exists\n\
                  mine: e;'f;g'\ntext: [h, i]\nnumber: 7\n";
    for operator in [read_config_yaml(yaml).unwrap(), read_flink_conf(legacy).configuration] {
        let defaults = DefaultConfiguration::new(operator);
        let (_, old) = given(&defaults, "v1_20", &json!({}));
        let (_, new) = given(&defaults, "v2_2", &json!({}));
        for (key, in_old, in_new) in [
            ("pipeline.jars", "local:///a.jar", Some("['local:///a.jar']")),
            (
                "kubernetes.taskmanager.tolerations",
                "key:k,operator:Exists",
                Some("[{key: k, operator: Exists}]"),
            ),
            ("mine", "e;'f;g'", None),
            ("text", "[h, i]", Some("[h, i]")),
            ("number", "7", Some("7")),
            (
                "kubernetes.jobmanager.annotations",
                "c:d,flinkdeployment.flink.apache.org/generation:7",
                Some("{c: d, flinkdeployment.flink.apache.org/generation: '7'}"),
            ),
        ] {
            assert_eq!(old.text(key).unwrap(), in_old, "{key}");
            if let Some(in_new) = in_new {
                assert_eq!(new.text(key).unwrap(), in_new, "{key}");
            }
        }
        assert!(
            old.text("kubernetes.jobmanager.owner.reference").unwrap().starts_with("apiVersion:")
        );
    }
}

#[test]
fn flink_1_19_and_1_20_get_the_file_that_holds_what_is_to_be_written() {
    use crate::build::native::ConfigFile;
    let defaults = defaults(&[]);
    let arguments = json!({"job": {"args": ["--password", "db@123#123", "", " a "]}});
    for (version, file) in [
        ("v1_18", ConfigFile::FlinkConf),
        ("v1_19", ConfigFile::FlatConfigYaml),
        ("v1_20", ConfigFile::FlatConfigYaml),
        ("v2_0", ConfigFile::ConfigYaml),
    ] {
        let (found, configuration) = given(&defaults, version, &arguments);
        assert_eq!(found, file, "{version}");
        if found != ConfigFile::FlinkConf {
            let text = configuration.text("$internal.application.program-args");
            assert_eq!(text.as_deref(), Some("[--password, db@123#123, '', ' a ']"));
        }
        let (found, _) =
            given(&defaults, version, &json!({"flinkConfiguration": {"a": "it's: fine", "b": ""}}));
        assert_eq!(found, ConfigFile::of(version.parse().unwrap()), "{version}");
    }
    // What Flink 1 does not take for a value in its own file is none in the other one either.
    let options = json!({"flinkConfiguration": {"a": "a # b", "b": "", "state.backend": "x", "state.backend.y": "z"}});
    let (_, configuration) = given(&defaults, "v1_20", &options);
    assert_eq!(configuration.text("a").as_deref(), Some("a # b"));
    assert!(!configuration.contains_key("b"));
    assert_eq!(configuration.text("state.backend.y").as_deref(), Some("z"));
}

#[test]
fn lists_of_a_resource_keep_their_elements() {
    let options = json!({"flinkConfiguration": {
        "kubernetes": {"taskmanager": {"tolerations": [{"key": "k", "operator": "Exists"}]}},
        "mine": ["a;b", " c ", ""],
        "pipeline.classpaths": "[file:///a, file:///b]",
    }});
    for (version, expected) in [
        ("v1_20", ["key:k,operator:Exists", "'a;b';' c ';''", "file:///a;file:///b"]),
        ("v2_2", ["[{key: k, operator: Exists}]", "[a;b, ' c ', '']", "[file:///a, file:///b]"]),
    ] {
        let (_, configuration) = given(&defaults(&[]), version, &options);
        let found = ["kubernetes.taskmanager.tolerations", "mine", "pipeline.classpaths"]
            .map(|key| configuration.text(key).unwrap());
        assert_eq!(found, expected, "{version}");
    }
}

#[test]
fn the_builder_gets_the_operators_own_log_files_and_no_template_files() {
    let own = BTreeMap::from([("log4j-console.properties".to_owned(), "operator".to_owned())]);
    let input = |patch: &Json| {
        native_input(
            &derived(&[], patch),
            crate::flink_version::FlinkVersion::V1_20,
            crate::build::native::ClusterMode::Application,
            &keys(RestoreFrom::Empty),
            &own,
        )
    };
    let inherited = input(&json!({"flinkConfiguration": {
        "kubernetes.pod-template-file.taskmanager": "/file/of/the/operator",
    }}));
    assert_eq!(inherited.log_files, own);
    assert!(!inherited.configuration.contains_key("kubernetes.pod-template-file.taskmanager"));
    assert!(inherited.job_manager_template.is_some());
    assert_eq!(inherited.task_manager_template, None);
    assert_eq!(input(&json!({"logConfiguration": {}})).log_files, BTreeMap::new());
}
