//! Typed options: a key, its older spellings, a type and a default.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use jiff::SignedDuration;

use super::{
    duration,
    memory_size::{self, MemorySize},
    structured,
    value::{Syntax, Value},
    yaml::{self, elements},
};

/// A key of the configuration with the type of its value.
///
/// Declared as a constant:
///
/// ```text
/// pub const REST_PORT: ConfigOption<i32> =
///     ConfigOption::new("rest.port").fallback(&["web.port"]).default_text("8081");
/// ```
pub struct ConfigOption<T> {
    pub key: &'static str,
    /// Older spellings, tried in this order when `key` is not set.
    pub fallback_keys: &'static [&'static str],
    /// The default in the notation of the file, or `None` for an option without one.
    pub default: Option<&'static str>,
    value_type: PhantomData<fn() -> T>,
}

impl<T> ConfigOption<T> {
    /// An option without default and without older spellings.
    pub const fn new(key: &'static str) -> Self {
        Self { key, fallback_keys: &[], default: None, value_type: PhantomData }
    }

    pub const fn fallback(mut self, keys: &'static [&'static str]) -> Self {
        self.fallback_keys = keys;
        self
    }

    pub const fn default_text(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    /// The key and then every older spelling, in the order in which they are tried.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static str> + use<T> {
        std::iter::once(self.key).chain(self.fallback_keys.iter().copied())
    }
}

impl<T: OptionType> ConfigOption<T> {
    /// The default as a typed value.
    pub fn default_value(&self) -> Result<T, ConfigError> {
        let text = self.default.ok_or_else(|| ConfigError::Missing { key: self.key.to_owned() })?;
        T::read(&Value::from(text), Syntax::Standard)
            .map_err(|problem| ConfigError::invalid(self.key, text.to_owned(), problem))
    }
}

impl<T> Clone for ConfigOption<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ConfigOption<T> {}

impl<T> fmt::Debug for ConfigOption<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigOption")
            .field("key", &self.key)
            .field("fallback_keys", &self.fallback_keys)
            .field("default", &self.default)
            .finish()
    }
}

/// An option cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The value does not have the type of the option.
    #[error("{key}: {value:?} is not allowed: {problem}; allowed: {allowed}")]
    Invalid {
        /// The key that holds the value: the option's own or an older spelling.
        key: String,
        /// The value as text; asterisks where the key names a secret.
        value: String,
        problem: String,
        allowed: String,
    },
    /// The option is not set and has no default.
    #[error("{key} is not set, and it has no default")]
    Missing { key: String },
}

impl ConfigError {
    pub(super) fn invalid(key: &str, value: String, problem: Problem) -> Self {
        let Problem { problem, allowed } = problem;
        if super::sensitive::is_sensitive(key) {
            // The problem may quote the value, so it is left out too.
            let problem = "it has the wrong type".to_owned();
            return Self::Invalid {
                key: key.to_owned(),
                value: "******".to_owned(),
                problem,
                allowed,
            };
        }
        Self::Invalid { key: key.to_owned(), value, problem, allowed }
    }

    /// The key that is to blame.
    pub fn key(&self) -> &str {
        match self {
            Self::Invalid { key, .. } | Self::Missing { key } => key,
        }
    }
}

/// What is wrong with a value, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub problem: String,
    pub allowed: String,
}

impl Problem {
    pub fn new(problem: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self { problem: problem.to_string(), allowed: allowed.into() }
    }
}

/// A type that options can have.
pub trait OptionType: Sized {
    /// Whether the option may also be spread over keys that start with its own: `key.a`, `key.b`.
    const SPREADS: bool = false;

    /// Converts a value as Flink does. `syntax` says how the configuration writes lists and maps.
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem>;

    fn into_value(self) -> Value;
}

/// An enum whose values an option can take, compared without regard to case.
pub trait ConfigEnum: Copy + 'static {
    /// Every value with the name that Flink writes.
    const NAMES: &'static [(&'static str, Self)];
}

impl<E: ConfigEnum + PartialEq> OptionType for E {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        let text = value.text(syntax);
        let found = E::NAMES.iter().find(|(name, _)| name.to_uppercase() == text.to_uppercase());
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = E::NAMES.iter().map(|(name, _)| *name).collect();
            Problem::new("it is none of the known names", names.join(", "))
        })
    }

    fn into_value(self) -> Value {
        let name = E::NAMES.iter().find(|(_, value)| *value == self).map(|(name, _)| *name);
        Value::from(name.unwrap_or_default())
    }
}

impl OptionType for String {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        Ok(value.text(syntax))
    }

    fn into_value(self) -> Value {
        Value::Text(self)
    }
}

impl OptionType for bool {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        match value.text(syntax).to_uppercase().as_str() {
            "TRUE" => Ok(true),
            "FALSE" => Ok(false),
            _ => Err(Problem::new("it is no truth value", "true or false")),
        }
    }

    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl OptionType for i32 {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        let problem = "it is no whole number of 32 bits";
        let allowed = "a whole number from -2147483648 to 2147483647";
        value.text(syntax).parse().map_err(|_| Problem::new(problem, allowed))
    }

    fn into_value(self) -> Value {
        Value::Int(i64::from(self))
    }
}

impl OptionType for i64 {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        let problem = "it is no whole number of 64 bits";
        let allowed = "a whole number from -9223372036854775808 to 9223372036854775807";
        value.text(syntax).parse().map_err(|_| Problem::new(problem, allowed))
    }

    fn into_value(self) -> Value {
        Value::Int(self)
    }
}

/// Prepares a text for Rust's parser of numbers; `None` for what Java does not read.
///
/// Java trims, and allows a trailing `f` or `d` as in its source code. It knows `NaN` and
/// `Infinity` only in this spelling, Rust also `inf` and any case.
fn java_number(text: &str) -> Option<String> {
    let text = structured::java_trim(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "NaN" || unsigned == "Infinity" {
        return Some(text.to_owned());
    }
    let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let characters = number.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    characters.then(|| number.to_owned())
}

const NUMBER: &str = "a number such as 1, 0.5 or 1e3";

impl OptionType for f64 {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::Double(value) = value {
            return Ok(*value);
        }
        java_number(&value.text(syntax))
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::new("it is no number", NUMBER))
    }

    fn into_value(self) -> Value {
        Value::Double(self)
    }
}

impl OptionType for f32 {
    /// Flink keeps fractions in 32 bits, so 0.1 is a little more than 0.1 where it is multiplied.
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::Double(value) = value {
            let magnitude = value.abs();
            if magnitude != 0.0
                && !(f64::from(Self::from_bits(1))..=f64::from(Self::MAX)).contains(&magnitude)
            {
                return Err(Problem::new("it does not fit 32 bits", NUMBER));
            }
            #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
            return Ok(*value as Self);
        }
        java_number(&value.text(syntax))
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::new("it is no number", NUMBER))
    }

    fn into_value(self) -> Value {
        Value::from(self)
    }
}

impl OptionType for SignedDuration {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::Duration(value) = value {
            return Ok(*value);
        }
        duration::parse(&value.text(syntax)).map_err(|e| Problem::new(e, duration::ALLOWED))
    }

    fn into_value(self) -> Value {
        Value::Duration(self)
    }
}

impl OptionType for MemorySize {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::MemorySize(value) = value {
            return Ok(*value);
        }
        value.text(syntax).parse().map_err(|e| Problem::new(e, memory_size::ALLOWED))
    }

    fn into_value(self) -> Value {
        Value::MemorySize(self)
    }
}

/// What a list may look like, for messages.
const LIST: &str =
    "elements separated by semicolons, an element with a semicolon or quote in single quotes";
/// What a map may look like, for messages.
const MAP: &str = "pairs such as key:value,key2:value2, a pair with a further comma, colon or quote in single quotes";

impl OptionType for Vec<String> {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::List(items) = value {
            return Ok(items.clone());
        }
        let text = value.text(syntax);
        if syntax == Syntax::Standard
            && let Some(items) = elements::list(&text)
            && let Some(items) = items.iter().map(elements::text).collect()
        {
            return Ok(items);
        }
        structured::split(&text, ';').map_err(|e| Problem::new(e, LIST))
    }

    fn into_value(self) -> Value {
        Value::List(self)
    }
}

impl OptionType for BTreeMap<String, String> {
    const SPREADS: bool = true;

    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::Map(map) = value {
            return Ok(map.clone());
        }
        read_map(&value.text(syntax), syntax)
    }

    fn into_value(self) -> Value {
        Value::Map(self)
    }
}

impl OptionType for Vec<BTreeMap<String, String>> {
    fn read(value: &Value, syntax: Syntax) -> Result<Self, Problem> {
        if let Value::Maps(maps) = value {
            return Ok(maps.clone());
        }
        let text = value.text(syntax);
        if syntax == Syntax::Standard
            && let Some(items) = elements::list(&text)
            && let Some(maps) = items.iter().map(elements::map).collect()
        {
            return Ok(maps);
        }
        let elements = structured::split(&text, ';').map_err(|e| Problem::new(e, LIST))?;
        elements.iter().map(|element| read_map(element, Syntax::Legacy)).collect()
    }

    fn into_value(self) -> Value {
        Value::Maps(self)
    }
}

fn read_map(text: &str, syntax: Syntax) -> Result<BTreeMap<String, String>, Problem> {
    if syntax == Syntax::Standard
        && let Ok(node) = yaml::parse(text)
        && let Some(map) = elements::map(&node)
    {
        return Ok(map);
    }
    structured::split_map(text).map_err(|e| Problem::new(e, MAP))
}
