//! Tests of `api_server::store`.

use std::sync::Arc;

use serde_json::{Value, json};
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::api_server::ownership::Managed;
use simulated_kubernetes::api_server::store::{Key, Store, Stored};

fn object(namespace: &str, name: &str, value: u32) -> Value {
    json!({"metadata": {"namespace": namespace, "name": name}, "data": value})
}

fn put(store: &mut Store, name: &str, value: u32) -> u64 {
    store.put("things", object("n", name, value), Managed::default(), None).version
}

fn values(objects: &[Arc<Stored>]) -> Vec<(String, u64)> {
    objects
        .iter()
        .map(|stored| {
            (object::name(&stored.object).to_owned(), stored.object["data"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn every_write_has_a_version_and_the_past_can_be_listed() {
    let mut store = Store::new(100);
    assert_eq!(put(&mut store, "b", 1), 101);
    let then = put(&mut store, "a", 2);
    put(&mut store, "b", 3);
    store.remove("things", &Key::new("n", "a")).unwrap();
    let check = |version, expected: &[(&str, u64)]| {
        let expected: Vec<(String, u64)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        assert_eq!(
            values(&store.list_at("things", "n", version).unwrap()),
            expected,
            "at {version}"
        );
    };
    check(then, &[("a", 2), ("b", 1)]);
    check(store.version(), &[("b", 3)]);
    check(100, &[]);
    assert_eq!(store.changes_after("things", then).unwrap().len(), 2);
}

#[test]
fn what_was_compacted_is_gone() {
    let mut store = Store::new(0);
    let before = put(&mut store, "a", 1);
    put(&mut store, "a", 2);
    store.compact();
    assert_eq!(store.changes_after("things", before).unwrap_err(), 2);
    assert!(store.list_at("things", "n", before).is_none());
    assert!(store.changes_after("things", 2).unwrap().is_empty());
}

#[test]
fn namespaces_are_listed_in_the_order_of_their_paths() {
    let mut store = Store::new(0);
    for namespace in ["a", "a-b", "ab"] {
        store.put("things", object(namespace, "x", 1), Managed::default(), None);
    }
    let order: Vec<String> = store
        .list("things", "")
        .iter()
        .map(|stored| object::namespace(&stored.object).to_owned())
        .collect();
    assert_eq!(order, ["a-b", "a", "ab"]);
    assert_eq!(store.list("things", "a").len(), 1);
}
