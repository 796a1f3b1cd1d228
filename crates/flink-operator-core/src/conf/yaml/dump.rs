//! Writes a [`Node`] as Flink's YAML library does: the same quoting, the same layout.

use super::{
    INDENT, Node,
    text::{Place, write_text},
};
use crate::conf::double::double_text;

/// Keys of this length or more are written with `? `. The library counts the tag `!!str` in.
const SIMPLE_KEY_LENGTH: usize = 128 - "!!str".len();

/// Writes a node on one line: `[a, b]`, `{k: v}`.
pub(in crate::conf) fn dump_flow(node: &Node) -> String {
    let mut out = String::new();
    write_flow(&mut out, node);
    out
}

/// Writes a document with a mapping in block style, with a line break at the end.
pub(in crate::conf) fn dump_block(pairs: &[(Node, Node)]) -> String {
    let mut out = String::new();
    if pairs.is_empty() {
        out.push_str("{}");
    } else {
        write_mapping(&mut out, pairs, 0);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Writes the pairs of a block mapping. The position is where the first key goes.
fn write_mapping(out: &mut String, pairs: &[(Node, Node)], indent: usize) {
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            start_line(out, indent);
        }
        if is_simple_key(key) {
            write_inline(out, key, Place::BlockKey);
            out.push(':');
            write_value(out, value, indent, After::Key);
        } else {
            out.push('?');
            write_value(out, key, indent, After::Indicator);
            start_line(out, indent);
            out.push(':');
            write_value(out, value, indent, After::Indicator);
        }
    }
}

fn write_sequence(out: &mut String, items: &[Node], indent: usize) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            start_line(out, indent);
        }
        out.push('-');
        write_value(out, item, indent, After::Indicator);
    }
}

/// What stands before a value on its line.
#[derive(Clone, Copy)]
enum After {
    /// `key:`, so a collection starts on a new line.
    Key,
    /// `-`, `?` or `:` at the start of the line, so a collection starts on the same line.
    Indicator,
}

fn write_value(out: &mut String, value: &Node, indent: usize, after: After) {
    let below = indent + INDENT;
    if let Node::Map(pairs) = value
        && !pairs.is_empty()
    {
        match after {
            After::Key => start_line(out, below),
            After::Indicator => out.push(' '),
        }
        write_mapping(out, pairs, below);
    } else if let Node::List(items) = value
        && !items.is_empty()
    {
        match after {
            After::Key => {
                // The dashes stand under the first letter of the key.
                start_line(out, indent);
                write_sequence(out, items, indent);
            }
            After::Indicator => {
                out.push(' ');
                write_sequence(out, items, below);
            }
        }
    } else {
        out.push(' ');
        write_inline(out, value, Place::Block { indent: below });
    }
}

fn start_line(out: &mut String, indent: usize) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a key may stand before its colon without `? `.
fn is_simple_key(key: &Node) -> bool {
    match key {
        Node::Text(text) => {
            let length = text.encode_utf16().count();
            !text.is_empty() && !text.contains('\n') && length < SIMPLE_KEY_LENGTH
        }
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::Float(_) => true,
        Node::List(items) => items.is_empty(),
        Node::Map(pairs) => pairs.is_empty(),
    }
}

/// Writes a text in the style of its place, and anything else in flow style.
fn write_inline(out: &mut String, node: &Node, place: Place) {
    if let Node::Text(text) = node {
        write_text(out, text, place);
    } else {
        write_flow(out, node);
    }
}

fn write_flow(out: &mut String, node: &Node) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Int(digits) => out.push_str(digits),
        Node::Float(value) => out.push_str(&float_text(*value)),
        Node::Text(text) => write_text(out, text, Place::Flow),
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_flow(out, item);
            }
            out.push(']');
        }
        Node::Map(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                let (before, after) = if is_simple_key(key) { ("", ": ") } else { ("? ", " : ") };
                out.push_str(before);
                write_flow(out, key);
                out.push_str(after);
                write_flow(out, value);
            }
            out.push('}');
        }
    }
}

fn float_text(value: f64) -> String {
    if value.is_nan() {
        ".nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        double_text(value)
    }
}
