//! Paths of the work tree and of the cache folder, and functions to run programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The version of the whole workspace: crates, chart and image carry the same.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The root of the work tree.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// The cargo that runs this program, so that it uses the same toolchain.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The folder for build results that are kept between runs: `RIG_CACHE`, or a folder in the user's cache folder.
pub fn cache() -> anyhow::Result<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(cache) = given("RIG_CACHE") {
        return Ok(cache);
    }
    let base =
        given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache"))).context(
            "neither RIG_CACHE nor XDG_CACHE_HOME nor HOME is set: there is no place for a cache",
        )?;
    Ok(base.join("flink-kubernetes-operator"))
}

/// All files that are tracked, or new and not ignored: relative to the root, sorted.
pub fn files() -> anyhow::Result<Vec<PathBuf>> {
    let list = output(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root()),
    )?;
    let mut files: Vec<PathBuf> = list
        .split_terminator('\0')
        .map(PathBuf::from)
        .filter(|file| root().join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Runs a program with this process's standard output and standard error.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("failed to start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and returns its standard output. If it fails, the error contains its standard error.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}\n{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("the output of {} is not UTF-8", shown(command)))
}

/// The command as typed in a shell.
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}
