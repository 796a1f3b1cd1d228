//! Where a name is defined.

use std::collections::BTreeMap;

use super::graph::Import;
use crate::check::source::{Crate, Mention, Module, Of};

/// Names that lead to each other without an end are followed so far.
const FOLLOWED_MAX: u32 = 16;

/// Which file imports which other one, each pair once.
pub(super) fn imports(parsed: &Crate) -> Vec<Import> {
    let mut lines: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for mention in &parsed.mentions {
        let Some(from) = parsed.modules.get(mention.module).map(|module| module.file) else {
            continue;
        };
        let Some(to) = file_of(parsed, mention).filter(|to| *to != from) else { continue };
        let line = lines.entry((from, to)).or_insert(mention.line);
        *line = mention.line.min(*line);
    }
    lines.into_iter().map(|((from, to), line)| Import { from, to, line }).collect()
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// Something that is defined in the file with this index.
    Item(usize),
}

fn file_of(parsed: &Crate, mention: &Mention) -> Option<usize> {
    match (resolve(parsed, mention.module, &mention.path, 0)?, mention.of) {
        (Target::Item(file), _) => Some(file),
        (Target::Module(module), Of::Glob) => parsed.modules.get(module).map(|found| found.file),
        // What is taken from the module is named by another path.
        (Target::Module(_), Of::Item) => None,
    }
}

/// Follows a path that stands in module `from`.
fn resolve(parsed: &Crate, from: usize, path: &[String], followed: u32) -> Option<Target> {
    if followed > FOLLOWED_MAX {
        return None;
    }
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => walk(parsed, Target::Module(0), rest, followed),
        "self" => walk(parsed, Target::Module(from), rest, followed),
        "super" => {
            let mut module = parsed.modules.get(from)?.parent?;
            let mut rest = rest;
            while let Some((next, after)) = rest.split_first()
                && next == "super"
            {
                module = parsed.modules.get(module)?.parent?;
                rest = after;
            }
            walk(parsed, Target::Module(module), rest, followed)
        }
        name => {
            let target = look_up(parsed, from, name, rest.is_empty(), followed)?;
            walk(parsed, target, rest, followed)
        }
    }
}

fn walk(parsed: &Crate, start: Target, path: &[String], followed: u32) -> Option<Target> {
    let mut target = start;
    let mut rest = path;
    while let (Target::Module(module), Some((name, after))) = (target, rest.split_first()) {
        let found = look_up(parsed, module, name, after.is_empty(), followed);
        // A macro may have defined it.
        target = found.or_else(|| Some(Target::Item(parsed.modules.get(module)?.file)))?;
        rest = after;
    }
    Some(target)
}

/// Finds a name in the scope of a module.
fn look_up(
    parsed: &Crate,
    module: usize,
    name: &str,
    is_last: bool,
    followed: u32,
) -> Option<Target> {
    let Module { file, children, items, names, globs, .. } = parsed.modules.get(module)?;
    // A function and a module may have the same name.
    if is_last && items.contains(name) {
        return Some(Target::Item(*file));
    }
    if let Some(child) = children.get(name) {
        return Some(Target::Module(*child));
    }
    if items.contains(name) {
        return Some(Target::Item(*file));
    }
    if let Some(path) = names.get(name) {
        return resolve(parsed, module, path, followed + 1);
    }
    globs.iter().find_map(|glob| match resolve(parsed, module, glob, followed + 1)? {
        Target::Module(found) if found != module => {
            look_up(parsed, found, name, is_last, followed + 1)
        }
        Target::Module(_) | Target::Item(_) => None,
    })
}
