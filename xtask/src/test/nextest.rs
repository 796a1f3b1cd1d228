//! Builds and runs tests with nextest.

use std::process::{Command, Stdio};

use anyhow::Context;

use super::junit::{self, Suite};
use crate::cluster::Cluster;
use crate::{tools, workspace};

/// The profile of cargo that all tests are built in, so that their dependencies are compiled once: the simulated world needs
/// quick code.
pub const PROFILE: &str = "fast";

/// The tests of one run.
///
/// Always of the whole workspace: cargo builds the dependencies of a single package with fewer features, and so a second time.
pub struct Selection {
    /// A profile of `.config/nextest.toml`.
    pub profile: &'static str,
    /// The programs, as arguments of cargo.
    pub programs: Vec<&'static str>,
    /// A filter expression of nextest for their tests.
    pub filter: Option<String>,
}

/// The result of a run.
pub(super) struct Ran {
    pub(super) suites: Vec<Suite>,
    /// All selected tests have passed.
    pub(super) success: bool,
}

impl Selection {
    pub(super) fn build(&self) -> anyhow::Result<()> {
        workspace::run(self.command()?.arg("--no-run"))
    }

    pub(super) fn run(&self, cluster: Option<&Cluster>) -> anyhow::Result<Ran> {
        // Nextest always writes it here, whatever the target folder is.
        let report = workspace::root().join("target/nextest").join(self.profile).join("junit.xml");
        // If this run is aborted, the report of an earlier run must not be taken for its report.
        match std::fs::remove_file(&report) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("failed to remove the report of an earlier run");
            }
            Ok(()) | Err(_) => {}
        }
        let success = self.on(cluster)?.status().context("failed to start nextest")?.success();
        let text =
            std::fs::read_to_string(&report).context("the tests did not run to their end")?;
        Ok(Ran { suites: junit::read(&text)?, success })
    }

    /// The command of this run, with the environment of the cluster if it needs one.
    pub fn on(&self, cluster: Option<&Cluster>) -> anyhow::Result<Command> {
        let mut command = self.command()?;
        if let Some(filter) = &self.filter {
            command.args(["--filterset", filter]);
        }
        if let Some(cluster) = cluster {
            cluster.environment(&mut command);
        }
        Ok(command)
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(tools::NEXTEST.install()?);
        command.current_dir(workspace::root()).stdin(Stdio::null());
        command.args(["nextest", "run", "--workspace", "--cargo-profile", PROFILE]);
        command.args(["--profile", self.profile]);
        command.args(&self.programs);
        Ok(command)
    }
}
