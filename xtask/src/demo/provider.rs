//! Finds the tool that created a cluster, and loads an image onto its nodes with it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cluster::{Cluster, Rig};
use crate::workspace;

/// The name of the cluster, as the tool expects it.
#[derive(Debug, PartialEq, Eq)]
pub enum Provider {
    Kind(String),
    Minikube(String),
    K3d(String),
    /// The rig of this repository.
    Rig,
    Other,
}

impl Provider {
    pub fn of(cluster: &Cluster) -> anyhow::Result<Self> {
        let nodes = workspace::output(cluster.kubectl().args(["get", "nodes", "-o", "json"]))?;
        let nodes: Value = serde_json::from_str(&nodes).context("kubectl lists no nodes")?;
        Ok(Self::of_node(nodes.pointer("/items/0").unwrap_or(&Value::Null)))
    }

    /// Reads the nodes: the context of a kubeconfig can be renamed, the fields of a node cannot.
    fn of_node(node: &Value) -> Self {
        let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let provider = text("/spec/providerID");
        if let Some(rest) = provider.strip_prefix("kind://") {
            // kind://docker/CLUSTER/NODE
            return Self::Kind(rest.split('/').nth(1).unwrap_or("kind").to_owned());
        }
        if let Some(profile) =
            node.pointer("/metadata/labels/minikube.k8s.io~1name").and_then(Value::as_str)
        {
            return Self::Minikube(profile.to_owned());
        }
        let name = text("/metadata/name");
        if provider.starts_with("k3s://")
            && let Some(rest) = name.strip_prefix("k3d-")
            && let Some((cluster, _)) = rest.rsplit_once("-server-").or(rest.rsplit_once("-agent-"))
        {
            return Self::K3d(cluster.to_owned());
        }
        if name == "rig" { Self::Rig } else { Self::Other }
    }

    /// Loads the image of an archive onto the nodes.
    ///
    /// # Errors
    ///
    /// The tool is missing, unknown, or fails.
    pub fn load(&self, archive: &Path) -> anyhow::Result<()> {
        let (program, before, after): (_, &[&str], &[&str]) = match self {
            Self::Kind(name) => ("kind", &["load", "image-archive"], &["--name", name]),
            Self::Minikube(name) => ("minikube", &["image", "load"], &["--profile", name]),
            Self::K3d(name) => ("k3d", &["image", "import"], &["--cluster", name]),
            Self::Rig => return Rig::full().load(archive),
            Self::Other => bail!(
                "this cluster was made by none of kind, minikube and k3d, so an image cannot be loaded onto its nodes from \
                 here. `cargo xtask image` makes one as an archive; push it to a registry that the nodes pull from, and \
                 name it: make demo KUBECONFIG=… IMAGE=registry.example/flink-kubernetes-operator:1"
            ),
        };
        let mut command = Command::new(program);
        command.args(before).arg(archive).args(after);
        workspace::run(&mut command).with_context(|| {
            format!(
                "the cluster was made by {program}, which has to load the image; where it cannot be run, name an image that \
                 the nodes can pull: IMAGE=…"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn makers_are_known_by_what_nodes_say() {
        for (node, provider) in [
            (
                json!({"spec": {"providerID": "kind://docker/team/team-control-plane"}}),
                Provider::Kind("team".to_owned()),
            ),
            (
                json!({"metadata": {"name": "m", "labels": {"minikube.k8s.io/name": "m"}}}),
                Provider::Minikube("m".to_owned()),
            ),
            (
                json!({"metadata": {"name": "k3d-a-b-server-0"}, "spec": {"providerID": "k3s://k3d-a-b-server-0"}}),
                Provider::K3d("a-b".to_owned()),
            ),
            (json!({"metadata": {"name": "rig"}}), Provider::Rig),
            (json!({"metadata": {"name": "ip-10-0-0-1"}}), Provider::Other),
            (Value::Null, Provider::Other),
        ] {
            assert_eq!(Provider::of_node(&node), provider, "{node}");
        }
    }

    #[test]
    fn without_a_known_maker_the_image_has_to_be_named() {
        let error = Provider::Other.load(Path::new("image.tar")).unwrap_err().to_string();
        assert!(error.contains("IMAGE="), "{error}");
    }
}
