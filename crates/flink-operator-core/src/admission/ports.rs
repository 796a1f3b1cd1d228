//! Ports of a container.

use std::collections::BTreeSet;

use super::{
    names,
    node::{Checked, Node},
};

/// Two ports with the same number are allowed.
pub(super) fn check(container: &Node<'_>, host: HostPorts, checked: &mut Checked) -> HostPorts {
    let mut names = BTreeSet::new();
    let mut host = host;
    for port in container.list("ports", checked) {
        checked.name(&port, "name", &names::PORT);
        if let Some(name) = port.text_of("name", checked)
            && !names.insert(name.to_owned())
        {
            checked.refuse(
                &port,
                "another port of the container has this name",
                "write another name, or remove the port if it is one that Flink itself declares (rest, jobmanager-rpc and \
                 blobserver of a JobManager, taskmanager-rpc of a TaskManager)",
            );
        }
        if port.int_of("containerPort", checked).is_none_or(|number| number == 0) {
            checked.require(&port, "containerPort", "write a number from 1 to 65535");
        } else {
            checked.range(&port, "containerPort", 1, 65535);
        }
        checked.one_of(&port, "protocol", &["TCP", "UDP", "SCTP"]);
        if let Some(number) = port.int_of("hostPort", checked).filter(|number| *number != 0) {
            checked.range(&port, "hostPort", 1, 65535);
            host.check(&port, number, checked);
        }
    }
    host
}

/// The ports of the node that the containers of a pod take.
#[derive(Debug, Default)]
pub(super) struct HostPorts {
    /// In the network of the node a container has the ports of the node.
    host_network: bool,
    taken: BTreeSet<(String, String, i64)>,
}

impl HostPorts {
    pub(super) fn of(spec: &Node<'_>) -> Self {
        let host_network = spec.flag_of("hostNetwork") == Some(true);
        Self { host_network, taken: BTreeSet::new() }
    }

    fn check(&mut self, port: &Node<'_>, number: i64, checked: &mut Checked) {
        let protocol = port.text_of("protocol", checked).unwrap_or("TCP").to_owned();
        let address = port.text_of("hostIP", checked).unwrap_or_default().to_owned();
        if !self.taken.insert((protocol, address, number)) {
            checked.refuse(
                port,
                "another port of the pod has this hostPort",
                "write another hostPort, or none",
            );
        }
        let container_port = port.int_of("containerPort", checked);
        if self.host_network && container_port.is_some_and(|container| container != number) {
            checked.refuse(
                port,
                "in the network of the host, hostPort has to be the same as containerPort",
                "remove hostPort",
            );
        }
    }
}
