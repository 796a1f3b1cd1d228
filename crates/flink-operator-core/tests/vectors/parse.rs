//! Checks the vectors of parsing and writing: lists, maps, sizes, durations, and YAML.

use std::collections::BTreeMap;

use flink_operator_core::{
    conf::{
        ConfigOption, Configuration, MemorySize, OptionType, Syntax, Value, YamlStyle,
        double::double_text, duration, write_config_yaml,
    },
    flink_version::FlinkVersion,
};
use jiff::SignedDuration;
use serde_json::{Map, Value as Json, json};

use crate::{Tally, compare, error_of};

/// The key under which values are set.
const KEY: &str = "a.key";

pub(crate) fn check(tally: &mut Tally, version: FlinkVersion, vectors: &Json) {
    for (section, cases) in vectors.as_object().unwrap() {
        let cases = cases.as_object().unwrap();
        match section.as_str() {
            "standardYaml" => structured(tally, version, Syntax::Standard, cases),
            "legacy" => structured(tally, version, Syntax::Legacy, cases),
            _ => {
                for (input, expected) in cases {
                    let result = scalar(version, section, input, expected);
                    tally.case(&format!("{version} {section} {input:?}"), result);
                }
            }
        }
    }
}

/// Checks the sections that depend on the syntax of lists and maps.
fn structured(
    tally: &mut Tally,
    version: FlinkVersion,
    syntax: Syntax,
    sections: &Map<String, Json>,
) {
    for (section, cases) in sections {
        for (input, expected) in cases.as_object().unwrap() {
            let result = match section.as_str() {
                "list<string>" => typed::<Vec<String>>(syntax, input, expected, |v| json!(v)),
                "map" => typed::<BTreeMap<String, String>>(syntax, input, expected, |v| json!(v)),
                "list<map>" => {
                    typed::<Vec<BTreeMap<String, String>>>(syntax, input, expected, |v| json!(v))
                }
                "toString" => compare(expected, &json!(described(input).text(syntax))),
                other => panic!("no test checks {other}"),
            };
            tally.case(&format!("{version} {syntax:?} {section} {input:?}"), result);
        }
    }
}

fn scalar(
    version: FlinkVersion,
    section: &str,
    input: &str,
    expected: &Json,
) -> Result<(), String> {
    let standard = Syntax::Standard;
    match section {
        "memorySize" => typed::<MemorySize>(standard, input, expected, |v| json!(v.bytes())),
        "duration" if version >= FlinkVersion::V2_0 => {
            typed::<SignedDuration>(standard, input, expected, |v| json!(java_text(*v)))
        }
        "duration" => match (error_of(expected), duration::parse_without_iso(input)) {
            (None, Ok(duration)) => compare(expected, &json!(java_text(duration))),
            (Some(_), Err(_)) => Ok(()),
            (_, actual) => Err(format!("Flink has {expected}, we have {actual:?}")),
        },
        "boolean" => typed::<bool>(standard, input, expected, |v| json!(v)),
        "double" => {
            // In this section an error is recorded as the text of a Java map.
            let error = expected.as_str().unwrap().starts_with("{error=");
            let expected = if error { &json!({"error": expected}) } else { expected };
            typed::<f64>(standard, input, expected, |v| json!(double_text(*v)))
        }
        "yamlDump a.key=<value>" => dumps(KEY, input, expected),
        "yamlDump <key>=v" => {
            let nested = written(input, "v", YamlStyle::Nested);
            compare(expected, &json!(nested))
        }
        other => panic!("no test checks {other}"),
    }
}

/// Parses an option of one type. If Flink reports an error, ours must name the key, its value, and what
/// is allowed.
fn typed<T: OptionType>(
    syntax: Syntax,
    input: &str,
    expected: &Json,
    to_json: impl Fn(&T) -> Json,
) -> Result<(), String> {
    let mut configuration = Configuration::with_syntax(syntax);
    configuration.set(KEY, input);
    let actual = configuration.get(&ConfigOption::<T>::new(KEY));
    match (error_of(expected), actual) {
        (None, Ok(Some(actual))) => compare(expected, &to_json(&actual)),
        (Some(_), Err(error)) => {
            let message = error.to_string();
            let start = format!("{KEY}: {input:?} ");
            if message.starts_with(&start) && message.contains("; allowed: ") {
                Ok(())
            } else {
                Err(format!("the message is unclear: {message}"))
            }
        }
        (Some(expected), Ok(actual)) => {
            let actual = actual.as_ref().map(to_json);
            Err(format!("Flink reports the error {expected}, we have {actual:?}"))
        }
        (None, Ok(None)) => Err("it is not set".to_owned()),
        (None, Err(error)) => Err(format!("Flink has {expected}, we report {error}")),
    }
}

fn dumps(key: &str, value: &str, expected: &Json) -> Result<(), String> {
    let actual = json!({
        "nested": written(key, value, YamlStyle::Nested),
        "flat": written(key, value, YamlStyle::Flat),
    });
    compare(expected, &actual)
}

/// The file without the line breaks at its end, as in the vectors.
fn written(key: &str, value: &str, style: YamlStyle) -> String {
    let configuration: Configuration = [(key, value)].into_iter().collect();
    write_config_yaml(&configuration, style).unwrap().trim_end_matches('\n').to_owned()
}

/// The value that a vector describes by its Java class and text.
fn described(description: &str) -> Value {
    let list = |items: &[&str]| Value::List(items.iter().map(|&item| item.to_owned()).collect());
    let map = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        Value::Map(pairs.collect())
    };
    match description {
        "ArrayList [a, b]" => list(&["a", "b"]),
        "ArrayList [a;b, c'd]" => list(&["a;b", "c'd"]),
        "ArrayList [x: y]" => list(&["x: y"]),
        "EmptyList []" => list(&[]),
        "TreeMap {a=1, b=2}" => map(&[("a", "1"), ("b", "2")]),
        "TreeMap {a:b=c,d, e=f'g}" => map(&[("a:b", "c,d"), ("e", "f'g")]),
        "TreeMap {a=1.5}" => map(&[("a", "1.5")]),
        "Integer 1" | "Long 1" => Value::Int(1),
        "Double 2.5" => Value::Double(2.5),
        "Boolean true" => Value::Bool(true),
        "Duration PT1M30S" => Value::Duration(SignedDuration::from_secs(90)),
        "Duration PT1.5S" => Value::Duration(SignedDuration::from_millis(1_500)),
        "Duration PT48H" => Value::Duration(SignedDuration::from_hours(48)),
        "MemorySize 1 gb" => Value::MemorySize(MemorySize::from_mebibytes(1024)),
        "MemorySize 1536 mb" => Value::MemorySize(MemorySize::from_mebibytes(1536)),
        "MemorySize 1000 bytes" => Value::MemorySize(MemorySize::from_bytes(1000)),
        "String str: x" => Value::from("str: x"),
        other => panic!("no value is defined for {other}"),
    }
}

/// Formats a duration that is not negative like Java's `Duration.toString`: `PT1H2M3.5S`.
fn java_text(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let nanos = format!("{:09}", duration.subsec_nanos());
    let fraction = match nanos.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    let part = |number: i64, unit| match number {
        0 => String::new(),
        number => format!("{number}{unit}"),
    };
    let larger = part(seconds / 3600, 'H') + &part(seconds / 60 % 60, 'M');
    let rest = seconds % 60;
    if rest == 0 && fraction.is_empty() && !larger.is_empty() {
        format!("PT{larger}")
    } else {
        format!("PT{larger}{rest}{fraction}S")
    }
}
