//! A namespace for each test, with the service account of Flink's pods.

use std::time::Duration;

use anyhow::Context;
use flink_operator_api::{
    FlinkBlueGreenDeployment, FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, CustomResourceExt, ResourceExt};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::wait::eventually;

/// A test's namespace.
#[derive(Clone)]
pub struct TestNamespace {
    pub cluster: Cluster,
    pub name: String,
}

impl TestNamespace {
    /// Creates the namespace, with the service account `flink` and its role, as the chart does.
    pub async fn create(cluster: &Cluster, test: &str) -> anyhow::Result<Self> {
        let millis = jiff::Timestamp::now().as_millisecond() % 1_000_000_000;
        let name = format!("{test}-{millis}");
        let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
        let object = serde_json::from_value(json!({"metadata": {"name": name}}))?;
        namespaces.create(&PostParams::default(), &object).await?;
        let namespace = Self { cluster: cluster.clone(), name };
        for object in account() {
            namespace.apply(&object)?;
        }
        Ok(namespace)
    }

    /// Applies an object with kubectl.
    ///
    /// # Errors
    ///
    /// kubectl's message, if the API server refuses the object.
    pub fn apply(&self, object: &Value) -> anyhow::Result<String> {
        self.cluster.kubectl(&["apply", "-n", &self.name, "-f", "-"], Some(&object.to_string()))
    }

    pub fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend(arguments);
        self.cluster.kubectl(&all, None)
    }

    pub fn resources(&self) -> Api<FlinkDeployment> {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    pub fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    pub async fn resource(&self, name: &str) -> anyhow::Result<FlinkDeployment> {
        self.resources().get(name).await.context("the FlinkDeployment does not exist")
    }

    /// Merges a patch into the spec, as `kubectl patch --type merge` does.
    pub async fn patch(&self, name: &str, patch: &Value) -> anyhow::Result<FlinkDeployment> {
        Ok(self.resources().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
    }

    pub async fn delete(&self, name: &str) -> anyhow::Result<()> {
        drop(self.resources().delete(name, &DeleteParams::default()).await?);
        Ok(())
    }

    /// Waits until `reached` is true for the status.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        limit: Duration,
        reached: impl Fn(&FlinkDeployment) -> bool,
    ) -> anyhow::Result<FlinkDeployment> {
        let outcome = eventually(what, limit, || async {
            let resource = self.resource(name).await?;
            Ok(reached(&resource).then_some(resource))
        })
        .await;
        if outcome.is_err() {
            let seen = self.resource(name).await.ok().and_then(|resource| resource.status);
            let text = serde_json::to_string_pretty(&seen)?;
            return outcome.with_context(|| format!("the last status: {text}"));
        }
        outcome
    }

    /// Names of the objects with the cluster's label, by kind.
    pub async fn objects_of(&self, cluster_id: &str) -> anyhow::Result<Vec<String>> {
        let of = ListParams::default().labels(&format!("app={cluster_id}"));
        let client = &self.cluster.client;
        let mut names = Vec::new();
        for object in Api::<Deployment>::namespaced(client.clone(), &self.name).list(&of).await? {
            names.push(format!("Deployment/{}", object.name_any()));
        }
        for object in Api::<Service>::namespaced(client.clone(), &self.name).list(&of).await? {
            names.push(format!("Service/{}", object.name_any()));
        }
        for object in Api::<ConfigMap>::namespaced(client.clone(), &self.name).list(&of).await? {
            names.push(format!("ConfigMap/{}", object.name_any()));
        }
        for object in self.pods().list(&of).await? {
            names.push(format!("Pod/{}", object.name_any()));
        }
        names.sort();
        Ok(names)
    }

    /// Deletes the resource and waits until it and all objects of its cluster are gone.
    pub async fn delete_and_await(&self, name: &str, limit: Duration) -> anyhow::Result<()> {
        self.delete(name).await?;
        eventually("the resource's end", limit, || async {
            Ok(self.resources().get_opt(name).await?.is_none().then_some(()))
        })
        .await?;
        let left = eventually("the end of all its objects", Duration::from_secs(30), || async {
            Ok(self.objects_of(name).await?.is_empty().then_some(()))
        })
        .await;
        if left.is_err() {
            anyhow::bail!("left over: {:?}", self.objects_of(name).await?);
        }
        Ok(())
    }

    /// Deletes the namespace, without waiting.
    pub async fn remove(self) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.cluster.client.clone());
        drop(namespaces.delete(&self.name, &DeleteParams::default()).await?);
        Ok(())
    }
}

/// Applies the chart's custom resource definitions, as a user does.
///
/// Returns when all are established. `kubectl wait` does not work for that: it fails for a definition without a status.
pub async fn install_definitions(cluster: &Cluster) -> anyhow::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../charts/flink-kubernetes-operator/crds");
    let folder = folder.to_str().context("the path of the tree is not UTF-8")?;
    cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", folder], None)?;
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    let names = [
        FlinkDeployment::crd_name(),
        FlinkSessionJob::crd_name(),
        FlinkStateSnapshot::crd_name(),
        FlinkBlueGreenDeployment::crd_name(),
    ];
    for name in names {
        let established =
            await_condition(definitions.clone(), name, conditions::is_crd_established());
        tokio::time::timeout(Duration::from_secs(30), established)
            .await
            .with_context(|| format!("{name} is not established"))??;
    }
    Ok(())
}

/// The rights of Flink's pods: JobManagers create TaskManager pods and keep high availability data in ConfigMaps.
fn account() -> [Value; 3] {
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flink"}}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "flink"},
            "rules": [
                {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["*"]},
                {"apiGroups": ["apps"], "resources": ["deployments", "deployments/finalizers"], "verbs": ["*"]},
            ],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "flink"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "flink"},
            "subjects": [{"kind": "ServiceAccount", "name": "flink"}],
        }),
    ]
}
