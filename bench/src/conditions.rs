//! What the times of a benchmark depend on.

use std::path::Path;

use anyhow::{Context, bail};
use e2e::cluster::Cluster;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::outcome::Conditions;

/// The conditions of a benchmark, without what only the first run shows.
pub async fn of(cluster: &Cluster, operator: String) -> anyhow::Result<Conditions> {
    let version = cluster.client.apiserver_version().await?;
    Ok(Conditions {
        began_at: jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
        kubernetes: version.git_version,
        operator,
        optimised: !cfg!(debug_assertions),
        cores: std::thread::available_parallelism()?.get(),
        left_out: Vec::new(),
    })
}

/// The image of the operator that runs under an account.
///
/// # Errors
///
/// No operator is installed, so nothing would handle a new resource.
pub async fn installed(cluster: &Cluster, account: &str) -> anyhow::Result<String> {
    let (namespace, name) = account
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
        .with_context(|| {
            format!("{account:?} is not the account of an operator: write it as system:serviceaccount:NAMESPACE:NAME")
        })?;
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let all = deployments.list(&ListParams::default()).await?;
    let pods = all.into_iter().filter_map(|deployment| deployment.spec?.template.spec);
    let mut of_account = pods.filter(|pod| pod.service_account_name.as_deref() == Some(name));
    let image = of_account
        .next()
        .and_then(|pod| pod.containers.into_iter().next()?.image)
        .with_context(|| {
            format!(
                "no Deployment in the namespace {namespace} runs as {name}: install the operator, or measure a process \
                 with --local"
            )
        })?;
    Ok(format!("image {image}"))
}

/// Makes sure that no installed operator watches a namespace, since it would handle resources there as well.
///
/// # Errors
///
/// An installed operator may write in the namespace.
pub async fn nobody_else(cluster: &Cluster, namespace: &str) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::all(cluster.client.clone());
    // Upstream's chart sets the same label.
    let operators =
        ListParams::default().labels("app.kubernetes.io/name=flink-kubernetes-operator");
    for operator in deployments.list(&operators).await? {
        let (of, name) = (operator.namespace().unwrap_or_default(), operator.name_any());
        let spec = operator.spec.unwrap_or_default();
        let account = spec.template.spec.and_then(|pod| pod.service_account_name);
        let account = account.unwrap_or_else(|| "default".to_owned());
        let review: SubjectAccessReview = serde_json::from_value(json!({"metadata": {}, "spec": {
            "user": format!("system:serviceaccount:{of}:{account}"),
            "resourceAttributes": {
                "namespace": namespace, "verb": "patch", "group": "flink.apache.org", "version": "v1beta1",
                "resource": "flinkdeployments", "subresource": "status",
            },
        }}))?;
        let reviews: Api<SubjectAccessReview> = Api::all(cluster.client.clone());
        let answer = reviews.create(&PostParams::default(), &review).await?;
        if spec.replicas != Some(0) && answer.status.is_some_and(|status| status.allowed) {
            bail!(
                "the operator {of}/{name} works in every namespace, so that a process beside it cannot be measured: \
                 uninstall it, scale it to 0, or measure it"
            );
        }
    }
    Ok(())
}

/// How a program was built, from the folder that cargo put it into.
pub fn local(binary: &Path) -> String {
    let folder = binary.parent().and_then(Path::file_name);
    let build = folder.map_or_else(|| "unknown".into(), |name| name.to_string_lossy());
    format!("process on the node, {build} build")
}

/// The load average of the last minute.
pub fn load() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let first = text.split_whitespace().next().context("/proc/loadavg is empty")?;
    Ok(first.parse()?)
}
