//! Writes a [`Node`] as Flink's YAML library does: the same quoting, the same layout.

use super::{Node, scalar};
use crate::conf::value::double_text;

/// Blanks for each level of a block collection.
const INDENT: usize = 2;
/// Longer keys are written with `? `. The library counts the tag `!!str` in.
const SIMPLE_KEY_BYTES_MAX: usize = 128 - "!!str".len();

/// Writes a node on one line, as far as its texts have one line: `[a, b]`, `{k: v}`.
pub(in crate::conf) fn dump_flow(node: &Node) -> String {
    let mut out = String::new();
    let place = match node {
        // A text alone is outside of any flow collection.
        Node::Text(_) => Place::Block { indent: INDENT },
        Node::Null
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_)
        | Node::List(_)
        | Node::Map(_) => Place::Flow,
    };
    match node {
        Node::Text(text) => write_text(&mut out, text, place),
        Node::Null
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_)
        | Node::List(_)
        | Node::Map(_) => {
            write_flow(&mut out, node);
        }
    }
    out
}

/// Writes a document in block style, with a line break at the end.
pub(in crate::conf) fn dump_block(node: &Node) -> String {
    let mut out = String::new();
    match node {
        Node::Map(pairs) if !pairs.is_empty() => write_mapping(&mut out, pairs, 0),
        Node::List(items) if !items.is_empty() => write_sequence(&mut out, items, 0),
        Node::Map(_)
        | Node::List(_)
        | Node::Null
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_) => {
            write_flow(&mut out, node);
        }
        Node::Text(text) => write_text(&mut out, text, Place::Block { indent: INDENT }),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Where a text is written.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In a block collection; further lines of the text are indented this far.
    Block { indent: usize },
    /// In a flow collection.
    Flow,
    /// A key before its colon, in a block mapping.
    BlockKey,
    /// A key before its colon, in a flow mapping.
    FlowKey,
}

/// Writes the pairs of a block mapping. The position is where the first key goes.
fn write_mapping(out: &mut String, pairs: &[(Node, Node)], indent: usize) {
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            start_line(out, indent);
        }
        if is_simple_key(key) {
            write_key(out, key, Place::BlockKey);
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
    match (value, after) {
        (Node::Map(pairs), After::Key) if !pairs.is_empty() => {
            start_line(out, below);
            write_mapping(out, pairs, below);
        }
        (Node::List(items), After::Key) if !items.is_empty() => {
            // The dashes stand under the first letter of the key.
            start_line(out, indent);
            write_sequence(out, items, indent);
        }
        (Node::Map(pairs), After::Indicator) if !pairs.is_empty() => {
            out.push(' ');
            write_mapping(out, pairs, below);
        }
        (Node::List(items), After::Indicator) if !items.is_empty() => {
            out.push(' ');
            write_sequence(out, items, below);
        }
        (Node::Text(text), _) => {
            out.push(' ');
            write_text(out, text, Place::Block { indent: below });
        }
        (
            Node::Map(_)
            | Node::List(_)
            | Node::Null
            | Node::Bool(_)
            | Node::Int(_)
            | Node::Float(_),
            _,
        ) => {
            out.push(' ');
            write_flow(out, value);
        }
    }
}

fn start_line(out: &mut String, indent: usize) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
    push_blanks(out, indent);
}

fn push_blanks(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// Whether a key may stand before its colon without `? `.
fn is_simple_key(key: &Node) -> bool {
    match key {
        Node::Text(text) => {
            !text.is_empty()
                && !text.contains('\n')
                && text.encode_utf16().count() < SIMPLE_KEY_BYTES_MAX
        }
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::Float(_) => true,
        Node::List(items) => items.is_empty(),
        Node::Map(pairs) => pairs.is_empty(),
    }
}

fn write_key(out: &mut String, key: &Node, place: Place) {
    match key {
        Node::Text(text) => write_text(out, text, place),
        Node::Null
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_)
        | Node::List(_)
        | Node::Map(_) => {
            write_flow(out, key);
        }
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
                if is_simple_key(key) {
                    write_key(out, key, Place::FlowKey);
                    out.push_str(": ");
                } else {
                    out.push_str("? ");
                    write_flow(out, key);
                    out.push_str(" : ");
                }
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

fn write_text(out: &mut String, text: &str, place: Place) {
    let styles = Styles::of(text);
    let plain = match place {
        Place::Block { .. } | Place::BlockKey => styles.plain_in_block,
        Place::Flow | Place::FlowKey => styles.plain_in_flow,
    };
    // Text of several lines goes into a literal block rather than a plain or quoted scalar.
    let multiline = text.contains(['\n', '\u{85}']);
    if plain && !multiline && !scalar::needs_quotes(text) {
        out.push_str(text);
        return;
    }
    match place {
        Place::Block { indent } if multiline && styles.literal => write_literal(out, text, indent),
        Place::BlockKey | Place::FlowKey if text.contains('\n') => write_double_quoted(out, text),
        Place::Block { .. } | Place::Flow | Place::BlockKey | Place::FlowKey => {
            if styles.single_quoted {
                let indent = match place {
                    Place::Block { indent } => indent,
                    Place::Flow | Place::BlockKey | Place::FlowKey => INDENT,
                };
                write_single_quoted(out, text, indent);
            } else {
                write_double_quoted(out, text);
            }
        }
    }
}

/// The styles in which a text can be written without changing it.
#[expect(clippy::struct_excessive_bools, reason = "four independent answers about one text")]
struct Styles {
    plain_in_block: bool,
    plain_in_flow: bool,
    single_quoted: bool,
    literal: bool,
}

impl Styles {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self {
                plain_in_block: false,
                plain_in_flow: false,
                single_quoted: true,
                literal: false,
            };
        }
        let (block_indicators, flow_indicators) = indicators(text);
        let characters: Vec<char> = text.chars().collect();
        let pair = |first: char, second: char| {
            characters.windows(2).any(|pair| matches!(pair, [a, b] if *a == first && *b == second))
        };
        let special = characters.iter().any(|c| *c != '\n' && (!printable(*c) || *c == '\t'));
        let unfit = special || pair(' ', '\n');
        let outer_blank = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        let blank_after_break = pair('\n', ' ');
        let plain = !unfit && !outer_blank && !blank_after_break;
        Self {
            plain_in_block: plain && !block_indicators,
            plain_in_flow: plain && !flow_indicators && !text.contains('\n'),
            single_quoted: !unfit && !blank_after_break,
            literal: !unfit && !text.ends_with(' '),
        }
    }
}

/// Whether a text holds characters that mean something to YAML: in a block, and in a flow.
fn indicators(text: &str) -> (bool, bool) {
    let mut block = text.starts_with("---") || text.starts_with("...");
    let mut flow = block;
    let mut blank_before = true;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let blank_after = characters
            .peek()
            .is_none_or(|(_, next)| matches!(next, '\0' | ' ' | '\t' | '\n' | '\r'));
        let first = index == 0;
        match character {
            ':' => {
                flow = true;
                block |= blank_after;
            }
            '#' if first || blank_before => {
                flow = true;
                block = true;
            }
            ',' | '[' | ']' | '{' | '}' => {
                flow = true;
                block |= first;
            }
            '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' if first => {
                flow = true;
                block = true;
            }
            '?' => {
                flow = true;
                block |= first && blank_after;
            }
            '-' if first && blank_after => {
                flow = true;
                block = true;
            }
            _ => {}
        }
        blank_before = matches!(character, '\0' | ' ' | '\t' | '\n');
    }
    (block, flow)
}

/// Whether YAML allows a character in the document without an escape.
fn printable(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..)
}

/// Writes a literal block, whose lines are taken as they are.
fn write_literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push_str(&INDENT.to_string());
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            push_blanks(out, indent);
            out.push_str(line);
        }
    }
    out.push('\n');
}

/// Writes a single-quoted scalar. A break inside becomes an empty line, because a single one would
/// be folded to a blank.
fn write_single_quoted(out: &mut String, text: &str, indent: usize) {
    out.push('\'');
    let mut in_breaks = false;
    for character in text.chars() {
        if character == '\n' {
            if !in_breaks {
                out.push('\n');
            }
            out.push('\n');
            in_breaks = true;
            continue;
        }
        if in_breaks {
            push_blanks(out, indent);
            in_breaks = false;
        }
        if character == '\'' {
            out.push('\'');
        }
        out.push(character);
    }
    if in_breaks {
        push_blanks(out, indent);
    }
    out.push('\'');
}

fn write_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        let escape = match character {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            other if printable(other) => {
                out.push(other);
                continue;
            }
            other => {
                let code = u32::from(other);
                let (letter, digits) = match code {
                    0..=0xff => ('x', 2),
                    0x100..=0xffff => ('u', 4),
                    _ => ('U', 8),
                };
                let code = format!("\\{letter}{code:0digits$x}");
                out.push_str(&code);
                continue;
            }
        };
        out.push('\\');
        out.push(escape);
    }
    out.push('"');
}
