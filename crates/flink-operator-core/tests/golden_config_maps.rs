//! Reads every configuration file that Flink's clients and the Java operator have written into a
//! ConfigMap, and writes it again.
//!
//! The recordings are in `tests/golden`; the environment variable `GOLDEN` names another folder.

#![cfg(test)]

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flink_operator_core::conf::{
    YamlStyle, read_config_yaml, read_flink_conf, write_config_yaml, write_flink_conf,
};
use serde_json::Value as Json;

#[test]
fn every_recorded_file_is_read_and_survives_being_written_again() {
    let mut config_maps = Vec::new();
    collect(&folder(), &mut config_maps);
    let mut files = 0;
    for path in &config_maps {
        let json: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for (name, text) in json["data"].as_object().unwrap() {
            // The recordings have this word for the folder in which the client ran; a path may stand
            // without quotes where the word may not.
            let text = &text.as_str().unwrap().replace("@HARNESS@", "/harness");
            match name.as_str() {
                "config.yaml" => check_config_yaml(path, text),
                "flink-conf.yaml" => check_flink_conf(path, text),
                // Logging and Hadoop.
                _ => continue,
            }
            files += 1;
        }
    }
    writeln!(io::stdout(), "golden configuration files: {files} read and written").unwrap();
    assert!(files > 0, "no ConfigMaps in {}", folder().display());
}

fn folder() -> PathBuf {
    let golden = env::var_os("GOLDEN").map(PathBuf::from);
    golden.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"))
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, found);
        } else if name.starts_with("configmap-flink-config-") {
            found.push(path);
        }
    }
}

fn check_config_yaml(path: &Path, text: &str) {
    let path = path.display();
    let read = read_config_yaml(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(!read.is_empty(), "{path}");
    for style in [YamlStyle::Nested, YamlStyle::Flat] {
        let written = write_config_yaml(&read, style).unwrap();
        assert_eq!(read_config_yaml(&written).as_ref(), Ok(&read), "{path}, {style:?}");
    }
    // Java writes the keys in no order, and a list, which we have read as its text, over several
    // lines. All other lines are the same.
    let ours = write_config_yaml(&read, YamlStyle::Nested).unwrap();
    let ours: BTreeSet<&str> = ours.lines().collect();
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let of_list = is_item(line) || lines.get(index + 1).is_some_and(|next| is_item(next));
        let empty_list = line.ends_with(": []");
        assert!(of_list || empty_list || ours.contains(line), "{path}: we do not write {line:?}");
    }
}

fn check_flink_conf(path: &Path, text: &str) {
    let path = path.display();
    let read = read_flink_conf(text);
    assert!(!read.configuration.is_empty(), "{path}");
    let written = write_flink_conf(&read.configuration);
    let again = read_flink_conf(&written);
    assert_eq!(again.configuration, read.configuration, "{path}");
    assert_eq!(again.skipped, [], "{path}");
    let ours: BTreeSet<&str> = written.lines().collect();
    let skipped: BTreeSet<usize> = read.skipped.iter().map(|line| line.number).collect();
    for (index, line) in text.lines().enumerate() {
        // What stands behind a `#` and blanks at the ends are not part of the value.
        let holds = !line.contains('#') && !line.contains(":  ") && line.trim_end() == line;
        let expected = holds && !skipped.contains(&(index + 1));
        assert!(!expected || ours.contains(line), "{path}: we do not write {line:?}");
    }
}
