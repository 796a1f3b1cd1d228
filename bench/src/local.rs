//! The operator as a process on this machine, to measure a change without building an image.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use e2e::cluster::Cluster;
use e2e::operator::{self, Settings};

/// A running operator that watches one namespace. It is killed when this is dropped.
pub struct Local {
    process: Child,
    settings: Settings,
}

impl Local {
    /// Starts `binary` with the rights and the configuration that the chart would give it.
    ///
    /// # Errors
    ///
    /// The rights cannot be granted, or the program cannot be started.
    pub fn start(cluster: &Cluster, namespace: &str, binary: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = operator::settings(cluster, namespace, port)?;
        let folder = folder(&settings)?;
        write_configuration(&folder, port)?;
        let log = std::fs::File::create(settings.log())?;
        let process = Command::new(binary)
            .arg("run")
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .env("FLINK_CONF_DIR", &folder)
            .env("WATCH_NAMESPACES", namespace)
            .env("LOG_LEVEL", "info,kube=warn,kube_runtime=warn")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("failed to start {}", binary.display()))?;
        Ok(Self { process, settings })
    }

    /// The account's name in the audit log.
    pub fn account(&self) -> String {
        self.settings.user()
    }

    /// Whether the process still runs, and the last line of its log.
    pub fn last_words(&mut self) -> anyhow::Result<String> {
        let state = match self.process.try_wait()? {
            None => "runs".to_owned(),
            Some(status) => format!("ended with {status}"),
        };
        let log = std::fs::read_to_string(self.settings.log()).unwrap_or_default();
        Ok(format!("{state}; its last log line: {}", log.lines().last().unwrap_or_default()))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        // The file has a token.
        drop(folder(&self.settings).and_then(|folder| Ok(std::fs::remove_dir_all(folder)?)));
    }
}

/// The folder that [`operator::settings`] has made for kubeconfig, configuration and log.
fn folder(settings: &Settings) -> anyhow::Result<PathBuf> {
    let log = settings.log();
    Ok(log.parent().context("the log is in no folder")?.to_owned())
}

/// The chart's configuration. The configuration of the tests would poll Flink more often.
fn write_configuration(folder: &Path, port: u16) -> anyhow::Result<()> {
    let chart =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/flink-kubernetes-operator/conf");
    for file in std::fs::read_dir(&chart).with_context(|| chart.display().to_string())? {
        let file = file?;
        std::fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let path = folder.join("flink-conf.yaml");
    let of_chart = std::fs::read_to_string(&path)?;
    // The first two are in the chart's values.
    let text = format!(
        "{of_chart}\n\
         kubernetes.operator.reconcile.interval: 15 s\n\
         kubernetes.operator.observer.progress-check.interval: 5 s\n\
         kubernetes.operator.health.probe.port: {port}\n"
    );
    std::fs::write(&path, text)?;
    Ok(())
}
