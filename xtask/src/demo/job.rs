//! Applies a FlinkDeployment and waits until its job has completed a checkpoint.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value;

use super::account::Account;
use crate::cluster::{Cluster, eventually};
use crate::{progress, workspace};

/// A TaskManager starts in 20 to 45 s on two busy cores. After ten times that the demonstration fails.
const RUNNING_WITHIN: Duration = Duration::from_secs(420);

pub struct Job<'a> {
    pub cluster: &'a Cluster,
    pub namespace: &'a str,
    /// The FlinkDeployment.
    pub name: &'a str,
}

impl Job<'_> {
    /// Runs kubectl in the job's namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.cluster.kubectl();
        command.args(["--namespace", self.namespace]).args(arguments);
        Ok(workspace::output(&mut command)?.trim().to_owned())
    }

    pub fn run(&self, manifest: &Path, account: &mut Account) -> anyhow::Result<()> {
        let name = self.name;
        let began = Instant::now();
        self.kubectl(&["apply", "-f", &manifest.display().to_string()])?;
        let deployment = ["get", "deployment", name, "-o", "name"];
        self.wait_for("the JobManager's Deployment", &deployment, |text| !text.is_empty())?;
        account.step("create the FlinkDeployment", self.objects()?, began);

        let began = Instant::now();
        let state = ["get", "flinkdep", name, "-o", "jsonpath={.status.jobStatus.state}"];
        self.wait_for("a running job", &state, |state| state == "RUNNING")?;
        account.step("start JobManager, TaskManager and job", self.pods()?, began);

        let began = Instant::now();
        let job =
            self.kubectl(&["get", "flinkdep", name, "-o", "jsonpath={.status.jobStatus.jobId}"])?;
        let completed = eventually(
            RUNNING_WITHIN,
            || self.completed_checkpoints(&job),
            "a completed checkpoint",
        )?;
        account.step("complete a checkpoint", format!("{completed} so far"), began);
        Ok(())
    }

    /// Prints the resource as `kubectl get` shows it.
    pub fn show(&self) -> anyhow::Result<()> {
        let mut command = self.cluster.kubectl();
        command.args(["--namespace", self.namespace, "get", "flinkdep", self.name]);
        workspace::run(command.stdin(Stdio::null()))
    }

    fn wait_for(
        &self,
        what: &str,
        arguments: &[&str],
        reached: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut said = (String::new(), began);
        let outcome = eventually(
            RUNNING_WITHIN,
            || {
                let message = self.awaited().unwrap_or_default();
                if !message.is_empty() && (message != said.0 || said.1.elapsed() > progress::EVERY)
                {
                    println!("    {:.0} s: {message}", began.elapsed().as_secs_f32());
                    said = (message, Instant::now());
                }
                // The value may not exist yet. The condition says why.
                Ok(self.kubectl(arguments).ok().filter(|text| reached(text)).map(drop))
            },
            what,
        );
        if outcome.is_err() {
            bail!("{what} did not happen: {}", said.0);
        }
        Ok(())
    }

    /// The message of the operator's condition: what it waits for.
    fn awaited(&self) -> anyhow::Result<String> {
        let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
        self.kubectl(&["get", "flinkdep", self.name, "-o", path])
    }

    /// Sends a request to Flink's REST API, through the API server.
    fn completed_checkpoints(&self, job: &str) -> anyhow::Result<Option<u64>> {
        let path = format!(
            "/api/v1/namespaces/{}/services/{}-rest:rest/proxy/jobs/{job}/checkpoints",
            self.namespace, self.name
        );
        let answer: Value = serde_json::from_str(&self.kubectl(&["get", "--raw", &path])?)?;
        Ok(answer.pointer("/counts/completed").and_then(Value::as_u64).filter(|count| *count > 0))
    }

    fn objects(&self) -> anyhow::Result<String> {
        let label = format!("app={}", self.name);
        let names =
            self.kubectl(&["get", "deployment,service,configmap", "-l", &label, "-o", "name"])?;
        let names = names.split_whitespace().map(|name| name.replace(".apps", ""));
        Ok(names.collect::<Vec<_>>().join(", "))
    }

    fn pods(&self) -> anyhow::Result<String> {
        let label = format!("app={}", self.name);
        let names = self.kubectl(&["get", "pods", "-l", &label, "-o", "name"])?;
        Ok(names.split_whitespace().collect::<Vec<_>>().join(", "))
    }
}
