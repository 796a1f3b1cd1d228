//! Asks Flink's own classes.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flink_operator_core::flink_version::FlinkVersion;
use serde_json::{Value as Json, json};

use super::{File, source::Batch};

/// Where there is a folder with jars for each version of Flink, which is its name.
const JARS: &str = "FLINK_CONF_JARS";

/// A file, and the options to read from it.
pub(crate) struct Question(Json);

impl Question {
    pub(crate) fn new(file: &File, batch: &Batch) -> Self {
        let File { name, text } = file;
        let options: Vec<Json> = batch
            .values
            .iter()
            .map(|value| json!({"key": value.key, "type": value.content.option_type()}))
            .collect();
        Self(json!({"file": name, "text": text, "options": options}))
    }
}

/// The versions of Flink, oldest first, with the folders of their jars.
pub(crate) fn lines() -> Vec<(FlinkVersion, PathBuf)> {
    let folder = std::env::var_os(JARS)
        .unwrap_or_else(|| panic!("{JARS} is not set; run `cargo xtask flink-conf`"));
    let mut lines: Vec<(FlinkVersion, PathBuf)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| (version(path.file_name().unwrap().to_str().unwrap()), path))
        .collect();
    lines.sort();
    assert!(!lines.is_empty(), "{} has no folder of a version", folder.display());
    lines
}

/// The version out of `1.20.5`.
fn version(name: &str) -> FlinkVersion {
    let mut numbers = name.split('.').map(|number| number.parse().unwrap());
    FlinkVersion::new(numbers.next().unwrap(), numbers.next().unwrap())
}

/// The answers of one version of Flink, in order, each with an answer for each option.
pub(crate) fn ask(jars: &Path, questions: &[Question]) -> Vec<Vec<Json>> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java/ReadConfiguration.java");
    let mut java = Command::new("java")
        .arg("-cp")
        .arg(jars.join("*"))
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is no java; `cargo xtask flink-conf` installs one");
    let mut input = BufWriter::new(java.stdin.take().unwrap());
    let output = BufReader::new(java.stdout.take().unwrap());
    let answers = std::thread::scope(|scope| {
        // Both at once: a pipe holds little.
        scope.spawn(move || {
            for Question(question) in questions {
                writeln!(input, "{question}").unwrap();
            }
        });
        output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
    });
    assert!(java.wait().unwrap().success(), "{}: the reader has failed", jars.display());
    answers
}
