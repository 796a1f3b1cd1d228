//! FlinkDeployments for scenarios.

use serde_json::{Value, json};

/// Where scenarios play.
pub const NAMESPACE: &str = "flink";
/// The resource of a scenario with one.
pub const NAME: &str = "app";
/// It, as the simulated Flink names clusters.
pub const RESOURCE: &str = "flink/app";

/// A line of Flink, and with it the layout of its high availability data and of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    V1_20,
    V2_2,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::V1_20, Self::V2_2];

    /// As people write it.
    pub fn text(self) -> &'static str {
        match self {
            Self::V1_20 => "1.20",
            Self::V2_2 => "2.2",
        }
    }

    /// `spec.flinkVersion`.
    pub fn field(self) -> &'static str {
        match self {
            Self::V1_20 => "v1_20",
            Self::V2_2 => "v2_2",
        }
    }

    pub fn image(self) -> String {
        format!("flink:{}", self.text())
    }
}

/// A FlinkDeployment in application mode that keeps checkpoints every ten seconds, without high availability.
pub fn application(version: Version) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "image": version.image(),
            "flinkVersion": version.field(),
            "serviceAccount": "flink",
            "jobManager": {"resource": {"cpu": 1.0, "memory": "1g"}},
            "taskManager": {"resource": {"cpu": 1.0, "memory": "1g"}},
            "flinkConfiguration": {
                "taskmanager.numberOfTaskSlots": "2",
                "execution.checkpointing.interval": "10 s",
                "execution.checkpointing.dir": "s3://state/checkpoints",
                "execution.checkpointing.savepoint-dir": "s3://state/savepoints",
            },
            "job": {
                "jarURI": "local:///opt/flink/usrlib/test-job.jar",
                "parallelism": 2,
                "upgradeMode": "stateless",
            },
        },
    })
}

/// The same with high availability data in ConfigMaps, and an upgrade mode.
pub fn with_ha(version: Version, upgrade_mode: &str) -> Value {
    configured(
        with_mode(application(version), upgrade_mode),
        &json!({
            "high-availability.type": "kubernetes",
            "high-availability.storageDir": "s3://state/ha",
        }),
    )
}

/// With this upgrade mode.
pub fn with_mode(resource: Value, upgrade_mode: &str) -> Value {
    merged(resource, &json!({"spec": {"job": {"upgradeMode": upgrade_mode}}}))
}

/// With more configuration.
pub fn configured(resource: Value, configuration: &Value) -> Value {
    merged(resource, &json!({"spec": {"flinkConfiguration": configuration}}))
}

/// With a merge patch applied.
pub fn merged(mut resource: Value, patch: &Value) -> Value {
    merge(&mut resource, patch);
    resource
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let (Some(fields), Some(target)) = (patch.as_object(), target.as_object_mut()) else {
        *target = patch.clone();
        return;
    };
    for (name, value) in fields {
        if value.is_null() {
            target.shift_remove(name);
        } else if value.is_object() {
            merge(target.entry(name.clone()).or_insert_with(|| json!({})), value);
        } else {
            target.insert(name.clone(), value.clone());
        }
    }
}
