//! What follows from changes in Kubernetes: JobManagers start and end with their containers, TaskManagers come and go.

use std::sync::Arc;

use serde_json::{Value, json};
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::request::{Target, Verb};
use simulated_kubernetes::api_server::verbs::Patch;
use simulated_kubernetes::api_server::{Caller, Seen, object};
use simulated_kubernetes::controllers::pod::Exit;
use tokio::time::Instant;

use super::{CONFIG_PAUSE, State, Task};
use crate::around::{TaskManager, timestamp};
use crate::process::{Ending, Phase, Pod, Process, config_data};
use crate::settings::Settings;
use crate::task_managers;

impl State {
    /// Something in Kubernetes changed.
    pub(super) fn observe(&mut self, seen: &Seen) {
        self.tick();
        let object = &seen.change.object.object;
        match seen.kind.plural.as_str() {
            "pods" if is_of_flink(object) => match label(object, "component") {
                "jobmanager" => self.observe_job_manager(seen, object),
                "taskmanager" => self.observe_task_manager(seen, object),
                _ => {}
            },
            "configmaps" if seen.is_deletion() && is_of_flink(object) => {
                self.lose_config_map(object);
            }
            _ => {}
        }
    }

    pub(super) fn observe_job_manager(&mut self, seen: &Seen, pod: &Value) {
        let uid = object::uid(pod).to_owned();
        let running = if seen.is_deletion() { None } else { Pod::running(pod) };
        let process = self.processes.values().find(|process| process.pod.uid == uid);
        let current = process.map(|process| (process.number, process.pod.container_id.clone()));
        match (running, current) {
            (Some(running), Some((_, container))) if running.container_id == container => {}
            (Some(running), current) => {
                if let Some((number, _)) = current {
                    self.end(number, false, None);
                }
                let container = running.container_id.clone();
                if self.containers.insert(uid.clone(), container.clone()) != Some(container) {
                    self.boot_pod(running, pod);
                }
            }
            (None, Some((number, _))) => self.end(number, object::is_deleting(pod), None),
            (None, None) => {}
        }
        if seen.is_deletion() {
            self.containers.remove(&uid);
            self.messages.remove(&uid);
        } else if self.messages.contains_key(&uid) {
            self.leave_message(pod, &uid);
        }
    }

    pub(super) fn boot(&mut self, uid: &str) {
        let pods = Kinds::known().plural("pods");
        let all = self.around.world.kubernetes(|kubernetes| kubernetes.stored_list(pods, ""));
        let pod = all.iter().find(|stored| object::uid(&stored.object) == uid);
        if let Some(pod) = pod
            && let Some(running) = Pod::running(&pod.object)
            && !self.processes.values().any(|process| process.pod.uid == uid)
        {
            self.boot_pod(running, &pod.object);
        }
    }

    pub(super) fn boot_pod(&mut self, running: Pod, pod: &Value) {
        let Some(data) = config_data(&self.around, &running) else {
            self.timers.add(Instant::now() + CONFIG_PAUSE, Task::Boot(running.uid));
            return;
        };
        let settings = match Settings::read(&data, &running.image, Pod::mode(pod)) {
            Ok(settings) => settings,
            Err(why) => {
                let message = format!("Error parsing YAML configuration: {why}");
                self.messages.insert(running.uid.clone(), message);
                self.around.world.exit_pod(&running.uid, Exit::of_code(1));
                return;
            }
        };
        self.started += 1;
        let number = self.started;
        let cluster_id = label(pod, "app").to_owned();
        let process = Process::new(number, &cluster_id, running, settings, &mut self.around);
        self.processes.insert(number, process);
        self.step(number);
    }

    /// The kubelet shows what a container left as its last words.
    pub(super) fn leave_message(&self, pod: &Value, uid: &str) {
        let Some(message) = self.messages.get(uid) else { return };
        let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
        let Some(mut statuses) = statuses.cloned() else { return };
        let mut is_changed = false;
        for status in &mut statuses {
            for place in ["/state/terminated", "/lastState/terminated"] {
                if let Some(ended) = status.pointer_mut(place)
                    && ended.get("message").is_none()
                {
                    object::set_field(ended, "message", message.as_str());
                    is_changed = true;
                }
            }
        }
        if !is_changed {
            return;
        }
        let target = Target {
            kind: Arc::clone(Kinds::known().plural("pods")),
            namespace: object::namespace(pod).to_owned(),
            name: object::name(pod).to_owned(),
            subresource: "status".to_owned(),
            verb: Verb::Patch,
        };
        let patch = json!({"metadata": {"uid": uid}, "status": {"containerStatuses": statuses}});
        let caller = Caller::component("kubelet", timestamp(self.around.now));
        self.around.world.kubernetes(|kubernetes| {
            // The pod may have gone meanwhile.
            drop(kubernetes.patch(&target, &Patch::Merge(patch), &caller));
        });
    }

    pub(super) fn observe_task_manager(&mut self, seen: &Seen, pod: &Value) {
        let uid = object::uid(pod).to_owned();
        let resource = format!("{}/{}", object::namespace(pod), label(pod, "app"));
        let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
        let has_ended = matches!(phase, "Failed" | "Succeeded");
        if seen.is_deletion() || object::is_deleting(pod) || has_ended {
            let was_there = self.around.task_managers.remove(&uid).is_some();
            if has_ended && !object::is_deleting(pod) && !seen.is_deletion() {
                task_managers::delete(object::namespace(pod), object::name(pod), &self.around);
            }
            if was_there {
                for process in self.processes.values_mut() {
                    if process.resource == resource && process.phase == Phase::Leading {
                        process.lose_task_manager(object::name(pod), &mut self.around);
                    }
                }
            }
        } else {
            let runs = phase == "Running";
            let now = self.around.now;
            let one = self.around.task_managers.entry(uid).or_insert_with(|| TaskManager {
                resource: resource.clone(),
                name: object::name(pod).to_owned(),
                ip: String::new(),
                running_since: None,
            });
            if runs && one.running_since.is_none() {
                one.running_since = Some(now);
                let ip = pod.pointer("/status/podIP").and_then(Value::as_str);
                ip.unwrap_or_default().clone_into(&mut one.ip);
            } else {
                return;
            }
        }
        self.step_resource(&resource);
    }

    pub(super) fn lose_config_map(&mut self, map: &Value) {
        let resource = format!("{}/{}", object::namespace(map), label(map, "app"));
        let mut ends = Vec::new();
        for process in self.processes.values_mut() {
            if process.resource == resource
                && process.lose_metadata(object::name(map), &mut self.around)
            {
                ends.push(process.number);
            }
        }
        for number in ends {
            let message = format!("ConfigMap {} is deleted externally", object::name(map));
            self.end(number, false, Some(&Ending { code: 239, message }));
        }
        self.step_resource(&resource);
    }
}

fn is_of_flink(object: &Value) -> bool {
    label(object, "type") == "flink-native-kubernetes"
}

fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    let labels = object::labels(object);
    labels.and_then(|labels| labels.get(name)).and_then(Value::as_str).unwrap_or_default()
}
