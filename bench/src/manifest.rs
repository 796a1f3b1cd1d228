//! The application that is deployed.

use flink_operator_api::names;
use serde_json::{Value, json};

/// A FlinkDeployment of the rig's test job without high availability. It is small, so that Flink takes little of the
/// time.
pub fn application(name: &str) -> Value {
    json!({
        "apiVersion": names::API_VERSION,
        "kind": "FlinkDeployment",
        "metadata": {"name": name},
        "spec": {
            "image": "flink:2.2.1",
            "flinkVersion": "v2_2",
            "serviceAccount": "flink",
            "flinkConfiguration": {
                "taskmanager.numberOfTaskSlots": "1",
                "execution.checkpointing.interval": "10s",
                // A request of 0.2 CPU leaves room for other pods. With the same limit Java would need minutes to start.
                "kubernetes.jobmanager.cpu.limit-factor": "10",
                "kubernetes.taskmanager.cpu.limit-factor": "10",
            },
            "jobManager": {"resource": {"cpu": 0.2, "memory": "1024m"}},
            "taskManager": {"resource": {"cpu": 0.2, "memory": "1024m"}},
            "job": {
                "jarURI": "local:///opt/flink/usrlib/test-job.jar",
                "args": ["--rate", "100"],
                "parallelism": 1,
                "upgradeMode": "stateless",
                "state": "running",
            },
        },
    })
}

/// The same resource for the bare client, with the label that makes operators ignore it.
pub fn canary(name: &str) -> Value {
    let mut resource = application(name);
    if let Some(metadata) = resource.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("labels".to_owned(), json!({names::labels::CANARY: "true"}));
    }
    resource
}
