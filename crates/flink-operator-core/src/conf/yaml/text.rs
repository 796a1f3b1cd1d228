//! Writes a text as a scalar, in the style that Flink's YAML library chooses.

use super::{INDENT, scalar};

/// Where a text is written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// In a block collection; further lines of the text are indented this far.
    Block { indent: usize },
    /// A key before its colon, in a block mapping.
    BlockKey,
    /// In a flow collection, as key or value.
    Flow,
}

pub(super) fn write_text(out: &mut String, text: &str, place: Place) {
    match (Style::of(text, place), place) {
        (Style::Plain, _) => out.push_str(text),
        (Style::SingleQuoted, _) => {
            out.push('\'');
            out.push_str(&text.replace('\'', "''"));
            out.push('\'');
        }
        (Style::Literal, Place::Block { indent }) => write_literal(out, text, indent),
        (Style::Literal | Style::DoubleQuoted, _) => write_double_quoted(out, text),
    }
}

/// What the library takes for line breaks when it chooses a style, although YAML 1.2 knows only the
/// first.
const BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

#[derive(Clone, Copy)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// A block after `|`, whose lines are taken as they are.
    Literal,
}

impl Style {
    fn of(text: &str, place: Place) -> Self {
        let escape = text.chars().any(needs_escape);
        if text.contains(BREAKS) {
            let in_block = matches!(place, Place::Block { .. });
            let blank_before_break = text.contains(" \n") || text.ends_with(' ');
            return if in_block && !escape && !blank_before_break {
                Self::Literal
            } else {
                Self::DoubleQuoted
            };
        }
        if escape {
            return Self::DoubleQuoted;
        }
        let (in_block, in_flow) = indicators(text);
        let indicators = match place {
            Place::Block { .. } | Place::BlockKey => in_block,
            Place::Flow => in_flow,
        };
        let outer_blank = text.starts_with(' ') || text.ends_with(' ');
        if indicators || outer_blank || scalar::needs_quotes(text) {
            Self::SingleQuoted
        } else {
            Self::Plain
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
        let blank_after = characters.peek().is_none_or(|(_, next)| *next == ' ');
        let first = index == 0;
        match character {
            ':' => {
                flow = true;
                block |= blank_after;
            }
            '#' if blank_before => {
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
        blank_before = character == ' ';
    }
    (block, flow)
}

/// Whether a character can only be written with an escape, in double quotes.
fn needs_escape(character: char) -> bool {
    matches!(character, '\t' | '\r') || !printable(character)
}

/// Whether YAML allows a character in a document.
fn printable(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Writes a literal block. The mark after `|` says how deep it is indented, where its first line
/// would hide that, and which breaks at its end belong to the text.
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
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    out.push('\n');
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
                let (letter, digits) = if code <= 0xff { ('x', 2) } else { ('u', 4) };
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
