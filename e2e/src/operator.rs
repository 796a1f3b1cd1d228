//! The operator as a process on this machine, so that a test can kill it at any moment.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use crate::cluster::Cluster;

/// A running operator. Dropping this kills it.
pub struct Operator {
    child: Child,
}

/// The settings to start an operator.
#[derive(Clone, Debug)]
pub struct Settings {
    kubeconfig: PathBuf,
    conf_dir: PathBuf,
    namespace: String,
    port: u16,
}

/// Prepares an operator that watches one namespace, with a service account that has exactly the rights of the chart.
///
/// # Errors
///
/// The chart's rights cannot be read or granted.
pub fn settings(cluster: &Cluster, namespace: &str, port: u16) -> anyhow::Result<Settings> {
    let conf_dir = std::env::temp_dir().join(format!("{namespace}-operator"));
    std::fs::create_dir_all(&conf_dir)?;
    std::fs::write(
        conf_dir.join("flink-conf.yaml"),
        format!(
            "kubernetes.operator.reconcile.interval: 2 s\n\
             kubernetes.operator.observer.progress-check.interval: 1 s\n\
             kubernetes.operator.retry.initial.interval: 1 s\n\
             kubernetes.operator.health.probe.port: {port}\n"
        ),
    )?;
    let kubeconfig = conf_dir.join("kubeconfig");
    std::fs::write(&kubeconfig, kubeconfig_of(cluster, namespace)?)?;
    Ok(Settings { kubeconfig, conf_dir, namespace: namespace.to_owned(), port })
}

/// A free port.
///
/// # Errors
///
/// There is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The rights that the chart grants the operator in a namespace.
fn rules_of_chart() -> anyhow::Result<serde_json::Value> {
    let path = root().join("charts/flink-kubernetes-operator/templates/rbac/_rules.tpl");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let rules = text
        .split_once("{{- define \"operator.rules\" -}}")
        .and_then(|(_, rest)| rest.split_once("{{- end -}}"))
        .context("the chart defines no operator.rules")?
        .0;
    serde_saphyr::from_str(rules).map_err(|error| anyhow::anyhow!("operator.rules: {error}"))
}

/// Creates the service account and its rights, and a kubeconfig with its token.
fn kubeconfig_of(cluster: &Cluster, namespace: &str) -> anyhow::Result<String> {
    let rules = rules_of_chart()?;
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator", "namespace": namespace}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
         "metadata": {"name": "operator", "namespace": namespace}, "rules": rules},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
         "metadata": {"name": "operator", "namespace": namespace},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"},
         "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": namespace}]},
    ]});
    cluster.kubectl(&["apply", "-f", "-"], Some(&objects.to_string()))?;
    let token = cluster
        .kubectl(&["create", "token", "operator", "-n", namespace, "--duration=2h"], None)?;
    let flat = cluster.kubectl(&["config", "view", "--raw", "--minify", "-o", "json"], None)?;
    let mut config: serde_json::Value = serde_json::from_str(&flat)?;
    let user = config.pointer_mut("/users/0/user").context("the kubeconfig has no user")?;
    *user = json!({"token": token.trim()});
    Ok(config.to_string())
}

impl Settings {
    /// The service account's name in the audit log.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:operator", self.namespace)
    }

    /// Starts the operator of this tree.
    pub fn start(&self) -> anyhow::Result<Operator> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = Command::new(binary()?)
            .arg("run")
            .env("KUBECONFIG", &self.kubeconfig)
            .env("FLINK_CONF_DIR", &self.conf_dir)
            .env("WATCH_NAMESPACES", &self.namespace)
            .env("LOG_LEVEL", "info")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("failed to start the operator")?;
        Ok(Operator { child })
    }

    pub fn log(&self) -> PathBuf {
        self.conf_dir.join("operator.log")
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Operator {
    /// Kills it, like a node failure: it does nothing more.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal to stop, and waits.
    ///
    /// # Errors
    ///
    /// It does not stop in time, or its exit status is not 0.
    pub fn terminate(mut self) -> anyhow::Result<Duration> {
        let began = std::time::Instant::now();
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status()?;
        anyhow::ensure!(asked.success(), "the process {pid} cannot be signalled");
        while began.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "the operator ended with {status}");
                return Ok(began.elapsed());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        bail!("the operator did not stop within 20 s")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Scales the installed operator to zero as long as one of these exists, because two operators must not manage the same
/// resource. Tests that run in parallel have one each.
pub struct Paused {
    cluster: Cluster,
    /// A shared lock of all that exist. The one that can lock it exclusively is the last.
    lock: File,
}

const INSTALLED: &str = "app.kubernetes.io/name=flink-kubernetes-operator";

/// The annotation with the number of replicas before the pause.
const REPLICAS: &str = "e2e/replicas";

/// Scales the installed operator to zero, and waits for the end of its pods.
///
/// # Errors
///
/// They do not end in time.
pub fn pause(cluster: &Cluster) -> anyhow::Result<Paused> {
    let lock = File::create(std::env::temp_dir().join("flink-operator-is-paused"))?;
    lock.lock_shared()?;
    let paused = Paused { cluster: cluster.clone(), lock };
    for (namespace, name, replicas) in paused.deployments("{.spec.replicas}")? {
        let deployment = format!("deployment/{name}");
        if replicas != "0" {
            let note = format!("{REPLICAS}={replicas}");
            cluster.kubectl(
                &["annotate", "-n", &namespace, &deployment, "--overwrite", &note],
                None,
            )?;
            cluster.kubectl(&["scale", "-n", &namespace, &deployment, "--replicas=0"], None)?;
        }
        let wait =
            ["wait", "-n", &namespace, "pods", "-l", INSTALLED, "--for=delete", "--timeout=60s"];
        cluster.kubectl(&wait, None)?;
    }
    Ok(paused)
}

impl Paused {
    /// Namespace, name and one field of each Deployment of an operator.
    fn deployments(&self, field: &str) -> anyhow::Result<Vec<(String, String, String)>> {
        let columns = format!(
            "jsonpath={{range .items[*]}}{{.metadata.namespace}} {{.metadata.name}} {field}{{\"\\n\"}}{{end}}"
        );
        let list = ["get", "deployments", "-A", "-l", INSTALLED, "-o", &columns];
        let listed = self.cluster.kubectl(&list, None)?;
        let read = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [namespace, name, value] => {
                Ok((namespace.to_owned(), name.to_owned(), value.to_owned()))
            }
            _ => bail!("{line:?} is not the namespace, name and {field} of a Deployment"),
        };
        listed.lines().map(read).collect()
    }

    /// Restores the number of replicas, and waits for the pods.
    fn resume(&self) -> anyhow::Result<()> {
        for (namespace, name, replicas) in
            self.deployments("{.metadata.annotations.e2e/replicas}")?
        {
            let deployment = format!("deployment/{name}");
            let replicas = format!("--replicas={replicas}");
            self.cluster.kubectl(&["scale", "-n", &namespace, &deployment, &replicas], None)?;
            let ready = ["rollout", "status", "-n", &namespace, &deployment, "--timeout=120s"];
            self.cluster.kubectl(&ready, None)?;
        }
        Ok(())
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let is_last = self.lock.unlock().is_ok() && self.lock.try_lock().is_ok();
        if is_last && let Err(error) = self.resume() {
            println!("the installed operator did not come back: {error:#}");
        }
    }
}

fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// The program that cargo built beside this test.
fn binary() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().nth(2).context("the test program is not in a target folder")?;
    let binary = folder.join("flink-kubernetes-operator");
    anyhow::ensure!(
        binary.is_file(),
        "{} is not there: cargo build -p flink-operator makes it",
        binary.display()
    );
    Ok(binary)
}
