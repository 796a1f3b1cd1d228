//! What no compiler checks: which crate and which file may use which, files and links, workflows, licences.

mod circles;
mod edges;
mod examples;
mod file_column;
mod modules;
mod one_writer;
mod source;
mod tidy;

use std::fmt;
use std::process::Command;

use anyhow::bail;

use crate::{tools, workspace};

/// Something to mend, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    place: String,
    what: String,
}

impl Fault {
    fn new(place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self { place: place.to_string(), what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

pub fn run() -> anyhow::Result<()> {
    let mut faults = edges::faults()?;
    faults.extend(modules::faults()?);
    faults.extend(circles::faults()?);
    faults.extend(one_writer::faults()?);
    faults.extend(tidy::faults()?);
    faults.extend(file_column::faults()?);
    faults.extend(examples::faults()?);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} faults", faults.len());
    }
    println!("dependency edges, modules, imports, files, links and examples are in order");
    workflows()?;
    dependencies()
}

/// Checks the workflows where actionlint can be had, which takes Go and a module proxy.
fn workflows() -> anyhow::Result<()> {
    match tools::ACTIONLINT.install() {
        Ok(actionlint) => {
            workspace::run(Command::new(actionlint).current_dir(workspace::root()))?;
            println!("the workflows are in order");
        }
        Err(error) => {
            eprintln!("NOT CHECKED: the workflows, for there is no actionlint: {error:#}")
        }
    }
    Ok(())
}

/// Holds the dependencies against deny.toml where cargo-deny is installed; building it takes many minutes.
fn dependencies() -> anyhow::Result<()> {
    let present = workspace::output(workspace::cargo().args(["deny", "--version"])).is_ok();
    if !present {
        eprintln!("NOT CHECKED: deny.toml, for there is no cargo-deny");
        return Ok(());
    }
    workspace::run(workspace::cargo().args([
        "deny",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}
