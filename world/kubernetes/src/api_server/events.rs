//! Events are served in two groups, with other names for the same fields. They are stored as those of the core group.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::kind::Kind;
use super::object;

/// Names in the core group, and in `events.k8s.io`.
const NAMES: [(&str, &str); 8] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
    ("apiVersion", "apiVersion"),
];

const GROUP: &str = "events.k8s.io";

impl Kind {
    pub fn is_stored_as_shown(&self) -> bool {
        self.group != GROUP
    }

    /// The object as this kind shows it.
    pub fn shown<'a>(&self, stored: &'a Value) -> Cow<'a, Value> {
        if self.is_stored_as_shown() {
            return Cow::Borrowed(stored);
        }
        let mut shown = renamed(stored, |(core, events)| (core, events));
        object::set_field(&mut shown, "apiVersion", self.api_version());
        Cow::Owned(shown)
    }

    /// The object as it is stored.
    pub fn stored(&self, shown: Value) -> Value {
        if self.is_stored_as_shown() {
            return shown;
        }
        let mut stored = renamed(&shown, |(core, events)| (events, core));
        object::set_field(&mut stored, "apiVersion", "v1");
        stored
    }
}

fn renamed(
    object: &Value,
    names: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Value {
    let names: Vec<(&str, &str)> = NAMES.into_iter().map(names).collect();
    let fields = object.as_object().into_iter().flatten().map(|(name, value)| {
        let name = names.iter().find(|(from, _)| from == name).map_or(name.as_str(), |(_, to)| to);
        (name.to_owned(), value.clone())
    });
    Value::Object(fields.collect::<Map<String, Value>>())
}
