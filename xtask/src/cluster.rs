//! A cluster to test or show the operator on: the rig of this repository, or one that a kubeconfig names.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::{tools, workspace};

/// Namespace and name of the operator's release on the rig.
pub const OPERATOR_NAMESPACE: &str = "flink-operator";
const RELEASE: &str = "flink-kubernetes-operator";

/// A Kubernetes cluster of the rig.
pub struct Rig {
    name: Option<&'static str>,
    /// The Flink versions to build images of, if not all.
    flink: Option<&'static str>,
}

/// Installs kubectl and helm, unless that has been done.
pub fn install_clients() -> anyhow::Result<()> {
    workspace::run(Rig::full().command().args(["install", "clients"]))
}

impl Rig {
    /// The full node: the rig without a name.
    pub const fn full() -> Self {
        Self { name: None, flink: None }
    }

    /// A control plane that runs beside others.
    pub const fn named(name: &'static str) -> Self {
        Self { name: Some(name), flink: None }
    }

    /// The full node, with images of one version of Flink.
    pub const fn with_flink(version: &'static str) -> Self {
        Self { name: None, flink: Some(version) }
    }

    /// What has to be installed and built before this can start: each part with the seconds that one processor takes.
    pub fn missing(&self, variant: &str) -> anyhow::Result<Vec<(u32, String)>> {
        let listed = workspace::output(self.command().args(["plan", variant]))?;
        let part = |line: &str| {
            let (seconds, what) = line.split_once(' ')?;
            Some((seconds.parse().ok()?, what.to_owned()))
        };
        listed
            .lines()
            .map(|line| part(line).with_context(|| format!("{line:?} is no part of a plan")))
            .collect()
    }

    pub fn install(&self, variant: &str) -> anyhow::Result<()> {
        workspace::run(self.command().args(["install", variant]))
    }

    pub fn up(&self, variant: &str) -> anyhow::Result<Cluster> {
        workspace::run(self.command().args(["up", variant]))?;
        let kubeconfig = workspace::output(self.command().arg("kubeconfig"))?;
        let audit_log = workspace::output(self.command().arg("auditlog"))?;
        Ok(Cluster {
            kubeconfig: PathBuf::from(kubeconfig.trim()),
            audit_log: Some(PathBuf::from(audit_log.trim())),
        })
    }

    pub fn down(&self, wipe: bool) -> anyhow::Result<()> {
        let mut command = self.command();
        command.arg("down");
        if wipe {
            command.arg("--wipe");
        }
        workspace::run(&mut command)
    }

    pub fn is_up(&self) -> bool {
        self.command().arg("status").output().is_ok_and(|output| output.status.success())
    }

    pub fn load(&self, image: &Path) -> anyhow::Result<()> {
        workspace::run(self.command().arg("load").arg(image))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(workspace::root().join("rig/rig"));
        if let Some(name) = self.name {
            command.args(["--name", name]);
        }
        if let Some(version) = self.flink {
            command.env("FLINK_VERSIONS", version);
        }
        command
    }
}

/// A cluster, and how to reach it.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub kubeconfig: PathBuf,
    /// The API server's audit log, to count requests. Only a rig has one.
    pub audit_log: Option<PathBuf>,
}

impl Cluster {
    /// The cluster of a kubeconfig that the caller names.
    pub const fn of(kubeconfig: PathBuf) -> Self {
        Self { kubeconfig, audit_log: None }
    }

    /// Sets the environment variables by which tests find the cluster.
    pub fn environment(&self, command: &mut Command) {
        command.env("KUBECONFIG", &self.kubeconfig);
        if let Some(log) = &self.audit_log {
            command.env("AUDIT_LOG", log);
        }
    }

    /// The kubectl that was installed for the rig, else the one on the path.
    pub fn kubectl(&self) -> Command {
        let mut command = match tools::KUBECTL.installed() {
            Ok(program) => Command::new(program),
            Err(_) => Command::new("kubectl"),
        };
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command
    }

    /// Creates an object.
    pub fn create(&self, object: &Value) -> anyhow::Result<()> {
        let mut child = self
            .kubectl()
            .args(["create", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .context("failed to start kubectl")?;
        let mut pipe = child.stdin.take().context("kubectl takes no input")?;
        pipe.write_all(object.to_string().as_bytes())?;
        drop(pipe);
        anyhow::ensure!(child.wait()?.success(), "kubectl did not create {object}");
        Ok(())
    }

    /// Applies the chart's custom resource definitions, because `helm upgrade` does not update them.
    pub fn apply_definitions(&self) -> anyhow::Result<()> {
        workspace::run(
            self.kubectl()
                .args(["apply", "--server-side", "--force-conflicts", "-f"])
                .arg(workspace::root().join("charts/flink-kubernetes-operator/crds")),
        )
    }

    /// Installs the operator with the chart of this repository, or upgrades it, and waits until it is ready.
    pub fn install_operator(
        &self,
        namespace: &str,
        image: &str,
        values: &[&str],
    ) -> anyhow::Result<()> {
        let (repository, tag) = image.rsplit_once(':').context("the image has no tag")?;
        let mut helm = Command::new(tools::HELM.installed()?);
        helm.arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["upgrade", "--install", RELEASE])
            .arg(workspace::root().join("charts/flink-kubernetes-operator"))
            .args(["--namespace", namespace, "--create-namespace", "--skip-crds"])
            .args(["--wait", "--timeout", "3m"])
            .args(["--set", &format!("image.repository={repository}")])
            .args(["--set-string", &format!("image.tag={tag}")]);
        for value in values {
            helm.args(["--set-string", value]);
        }
        workspace::output(&mut helm).map(drop)
    }

    pub fn uninstall_operator(&self, namespace: &str) -> anyhow::Result<()> {
        let mut helm = Command::new(tools::HELM.installed()?);
        helm.arg("--kubeconfig").arg(&self.kubeconfig).args([
            "uninstall",
            RELEASE,
            "--namespace",
            namespace,
            "--ignore-not-found",
            "--wait",
        ]);
        workspace::output(&mut helm).map(drop)
    }
}

/// Repeats an attempt until it succeeds. Returns the last error if it does not succeed in time.
pub fn eventually<T>(
    limit: Duration,
    mut attempt: impl FnMut() -> anyhow::Result<Option<T>>,
    what: &str,
) -> anyhow::Result<T> {
    let began = std::time::Instant::now();
    loop {
        let outcome = attempt();
        if let Ok(Some(value)) = outcome {
            return Ok(value);
        }
        if began.elapsed() > limit {
            outcome?;
            anyhow::bail!("{what}: not within {limit:?}");
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
