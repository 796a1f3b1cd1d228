//! The table of faults in the documentation.

use anyhow::Context;

use super::all;
use crate::workspace;

pub(super) const DOCUMENT: &str = "docs/testing.md";

const BEGIN: &str = "<!-- cargo xtask mutations --write-docs -->";
const END: &str = "<!-- end of the table of faults -->";

pub(super) fn markdown() -> String {
    let mut text =
        "| Fault | What users would meet | In | Caught by |\n|---|---|---|---|\n".to_owned();
    for mutation in all() {
        let file = short(mutation.file);
        let (layer, test) = (mutation.test.program().layer(), mutation.test.name());
        let row =
            format!("| {} | {} | `{file}` | {layer}: `{test}` |\n", mutation.name, mutation.effect);
        text.push_str(&row);
    }
    text
}

/// The path without `crates/` and `src/`, which say nothing.
fn short(file: &str) -> String {
    file.strip_prefix("crates/").unwrap_or(file).replacen("/src/", "/", 1)
}

/// Replaces the table in the document.
pub(super) fn write() -> anyhow::Result<()> {
    let path = workspace::root().join(DOCUMENT);
    let before =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {DOCUMENT}"))?;
    let after = with_table(&before)?;
    if after == before {
        println!("{DOCUMENT} is up to date");
        return Ok(());
    }
    std::fs::write(&path, after).with_context(|| format!("failed to write {DOCUMENT}"))?;
    println!("{DOCUMENT} is written");
    Ok(())
}

/// The document with the current table between its two marks.
pub(super) fn with_table(document: &str) -> anyhow::Result<String> {
    let missing = |mark: &str| format!("{DOCUMENT} lacks the line {mark}");
    let (before, rest) = document.split_once(BEGIN).with_context(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).with_context(|| missing(END))?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", markdown()))
}
