//! The demonstration on an existing cluster: in its own namespace, and removed completely by `demo-down`.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::account::Account;
use super::job::Job;
use super::provider::Provider;
use crate::cluster::{self, Cluster};
use crate::image::Local;
use crate::workspace;

/// The namespace of the operator and the job.
const NAMESPACE: &str = "flink-demo";

/// The oldest Kubernetes that the chart supports: 1.31.
const OLDEST_MINOR: u32 = 31;

/// The label of a namespace that the demonstration created. Other namespaces are not deleted.
const OURS: (&str, &str) = ("app.kubernetes.io/managed-by", "flink-kubernetes-operator-demo");

/// The annotation of the namespace that says that the demonstration created the custom resource definitions.
const DEFINITIONS_ARE_OURS: &str = "flink-kubernetes-operator-demo/definitions";

const DEFINITIONS: [&str; 4] = [
    "flinkdeployments.flink.apache.org",
    "flinksessionjobs.flink.apache.org",
    "flinkstatesnapshots.flink.apache.org",
    "flinkbluegreendeployments.flink.apache.org",
];

/// Rights that the user of the kubeconfig needs.
const RIGHTS: [(&str, &str); 5] = [
    ("create", "namespaces"),
    ("create", "customresourcedefinitions.apiextensions.k8s.io"),
    ("list", "nodes"),
    ("list", "deployments.apps"),
    ("create", "rolebindings.rbac.authorization.k8s.io"),
];

pub fn up(kubeconfig: &Path, image: Option<&str>) -> anyhow::Result<()> {
    let cluster = reached(kubeconfig)?;
    let outcome = show(&cluster, image);
    if outcome.is_err() && is_ours(&cluster)? {
        eprintln!(
            "\nTo remove what was created so far: make demo-down KUBECONFIG={}",
            kubeconfig.display()
        );
    }
    outcome
}

fn show(cluster: &Cluster, image: Option<&str>) -> anyhow::Result<()> {
    let mut account = Account::new();
    let began = Instant::now();
    let version = check(cluster)?;
    account.step("check the cluster", format!("Kubernetes {version}"), began);

    let began = Instant::now();
    let image = match image {
        Some(image) => image.to_owned(),
        None => {
            let provider = Provider::of(cluster)?;
            let archive = Local::Shown.ensure()?;
            provider.load(&archive)?;
            account.step("build and load the operator's image", Local::Shown.name(), began);
            Local::Shown.name()
        }
    };

    let began = Instant::now();
    let made = install(cluster, &image)?;
    account.step("install the operator with its chart", made, began);

    let job = Job { cluster, namespace: NAMESPACE, name: "state-machine" };
    job.run(&workspace::root().join("examples/demo-any-cluster.yaml"), &mut account)?;
    account.print();
    job.show()?;
    let name = job.name;
    let kubeconfig = cluster.kubeconfig.display();
    println!(
        "
What to try next, with KUBECONFIG={kubeconfig} in the environment:
  kubectl -n {NAMESPACE} port-forward service/{name}-rest 8081     Flink's web UI, at http://localhost:8081
  kubectl -n {NAMESPACE} describe flinkdep {name}      its state and events
  kubectl -n {NAMESPACE} logs deploy/flink-kubernetes-operator
  make demo-down KUBECONFIG={kubeconfig}                 removes the demonstration and its namespace"
    );
    Ok(())
}

pub fn down(kubeconfig: &Path) -> anyhow::Result<()> {
    let cluster = reached(kubeconfig)?;
    let Some(namespace) = namespace(&cluster)? else {
        println!("there is no namespace {NAMESPACE}: nothing to remove");
        return Ok(());
    };
    if !has_label(&namespace) {
        bail!(
            "the namespace {NAMESPACE} was not created by the demonstration, so it is not deleted"
        );
    }
    delete_resources(&cluster)?;
    cluster.uninstall_operator(NAMESPACE)?;
    if are_definitions_ours(&namespace) {
        delete_definitions(&cluster)?;
    }
    workspace::run(cluster.kubectl().args(["delete", "namespace", NAMESPACE, "--timeout=180s"]))?;
    println!("the demonstration is removed; images stay on the cluster's nodes");
    Ok(())
}

/// The cluster of a kubeconfig, after a request to its API server.
fn reached(kubeconfig: &Path) -> anyhow::Result<Cluster> {
    if !kubeconfig.is_file() {
        bail!("the file of KUBECONFIG does not exist: {}", kubeconfig.display());
    }
    cluster::install_clients()?;
    let cluster = Cluster::of(kubeconfig.to_owned());
    workspace::output(cluster.kubectl().args([
        "get",
        "--raw",
        "/version",
        "--request-timeout=10s",
    ]))
    .with_context(|| format!("the cluster of {} does not respond", kubeconfig.display()))?;
    Ok(cluster)
}

/// Checks the conditions for the demonstration, and changes nothing. Returns the version of Kubernetes.
fn check(cluster: &Cluster) -> anyhow::Result<String> {
    let answer = workspace::output(cluster.kubectl().args(["get", "--raw", "/version"]))?;
    let version: Value = serde_json::from_str(&answer).context("/version is no JSON")?;
    let version = version.get("gitVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    if minor(&version).is_none_or(|minor| minor < OLDEST_MINOR) {
        bail!("the cluster is Kubernetes {version}; the operator needs 1.{OLDEST_MINOR} or later");
    }
    let missing: Vec<String> = RIGHTS
        .into_iter()
        .filter(|(verb, resource)| {
            let asked = ["auth", "can-i", verb, resource, "--all-namespaces", "--quiet"];
            workspace::output(cluster.kubectl().args(asked)).is_err()
        })
        .map(|(verb, resource)| format!("{verb} {resource}"))
        .collect();
    if !missing.is_empty() {
        bail!("the user of this kubeconfig may not: {}", missing.join(", "));
    }
    let list = "jsonpath={range .items[*]}{.metadata.namespace}{\"\\n\"}{end}";
    let operators = workspace::output(cluster.kubectl().args([
        "get",
        "deployments",
        "--all-namespaces",
        "--selector=app.kubernetes.io/name=flink-kubernetes-operator",
        "-o",
        list,
    ]))?;
    if let Some(other) = operators.lines().find(|namespace| *namespace != NAMESPACE) {
        bail!(
            "an operator is installed in the namespace {other}: two would look after the same resources"
        );
    }
    if let Some(namespace) = namespace(cluster)?
        && !has_label(&namespace)
    {
        bail!("the cluster has a namespace {NAMESPACE} that the demonstration did not create");
    }
    Ok(version)
}

/// The minor of `v1.34.1+k3s1`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("v1.")?.split('.').next()?.parse().ok()
}

fn install(cluster: &Cluster, image: &str) -> anyhow::Result<String> {
    let there = definitions(cluster)?;
    // After an earlier run the namespace exists, with the annotation about the definitions.
    if namespace(cluster)?.is_none() {
        let (label, ours) = OURS;
        let made = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": NAMESPACE,
                "labels": {label: ours},
                "annotations": {DEFINITIONS_ARE_OURS: if there.is_empty() { "ours" } else { "were there" }},
            },
        });
        cluster.create(&made)?;
    }
    let definitions = if there.is_empty() {
        cluster.apply_definitions()?;
        "4 CRDs"
    } else {
        "CRDs were there and stay as they are"
    };
    let watched = format!("watchNamespaces[0]={NAMESPACE}");
    cluster.install_operator(NAMESPACE, image, &[&watched])?;
    Ok(format!("{definitions}, namespace {NAMESPACE}, Deployment, roles, accounts"))
}

fn definitions(cluster: &Cluster) -> anyhow::Result<Vec<String>> {
    let mut command = cluster.kubectl();
    command.args(["get", "crd", "--ignore-not-found", "-o", "name"]).args(DEFINITIONS);
    Ok(workspace::output(&mut command)?.lines().map(str::to_owned).collect())
}

fn delete_resources(cluster: &Cluster) -> anyhow::Result<()> {
    if definitions(cluster)?.is_empty() {
        return Ok(());
    }
    let all = ["--namespace", NAMESPACE, "flinkdeployments", "--all"];
    let deleted = cluster.kubectl().arg("delete").args(all).arg("--timeout=120s").status()?;
    if !deleted.success() {
        // An operator that never started does not remove finalizers. The namespace's deletion removes the other objects.
        println!("the operator did not delete its resources in time: they are deleted without it");
        let names =
            workspace::output(cluster.kubectl().arg("get").args(&all[..3]).args(["-o", "name"]))?;
        for name in names.lines() {
            let patch =
                ["patch", name, "--type=merge", "-p", "{\"metadata\":{\"finalizers\":null}}"];
            workspace::output(cluster.kubectl().args(["--namespace", NAMESPACE]).args(patch))?;
        }
    }
    Ok(())
}

/// Deletes the custom resource definitions, unless resources of these kinds exist.
fn delete_definitions(cluster: &Cluster) -> anyhow::Result<()> {
    let kinds = DEFINITIONS.join(",");
    let used = workspace::output(cluster.kubectl().args([
        "get",
        &kinds,
        "--all-namespaces",
        "--ignore-not-found",
        "-o",
        "name",
    ]))?;
    if !used.trim().is_empty() {
        println!(
            "the custom resource definitions are not deleted, because resources of these kinds exist:\n{used}"
        );
        return Ok(());
    }
    let mut command = cluster.kubectl();
    command.args(["delete", "crd", "--ignore-not-found"]).args(DEFINITIONS);
    workspace::run(&mut command)
}

fn namespace(cluster: &Cluster) -> anyhow::Result<Option<Value>> {
    let text = workspace::output(cluster.kubectl().args([
        "get",
        "namespace",
        NAMESPACE,
        "--ignore-not-found",
        "-o",
        "json",
    ]))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&text).map(Some).context("kubectl writes no JSON")
}

fn is_ours(cluster: &Cluster) -> anyhow::Result<bool> {
    Ok(namespace(cluster)?.is_some_and(|namespace| has_label(&namespace)))
}

fn has_label(namespace: &Value) -> bool {
    let (label, ours) = OURS;
    let value = namespace.pointer("/metadata/labels").and_then(|labels| labels.get(label));
    value.and_then(Value::as_str) == Some(ours)
}

fn are_definitions_ours(namespace: &Value) -> bool {
    let all = namespace.pointer("/metadata/annotations");
    all.and_then(|all| all.get(DEFINITIONS_ARE_OURS)).and_then(Value::as_str) == Some("ours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_are_read_and_others_are_not() {
        assert_eq!(minor("v1.34.1+k3s1"), Some(34));
        assert_eq!(minor("v1.30.0"), Some(30));
        assert_eq!(minor("2.0"), None);
    }

    #[test]
    fn namespace_of_somebody_else_is_not_ours() {
        let ours = json!({"metadata": {
            "labels": {"app.kubernetes.io/managed-by": "flink-kubernetes-operator-demo"},
            "annotations": {DEFINITIONS_ARE_OURS: "were there"},
        }});
        assert!(has_label(&ours) && !are_definitions_ours(&ours));
        assert!(!has_label(
            &json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}})
        ));
        assert!(!has_label(&json!({"metadata": {}})));
    }
}
