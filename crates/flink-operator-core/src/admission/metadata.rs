//! Labels and annotations.

use super::{
    names,
    node::{Checked, Node},
};

/// All annotations of an object together.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

pub(super) fn check(metadata: &Node<'_>, checked: &mut Checked) {
    labels(metadata, "labels", checked);
    let mut bytes = 0;
    for (name, node) in metadata.members("annotations", checked) {
        if !names::is_annotation_name(name) {
            checked.refuse(&node, "its name is not a qualified name", names::QUALIFIED.remedy);
        }
        bytes += name.len() + node.text(checked).unwrap_or_default().len();
    }
    if bytes > ANNOTATIONS_BYTES_MAX
        && let Some(annotations) = metadata.child("annotations")
    {
        checked.refuse(
            &annotations,
            format!("they have {bytes} bytes"),
            format!("use at most {ANNOTATIONS_BYTES_MAX} bytes for all annotations"),
        );
    }
}

/// Labels, or a selector with the same syntax.
pub(super) fn labels(parent: &Node<'_>, field: &str, checked: &mut Checked) {
    for (name, node) in parent.members(field, checked) {
        if !names::is_qualified_name(name) {
            checked.refuse(&node, "its name is not a qualified name", names::QUALIFIED.remedy);
        }
        if let Some(value) = node.text(checked)
            && !(names::LABEL_VALUE.holds)(value)
        {
            checked.refuse(&node, names::LABEL_VALUE.problem, names::LABEL_VALUE.remedy);
        }
    }
}
