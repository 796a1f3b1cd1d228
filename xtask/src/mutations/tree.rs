//! The copy of the work tree that faults are inserted into. The work tree itself is never changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Mutation;
use crate::workspace;

/// A copy of the work tree, and its target folder. Both are kept for the next run.
pub(super) struct Tree {
    root: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// Updates the copy. An unchanged file keeps its modification time, so that cargo only compiles what has changed. A file
    /// in which an interrupted run has left a fault is replaced.
    pub(super) fn prepare() -> anyhow::Result<Self> {
        let folder = target_folder().join("mutations");
        let tree = Self { root: folder.join("tree"), target: folder.join("target") };
        let files = workspace::files()?;
        for file in &files {
            copy_if_changed(&workspace::root().join(file), &tree.root.join(file))?;
        }
        let wanted: BTreeSet<PathBuf> = files.into_iter().collect();
        remove_others(&tree.root, &tree.root, &wanted)?;
        Ok(tree)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// The file before and after the fault.
    pub(super) fn text_with(&self, mutation: &Mutation) -> anyhow::Result<(String, String)> {
        texts(&self.root, mutation)
    }

    /// Inserts the fault into its file, and returns the file's previous text.
    pub(super) fn apply(&self, mutation: &Mutation) -> anyhow::Result<String> {
        let (whole, faulty) = self.text_with(mutation)?;
        self.write(mutation, &faulty)?;
        Ok(whole)
    }

    pub(super) fn restore(&self, mutation: &Mutation, whole: &str) -> anyhow::Result<()> {
        self.write(mutation, whole)
    }

    /// A written file is newer than the build results, so cargo builds it again.
    fn write(&self, mutation: &Mutation, text: &str) -> anyhow::Result<()> {
        let path = self.root.join(mutation.file);
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }
}

/// The text of the fault's file below `root`, without and with the fault.
pub(super) fn texts(root: &Path, mutation: &Mutation) -> anyhow::Result<(String, String)> {
    let Mutation { name, file, find, replace, .. } = mutation;
    let whole =
        std::fs::read_to_string(root.join(file)).with_context(|| format!("{name}: {file}"))?;
    match whole.matches(find).count() {
        1 => {}
        0 => bail!("{name}: {file} does not have the text that is to be replaced:\n{find}"),
        times => bail!("{name}: {file} has the text {times} times:\n{find}"),
    }
    let faulty = whole.replacen(find, replace, 1);
    if faulty == whole {
        bail!("{name}: nothing is replaced");
    }
    Ok((whole, faulty))
}

fn target_folder() -> PathBuf {
    let given = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    given.map_or_else(|| workspace::root().join("target"), |folder| workspace::root().join(folder))
}

fn copy_if_changed(from: &Path, to: &Path) -> anyhow::Result<()> {
    let wanted =
        std::fs::read(from).with_context(|| format!("failed to read {}", from.display()))?;
    if std::fs::read(to).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    let folder = to.parent().unwrap_or(to);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(to, wanted))
        .with_context(|| format!("failed to write {}", to.display()))
}

/// Removes files that are no longer in the work tree, or that a failing test has written.
fn remove_others(folder: &Path, root: &Path, wanted: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, root, wanted)?;
        } else if !path.strip_prefix(root).is_ok_and(|file| wanted.contains(file)) {
            std::fs::remove_file(&path)
                .with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    Ok(())
}
