//! Ownership as a client sees it: who owns what after a row of writes, and which of them are refused.

use jiff::Timestamp;
use serde_json::{Value, json};
use simulated_kubernetes::api_server::ownership::{
    ApplyError, FieldSet, Managed, Write, apply, conflict_texts, update,
};
use simulated_kubernetes::api_server::types::Type;
use simulated_kubernetes::api_server::types::table::builtin;

mod compare;
mod merge;
mod path;
mod set;

fn write<'a>(ty: &'a Type, manager: &'a str, ignored: &'a FieldSet) -> Write<'a> {
    Write { ty, manager, api_version: "v1", subresource: "", ignored, now: Timestamp::UNIX_EPOCH }
}

/// A ConfigMap with its owners, written by row.
struct Subject {
    ty: std::sync::Arc<Type>,
    none: FieldSet,
    live: Value,
    managed: Managed,
}

impl Subject {
    fn new() -> Self {
        let ty = builtin("ConfigMap");
        let live = ty.zero();
        Self { ty, none: FieldSet::default(), live, managed: Managed::default() }
    }

    fn update(&mut self, manager: &str, after: Value) {
        self.managed =
            update(&write(&self.ty, manager, &self.none), &self.live, &after, self.managed.clone());
        self.live = after;
    }

    fn apply(&mut self, manager: &str, config: &Value, force: bool) -> Result<bool, String> {
        let write = write(&self.ty, manager, &self.none);
        match apply(&write, &self.live, config, self.managed.clone(), force) {
            Ok((object, owners)) => {
                self.managed = owners;
                let changed = object.is_some();
                self.live = object.unwrap_or_else(|| self.live.clone());
                Ok(changed)
            }
            Err(ApplyError::Conflicts(conflicts)) => Err(conflict_texts(&conflicts).0),
            Err(ApplyError::Invalid(message)) => Err(message),
        }
    }

    fn fields(&self) -> Value {
        let owners = self.managed.to_json().into_iter();
        owners
            .map(|entry| {
                let text = |field: &str| entry[field].as_str().unwrap().to_owned();
                json!([format!("{} {}", text("manager"), text("operation")), entry["fieldsV1"]])
            })
            .collect()
    }
}

#[test]
fn creator_owns_what_it_set_and_nothing_of_the_server() {
    let mut subject = Subject::new();
    subject.update(
        "me",
        json!({"metadata": {"name": "a", "uid": "u", "labels": {"k": "v"}}, "data": {"x": "1"}}),
    );
    assert_eq!(
        subject.fields(),
        json!([["me Update", {"f:metadata": {"f:labels": {".": {}, "f:k": {}}}, "f:data": {".": {}, "f:x": {}}}]])
    );
}

#[test]
fn whoever_changes_a_field_takes_it() {
    let mut subject = Subject::new();
    subject.update("one", json!({"metadata": {"name": "a"}, "data": {"x": "1", "y": "1"}}));
    subject.update("two", json!({"metadata": {"name": "a"}, "data": {"x": "2", "y": "1"}}));
    assert_eq!(
        subject.fields(),
        json!([["one Update", {"f:data": {".": {}, "f:y": {}}}], ["two Update", {"f:data": {"f:x": {}}}]])
    );
}

#[test]
fn applying_what_another_owns_is_a_conflict_unless_the_value_is_the_same_or_it_is_forced() {
    let mut subject = Subject::new();
    subject
        .apply("one", &json!({"metadata": {"name": "a"}, "data": {"x": "1", "y": "1"}}), false)
        .unwrap();
    let config = json!({"metadata": {"name": "a"}, "data": {"x": "2"}});
    let refused = subject.apply("two", &config, false).unwrap_err();
    assert_eq!(refused, r#"Apply failed with 1 conflict: conflict with "one": .data.x"#);
    assert_eq!(subject.apply("two", &config, true), Ok(true));
    assert_eq!(
        subject.fields(),
        json!([["one Apply", {"f:data": {"f:y": {}}}], ["two Apply", {"f:data": {"f:x": {}}}]])
    );
    assert_eq!(subject.apply("three", &config, false), Ok(false), "the same value is no conflict");
}

#[test]
fn what_is_not_applied_again_goes_unless_another_owns_it() {
    let mut subject = Subject::new();
    subject
        .apply(
            "one",
            &json!({"metadata": {"name": "a"}, "data": {"x": "1", "y": "1", "z": "1"}}),
            false,
        )
        .unwrap();
    subject.apply("two", &json!({"metadata": {"name": "a"}, "data": {"y": "1"}}), false).unwrap();
    subject.apply("one", &json!({"metadata": {"name": "a"}, "data": {"x": "1"}}), false).unwrap();
    assert_eq!(subject.live["data"], json!({"x": "1", "y": "1"}));
}

#[test]
fn fields_the_type_does_not_have_cannot_be_applied() {
    let mut subject = Subject::new();
    let refused = subject
        .apply("one", &json!({"metadata": {"name": "a"}, "color": "red"}), false)
        .unwrap_err();
    assert!(refused.ends_with(".color: field not declared in schema"), "{refused}");
}

#[test]
fn objects_from_before_ownership_belong_to_nobody_in_particular() {
    let mut subject = Subject::new();
    subject.live = json!({"metadata": {"name": "a"}, "data": {"x": "1"}});
    let refused = subject
        .apply("one", &json!({"metadata": {"name": "a"}, "data": {"x": "2"}}), false)
        .unwrap_err();
    assert!(refused.contains("before-first-apply"), "{refused}");
}

#[test]
fn eleventh_updater_makes_the_oldest_ones_one() {
    let mut subject = Subject::new();
    for number in 0..12 {
        let mut after = subject.live.clone();
        after["data"][format!("k{number}")] = json!("v");
        subject.update(&format!("m{number:02}"), after);
    }
    let names: Vec<Value> =
        subject.managed.to_json().iter().map(|entry| entry["manager"].clone()).collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[0], "ancient-changes");
}

#[test]
fn entries_are_read_back_as_written() {
    let mut subject = Subject::new();
    subject.update("one", json!({"metadata": {"name": "a"}, "data": {"x": "1"}}));
    let entries = subject.managed.to_json();
    assert_eq!(Managed::from_json(&entries), Some(subject.managed));
    assert_eq!(Managed::from_json(&[json!({"operation": "Guess"})]), None);
}
