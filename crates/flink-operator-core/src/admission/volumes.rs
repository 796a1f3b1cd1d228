//! The volumes of a pod.

use std::collections::BTreeSet;

use super::{
    names,
    node::{Checked, Node},
    quantities,
};

/// Every kind of volume. A volume of no kind is an empty one.
const KINDS: [&str; 30] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "image",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

/// The fields without which a volume of a kind is refused.
const REQUIRED: [(&str, &str); 9] = [
    ("configMap", "name"),
    ("csi", "driver"),
    ("ephemeral", "volumeClaimTemplate"),
    ("gitRepo", "repository"),
    ("hostPath", "path"),
    ("nfs", "path"),
    ("nfs", "server"),
    ("persistentVolumeClaim", "claimName"),
    ("secret", "secretName"),
];

const HOST_PATH_TYPES: [&str; 7] = [
    "DirectoryOrCreate",
    "Directory",
    "FileOrCreate",
    "File",
    "Socket",
    "CharDevice",
    "BlockDevice",
];

const FILE_MODE_MAX: i64 = 0o777;

/// The names of a pod's volumes.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    names: BTreeSet<String>,
}

impl Volumes {
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

pub(super) fn check(spec: &Node<'_>, checked: &mut Checked) -> Volumes {
    let mut names = BTreeSet::new();
    for volume in spec.list("volumes", checked) {
        match volume.text_of("name", checked) {
            None => checked.require(&volume, "name", "write the name of the volume"),
            Some(name) => {
                checked.name(&volume, "name", &names::LABEL);
                if !names.insert(name.to_owned()) {
                    checked.refuse(
                        &volume,
                        "another volume of the pod has this name",
                        "write another name; those of the volumes that Flink adds are taken (flink-config-volume, \
                         pod-template-volume, hadoop-config-volume, SECRET-volume and others)",
                    );
                }
            }
        }
        check_source(&volume, checked);
    }
    Volumes { names }
}

fn check_source(volume: &Node<'_>, checked: &mut Checked) {
    let given: Vec<&str> = KINDS.iter().copied().filter(|kind| volume.has(kind)).collect();
    if given.len() > 1 {
        checked.refuse(
            volume,
            format!("it has more than one source: {}", given.join(", ")),
            "keep one of them",
        );
    }
    for (kind, field) in REQUIRED {
        if let Some(source) = volume.child(kind)
            && source.child(field).is_none_or(|value| value.value == "")
        {
            checked.require(&source, field, format!("a volume of kind {kind} needs it; write it"));
        }
    }
    if let Some(host_path) = volume.child("hostPath") {
        checked.one_of(&host_path, "type", &HOST_PATH_TYPES);
        if let Some(path) = host_path.text_of("path", checked)
            && path.split('/').any(|part| part == "..")
        {
            checked.refuse(&host_path, "its path has a ..", "write the path without ..");
        }
    }
    if let Some(limit) = volume.child("emptyDir").and_then(|source| source.child("sizeLimit")) {
        quantities::quantity(&limit, checked);
    }
    for kind in ["configMap", "secret"] {
        let Some(source) = volume.child(kind) else { continue };
        checked.range(&source, "defaultMode", 0, FILE_MODE_MAX);
        for item in source.list("items", checked) {
            for field in ["key", "path"] {
                if item.text_of(field, checked).is_none() {
                    checked.require(
                        &item,
                        field,
                        "write a key of the object and the path of its file",
                    );
                }
            }
            checked.range(&item, "mode", 0, FILE_MODE_MAX);
        }
    }
}
