//! Compares the parsing of the configuration and the memory model with recorded results of Flink.
//!
//! Every entry of every file in `vectors/` is a case: an input, and Flink's result or error. The folder is `tests/golden/vectors`. If the environment variable `GOLDEN` names
//! a folder that holds `vectors/`, these are checked instead.

#![cfg(test)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flink_operator_core::flink_version::FlinkVersion;
use serde_json::Value as Json;

#[path = "vectors/memory.rs"]
mod memory;
#[path = "vectors/parse.rs"]
mod parse;

#[test]
fn every_result_is_the_same_as_flinks() {
    let mut tally = Tally::default();
    for (name, path) in files(&folder()) {
        let json: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if let Some(version) = name.strip_prefix("config-parse-") {
            parse::check(&mut tally, version_of(version), &json);
        } else if let Some(version) = name.strip_prefix("memory-") {
            memory::check(&mut tally, version_of(version), &json);
        } else {
            panic!("{}: no test checks this file", path.display());
        }
    }
    let failed = tally.failures.len();
    // The test harness hides the output of `println!` if a test passes.
    writeln!(
        io::stdout(),
        "vectors of {}: {} cases, {failed} failed",
        folder().display(),
        tally.cases
    )
    .unwrap();
    assert!(tally.cases > 0, "no vectors in {}", folder().display());
    assert!(failed == 0, "{}", tally.failures.join("\n"));
}

/// The number of cases, and the failures.
#[derive(Default)]
struct Tally {
    cases: usize,
    failures: Vec<String>,
}

impl Tally {
    fn case(&mut self, name: &str, result: Result<(), String>) {
        self.cases += 1;
        if let Err(problem) = result {
            self.failures.push(format!("{name}: {problem}"));
        }
    }
}

fn folder() -> PathBuf {
    let named = env::var_os("GOLDEN").map(|golden| PathBuf::from(golden).join("vectors"));
    named
        .filter(|folder| folder.exists())
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vectors"))
}

/// The files of a folder by their names without `.json`, in order.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect()
}

/// Parses the minor version of a release such as `1.20.5`.
fn version_of(text: &str) -> FlinkVersion {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    FlinkVersion::new(numbers.next().unwrap(), numbers.next().unwrap())
}

/// Flink's error message, if this case is an error.
fn error_of(expected: &Json) -> Option<&str> {
    expected.get("error").and_then(Json::as_str)
}

/// Compares a result with Flink's.
fn compare<T: PartialEq + std::fmt::Debug>(expected: &T, actual: &T) -> Result<(), String> {
    if expected == actual {
        Ok(())
    } else {
        Err(format!("Flink has {expected:?}, we have {actual:?}"))
    }
}
