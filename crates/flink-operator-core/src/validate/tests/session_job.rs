//! Tests of the rules on FlinkSessionJobs.

use flink_operator_api::{FlinkDeployment, FlinkSessionJob, FlinkSessionJobSpec, RecordedSpec};
use serde_json::{Value, json};

use super::{apply, fields, no_defaults};
use crate::{
    effective::DefaultConfiguration,
    fault::summary,
    validate::{self, Fault, ValidSessionJob, ValidUpgradeMode},
};

fn base() -> Value {
    json!({
        "metadata": {"name": "job", "namespace": "ns"},
        "spec": {
            "deploymentName": "session",
            "job": {"jarURI": "https://repository.example.com/job.jar", "parallelism": 2},
        },
    })
}

fn job(patch: &Value) -> FlinkSessionJob {
    let mut resource = base();
    apply(&mut resource, patch);
    serde_json::from_value(resource).unwrap()
}

fn cluster(patch: &Value) -> FlinkDeployment {
    let mut resource = super::base();
    apply(&mut resource, &json!({"metadata": {"name": "session"}, "spec": {"job": null}}));
    apply(&mut resource, patch);
    serde_json::from_value(resource).unwrap()
}

fn validated(patch: &Value, defaults: &[(&str, &str)]) -> Result<ValidSessionJob, Vec<Fault>> {
    let defaults = DefaultConfiguration::new(defaults.iter().copied().collect());
    validate::session_job(&job(patch), Some(&cluster(&json!({}))), &defaults)
}

#[track_caller]
fn check(spec: &Value, expected: &[&str]) {
    let result = validated(&json!({"spec": spec}), &[]);
    let text = result.as_ref().err().map(|faults| summary(faults)).unwrap_or_default();
    assert_eq!(fields(result), expected, "{spec}: {text}");
}

#[test]
fn the_base_is_valid_and_parsed() {
    let valid = validated(&json!({}), &[]).unwrap();
    assert_eq!(valid.cluster.as_str(), "session");
    assert_eq!(valid.job.upgrade_mode, ValidUpgradeMode::Stateless);
    let jar = valid.jar.unwrap();
    assert_eq!(jar.host_to_resolve.as_deref(), Some("repository.example.com"));
    assert_eq!(valid.configuration.text("taskmanager.numberOfTaskSlots").as_deref(), Some("2"));
}

#[test]
fn cluster_and_job_must_be_set_and_valid() {
    check(&json!({"deploymentName": null}), &["spec.deploymentName"]);
    check(&json!({"deploymentName": "No_Name"}), &["spec.deploymentName", "spec.deploymentName"]);
    check(&json!({"deploymentName": "other"}), &["spec.deploymentName"]);
    check(&json!({"job": null}), &["spec.job"]);
    check(&json!({"job": {"parallelism": 0}}), &["spec.job.parallelism"]);
    check(&json!({"job": {"upgradeMode": "last-state"}}), &["spec.job.upgradeMode"]);
    check(&json!({"flinkConfiguration": 7}), &["spec.flinkConfiguration"]);
    check(
        &json!({"flinkConfiguration": {"job.autoscaler.enabled": "true", "job.autoscaler.metrics.window": "1 s"}}),
        &["spec.flinkConfiguration.job.autoscaler.metrics.window"],
    );
}

#[test]
fn a_session_job_inherits_the_options_of_its_cluster() {
    let options = json!({"flinkConfiguration": {"execution.checkpointing.dir": "s3://c"}});
    let cluster = cluster(&json!({"spec": options}));
    let job = job(&json!({"spec": {"job": {"upgradeMode": "last-state"}}}));
    assert!(validate::session_job(&job, Some(&cluster), &no_defaults()).is_ok());
}

#[test]
fn without_a_known_cluster_only_the_job_itself_is_checked() {
    let stateful = job(&json!({"spec": {"job": {"upgradeMode": "savepoint", "parallelism": 0}}}));
    assert!(validate::session_job(&stateful, None, &no_defaults()).is_ok());
    let wrong = job(&json!({"spec": {"deploymentName": null, "job": {"state": "x"}}}));
    let faults = validate::session_job(&wrong, None, &no_defaults());
    assert_eq!(fields(faults), ["spec.deploymentName", "spec.job.state"]);
}

#[test]
fn an_application_cluster_runs_no_session_job() {
    let application = cluster(&json!({"spec": {"job": {"parallelism": 1}}}));
    let faults = validate::session_job(&job(&json!({})), Some(&application), &no_defaults());
    assert_eq!(fields(faults), ["spec.deploymentName"]);
}

#[test]
fn a_submitted_job_cannot_move_to_another_cluster() {
    let spec: FlinkSessionJobSpec =
        serde_json::from_value(json!({"deploymentName": "before"})).unwrap();
    let text = RecordedSpec { spec, resource_metadata: None }.to_text();
    let status = json!({"status": {"reconciliationStatus": {"lastReconciledSpec": text}}});
    assert_eq!(fields(validated(&status, &[])), ["spec.deploymentName"]);
}

#[track_caller]
fn check_jar(uri: Option<&str>, defaults: &[(&str, &str)], valid: bool) {
    let result = validated(&json!({"spec": {"job": {"jarURI": uri}}}), defaults);
    let expected: &[&str] = if valid { &[] } else { &["spec.job.jarURI"] };
    assert_eq!(fields(result), expected, "{uri:?}");
}

#[test]
fn jars_must_have_an_allowed_scheme_and_a_public_host() {
    const SCHEMES: &str = "kubernetes.operator.user.artifacts.allowed-schemes";
    const RESTRICT: &str = "kubernetes.operator.user.artifacts.disallow-restricted-hosts";
    check_jar(None, &[], true);
    for (uri, valid) in [
        ("https://example.com/a.jar", true),
        ("HTTPS://example.com/a.jar", true),
        ("https://1.1.1.1/a.jar", true),
        ("http://example.com/a.jar", false),
        ("local:///a.jar", false),
        ("file:///a.jar", false),
        ("a.jar", false),
        ("https://", false),
        ("https://a b/", false),
        ("https://127.0.0.1/a.jar", false),
        ("https://2130706433/a.jar", false),
        ("https://0x7f.1/a.jar", false),
        ("https://0177.0.0.1/a.jar", false),
        ("https://[::1]/a.jar", false),
        ("https://[::ffff:169.254.169.254]/a.jar", false),
        ("https://user:password@10.1.2.3/a.jar", false),
    ] {
        check_jar(Some(uri), &[], valid);
    }
    check_jar(Some("S3://b/a.jar"), &[(SCHEMES, "https;s3")], true);
    check_jar(Some("http://127.0.0.1/a.jar"), &[(SCHEMES, "http"), (RESTRICT, "false")], true);
    // A resource cannot allow more schemes for itself.
    let own = json!({"spec": {
        "job": {"jarURI": "http://example.com/a.jar"}, "flinkConfiguration": {SCHEMES: "http"},
    }});
    assert_eq!(fields(validated(&own, &[])), ["spec.job.jarURI"]);
}
