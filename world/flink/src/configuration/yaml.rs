//! YAML as far as a configuration file needs it. A scalar is the text that stands in the file: the option that it belongs
//! to says whether it is a number.

use std::fmt::Write as _;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, StrInput, options};

/// A value, with the fields of a map in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Null,
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// Reads a text that holds one document, or none.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let options: Options = options! { emit_comments: false };
    let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options) };
    let mut document = Node::Null;
    loop {
        let event = reader.next()?;
        if event == Event::StreamEnd {
            return Ok(document);
        }
        if matches!(event, Event::DocumentStart(..)) {
            let event = reader.next()?;
            document = reader.node(event)?;
        }
    }
}

struct Reader<'input> {
    parser: Parser<'input, StrInput<'input>>,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the variants of the library's event depend on its features"
)]
impl<'input> Reader<'input> {
    fn next(&mut self) -> Result<Event<'input>, String> {
        match self.parser.next_event() {
            Some(event) => event.map(|(event, _)| event).map_err(|error| error.to_string()),
            None => Ok(Event::StreamEnd),
        }
    }

    fn node(&mut self, event: Event<'input>) -> Result<Node, String> {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => Ok(Node::Null),
            Event::Scalar(text, ..) => Ok(Node::Text(text.into_owned())),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Ok(Node::List(items)),
                        event => items.push(self.node(event)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut fields = Vec::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Ok(Node::Map(fields)),
                        Event::Scalar(text, ..) => text.into_owned(),
                        _ => return Err("a key is not a text".to_owned()),
                    };
                    let event = self.next()?;
                    fields.push((key, self.node(event)?));
                }
            }
            _ => Err("anchors and aliases are not simulated".to_owned()),
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Characters that mean something in the flow form.
const NOTATION: &str = "[]{},:#'\"&*!|>%@`\n";

impl Node {
    /// The flow form: `[a, b]`, `{a: 1}`. Texts are quoted where they could be taken for notation.
    pub(super) fn flow(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) if text.is_empty() || text.contains(|c| NOTATION.contains(c)) => {
                serde_json::Value::from(text.as_str()).to_string()
            }
            Self::Text(text) => text.clone(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::flow).collect::<Vec<_>>().join(", "))
            }
            Self::Map(fields) => {
                let mut text = String::from("{");
                for (index, (key, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    // Writing to a String does not fail.
                    let _ = write!(text, "{comma}{key}: {}", value.flow());
                }
                text + "}"
            }
        }
    }

    /// The text of an option with this value.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            node @ (Self::Null | Self::List(_) | Self::Map(_)) => node.flow(),
        }
    }
}
