//! Where values are written, and how somebody writes them there.

use std::mem::discriminant;

use serde_json::{Map, Value as Json, json};

use super::{
    File,
    value::{self, Content, keys, lists, lists_of_maps, maps, texts},
};

/// Options that nothing but Flink reads. `#` stands for a number, so that many fit into one file. Nobody knows the type of the
/// ones that are called `mine`.
const TEXT: &str = "mine.text.n#";
const UNKNOWN_LIST: &str = "mine.list.n#";
const LIST: &str = "metrics.reporter.n#.filter.includes";
const MAP: &str = "metrics.reporter.n#.scope.variables.additional";
const MAPS: &str = "kubernetes.taskmanager.tolerations";
const ARGUMENTS: &str = "$internal.application.program-args";

/// Most values in one file.
const BATCH_MAX: usize = 40;

/// Where a value is written, and in which notation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// In the operator's own `config.yaml`.
    ConfigYaml(Json),
    /// In the operator's own `flink-conf.yaml`.
    FlinkConf(String),
    /// In `spec.flinkConfiguration`, under the whole key.
    Resource(Json),
    /// In `spec.flinkConfiguration`, under a level for each part of the key.
    Nested(Json),
    /// In `spec.job.args`.
    Arguments(Vec<String>),
}

/// A value that somebody has written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) source: Source,
    pub(crate) key: String,
    pub(crate) content: Content,
}

impl Written {
    /// Whether a file of lines can hold it. Members of an object are options of their own there, without quotes.
    pub(crate) fn survives_in_lines(&self) -> bool {
        let is_value = |text: &String| Content::Text(text.clone()).survives_in_lines();
        let key = Content::Text(self.key.clone());
        key.survives_in_lines()
            && !self.key.contains(": ")
            && self.content.survives_in_lines()
            && match &self.content {
                Content::Map(map) if self.is_object() => map.values().all(is_value),
                Content::Text(_) | Content::List(_) | Content::Map(_) | Content::Maps(_) => true,
            }
    }

    /// What a fault has to name one of.
    pub(crate) fn places(&self) -> Vec<String> {
        match &self.source {
            Source::Arguments(arguments) => {
                (0..arguments.len()).map(|index| format!("spec.job.args[{index}]")).collect()
            }
            Source::ConfigYaml(_)
            | Source::FlinkConf(_)
            | Source::Resource(_)
            | Source::Nested(_) => vec![self.key.clone()],
        }
    }
}

/// Values that one resource, or one file of the operator, has together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) values: Vec<Written>,
    pub(crate) operator_file: Option<File>,
    /// `spec.flinkConfiguration`.
    pub(crate) options: Map<String, Json>,
    pub(crate) arguments: Option<Vec<String>>,
}

impl Batch {
    pub(crate) fn of(values: Vec<Written>) -> Self {
        let mut batch = Self::default();
        for value in &values {
            let key = &value.key;
            match &value.source {
                // JSON is YAML, but for some characters.
                Source::ConfigYaml(json) => {
                    let line = escaped(&format!("{}: {json}\n", json!(key)));
                    batch.line("config.yaml", &line);
                }
                Source::FlinkConf(text) => {
                    batch.line("flink-conf.yaml", &format!("{key}: {text}\n"));
                }
                Source::Resource(json) => {
                    batch.options.insert(key.clone(), json.clone());
                }
                Source::Nested(json) => nest(&mut batch.options, key, json),
                Source::Arguments(arguments) => batch.arguments = Some(arguments.clone()),
            }
        }
        Self { values, ..batch }
    }

    fn line(&mut self, file: &str, line: &str) {
        let file = self
            .operator_file
            .get_or_insert_with(|| File { name: file.to_owned(), text: String::new() });
        file.text.push_str(line);
    }
}

fn escaped(json: &str) -> String {
    json.chars()
        .map(|character| match character {
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' => {
                format!("\\u{:04x}", u32::from(character))
            }
            other => other.to_string(),
        })
        .collect()
}

fn nest(members: &mut Map<String, Json>, key: &str, value: &Json) {
    match key.split_once('.') {
        None => {
            members.insert(key.to_owned(), value.clone());
        }
        Some((part, rest)) => {
            let below = members.entry(part).or_insert_with(|| json!({}));
            nest(below.as_object_mut().unwrap(), rest, value);
        }
    }
}

/// All values in all places, in batches: values of one place together, those that a file of lines can hold apart from others.
pub(crate) fn batches() -> Vec<Batch> {
    let mut groups: Vec<Vec<Written>> = Vec::new();
    for (number, mut value) in written().into_iter().enumerate() {
        value.key = value.key.replace("n#", &format!("n{number}"));
        let group = groups.iter_mut().rev().take(40).find(|group| {
            let first = group.first().unwrap();
            // Others have one key for all values.
            [&value.key, &first.key].iter().all(|key| key.contains(".n"))
                && group.len() < BATCH_MAX
                && discriminant(&first.source) == discriminant(&value.source)
                && first.survives_in_lines() == value.survives_in_lines()
        });
        match group {
            Some(group) => group.push(value),
            None => groups.push(vec![value]),
        }
    }
    groups.into_iter().map(Batch::of).collect()
}

/// All values in all places.
fn written() -> Vec<Written> {
    let mut all = Vec::new();
    for text in texts() {
        let content = Content::Text(text.clone());
        all.extend(everywhere(TEXT, &content, &json!(text), &[], Some(&text)));
    }
    all.extend(scalars());
    let content = Content::Text("v".to_owned());
    for key in keys() {
        let key = format!("mine.n#.{key}");
        all.push(Written { source: Source::Resource(json!("v")), key, content: content.clone() });
    }
    for list in lists() {
        let content = Content::List(list.clone());
        let (value, legacy) = (json!(list), joined(list.iter().cloned(), ';'));
        let flow = escaped(&value.to_string());
        all.extend(everywhere(LIST, &content, &value, &[&legacy, &flow], Some(&legacy)));
        all.extend(everywhere(UNKNOWN_LIST, &content, &value, &[&legacy], Some(&legacy)));
        let source = Source::Arguments(list.clone());
        all.push(Written { source, key: ARGUMENTS.to_owned(), content });
    }
    for map in maps() {
        let content = Content::Map(map.clone());
        let (value, legacy) = (json!(map), legacy_map(&map));
        let flow = escaped(&value.to_string());
        // A member of an object is an option of its own: of a name that needs no quotes, with a value.
        let is_plain =
            |text: &String| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase());
        let spreads = map.iter().all(|(key, value)| is_plain(key) && !value.is_empty());
        let texts: [&str; 2] = [&legacy, &flow];
        let mut places = everywhere(MAP, &content, &value, &texts, Some(&legacy));
        places.retain(|place| spreads || !place.is_object());
        all.extend(places);
    }
    for maps in lists_of_maps() {
        let content = Content::Maps(maps.clone());
        let (value, legacy) = (json!(maps), joined(maps.iter().map(legacy_map), ';'));
        let flow = escaped(&value.to_string());
        all.extend(everywhere(MAPS, &content, &value, &[&legacy, &flow], Some(&legacy)));
    }
    all
}

impl Written {
    fn is_object(&self) -> bool {
        match &self.source {
            Source::ConfigYaml(json) | Source::Resource(json) | Source::Nested(json) => {
                json.is_object()
            }
            Source::FlinkConf(_) | Source::Arguments(_) => false,
        }
    }
}

/// A value in the operator's files and in a resource: as it is, and as the texts that stand for it.
fn everywhere(
    key: &str,
    content: &Content,
    value: &Json,
    texts: &[&str],
    line: Option<&str>,
) -> Vec<Written> {
    let mut sources = vec![
        Source::ConfigYaml(value.clone()),
        Source::Resource(value.clone()),
        Source::Nested(value.clone()),
    ];
    for text in texts {
        sources.push(Source::ConfigYaml(json!(text)));
        sources.push(Source::Resource(json!(text)));
    }
    let can_hold =
        |line: &&str| !line.is_empty() && Content::Text((*line).to_owned()).survives_in_lines();
    sources.extend(line.filter(can_hold).map(|line| Source::FlinkConf(line.to_owned())));
    sources
        .into_iter()
        .map(|source| Written { source, key: key.to_owned(), content: content.clone() })
        .collect()
}

/// Values that are no text in JSON.
fn scalars() -> Vec<Written> {
    [
        (json!(1), "1"),
        (json!(-7), "-7"),
        (json!(12_345_678_901_i64), "12345678901"),
        (json!(0.5), "0.5"),
        (json!(3.0), "3.0"),
        (json!(true), "true"),
        (json!(false), "false"),
        (Json::Null, "null"),
    ]
    .into_iter()
    .flat_map(|(value, text)| {
        let mut places = everywhere(TEXT, &Content::Text(text.to_owned()), &value, &[], None);
        // Flink loads no file in which a key has nothing.
        places.retain(|place| place.source != Source::ConfigYaml(Json::Null));
        places
    })
    .collect()
}

/// Elements in quotes, whether they need them or not.
fn joined(elements: impl Iterator<Item = String>, separator: char) -> String {
    let quoted: Vec<String> =
        elements.map(|element| format!("'{}'", element.replace('\'', "''"))).collect();
    quoted.join(&separator.to_string())
}

fn legacy_map(map: &value::Map) -> String {
    joined(
        map.iter().map(|(key, value)| joined([key.clone(), value.clone()].into_iter(), ':')),
        ',',
    )
}
