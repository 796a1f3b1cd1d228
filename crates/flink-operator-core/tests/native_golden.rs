//! Compares the objects of native clusters with those that Flink's clients, and the Java operator with its
//! own client, sent to Kubernetes for the same input.
//!
//! The recordings are in `tests/golden`, a file of lines per client. The environment variable `GOLDEN`
//! names another folder: each recording in it is run, as lines or as a folder with a folder per case.

#![cfg(test)]

#[path = "native_golden/command.rs"]
mod command;
#[path = "native_golden/compare.rs"]
mod compare;
#[path = "native_golden/interpreter.rs"]
mod interpreter;
#[path = "native_golden/recorded.rs"]
mod recorded;

use std::{
    collections::BTreeMap,
    env,
    fmt::Display,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use flink_operator_core::{
    build::{
        BuildError,
        native::{self, ClusterInput},
    },
    flink_version::FlinkVersion,
};
use golden::{Client, Recording};
use serde_json::Value;

use self::{
    compare::{differences, flat_yaml},
    interpreter::chain,
    recorded::{Case, object_id, version_of},
};

/// Texts that our error must contain, for each case in which the recorded client refused the input.
const REFUSALS: [(&str, &[&str]); 12] = [
    ("app-jars-in-config-cli-error", &["jar"]),
    ("cluster-id-46-error", &["kubernetes.cluster-id", "46 characters", "1 to 45"]),
    (
        "ha-k8s-factory-class-overlap-error",
        &["config.yaml", "high-availability and high-availability."],
    ),
    ("limits-lt1-error", &["kubernetes.jobmanager.memory.limit-factor", "0.5", "1.0 or more"]),
    ("mem-conflict-error", &["jobmanager.memory"]),
    ("mem-legacy-heap-err-in-2x", &["jobmanager.memory"]),
    ("mem-missing-jm-error", &["jobmanager.memory"]),
    ("mem-missing-tm-error", &["taskmanager.memory"]),
    ("mem-too-small-error", &["jobmanager.memory"]),
    ("null-value-error", &["nul"]),
    ("ports-range-error", &["port", "fixed port"]),
    ("replicas-no-ha-error", &["kubernetes.jobmanager.replicas", "2", "high-availability.type"]),
];

/// Numbers of comparisons, and the differences found.
#[derive(Default)]
struct Tally {
    cases: usize,
    objects: usize,
    refusals: usize,
    failures: Vec<String>,
}

#[test]
fn the_objects_of_every_recorded_case_are_equal() {
    let root = env::var_os("GOLDEN").map_or_else(repository, PathBuf::from);
    let recordings = golden::find(&root).unwrap_or_else(|error| panic!("{error:#}"));
    let mut total = Tally::default();
    for recording in &recordings {
        let tally = check_recording(recording);
        print(&recording.client, &tally);
        total.cases += tally.cases;
        total.objects += tally.objects;
        total.refusals += tally.refusals;
        total.failures.extend(tally.failures);
    }
    print("golden", &total);
    assert!(total.failures.is_empty(), "\n{}", total.failures.join("\n"));
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn print(what: impl Display, tally: &Tally) {
    let Tally { cases, objects, refusals, failures } = tally;
    let outcome = match failures.len() {
        0 => "all equal".to_owned(),
        count => format!("{count} failed"),
    };
    // The test harness hides the output of `println` if a test passes.
    writeln!(
        std::io::stderr().lock(),
        "{what}: {cases} cases, {objects} objects compared, {refusals} refusals compared, {outcome}"
    )
    .unwrap();
}

/// Checks the cases of one client. Each failure begins with the name of the client.
fn check_recording(recording: &Recording) -> Tally {
    let client = &recording.client;
    let mut tally = Tally::default();
    let checked = version_of(client).and_then(|version| {
        for case in native_cases(recording)? {
            tally.cases += 1;
            let outcome = catch_unwind(AssertUnwindSafe(|| check(&case, version, &mut tally)));
            // After a panic in one case, the others are still checked.
            if outcome.is_err() {
                tally.failures.push(format!("{}: the test panicked, see above", case.id()));
            }
        }
        Ok(())
    });
    if let Err(message) = checked {
        tally.failures.push(format!("{client}: {message}"));
    }
    tally
}

/// The cases of native clusters. The Java operator's recording also has cases of standalone clusters.
fn native_cases(recording: &Recording) -> Result<Vec<Case>, String> {
    let client = &recording.client;
    let cases = recording.cases().map_err(|error| format!("{error:#}"))?;
    let native: Vec<Case> = cases
        .into_iter()
        .filter(|case| *client != Client::Operator || case.name.starts_with("native-"))
        .map(|case| Case::new(client, case))
        .collect();
    if native.is_empty() {
        Err("it has no case of a native cluster".to_owned())
    } else {
        Ok(native)
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    let client = Client::Flink("2.2.1".to_owned());
    let recordings = golden::find(&repository()).unwrap();
    let recording = recordings.iter().find(|recording| recording.client == client).unwrap();
    let cases = native_cases(recording).unwrap();
    let case = cases.iter().find(|case| case.name() == "pod-template-with-conf").unwrap();
    let input = interpreter::read(case, version_of(&client).unwrap()).unwrap();
    let once = native::build(input.clone()).unwrap();
    let again = native::build(input).unwrap();
    let text = |objects: &native::ClusterObjects| {
        serde_json::to_string(&(&objects.deployment, &objects.accompanying)).unwrap()
    };
    assert_eq!(text(&once), text(&again));
}

fn check(case: &Case, client: FlinkVersion, tally: &mut Tally) {
    let outcome = interpreter::read(case, client)
        .and_then(|input| build_as_recorded(case, input).map_err(|error| chain(&error)));
    let recorded = case.recorded();
    let found = match (outcome, recorded.is_empty()) {
        (Ok(objects), false) => {
            tally.objects += recorded.len();
            compare_objects(case, &objects)
        }
        (Ok(objects), true) => compare_with_existing_service(case, &objects),
        (Err(message), true) if case.failed() => {
            tally.refusals += 1;
            check_message(case, &message)
        }
        (Err(message), _) => vec![format!("refused: {message}")],
    };
    tally.failures.extend(found.into_iter().map(|line| format!("{}: {line}", case.id())));
}

/// Builds the objects, the Deployment first.
///
/// Nested YAML cannot contain two keys of which one is a prefix of the other, such as `a` and `a.b`. The
/// recorded clients silently drop `a.b`; we refuse the configuration. Without the options that the
/// client dropped, the objects must be equal.
fn build_as_recorded(case: &Case, input: ClusterInput) -> Result<Vec<Value>, BuildError> {
    let built = match native::build(input.clone()) {
        Err(BuildError::Overlap { .. }) if !case.failed() => {
            native::build(without_lost_settings(case, input))?
        }
        other => other?,
    };
    let uid = case.recorded().iter().find_map(|recorded| {
        let owner = &recorded.object["metadata"]["ownerReferences"][0];
        (owner["kind"] == "Deployment").then(|| owner["uid"].as_str().unwrap().to_owned())
    });
    let name = built.deployment["metadata"]["name"].as_str().unwrap().to_owned();
    let built = built.owned_by(&name, uid.as_deref().unwrap_or("unknown"));
    Ok(std::iter::once(built.deployment).chain(built.accompanying).collect())
}

fn without_lost_settings(case: &Case, mut input: ClusterInput) -> ClusterInput {
    let written = case
        .recorded()
        .iter()
        .find_map(|recorded| recorded.object["data"]["config.yaml"].as_str().map(flat_yaml))
        .unwrap();
    let before = input.configuration.len();
    input.configuration.retain(|key, _| {
        let lost = !written.contains_key(key)
            && written.keys().any(|kept| {
                key.strip_prefix(kept.as_str()).is_some_and(|rest| rest.starts_with('.'))
            });
        !lost
    });
    assert!(input.configuration.len() < before, "{}: nothing was lost", case.id());
    input
}

/// Every recorded object must equal one of ours, and the order of creation must be the same.
fn compare_objects(case: &Case, objects: &[Value]) -> Vec<String> {
    let ours: BTreeMap<String, &Value> =
        objects.iter().map(|object| (object_id(object), object)).collect();
    let mut found = Vec::new();
    for recorded in case.recorded() {
        match ours.get(&recorded.id) {
            Some(object) => found.extend(
                differences(&recorded.object, object)
                    .into_iter()
                    .map(|difference| format!("{}{difference}", recorded.id)),
            ),
            None => found.push(format!("{} is not built", recorded.id)),
        }
    }
    // A client that failed has created only the first objects.
    let created = case.creations();
    let order: Vec<String> = objects.iter().map(object_id).collect();
    let same = if case.failed() { order.starts_with(&created) } else { order == created };
    if !same {
        found.push(format!("the client created {created:?}, ours are {order:?}"));
    }
    found
}

/// The recorded client created nothing because its REST Service already existed. The input is valid, so
/// we must build the objects, including that Service.
fn compare_with_existing_service(case: &Case, objects: &[Value]) -> Vec<String> {
    let asked_for = |object: &&Value| {
        let name = object["metadata"]["name"].as_str().unwrap();
        let path = format!("/services/{name} ");
        object["kind"] == "Service" && case.requests().iter().any(|line| line.contains(&path))
    };
    let changes = case.requests().iter().any(|line| !line.starts_with("GET "));
    match objects.iter().find(asked_for) {
        Some(_) if case.failed() && !changes => Vec::new(),
        Some(_) | None => vec!["built, but the recorded client refused the input".to_owned()],
    }
}

fn check_message(case: &Case, message: &str) -> Vec<String> {
    let Some((_, fragments)) = REFUSALS.iter().find(|(name, _)| *name == case.name()) else {
        return vec![format!("no message is expected, and we say: {message}")];
    };
    fragments
        .iter()
        .filter(|fragment| !message.contains(**fragment))
        .map(|fragment| format!("{message:?} does not name {fragment:?}"))
        .collect()
}
