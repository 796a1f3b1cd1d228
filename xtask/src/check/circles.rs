//! No circle of imports between the files of a crate: whoever reads one file reads what it rests on, and never comes back.
//!
//! A file imports another one if it names something that is defined there, in a `use` or in a path. A parent that declares
//! `mod x;`, or passes something on with `pub use`, does not import it; whoever uses what was passed on imports the file
//! where it is defined. Code for tests is left out.

mod graph;
mod names;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Fault;
use super::source;
use crate::workspace;

/// The crates whose files import each other in one direction only.
const CRATES: &[&str] = &["crates/flink-operator", "crates/flink-operator-core"];

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for folder in CRATES {
        let source = workspace::root().join(folder).join("src");
        let roots = ["lib.rs", "main.rs"].map(|root| source.join(root));
        for root in roots.iter().filter(|root| root.is_file()) {
            faults.extend(of_crate(root, &read)?);
        }
    }
    Ok(faults)
}

fn read(file: &Path) -> anyhow::Result<Option<String>> {
    if !file.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file);
    text.map(Some).with_context(|| format!("failed to read {}", file.display()))
}

/// The circles of the crate whose root is this file. `read` gives no text of a file that is not there.
fn of_crate(
    root: &Path,
    read: &dyn Fn(&Path) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<Vec<Fault>> {
    let parsed = source::Crate::read(root, read)?;
    let imports = names::imports(&parsed);
    let circles = graph::circles(&imports);
    Ok(circles.iter().map(|circle| fault(circle, &parsed.files)).collect())
}

fn fault(circle: &[graph::Import], files: &[PathBuf]) -> Fault {
    let shown = |file: usize| {
        let file = files.get(file).map_or(Path::new(""), PathBuf::as_path);
        file.strip_prefix(workspace::root()).unwrap_or(file).display().to_string()
    };
    let steps: Vec<String> = circle
        .iter()
        .map(|import| {
            format!("{}:{} imports {}", shown(import.from), import.line, shown(import.to))
        })
        .collect();
    let place = circle.first().map(|import| shown(import.from)).unwrap_or_default();
    Fault::new(place, format!("a circle of imports: {}", steps.join("; ")))
}

#[cfg(test)]
mod tests;
