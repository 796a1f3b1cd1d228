//! Where a container mounts the volumes of its pod.

use std::collections::BTreeMap;

use super::{
    node::{Checked, Node},
    volumes::Volumes,
};

pub(super) fn check(container: &Node<'_>, volumes: &Volumes, checked: &mut Checked) {
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    for mount in container.list("volumeMounts", checked) {
        let name = mount.text_of("name", checked);
        match name {
            None => checked.require(&mount, "name", "write the name of a volume of the pod"),
            Some(name) if !volumes.has(name) => checked.refuse(
                &mount,
                "the pod has no volume of this name",
                "add the volume to spec.volumes, or correct the name",
            ),
            Some(_) => {}
        }
        match mount.text_of("mountPath", checked) {
            None => checked.require(&mount, "mountPath", "write a path in the container"),
            Some(path) => {
                if let Some(other) = paths.insert(path, name.unwrap_or_default()) {
                    checked.refuse(
                        &mount,
                        format!("the container mounts the volume {other} at {path} too"),
                        "mount each volume at a path of its own; the paths of flink-config-volume, pod-template-volume and the \
                         volumes of options are taken",
                    );
                }
            }
        }
        for field in ["subPath", "subPathExpr"] {
            if let Some(path) = mount.text_of(field, checked)
                && (path.starts_with('/') || path.split('/').any(|part| part == ".."))
            {
                checked.refuse(
                    &mount,
                    format!("its {field} leads out of the volume"),
                    "write a path below the volume, without .. and without a slash at its start",
                );
            }
        }
        if mount.has("subPath") && mount.has("subPathExpr") {
            checked.refuse(&mount, "it has both subPath and subPathExpr", "keep one of them");
        }
        checked.one_of(&mount, "mountPropagation", &["None", "HostToContainer", "Bidirectional"]);
        let privileged = container
            .child("securityContext")
            .and_then(|context| context.flag_of("privileged"))
            .unwrap_or(false);
        if mount.text_of("mountPropagation", checked) == Some("Bidirectional") && !privileged {
            checked.refuse(
                &mount,
                "only a privileged container can mount with propagation Bidirectional",
                "write HostToContainer, or set securityContext.privileged",
            );
        }
    }
}
