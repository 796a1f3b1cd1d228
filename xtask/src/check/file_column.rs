//! Checks the paths in tables of documents: each cell below a heading `File` names one file that exists. Links in such a cell
//! are checked like all other links.

use std::path::Path;

use anyhow::Context;

use super::Fault;
use crate::workspace;

/// The heading of a column with paths, relative to the folder of the document.
const HEADING: &str = "File";

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for file in workspace::files()? {
        if file.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(workspace::root().join(&file))
                .with_context(|| format!("failed to read {}", file.display()))?;
            let folder = workspace::root().join(file.parent().unwrap_or(Path::new("")));
            faults.extend(of_document(&file, &text, &|path| folder.join(path).is_file()));
        }
    }
    Ok(faults)
}

fn of_document(document: &Path, text: &str, is_file: &dyn Fn(&str) -> bool) -> Vec<Fault> {
    let wrong = |(_, cell): &(usize, &str)| !is_link(cell) && !path_in(cell).is_some_and(is_file);
    rows(text)
        .into_iter()
        .filter(wrong)
        .map(|(line, cell)| {
            Fault::new(
                format_args!("{}:{line}", document.display()),
                format!("the column {HEADING} has {cell:?}, which is not the path of one existing file, in backquotes"),
            )
        })
        .collect()
}

/// The cells below a heading `File`, with their lines.
fn rows(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_table = false;
    let mut column = None;
    for (number, line) in (1..).zip(text.lines()) {
        let Some(row) = line.trim().strip_prefix('|') else {
            in_table = false;
            continue;
        };
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        if !in_table {
            in_table = true;
            column = cells.iter().position(|cell| *cell == HEADING);
        } else if let Some(column) = column
            && !row.trim_matches(['|', '-', ':', ' ']).is_empty()
        {
            found.push((number, cells.get(column).copied().unwrap_or_default()));
        }
    }
    found
}

fn is_link(cell: &str) -> bool {
    cell.starts_with('[') && cell.ends_with(')')
}

/// The path of a cell that is one path in backquotes.
fn path_in(cell: &str) -> Option<&str> {
    let path = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!path.contains(['`', ' '])).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds faults in a tree with one file.
    fn check(text: &str) -> Vec<String> {
        let is_file = |path: &str| path == "src/a.rs";
        let faults = of_document(Path::new("A.md"), text, &is_file);
        faults.iter().map(|fault| fault.place.clone()).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn row_without_an_existing_file_is_a_fault() {
        let table = |cell: &str| format!("| What | File |\n|---|:--|\n| x | {cell} |\n");
        assert_eq!(check(&table("`src/a.rs`")), NONE);
        for cell in ["`src/b.rs`", "src/a.rs", "", "`src/a.rs`, `src/a.rs`", "`src`"] {
            assert_eq!(check(&table(cell)), ["A.md:3"], "{cell}");
        }
        assert_eq!(check("| File | Why |\n|---|---|\n| `src/b.rs` | x |\n"), ["A.md:3"]);
    }

    #[test]
    fn other_tables_and_texts_are_not_looked_at() {
        assert_eq!(check("| What | Where |\n|---|---|\n| x | `b.rs` |\n"), NONE);
        assert_eq!(
            check("| What | File |\n|---|---|\n\n| What | Where |\n|---|---|\n| x | y |\n"),
            NONE
        );
        assert_eq!(check("File\n`src/b.rs`\n"), NONE);
        assert_eq!(
            check("| File |\n|---|\n| [b](src/b.rs) |\n"),
            NONE,
            "another check is for links"
        );
    }

    #[test]
    fn architecture_says_where_at_least_thirty_things_happen() {
        let path = workspace::root().join("ARCHITECTURE.md");
        let text = std::fs::read_to_string(path).unwrap();
        let rows = rows(&text);
        assert!(rows.len() >= 30, "{} rows", rows.len());
        assert_eq!(faults().unwrap(), []);
    }
}
