//! Events of the resources, through `events.k8s.io`: repetitions within six minutes become a series. An event about one
//! occurrence has a name of its own, which the API server takes once.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use flink_operator_core::reconcile::decision::{Event, Occurrence};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1 as wire;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::runtime::events::{self, EventType, Recorder, Reporter};
use kube::{Api, Client};

/// `note` of an event holds at most this many bytes; the API server refuses more.
const NOTE_BYTES: usize = 1024;

/// Publishes events.
#[derive(Clone)]
pub struct Events {
    client: Client,
    reporter: Reporter,
    recorder: Recorder,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// `instance` tells replicas of the operator apart: the pod's name.
    pub fn new(client: Client, instance: Option<String>) -> Self {
        let reporter = Reporter { controller: "flink-kubernetes-operator".to_owned(), instance };
        Self { recorder: Recorder::new(client.clone(), reporter.clone()), client, reporter }
    }

    async fn publish_or_count(
        &self,
        event: &Event,
        note: &str,
        about: &ObjectReference,
    ) -> Result<(), kube::Error> {
        let published = events::Event {
            type_: if event.warning { EventType::Warning } else { EventType::Normal },
            reason: event.reason.clone(),
            note: Some(note.to_owned()),
            action: action(&event.reason, note),
            secondary: None,
        };
        self.recorder.publish(&published, about).await
    }

    async fn publish_once(
        &self,
        event: &Event,
        note: &str,
        occurrence: &Occurrence,
        about: &ObjectReference,
    ) -> Result<(), kube::Error> {
        let instance = self.reporter.instance.as_ref().unwrap_or(&self.reporter.controller);
        let published = wire::Event {
            metadata: ObjectMeta {
                name: Some(name_of(&occurrence.key, about)),
                namespace: about.namespace.clone(),
                annotations: Some(event.annotations.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(occurrence.at)),
            type_: Some(if event.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(event.reason.clone()),
            action: Some(event.reason.clone()),
            note: Some(note.to_owned()),
            regarding: Some(about.clone()),
            reporting_controller: Some(self.reporter.controller.clone()),
            reporting_instance: Some(instance.clone()),
            ..wire::Event::default()
        };
        let namespace = about.namespace.as_deref().unwrap_or_default();
        let api: Api<wire::Event> = Api::namespaced(self.client.clone(), namespace);
        match api.create(&PostParams::default(), &published).await {
            Ok(_) => Ok(()),
            // It was told before: by a process that died before it could record that.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Publishes one event. An event that cannot be published is logged: it must not stop what it tells about.
    pub async fn publish(&self, event: &Event, about: &ObjectReference) {
        let note = cut(&event.note);
        if event.warning {
            tracing::warn!(reason = event.reason, note, "event");
        } else {
            tracing::info!(reason = event.reason, note, "event");
        }
        let published = match &event.once {
            Some(occurrence) => self.publish_once(event, note, occurrence, about).await,
            None => self.publish_or_count(event, note, about).await,
        };
        if let Err(error) = published {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                reason = event.reason,
                "an event was not published"
            );
        }
    }
}

/// The name of the event about one occurrence: the same for every process and version of the operator.
fn name_of(key: &str, about: &ObjectReference) -> String {
    let uid = about.uid.as_deref().unwrap_or_default();
    // FNV-1a, for the standard library's hash may differ from one version to the next.
    let hash =
        uid.bytes().chain([0]).chain(key.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{}.{hash:016x}", about.name.as_deref().unwrap_or_default())
}

/// kube counts events of one reason and one action as repetitions, whatever their notes say, and shows the first note.
/// Only a repetition of the same words is one, so the action tells notes apart.
fn action(reason: &str, note: &str) -> String {
    let mut hasher = DefaultHasher::new();
    note.hash(&mut hasher);
    format!("{reason}-{:08x}", hasher.finish() & 0xffff_ffff)
}

/// The beginning of the note, cut between two characters.
fn cut(note: &str) -> &str {
    let end = note
        .char_indices()
        .map(|(start, letter)| start + letter.len_utf8())
        .take_while(|end| *end <= NOTE_BYTES)
        .last();
    note.get(..end.unwrap_or(0)).unwrap_or(note)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn only_the_same_words_are_a_repetition() {
        assert_eq!(action("Missing", "a"), action("Missing", "a"));
        assert_ne!(action("Missing", "a"), action("Missing", "b"));
    }

    #[test]
    fn one_occurrence_has_one_name_for_every_process() {
        let about = ObjectReference {
            name: Some("a".to_owned()),
            uid: Some("u".to_owned()),
            ..ObjectReference::default()
        };
        assert_eq!(name_of("m", &about), "a.4dc4a8193f06d627");
        assert_ne!(name_of("m", &about), name_of("n", &about));
        let other = ObjectReference { uid: Some("v".to_owned()), ..about.clone() };
        assert_ne!(name_of("m", &about), name_of("m", &other));
    }

    /// Publishes an event about one occurrence to an API server that answers with this code; the requests that it got.
    async fn published(code: u16, times: usize) -> Vec<serde_json::Value> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let requests = Arc::clone(&requests);
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect_bytes().await.unwrap();
                let mut body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                body["path"] = path.into();
                requests.lock().unwrap().push(body.clone());
                let answer = if code == 201 {
                    body
                } else {
                    serde_json::json!({"kind": "Status", "status": "Failure", "code": code, "reason": "AlreadyExists"})
                };
                let answer = kube::client::Body::from(serde_json::to_vec(&answer).unwrap());
                http::Response::builder().status(code).body(answer)
            }
        });
        let events = Events::new(Client::new(service, "n"), None);
        let about = ObjectReference {
            name: Some("a".to_owned()),
            namespace: Some("n".to_owned()),
            uid: Some("u".to_owned()),
            ..ObjectReference::default()
        };
        let event = Event {
            annotations: [("task-name".to_owned(), "Map".to_owned())].into(),
            once: Some(Occurrence { key: "m".to_owned(), at: jiff::Timestamp::UNIX_EPOCH }),
            ..Event::warning("JobException", "java.io.IOException: lost")
        };
        for _ in 0..times {
            events.publish(&event, &about).await;
        }
        let seen = seen.lock().unwrap();
        seen.clone()
    }

    #[tokio::test]
    async fn occurrence_is_an_event_with_its_own_name_time_and_annotations() {
        let [event] = published(201, 1).await.try_into().unwrap();
        assert_eq!(event["path"], "/apis/events.k8s.io/v1/namespaces/n/events");
        assert_eq!(event["metadata"]["name"], "a.4dc4a8193f06d627");
        assert_eq!(event["metadata"]["annotations"]["task-name"], "Map");
        assert_eq!(event["eventTime"], "1970-01-01T00:00:00.000000Z");
        assert_eq!((&event["type"], &event["reason"]), (&"Warning".into(), &"JobException".into()));
        assert_eq!(event["reportingInstance"], "flink-kubernetes-operator");
    }

    #[tokio::test]
    async fn occurrence_that_is_there_already_is_left_as_it_is() {
        let [first, second] = published(409, 2).await.try_into().unwrap();
        assert_eq!(first["metadata"]["name"], second["metadata"]["name"]);
        assert_eq!(second["series"], serde_json::Value::Null);
    }

    #[test]
    fn long_note_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(600);
        assert_eq!(cut(&long).len(), 1024);
        assert_eq!(cut(&format!("x{long}")).len(), 1023);
    }
}
