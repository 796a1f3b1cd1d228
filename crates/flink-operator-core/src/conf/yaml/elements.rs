//! Lists and maps as Flink takes them out of YAML: every element becomes a text.

use std::collections::BTreeMap;

use super::{Node, dump_flow, parse};

/// The elements of a text that is a list.
pub(in crate::conf) fn list(text: &str) -> Option<Vec<Node>> {
    match parse(text) {
        Ok(Node::List(items)) => Some(items),
        Ok(
            Node::Null
            | Node::Bool(_)
            | Node::Int(_)
            | Node::Float(_)
            | Node::Text(_)
            | Node::Map(_),
        )
        | Err(_) => None,
    }
}

/// The text of an element; `None` for a null, with which Flink gives up on YAML.
pub(in crate::conf) fn text(node: &Node) -> Option<String> {
    match node {
        Node::Null => None,
        Node::Text(plain) => Some(plain.clone()),
        Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::List(_) | Node::Map(_) => {
            Some(dump_flow(node))
        }
    }
}

/// A YAML mapping with keys and values as text; `None` when it is none, or has a null, or two keys
/// with the same text.
pub(in crate::conf) fn map(node: &Node) -> Option<BTreeMap<String, String>> {
    let Node::Map(pairs) = node else { return None };
    let mut pairs_by_key = BTreeMap::new();
    for (key, value) in pairs {
        if pairs_by_key.insert(text(key)?, text(value)?).is_some() {
            return None;
        }
    }
    Some(pairs_by_key)
}
