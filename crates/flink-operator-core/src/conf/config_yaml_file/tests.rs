//! Reading, overlapping keys, and round trips.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[test]
fn nested_and_dotted_keys_are_the_same_and_lists_become_text() {
    let read = read_config_yaml(
        "kubernetes:\n  cluster-id: my-app\n  jobmanager.labels: {l1: v1, l2: 2}\n\
         x:\n  list: [1, two, 'thr:ee']\n  none: []\n  nothing: {}\n  int: 007\n  on: on\n\
         'kubernetes.cluster-id': other\n",
    )
    .unwrap();
    let expected: Configuration = [
        ("kubernetes.cluster-id", Value::from("other")),
        ("kubernetes.jobmanager.labels.l1", Value::from("v1")),
        ("kubernetes.jobmanager.labels.l2", Value::from(2)),
        ("x.int", Value::from(7)),
        ("x.list", Value::YamlList("[1, two, 'thr:ee']".to_owned())),
        ("x.none", Value::YamlList("[]".to_owned())),
        ("x.on", Value::from("on")),
    ]
    .into_iter()
    .collect();
    assert_eq!(read, expected);
}

#[test]
fn an_empty_file_is_an_empty_configuration() {
    for text in ["", "---\n", "# nothing\n", "{}"] {
        assert_eq!(read_config_yaml(text), Ok(Configuration::new()), "{text:?}");
    }
}

#[test]
fn a_file_that_flink_does_not_load_is_refused_with_the_key() {
    for (text, message) in [
        ("a:\n  b:\n", "a.b has no value; write '' for an empty one or remove the key"),
        ("a: {b: ~}", "a.b has no value; write '' for an empty one or remove the key"),
        ("a:\n  1: x\n", "the key a.1 is a number; only text is allowed, so put it in quotes"),
        ("true: x", "the key true is a truth value; only text is allowed, so put it in quotes"),
        ("- a", "the file must hold a mapping of keys to values, but it holds a list"),
        ("a", "the file must hold a mapping of keys to values, but it holds text"),
        ("a: 1\na: 2", "line 2, column 1: the key a appears twice"),
    ] {
        assert_eq!(read_config_yaml(text).unwrap_err().to_string(), message);
    }
    let error = read_config_yaml("a: 1\nb: [").unwrap_err();
    assert!(matches!(error, ConfigYamlError::Syntax { line: 2, .. }), "{error}");
}

#[test]
fn overlapping_keys_are_named_in_nested_style_and_written_in_flat_style() {
    for keys in [
        ["restart-strategy", "restart-strategy.fixed-delay.attempts"],
        ["a", "a.b"],
        ["a.b", "a.b.c.d"],
    ] {
        let configuration: Configuration = keys.map(|key| (key, "v")).into_iter().collect();
        let error = write_config_yaml(&configuration, YamlStyle::Nested).unwrap_err();
        assert_eq!(pairs(&error.overlaps), [(keys[0], keys[1])]);
        let message = error.to_string();
        assert!(keys.iter().all(|key| message.contains(key)), "{message}");
        let flat = write_config_yaml(&configuration, YamlStyle::Flat).unwrap();
        assert_eq!(read_config_yaml(&flat), Ok(configuration));
    }
}

fn pairs(overlaps: &[Overlap]) -> Vec<(&str, &str)> {
    overlaps.iter().map(|pair| (pair.shorter.as_str(), pair.longer.as_str())).collect()
}

#[test]
fn every_overlap_is_named_at_once() {
    let keys = ["a", "a-b", "a.b", "a.b.c", "d", "d.", "e.f", "e.f.g.h", "e.fg"];
    let configuration: Configuration = keys.map(|key| (key, "v")).into_iter().collect();
    assert_eq!(
        pairs(&overlaps(&configuration)),
        [("a", "a.b"), ("a", "a.b.c"), ("a.b", "a.b.c"), ("d", "d."), ("e.f", "e.f.g.h")]
    );
}

#[test]
fn keys_that_only_look_like_the_beginning_of_others_do_not_overlap() {
    let configuration: Configuration =
        [("a.b", "1"), ("a-b", "2"), ("a.b-c", "3"), ("a.bc", "4")].into_iter().collect();
    let written = write_config_yaml(&configuration, YamlStyle::Nested).unwrap();
    assert_eq!(written, "a-b: '2'\na:\n  b: '1'\n  b-c: '3'\n  bc: '4'\n");
}

#[test]
fn typed_values_are_written_bare_and_text_is_quoted_where_it_looks_typed() {
    let mut configuration = Configuration::new();
    configuration.set("a.bool", true);
    configuration.set("a.double", 0.5);
    configuration.set("a.int", 8081);
    configuration.set("a.list", vec!["x".to_owned(), "y: z".to_owned()]);
    configuration.set("a.map", BTreeMap::from([("k".to_owned(), "1".to_owned())]));
    configuration.set("a.maps", vec![BTreeMap::from([("k".to_owned(), "v".to_owned())])]);
    configuration.set("a.none", Vec::<String>::new());
    configuration.set("a.text", "8081");
    let written = write_config_yaml(&configuration, YamlStyle::Nested).unwrap();
    assert_eq!(
        written,
        "a:\n  bool: true\n  double: 0.5\n  int: 8081\n  list:\n  - x\n  - 'y: z'\n  map:\n    \
         k: '1'\n  maps:\n  - k: v\n  none: []\n  text: '8081'\n"
    );
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,2}(\\.[ab]{0,2}){0,3}", "[a.:# '\n1-]{1,6}", any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[-a1:# '\"\n\t\\[\\]{}]{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |n| !n.is_nan())
            .prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn flat_style_holds_every_configuration(
        entries in prop::collection::btree_map(key(), value(), 0..8),
    ) {
        let configuration: Configuration = entries.into_iter().collect();
        let written = write_config_yaml(&configuration, YamlStyle::Flat).unwrap();
        prop_assert_eq!(read_config_yaml(&written), Ok(configuration));
    }

    /// As in Java, the nested style drops dots at the end of a key.
    #[test]
    fn nested_style_holds_every_configuration_without_overlaps(
        entries in prop::collection::btree_map(
            key().prop_map(|key| key.trim_end_matches('.').to_owned()),
            value(),
            0..8,
        ),
    ) {
        let configuration: Configuration = entries.into_iter().collect();
        let overlap = configuration.keys().any(|key| {
            let prefix = format!("{key}.");
            configuration.keys().any(|other| other.starts_with(&prefix))
        });
        match write_config_yaml(&configuration, YamlStyle::Nested) {
            Ok(written) => {
                prop_assert!(!overlap);
                prop_assert_eq!(read_config_yaml(&written), Ok(configuration));
            }
            Err(error) => {
                prop_assert!(!error.overlaps.is_empty());
                for pair in &error.overlaps {
                    let prefix = format!("{}.", pair.shorter);
                    prop_assert!(pair.longer.starts_with(&prefix), "{error}");
                }
            }
        }
    }
}
