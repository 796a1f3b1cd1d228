//! Watches: who is told what of each change.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use super::kind::Kind;
use super::object;
use super::refusal::Refusal;
use super::representation::Representation;
use super::selector::Selector;
use super::store::{Change, ChangeKind, Key, Stored};

/// Tells watches apart; they are numbered in the order in which they were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u64);

/// What one watch is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub event: EventKind,
    /// Resource version of the event.
    pub version: u64,
    /// `namespace/name` of the object; empty for bookmarks and errors.
    pub object: String,
    /// The line of the stream, with its end.
    pub text: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

impl EventKind {
    pub fn text(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
            Self::Error => "ERROR",
        }
    }
}

/// What a watch asks for.
#[derive(Clone, Debug)]
pub struct Watch {
    pub kind: Arc<Kind>,
    /// Empty for all.
    pub namespace: String,
    pub selector: Selector,
    pub representation: Representation,
    pub bookmarks: bool,
}

/// All open watches, and the lines that are to be delivered.
#[derive(Debug, Default)]
pub struct Watches {
    open: BTreeMap<WatchId, Watch>,
    last: u64,
    outbox: Vec<(WatchId, Line)>,
    /// Watches that the server has ended: their last line is in the outbox.
    ended: Vec<WatchId>,
}

impl Watches {
    pub fn open(&mut self, watch: Watch) -> WatchId {
        self.last += 1;
        let id = WatchId(self.last);
        self.open.insert(id, watch);
        id
    }

    pub fn get(&self, id: WatchId) -> Option<&Watch> {
        self.open.get(&id)
    }

    pub fn close(&mut self, id: WatchId) {
        self.open.remove(&id);
    }

    pub fn is_open(&self, id: WatchId) -> bool {
        self.open.contains_key(&id)
    }

    /// Tells every watch of a change.
    pub fn tell(&mut self, storage: &str, change: &Change) {
        for (id, watch) in &self.open {
            if watch.kind.storage == storage
                && let Some(line) = watch.line(change)
            {
                self.outbox.push((*id, line));
            }
        }
    }

    /// Tells one watch something.
    pub fn push(&mut self, id: WatchId, line: Line) {
        self.outbox.push((id, line));
    }

    /// Ends a watch with an error, as the API server does once the stream has begun.
    pub fn fail(&mut self, id: WatchId, refusal: &Refusal) {
        self.push(id, Line::error(refusal));
        self.ended.push(id);
        self.close(id);
    }

    /// A bookmark at a version, if the watch wants some.
    pub fn bookmark(&mut self, id: WatchId, version: u64, ends_initial_events: bool) {
        if let Some(watch) = self.open.get(&id).filter(|watch| watch.bookmarks) {
            let line = watch.bookmark(version, ends_initial_events);
            self.push(id, line);
        }
    }

    /// The lines since the last call, in order, and the watches that ended.
    pub fn take(&mut self) -> (Vec<(WatchId, Line)>, Vec<WatchId>) {
        (std::mem::take(&mut self.outbox), std::mem::take(&mut self.ended))
    }
}

impl Line {
    /// The line that ends a watch.
    pub fn error(refusal: &Refusal) -> Self {
        line_of(EventKind::Error, 0, String::new(), refusal.to_status().to_string().as_bytes())
    }
}

impl Watch {
    fn wants(&self, stored: &Stored) -> bool {
        (self.namespace.is_empty() || object::namespace(&stored.object) == self.namespace)
            && self.selector.matches(&self.kind.shown(&stored.object))
    }

    /// What the watch is told of a change: an object that begins to match was added, one that stops was deleted.
    pub fn line(&self, change: &Change) -> Option<Line> {
        let before = change.previous.as_ref().is_some_and(|previous| self.wants(previous));
        let after = change.kind != ChangeKind::Deleted && self.wants(&change.object);
        let (event, stored) = match (before, after) {
            (false, false) => return None,
            (false, true) => (EventKind::Added, Arc::clone(&change.object)),
            (true, true) => (EventKind::Modified, Arc::clone(&change.object)),
            (true, false) if change.kind == ChangeKind::Deleted => {
                (EventKind::Deleted, Arc::clone(&change.object))
            }
            (true, false) => {
                // The last version that matched, with the version of the change.
                let previous = change.previous.as_ref()?;
                let last =
                    Stored::new(previous.object.clone(), previous.managed.clone(), change.version);
                (EventKind::Deleted, Arc::new(last))
            }
        };
        Some(self.object_line(event, change.version, &change.key, &stored))
    }

    /// An object that was there when the watch began.
    pub fn initial(&self, stored: &Stored) -> Option<Line> {
        let key = Key::of(&stored.object);
        self.wants(stored).then(|| self.object_line(EventKind::Added, stored.version, &key, stored))
    }

    fn object_line(&self, event: EventKind, version: u64, key: &Key, stored: &Stored) -> Line {
        let object = self.representation.object(&self.kind, stored);
        line_of(event, version, key.text().to_owned(), &object)
    }

    fn bookmark(&self, version: u64, ends_initial_events: bool) -> Line {
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if ends_initial_events {
            object::set_field(
                &mut metadata,
                "annotations",
                json!({"k8s.io/initial-events-end": "true"}),
            );
        }
        let (api_version, kind) = self.representation.names(&self.kind);
        let mut bookmark = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata});
        // Built-in kinds are written with all fields that are never left out.
        if self.representation == Representation::Whole && self.kind.custom.is_none() {
            let mut zero = self.kind.ty.zero();
            if let (Some(zero), Some(fields)) = (zero.as_object_mut(), bookmark.as_object()) {
                zero.extend(fields.clone());
            }
            // A number that is nothing is a number within the server.
            if let Some(spec) = zero.get_mut("spec").filter(|_| self.kind.scale.is_some()) {
                object::set_field(spec, "replicas", 0);
            }
            bookmark = zero;
        }
        line_of(EventKind::Bookmark, version, String::new(), bookmark.to_string().as_bytes())
    }
}

fn line_of(event: EventKind, version: u64, object: String, json: &[u8]) -> Line {
    let mut text = BytesMut::with_capacity(json.len() + 40);
    text.put_slice(b"{\"type\":\"");
    text.put_slice(event.text().as_bytes());
    text.put_slice(b"\",\"object\":");
    text.put_slice(json);
    text.put_slice(b"}\n");
    Line { event, version, object, text: text.freeze() }
}

/// The event of a line, for tests.
pub fn parse_line(line: &[u8]) -> Option<(String, Value)> {
    let mut parsed: Value = serde_json::from_slice(line).ok()?;
    let event = parsed.get("type")?.as_str()?.to_owned();
    Some((event, parsed.get_mut("object")?.take()))
}
