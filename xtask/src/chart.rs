//! Lints the Helm chart, renders it with several sets of values, and checks the objects.

mod rules;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::tools;
use crate::workspace;

const CHART: &str = "charts/flink-kubernetes-operator";

/// Release and namespace for rendering. Most installations have the same.
const RELEASE: &str = "flink-operator";

pub fn run() -> anyhow::Result<()> {
    let helm = tools::HELM.install()?;
    workspace::run(
        Command::new(helm).args(["lint", "--strict", CHART]).current_dir(workspace::root()),
    )?;
    let mut count = 0;
    for file in value_files()? {
        let values = std::fs::read_to_string(&file)
            .with_context(|| format!("failed to read {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().display();
        let objects = render(&values).with_context(|| name.to_string())?;
        println!("{name}: {} objects", objects.len());
        for fault in rules::faults(&objects) {
            eprintln!("{name}: {fault}");
            count += 1;
        }
    }
    if count > 0 {
        bail!("{count} faults in the rendered chart");
    }
    check_rights()
}

/// Compares the rights that the chart grants with the reviewed table: a difference changes what the operator may do in
/// users' clusters.
fn check_rights() -> anyhow::Result<()> {
    let mut table = rules::table_of_rights(&render("{}")?);
    table.push_str("\n# watchNamespaces: [team-a]\n");
    table.push_str(&rules::table_of_rights(&render("watchNamespaces: [team-a]")?));
    if table != include_str!("chart/rights.txt") {
        bail!(
            "the rights have changed; if that is meant, xtask/src/chart/rights.txt becomes:\n{table}"
        );
    }
    Ok(())
}

/// Sets of values, each for one kind of installation. Helm's chart-testing reads the same folder.
fn value_files() -> anyhow::Result<Vec<PathBuf>> {
    let folder = workspace::root().join(CHART).join("ci");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("failed to read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    if files.is_empty() {
        bail!("{} has no values to render the chart with", folder.display());
    }
    Ok(files)
}

/// Renders the chart with these values (YAML or JSON), without the custom resource definitions.
fn render(values: &str) -> anyhow::Result<Vec<Value>> {
    let mut helm = Command::new(tools::HELM.installed()?)
        .args([
            "template",
            RELEASE,
            CHART,
            "--namespace",
            RELEASE,
            "--kube-version",
            "1.34.0",
            "--values",
            "-",
        ])
        .current_dir(workspace::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start helm")?;
    // Helm reads all of its input before it writes, so neither side waits for the other.
    helm.stdin.take().context("helm has no standard input")?.write_all(values.as_bytes())?;
    let output = helm.wait_with_output().context("failed to wait for helm")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout).context("helm's output is not UTF-8")?;
    serde_saphyr::from_multiple(&text).context("helm's output is not YAML")
}

#[cfg(test)]
mod tests;
