//! `flink-conf.yaml`, the file of Flink 1. Despite its name it is not YAML.
//!
//! Every line is cut at the first `#`, trimmed, and split at the first `": "`. There is no quoting
//! and there are no continued lines.

use super::{
    configuration::Configuration, sensitive::is_sensitive, structured::java_trim, value::Syntax,
};

/// The file's name, which is also its key in a ConfigMap.
pub const FILE_NAME: &str = "flink-conf.yaml";

/// What a `flink-conf.yaml` holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlinkConf {
    pub configuration: Configuration,
    /// Lines that Flink ignores with a warning.
    pub skipped: Vec<SkippedLine>,
}

/// A line that is neither blank nor a comment and has no key and value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number} is ignored: {line:?} is not a key, a colon, a blank and a value")]
pub struct SkippedLine {
    /// The first line is 1.
    pub number: usize,
    /// The line without its comment.
    pub line: String,
}

/// Reads a `flink-conf.yaml`. A key that appears twice has the later value.
pub fn read_flink_conf(text: &str) -> FlinkConf {
    let mut read = FlinkConf {
        configuration: Configuration::with_syntax(Syntax::Legacy),
        skipped: Vec::new(),
    };
    for (index, line) in java_lines(text).enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        if java_trim(line).is_empty() {
            continue;
        }
        let line = java_trim(line);
        if let Some((key, value)) = key_and_value(line) {
            read.configuration.set(key, value);
        } else {
            read.skipped.push(SkippedLine { number: index + 1, line: line.to_owned() });
        }
    }
    read
}

/// Splits a trimmed line; `None` when one of the two is missing.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(": ")?;
    let (key, value) = (java_trim(key), java_trim(value));
    (!key.is_empty() && !value.is_empty()).then_some((key, value))
}

/// Lines as Java's readers split them: a carriage return alone ends a line too.
fn java_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Writes a `flink-conf.yaml`: one line for every key, in the order of the keys.
///
/// Lists and maps are written in the legacy syntax. The format has no escapes, so some values do not
/// survive; [`check_flink_conf`] names them. Flink's own clients write them the same way.
pub fn write_flink_conf(configuration: &Configuration) -> String {
    let mut text = String::new();
    for (key, value) in configuration.iter() {
        text.push_str(key);
        text.push_str(": ");
        text.push_str(&value.text(Syntax::Legacy));
        text.push('\n');
    }
    text
}

/// An entry that a `flink-conf.yaml` cannot hold: Flink would read something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {value:?} does not survive in flink-conf.yaml: {problem}")]
pub struct NotWritable {
    pub key: String,
    /// The value as text; asterisks where the key names a secret.
    pub value: String,
    pub problem: &'static str,
}

/// The entries that [`write_flink_conf`] writes and Flink reads differently, in the order of the
/// keys.
///
/// An empty value is one of them, but means the same as a missing key for most options.
pub fn check_flink_conf(configuration: &Configuration) -> Vec<NotWritable> {
    let mut found = Vec::new();
    for (key, value) in configuration.iter() {
        let value = value.text(Syntax::Legacy);
        if let Some(problem) = problem_of_key(key).or_else(|| problem_of_value(&value)) {
            let value = if is_sensitive(key) { "******".to_owned() } else { value };
            found.push(NotWritable { key: key.to_owned(), value, problem });
        }
    }
    found
}

fn problem_of_key(key: &str) -> Option<&'static str> {
    if key.contains(['#', '\n', '\r']) || key.contains(": ") {
        Some("its key has a line break, a # or a colon with a blank")
    } else if java_trim(key) != key || key.is_empty() {
        Some("its key is empty or has blanks at its ends")
    } else {
        None
    }
}

fn problem_of_value(value: &str) -> Option<&'static str> {
    if value.contains(['\n', '\r']) {
        Some("a line break starts another entry")
    } else if value.contains('#') {
        Some("a # starts a comment")
    } else if value.is_empty() {
        Some("an empty value is dropped")
    } else if java_trim(value) != value {
        Some("blanks at the ends are dropped")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_without_key_and_value_is_skipped_and_reported() {
        let read = read_flink_conf("a: 1 # one\n\n# b: 2\nc:3\r\nd: \n  e :  f: g  \na: 4");
        let expected = [("a", "4"), ("e", "f: g")];
        assert_eq!(
            read.configuration.text_map(),
            expected.map(|(k, v)| (k.into(), v.into())).into()
        );
        let skipped: Vec<(usize, &str)> =
            read.skipped.iter().map(|line| (line.number, line.line.as_str())).collect();
        assert_eq!(skipped, [(4, "c:3"), (5, "d:")]);
    }

    #[test]
    fn lists_and_maps_are_written_in_the_legacy_syntax() {
        let mut configuration = Configuration::new();
        configuration.set("l", vec!["a;b".to_owned(), "c".to_owned()]);
        configuration
            .set("m", std::collections::BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        assert_eq!(write_flink_conf(&configuration), "l: 'a;b';c\nm: k:v\n");
    }

    #[test]
    fn what_does_not_survive_is_named_but_a_secret_is_not_shown() {
        let configuration: Configuration =
            [("a", "1"), ("b", "x\ny"), ("s3.secret", "p#q")].into_iter().collect();
        let found: Vec<String> =
            check_flink_conf(&configuration).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "b: \"x\\ny\" does not survive in flink-conf.yaml: a line break starts another entry",
                "s3.secret: \"******\" does not survive in flink-conf.yaml: a # starts a comment",
            ]
        );
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c.:# \\n\\r\\t'\"]{0,8}", any::<String>()]
    }

    proptest! {
        #[test]
        fn exactly_what_is_not_named_survives(key in text(), value in text()) {
            let mut configuration = Configuration::with_syntax(Syntax::Legacy);
            configuration.set(key, value);
            let read = read_flink_conf(&write_flink_conf(&configuration));
            prop_assert_eq!(
                read.configuration == configuration && read.skipped.is_empty(),
                check_flink_conf(&configuration).is_empty()
            );
        }

        #[test]
        fn whatever_is_not_named_survives_beside_other_entries(
            entries in prop::collection::btree_map(text(), text(), 0..8),
        ) {
            let mut configuration = Configuration::with_syntax(Syntax::Legacy);
            configuration.extend(entries);
            for bad in check_flink_conf(&configuration) {
                configuration.remove(&bad.key);
            }
            let read = read_flink_conf(&write_flink_conf(&configuration));
            prop_assert_eq!(read.configuration, configuration);
        }
    }
}
