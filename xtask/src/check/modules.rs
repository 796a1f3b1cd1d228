//! Every Rust file is part of a crate: one that no `mod` names is compiled by nobody and rots.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use super::Fault;
use crate::workspace;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    src_path: PathBuf,
}

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let text = workspace::output(workspace::cargo().args([
        "metadata",
        "--format-version=1",
        "--no-deps",
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("failed to read cargo's metadata")?;
    let roots = metadata
        .packages
        .into_iter()
        .flat_map(|package| package.targets)
        .map(|target| target.src_path);
    let all = workspace::files()?
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ext| ext == "rs"));
    let all = all.map(|file| workspace::root().join(file)).collect();
    let read = |file: &Path| {
        std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
    };
    let dead = dead(roots.collect(), all, &read)?;
    Ok(dead
        .into_iter()
        .map(|file| Fault::new(shown(&file), "no module of any crate is in this file"))
        .collect())
}

fn shown(file: &Path) -> String {
    file.strip_prefix(workspace::root()).unwrap_or(file).display().to_string()
}

/// The files that cannot be reached from the roots of crates.
fn dead(
    roots: Vec<PathBuf>,
    all: BTreeSet<PathBuf>,
    read: &dyn Fn(&Path) -> anyhow::Result<String>,
) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut dead = all.clone();
    let mut todo: Vec<(PathBuf, bool)> = roots.into_iter().map(|root| (root, true)).collect();
    while let Some((file, is_root)) = todo.pop() {
        if !dead.remove(&file) {
            continue;
        }
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        // The modules of a root or a mod.rs are beside it, those of other files in a folder with the file's name.
        let is_root = is_root || file.file_name().is_some_and(|name| name == "mod.rs");
        let of_modules = if is_root { folder.clone() } else { file.with_extension("") };
        for reference in references(&read(&file)?) {
            let candidates = match reference {
                Reference::Module(name) => {
                    vec![
                        of_modules.join(format!("{name}.rs")),
                        of_modules.join(name).join("mod.rs"),
                    ]
                }
                Reference::Path(path) => vec![folder.join(path)],
            };
            todo.extend(
                candidates.into_iter().filter(|file| all.contains(file)).map(|file| (file, false)),
            );
        }
    }
    Ok(dead)
}

#[derive(Debug, PartialEq, Eq)]
enum Reference {
    /// `mod name;`
    Module(String),
    /// `#[path = "…"]` or `include!("…")`
    Path(String),
}

/// The other files that a file names. Lines are enough of a parser, for rustfmt writes each on a line of its own.
fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(path) =
            line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"))
        {
            found.push(Reference::Path(path.to_owned()));
        } else if let Some((path, _)) =
            line.split_once("include!(\"").and_then(|(_, rest)| rest.split_once('"'))
        {
            found.push(Reference::Path(path.to_owned()));
        } else if let Some(name) = module(line) {
            found.push(Reference::Module(name.to_owned()));
        }
    }
    found
}

/// The name in `mod name;`, with any visibility before it.
fn module(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let name = line.strip_prefix("mod ")?.strip_suffix(';')?;
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(roots: &[&str], files: &[(&str, &str)]) -> Vec<String> {
        let files: BTreeMap<PathBuf, &str> =
            files.iter().map(|(path, text)| (path.into(), *text)).collect();
        let read = |file: &Path| Ok(files[file].to_owned());
        let roots = roots.iter().map(PathBuf::from).collect();
        let dead = dead(roots, files.keys().cloned().collect(), &read).unwrap();
        dead.iter().map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn a_file_that_no_module_names_is_dead() {
        let files = [
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "\n    pub(super) mod b;"),
            ("src/a/b.rs", ""),
            ("src/b.rs", ""),
        ];
        assert_eq!(check(&["src/lib.rs"], &files), ["src/b.rs"]);
    }

    #[test]
    fn what_only_dead_files_name_is_dead_as_well() {
        let files = [("src/lib.rs", "// mod a;"), ("src/a.rs", "mod b;"), ("src/a/b.rs", "")];
        assert_eq!(check(&["src/lib.rs"], &files), ["src/a/b.rs", "src/a.rs"]);
    }

    #[test]
    fn each_target_is_a_root() {
        let files = [
            ("src/main.rs", "mod a;"),
            ("src/a.rs", ""),
            ("tests/t.rs", "mod common;"),
            ("tests/common/mod.rs", ""),
        ];
        assert_eq!(check(&["src/main.rs"], &files), ["tests/common/mod.rs", "tests/t.rs"]);
        assert_eq!(check(&["src/main.rs", "tests/t.rs"], &files), Vec::<String>::new());
    }

    #[test]
    fn paths_in_attributes_and_includes_count() {
        let files = [
            (
                "src/lib.rs",
                "#[path = \"odd/place.rs\"]\nmod x;\nconst T: &[u8] = include!(\"table.rs\");",
            ),
            ("src/odd/place.rs", ""),
            ("src/table.rs", ""),
        ];
        assert_eq!(check(&["src/lib.rs"], &files), Vec::<String>::new());
    }

    #[test]
    fn modules_are_told_from_what_looks_like_one() {
        assert_eq!(module("mod a;"), Some("a"));
        assert_eq!(module("pub mod a_1;"), Some("a_1"));
        assert_eq!(module("pub(in crate::x) mod r#type;"), Some("type"));
        for line in ["mod a {", "model;", "// mod a;", "pub use a;", "let mod_ = 1;"] {
            assert_eq!(module(line), None, "{line}");
        }
    }

    #[test]
    fn no_file_of_this_workspace_is_dead() {
        assert_eq!(faults().unwrap(), []);
    }
}
