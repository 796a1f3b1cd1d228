//! Reads one YAML document into a [`Node`].

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag, options,
};

use super::{Node, scalar};

/// How often an anchored collection may be used again; the limit of Flink's library.
const COLLECTION_ALIASES_MAX: usize = 50;
/// How many nodes a document may have once its aliases are replaced. A configuration has hundreds.
const NODES_MAX: usize = 100_000;
/// How deep a document may be nested once its aliases are replaced. Configurations have five levels
/// or so; every level takes a piece of the stack.
const DEPTH_MAX: usize = 256;

/// Why a text is no YAML document that Flink would accept. Line and column start at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::conf) struct YamlError {
    pub(in crate::conf) line: usize,
    pub(in crate::conf) column: usize,
    pub(in crate::conf) problem: String,
}

/// Reads a text that holds at most one document; none at all is [`Node::Null`].
pub(in crate::conf) fn parse(text: &str) -> Result<Node, YamlError> {
    let options: Options = options! {
        emit_comments: false,
        // Flink's library adds no break to a block scalar at the end of the text.
        block_scalar_eof_without_line_feed: true,
        // Nor does it mind a byte-order mark in the middle.
        bom_inside_document_as_content: true,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader =
        Reader { parser, anchors: BTreeMap::new(), collection_aliases: 0, nodes: 0, depth: 0 };
    let mut document = None;
    loop {
        let (event, span) = reader.next()?;
        if event == Event::StreamEnd {
            return Ok(document.unwrap_or(Node::Null));
        }
        if matches!(event, Event::DocumentStart(..)) {
            if document.is_some() {
                return Err(error(span, "only one document is allowed"));
            }
            let (event, span) = reader.next()?;
            document = Some(reader.node(event, span)?);
        }
    }
}

struct Reader<'input> {
    parser: Parser<'input, StrInput<'input>>,
    /// Finished nodes by the number of their anchor.
    anchors: BTreeMap<usize, Anchored>,
    collection_aliases: usize,
    /// How many nodes there are so far, those behind aliases included.
    nodes: usize,
    /// How many collections are around the next node.
    depth: usize,
}

/// A node that aliases can refer to, with its size.
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

impl<'input> Reader<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(scan_error(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Reads the node that starts with the given event.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the variants of the library's event depend on its features"
    )]
    fn node(&mut self, event: Event<'input>, span: Span) -> Result<Node, YamlError> {
        let before = self.nodes;
        self.count(1, 1, span)?;
        self.depth += 1;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                // The library hands out `~` where the document has nothing at all.
                let text = if span.is_empty() && style == ScalarStyle::Plain { "" } else { &text };
                (scalar_node(text, style, tag.as_deref(), span)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_collection_tag(tag.as_deref(), "seq", span)?;
                (self.sequence()?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_collection_tag(tag.as_deref(), "map", span)?;
                (self.mapping()?, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, span)?, 0),
            _ => return Err(error(span, "a value is expected here")),
        };
        self.depth -= 1;
        if anchor != 0 {
            let (nodes, depth) = (self.nodes - before, node.depth());
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth });
        }
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Node, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node::List(items));
            }
            items.push(self.node(event, span)?);
        }
    }

    fn mapping(&mut self) -> Result<Node, YamlError> {
        let mut pairs: Vec<(Node, Node)> = Vec::new();
        let mut keys = BTreeSet::new();
        loop {
            let (event, key_span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Node::Map(pairs));
            }
            let no_key = event.scalar() == Some(("~", ScalarStyle::Plain));
            if no_key && key_span.is_empty() {
                return Err(error(key_span, "a key is missing before the colon"));
            }
            let key = self.node(event, key_span)?;
            // As YAML the text "1" and the number differ, as they must here.
            let written = super::dump_flow(&key);
            if keys.contains(&written) {
                return Err(error(key_span, &format!("the key {written} appears twice")));
            }
            keys.insert(written);
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            pairs.push((key, value));
        }
    }

    /// Replaces an alias by its node. An anchor around the alias itself is not finished yet, so a
    /// node cannot contain itself.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, YamlError> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(error(span, "the alias refers to a value that contains it"));
        };
        let node = anchored.node.clone();
        let (nodes, depth) = (anchored.nodes, anchored.depth);
        if matches!(node, Node::List(_) | Node::Map(_)) {
            self.collection_aliases += 1;
            if self.collection_aliases > COLLECTION_ALIASES_MAX {
                let problem =
                    format!("at most {COLLECTION_ALIASES_MAX} aliases of collections are allowed");
                return Err(error(span, &problem));
            }
        }
        self.count(nodes, depth, span)?;
        Ok(node)
    }

    /// Counts the nodes that come next, and how many levels they have.
    fn count(&mut self, nodes: usize, depth: usize, span: Span) -> Result<(), YamlError> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(error(span, &format!("the document has more than {NODES_MAX} values")));
        }
        if self.depth + depth > DEPTH_MAX {
            return Err(error(span, &format!("the document is nested deeper than {DEPTH_MAX}")));
        }
        Ok(())
    }
}

fn scalar_node(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Node, YamlError> {
    let Some(tag) = tag else {
        return Ok(match style {
            ScalarStyle::Plain => scalar::resolve(text),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Node::Text(text.to_owned()),
        });
    };
    let mismatch =
        || error(span, &format!("{text:?} does not have the type of its tag {}", tag.original()));
    match tag.core_suffix() {
        Some("str") => Ok(Node::Text(text.to_owned())),
        Some("null") => Ok(Node::Null),
        Some("int") => scalar::int(text).ok_or_else(mismatch),
        Some("float") => scalar::int(text)
            .map(|_| text)
            .and_then(|text| text.parse().ok().map(Node::Float))
            .or_else(|| scalar::float(text))
            .ok_or_else(mismatch),
        Some("bool") => match scalar::resolve(text) {
            value @ Node::Bool(_) => Ok(value),
            Node::Null
            | Node::Int(_)
            | Node::Float(_)
            | Node::Text(_)
            | Node::List(_)
            | Node::Map(_) => Err(mismatch()),
        },
        // The tag `!` alone says that the scalar is text.
        None if tag.original() == "!" => Ok(Node::Text(text.to_owned())),
        Some(_) | None => Err(unknown_tag(tag, span)),
    }
}

fn check_collection_tag(tag: Option<&Tag>, suffix: &str, span: Span) -> Result<(), YamlError> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(suffix) && tag.original() != "!" => {
            Err(unknown_tag(tag, span))
        }
        Some(_) | None => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, span: Span) -> YamlError {
    error(span, &format!("the tag {} is not allowed here", tag.original()))
}

fn error(span: Span, problem: &str) -> YamlError {
    let start = span.start;
    YamlError { line: start.line(), column: start.col() + 1, problem: problem.to_owned() }
}

fn scan_error(error: &ScanError) -> YamlError {
    let marker = error.marker();
    YamlError { line: marker.line(), column: marker.col() + 1, problem: error.info() }
}
