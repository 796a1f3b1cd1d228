//! What the kubelet writes about a pod.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pod::Exit;
use super::{kind, target, write as write_object};
use crate::api_server::types::time;
use crate::api_server::verbs::Patch;
use crate::api_server::{Caller, Kubernetes, object};

/// The state of a pod's containers; they do everything together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Creating,
    PullFailed {
        backs_off: bool,
    },
    Running {
        since: Timestamp,
        id: String,
        ready: bool,
    },
    /// It has ended and is to be started again.
    BackingOff {
        last: Ended,
        pause: Duration,
    },
    Ended(Ended),
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    exit: Exit,
    started: Timestamp,
    finished: Timestamp,
    id: String,
}

impl Container {
    pub(super) fn started(&self) -> Option<Timestamp> {
        match self {
            Self::Running { since, .. } => Some(*since),
            Self::Creating | Self::PullFailed { .. } | Self::BackingOff { .. } | Self::Ended(_) => {
                None
            }
        }
    }

    pub(super) fn set_ready(&mut self, is_ready: bool) {
        if let Self::Running { ready, .. } = self {
            *ready = is_ready;
        }
    }

    /// The container after its end.
    pub(super) fn ended(&self, exit: &Exit, now: Timestamp, restarts: bool) -> Self {
        let (started, id) = match self {
            Self::Running { since, id, .. } => (*since, id.clone()),
            Self::Creating | Self::PullFailed { .. } | Self::BackingOff { .. } | Self::Ended(_) => {
                (now, String::new())
            }
        };
        let last = Ended { exit: exit.clone(), started, finished: now, id };
        if restarts { Self::BackingOff { last, pause: Duration::ZERO } } else { Self::Ended(last) }
    }

    pub(super) fn back_off(&mut self, length: Duration) {
        if let Self::BackingOff { pause, .. } = self {
            *pause = length;
        }
    }

    fn is_ready(&self) -> bool {
        matches!(self, Self::Running { ready: true, .. })
    }

    fn phase(&self) -> &'static str {
        match self {
            Self::Creating | Self::PullFailed { .. } => "Pending",
            Self::Running { .. } | Self::BackingOff { .. } => "Running",
            Self::Ended(ended) if ended.exit.code == 0 => "Succeeded",
            Self::Ended(_) => "Failed",
        }
    }

    fn state(&self, image: &str, place: &str) -> Value {
        let waiting = |reason: &str, message: String| {
            let mut waiting = json!({"reason": reason});
            if !message.is_empty() {
                object::set_field(&mut waiting, "message", message);
            }
            json!({"waiting": waiting})
        };
        match self {
            Self::Creating => waiting("ContainerCreating", String::new()),
            Self::PullFailed { backs_off: false } => waiting(
                "ErrImagePull",
                format!("failed to pull and unpack image {image:?}: not found"),
            ),
            Self::PullFailed { backs_off: true } => waiting(
                "ImagePullBackOff",
                format!("Back-off pulling image {image:?}: ErrImagePull: not found"),
            ),
            Self::Running { since, .. } => json!({"running": {"startedAt": time::seconds(*since)}}),
            Self::BackingOff { last, pause } if pause.is_zero() => {
                json!({"terminated": last.to_json()})
            }
            Self::BackingOff { pause, .. } => waiting(
                "CrashLoopBackOff",
                format!("back-off {}s restarting failed container={place}", pause.as_secs()),
            ),
            Self::Ended(ended) => json!({"terminated": ended.to_json()}),
        }
    }
}

impl Ended {
    fn to_json(&self) -> Value {
        json!({
            "exitCode": self.exit.code,
            "reason": self.exit.reason,
            "startedAt": time::seconds(self.started),
            "finishedAt": time::seconds(self.finished),
            "containerID": format!("containerd://{}", self.id),
        })
    }
}

fn kubelet(now: Timestamp) -> Caller {
    Caller::component("kubelet", now)
}

/// The pod waits for a node.
pub(super) fn unschedulable(kubernetes: &mut Kubernetes, pod: &Value, why: &str, now: Timestamp) {
    let condition = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why,
        "lastProbeTime": null, "lastTransitionTime": time::seconds(now),
    });
    let patch = json!({"status": {"conditions": [condition]}});
    let caller = Caller::component("kube-scheduler", now);
    drop(kubernetes.patch(&target(kind("pods"), pod, "status"), &Patch::Merge(patch), &caller));
}

/// Writes the status of a pod that has a node.
pub(super) fn write(
    kubernetes: &mut Kubernetes,
    pod: &Value,
    container: &Container,
    restarts: u32,
    address: &str,
    now: Timestamp,
) {
    let found = kubernetes.stored(kind("pods"), object::namespace(pod), object::name(pod)).cloned();
    let Some(stored) = found else { return };
    let mut next = stored.object.clone();
    let before = object::field(&next, "status").clone();
    let containers =
        next.pointer("/spec/containers").and_then(Value::as_array).cloned().unwrap_or_default();
    let ready = container.is_ready();
    let statuses: Vec<Value> =
        containers.iter().map(|spec| container_status(&next, spec, container, restarts)).collect();
    object::set_status(&mut next, "phase", container.phase());
    object::set_status(&mut next, "containerStatuses", statuses);
    for (ty, status) in [
        ("Initialized", true),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", true),
    ] {
        set_condition(&mut next, ty, status, now);
    }
    let node = kubernetes.stored_list(kind("nodes"), "").first().and_then(|node| {
        node.object
            .pointer("/status/addresses/0/address")
            .and_then(Value::as_str)
            .map(str::to_owned)
    });
    let node = node.unwrap_or_else(|| "192.0.2.1".to_owned());
    object::set_status(&mut next, "hostIP", node.clone());
    object::set_status(&mut next, "hostIPs", json!([{"ip": node}]));
    if !address.is_empty() {
        object::set_status(&mut next, "podIP", address);
        object::set_status(&mut next, "podIPs", json!([{"ip": address}]));
    }
    if before.get("startTime").is_none() {
        object::set_status(&mut next, "startTime", time::seconds(now));
    }
    write_object(kubernetes, kind("pods"), "status", &next, &kubelet(now));
}

fn container_status(pod: &Value, spec: &Value, container: &Container, restarts: u32) -> Value {
    let text = |field: &str| spec.get(field).and_then(Value::as_str).unwrap_or_default();
    let place = format!(
        "{} pod={}_{}({})",
        text("name"),
        object::name(pod),
        object::namespace(pod),
        object::uid(pod)
    );
    let mut status = json!({
        "name": text("name"),
        "image": text("image"),
        "imageID": "",
        "ready": container.is_ready(),
        "restartCount": restarts,
        "started": matches!(container, Container::Running { .. }),
        "state": container.state(text("image"), &place),
        "lastState": {},
    });
    let last = match container {
        Container::BackingOff { last, pause } if !pause.is_zero() => {
            Some(json!({"terminated": last.to_json()}))
        }
        Container::Running { .. } => last_state(pod, text("name")),
        Container::Creating
        | Container::PullFailed { .. }
        | Container::BackingOff { .. }
        | Container::Ended(_) => None,
    };
    if let Some(last) = last {
        object::set_field(&mut status, "lastState", last);
    }
    if let Container::Running { id, .. } = container {
        object::set_field(&mut status, "containerID", format!("containerd://{id}"));
    }
    status
}

/// The last end of a container, as the status says it so far.
fn last_state(pod: &Value, name: &str) -> Option<Value> {
    let statuses = pod.pointer("/status/containerStatuses")?.as_array()?;
    let status =
        statuses.iter().find(|status| status.get("name").and_then(Value::as_str) == Some(name))?;
    let ended =
        |state: &str| status.get(state)?.get("terminated").map(|_| status.get(state).cloned());
    ended("state").or_else(|| ended("lastState"))?
}

/// Sets a condition; its time moves when its status does.
fn set_condition(pod: &mut Value, ty: &str, is_true: bool, now: Timestamp) {
    let status = if is_true { "True" } else { "False" };
    let mut conditions =
        pod.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let found = conditions
        .iter_mut()
        .find(|condition| condition.get("type").and_then(Value::as_str) == Some(ty));
    let mut new = json!({
        "type": ty, "status": status, "lastProbeTime": null, "lastTransitionTime": time::seconds(now),
    });
    if matches!(ty, "Ready" | "ContainersReady") && !is_true {
        object::set_field(&mut new, "reason", "ContainersNotReady");
        object::set_field(&mut new, "message", "containers with unready status");
    }
    match found {
        Some(condition) if condition.get("status").and_then(Value::as_str) == Some(status) => {}
        Some(condition) => *condition = new,
        None => conditions.push(new),
    }
    object::set_status(pod, "conditions", conditions);
}
