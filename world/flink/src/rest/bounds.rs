//! The bounds of the parallelism of a running job.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::jobs::find;
use super::refusal;
use super::site::Call;
use crate::around::Around;
use crate::job::VERTICES;
use crate::process::Process;

pub(super) fn requirements(process: &Process, call: &Call) -> Answer {
    let job = match find(process, call) {
        Ok(job) => job,
        Err(answer) => return answer,
    };
    if !process.settings.is_adaptive() {
        return not_adaptive();
    }
    let all: Map<String, Value> = job
        .bounds
        .iter()
        .map(|(id, (lower, upper))| {
            (id.clone(), json!({"parallelism": {"lowerBound": lower, "upperBound": upper}}))
        })
        .collect();
    Answer::ok(Value::Object(all))
}

fn not_adaptive() -> Answer {
    refusal::internal(
        "java.lang.UnsupportedOperationException: The DefaultScheduler does not support changing the parallelism without \
         a job restart. This feature is currently only expected to work with the AdaptiveScheduler.",
    )
}

pub(super) fn set_requirements(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    if let Err(answer) = find(process, call) {
        return answer;
    }
    if !process.settings.is_adaptive() {
        return not_adaptive();
    }
    let Some(wanted) = call.body.as_object() else {
        return refusal::bad_request("The request is no object.");
    };
    let mut problems = Vec::new();
    let mut bounds = BTreeMap::new();
    for (id, one) in wanted {
        let number = |name: &str| {
            let number = one.pointer(&format!("/parallelism/{name}")).and_then(Value::as_i64);
            u32::try_from(number.unwrap_or(0)).unwrap_or(0)
        };
        let (lower, upper) = (number("lowerBound"), number("upperBound"));
        if !VERTICES.iter().any(|(known, _)| known == id) {
            problems.push(format!("Job vertex [{id}] was not found in the JobGraph."));
        } else if lower < 1 || upper < lower || upper > 128 {
            problems.push(format!(
                "Invalid bounds of job vertex [{id}]: lower bound {lower}, upper bound {upper}."
            ));
        }
        bounds.insert(id.clone(), (lower, upper));
    }
    let mut missing: Vec<&str> =
        VERTICES.iter().map(|(id, _)| *id).filter(|id| !wanted.contains_key(*id)).collect();
    missing.sort_unstable();
    problems.extend(missing.iter().map(|id| {
        format!("The request is incomplete, missing job vertex [{id}] resource requirements.")
    }));
    if !problems.is_empty() {
        return refusal::bad_request(&problems.join("\n"));
    }
    process.with_job(call.part(":id"), around, |job, _, _, _| job.bounds = bounds);
    Answer::ok(json!({}))
}
