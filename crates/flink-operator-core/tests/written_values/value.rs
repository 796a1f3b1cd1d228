//! The values: texts of every look, and lists and maps of them.

use std::collections::BTreeMap;

use flink_operator_core::conf::{Configuration, OptionType};
use serde_json::{Value as Json, json};

pub(crate) type Map = BTreeMap<String, String>;

/// What an option holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Text(String),
    List(Vec<String>),
    Map(Map),
    Maps(Vec<Map>),
}

impl Content {
    /// The type of the option, as the reader that asks Flink calls it.
    pub(crate) fn option_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Maps(_) => "maps",
        }
    }

    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Text(text) => json!(text),
            Self::List(list) => json!(list),
            Self::Map(map) => json!(map),
            Self::Maps(maps) => json!(maps),
        }
    }

    /// Reads an option of this type.
    pub(crate) fn read(&self, configuration: &Configuration, key: &str) -> Json {
        fn answer<T: OptionType + serde::Serialize>(
            configuration: &Configuration,
            key: &str,
        ) -> Json {
            match configuration.get_key::<T>(key) {
                Ok(Some(value)) => json!({"value": value}),
                Ok(None) => json!({}),
                Err(error) => json!({"error": error.to_string()}),
            }
        }
        match self {
            Self::Text(_) => answer::<String>(configuration, key),
            Self::List(_) => answer::<Vec<String>>(configuration, key),
            Self::Map(_) => answer::<Map>(configuration, key),
            Self::Maps(_) => answer::<Vec<Map>>(configuration, key),
        }
    }

    /// Whether a file of lines without quotes can hold it. In lists and maps there are quotes for blanks at the ends.
    pub(crate) fn survives_in_lines(&self) -> bool {
        let in_line = |text: &str| !text.contains(['#', '\n', '\r']);
        match self {
            Self::Text(text) => {
                in_line(text) && text.trim_matches(|character| character <= ' ') == text
            }
            Self::List(list) => list.iter().all(|text| in_line(text)),
            Self::Map(map) => map.iter().all(|(key, value)| in_line(key) && in_line(value)),
            Self::Maps(maps) => {
                maps.iter().flatten().all(|(key, value)| in_line(key) && in_line(value))
            }
        }
    }
}

/// Texts that look like something else, or that some notation needs quotes or escapes for.
pub(crate) fn texts() -> Vec<String> {
    let plain = [
        // Nothing, blanks.
        "",
        " ",
        "  lead",
        "trail  ",
        "\ttab",
        "tab\t",
        "in  the middle",
        "\u{a0}no-break\u{a0}",
        // Comments.
        "#",
        "# all",
        "a # b",
        "a #b",
        "a# b",
        "db@123#123",
        "#a",
        "a#",
        "https://x/y#z",
        "'a # b'",
        // Quotes.
        "'",
        "\"",
        "''",
        "\"\"",
        "it's",
        "say \"so\"",
        "'quoted'",
        "\"quoted\"",
        "'open",
        "\"open",
        "a'b\"c",
        "'a';b",
        // Colons, commas, semicolons.
        ":",
        "a:b",
        "a: b",
        "a :b",
        "a:",
        ": b",
        ":a",
        "k:v,l:w",
        "a,b",
        ",",
        ";",
        "a;b",
        "a; b",
        ";a",
        "a;",
        "a;;b",
        "http://host:80/path?x=1&y=2",
        "s3://bucket/a b",
        "hdfs:///x",
        // Line breaks.
        "a\nb",
        "a\n",
        "\na",
        "a\r\nb",
        "a\rb",
        "\n",
        "a\n\nb",
        "a\n  b\n c",
        "a\u{85}b",
        "a\u{2028}b",
        "k: v\nl: w",
        // Lists and maps.
        "[]",
        "[a]",
        "[a, b]",
        "['a']",
        "[a",
        "a]",
        "{}",
        "{a}",
        "{a: b}",
        "{a: b, c: d}",
        "[{a: b}]",
        "{a",
        "- a",
        "-a",
        "- ",
        "? a",
        "? ",
        "[a]b",
        "[a-z]+",
        "a[0]",
        // Numbers, truth, nothing.
        "0",
        "1",
        "-1",
        "+1",
        "007",
        "00123",
        "1.50",
        "1e3",
        "1E-3",
        ".5",
        "0x1F",
        "0o17",
        "1_000",
        "1,000",
        ".inf",
        ".nan",
        "NaN",
        "Infinity",
        "true",
        "True",
        "TRUE",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "null",
        "Null",
        "NULL",
        "~",
        "nil",
        "none",
        "None",
        "undefined",
        "2024-01-01",
        "12:30:45",
        "2024-01-01T00:00:00Z",
        // Durations and sizes.
        "10 s",
        "5min",
        "PT10S",
        "500",
        "1 gb",
        "1024m",
        "1g",
        // What YAML and shells give a meaning to.
        "*a",
        "&a",
        "!a",
        "!!str a",
        "|",
        "|-",
        ">",
        "%a",
        "@a",
        "`a`",
        "---",
        "...",
        "--- a",
        "$HOME",
        "${HOME}",
        "${x:-y}",
        "$(id)",
        "`id`",
        "a\\b",
        "\\",
        "\\n",
        "c:\\dir\\",
        "a & b",
        "a | b",
        "a > b",
        "*",
        "=",
        "<a>",
        "<<",
        "-Da=b -Dc='d e'",
        "-XX:OnOutOfMemoryError=\"kill -9 %p\"",
        "{{name}}",
        "%d{yyyy} [%t] %-5p",
        "$1",
        // Beyond ASCII.
        "é",
        "héllo ✓",
        "日本語",
        "🦀",
        "e\u{301}",
        "\u{feff}bom",
        "\u{200b}",
        "ﬁ",
        "ß",
        "İ",
        "\u{1}",
        "\u{7f}",
        "\u{fffe}",
        "\0",
    ];
    let mut texts: Vec<String> = plain.map(str::to_owned).into();
    texts.push("x".repeat(5_000));
    texts.push("word ".repeat(400).trim_end().to_owned());
    texts.push("a".repeat(130) + ": b");
    texts
}

/// Ends of keys.
pub(crate) fn keys() -> Vec<String> {
    let keys = [
        "with blank",
        "with:colon",
        "colon: blank",
        "a..b",
        ".a",
        "#a",
        "a#",
        "a # b",
        "true",
        "null",
        "1",
        "1.5",
        "ü",
        "-",
        "- a",
        "'q'",
        "\"q\"",
        "[a]",
        "{a}",
        "a,b",
        "a;b",
        " a",
        "a ",
        "a\t",
        "a\nb",
        "*",
        "&a",
        "!a",
        "%",
        "@",
        "`",
        "?",
        "? a",
        "~",
        "a=b",
        "a/b",
        "🦀",
        "a.",
        "a..",
    ];
    keys.map(str::to_owned).into_iter().chain(["k".repeat(200)]).collect()
}

/// Lists: each text alone, and in the middle, first or last.
pub(crate) fn lists() -> Vec<Vec<String>> {
    let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
    texts()
        .iter()
        .enumerate()
        .flat_map(|(index, text)| {
            let among = match index % 3 {
                0 => list(&["a", text, "z"]),
                1 => list(&[text, "z"]),
                _ => list(&["a", text]),
            };
            [list(&[text]), among]
        })
        .chain([vec![]])
        .collect()
}

/// Maps: each text as the value of a pair, and as a key.
pub(crate) fn maps() -> Vec<Map> {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    texts()
        .iter()
        .flat_map(|text| [map(&[("k", text), ("l", "m")]), map(&[(short(text), "v"), ("l", "m")])])
        .collect()
}

/// YAML allows a key of 1,024 characters before its colon.
fn short(text: &str) -> &str {
    if text.len() < 1_000 { text } else { "short" }
}

/// Lists of maps, with some of the texts each.
pub(crate) fn lists_of_maps() -> Vec<Vec<Map>> {
    let (in_lines, others): (Vec<String>, Vec<String>) =
        texts().into_iter().partition(|text| !text.contains(['#', '\n', '\r']));
    let map = |text: &String| {
        Map::from([("k".to_owned(), text.clone()), (short(text).to_owned(), "v".to_owned())])
    };
    in_lines
        .chunks(12)
        .chain(others.chunks(12))
        .map(|some| some.iter().map(map).collect())
        .collect()
}
