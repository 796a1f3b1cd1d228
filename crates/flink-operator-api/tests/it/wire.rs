//! The types against what clusters hold: texts and objects that the Java operator wrote, defaults,
//! nulls, and words and fields that this version does not know.

use flink_operator_api::{
    DeploymentMode, FlinkBlueGreenDeployment, FlinkBlueGreenDeploymentSpec,
    FlinkBlueGreenDeploymentStatus, FlinkConfiguration, FlinkDeployment, FlinkDeploymentSpec,
    FlinkDeploymentStatus, FlinkSessionJobSpec, FlinkSessionJobStatus, FlinkStateSnapshot,
    FlinkStateSnapshotStatus, JobManagerDeploymentStatus, JobSpec, JobState, ReconciliationState,
    RecordedSpec, ResourceMetadata, SavepointFormatType, SnapshotState, Stored, UpgradeMode,
};
use kube::core::{ObjectList, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Lines of JSON with a member `kind`.
fn lines(text: &'static str) -> impl Iterator<Item = (String, Value)> {
    text.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap();
        (value["kind"].as_str().unwrap().to_owned(), value)
    })
}

fn recorded_again<S: DeserializeOwned + Serialize>(text: &str) -> String {
    RecordedSpec::<S>::parse(text).unwrap().to_text()
}

#[test]
fn recorded_specs_of_the_java_operator_are_written_byte_for_byte() {
    let mut count = 0;
    for (kind, line) in lines(include_str!("data/recorded-specs.jsonl")) {
        let text = line["text"].as_str().unwrap();
        let again = match kind.as_str() {
            "FlinkDeployment" => recorded_again::<FlinkDeploymentSpec>(text),
            "FlinkSessionJob" => recorded_again::<FlinkSessionJobSpec>(text),
            "FlinkBlueGreenDeployment" => recorded_again::<FlinkBlueGreenDeploymentSpec>(text),
            other => panic!("unexpected kind {other}"),
        };
        assert_eq!(again, text, "{kind}");
        count += 1;
    }
    assert_eq!(count, 12);
}

fn again<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

#[test]
fn statuses_of_the_java_operator_survive_a_round_trip() {
    let mut count = 0;
    for (kind, line) in lines(include_str!("data/statuses.jsonl")) {
        let status = &line["status"];
        let again = match kind.as_str() {
            "FlinkDeployment" => again::<FlinkDeploymentStatus>(status),
            "FlinkSessionJob" => again::<FlinkSessionJobStatus>(status),
            "FlinkStateSnapshot" => again::<FlinkStateSnapshotStatus>(status),
            "FlinkBlueGreenDeployment" => again::<FlinkBlueGreenDeploymentStatus>(status),
            other => panic!("unexpected kind {other}"),
        };
        assert_eq!(&again, status, "{kind}");
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn a_new_spec_records_nulls_defaults_and_members_in_order() {
    let spec = FlinkDeploymentSpec {
        job: Some(JobSpec { parallelism: 2, ..JobSpec::default() }),
        flink_configuration: Some(FlinkConfiguration::from_iter([("a.b", "2")])),
        image: Some("i".to_owned()),
        service_account: Some("flink".to_owned()),
        flink_version: Some("v1_20".into()),
        job_manager: Some(serde_json::from_value(json!({ "resource": { "cpu": 1 } })).unwrap()),
        ..FlinkDeploymentSpec::default()
    };
    let text =
        RecordedSpec { spec, resource_metadata: Some(ResourceMetadata::new(true)) }.to_text();
    let expected = concat!(
        r#"{"spec":{"job":{"jarURI":null,"parallelism":2,"entryClass":null,"args":[],"state":"running","#,
        r#""savepointTriggerNonce":null,"initialSavepointPath":null,"checkpointTriggerNonce":null,"#,
        r#""upgradeMode":"stateless","allowNonRestoredState":null,"savepointRedeployNonce":null,"#,
        r#""autoscalerResetNonce":null},"restartNonce":null,"flinkConfiguration":{"a.b":"2"},"image":"i","#,
        r#""imagePullPolicy":null,"serviceAccount":"flink","flinkVersion":"v1_20","ingress":null,"#,
        r#""podTemplate":null,"jobManager":{"resource":{"cpu":1.0,"memory":null,"ephemeralStorage":null},"#,
        r#""resources":null,"replicas":1,"podTemplate":null},"taskManager":null,"logConfiguration":null,"#,
        r#""mode":null},"resource_metadata":{"apiVersion":"flink.apache.org/v1beta1","firstDeployment":true}}"#,
    );
    assert_eq!(text, expected);
}

#[test]
fn kubernetes_objects_in_a_recorded_spec_leave_unset_fields_out() {
    let spec: FlinkDeploymentSpec = serde_json::from_value(json!({
        "ingress": { "template": "t", "tls": [{ "hosts": ["h"], "secretName": null }, { "secretName": "s" }] },
        "podTemplate": { "metadata": null, "spec": { "containers": [{ "name": "c", "image": null }] } },
        "taskManager": { "resources": { "requests": { "memory": "2Gi", "cpu": 1 }, "limits": null } },
    }))
    .unwrap();
    let value = serde_json::to_value(&spec).unwrap();
    let ingress = json!({ "template": "t", "className": null, "annotations": null, "labels": null,
        "tls": [{ "hosts": ["h"] }, { "secretName": "s" }] });
    assert_eq!(value["ingress"], ingress);
    assert_eq!(value["podTemplate"], json!({ "spec": { "containers": [{ "name": "c" }] } }));
    assert_eq!(
        value["taskManager"]["resources"],
        json!({ "requests": { "cpu": "1", "memory": "2Gi" } }),
        "quantities are text, as the Java operator records them"
    );
}

#[test]
fn records_of_the_oldest_format_are_read() {
    let old = r#"{"apiVersion":"flink.apache.org/v1beta1","job":{"parallelism":3},"image":"i"}"#;
    let recorded = RecordedSpec::<FlinkDeploymentSpec>::parse(old).unwrap();
    assert_eq!(recorded.resource_metadata, None);
    assert_eq!(recorded.spec.job.unwrap().parallelism, 3);

    let generation_inside = r#"{"spec":{"job":null},"resource_metadata":{"apiVersion":"flink.apache.org/v1beta1","metadata":{"generation":4},"firstDeployment":true}}"#;
    let recorded = RecordedSpec::<FlinkDeploymentSpec>::parse(generation_inside).unwrap();
    assert_eq!(recorded.resource_metadata, Some(ResourceMetadata::new(true)));
}

#[test]
fn a_record_that_cannot_be_read_says_which_member_is_wrong() {
    let fault = |text| RecordedSpec::<FlinkDeploymentSpec>::parse(text).unwrap_err().to_string();
    let at_parallelism = fault(r#"{"spec":{"job":{"parallelism":"two"}},"resource_metadata":{}}"#);
    assert!(
        at_parallelism.contains("spec.job.parallelism: invalid type: string \"two\""),
        "{at_parallelism}"
    );
    assert!(fault("[]").contains("not a JSON object"));
    assert!(fault("{").contains("EOF"));
    assert!(fault(r#"{"resource_metadata":{}}"#).contains("no member spec"));
    assert!(fault(r#"{"spec":{},"resource_metadata":null}"#).contains("resource_metadata."));
}

#[test]
fn of_a_member_that_is_there_twice_the_last_counts() {
    let twice = r#"{"spec":{"image":"a","image":"b"},"resource_metadata":{}}"#;
    let recorded = RecordedSpec::<FlinkDeploymentSpec>::parse(twice).unwrap();
    assert_eq!(recorded.spec.image.as_deref(), Some("b"), "as in any JSON that is read by members");
}

#[test]
fn absent_members_have_defaults_and_null_is_none() {
    let absent: JobSpec = serde_json::from_value(json!({})).unwrap();
    assert_eq!(absent.state, Some(JobState::Running));
    assert_eq!(absent.upgrade_mode, Some(UpgradeMode::Stateless));
    assert_eq!(absent.args, Some(vec![]));
    assert_eq!(absent.parallelism, 0);

    let null: JobSpec = serde_json::from_value(
        json!({ "state": null, "upgradeMode": null, "args": null, "parallelism": null }),
    )
    .unwrap();
    assert_eq!((null.state, null.upgrade_mode, null.args, null.parallelism), (None, None, None, 0));

    let absent: FlinkDeploymentSpec = serde_json::from_value(json!({ "jobManager": {} })).unwrap();
    assert_eq!(absent.flink_configuration, Some(FlinkConfiguration::default()));
    assert_eq!(absent.job_manager.unwrap().replicas, 1);
    let null: FlinkDeploymentSpec = serde_json::from_value(
        json!({ "flinkConfiguration": null, "jobManager": { "replicas": null } }),
    )
    .unwrap();
    assert_eq!(null.flink_configuration, None);
    assert_eq!(null.job_manager.unwrap().replicas, 0);
}

#[test]
fn a_snapshot_has_the_defaults_that_users_know() {
    let snapshot: FlinkStateSnapshot =
        serde_json::from_value(json!({ "metadata": {}, "spec": { "savepoint": {} } })).unwrap();
    let savepoint = snapshot.spec.savepoint.unwrap();
    assert_eq!(snapshot.spec.backoff_limit, -1);
    assert_eq!(savepoint.format_type, Some(SavepointFormatType::Canonical));
    assert_eq!((savepoint.dispose_on_delete, savepoint.already_exists), (Some(true), Some(false)));
    assert_eq!(snapshot.status, None);
    assert_eq!(FlinkStateSnapshotStatus::default().state, SnapshotState::TriggerPending);
}

#[test]
fn an_empty_status_is_that_of_a_resource_that_nothing_was_done_for() {
    let status: FlinkDeploymentStatus = serde_json::from_value(json!({})).unwrap();
    assert_eq!(status, FlinkDeploymentStatus::default());
    assert_eq!(status.job_manager_deployment_status, JobManagerDeploymentStatus::Missing);
    assert_eq!(status.reconciliation_status.state, ReconciliationState::Upgrading);
}

#[test]
fn a_canary_has_no_spec() {
    let canary: FlinkDeployment = serde_json::from_value(
        json!({ "metadata": { "labels": { "flink.apache.org/canary": "true" } } }),
    )
    .unwrap();
    assert_eq!(canary.spec, FlinkDeploymentSpec::default());
}

#[test]
fn words_that_are_not_known_are_kept() {
    let value = json!({
        "metadata": { "name": "n" },
        "spec": { "flinkVersion": "v9_9", "mode": "serverless", "job": { "state": "paused", "upgradeMode": "last-state" } },
        "status": { "lifecycleState": "HIBERNATING", "jobStatus": { "state": "DREAMING" } },
    });
    let object: FlinkDeployment = serde_json::from_value(value).unwrap();
    assert_eq!(object.spec.flink_version.as_ref().unwrap().major_minor(), Some((9, 9)));
    assert_eq!(object.spec.mode, Some(DeploymentMode::Unrecognised("serverless".to_owned())));
    let again = serde_json::to_value(&object).unwrap();
    assert_eq!(again["spec"]["flinkVersion"], "v9_9");
    assert_eq!(again["spec"]["mode"], "serverless");
    assert_eq!(again["spec"]["job"]["state"], "paused");
    assert_eq!(again["status"]["lifecycleState"], "HIBERNATING");
    assert_eq!(again["status"]["jobStatus"]["state"], "DREAMING");
}

#[test]
fn members_of_a_status_that_are_not_known_are_kept() {
    let status = json!({ "newMember": { "deep": [1, 2.5, null] } });
    for again in [
        again::<FlinkDeploymentStatus>(&status),
        again::<FlinkSessionJobStatus>(&status),
        again::<FlinkStateSnapshotStatus>(&status),
        again::<FlinkBlueGreenDeploymentStatus>(&status),
    ] {
        assert_eq!(again["newMember"], status["newMember"]);
    }
}

#[test]
fn fields_of_pods_that_are_not_known_are_kept() {
    let template =
        json!({ "spec": { "containers": [{ "name": "c", "fieldOfTomorrow": { "x": 1 } }] } });
    let value =
        json!({ "metadata": {}, "spec": { "template": { "spec": { "podTemplate": template } } } });
    let object: FlinkBlueGreenDeployment = serde_json::from_value(value).unwrap();
    let spec = object.spec.template.unwrap().spec.unwrap();
    assert_eq!(spec.pod_template.unwrap().as_value(), &template);
}

#[test]
fn an_object_that_cannot_be_read_does_not_hide_the_others() {
    let list: ObjectList<Stored<FlinkDeployment>> = serde_json::from_value(json!({
        "metadata": {},
        "items": [
            { "metadata": { "name": "good" }, "spec": { "job": { "parallelism": 1 } } },
            { "metadata": { "name": "bad", "uid": "u" }, "spec": { "job": { "parallelism": "one" } },
              "status": { "observedGeneration": 7 } },
        ],
    }))
    .unwrap();
    let [good, bad] = list.items.as_slice() else { panic!("two items were sent") };
    assert_eq!(good.readable().unwrap().spec.job.as_ref().unwrap().parallelism, 1);
    assert_eq!(bad.meta().name.as_deref(), Some("bad"));
    let Stored::Unreadable(bad) = bad else { panic!("parallelism is a text") };
    assert!(bad.why.contains("spec.job.parallelism: invalid type"), "{}", bad.why);
    let status = bad.status::<FlinkDeploymentStatus>().unwrap().unwrap();
    assert_eq!(
        status.observed_generation,
        Some(7),
        "the status can be read though the spec cannot"
    );
    assert_eq!(bad.raw["spec"]["job"]["parallelism"], "one");
}

#[test]
fn options_are_flattened() {
    let configuration = FlinkConfiguration::from(json!({
        "taskmanager": { "numberOfTaskSlots": 2, "memory": { "process.size": "1g" } },
        "flat.key": "text",
        "pipeline.jars": ["a", 1, true, null, ["nested"]],
        "none": [], "nothing": {},
        "null": null, "yes": true,
        "big": 12_345_678_901_i64, "half": 0.5, "whole": 3.0, "tiny": 0.0001, "huge": 25_000_000.0, "ten": 1e7,
    }));
    let options: Vec<(String, String)> = configuration.flatten().into_iter().collect();
    let expected = [
        ("big", "12345678901"),
        ("flat.key", "text"),
        ("half", "0.5"),
        ("huge", "2.5E7"),
        ("null", "null"),
        ("pipeline.jars", "a;1;true;null;[\"nested\"]"),
        ("taskmanager.memory.process.size", "1g"),
        ("taskmanager.numberOfTaskSlots", "2"),
        ("ten", "1.0E7"),
        ("tiny", "1.0E-4"),
        ("whole", "3.0"),
        ("yes", "true"),
    ];
    let expected: Vec<(String, String)> =
        expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(options, expected);
}

#[test]
fn of_two_members_with_the_same_key_the_later_one_counts() {
    let flat_last = FlinkConfiguration::from(json!({ "a": { "b": 1 }, "a.b": 2 }));
    let nested_last = FlinkConfiguration::from(json!({ "a.b": 2, "a": { "b": 1 } }));
    assert_eq!(flat_last.flatten()["a.b"], "2");
    assert_eq!(nested_last.flatten()["a.b"], "1");
}

#[test]
fn a_configuration_that_is_no_object_has_no_options_and_is_kept() {
    let configuration = FlinkConfiguration::from(json!("oops"));
    assert!(!configuration.is_object());
    assert!(configuration.flatten().is_empty());
    assert_eq!(serde_json::to_value(&configuration).unwrap(), json!("oops"));
}

#[test]
fn only_names_of_versions_have_numbers() {
    let numbers = |text: &str| flink_operator_api::FlinkVersionName::from(text).major_minor();
    assert_eq!(numbers("v1_20"), Some((1, 20)));
    assert_eq!(numbers("v2_0"), Some((2, 0)));
    for text in ["1.20", "v1", "v1_", "v_1", "v1_+2", "V1_20", "v1_2_3", ""] {
        assert_eq!(numbers(text), None, "{text}");
    }
}
