//! YAML 1.2 with the core schema, read and written as Flink's YAML library does.

mod dump;
pub(super) mod elements;
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
    /// How many levels the node has; 1 for a scalar.
    fn depth(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) => 1,
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(pairs) => {
                let depths = pairs.iter().map(|(key, value)| key.depth().max(value.depth()));
                1 + depths.max().unwrap_or(0)
            }
        }
    }

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
