//! The steps of a path to a field, as `managedFields` writes them: `f:name`, `k:{"name":"a"}`, `v:"a"`, `i:0`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The field of an object.
    Field(Arc<str>),
    /// The item of a list with these values in its keys, sorted by name.
    Key(Arc<[(Arc<str>, Scalar)]>),
    /// The item of a set.
    Value(Scalar),
    /// The place in a list. Never written by this server; read where a client sends it.
    Index(usize),
}

/// A value that can be part of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    Integer(i64),
    /// The bits of a floating-point number.
    Float(u64),
    String(Arc<str>),
    Boolean(bool),
}

impl Scalar {
    /// `None` for null, lists and objects.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Boolean(*value)),
            Value::Number(number) => number
                .as_i64()
                .map(Self::Integer)
                .or_else(|| number.as_f64().map(|float| Self::Float(float.to_bits()))),
            Value::String(text) => Some(Self::String(text.as_str().into())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub fn to_value(&self) -> Value {
        match self {
            Self::Integer(number) => Value::from(*number),
            Self::Float(bits) => Value::from(f64::from_bits(*bits)),
            Self::String(text) => Value::from(&**text),
            Self::Boolean(value) => Value::from(*value),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Integer(_) | Self::Float(_) => 0,
            Self::String(_) => 1,
            Self::Boolean(_) => 2,
        }
    }

    fn number(&self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "only an order is asked for")]
            Self::Integer(number) => *number as f64,
            Self::Float(bits) => f64::from_bits(*bits),
            Self::String(_) | Self::Boolean(_) => 0.0,
        }
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => one.cmp(two),
            (Self::String(one), Self::String(two)) => one.cmp(two),
            (Self::Boolean(one), Self::Boolean(two)) => one.cmp(two),
            (one, two) => {
                one.rank().cmp(&two.rank()).then_with(|| one.number().total_cmp(&two.number()))
            }
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Step {
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// The name in `fieldsV1`.
    pub fn encoded(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let keys: Map<String, Value> =
                    keys.iter().map(|(name, value)| (name.to_string(), value.to_value())).collect();
                format!("k:{}", Value::Object(keys))
            }
            Self::Value(value) => format!("v:{}", value.to_value()),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// Reads a name of `fieldsV1`. `None` if it is none.
    pub fn decoded(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::field(rest)),
            "k" => {
                let keys: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let mut keys = keys
                    .iter()
                    .map(|(name, value)| Some((name.as_str().into(), Scalar::of(value)?)))
                    .collect::<Option<Vec<_>>>()?;
                keys.sort();
                Some(Self::Key(keys.into()))
            }
            "v" => Scalar::of(&serde_json::from_str(rest).ok()?).map(Self::Value),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }
}

/// As messages about conflicts write it: `.spec.containers[name="a"].image`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.to_value()))
                    .collect();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(f, "[={}]", value.to_value()),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A whole path, in the form of messages.
pub fn display(path: &[Step]) -> String {
    path.iter().map(ToString::to_string).collect()
}
