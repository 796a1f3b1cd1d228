//! A cluster to test or show the operator on: the rig of this repository, or one that a kubeconfig names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::{tools, workspace};

/// Namespace and name of the operator's release.
pub const OPERATOR_NAMESPACE: &str = "flink-operator";
const RELEASE: &str = "flink-kubernetes-operator";

/// A Kubernetes of the rig.
pub struct Rig {
    name: Option<&'static str>,
}

impl Rig {
    /// The full node: the rig without a name.
    pub const fn full() -> Self {
        Self { name: None }
    }

    /// A control plane of its own, beside others.
    pub const fn named(name: &'static str) -> Self {
        Self { name: Some(name) }
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
        command
    }
}

/// A cluster and what is known of it.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub kubeconfig: PathBuf,
    /// The API server's audit log, which requests are counted from. Only the rig has one that can be read.
    pub audit_log: Option<PathBuf>,
}

impl Cluster {
    /// The cluster of a kubeconfig that the caller names.
    pub const fn of(kubeconfig: PathBuf) -> Self {
        Self { kubeconfig, audit_log: None }
    }

    /// The environment that tests find the cluster by.
    pub fn environment(&self, command: &mut Command) {
        command.env("KUBECONFIG", &self.kubeconfig);
        if let Some(log) = &self.audit_log {
            command.env("AUDIT_LOG", log);
        }
    }

    pub fn kubectl(&self) -> Command {
        let built = workspace::cache().map(|cache| cache.join("bin/kube-full")).ok();
        let mut command = match built.filter(|program| program.is_file()) {
            Some(program) => {
                let mut command = Command::new(program);
                command.arg("kubectl");
                command
            }
            None => Command::new("kubectl"),
        };
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command
    }

    /// Installs the operator with the chart of this repository, or upgrades it, and waits until it is ready.
    pub fn install_operator(&self, image: &str, values: &[&str]) -> anyhow::Result<()> {
        // `helm upgrade` leaves the definitions alone; applying them first keeps them as new as the operator.
        workspace::run(
            self.kubectl()
                .args(["apply", "--server-side", "--force-conflicts", "-f"])
                .arg(workspace::root().join("charts/flink-kubernetes-operator/crds")),
        )?;
        let (repository, tag) = image.rsplit_once(':').context("the image has no tag")?;
        let mut helm = Command::new(tools::HELM.installed()?);
        helm.arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["upgrade", "--install", RELEASE])
            .arg(workspace::root().join("charts/flink-kubernetes-operator"))
            .args(["--namespace", OPERATOR_NAMESPACE, "--create-namespace", "--skip-crds"])
            .args(["--wait", "--timeout", "3m"])
            .args(["--set", &format!("image.repository={repository}")])
            .args(["--set-string", &format!("image.tag={tag}")]);
        for value in values {
            helm.args(["--set-string", value]);
        }
        workspace::output(&mut helm).map(drop)
    }

    pub fn uninstall_operator(&self) -> anyhow::Result<()> {
        let mut helm = Command::new(tools::HELM.installed()?);
        helm.arg("--kubeconfig").arg(&self.kubeconfig).args([
            "uninstall",
            RELEASE,
            "--namespace",
            OPERATOR_NAMESPACE,
            "--ignore-not-found",
            "--wait",
        ]);
        workspace::output(&mut helm).map(drop)
    }
}

/// Tries until it works, or says what stood in the way when the time was over.
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
            anyhow::bail!("{what} did not come about within {limit:?}");
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
