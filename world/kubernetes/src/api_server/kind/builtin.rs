//! The built-in kinds.

use super::{DeletionAnswer, Generation, Kind, NameRule, Scale};
use crate::api_server::ownership::FieldSet;
use crate::api_server::types::table::builtin;

/// Every built-in kind of the world.
pub(super) fn kinds() -> Vec<Kind> {
    vec![
        core("ConfigMap", "configmaps"),
        Kind { selectable: &[("type", "/type")], ..core("Secret", "secrets") },
        Kind {
            create_on_update: true,
            deletion_answer: DeletionAnswer::Object,
            selectable: &[("spec.clusterIP", "/spec/clusterIP"), ("spec.type", "/spec/type")],
            names: NameRule::Label1035,
            ..with_status(core("Service", "services"))
        },
        Kind {
            generation: Generation::Spec,
            graceful: true,
            deletion_answer: DeletionAnswer::Object,
            selectable: POD_FIELDS,
            status_ignored: FieldSet::of(&[
                &["spec"],
                &["metadata", "deletionTimestamp"],
                &["metadata", "ownerReferences"],
            ]),
            ..with_status(core("Pod", "pods"))
        },
        Kind {
            namespaced: false,
            names: NameRule::Label,
            deletion_answer: DeletionAnswer::Object,
            selectable: &[("status.phase", "/status/phase")],
            ..with_status(core("Namespace", "namespaces"))
        },
        Kind {
            namespaced: false,
            selectable: &[("spec.unschedulable", "/spec/unschedulable")],
            ..with_status(core("Node", "nodes"))
        },
        Kind {
            deletion_answer: DeletionAnswer::Object,
            ..core("ServiceAccount", "serviceaccounts")
        },
        Kind {
            deletion_answer: DeletionAnswer::Object,
            ..with_status(core("ResourceQuota", "resourcequotas"))
        },
        Kind {
            deletion_answer: DeletionAnswer::Object,
            ..with_status(core("PersistentVolumeClaim", "persistentvolumeclaims"))
        },
        Kind {
            create_on_update: true,
            selectable: EVENT_FIELDS,
            storage: "events".to_owned(),
            ..core("Event", "events")
        },
        Kind {
            create_on_update: true,
            selectable: EVENTS_FIELDS,
            storage: "events".to_owned(),
            ..grouped("events.k8s.io", "events.", "Event", "events")
        },
        Kind {
            generation: Generation::SpecAndAnnotations,
            scale: Some(replicas()),
            status_ignored: FieldSet::of(&[&["spec"], &["metadata", "labels"]]),
            ..with_status(grouped("apps", "apps.", "Deployment", "deployments"))
        },
        Kind {
            generation: Generation::Spec,
            scale: Some(replicas()),
            selectable: &[("status.replicas", "/status/replicas")],
            ..with_status(grouped("apps", "apps.", "ReplicaSet", "replicasets"))
        },
        Kind {
            generation: Generation::Spec,
            ..with_status(grouped("networking.k8s.io", "networking.", "Ingress", "ingresses"))
        },
        Kind {
            unconditional_update: false,
            create_on_update: true,
            ..grouped("coordination.k8s.io", "coordination.", "Lease", "leases")
        },
    ]
}

const POD_FIELDS: &[(&str, &str)] = &[
    ("spec.nodeName", "/spec/nodeName"),
    ("spec.restartPolicy", "/spec/restartPolicy"),
    ("spec.schedulerName", "/spec/schedulerName"),
    ("spec.serviceAccountName", "/spec/serviceAccountName"),
    ("status.phase", "/status/phase"),
    ("status.podIP", "/status/podIP"),
];

const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject.kind", "/involvedObject/kind"),
    ("involvedObject.namespace", "/involvedObject/namespace"),
    ("involvedObject.name", "/involvedObject/name"),
    ("involvedObject.uid", "/involvedObject/uid"),
    ("involvedObject.apiVersion", "/involvedObject/apiVersion"),
    ("reason", "/reason"),
    ("reportingComponent", "/reportingComponent"),
    ("type", "/type"),
];

const EVENTS_FIELDS: &[(&str, &str)] = &[
    ("regarding.kind", "/regarding/kind"),
    ("regarding.namespace", "/regarding/namespace"),
    ("regarding.name", "/regarding/name"),
    ("regarding.uid", "/regarding/uid"),
    ("regarding.apiVersion", "/regarding/apiVersion"),
    ("reason", "/reason"),
    ("reportingController", "/reportingController"),
    ("type", "/type"),
];

fn core(kind: &str, plural: &str) -> Kind {
    grouped("", "", kind, plural)
}

fn grouped(group: &str, prefix: &str, kind: &str, plural: &str) -> Kind {
    Kind {
        group: group.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        ty: builtin(&format!("{prefix}{kind}")),
        ..Kind::default()
    }
}

fn with_status(kind: Kind) -> Kind {
    Kind {
        status: true,
        ignored: FieldSet::of(&[&["status"]]),
        status_ignored: FieldSet::of(&[&["spec"]]),
        ..kind
    }
}

fn replicas() -> Scale {
    Scale {
        spec_replicas: "/spec/replicas".to_owned(),
        status_replicas: "/status/replicas".to_owned(),
        selector: None,
    }
}
