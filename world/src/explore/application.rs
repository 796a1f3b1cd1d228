//! FlinkDeployments for scenarios.

use serde_json::{Value, json};

/// Where scenarios play.
pub const NAMESPACE: &str = "flink";
/// The resource of a scenario with one.
pub const NAME: &str = "app";
/// It, as the simulated Flink names clusters.
pub const RESOURCE: &str = "flink/app";

/// An image that nobody can pull, where a scenario has one.
pub const BROKEN_IMAGE: &str = "flink:broken";
/// What a scenario has where an amount of memory should be.
pub const NOT_A_MEMORY: &str = "much";

/// The path of a savepoint that is not there.
pub const NO_SAVEPOINT: &str = "s3://state/savepoints/nowhere";

/// A line of Flink, and with it the layout of its high availability data and of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    V1_20,
    V2_2,
    V2_3,
}

impl Version {
    /// Those that most scenarios are played with.
    pub const ALL: [Self; 2] = [Self::V1_20, Self::V2_2];

    /// As people write it.
    pub fn text(self) -> &'static str {
        match self {
            Self::V1_20 => "1.20",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
        }
    }

    /// `spec.flinkVersion`.
    pub fn field(self) -> &'static str {
        match self {
            Self::V1_20 => "v1_20",
            Self::V2_2 => "v2_2",
            Self::V2_3 => "v2_3",
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

/// Flink starts the job again once when it fails, and gives it up the next time.
pub fn fragile(resource: Value) -> Value {
    configured(
        resource,
        &json!({
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "1",
            "restart-strategy.fixed-delay.delay": "1 s",
        }),
    )
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

/// The merge patch that makes the second of the first.
pub fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return after.clone();
    };
    let mut patch = serde_json::Map::new();
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in after {
        match before.get(name) {
            Some(same) if same == value => {}
            Some(other) => drop(patch.insert(name.clone(), merge_patch(other, value))),
            None => drop(patch.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(patch)
}
