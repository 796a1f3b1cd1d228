//! Security contexts of pods and containers.

use super::node::{Checked, Node};

const ID_MAX: i64 = i32::MAX as i64;

pub(super) fn check_pod(context: &Node<'_>, checked: &mut Checked) {
    checked.range(context, "fsGroup", 0, ID_MAX);
    checked.one_of(context, "fsGroupChangePolicy", &["OnRootMismatch", "Always"]);
    checked.one_of(context, "supplementalGroupsPolicy", &["Merge", "Strict"]);
    check_common(context, checked);
}

pub(super) fn check_container(context: &Node<'_>, checked: &mut Checked) {
    check_common(context, checked);
    checked.one_of(context, "procMount", &["Default", "Unmasked"]);
    let is = |field: &str, expected: bool| context.flag_of(field) == Some(expected);
    if is("allowPrivilegeEscalation", false) && is("privileged", true) {
        checked.refuse(
            context,
            "it is privileged, and does not allow privilege escalation",
            "remove privileged or allowPrivilegeEscalation",
        );
    }
}

fn check_common(context: &Node<'_>, checked: &mut Checked) {
    checked.range(context, "runAsUser", 0, ID_MAX);
    checked.range(context, "runAsGroup", 0, ID_MAX);
    for field in ["seccompProfile", "appArmorProfile"] {
        let Some(profile) = context.child(field) else { continue };
        if profile.text_of("type", checked).is_none() {
            checked.require(&profile, "type", "write RuntimeDefault, Unconfined or Localhost");
        }
        checked.one_of(&profile, "type", &["RuntimeDefault", "Unconfined", "Localhost"]);
        let is_local = profile.text_of("type", checked) == Some("Localhost");
        if is_local != profile.has("localhostProfile") && profile.has("type") {
            checked.refuse(
                &profile,
                "localhostProfile belongs to the type Localhost, and to no other",
                "set localhostProfile for the type Localhost, and remove it for another",
            );
        }
    }
}
