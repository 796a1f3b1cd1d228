//! Small FlinkDeployments with the test job.

use serde_json::{Value, json};

/// The options of a test's application.
#[derive(Clone, Debug)]
pub struct Application {
    pub name: &'static str,
    pub image: &'static str,
    pub flink_version: &'static str,
    /// Checkpoints on a volume, and high availability with ConfigMaps.
    pub high_availability: bool,
    pub args: &'static [&'static str],
}

impl Application {
    pub const fn flink_2_2(name: &'static str) -> Self {
        Self {
            name,
            image: "flink:2.2.1",
            flink_version: "v2_2",
            high_availability: false,
            args: &[],
        }
    }

    pub const fn flink_1_20(name: &'static str) -> Self {
        Self {
            name,
            image: "flink:1.20.5",
            flink_version: "v1_20",
            high_availability: false,
            args: &[],
        }
    }

    #[must_use]
    pub const fn with_high_availability(mut self) -> Self {
        self.high_availability = true;
        self
    }

    #[must_use]
    pub const fn with_args(mut self, args: &'static [&'static str]) -> Self {
        self.args = args;
        self
    }

    /// The name of the volume claim that an application with high availability needs.
    pub fn claim_name(&self) -> String {
        format!("{}-state", self.name)
    }

    /// The volume claim that an application with high availability needs.
    pub fn claim(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.claim_name()},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        })
    }

    /// The resource.
    pub fn resource(&self) -> Value {
        let mut configuration = json!({
            "taskmanager.numberOfTaskSlots": "2",
            "execution.checkpointing.interval": "2 s",
            // The counters of the job arrive with heartbeats.
            "heartbeat.interval": "1000",
            "kubernetes.jobmanager.cpu.limit-factor": "10",
            "kubernetes.taskmanager.cpu.limit-factor": "10",
            "env.java.default-opts.all": JAVA_17_OPENS,
        });
        let mut spec = json!({
            "image": self.image,
            "flinkVersion": self.flink_version,
            "serviceAccount": "flink",
            "jobManager": {"resource": {"cpu": 0.2, "memory": "1g"}},
            "taskManager": {"resource": {"cpu": 0.2, "memory": "1g"}},
            "job": {
                "jarURI": "local:///opt/flink/usrlib/test-job.jar",
                "parallelism": 1,
                "upgradeMode": "stateless",
                "args": self.args,
            },
        });
        if self.high_availability {
            for (key, value) in [
                ("execution.checkpointing.dir", "file:///flink-data/checkpoints"),
                ("execution.checkpointing.savepoint-dir", "file:///flink-data/savepoints"),
                ("high-availability.type", "kubernetes"),
                ("high-availability.storageDir", "file:///flink-data/ha"),
            ] {
                configuration[key] = Value::from(value);
            }
            spec["podTemplate"] = json!({"spec": {
                "containers": [{
                    "name": "flink-main-container",
                    "volumeMounts": [{"name": "state", "mountPath": "/flink-data"}],
                }],
                "volumes": [{
                    "name": "state",
                    "persistentVolumeClaim": {"claimName": self.claim_name()},
                }],
            }});
        }
        spec["flinkConfiguration"] = configuration;
        json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": self.name},
            "spec": spec,
        })
    }
}

/// JVM options that Flink needs on Java 17. The chart's default configuration has them for every cluster; without it the
/// resource has to set them.
const JAVA_17_OPENS: &str = "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED \
    --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED \
    --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED \
    --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.lang.reflect=ALL-UNNAMED \
    --add-opens=java.base/java.text=ALL-UNNAMED --add-opens=java.base/java.time=ALL-UNNAMED \
    --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED \
    --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED \
    --add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED";
