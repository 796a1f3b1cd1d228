//! YAML 1.2 with the core schema, read and written as Flink's YAML library does.

mod dump;
mod parse;
mod scalar;
mod text;

pub(super) use dump::{dump_block, dump_flow};
pub(super) use parse::parse;

/// Blanks for each level of a block collection.
const INDENT: usize = 2;

/// A YAML value. Mappings keep the order of the document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// A whole number of any size: decimal digits without leading zeros, perhaps a minus.
    Int(String),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl Node {
    /// What the node is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

#[cfg(test)]
mod tests;
