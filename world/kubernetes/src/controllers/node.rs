//! Nodes: machines of the cluster, as far as anybody looks at them.

use jiff::Timestamp;
use serde_json::json;

use super::kind;
use crate::api_server::types::time;
use crate::api_server::{Caller, Kubernetes, object};

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// Quantities.
    pub cpu: String,
    pub memory: String,
    pub address: String,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "node-1".to_owned(),
            cpu: "64".to_owned(),
            memory: "256Gi".to_owned(),
            address: "192.0.2.1".to_owned(),
        }
    }
}

/// Adds a node that is ready.
pub fn create(kubernetes: &mut Kubernetes, node: &Node, now: Timestamp) {
    let caller = Caller::component("node-controller", now);
    let object =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}, "spec": {}});
    let created = kubernetes.create(kind("nodes"), "", object, &caller);
    let Ok(created) = created else { return };
    let amounts = json!({"cpu": node.cpu, "memory": node.memory, "pods": "250"});
    let mut with_status = created.object.clone();
    let status = json!({
        "capacity": amounts,
        "allocatable": amounts,
        "addresses": [{"type": "InternalIP", "address": node.address}],
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the node is ready",
            "lastHeartbeatTime": time::seconds(now), "lastTransitionTime": time::seconds(now),
        }],
    });
    object::set_field(&mut with_status, "status", status);
    super::write(kubernetes, kind("nodes"), "status", &with_status, &caller);
}
