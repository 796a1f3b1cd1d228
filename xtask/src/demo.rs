//! The demonstration: a stateful Flink job under the operator on a real Kubernetes, and an account of how it got there.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cluster::{Cluster, Rig, eventually};
use crate::{e2e, image, tools, workspace};

/// The demonstration's resource: see examples/demo.yaml.
const NAME: &str = "counter";
const NAMESPACE: &str = "default";

/// A fresh TaskManager takes 20 to 45 s on two busy cores; ten times that is a failure.
const RUNNING_WITHIN: Duration = Duration::from_secs(420);

/// One line of the account.
struct Step {
    what: String,
    took: Duration,
    made: String,
}

pub fn up() -> anyhow::Result<()> {
    let mut account = Vec::new();
    let mut step = |what: &str, made: String, began: Instant| {
        println!("==> {what}: {:.1} s", began.elapsed().as_secs_f32());
        account.push(Step { what: what.to_owned(), took: began.elapsed(), made });
    };
    let began = Instant::now();
    tools::HELM.install()?;
    let archive = image::ensure(e2e::IMAGE)?;
    step("build the operator's image", image_size(&archive)?, began);

    let began = Instant::now();
    let rig = Rig::full();
    let cluster = rig.up("full")?;
    rig.load(&archive)?;
    step(
        "start Kubernetes",
        "API server, scheduler, kubelet, DNS, volumes; Flink 1.20.5 and 2.2.1".to_owned(),
        began,
    );

    let began = Instant::now();
    cluster.install_operator(e2e::IMAGE, &["watchNamespaces[0]=default"])?;
    step(
        "install the operator with its chart",
        "4 CRDs, Deployment, ConfigMap, roles, accounts".to_owned(),
        began,
    );

    let began = Instant::now();
    kubectl(&cluster, &["apply", "-f", &manifest()])?;
    wait_for(
        &cluster,
        "the JobManager's Deployment",
        &["get", "deployment", NAME, "-o", "name"],
        |text| !text.is_empty(),
    )?;
    let objects = objects(&cluster)?;
    step("create the FlinkDeployment", objects, began);

    let began = Instant::now();
    wait_for(
        &cluster,
        "a running job",
        &["get", "flinkdep", NAME, "-o", "jsonpath={.status.jobStatus.state}"],
        |state| state == "RUNNING",
    )?;
    step("start JobManager, TaskManager and job", pods(&cluster)?, began);

    let began = Instant::now();
    let job =
        kubectl(&cluster, &["get", "flinkdep", NAME, "-o", "jsonpath={.status.jobStatus.jobId}"])?;
    let completed = eventually(
        RUNNING_WITHIN,
        || completed_checkpoints(&cluster, &job),
        "a completed checkpoint",
    )?;
    step("complete a checkpoint", format!("{completed} so far, one every 10 s"), began);

    print(&cluster, &account)
}

pub fn down() -> anyhow::Result<()> {
    Rig::full().down(true)?;
    println!(
        "nothing of the demonstration is left but what was built, in {}",
        workspace::cache()?.display()
    );
    Ok(())
}

fn manifest() -> String {
    workspace::root().join("examples/demo.yaml").display().to_string()
}

fn kubectl(cluster: &Cluster, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = cluster.kubectl();
    command.args(["--namespace", NAMESPACE]).args(arguments);
    Ok(workspace::output(&mut command)?.trim().to_owned())
}

fn wait_for(
    cluster: &Cluster,
    what: &str,
    arguments: &[&str],
    reached: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    let mut shown = String::new();
    let outcome = eventually(
        RUNNING_WITHIN,
        || {
            tell_what_is_awaited(cluster, &mut shown);
            // Not there yet is no error here; what stays away is told by the condition.
            Ok(kubectl(cluster, arguments).ok().filter(|text| reached(text)).map(drop))
        },
        what,
    );
    if outcome.is_err() {
        bail!("{what} did not come about: {shown}");
    }
    Ok(())
}

/// The operator says what it waits for; so does this.
fn tell_what_is_awaited(cluster: &Cluster, shown: &mut String) {
    let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
    if let Ok(message) = kubectl(cluster, &["get", "flinkdep", NAME, "-o", path])
        && !message.is_empty()
        && *shown != message
    {
        println!("    {message}");
        *shown = message;
    }
}

/// Asks Flink itself, through the API server.
fn completed_checkpoints(cluster: &Cluster, job: &str) -> anyhow::Result<Option<u64>> {
    let path = format!(
        "/api/v1/namespaces/{NAMESPACE}/services/{NAME}-rest:rest/proxy/jobs/{job}/checkpoints"
    );
    let answer: Value = serde_json::from_str(&kubectl(cluster, &["get", "--raw", &path])?)?;
    Ok(answer.pointer("/counts/completed").and_then(Value::as_u64).filter(|count| *count > 0))
}

fn objects(cluster: &Cluster) -> anyhow::Result<String> {
    let names = kubectl(
        cluster,
        &["get", "deployment,service,configmap", "-l", &format!("app={NAME}"), "-o", "name"],
    )?;
    Ok(names
        .split_whitespace()
        .map(|name| name.replace(".apps", ""))
        .collect::<Vec<_>>()
        .join(", "))
}

fn pods(cluster: &Cluster) -> anyhow::Result<String> {
    let names = kubectl(cluster, &["get", "pods", "-l", &format!("app={NAME}"), "-o", "name"])?;
    Ok(names.split_whitespace().collect::<Vec<_>>().join(", "))
}

fn image_size(archive: &std::path::Path) -> anyhow::Result<String> {
    let bytes = std::fs::metadata(archive).with_context(|| archive.display().to_string())?.len();
    Ok(format!("{}: {:.1} MB, one static program", e2e::IMAGE, bytes as f64 / 1e6))
}

fn print(cluster: &Cluster, account: &[Step]) -> anyhow::Result<()> {
    println!("\nA Flink job runs under the operator. How it got there:\n");
    println!("{:>8}  {:<40} what was made", "seconds", "step");
    for step in account {
        println!("{:>8.1}  {:<40} {}", step.took.as_secs_f32(), step.what, step.made);
    }
    let total: Duration = account.iter().map(|step| step.took).sum();
    println!("{:>8.1}  in all\n", total.as_secs_f32());
    let mut shown = cluster.kubectl();
    shown.args(["--namespace", NAMESPACE, "get", "flinkdep", NAME]).stdin(Stdio::null());
    workspace::run(&mut shown)?;
    let address = kubectl(
        cluster,
        &["get", "service", &format!("{NAME}-rest"), "-o", "jsonpath={.spec.clusterIP}"],
    )?;
    let rig = "rig/rig kubectl";
    println!(
        "
Flink's web UI    http://{address}:8081 (from this machine)
kubeconfig        export KUBECONFIG={kubeconfig}

What to try next:
  {rig} describe flinkdep {NAME}                 how it is, and what happened
  {rig} explain flinkdep.spec.job                what each field means
  {rig} patch flinkdep {NAME} --type merge -p '{{\"spec\":{{\"job\":{{\"parallelism\":2}}}}}}'
                                                        a change: the job is replaced
  {rig} delete pod -l app={NAME},component=jobmanager
                                                        a failure: the job comes back from its last checkpoint
  {rig} logs -n flink-operator deploy/flink-kubernetes-operator
  {rig} delete flinkdep {NAME}                   everything goes, in the right order
  make demo-down                                        and so does all of this",
        kubeconfig = cluster.kubeconfig.display(),
    );
    Ok(())
}
