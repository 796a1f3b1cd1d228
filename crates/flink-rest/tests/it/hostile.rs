//! Answers of JobManagers that run somebody's code: whatever they send is a value or an error, soon and small.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use flink_rest::RestError;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::calls;
use crate::fake;
use crate::recorded::{Recording, recordings};

/// One recorded answer for each call.
static ONE_PER_CALL: LazyLock<Vec<Recording>> = LazyLock::new(|| {
    let mut found = BTreeMap::new();
    for recording in recordings("2.3.0") {
        if recording.status < 300 {
            let wanted = recording.wanted();
            let path =
                wanted.path.split('?').next().unwrap().replace(|c: char| c.is_ascii_hexdigit(), "");
            found
                .entry(format!("{} {path} {}", wanted.method, wanted.path.contains("get=")))
                .or_insert(recording);
        }
    }
    let found: Vec<_> = found.into_values().collect();
    assert!(found.len() >= 25, "{}", found.len());
    found
});

/// Makes the call and looks at the error that may come of it.
async fn survive(
    recording: &Recording,
    status: u16,
    answer: impl Into<bytes::Bytes>,
) -> Result<Value, RestError> {
    let (cluster, log) = fake::answering(status, answer);
    let result = calls::call(&cluster, &recording.wanted()).await;
    log.only();
    if let Err(error) = &result {
        let message = error.to_string();
        assert!(message.chars().count() < 1_200, "{} characters", message.chars().count());
        assert!(!message.contains(char::is_control), "{message:?}");
        // All that callers may ask.
        let _: (bool, bool, bool) =
            (error.job_not_found(), error.already_terminal(), error.is_timeout());
    }
    result
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any_text(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Texts that mean something here more often than chance would have it.
fn any_text() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "jobs",
        "jid",
        "id",
        "state",
        "status",
        "COMPLETED",
        "RUNNING",
        "operation",
        "failure-cause",
        "stack-trace",
        "location",
        "tasks",
        "latest",
        "history",
        "errors",
        "vertices",
        "plan",
        "nodes",
        "request-id",
        "NaN",
        "external_path",
        "abcdef0123456789abcdef0123456789",
        "exceptionHistory",
        "entries",
        "filename",
        "value",
    ];
    prop_oneof![prop::sample::select(KNOWN).prop_map(str::to_owned), any::<String>()]
}

/// Replaces the node that a walk by `steps` ends at.
fn replace(value: &mut Value, steps: &[usize], with: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *value = with;
        return;
    };
    let child = match value {
        Value::Array(list) if !list.is_empty() => {
            let index = step % list.len();
            list.get_mut(index)
        }
        Value::Object(fields) if !fields.is_empty() => {
            let index = step % fields.len();
            fields.values_mut().nth(index)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    };
    match child {
        Some(child) => replace(child, rest, with),
        None => *value = with,
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn no_call_panics_on_any_json(answer in any_json(), status in 100u16..600) {
        block_on(async {
            for recording in ONE_PER_CALL.iter() {
                drop(survive(recording, 200, answer.to_string()).await);
            }
            drop(survive(&ONE_PER_CALL[0], status, answer.to_string()).await);
        });
    }

    #[test]
    fn no_call_panics_on_a_recorded_answer_with_a_fault(
        which in any::<prop::sample::Index>(),
        steps in prop::collection::vec(any::<usize>(), 1..7),
        fault in any_json(),
    ) {
        let recording = which.get(&ONE_PER_CALL);
        let mut answer = recording.response.clone();
        replace(&mut answer, &steps, fault);
        block_on(async {
            drop(survive(recording, 200, answer.to_string()).await);
        });
    }

    #[test]
    fn no_call_panics_on_any_bytes(answer in prop::collection::vec(any::<u8>(), 0..200), status in 100u16..600) {
        block_on(async {
            for recording in ONE_PER_CALL.iter() {
                drop(survive(recording, status, answer.clone()).await);
            }
        });
    }
}

#[tokio::test]
async fn deep_json_is_an_error_and_not_the_end_of_the_stack() {
    for recording in ONE_PER_CALL.iter() {
        let outcome_is_read = recording.response != json!({});
        for deep in ["[".repeat(60_000), r#"{"a":"#.repeat(12_000)] {
            let result = survive(recording, 200, deep).await;
            assert_eq!(
                result.is_err(),
                outcome_is_read || recording.name.ends_with("-status"),
                "{}",
                recording.name
            );
        }
        // Where nobody looks for it, depth is no less dangerous.
        if let Value::Object(fields) = &recording.response
            && outcome_is_read
        {
            let plain = survive(recording, 200, recording.response.to_string()).await.unwrap();
            let mut fields = fields.clone();
            fields.insert("new".to_owned(), Value::Null);
            let depth = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
            let answer = Value::Object(fields).to_string();
            let answer = answer.replace(r#""new":null"#, &format!(r#""new":{depth}"#));
            match survive(recording, 200, answer).await {
                Ok(read) => assert_eq!(read, plain),
                Err(error) => {
                    let message = error.to_string();
                    // The keys of resource requirements are vertices, so a new key is a fault of its own.
                    assert!(
                        message.contains("recursion limit") || message.contains("vertex id"),
                        "{message}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn new_fields_are_ignored_everywhere() {
    fn add_fields(value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(add_fields),
            Value::Object(fields) => {
                fields.values_mut().for_each(add_fields);
                // Maps by free keys must keep the type of their values.
                if !fields.values().all(Value::is_i64) && !fields.is_empty() {
                    fields.insert("since-flink-9".to_owned(), json!({"deeply": [{"new": 1.5}]}));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for recording in ONE_PER_CALL.iter() {
        if recording.name.contains("resource-requirements") {
            // Its keys are vertices.
            continue;
        }
        let plain = survive(recording, 200, recording.response.to_string()).await.unwrap();
        let mut newer = recording.response.clone();
        add_fields(&mut newer);
        let read = survive(recording, 200, newer.to_string()).await.unwrap();
        assert_eq!(read, plain, "{}", recording.name);
    }
}

#[tokio::test]
async fn lists_that_would_fill_the_memory_are_refused() {
    let find = |name: &str| ONE_PER_CALL.iter().find(|recording| recording.name == name).unwrap();
    let job = r#"{"jid":"abcdef0123456789abcdef0123456789","state":"RUNNING"}"#;
    let metric = r#"{"id":""}"#;
    for (name, answer, limit) in [
        ("jobs-overview", format!(r#"{{"jobs":[{}]}}"#, vec![job; 20_001].join(",")), 20_000),
        ("vertex-subtasks-metrics", format!("[{}]", vec![metric; 100_001].join(",")), 100_000),
    ] {
        let error = survive(find(name), 200, answer).await.unwrap_err();
        assert!(error.to_string().contains(&format!("more than {limit} elements")), "{error}");
    }
}

#[tokio::test]
async fn long_texts_do_not_get_into_messages() {
    let long = "\u{1b}]0;x\u{7}ü".repeat(10_000);
    for recording in ONE_PER_CALL.iter() {
        let mut answer = recording.response.clone();
        for steps in [&[0][..], &[0, 0], &[0, 0, 0], &[1], &[1, 0, 0]] {
            replace(&mut answer, steps, json!(long));
            drop(survive(recording, 200, answer.to_string()).await);
        }
        let errors = json!({"errors": [long, format!("<Exception on server side:\n{long}\nCaused by: {long}")]});
        let error = survive(recording, 500, errors.to_string()).await.unwrap_err();
        assert_eq!(error.answer().unwrap().errors.len(), 2);
    }
}
