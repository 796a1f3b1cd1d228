//! Rules for files: how long, how they begin, that their links lead somewhere, and what they do not name.

use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use super::Fault;
use crate::workspace;

/// From here on a file is several files.
const LINES_MAX: usize = 800;

/// Files written by hand that have a limit.
const LIMITED: &[&str] = &["rs", "go", "py", "sh", "toml"];

/// Words that only mean something on one machine or in one installation, and the reason that is given.
///
/// Each is put together from two parts, or this file would be the first to break its own rule.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/tmp/", "bash"), "a path of one machine"),
    (concat!("crates", ".io"), REGISTRY),
    (concat!("pypi", ".org"), REGISTRY),
    (concat!("pythonhosted", ".org"), REGISTRY),
    (concat!("proxy.", "golang.org"), REGISTRY),
    (concat!("sum.", "golang.org"), REGISTRY),
    (concat!("npmjs", ".org"), REGISTRY),
    (concat!("repo1.", "maven.org"), REGISTRY),
    (concat!("repo.", "maven.apache.org"), REGISTRY),
    (concat!("deb.debian", ".org"), REGISTRY),
];

const REGISTRY: &str =
    "the host of a package registry; which one is used is a setting of each machine";

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for file in workspace::files()? {
        let bytes = std::fs::read(workspace::root().join(&file))
            .with_context(|| format!("failed to read {}", file.display()))?;
        // What is not text has no lines and no links.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        faults.extend(of_file(&file, &text, &|target| workspace::root().join(target).exists()));
    }
    Ok(faults)
}

fn of_file(file: &Path, text: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<Fault> {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if LIMITED.contains(&extension) && lines > LINES_MAX {
        faults.push(Fault::new(
            file.display(),
            format!("has {lines} lines, more than {LINES_MAX}: split it"),
        ));
    }
    if extension == "rs" && !text.starts_with("//!") {
        faults.push(Fault::new(
            file.display(),
            "does not begin with a line of //! that says what is in it",
        ));
    }
    // Only cargo writes lock files, and it names its registry there.
    if file.file_name().is_none_or(|name| name != "Cargo.lock") {
        faults.extend(forbidden(file, text));
    }
    if extension == "md" {
        faults.extend(dead_links(file, text, exists));
    }
    faults
}

fn forbidden(file: &Path, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for (word, reason) in FORBIDDEN {
            // The same folders below another one are other paths: a path of a machine begins where the word begins.
            let begins = |at: usize| {
                !word.starts_with('/')
                    || !line[..at].ends_with(|c: char| {
                        c.is_alphanumeric() || ['.', '-', '_', '}', '~', '/', '*'].contains(&c)
                    })
            };
            if line.match_indices(word).any(|(at, _)| begins(at)) {
                faults.push(Fault::new(
                    format_args!("{}:{number}", file.display()),
                    format!("names {word}, {reason}"),
                ));
            }
        }
    }
    faults
}

fn dead_links(file: &Path, text: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<Fault> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let dead = |(_, target): &(usize, &str)| {
        let path = target.split(['#', '?']).next().unwrap_or_default();
        // An address, or a place in the same document.
        if path.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            return false;
        }
        normal(&folder.join(path)).is_none_or(|path| !exists(&path))
    };
    let links = links(text).into_iter().filter(dead);
    links
        .map(|(line, target)| {
            Fault::new(
                format_args!("{}:{line}", file.display()),
                format!("links to {target}, which is not there"),
            )
        })
        .collect()
}

/// The path without `..`; nothing if it leads out of the work tree.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => normal.push(part),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// The targets of `[text](target)` and `[name]: target`, with their lines; not those in code.
fn links(markdown: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(markdown.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        if let Some(target) = definition(line) {
            found.push((number, target));
            continue;
        }
        // Pieces at odd places are between backquotes.
        for piece in line.split('`').step_by(2).flat_map(|piece| piece.split("](").skip(1)) {
            if let Some((target, _)) = piece.split_once(')') {
                // A title may follow the target.
                found.extend(target.split_whitespace().next().map(|target| (number, target)));
            }
        }
    }
    found
}

fn definition(line: &str) -> Option<&str> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
    // A footnote's text is no target.
    (!name.contains(']') && !name.starts_with('^')).then(|| target.split_whitespace().next())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds faults in a tree where these files exist.
    fn check(file: &str, text: &str) -> Vec<String> {
        let exists = |path: &Path| {
            [Path::new("README.md"), Path::new("docs/why.md"), Path::new("docs")].contains(&path)
        };
        of_file(Path::new(file), text, &exists).iter().map(ToString::to_string).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn long_files_are_found() {
        assert_eq!(check("rig/a.go", &"x\n".repeat(800)), NONE);
        assert_eq!(
            check("rig/a.go", &"x\n".repeat(801)),
            ["rig/a.go: has 801 lines, more than 800: split it"]
        );
        assert_eq!(
            check("crds/generated.yaml", &"x\n".repeat(5000)),
            NONE,
            "nobody reads generated files from the top"
        );
    }

    #[test]
    fn a_rust_file_says_what_is_in_it() {
        assert_eq!(check("src/a.rs", "//! What it is.\n"), NONE);
        let found = check("src/a.rs", "// What it is.\n");
        assert!(found[0].starts_with("src/a.rs: does not begin with"), "{found:?}");
    }

    #[test]
    fn words_of_one_machine_are_found_where_they_begin() {
        let path = concat!("/wo", "rk/");
        for text in [
            format!("cd {path}main"),
            format!("x={path}main"),
            format!("\"{path}\""),
            path.to_owned(),
        ] {
            assert_eq!(check("a.sh", &text).len(), 1, "{text}");
        }
        for text in [format!("$HOME{path}"), format!("flink{path}"), format!("${{X}}{path}")] {
            assert_eq!(check("a.sh", &text), NONE, "{text}");
        }
        let found = check("deny.toml", concat!("\n# the index of crates", ".io\n"));
        assert!(found[0].starts_with("deny.toml:2: names"), "{found:?}");
        assert_eq!(check("Cargo.lock", concat!("source = \"crates", ".io-index\"")), NONE);
        assert_eq!(check("other/a.lock", concat!("source = \"crates", ".io-index\"")).len(), 1);
    }

    #[test]
    fn links_to_files_lead_somewhere() {
        assert_eq!(
            check(
                "README.md",
                "[why](docs/why.md#state) and [all](docs) and [us](https://a.example/b)"
            ),
            NONE
        );
        assert_eq!(check("docs/why.md", "[up](../README.md), [here](#top) [a]: x"), NONE);
        assert_eq!(
            check("README.md", "\n[x](docs/who.md \"Who\")"),
            ["README.md:2: links to docs/who.md, which is not there"]
        );
        assert_eq!(
            check("docs/why.md", "[r]\n\n[r]: README.md"),
            ["docs/why.md:3: links to README.md, which is not there"]
        );
        assert_eq!(
            check("README.md", "[x](../README.md)").len(),
            1,
            "that is outside the work tree"
        );
    }

    #[test]
    fn links_in_code_are_text() {
        assert_eq!(check("a.md", "`[x](nowhere)` is code\n```\n[x](nowhere)\n```\n"), NONE);
        assert_eq!(check("a.md", "`code` [x](nowhere) `code`").len(), 1);
    }

    #[test]
    fn the_files_of_this_workspace_are_tidy() {
        assert_eq!(faults().unwrap(), []);
    }
}
