//! Answers that real JobManagers gave, each through the call that asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use flink_rest::RestError;
use serde_json::Value;

use crate::calls::{self, TRIGGER, Wanted};
use crate::fake::{self, Seen};

const VERSIONS: [&str; 3] = ["1.20.5", "2.2.1", "2.3.0"];
const GROUPS: [&str; 6] = ["cluster", "jobs", "checkpoints", "savepoints", "metrics", "jars"];

#[derive(Clone, serde::Deserialize)]
pub(crate) struct Recording {
    pub(crate) name: String,
    request: Request,
    pub(crate) status: u16,
    pub(crate) response: Value,
}

#[derive(Clone, serde::Deserialize)]
struct Request {
    method: String,
    path: String,
    body: Value,
}

impl Recording {
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted { method: &self.request.method, path: &self.request.path, body: &self.request.body }
    }
}

pub(crate) fn recordings(version: &str) -> Vec<Recording> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(version);
    let read = |group: &&str| {
        let text = std::fs::read_to_string(folder.join(format!("{group}.json"))).unwrap();
        serde_json::from_str::<Vec<Recording>>(&text).unwrap()
    };
    GROUPS.iter().flat_map(read).collect()
}

#[tokio::test]
async fn every_recorded_answer_is_read_whole_by_one_request_each() {
    for version in VERSIONS {
        let (mut calls, mut bytes, mut endpoints) = (0, 0, BTreeSet::new());
        for recording in recordings(version) {
            let body = recording.response.to_string();
            bytes += body.len();
            calls += 1;
            let (cluster, log) = fake::answering(recording.status, body);
            let result = calls::call(&cluster, &recording.wanted()).await;
            let about = format!("{version} {}", recording.name);
            let seen = log.only();
            check_request(&about, &recording.request, &seen);
            check_result(&about, &recording, result);
            endpoints.insert(endpoint(&recording.request));
        }
        println!(
            "{version}: {calls} calls, {calls} requests, {bytes} bytes, {} endpoints",
            endpoints.len()
        );
        assert_eq!(endpoints.len(), 26, "{endpoints:#?}");
    }
}

fn endpoint(request: &Request) -> String {
    let path = request.path.split('?').next().unwrap();
    let general = |segment: &str| {
        let id = segment.len() >= 32 || segment.chars().all(|c| c.is_ascii_digit());
        if id && !segment.is_empty() { ":id".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<_> = path.split('/').map(general).collect();
    let path = path.join("/").replace("nosuch.jar", ":id");
    format!("{} {path}", request.method)
}

fn check_request(about: &str, recorded: &Request, seen: &Seen) {
    assert_eq!(seen.method, recorded.method.as_str(), "{about}");
    // The client always says how many failures it wants; not all recordings did.
    let uri = seen.uri.strip_suffix("?maxExceptions=20").unwrap_or(&seen.uri);
    assert_eq!(uri, format!("http://my-app-rest.ns:8081{}", recorded.path), "{about}");
    let content_type = seen.headers.get("content-type").map(|value| value.to_str().unwrap());
    match &recorded.body {
        Value::Null => {
            assert_eq!(content_type, None, "{about}");
            assert!(seen.body.is_empty(), "{about}");
        }
        Value::Object(body) => {
            assert_eq!(content_type, Some("application/json"), "{about}");
            let sent: Value = serde_json::from_slice(&seen.body).unwrap();
            let mut wanted = body.clone();
            // The client always fills in what the recordings left to Flink.
            let mut fill = |field: &str, value: &str| {
                let filled = wanted.get(field).is_some_and(|value| !value.is_null());
                if !filled {
                    wanted.insert(field.to_owned(), serde_json::from_str(value).unwrap());
                }
            };
            let trigger = format!("\"{TRIGGER}\"");
            match recorded.path.rsplit('/').next().unwrap() {
                "savepoints" => {
                    fill("triggerId", &trigger);
                    fill("formatType", "\"CANONICAL\"");
                    fill("cancel-job", "false");
                }
                "stop" => {
                    fill("triggerId", &trigger);
                    fill("formatType", "\"CANONICAL\"");
                }
                "checkpoints" => fill("triggerId", &trigger),
                _ => {}
            }
            assert_eq!(sent, Value::Object(wanted), "{about}");
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            assert!(content_type.unwrap().starts_with("multipart/form-data; boundary="), "{about}");
        }
    }
}

fn check_result(about: &str, recording: &Recording, result: Result<Value, RestError>) {
    if (200..300).contains(&recording.status) {
        let understood = result.unwrap_or_else(|error| panic!("{about}: {error}"));
        let mut answer = recording.response.clone();
        if let Some(path) = answer["filename"].as_str() {
            answer = serde_json::json!({"jar": path.rsplit('/').next()});
        }
        check_understood(about, "", &understood, &answer);
    } else {
        let error = result.expect_err(about);
        let answer = error.answer().unwrap_or_else(|| panic!("{about}: {error}"));
        assert_eq!(answer.status.as_u16(), recording.status, "{about}");
        assert_eq!(
            answer.errors.len(),
            recording.response["errors"].as_array().unwrap().len(),
            "{about}"
        );
        check_error(about, &recording.name, &error);
    }
}

/// All that was understood must be in the answer. Lists by id are compared in any order.
fn check_understood(about: &str, path: &str, understood: &Value, answer: &Value) {
    match (understood, answer) {
        (Value::Object(fields), Value::Object(answer)) => {
            for (name, value) in fields {
                let found = answer.get(name).unwrap_or(&Value::Null);
                check_understood(about, &format!("{path}/{name}"), value, found);
            }
        }
        (Value::Array(elements), Value::Array(answer)) => {
            assert_eq!(elements.len(), answer.len(), "{about}: {path}");
            let key =
                |value: &Value| value["id"].as_str().or(value["key"].as_str()).map(str::to_owned);
            let sorted = |list: &[Value]| {
                let mut list = list.to_vec();
                list.sort_by_key(key);
                list
            };
            for (index, (element, answer)) in
                sorted(elements).iter().zip(&sorted(answer)).enumerate()
            {
                check_understood(about, &format!("{path}/{index}"), element, answer);
            }
        }
        (Value::Number(number), Value::Number(answer)) => {
            assert_eq!(number.as_f64(), answer.as_f64(), "{about}: {path}");
        }
        (understood, answer) => assert_eq!(understood, answer, "{about}: {path}"),
    }
}

/// What the caller is told about each error, and the one line that a user reads.
fn check_error(about: &str, name: &str, error: &RestError) {
    let kinds: BTreeMap<&str, bool> = BTreeMap::from([
        ("job", error.job_not_found()),
        ("operation", error.operation_not_found()),
        ("terminal", error.already_terminal()),
        ("submitted", error.already_submitted()),
        ("unsupported", error.not_supported()),
        ("disabled", error.checkpointing_disabled()),
        ("endpoint", error.unknown_endpoint()),
        ("unreachable", error.is_unreachable()),
        ("timeout", error.is_timeout()),
    ]);
    let found: Vec<&str> = kinds.into_iter().filter_map(|(kind, is)| is.then_some(kind)).collect();
    let (expected, line): (&[&str], &str) = match name {
        "cancel-finished" => (&["terminal"], "reached another terminal state (FINISHED)."),
        "cancel-unknown" => (
            &["job"],
            "Job could not be found.; root cause: FlinkJobNotFoundException: Could not find Flink job \
             (ffffffffffffffffffffffffffffffff)",
        ),
        "job-notfound" | "job-notfound-checkpoints" => {
            (&["job"], "Job ffffffffffffffffffffffffffffffff not found; root cause: ")
        }
        "savepoint-status-unknown" => {
            (&["operation"], "There is no savepoint operation with triggerId=0000")
        }
        "job-checkpoint-details-missing" => {
            (&[], "Could not find checkpointing statistics for checkpoint 999999.")
        }
        "checkpoint-trigger-INCREMENTAL" => {
            (&[], "IllegalStateException: Flink does not support triggering incremental checkpoint")
        }
        "nockpt-job-resource-requirements" => (
            &["unsupported"],
            "UnsupportedOperationException: The DefaultScheduler does not support",
        ),
        "resource-requirements-put-bad" => {
            (&[], "Job vertex [00000000000000000000000000000000] was not found in the JobGraph.")
        }
        "first-503" => (&["unreachable"], "ongoing leader election. Please refresh."),
        "jar-run-bad-class" => (
            &[],
            "ProgramInvocationException: The program's entry point class 'NoSuch' was not found in the jar file.; root \
             cause: ClassNotFoundException: NoSuch",
        ),
        "jar-run-missing-jar" => (&[], "nosuch.jar does not exist"),
        "jar-run-duplicate-jobid" => (&["submitted"], "has already been submitted."),
        "jar-delete-again" => (&[], "_job.jar does not exist in /flink/upload/flink-web-upload."),
        name => panic!("no expectation for {name}: {error}"),
    };
    assert_eq!(found, expected, "{about}: {error}");
    let message = error.to_string();
    assert!(message.contains(line), "{about}: {message}");
    assert!(!message.contains('\n') && message.len() < 900, "{about}: {message}");
}

#[tokio::test]
async fn statuses_are_those_that_users_see() {
    let check = async |version: &str, name: &str, expected: &[&str]| {
        let all = recordings(version);
        let recording = all.iter().find(|recording| recording.name == name).unwrap();
        let (cluster, _) = fake::answering(200, recording.response.to_string());
        let statuses: Vec<String> = if recording.response["jobs"].is_array() {
            let jobs = cluster.jobs_overview().await.unwrap();
            jobs.iter().map(|job| job.effective_status().to_string()).collect()
        } else {
            let id = recording.response["jid"].as_str().unwrap().parse().unwrap();
            vec![cluster.job(id).await.unwrap().effective_status().to_string()]
        };
        assert_eq!(statuses, expected, "{version} {name}");
    };
    for version in VERSIONS {
        check(version, "first-200", &["INITIALIZING"]).await;
        check(version, "jobs-overview", &["RUNNING"]).await;
        check(version, "jobs-overview-after-jm-failover", &["RUNNING"]).await;
        check(version, "job-finished", &["FINISHED"]).await;
        check(version, "job-canceled", &["CANCELED"]).await;
        // Flink says RUNNING here while both tasks still wait for a slot.
        check(version, "nockpt-job-details", &["CREATED"]).await;
    }
    check("2.3.0", "jobs-overview-cancelling", &["CANCELLING", "FAILED", "FINISHED"]).await;
}

#[tokio::test]
async fn the_newest_checkpoint_of_a_recorded_job_is_found() {
    let check = async |version: &str, name: &str, expected: Option<(i64, &str)>| {
        let all = recordings(version);
        let recording = all.iter().find(|recording| recording.name == name).unwrap();
        let (cluster, _) = fake::answering(200, recording.response.to_string());
        let id = "abcdef0123456789abcdef0123456789".parse().unwrap();
        let found = cluster.checkpoints(id).await.unwrap();
        let newest = found.latest.newest().map(|(id, path)| (id, path.path().unwrap()));
        assert_eq!(newest, expected, "{version} {name}");
        let history: Vec<i64> = found.history.iter().map(|checkpoint| checkpoint.id).collect();
        assert!(
            history.is_sorted_by(|newer, older| newer > older),
            "{version} {name}: {history:?}"
        );
    };
    let path = |id: &str| format!("file:/flink/cp/abcdef0123456789abcdef0123456789/chk-{id}");
    for version in VERSIONS {
        check(version, "nockpt-job-checkpoints", None).await;
        check(version, "job-checkpoints", Some((2, &path("2")))).await;
    }
    check("2.3.0", "job-checkpoints-after-restore", Some((19, &path("19")))).await;
}

#[tokio::test]
async fn failed_operations_say_why() {
    for version in VERSIONS {
        for (name, summary) in [
            (
                "savepoint-status-failed",
                "An Exception occurred while triggering the checkpoint. IO-problem detected.",
            ),
            ("nockpt-savepoint-status", "Not all required tasks are currently running."),
            ("savepoint-disposal-status-failed", "FileNotFoundException"),
        ] {
            let all = recordings(version);
            let recording = all.iter().find(|recording| recording.name == name).unwrap();
            let (cluster, _) = fake::answering(200, recording.response.to_string());
            let job = "abcdef0123456789abcdef0123456789".parse().unwrap();
            let status = cluster.savepoint_status(job, TRIGGER).await.unwrap();
            let flink_rest::AsyncStatus::Failed(failure) = status else {
                panic!("{name}: {status:?}")
            };
            let line = failure.summary();
            assert!(line.contains(summary), "{version} {name}: {line}");
            assert!(failure.causes().len() > 1, "{version} {name}");
        }
    }
}
