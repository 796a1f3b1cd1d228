//! Requests and limits of a container.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    names,
    node::{Checked, Node},
};
use crate::quantity::Quantity;

/// Names of resources without a prefix that a container can ask for.
const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const HUGE_PAGES: &str = "hugepages-";

pub(super) fn check(container: &Node<'_>, checked: &mut Checked) {
    let Some(resources) = container.child("resources") else { return };
    let limits = read(&resources, "limits", checked);
    let requests = read(&resources, "requests", checked);
    for (name, (node, request)) in &requests {
        match limits.get(name) {
            Some((_, limit)) if may_exceed(name) && request > limit => checked.refuse(
                node,
                format!("it is more than the limit of {limit}"),
                "write at most the limit, or raise the limit",
            ),
            Some((_, limit)) if !may_exceed(name) && request != limit => checked.refuse(
                node,
                format!("it is not the same as the limit of {limit}"),
                "write the same amount as request and as limit",
            ),
            None if !may_exceed(name) => checked.refuse(
                node,
                "it has no limit, which this resource needs",
                "write the same amount as limit",
            ),
            Some(_) | None => {}
        }
    }
}

type Amounts<'a> = BTreeMap<&'a str, (Node<'a>, Quantity)>;

fn read<'a>(resources: &Node<'a>, field: &str, checked: &mut Checked) -> Amounts<'a> {
    let mut amounts = BTreeMap::new();
    for (name, node) in resources.members(field, checked) {
        check_name(name, &node, checked);
        if let Some(quantity) = quantity(&node, checked) {
            if !is_native(name) && !quantity.is_whole() {
                checked.refuse(&node, "it is not a whole number", "write a whole number");
            }
            amounts.insert(name, (node, quantity));
        }
    }
    amounts
}

fn check_name(name: &str, node: &Node<'_>, checked: &mut Checked) {
    let known = if name.contains('/') {
        names::is_qualified_name(name) && (is_native(name) || !name.starts_with("requests."))
    } else {
        STANDARD.contains(&name) || name.starts_with(HUGE_PAGES) && names::is_qualified_name(name)
    };
    if !known {
        checked.refuse(
            node,
            "a container has no resource of this name",
            "write cpu, memory, ephemeral-storage, hugepages-SIZE or the name of a device with its prefix, for example \
             nvidia.com/gpu",
        );
    }
}

/// A quantity that is not negative. Kubernetes reads numbers and texts.
pub(super) fn quantity(node: &Node<'_>, checked: &mut Checked) -> Option<Quantity> {
    let text = match node.value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    match text.parse::<Quantity>() {
        Ok(quantity) if quantity < Quantity::ZERO => {
            checked.refuse(node, "it is negative", "write 0 or more");
            None
        }
        Ok(quantity) => Some(quantity),
        Err(_) => {
            checked.refuse(
                node,
                "it is not a quantity",
                "write a number and, if needed, a unit, for example 500m or 2Gi",
            );
            None
        }
    }
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a limit may be more than the request.
fn may_exceed(name: &str) -> bool {
    is_native(name) && !name.starts_with(HUGE_PAGES)
}
