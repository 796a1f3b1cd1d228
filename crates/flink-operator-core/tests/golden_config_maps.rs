//! Parses every recorded configuration file that Flink's clients and the Java operator wrote into a
//! ConfigMap, and writes it again.
//!
//! The recordings are in `tests/golden`; the environment variable `GOLDEN` names another folder.

#![cfg(test)]

use std::{
    collections::BTreeSet,
    env,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flink_operator_core::conf::{
    Configuration, Value, YamlStyle, read_config_yaml, read_flink_conf, write_config_yaml,
    write_flink_conf,
};
use golden::Sent;
use serde_json::Value as Json;

#[test]
fn every_recorded_file_is_parsed_and_written_with_the_same_options() {
    let mut files = 0;
    for recording in golden::find(&folder()).unwrap() {
        for case in recording.cases().unwrap() {
            let case_id = format!("{}/{}", recording.client, case.name);
            for data in case.sent.iter().filter_map(flink_configuration) {
                files += check_files(&case_id, data);
            }
        }
    }
    writeln!(io::stdout(), "golden configuration files: {files} read and written").unwrap();
    assert!(files > 0, "no ConfigMaps in {}", folder().display());
}

fn folder() -> PathBuf {
    let golden = env::var_os("GOLDEN").map(PathBuf::from);
    golden.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"))
}

/// The files of a ConfigMap that was created for Flink's configuration.
fn flink_configuration(sent: &Sent) -> Option<&serde_json::Map<String, Json>> {
    let Sent::Post(object) = sent else { return None };
    let name = object["metadata"]["name"].as_str()?;
    let holds = object["kind"] == "ConfigMap" && name.starts_with("flink-config-");
    object["data"].as_object().filter(|_| holds)
}

fn check_files(case: &str, files: &serde_json::Map<String, Json>) -> usize {
    let mut checked = 0;
    for (name, text) in files {
        // The recordings have a placeholder for the folder in which the client ran. YAML needs quotes for
        // the placeholder, but not for a path.
        let text = &text.as_str().unwrap().replace("@HARNESS@", "/harness");
        match name.as_str() {
            "config.yaml" => check_config_yaml(case, text),
            "flink-conf.yaml" => check_flink_conf(case, text),
            // Log configurations.
            _ => continue,
        }
        checked += 1;
    }
    checked
}

fn check_config_yaml(case: &str, text: &str) {
    let read = read_config_yaml(text).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(!read.is_empty(), "{case}");
    // A list is written as its text.
    let read: Configuration = read
        .iter()
        .map(|(key, value)| {
            let text = if let Value::YamlList(text) = value { Some(text) } else { None };
            (key, text.map_or_else(|| value.clone(), |text| Value::Text(text.clone())))
        })
        .collect();
    for style in [YamlStyle::Nested, YamlStyle::Flat] {
        let written = write_config_yaml(&read, style).unwrap();
        assert_eq!(read_config_yaml(&written).as_ref(), Ok(&read), "{case}, {style:?}");
    }
    // Java writes the keys in any order, and a list over several lines, while we write it as one string.
    // All other lines must be the same.
    let ours = write_config_yaml(&read, YamlStyle::Nested).unwrap();
    let ours: BTreeSet<&str> = ours.lines().collect();
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let of_list = is_item(line) || lines.get(index + 1).is_some_and(|next| is_item(next));
        let empty_list = line.ends_with(": []");
        assert!(of_list || empty_list || ours.contains(line), "{case}: we do not write {line:?}");
    }
}

fn check_flink_conf(case: &str, text: &str) {
    let read = read_flink_conf(text);
    assert!(!read.configuration.is_empty(), "{case}");
    let written = write_flink_conf(&read.configuration);
    let again = read_flink_conf(&written);
    assert_eq!(again.configuration, read.configuration, "{case}");
    assert_eq!(again.skipped, [], "{case}");
    let ours: BTreeSet<&str> = written.lines().collect();
    let skipped: BTreeSet<usize> = read.skipped.iter().map(|line| line.number).collect();
    for (index, line) in text.lines().enumerate() {
        // Comments, and spaces around the value, are not kept.
        let holds = !line.contains('#') && !line.contains(":  ") && line.trim_end() == line;
        let expected = holds && !skipped.contains(&(index + 1));
        assert!(!expected || ours.contains(line), "{case}: we do not write {line:?}");
    }
}
