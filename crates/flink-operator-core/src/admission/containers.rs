//! The containers of a pod.

use std::collections::BTreeSet;

use super::{
    Checked, env, mounts, names,
    node::Node,
    ports::{self, HostPorts},
    probes, quantities, security,
    volumes::Volumes,
};
use crate::pod_template::MAIN_CONTAINER;

pub(super) fn check(spec: &Node<'_>, volumes: &Volumes, checked: &mut Checked) {
    let mut taken = BTreeSet::new();
    let mut host = HostPorts::of(spec);
    for container in spec.list("containers", checked) {
        check_common(&container, volumes, &mut taken, checked);
        probes::check(&container, checked);
        host = ports::check(&container, host, checked);
    }
    for container in spec.list("initContainers", checked) {
        check_common(&container, volumes, &mut taken, checked);
        checked.one_of(&container, "restartPolicy", &["Always", "OnFailure", "Never"]);
        if container.text_of("restartPolicy", checked) == Some("Always") {
            probes::check(&container, checked);
        } else {
            probes::refuse(&container, checked);
        }
        // Init containers run one after the other.
        ports::check(&container, HostPorts::default(), checked);
    }
}

fn check_common(
    container: &Node<'_>,
    volumes: &Volumes,
    taken: &mut BTreeSet<String>,
    checked: &mut Checked,
) {
    match container.text_of("name", checked) {
        None => checked.require(container, "name", "write the name of the container"),
        Some(name) => {
            checked.name(container, "name", &names::LABEL);
            if !taken.insert(name.to_owned()) {
                checked.refuse(
                    container,
                    "another container or init container of the pod has this name",
                    "write another name",
                );
            }
        }
    }
    if container.text_of("image", checked).is_none() {
        checked.require(
            container,
            "image",
            format!(
                "if the container is the one that runs Flink, call it {MAIN_CONTAINER}: it gets spec.image; if it is another \
                 one, write its image"
            ),
        );
    }
    checked.one_of(container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]);
    checked.one_of(container, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"]);
    env::check(container, checked);
    mounts::check(container, volumes, checked);
    quantities::check(container, checked);
    if let Some(context) = container.child("securityContext") {
        security::check_container(&context, checked);
    }
}
