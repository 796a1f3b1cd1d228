//! Probes and lifecycle hooks of a container.

use serde_json::Value;

use super::{
    names,
    node::{Checked, Node},
};

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const COUNTS: [&str; 5] = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
];

/// Checks the probes and hooks of a container that keeps running.
pub(super) fn check(container: &Node<'_>, checked: &mut Checked) {
    for field in PROBES {
        let Some(probe) = container.child(field) else { continue };
        check_handler(&probe, &["exec", "httpGet", "tcpSocket", "grpc"], container, checked);
        for count in COUNTS {
            checked.range(&probe, count, 0, i64::from(i32::MAX));
        }
        let success = probe.int_of("successThreshold", checked).unwrap_or(0);
        if field != "readinessProbe" && success > 1 {
            checked.refuse(&probe, "its successThreshold is not 1", "write 1, or leave it out");
        }
        if let Some(seconds) = probe.child("terminationGracePeriodSeconds") {
            if field == "readinessProbe" {
                checked.refuse(&seconds, "a readiness probe does not have it", "remove it");
            } else if seconds.int(checked).is_some_and(|seconds| seconds <= 0) {
                checked.refuse(&seconds, "it is not positive", "write 1 or more");
            }
        }
    }
    let Some(lifecycle) = container.child("lifecycle") else { return };
    for field in ["postStart", "preStop"] {
        if let Some(hook) = lifecycle.child(field) {
            check_handler(&hook, &["exec", "httpGet", "tcpSocket", "sleep"], container, checked);
        }
    }
}

/// An init container that ends has none of them.
pub(super) fn refuse(container: &Node<'_>, checked: &mut Checked) {
    for field in PROBES.iter().chain(&["lifecycle"]) {
        if let Some(node) = container.child(field) {
            checked.refuse(
                &node,
                "an init container has it only with restartPolicy Always",
                "remove it, or set restartPolicy to Always",
            );
        }
    }
}

fn check_handler(parent: &Node<'_>, kinds: &[&str], container: &Node<'_>, checked: &mut Checked) {
    let given: Vec<_> = kinds.iter().filter_map(|kind| parent.child(kind)).collect();
    if given.is_empty() {
        checked.refuse(parent, "it does nothing", format!("write one of {}", kinds.join(", ")));
    } else if given.len() > 1 {
        checked.refuse(
            parent,
            "it has more than one way to run",
            format!("keep one of {}", kinds.join(", ")),
        );
    }
    if let Some(exec) = parent.child("exec")
        && exec.list("command", checked).is_empty()
    {
        checked.require(&exec, "command", "write the command as a list");
    }
    if let Some(get) = parent.child("httpGet") {
        checked.one_of(&get, "scheme", &["HTTP", "HTTPS"]);
        check_port(&get, container, checked);
    }
    for kind in ["tcpSocket", "grpc"] {
        if let Some(socket) = parent.child(kind) {
            check_port(&socket, container, checked);
        }
    }
}

fn check_port(target: &Node<'_>, container: &Node<'_>, checked: &mut Checked) {
    let Some(port) = target.child("port") else {
        checked.require(target, "port", "write the number or the name of a port");
        return;
    };
    if let Some(name) = port.value.as_str() {
        if !names::is_port_name(name) {
            checked.refuse(&port, names::PORT.problem, names::PORT.remedy);
        } else if !has_port(container, name) {
            checked.warn(
                &port,
                "the container has no port of this name, so that the probe fails each time",
                "write the number of the port, or the name of a port of the container",
            );
        }
    } else if !port.value.as_i64().is_some_and(|number| (1..=65535).contains(&number)) {
        checked.refuse(&port, "it is not a port", "write a number from 1 to 65535, or a name");
    }
}

fn has_port(container: &Node<'_>, name: &str) -> bool {
    let ports = container.value.get("ports").and_then(Value::as_array);
    ports.into_iter().flatten().any(|port| port.get("name").and_then(Value::as_str) == Some(name))
}
