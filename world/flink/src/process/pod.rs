//! The pod of a JobManager.

use std::sync::Arc;

use serde_json::{Value, json};
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::object;

use crate::around::Around;
use crate::settings::Mode;

/// Which pod a process is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) ip: String,
    pub(crate) image: String,
    /// Changes whenever the container starts.
    pub(crate) container_id: String,
    pub(crate) service_account: String,
    /// The ConfigMap with its configuration.
    pub(crate) config_map: String,
}

impl Pod {
    /// A JobManager's pod whose container runs; `None` for another pod, or one that does not run.
    pub(crate) fn running(pod: &Value) -> Option<Self> {
        let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
        if phase != "Running" || object::is_deleting(pod) {
            return None;
        }
        let statuses = pod.pointer("/status/containerStatuses")?.as_array()?;
        let main = main_container(statuses)?;
        main.pointer("/state/running")?;
        let containers = pod.pointer("/spec/containers")?.as_array()?;
        let spec = main_container(containers)?;
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            namespace: object::namespace(pod).to_owned(),
            name: object::name(pod).to_owned(),
            uid: object::uid(pod).to_owned(),
            ip: text(pod.pointer("/status/podIP")),
            image: text(spec.get("image")),
            container_id: text(main.get("containerID")),
            service_account: text(pod.pointer("/spec/serviceAccountName")),
            config_map: config_map(pod, spec),
        })
    }

    /// Whether the pod runs an application, or waits for jobs.
    pub(crate) fn mode(pod: &Value) -> Mode {
        let spec = pod.pointer("/spec/containers").and_then(Value::as_array);
        let args = spec.and_then(|all| main_container(all)).and_then(|spec| spec.get("args"));
        let is_session = args.is_some_and(|args| args.to_string().contains("kubernetes-session"));
        if is_session { Mode::Session } else { Mode::Application }
    }
}

/// The container of that name, or the only one.
fn main_container(all: &[Value]) -> Option<&Value> {
    let name = |one: &&Value| one.get("name") == Some(&json!("flink-main-container"));
    all.iter().find(name).or_else(|| all.first())
}

/// The ConfigMap that is mounted as Flink's configuration.
fn config_map(pod: &Value, spec: &Value) -> String {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    let mounts = spec.get("volumeMounts").and_then(Value::as_array);
    let mount = mounts.into_iter().flatten().find(|mount| {
        mount.get("mountPath").and_then(Value::as_str).is_some_and(|path| {
            path.trim_end_matches('/').ends_with("/conf") && !path.contains("hadoop")
        })
    });
    let wanted = mount
        .and_then(|mount| mount.get("name"))
        .and_then(Value::as_str)
        .unwrap_or("flink-config-volume");
    let volume =
        volumes.into_iter().flatten().find(|volume| volume.get("name") == Some(&json!(wanted)));
    let name = volume.and_then(|volume| volume.pointer("/configMap/name")).and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// The data of a ConfigMap.
pub(crate) fn config_data(around: &Around, pod: &Pod) -> Option<Value> {
    let kind = Arc::clone(Kinds::known().plural("configmaps"));
    around.world.kubernetes(|kubernetes| {
        let stored = kubernetes.stored(&kind, &pod.namespace, &pod.config_map)?;
        stored.object.get("data").cloned()
    })
}
