//! What the operator's configuration files mean to a JobManager. Flink's own readers have the last word: their results on
//! each of these texts are in the golden vectors.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use simulated_flink::configuration::{Configuration, ConfigurationError};
use simulated_flink::version::Version;

const KEY: &str = "a.key";

fn vectors(release: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../crates/flink-operator-core/tests/golden/vectors")
        .join(format!("config-parse-{release}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The value as it is in a configuration of either notation: no file's own syntax is in between.
fn legacy(value: &str) -> Configuration {
    Configuration::read_legacy("").with(&BTreeMap::from([(KEY.to_owned(), value.to_owned())]))
}

fn standard(value: &str) -> Configuration {
    let none = Configuration::read_yaml("").unwrap();
    none.with(&BTreeMap::from([(KEY.to_owned(), value.to_owned())]))
}

fn cases<'a>(vectors: &'a Value, section: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    vectors.pointer(section).and_then(Value::as_object).unwrap().iter()
}

/// What Flink has read, or nothing where it has refused.
fn expected(case: &Value) -> Option<&Value> {
    case.get("error").is_none().then_some(case)
}

/// `Duration.toString` of Java, which jiff reads.
fn millis(text: &Value) -> i64 {
    let duration: jiff::SignedDuration = text.as_str().unwrap().parse().unwrap();
    i64::try_from(duration.as_millis()).unwrap()
}

#[test]
fn durations_are_those_of_flink() {
    let mut count = 0;
    for (release, is_legacy) in [("1.20.5", true), ("2.2.1", false)] {
        for (input, case) in cases(&vectors(release), "/duration") {
            let configuration = if is_legacy { legacy(input) } else { standard(input) };
            let read = configuration.millis(&[KEY]).ok().flatten();
            assert_eq!(read, expected(case).map(millis), "{release} {input:?}");
            count += 1;
        }
    }
    assert!(count >= 50, "{count} durations");
}

#[test]
fn truth_values_are_those_of_flink() {
    for (input, case) in cases(&vectors("2.2.1"), "/boolean") {
        let read = standard(input).flag(&[KEY]).ok().flatten();
        assert_eq!(read, expected(case).map(|value| value.as_bool().unwrap()), "{input:?}");
    }
}

#[test]
fn maps_are_those_of_flink() {
    let mut count = 0;
    for (release, section) in
        [("1.20.5", "/legacy/map"), ("1.20.5", "/standardYaml/map"), ("2.2.1", "/standardYaml/map")]
    {
        let is_legacy = section.starts_with("/legacy");
        for (input, case) in cases(&vectors(release), section) {
            let configuration = if is_legacy { legacy(input) } else { standard(input) };
            let read = configuration.map(&[KEY]).ok().flatten().map(|map| json!(map));
            assert_eq!(read.as_ref(), expected(case), "{release} {section} {input:?}");
            count += 1;
        }
    }
    assert!(count >= 20, "{count} maps");
}

#[test]
fn what_flink_writes_as_yaml_is_read_back() {
    let mut count = 0;
    for release in ["1.20.5", "2.2.1"] {
        for (value, case) in cases(&vectors(release), "/yamlDump a.key=<value>") {
            for style in ["nested", "flat"] {
                let Some(text) = case.get(style).and_then(Value::as_str) else { continue };
                let read = Configuration::read_yaml(text).unwrap();
                assert_eq!(read.text(&[KEY]), Some(value.as_str()), "{release} {text}");
                count += 1;
            }
        }
    }
    assert!(count >= 100, "{count} values");
}

#[test]
fn lines_of_the_older_file_end_at_a_hash_and_the_later_of_two_counts() {
    let read = Configuration::read_legacy(
        "# comment\n a: 1 # more\r\nb:2\nc : x: y\n: none\nd: \na: 2\n\n",
    );
    assert_eq!(read.iter().collect::<Vec<_>>(), [("a", "2"), ("c", "x: y")]);
}

#[test]
fn yaml_has_comments_nested_keys_and_lists_and_may_be_empty() {
    let read = Configuration::read_yaml("# comment\na: # more\n  b: 1\n  c: [x, y]\nd.e: 'f'\n");
    let read = read.unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), [("a.b", "1"), ("a.c", "[x, y]"), ("d.e", "f")]);
    assert_eq!(Configuration::read_yaml("# nothing\n"), Configuration::read_yaml(""));
    for wrong in ["a", "- a", "a: [", "a:\n  b:\n"] {
        assert!(Configuration::read_yaml(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn versions_read_the_file_that_they_know() {
    let both = json!({"flink-conf.yaml": "a: old", "config.yaml": "a: new"});
    let text = |data: &Value, version: Option<Version>| {
        Configuration::read(data, version).map(|read| read.text(&["a"]).unwrap_or("").to_owned())
    };
    assert_eq!(text(&both, Some(Version::V1_20)).as_deref(), Ok("old"));
    assert_eq!(text(&both, Some(Version::V2_0)).as_deref(), Ok("new"));
    let yaml = json!({"config.yaml": "a: new"});
    assert_eq!(text(&yaml, Some(Version::V1_20)).as_deref(), Ok("new"));
    let legacy = json!({"flink-conf.yaml": "a: old"});
    assert_eq!(text(&legacy, Some(Version::V2_2)), Err(ConfigurationError::NoFile));
}

#[test]
fn older_names_of_an_option_count_where_the_new_one_is_not_set() {
    let read = Configuration::read_legacy("old: 1\nolder: 2");
    assert_eq!(read.number::<u32>(&["new", "old", "older"]), Ok(Some(1)));
    assert_eq!(read.number::<u32>(&["new"]), Ok(None));
    let wrong = Configuration::read_legacy("old: one");
    assert!(wrong.number::<u32>(&["new", "old"]).is_err());
}
