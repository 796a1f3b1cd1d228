//! Building and running tests with nextest.

use std::process::{Command, Stdio};

use anyhow::Context;

use super::junit::{self, Suite};
use crate::cluster::Cluster;
use crate::{tools, workspace};

/// The profile of cargo that all tests are built in, so that their dependencies are compiled once: the simulated world needs
/// quick code.
pub const PROFILE: &str = "fast";

/// What is built and run.
///
/// Always of the whole workspace: cargo builds the dependencies of a single package with fewer features, and so a second time.
pub struct Selection {
    /// A profile of `.config/nextest.toml`.
    pub profile: &'static str,
    /// The programs, as cargo is asked for them.
    pub programs: Vec<&'static str>,
    /// Of their tests these, in nextest's language for sets of tests.
    pub filter: Option<String>,
}

/// What came of a run.
pub(super) struct Ran {
    pub(super) suites: Vec<Suite>,
    /// Every test that was to run has passed.
    pub(super) success: bool,
}

impl Selection {
    pub(super) fn build(&self) -> anyhow::Result<()> {
        workspace::run(self.command()?.arg("--no-run"))
    }

    pub(super) fn run(&self, cluster: Option<&Cluster>) -> anyhow::Result<Ran> {
        // Nextest writes it here wherever the target folder is.
        let report = workspace::root().join("target/nextest").join(self.profile).join("junit.xml");
        // A report of an earlier run would be taken for this one's, if this one does not come to its end.
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

    /// The command that runs it, on a cluster if it needs one.
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
