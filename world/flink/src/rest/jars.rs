//! Jars on session clusters: uploading, running, deleting.

use serde_json::{Value, json};

use super::answer::Answer;
use super::refusal;
use super::site::Call;
use crate::around::Around;
use crate::process::{Process, Refused, Submission};
use crate::version::Version;

const FOLDER: &str = "/flink/upload/flink-web-upload";

pub(super) fn list(process: &Process) -> Answer {
    let files: Vec<Value> = process
        .jars
        .iter()
        .map(|id| json!({"id": id, "name": id, "uploaded": process.started, "entry": []}))
        .collect();
    Answer::ok(json!({"address": format!("http://{}:8081", process.pod.ip), "files": files}))
}

pub(super) fn upload(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    let text = String::from_utf8_lossy(&call.raw);
    let name = text.split_once("filename=\"").and_then(|(_, rest)| rest.split('"').next());
    let Some(name) = name else {
        return refusal::with(
            400,
            &[
                "org.apache.flink.runtime.rest.handler.RestHandlerException: Exactly 1 file must be sent, received 0.\n",
            ],
        );
    };
    let id = format!("{}_{name}", around.ids.uid());
    process.jars.push(id.clone());
    Answer::ok(json!({"filename": format!("{FOLDER}/{id}"), "status": "success"}))
}

pub(super) fn delete(process: &mut Process, call: &Call) -> Answer {
    let id = call.part(":jar");
    let Some(index) = process.jars.iter().position(|jar| jar == id) else {
        return refusal::with(
            400,
            &[&format!(
                "org.apache.flink.runtime.rest.handler.RestHandlerException: File {id} does not exist in {FOLDER}.\n\
                 \tat org.apache.flink.runtime.webmonitor.handlers.JarDeleteHandler.lambda$handleRequest$0(JarDeleteHandler.java:80)\n"
            )],
        );
    };
    process.jars.remove(index);
    Answer::ok(json!({}))
}

pub(super) fn run(process: &mut Process, call: &Call, around: &mut Around) -> Answer {
    let jar = call.part(":jar");
    if !process.jars.iter().any(|known| known == jar) {
        let why = format!("Jar file {FOLDER}/{jar} does not exist");
        return refusal::internal(&format!(
            "java.util.concurrent.CompletionException: org.apache.flink.runtime.rest.handler.RestHandlerException: {why}"
        ));
    }
    // Fields that a version does not know are refused.
    let renamed = process.settings.version >= Version::V1_20;
    if call.body.get("claimMode").is_some() && !renamed {
        return refusal::with(
            400,
            &[
                "org.apache.flink.runtime.rest.handler.RestHandlerException: Bad request received. Request did not match \
               expected format JarRunRequestBody.\n",
            ],
        );
    }
    let configuration = call.body.get("flinkConfiguration").cloned().unwrap_or_default();
    let submission = Submission {
        id: call.text("jobId").map_or_else(|| around.hex_id(), str::to_lowercase),
        parallelism: call
            .body
            .get("parallelism")
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok()),
        restore_path: call.text("savepointPath").map(str::to_owned),
        configuration: serde_json::from_value(configuration).unwrap_or_default(),
    };
    match process.submit(&submission, around) {
        Ok(()) => {
            let mut answer = json!({"jobid": submission.id});
            if process.settings.version >= Version::V2_3 {
                simulated_kubernetes::api_server::object::set_field(
                    &mut answer,
                    "applicationId",
                    submission.id.clone(),
                );
            }
            Answer::ok(answer)
        }
        Err(Refused::Duplicate) => duplicate(&submission.id),
        Err(Refused::Configuration(why)) => refusal::internal(&format!(
            "java.util.concurrent.CompletionException: java.lang.IllegalArgumentException: {why}"
        )),
    }
}

fn duplicate(job: &str) -> Answer {
    let cause = format!(
        "org.apache.flink.runtime.client.DuplicateJobSubmissionException: Job has already been submitted. ({job})"
    );
    refusal::with(
        400,
        &[&format!(
            "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n\
             \tat org.apache.flink.runtime.webmonitor.handlers.JarRunHandler.lambda$handleRequest$1(JarRunHandler.java:114)\n\
             Caused by: java.util.concurrent.CompletionException: org.apache.flink.util.FlinkRuntimeException: Could not \
             execute application.\n\
             \tat java.base/java.util.concurrent.CompletableFuture.encodeThrowable(CompletableFuture.java:315)\n\
             Caused by: {cause}\n\
             \tat org.apache.flink.runtime.dispatcher.Dispatcher.submitJob(Dispatcher.java:517)\n"
        )],
    )
}
