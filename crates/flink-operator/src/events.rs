//! Events of the resources, through `events.k8s.io`: repetitions within six minutes become a series.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use flink_operator_core::decision::Event;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{self, EventType, Recorder, Reporter};

/// `note` of an event holds at most this many bytes; the API server refuses more.
const NOTE_BYTES: usize = 1024;

/// Publishes events.
#[derive(Clone)]
pub struct Events {
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
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Publishes one event. An event that cannot be published is logged: it must not stop what it tells about.
    pub async fn publish(&self, event: &Event, about: &ObjectReference) {
        let note = cut(&event.note);
        if event.warning {
            tracing::warn!(reason = event.reason, note, "event");
        } else {
            tracing::info!(reason = event.reason, note, "event");
        }
        let published = events::Event {
            type_: if event.warning { EventType::Warning } else { EventType::Normal },
            reason: event.reason.clone(),
            note: Some(note.to_owned()),
            action: action(&event.reason, note),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&published, about).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                reason = event.reason,
                "an event was not published"
            );
        }
    }
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
    use super::*;

    #[test]
    fn only_the_same_words_are_a_repetition() {
        assert_eq!(action("Missing", "a"), action("Missing", "a"));
        assert_ne!(action("Missing", "a"), action("Missing", "b"));
    }

    #[test]
    fn long_note_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(600);
        assert_eq!(cut(&long).len(), 1024);
        assert_eq!(cut(&format!("x{long}")).len(), 1023);
    }
}
