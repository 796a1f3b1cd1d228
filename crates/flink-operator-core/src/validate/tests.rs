//! Tests of the rules on FlinkDeployments: each changes a valid resource in one place.

mod pods;
mod properties;
mod session_job;
mod state_snapshot;

use flink_operator_api::{FlinkDeployment, FlinkDeploymentSpec, RecordedSpec};
use serde_json::{Value, json};

use super::*;
use crate::{conf::Configuration, effective::DefaultConfiguration, fault::summary, record};

/// A resource without faults.
fn base() -> Value {
    json!({
        "metadata": {"name": "app", "namespace": "ns", "generation": 3},
        "spec": {
            "flinkVersion": "v2_2",
            "image": "flink:2.2",
            "serviceAccount": "flink",
            "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"},
            "job": {"jarURI": "local:///opt/flink/usrlib/job.jar", "parallelism": 2},
            "jobManager": {"resource": {"cpu": 1, "memory": "2048m"}},
            "taskManager": {"resource": {"cpu": 1, "memory": "2048m"}},
        },
    })
}

/// Applies a merge patch: a null removes the member.
fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (member, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().shift_remove(member);
        } else {
            apply(target.as_object_mut().unwrap().entry(member).or_insert(Value::Null), value);
        }
    }
}

fn resource(patch: &Value) -> FlinkDeployment {
    let mut resource = base();
    apply(&mut resource, patch);
    serde_json::from_value(resource).unwrap()
}

fn no_defaults() -> DefaultConfiguration {
    DefaultConfiguration::new(Configuration::new())
}

fn validated(patch: &Value) -> Result<ValidDeployment, Vec<Fault>> {
    deployment(&resource(patch), &no_defaults())
}

fn fields<T>(result: Result<T, Vec<Fault>>) -> Vec<String> {
    result.err().unwrap_or_default().into_iter().map(|fault| fault.field).collect()
}

/// Checks that a changed spec has faults in exactly these fields; none means that it is valid.
#[track_caller]
fn check(spec: &Value, expected: &[&str]) {
    check_resource(&json!({"spec": spec}), expected);
}

#[track_caller]
fn check_resource(patch: &Value, expected: &[&str]) {
    let result = validated(patch);
    let text = result.as_ref().err().map(|faults| summary(faults)).unwrap_or_default();
    assert_eq!(fields(result), expected, "{patch}: {text}");
}

/// Options that keep a job's state.
fn stateful() -> Value {
    json!({
        "execution.checkpointing.dir": "s3://b/c",
        "execution.checkpointing.savepoint-dir": "s3://b/s",
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": "s3://b/h",
    })
}

#[test]
fn the_base_is_valid_and_parsed() {
    let valid = validated(&json!({})).unwrap();
    assert_eq!(valid.name.as_str(), "app");
    assert_eq!((valid.namespace.as_str(), valid.generation), ("ns", 3));
    assert_eq!(valid.flink_version, crate::flink_version::FlinkVersion::V2_2);
    assert_eq!(valid.management, Management::Native);
    assert_eq!(valid.ingress, None);
    assert_eq!(valid.notes, Vec::<String>::new());
    let Workload::Application(job) = valid.workload else { panic!() };
    assert_eq!((job.state, job.upgrade_mode), (DesiredState::Running, ValidUpgradeMode::Stateless));
    assert_eq!(
        valid.effective.configuration.text("jobmanager.memory.process.size").as_deref(),
        Some("2 gb")
    );
    let session = validated(&json!({"spec": {"job": null, "mode": "standalone"}})).unwrap();
    assert_eq!((session.management, session.workload), (Management::Standalone, Workload::Session));
}

#[test]
fn the_name_must_be_a_valid_cluster_name() {
    for name in ["A", "1a", "a.b", "a-", &"a".repeat(46)] {
        check_resource(&json!({"metadata": {"name": name}}), &["metadata.name"]);
    }
    check_resource(&json!({"metadata": {"name": "a".repeat(45)}}), &[]);
}

#[test]
fn the_version_must_be_supported() {
    for version in ["v1_13", "v1_14", "v2_4", "v3_0", "2.2", "latest"] {
        check(&json!({"flinkVersion": version}), &["spec.flinkVersion"]);
    }
    check(&json!({"flinkVersion": null}), &["spec.flinkVersion"]);
    for version in ["v1_15", "v1_18", "v1_19", "v1_20", "v2_0", "v2_1", "v2_2", "v2_3"] {
        check(&json!({"flinkVersion": version}), &[]);
    }
    let old = validated(&json!({"spec": {"flinkVersion": "v1_18"}})).unwrap();
    assert!(old.notes[0].starts_with("Flink v1_18 is deprecated"), "{:?}", old.notes);
}

#[test]
fn options_that_the_operator_sets_are_refused() {
    for key in ["kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"] {
        check(
            &json!({"flinkConfiguration": {key: "x"}}),
            &[&format!("spec.flinkConfiguration.{key}")],
        );
        let operator = DefaultConfiguration::new([(key, "x")].into_iter().collect());
        let faults = deployment(&resource(&json!({})), &operator);
        assert_eq!(fields(faults), [format!("operator configuration.{key}")]);
    }
}

#[test]
fn rollback_needs_high_availability_and_health_check_needs_recovery() {
    const ROLLBACK: &str = "kubernetes.operator.deployment.rollback.enabled";
    const HEALTH: &str = "kubernetes.operator.cluster.health-check.enabled";
    const RECOVERY: &str = "kubernetes.operator.jm-deployment-recovery.enabled";
    let options = |options: Value| json!({"flinkConfiguration": options});
    check(&options(json!({ROLLBACK: "true"})), &[&format!("spec.flinkConfiguration.{ROLLBACK}")]);
    let mut with_ha = stateful();
    with_ha[ROLLBACK] = json!(true);
    check(&options(with_ha), &[]);
    check(&options(json!({HEALTH: "true"})), &[]);
    check(
        &options(json!({HEALTH: "true", RECOVERY: "false"})),
        &[&format!("spec.flinkConfiguration.{HEALTH}")],
    );
}

#[test]
fn the_template_of_an_ingress_must_give_a_host_or_a_path() {
    check(&json!({"ingress": {"className": "nginx"}}), &["spec.ingress.template"]);
    check(&json!({"ingress": {"template": "a b"}}), &["spec.ingress.template"]);
    let valid = validated(&json!({"spec": {"ingress": {"template": "{{name}}.x/{{namespace}}"}}}));
    let ingress = valid.unwrap().ingress.unwrap();
    assert_eq!((ingress.host.as_deref(), ingress.path.as_deref()), (Some("app.x"), Some("/ns")));
}

#[test]
fn only_two_names_of_log_configurations_are_allowed() {
    check(
        &json!({"logConfiguration": {
            "log4j-console.properties": "a", "logback-console.xml": "b", "log4j.properties": "c",
        }}),
        &["spec.logConfiguration.log4j.properties"],
    );
}

#[test]
fn stateful_upgrade_modes_need_checkpoint_and_savepoint_directories() {
    let job = |mode: &str| json!({"job": {"upgradeMode": mode}});
    check(&job("last-state"), &["spec.job.upgradeMode"]);
    check(&job("savepoint"), &["spec.job.upgradeMode", "spec.job.upgradeMode"]);
    for mode in ["last-state", "savepoint", "stateless"] {
        check(&json!({"job": {"upgradeMode": mode}, "flinkConfiguration": stateful()}), &[]);
    }
    // The older keys count as well.
    check(
        &json!({"job": {"upgradeMode": "savepoint"}, "flinkConfiguration": {
            "state.checkpoints.dir": "s3://c", "state.savepoints.dir": "s3://s",
        }}),
        &[],
    );
}

#[test]
fn settings_that_trigger_savepoints_need_a_savepoint_directory() {
    const PERIODIC: &str = "kubernetes.operator.periodic.savepoint.interval";
    const AGE: &str = "kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age";
    check(&json!({"job": {"savepointTriggerNonce": 4}}), &["spec.job.savepointTriggerNonce"]);
    for (key, value) in [(PERIODIC, "1 h"), (PERIODIC, ""), (AGE, "1 h")] {
        check(
            &json!({"flinkConfiguration": {key: value}}),
            &[&format!("spec.flinkConfiguration.{key}")],
        );
        let mut options = stateful();
        options[key] = json!(value);
        check(&json!({"flinkConfiguration": options}), &[]);
        // These options have no effect on a session cluster.
        check(&json!({"job": null, "flinkConfiguration": {key: value}}), &[]);
    }
}

#[test]
fn parallelism_and_replicas_must_be_positive() {
    check(&json!({"job": {"parallelism": 0}}), &["spec.job.parallelism"]);
    check(&json!({"job": {"parallelism": -1}}), &["spec.job.parallelism"]);
    check(&json!({"job": {"parallelism": 0}, "taskManager": {"replicas": 1}}), &[]);
    check(&json!({"taskManager": {"replicas": 0}}), &["spec.taskManager.replicas"]);
    check(&json!({"job": null, "taskManager": {"replicas": 0}}), &["spec.taskManager.replicas"]);
    check(&json!({"jobManager": {"replicas": 0}}), &["spec.jobManager.replicas"]);
    check(&json!({"jobManager": {"replicas": 2}}), &["spec.jobManager.replicas"]);
    check(&json!({"jobManager": {"replicas": 2}, "flinkConfiguration": stateful()}), &[]);
}

#[test]
fn the_memory_of_both_processes_must_be_configured() {
    let both = &["spec.jobManager.resource.memory", "spec.taskManager.resource.memory"];
    check(&json!({"jobManager": null, "taskManager": null}), both);
    check(
        &json!({"jobManager": {"resource": {"memory": null}}, "taskManager": {"resource": null}}),
        both,
    );
    // `resource.memory` has no effect if `resources` has a limit of anything.
    check(
        &json!({"jobManager": {"resources": {"limits": {"cpu": "1"}}}}),
        &["spec.jobManager.resource.memory"],
    );
    check(
        &json!({"jobManager": null, "taskManager": null, "flinkConfiguration": {
            "jobmanager.memory.flink.size": "1g", "taskmanager.memory.process.size": "2g",
        }}),
        &[],
    );
    check(
        &json!({
            "jobManager": {"resources": {"requests": {"memory": "1Gi"}}},
            "taskManager": {"resources": {"limits": {"memory": "2Gi"}}},
        }),
        &[],
    );
}

#[test]
fn invalid_resources_are_refused() {
    check(
        &json!({
            "jobManager": {"resource": {"memory": "2gbb", "ephemeralStorage": "x"}},
            "taskManager": {"resources": {
                "requests": {"memory": "2Gi", "cpu": "0", "gpu": "-1"}, "limits": {"memory": "1Gi"},
            }},
        }),
        &[
            "spec.jobManager.resource.memory",
            "spec.jobManager.resource.ephemeralStorage",
            "spec.taskManager.resources.requests.memory",
            "spec.taskManager.resources.requests.cpu",
            "spec.taskManager.resources.requests.gpu",
        ],
    );
}

#[test]
fn memory_that_is_too_small_for_flink_is_refused() {
    check(
        &json!({"taskManager": {"resource": {"memory": "300m"}}}),
        &["spec.flinkConfiguration.taskmanager.memory.process.size"],
    );
}

#[test]
fn the_service_account_must_be_set() {
    check(&json!({"serviceAccount": null}), &["spec.serviceAccount"]);
}

#[test]
fn unknown_enum_values_are_refused() {
    check(
        &json!({
            "mode": "magic",
            "imagePullPolicy": "Sometimes",
            "job": {"state": "paused", "upgradeMode": "best-effort"},
        }),
        &["spec.mode", "spec.job.state", "spec.job.upgradeMode", "spec.imagePullPolicy"],
    );
}

#[test]
fn options_that_cannot_be_parsed_are_refused() {
    for (key, value) in [
        ("kubernetes.operator.job.restart.failed", "yes"),
        ("kubernetes.operator.deployment.readiness.timeout", "soon"),
        ("kubernetes.operator.savepoint.history.max.count", "many"),
        ("kubernetes.operator.savepoint.format.type", "NEW"),
        ("execution.checkpointing.timeout", "1 lightyear"),
        ("rest.port", "high"),
        ("taskmanager.numberOfTaskSlots", "two"),
        ("$internal.pipeline.job-id", "7"),
        ("kubernetes.jobmanager.annotations", "a"),
        ("kubernetes.rest-service.exposed.type", "Internet"),
        ("blob.server.port", "50100-50200"),
        ("kubernetes.jobmanager.cpu.limit-factor", "0.5"),
        ("pipeline.jobvertex-parallelism-overrides", "a"),
    ] {
        let spec = json!({"mode": "native", "flinkConfiguration": {key: value}});
        if key == "pipeline.jobvertex-parallelism-overrides" {
            // The operator reads this option only in standalone mode.
            check(
                &json!({"mode": "standalone", "flinkConfiguration": {key: value}}),
                &[&format!("spec.flinkConfiguration.{key}")],
            );
        } else {
            check(&spec, &[&format!("spec.flinkConfiguration.{key}")]);
        }
    }
    check(&json!({"flinkConfiguration": "a: b"}), &["spec.flinkConfiguration"]);
}

/// A JobManager in native mode exits at once if `scheduler-mode` is `reactive`.
#[test]
fn reactive_mode_is_refused_in_native_mode() {
    const FIELD: &str = "spec.flinkConfiguration.scheduler-mode";
    for value in ["reactive", "REACTIVE"] {
        let options = json!({"scheduler-mode": value});
        check(&json!({"flinkConfiguration": options}), &[FIELD]);
        check(&json!({"job": null, "flinkConfiguration": options}), &[FIELD]);
        check(&json!({"mode": "standalone", "flinkConfiguration": options}), &[]);
    }
    let refused =
        validated(&json!({"spec": {"flinkConfiguration": {"scheduler-mode": "reactive"}}}));
    let text = summary(&refused.unwrap_err());
    assert!(text.contains("jobmanager.scheduler") && text.contains("adaptive"), "{text}");
    let defaults =
        DefaultConfiguration::new([("scheduler-mode", "reactive")].into_iter().collect());
    let refused = deployment(&resource(&json!({})), &defaults).unwrap_err();
    assert_eq!(refused[0].field, "operator configuration.scheduler-mode");
}

#[test]
fn errors_of_the_object_builder_are_faults() {
    const JOB_MANAGER: &str = "spec.podTemplate or spec.jobManager.podTemplate";
    const TASK_MANAGER: &str = "spec.podTemplate or spec.taskManager.podTemplate";
    check(&json!({"flinkVersion": "v1_20", "job": {"jarURI": null}}), &["spec.job.jarURI"]);
    check(&json!({"flinkConfiguration": {"a": "1", "a.b": "2"}}), &["spec.flinkConfiguration.a"]);
    let template = |spec: Value| json!({"podTemplate": {"spec": spec}});
    check(&template(json!({"containers": "x"})), &[JOB_MANAGER, TASK_MANAGER]);
    check(&template(json!({"volumes": "x"})), &[JOB_MANAGER]);
    check(&json!({"jobManager": template(json!({"containers": ["x"]}))}), &[JOB_MANAGER]);
    check(&json!({"taskManager": template(json!({"tolerations": "x"}))}), &[TASK_MANAGER]);
}

/// A status that records a deployed spec.
fn recorded(patch: &Value) -> Value {
    let spec = resource(&json!({"spec": patch})).spec;
    let text = RecordedSpec::<FlinkDeploymentSpec> { spec, resource_metadata: None }.to_text();
    json!({"reconciliationStatus": {"lastReconciledSpec": text, "state": "DEPLOYED"}})
}

#[track_caller]
fn check_change(before: &Value, after: &Value, expected: &[&str]) {
    check_resource(&json!({"spec": after, "status": recorded(before)}), expected);
}

#[test]
fn the_kind_and_mode_of_a_deployed_cluster_cannot_change() {
    check_change(&json!({}), &json!({"job": null}), &["spec.job"]);
    check_change(&json!({"job": null}), &json!({}), &["spec.job"]);
    check_change(&json!({}), &json!({"mode": "standalone"}), &["spec.mode"]);
    check_change(&json!({"mode": "standalone"}), &json!({}), &["spec.mode"]);
    check_change(&json!({}), &json!({"mode": "native"}), &[]);
    check_change(&json!({}), &json!({"job": {"parallelism": 4}}), &[]);
}

#[test]
fn a_job_suspended_with_last_state_resumes_only_with_the_same_flink_version() {
    let suspended = |mode: &str| {
        json!({
            "flinkConfiguration": stateful(),
            "job": {"state": "suspended", "upgradeMode": mode},
        })
    };
    let resumed = |mode: &str| {
        json!({
            "flinkVersion": "v2_3",
            "flinkConfiguration": stateful(),
            "job": {"upgradeMode": mode},
        })
    };
    for mode in ["savepoint", "last-state"] {
        check_change(&suspended("last-state"), &resumed(mode), &["spec.flinkVersion"]);
        check_change(&suspended("savepoint"), &resumed(mode), &[]);
    }
    check_change(&suspended("last-state"), &resumed("stateless"), &[]);
}

#[test]
fn a_new_redeploy_nonce_needs_a_savepoint_path() {
    const PATH: &str = "spec.job.initialSavepointPath";
    let nonce = |nonce: i64| json!({"job": {"savepointRedeployNonce": nonce}});
    check_change(&json!({}), &nonce(1), &[PATH]);
    check_change(&nonce(1), &nonce(2), &[PATH]);
    check_change(&nonce(1), &nonce(1), &[]);
    check_change(&nonce(1), &json!({}), &[]);
    let with_path = json!({"job": {"savepointRedeployNonce": 2, "initialSavepointPath": "s3://s"}});
    check_change(&nonce(1), &with_path, &[]);
}

#[test]
fn a_recorded_spec_that_cannot_be_parsed_is_a_fault() {
    check_resource(
        &json!({"status": {"reconciliationStatus": {"lastReconciledSpec": "{"}}}),
        &["status.reconciliationStatus.lastReconciledSpec"],
    );
}

#[test]
fn options_of_the_autoscaler_are_checked_only_if_it_is_enabled() {
    for (key, value, valid) in [
        ("scale-down.max-factor", "-0.1", false),
        ("scale-up.max-factor", "1000000", true),
        ("utilization.target", "1.1", false),
        ("target.utilization", "1.1", false),
        ("target.utilization.boundary", "-1", false),
        ("utilization.max", "0.69", false),
        ("utilization.max", "1", true),
        ("utilization.min", "0.71", false),
        ("utilization.min", "0", true),
        ("memory.gc-pressure.threshold", "2", false),
        ("memory.heap-usage.threshold", "NaN", false),
        ("observed-scalability.coefficient-min", "0", true),
        ("scaling.effectiveness.threshold", "2", true),
        ("memory.tuning.overhead", "2", true),
        ("excluded.periods", "9:00-10:00;* * * ? * MON", true),
        ("excluded.periods", "9:00-10:00;noon", false),
        ("metrics.window", "59 s", false),
        ("metrics.window", "60 s", true),
        ("metrics.window", "x", false),
        ("utilization.target", "x", false),
    ] {
        for prefix in ["job.autoscaler.", "kubernetes.operator.job.autoscaler."] {
            let key = format!("{prefix}{key}");
            let field = format!("spec.flinkConfiguration.{key}");
            let enabled = format!("{prefix}enabled");
            check(&json!({"flinkConfiguration": {&key: value}}), &[]);
            let expected: &[&str] = if valid { &[] } else { &[&field] };
            check(&json!({"flinkConfiguration": {&key: value, enabled: "true"}}), expected);
        }
    }
    for (feature, key) in [
        ("observed-scalability.enabled", "observed-scalability.coefficient-min"),
        ("scaling.effectiveness.detection.enabled", "scaling.effectiveness.threshold"),
        ("memory.tuning.enabled", "memory.tuning.overhead"),
    ] {
        let key = format!("job.autoscaler.{key}");
        let feature = format!("job.autoscaler.{feature}");
        check(
            &json!({"flinkConfiguration": {
                "job.autoscaler.enabled": true, feature: true, &key: "1.5",
            }}),
            &[&format!("spec.flinkConfiguration.{key}")],
        );
    }
}

#[test]
fn all_faults_are_reported_together() {
    check_resource(
        &json!({"metadata": {"name": "A"}, "spec": {
            "flinkVersion": "v9_9",
            "serviceAccount": null,
            "flinkConfiguration": {"kubernetes.cluster-id": "x", "job.autoscaler.enabled": "perhaps"},
            "ingress": {},
            "logConfiguration": {"x": ""},
            "job": {"upgradeMode": "last-state", "parallelism": 0},
            "jobManager": {"resource": {"memory": "x"}, "replicas": 2},
            "taskManager": null,
        }}),
        &[
            "metadata.name",
            "spec.flinkVersion",
            "spec.flinkConfiguration.kubernetes.cluster-id",
            "spec.ingress.template",
            "spec.logConfiguration.x",
            "spec.job.upgradeMode",
            "spec.job.parallelism",
            "spec.jobManager.replicas",
            "spec.taskManager.resource.memory",
            "spec.serviceAccount",
            "spec.flinkConfiguration.job.autoscaler.enabled",
            "spec.jobManager.resource.memory",
        ],
    );
}

#[test]
fn allowed_settings_without_effect_are_noted() {
    let notes = |spec: Value| validated(&json!({"spec": spec})).unwrap().notes.join("\n");
    let both = notes(json!({"jobManager": {"resources": {"requests": {"memory": "2Gi"}}}}));
    assert!(both.contains("spec.jobManager.resource has no effect"), "{both}");
    let counted = notes(json!({"taskManager": {"replicas": 2}}));
    assert!(counted.contains("spec.job.parallelism has no effect"), "{counted}");
    let mut options = stateful();
    options["kubernetes.operator.periodic.savepoint.interval"] = json!("now and then");
    let periodic = notes(json!({"flinkConfiguration": options}));
    assert!(periodic.contains("neither a duration nor a Quartz cron expression"), "{periodic}");
    let file = json!({"kubernetes.pod-template-file.taskmanager": "/x"});
    let file = notes(json!({"flinkConfiguration": file}));
    assert!(file.contains("pod templates come from the spec"), "{file}");
}

/// Every recorded spec that the Java operator deployed is valid, and every one that it refused is not.
#[test]
fn the_recorded_specs_are_accepted_or_refused_as_by_the_java_operator() {
    let specs: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/golden/status/specs.json")).unwrap();
    let mut refused = Vec::new();
    let mut valid = 0;
    for spec in specs.iter().filter(|spec| spec.get("deploymentName").is_none()) {
        let mut resource =
            FlinkDeployment::new("app", serde_json::from_value(spec.clone()).unwrap());
        resource.metadata.namespace = Some("ns".to_owned());
        match deployment(&resource, &no_defaults()) {
            Ok(_) => valid += 1,
            Err(faults) => refused.push(summary(&faults)),
        }
    }
    println!("{valid} recorded specs valid, refused: {refused:#?}");
    assert_eq!((valid, refused.len()), (24, 2));
    assert!(refused[0].starts_with("spec.job.parallelism is \"0\""), "{refused:?}");
    assert!(refused[1].starts_with("spec.taskManager.resource.memory is "), "{refused:?}");
}

#[test]
fn a_valid_resource_is_recorded_as_it_was_written() {
    let valid = validated(&json!({"spec": {"image": "x"}})).unwrap();
    let mut status = flink_operator_api::FlinkDeploymentStatus::default();
    let deployed = record::Deployed {
        spec: &valid.spec,
        upgrade_mode: None,
        generation: valid.generation,
        now: jiff::Timestamp::UNIX_EPOCH,
        task_managers: None,
    };
    record::Record::default().before_deploy(&mut status, &deployed);
    let recorded = record::last_reconciled(&status).unwrap().unwrap();
    assert_eq!(recorded.spec.image.as_deref(), Some("x"));
}

#[test]
fn every_overlap_of_keys_is_named_with_the_key_to_use() {
    let legacy = json!({"flinkConfiguration": {
        "state.backend": "rocksdb",
        "state.backend.incremental": "true",
        "state.backend.rocksdb.localdir": "/tmp/rocksdb",
        "restart-strategy": "exponential-delay",
        "restart-strategy.exponential-delay.max-backoff": "60 s",
        "high-availability": "kubernetes",
        "high-availability.storageDir": "s3://b/h",
        "metrics.scope.jm": "<host>",
        "metrics.scope.jm.job": "<host>.<job_name>",
        "mine": "1",
        "mine.too": "2",
    }});
    let faults = validated(&json!({"spec": legacy})).unwrap_err();
    let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let cannot = "and the config.yaml of Flink 2 cannot hold both";
    assert_eq!(
        found,
        [
            format!(
                "spec.flinkConfiguration.high-availability is \"kubernetes\": high-availability is the beginning of \
                 high-availability.storageDir, {cannot}; write high-availability.type instead"
            ),
            format!(
                "spec.flinkConfiguration.metrics.scope.jm.job is \"<host>.<job_name>\": metrics.scope.jm is the beginning \
                 of metrics.scope.jm.job, {cannot}; write metrics.scope.jm-job instead of metrics.scope.jm.job"
            ),
            format!(
                "spec.flinkConfiguration.mine is \"1\": mine is the beginning of mine.too, {cannot}; write only one of \
                 them"
            ),
            format!(
                "spec.flinkConfiguration.restart-strategy is \"exponential-delay\": restart-strategy is the beginning of \
                 restart-strategy.exponential-delay.max-backoff, {cannot}; write restart-strategy.type instead"
            ),
            format!(
                "spec.flinkConfiguration.state.backend is \"rocksdb\": state.backend is the beginning of \
                 state.backend.incremental and state.backend.rocksdb.localdir, {cannot}; write state.backend.type instead"
            ),
        ]
    );
    check(&apply_to(&legacy, &json!({"flinkVersion": "v1_20"})), &[]);
}

#[test]
fn an_overlap_with_a_key_of_the_operators_names_the_user_s_key_only() {
    let options = json!({"flinkConfiguration": {"high-availability": "zookeeper", "high-availability.storageDir": null}});
    let faults = validated(&json!({"spec": options})).unwrap_err();
    let fault = faults.iter().find(|fault| fault.field.ends_with(".high-availability")).unwrap();
    assert_eq!(fault.remedy, "write high-availability.type instead");
    assert!(fault.problem.contains(", which the operator sets"), "{fault}");
    assert!(!faults.iter().any(|fault| fault.field.contains("cluster-id")), "{}", summary(&faults));
}

#[test]
fn overlaps_are_named_together_with_other_faults() {
    check(
        &json!({
            "flinkConfiguration": {"state.backend": "rocksdb", "state.backend.incremental": "true"},
            "jobManager": {"resource": {"memory": "much"}},
        }),
        &["spec.jobManager.resource.memory", "spec.flinkConfiguration.state.backend"],
    );
    let defaults = [("state.backend", "rocksdb"), ("state.backend.incremental", "true")];
    let defaults = DefaultConfiguration::new(defaults.into_iter().collect());
    let faults = deployment(&resource(&json!({})), &defaults).unwrap_err();
    assert_eq!(faults[0].field, "operator configuration.state.backend");
}

#[test]
fn what_no_line_of_flink_1_18_can_hold_is_a_fault_that_names_the_argument_or_the_key() {
    let spec = json!({
        "flinkVersion": "v1_18",
        "image": "registry/flink#1",
        "job": {"args": ["--password", "db@123#123", "--text", " a b ", "", "two\nlines"]},
        "flinkConfiguration": {"a.comment": "a # b", "b.blank": " b", "c.break": "c\nd", "d.good": "it's: fine;", "e.empty": ""},
    });
    check(
        &spec,
        &[
            "spec.job.args[1]",
            "spec.job.args[5]",
            "spec.flinkConfiguration.a.comment",
            "spec.flinkConfiguration.b.blank",
            "spec.flinkConfiguration.c.break",
            "spec.image",
        ],
    );
    let text = summary(&validated(&json!({"spec": spec})).unwrap_err());
    assert!(!text.contains("123"), "an argument may be a password: {text}");
    assert!(text.contains("a # in it starts a comment"), "{text}");
    assert!(text.contains("move to Flink 1.19 or later"), "{text}");
    for version in ["v1_19", "v1_20", "v2_0", "v2_3"] {
        let notes = validated(&json!({"spec": apply_to(&spec, &json!({"flinkVersion": version}))}))
            .unwrap()
            .notes;
        let told = notes.iter().any(|note| note.contains("is given a config.yaml"));
        assert_eq!(told, version.starts_with("v1"), "{version}: {notes:?}");
    }
}

#[test]
fn a_dot_at_the_end_of_a_key_is_a_fault_where_it_would_be_lost() {
    let options = json!({"flinkConfiguration": {"a.b.": "1"}});
    check(&options, &["spec.flinkConfiguration.a.b."]);
    check(&apply_to(&options, &json!({"flinkVersion": "v1_20"})), &[]);
}

/// Combines two merge patches.
fn apply_to(patch: &Value, more: &Value) -> Value {
    let mut patch = patch.clone();
    apply(&mut patch, more);
    patch
}

#[test]
fn high_availability_needs_its_storage_directory_and_zookeeper_its_quorum() {
    let storage = "spec.flinkConfiguration.high-availability.storageDir";
    let quorum = "spec.flinkConfiguration.high-availability.zookeeper.quorum";
    let options = |options: Value| json!({"flinkConfiguration": options});
    check(&options(json!({"high-availability.type": "kubernetes"})), &[storage]);
    check(&options(json!({"high-availability.type": "ZOOKEEPER"})), &[storage, quorum]);
    check(
        &options(
            json!({"high-availability.type": "kubernetes", "high-availability.storageDir": " "}),
        ),
        &[storage],
    );
    // The options of the user's own factory are not known.
    check(&options(json!({"high-availability.type": "com.example.Factory"})), &[]);
    let older = json!({
        "high-availability.type": "zookeeper",
        "recovery.zookeeper.storageDir": "s3://b/h",
        "recovery.zookeeper.quorum": "zk:2181",
    });
    check(&json!({"flinkVersion": "v1_20", "flinkConfiguration": older}), &[]);
}

#[test]
fn a_schedule_of_crontab_is_noted_with_its_quartz_expression() {
    let note = |schedule: &str| {
        let mut options = stateful();
        options["kubernetes.operator.periodic.savepoint.interval"] = json!(schedule);
        validated(&json!({"spec": {"flinkConfiguration": options}})).unwrap().notes.join("\n")
    };
    let crontab = note("*/2 * * * *");
    assert!(crontab.contains("it has 5 fields"), "{crontab}");
    assert!(crontab.ends_with("are written as 0 */2 * * * ?"), "{crontab}");
    assert!(!note("*/2 * * * 1").contains("are written as"));
    assert_eq!(note("0 */2 * * * ?"), "");
    assert_eq!(note("2 min"), "");
}

#[test]
fn an_ingress_is_noted_as_not_created() {
    let ingress = json!({"template": "{{name}}.example.com"});
    let notes = validated(&json!({"spec": {"ingress": ingress}})).unwrap().notes;
    assert!(notes[0].contains("creates no Ingress"), "{notes:?}");
}
