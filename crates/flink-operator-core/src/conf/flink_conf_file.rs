//! `flink-conf.yaml`, the file of Flink 1. Despite its name it is not YAML.
//!
//! Every line is cut at the first `#`, trimmed, and split at the first `": "`. There is no quoting
//! and there are no continued lines.

use super::{configuration::Configuration, structured::java_trim, value::Syntax};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable {
    pub key: String,
    pub problem: UnwritableProblem,
}

/// What an entry has that the lines of a `flink-conf.yaml` have no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwritableProblem {
    #[error(
        "its key is empty, or has a line break, a #, a colon with a blank behind it, or blanks at its ends"
    )]
    Key,
    #[error("a line break in it ends the entry")]
    LineBreak,
    #[error("a # in it starts a comment, with which the rest is cut off")]
    Comment,
    #[error("an empty value is dropped")]
    Empty,
    #[error("blanks at its ends are dropped")]
    OuterBlanks,
}

/// The entries that [`write_flink_conf`] writes and Flink reads differently, in the order of the
/// keys.
pub fn check_flink_conf(configuration: &Configuration) -> Vec<Unwritable> {
    configuration
        .iter()
        .filter_map(|(key, value)| {
            let problem =
                problem_of_key(key).or_else(|| problem_of_value(&value.text(Syntax::Legacy)))?;
            Some(Unwritable { key: key.to_owned(), problem })
        })
        .collect()
}

fn problem_of_key(key: &str) -> Option<UnwritableProblem> {
    let bad = key.contains(['#', '\n', '\r'])
        || key.contains(": ")
        || key.is_empty()
        || java_trim(key) != key;
    bad.then_some(UnwritableProblem::Key)
}

/// What is wrong with a text as a value, or as an element of a list.
pub(crate) fn problem_of_value(value: &str) -> Option<UnwritableProblem> {
    if value.contains(['\n', '\r']) {
        Some(UnwritableProblem::LineBreak)
    } else if value.contains('#') {
        Some(UnwritableProblem::Comment)
    } else if value.is_empty() {
        Some(UnwritableProblem::Empty)
    } else if java_trim(value) != value {
        Some(UnwritableProblem::OuterBlanks)
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
    fn what_does_not_survive_is_named() {
        let configuration: Configuration =
            [("a", "1"), ("b", "x\ny"), ("c", "p#q"), ("d", ""), ("e", " f"), ("g#", "h")]
                .into_iter()
                .collect();
        let found: Vec<(String, UnwritableProblem)> = check_flink_conf(&configuration)
            .into_iter()
            .map(|entry| (entry.key, entry.problem))
            .collect();
        let expected = [
            ("b", UnwritableProblem::LineBreak),
            ("c", UnwritableProblem::Comment),
            ("d", UnwritableProblem::Empty),
            ("e", UnwritableProblem::OuterBlanks),
            ("g#", UnwritableProblem::Key),
        ];
        assert_eq!(found, expected.map(|(key, problem)| (key.to_owned(), problem)));
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
