//! Tests with real Flink clusters: on the rig, or on the cluster of `KUBECONFIG`.

use std::path::PathBuf;

use crate::cluster::{Cluster, OPERATOR_NAMESPACE, Rig};
use crate::image::Local;
use crate::test::nextest::{self, Selection};
use crate::workspace;

/// The test programs of the package `e2e` that need pods to run.
const PROGRAMS: [&str; 6] = ["flink", "kills", "operations", "recovery", "trouble", "upgrades"];

/// All of their tests.
pub fn selection() -> Selection {
    let programs = PROGRAMS.iter().flat_map(|program| ["--test", *program]).collect();
    Selection { profile: "e2e", programs, filter: None }
}

#[derive(clap::Args)]
pub struct Options {
    /// The cluster to test on. Without it the rig is started. The nodes of this cluster must have the operator's image
    /// (`make image`) and the Flink images of the tests.
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// The operator's image on this cluster.
    #[arg(long, env = "E2E_IMAGE", default_value = "flink-kubernetes-operator:e2e")]
    image: String,
    /// Only tests whose name contains this.
    #[arg(default_value = "")]
    filter: String,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let elsewhere = options.kubeconfig.clone().map(|path| (path, options.image.as_str()));
    operator_binary()?;
    let prepared = prepared(elsewhere)?;
    let mut command = selection().on(Some(&prepared.cluster))?;
    if !options.filter.is_empty() {
        command.arg(&options.filter);
    }
    let tested = workspace::run(&mut command);
    prepared.finish()?;
    tested
}

/// Builds the operator for the tests that run it as a process on this machine.
///
/// The build names the whole workspace and a test, so that the dependencies have the same features as in the tests. Otherwise
/// cargo would build them again.
pub fn operator_binary() -> anyhow::Result<()> {
    workspace::run(
        workspace::cargo()
            .args(["build", "--quiet", "--workspace", "--profile", nextest::PROFILE])
            .args(["--bin", "flink-kubernetes-operator", "--test", "api_server"]),
    )
}

/// A cluster with the operator on it.
pub struct Prepared {
    pub cluster: Cluster,
    /// The rig was started for this and is stopped after it.
    rig: Option<Rig>,
}

impl Prepared {
    pub fn finish(self) -> anyhow::Result<()> {
        self.cluster.uninstall_operator(OPERATOR_NAMESPACE)?;
        match self.rig {
            Some(rig) => rig.down(false),
            None => Ok(()),
        }
    }
}

/// Starts a cluster if needed, and installs the operator of this tree with its chart.
pub fn prepared(elsewhere: Option<(PathBuf, &str)>) -> anyhow::Result<Prepared> {
    if let Some((kubeconfig, image)) = elsewhere {
        let cluster = Cluster::of(kubeconfig);
        cluster.apply_definitions()?;
        cluster.install_operator(OPERATOR_NAMESPACE, image, &[])?;
        return Ok(Prepared { cluster, rig: None });
    }
    let archive = Local::Tested.ensure()?;
    let rig = Rig::full();
    let was_up = rig.is_up();
    let cluster = rig.up("full")?;
    rig.load(&archive)?;
    // A pod from an earlier run has the old program under the same image name, so the Deployment is restarted.
    cluster.apply_definitions()?;
    cluster.install_operator(
        OPERATOR_NAMESPACE,
        &Local::Tested.name(),
        &["operatorPod.annotations.e2e=installed"],
    )?;
    workspace::output(cluster.kubectl().args([
        "--namespace",
        OPERATOR_NAMESPACE,
        "rollout",
        "restart",
        "deployment",
        "flink-kubernetes-operator",
    ]))?;
    workspace::output(cluster.kubectl().args([
        "--namespace",
        OPERATOR_NAMESPACE,
        "rollout",
        "status",
        "deployment",
        "flink-kubernetes-operator",
        "--timeout=120s",
    ]))?;
    Ok(Prepared { cluster, rig: (!was_up).then_some(rig) })
}
