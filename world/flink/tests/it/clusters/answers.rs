//! Answers have the members and the words of those that real JobManagers gave.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;
use simulated_flink::behaviour::{Failure, SavepointOutcome};
use simulated_kubernetes::run;

use super::*;

/// The recorded answers of a version by their name.
fn recorded(version: &str) -> BTreeMap<String, (u16, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../crates/flink-rest/tests/recorded")
        .join(version);
    let mut all = BTreeMap::new();
    for group in ["jobs", "cluster", "savepoints", "checkpoints", "metrics", "jars"] {
        let text = std::fs::read_to_string(folder.join(format!("{group}.json"))).unwrap();
        let lines: Vec<Value> = serde_json::from_str(&text).unwrap();
        for line in lines {
            let status = u16::try_from(line["status"].as_u64().unwrap()).unwrap();
            let name = line["name"].as_str().unwrap().to_owned();
            all.insert(name, (status, line["response"].clone()));
        }
    }
    all
}

/// The paths of all members of an answer, with `<id>` for ids.
fn members(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_id = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
                let path = format!("{path}.{}", if is_id { "<id>" } else { name });
                // The recorded ones were shortened.
                if name != "summary" {
                    members(value, &path, into);
                    into.insert(path);
                }
            }
        }
        Value::Array(all) => {
            for value in all {
                members(value, &format!("{path}[]"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The first line of the first error that says something, without ids.
fn words(answer: &Value) -> Option<String> {
    let errors = answer["errors"].as_array()?;
    let text = errors.last()?.as_str()?;
    let line = text.lines().find(|line| !line.starts_with('<'))?;
    let ids = Regex::new("[0-9a-f]{32}|999999").unwrap();
    Some(ids.replace_all(line, "<id>").into_owned())
}

struct Comparison {
    flink: Flink,
    recorded: BTreeMap<String, (u16, Value)>,
    version: &'static str,
}

impl Comparison {
    async fn same(&self, name: &str, method: &str, path: &str, body: Value) -> Value {
        let (status, found) = raw(&self.flink, method, path, body).await;
        let (expected_status, expected) =
            self.recorded.get(name).unwrap_or_else(|| panic!("nothing was recorded as {name}"));
        let version = self.version;
        assert_eq!(status, *expected_status, "{version} {name}: {found}");
        let (mut one, mut two) = (BTreeSet::new(), BTreeSet::new());
        members(&found, "", &mut one);
        members(expected, "", &mut two);
        // Of long lists the first elements were kept.
        let is_kept = |path: &&String| !path.starts_with(".history[].failure");
        let other: Vec<&String> = one.symmetric_difference(&two).filter(is_kept).collect();
        assert!(other.is_empty(), "{version} {name}: {other:?}");
        assert_eq!(words(&found), words(expected), "{version} {name}");
        found
    }

    async fn get(&self, name: &str, path: &str) -> Value {
        self.same(name, "GET", &path.replace("JOB", JOB), Value::Null).await
    }

    async fn post(&self, name: &str, path: &str, body: Value) -> String {
        let found = self.same(name, "POST", &path.replace("JOB", JOB), body).await;
        found["request-id"].as_str().unwrap().to_owned()
    }
}

async fn compare(world: World, image: &'static str, version: &'static str) {
    let cluster = Cluster {
        image,
        parallelism: 1,
        more: "jobmanager.scheduler: adaptive",
        ..Cluster::default()
    };
    let flink = running(&world, &cluster).await;
    let it = Comparison { flink, recorded: recorded(version), version };
    let unknown = "ffffffffffffffffffffffffffffffff";
    pass(25).await;
    it.get("config", "/config").await;
    it.get("overview", "/overview").await;
    it.get("jobs-overview", "/jobs/overview").await;
    it.get("job", "/jobs/JOB").await;
    it.get("job-execution-result", "/jobs/JOB/execution-result").await;
    it.get("job-exceptions-max", "/jobs/JOB/exceptions?maxExceptions=5").await;
    it.get("job-checkpoints", "/jobs/JOB/checkpoints").await;
    it.get("job-checkpoints-config", "/jobs/JOB/checkpoints/config").await;
    it.get("job-checkpoint-details", "/jobs/JOB/checkpoints/details/2").await;
    it.get("job-checkpoint-details-missing", "/jobs/JOB/checkpoints/details/999999").await;
    it.get("job-notfound", &format!("/jobs/{unknown}")).await;
    it.get("job-metrics-get", "/jobs/JOB/metrics?get=numRestarts,uptime,runningTime").await;
    it.get(
        "vertex-subtasks-metrics-agg",
        "/jobs/JOB/vertices/b71731f1c0df9c3076c4a455334d0ad6/subtasks/metrics?get=numRecordsInPerSecond&agg=min,max,avg,sum",
    )
    .await;
    it.get("taskmanagers-metrics-agg", "/taskmanagers/metrics?get=Status.JVM.Memory.Heap.Used")
        .await;
    operations(&it, unknown).await;

    it.flink.fail_job(RESOURCE, &Failure::new("java.lang.RuntimeException", "induced failure"));
    it.get("jobs-overview-restarting", "/jobs/overview").await;
    pass(30).await;
    it.get("job-exceptions-after-failure", "/jobs/JOB/exceptions").await;
    it.get("job-checkpoints-after-restore", "/jobs/JOB/checkpoints").await;
    requirements(&it).await;

    let trigger = it.post("stop-trigger", "/jobs/JOB/stop", json!({"drain": false})).await;
    pass(3).await;
    it.get("stop-status", &format!("/jobs/JOB/savepoints/{trigger}")).await;
    it.get("job-finished", "/jobs/JOB").await;
    it.get("jobs-overview-finished", "/jobs/overview").await;
    it.get("job-finished-execution-result", "/jobs/JOB/execution-result").await;
    it.post("stop-finished", "/jobs/JOB/stop", json!({"drain": false})).await;
    let cancel = format!("/jobs/{JOB}?mode=cancel");
    it.same("cancel-finished", "PATCH", &cancel, Value::Null).await;
    let cancel = format!("/jobs/{unknown}?mode=cancel");
    it.same("cancel-unknown", "PATCH", &cancel, Value::Null).await;
}

async fn operations(it: &Comparison, unknown: &str) {
    let trigger = it.post("savepoint-trigger", "/jobs/JOB/savepoints", json!({})).await;
    let path = format!("/jobs/JOB/savepoints/{trigger}");
    it.get("savepoint-status-inprogress-maybe", &path).await;
    pass(2).await;
    let status = it.get("savepoint-status-completed", &path).await;
    let why = Failure::new("java.io.IOException", "no folder");
    it.flink.next_savepoint(RESOURCE, SavepointOutcome::Fails(why));
    let trigger = it
        .post("savepoint-trigger-native", "/jobs/JOB/savepoints", json!({"formatType": "NATIVE"}))
        .await;
    pass(2).await;
    it.get("savepoint-status-failed", &format!("/jobs/JOB/savepoints/{trigger}")).await;
    it.get("savepoint-status-unknown", "/jobs/JOB/savepoints/00000000000000000000000000000000")
        .await;
    let path = format!("/jobs/{unknown}/savepoints");
    it.post("savepoint-trigger-unknown-job", &path, json!({})).await;
    let body = json!({"checkpointType": "FULL"});
    let trigger = it.post("checkpoint-trigger-FULL", "/jobs/JOB/checkpoints", body).await;
    pass(2).await;
    it.get("checkpoint-status-FULL", &format!("/jobs/JOB/checkpoints/{trigger}")).await;
    let body = json!({"checkpointType": "INCREMENTAL"});
    let path = format!("/jobs/{JOB}/checkpoints");
    it.same("checkpoint-trigger-INCREMENTAL", "POST", &path, body).await;
    let body = json!({"savepoint-path": status["operation"]["location"]});
    let trigger = it.post("savepoint-disposal", "/savepoint-disposal", body.clone()).await;
    it.get("savepoint-disposal-status", &format!("/savepoint-disposal/{trigger}")).await;
    let trigger = it.post("savepoint-disposal", "/savepoint-disposal", body).await;
    it.get("savepoint-disposal-status-failed", &format!("/savepoint-disposal/{trigger}")).await;
}

async fn requirements(it: &Comparison) {
    let path = format!("/jobs/{JOB}/resource-requirements");
    it.get("job-resource-requirements", &path).await;
    let bounds = json!({"parallelism": {"lowerBound": 1, "upperBound": 2}});
    let body = json!({"00000000000000000000000000000000": bounds});
    it.same("resource-requirements-put-bad", "PUT", &path, body).await;
    let body = json!({
        "b71731f1c0df9c3076c4a455334d0ad6": bounds, "f362c87ffabe89c8a91fa7d0a523ba6c": bounds,
    });
    it.same("resource-requirements-put", "PUT", &path, body).await;
    it.get("resource-requirements-after", &path).await;
    pass(30).await;
    assert_eq!(job(&it.flink).parallelism, 2, "it was rescaled in place");
    assert_no_violations(&it.flink);
}

#[test]
fn flink_1_20_answers_as_recorded() {
    run(1, |world| compare(world, "flink:1.20", "1.20.5"));
}

#[test]
fn flink_2_2_answers_as_recorded() {
    run(1, |world| compare(world, "registry.example/flink:2.2.1-java17", "2.2.1"));
}

#[test]
fn flink_2_3_answers_as_recorded() {
    run(1, |world| compare(world, "flink:2.3", "2.3.0"));
}

#[test]
fn the_default_scheduler_and_young_job_managers_answer_as_recorded() {
    run(1, |world| async move {
        let flink = Flink::new(&world);
        let missing = Some("s3://bucket/nosuch".to_owned());
        flink.change(RESOURCE, |behaviour| {
            behaviour.job_manager_start = Duration::from_millis(500);
        });
        Cluster { restore: missing, ..Cluster::default() }.create(&world);
        let it = Comparison { flink, recorded: recorded("2.2.1"), version: "2.2.1" };
        let mut first = None;
        while first.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            first = it.flink.job_managers(RESOURCE).into_iter().find(|one| one.answers);
        }
        it.get("first-200", "/jobs/overview").await;
        it.get("nockpt-job-resource-requirements", "/jobs/JOB/resource-requirements").await;
        pass(5).await;
        let seen = overview(&it.flink).await.unwrap();
        assert_eq!(seen.status, flink_rest::JobStatus::Failed, "its state is not there");
        let result = it.get("job-failed-execution-result", "/jobs/JOB/execution-result").await;
        let trace = &result["job-execution-result"]["failure-cause"]["stack-trace"];
        let text = trace.as_str().unwrap();
        assert!(
            text.contains(
                "Cannot find checkpoint or savepoint file/directory 's3://bucket/nosuch'"
            ),
            "{text}"
        );
        let (status, answer) = raw(&it.flink, "GET", "/jars", Value::Null).await;
        assert_eq!(
            (status, &answer["errors"][0]),
            (404, &json!("Unable to load requested file /jars."))
        );
    });
}

#[test]
fn jars_are_answered_as_recorded() {
    for (image, version) in
        [("flink:1.20", "1.20.5"), ("flink:2.2", "2.2.1"), ("flink:2.3", "2.3.0")]
    {
        run(1, |world| async move {
            let flink = Flink::new(&world);
            let more = "# kubernetes-session";
            Cluster { image, more, ..Cluster::default() }.create(&world);
            pass(10).await;
            let api = client(&flink, "test");
            let content = flink_rest::jars::JarContent::Bytes(Bytes::from_static(b"PK"));
            let name = flink_rest::JarName::from_file_name("job.jar");
            let jar = api.upload_jar(&name, content).await.unwrap();
            let it = Comparison { flink, recorded: recorded(version), version };
            let body = json!({"jobId": JOB, "parallelism": 1});
            let path = format!("/jars/{}/run", jar.as_str());
            it.same("jar-run", "POST", &path, body.clone()).await;
            it.same("jar-run-duplicate-jobid", "POST", &path, body.clone()).await;
            it.same("jar-run-missing-jar", "POST", "/jars/nosuch.jar/run", body).await;
            let path = format!("/jars/{}", jar.as_str());
            it.same("jar-delete", "DELETE", &path, Value::Null).await;
            let (status, _) = raw(&it.flink, "DELETE", &path, Value::Null).await;
            assert_eq!(status, 400);
        });
    }
}
