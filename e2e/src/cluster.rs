//! Access to the cluster under test.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// The cluster under test.
#[derive(Clone)]
pub struct Cluster {
    pub client: Client,
    pub kubeconfig: PathBuf,
    pub audit_log: Option<PathBuf>,
}

impl Cluster {
    /// Connects to the cluster of `KUBECONFIG`.
    ///
    /// # Errors
    ///
    /// The variable is not set, or the API server does not respond.
    pub async fn connect() -> anyhow::Result<Self> {
        // Another test of the same program may have installed it already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let kubeconfig = std::env::var_os("KUBECONFIG")
            .map(PathBuf::from)
            .context("KUBECONFIG is not set: it names the cluster that this test runs on (`make test` starts one)")?;
        let read = Kubeconfig::read_from(&kubeconfig)?;
        let config =
            kube::Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        client
            .apiserver_version()
            .await
            .context("the API server of KUBECONFIG does not respond")?;
        Ok(Self { client, kubeconfig, audit_log: std::env::var_os("AUDIT_LOG").map(PathBuf::from) })
    }

    /// Runs kubectl, as a user does.
    ///
    /// # Errors
    ///
    /// kubectl fails; the error has its standard error.
    pub fn kubectl(&self, arguments: &[&str], stdin: Option<&str>) -> anyhow::Result<String> {
        use std::io::Write as _;
        use std::process::Stdio;
        let mut command = kubectl();
        command.env("KUBECONFIG", &self.kubeconfig).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("failed to start kubectl")?;
        let mut pipe = child.stdin.take().context("kubectl takes no input")?;
        pipe.write_all(stdin.unwrap_or_default().as_bytes())?;
        drop(pipe);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// The kubectl of the rig, or else the one on the path.
fn kubectl() -> Command {
    let cache = std::env::var_os("RIG_CACHE").map(PathBuf::from).or_else(|| {
        let base = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
        Some(base.join("flink-kubernetes-operator"))
    });
    let installed =
        cache.map(|cache| cache.join("bin/kubectl")).filter(|program| program.is_file());
    Command::new(installed.unwrap_or_else(|| PathBuf::from("kubectl")))
}
