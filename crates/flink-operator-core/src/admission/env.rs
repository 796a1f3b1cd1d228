//! Environment variables of a container.

use super::{
    names,
    node::{Checked, Node},
};

const SOURCES: [&str; 5] =
    ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];

/// A variable without value is empty, which is allowed; so are two of the same name, of which the last one counts.
pub(super) fn check(container: &Node<'_>, checked: &mut Checked) {
    for variable in container.list("env", checked) {
        if variable.text_of("name", checked).is_none() {
            checked.require(&variable, "name", "write the name of the variable");
        }
        checked.name(&variable, "name", &names::ENV);
        let value = variable.child("value");
        // The value may be a secret.
        let has_value = match &value {
            Some(value) if !value.value.is_string() => {
                checked.refusals.push(super::node::Refusal {
                    path: variable.path_of("value"),
                    value: None,
                    problem: "it is not a text".to_owned(),
                    remedy: "write it in quotes".to_owned(),
                });
                true
            }
            Some(value) => value.value != "",
            None => false,
        };
        if let Some(source) = variable.child("valueFrom") {
            check_source(&source, has_value, checked);
        }
    }
    for source in container.list("envFrom", checked) {
        checked.name(&source, "prefix", &names::ENV);
        let refs: Vec<_> =
            ["configMapRef", "secretRef"].iter().filter_map(|field| source.child(field)).collect();
        if refs.len() != 1 {
            checked.refuse(
                &source,
                "it does not have exactly one source",
                "write either configMapRef or secretRef",
            );
        }
        for reference in &refs {
            if reference.text_of("name", checked).is_none() {
                checked.require(reference, "name", "write the name of the object");
            }
            checked.name(reference, "name", &names::SUBDOMAIN);
        }
    }
}

fn check_source(source: &Node<'_>, has_value: bool, checked: &mut Checked) {
    let given: Vec<_> = SOURCES.iter().filter_map(|field| source.child(field)).collect();
    if given.is_empty() {
        checked.refuse(
            source,
            "it names no source",
            "write one of fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef",
        );
    } else if has_value {
        checked.refuse(source, "value is set too", "remove value or valueFrom");
    } else if given.len() > 1 {
        checked.refuse(source, "it has more than one source", "keep one of them");
    }
    for field in ["configMapKeyRef", "secretKeyRef"] {
        let Some(reference) = source.child(field) else { continue };
        for required in ["name", "key"] {
            if reference.text_of(required, checked).is_none() {
                checked.require(
                    &reference,
                    required,
                    "write the name of the object and the key in it",
                );
            }
        }
    }
    if let Some(reference) = source.child("fieldRef")
        && reference.text_of("fieldPath", checked).is_none()
    {
        checked.require(&reference, "fieldPath", "write a field, for example status.podIP");
    }
    if let Some(reference) = source.child("resourceFieldRef")
        && reference.text_of("resource", checked).is_none()
    {
        checked.require(&reference, "resource", "write a resource, for example limits.memory");
    }
}
