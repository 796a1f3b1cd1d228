//! The whole pod.

use serde_json::Value;

use super::{
    containers, metadata, names,
    node::{Checked, Node},
    scheduling, security, volumes,
};

/// What creates the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodOf {
    /// A Deployment, which keeps its pods running.
    Deployment,
    /// A JobManager, which replaces the pods of TaskManagers itself.
    JobManager,
}

/// Checks a pod: an object with `metadata` and `spec`.
pub fn check_pod(pod: &Value, of: PodOf) -> Checked {
    let mut checked = Checked::default();
    let root = Node::root(pod);
    if let Some(metadata) = root.child("metadata") {
        metadata::check(&metadata, &mut checked);
    }
    if let Some(spec) = root.child("spec") {
        check_spec(&spec, of, &mut checked);
    }
    checked
}

fn check_spec(spec: &Node<'_>, of: PodOf, checked: &mut Checked) {
    let volumes = volumes::check(spec, checked);
    containers::check(spec, &volumes, checked);
    match of {
        PodOf::Deployment => {
            checked.one_of(spec, "restartPolicy", &["Always"]);
            if let Some(seconds) = spec.child("activeDeadlineSeconds") {
                checked.refuse(&seconds, "the pods of a Deployment have no deadline", "remove it");
            }
        }
        PodOf::JobManager => {
            checked.one_of(spec, "restartPolicy", &["Always", "OnFailure", "Never"]);
            checked.range(spec, "activeDeadlineSeconds", 1, i64::from(i32::MAX));
        }
    }
    if let Some(containers) = spec.child("ephemeralContainers")
        && containers.value.as_array().is_some_and(|list| !list.is_empty())
    {
        checked.refuse(&containers, "a pod is not created with them", "remove them");
    }
    checked.one_of(
        spec,
        "dnsPolicy",
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    );
    if spec.text_of("dnsPolicy", checked) == Some("None")
        && spec
            .child("dnsConfig")
            .is_none_or(|config| config.list("nameservers", checked).is_empty())
    {
        checked.require(
            spec,
            "dnsConfig.nameservers",
            "write at least one name server, which the policy None needs",
        );
    }
    checked.one_of(spec, "preemptionPolicy", &["PreemptLowerPriority", "Never"]);
    for (field, rule) in [
        ("serviceAccountName", &names::SUBDOMAIN),
        ("nodeName", &names::SUBDOMAIN),
        ("priorityClassName", &names::SUBDOMAIN),
        ("runtimeClassName", &names::SUBDOMAIN),
        ("hostname", &names::LABEL),
        ("subdomain", &names::LABEL),
    ] {
        checked.name(spec, field, rule);
    }
    if let Some(context) = spec.child("securityContext") {
        security::check_pod(&context, checked);
    }
    scheduling::check(spec, checked);
}
