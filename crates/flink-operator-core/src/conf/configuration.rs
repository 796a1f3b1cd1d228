//! The configuration object: values by key, asked through typed options.

use std::collections::BTreeMap;

use super::{
    option::{ConfigError, ConfigOption, OptionType},
    shape::Shape,
    value::{Syntax, Value},
};

/// Values by key, in the order of the keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    values: BTreeMap<String, Value>,
    syntax: Syntax,
}

impl Configuration {
    /// An empty configuration in the standard syntax.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty configuration whose lists and maps have the given syntax.
    pub fn with_syntax(syntax: Syntax) -> Self {
        Self { values: BTreeMap::new(), syntax }
    }

    /// How lists and maps inside a value are written.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The same configuration for a file of another syntax.
    ///
    /// The text of an option that Flink reads as a list or a map becomes the value that it stands for. The text of any other
    /// option says the same in both syntaxes.
    pub fn in_syntax(&self, syntax: Syntax) -> Self {
        if syntax == self.syntax {
            return self.clone();
        }
        let translated = self.values.iter().map(|(key, value)| {
            let translated = match value {
                Value::Text(text) if !text.trim().is_empty() => {
                    Shape::of(key).and_then(|shape| shape.read(text, self.syntax))
                }
                Value::Text(_)
                | Value::Bool(_)
                | Value::Int(_)
                | Value::BigInt(_)
                | Value::Double(_)
                | Value::List(_)
                | Value::YamlList(_)
                | Value::Map(_)
                | Value::Maps(_)
                | Value::Duration(_)
                | Value::MemorySize(_) => None,
            };
            (key.clone(), translated.unwrap_or_else(|| value.clone()))
        });
        Self { values: translated.collect(), syntax }
    }

    /// Sets a key, whatever it held before.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.values.insert(key.into(), value.into());
    }

    /// Sets an option under its own key. A map replaces what was spread over longer keys.
    pub fn set_option<T: OptionType>(&mut self, option: &ConfigOption<T>, value: T) {
        if T::SPREADS {
            self.remove_spread(option.key);
        }
        self.set(option.key, value.into_value());
    }

    /// Sets an option unless it, or one of its older spellings, is set. Says whether it did.
    pub fn set_if_absent<T: OptionType>(
        &mut self,
        option: &ConfigOption<T>,
        value: impl Into<Value>,
    ) -> bool {
        let absent = !self.contains(option);
        if absent {
            self.set(option.key, value);
        }
        absent
    }

    /// Removes exactly this key.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.values.remove(key)
    }

    /// Removes an option with its older spellings and, for a map, the keys it is spread over. Says
    /// whether there was anything.
    pub fn remove_option<T: OptionType>(&mut self, option: &ConfigOption<T>) -> bool {
        let before = self.values.len();
        for key in option.all_keys() {
            self.values.remove(key);
            if T::SPREADS {
                self.remove_spread(key);
            }
        }
        self.values.len() < before
    }

    fn remove_spread(&mut self, key: &str) {
        let prefix = format!("{key}.");
        self.values.retain(|key, _| !key.starts_with(&prefix));
    }

    /// The value under exactly this key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The value under exactly this key in the text form that Flink gives it.
    pub fn text(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|value| value.text(self.syntax))
    }

    /// Reads an option: its own key, then the older spellings in order. The default is not applied.
    ///
    /// A map may be spread over keys `<key>.<name>`; that counts when the key itself is not set.
    pub fn get<T: OptionType>(&self, option: &ConfigOption<T>) -> Result<Option<T>, ConfigError> {
        option.all_keys().find_map(|key| self.read(key)).transpose()
    }

    /// Reads exactly this key, for options whose key is only known at run time.
    pub fn get_key<T: OptionType>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        self.read(key).transpose()
    }

    fn read<T: OptionType>(&self, key: &str) -> Option<Result<T, ConfigError>> {
        let spread;
        let value = match self.values.get(key) {
            Some(value) => value,
            None if T::SPREADS => {
                spread = Value::Map(self.spread(key)?);
                &spread
            }
            None => return None,
        };
        Some(
            T::read(value, self.syntax)
                .map_err(|problem| ConfigError::invalid(key, value.text(self.syntax), problem)),
        )
    }

    /// The map that is spread over keys with this prefix; `None` when there are none.
    fn spread(&self, key: &str) -> Option<BTreeMap<String, String>> {
        let prefix = format!("{key}.");
        let map: BTreeMap<String, String> = self
            .with_prefix(&prefix)
            .map(|(rest, value)| (rest.to_owned(), value.text(self.syntax)))
            .collect();
        (!map.is_empty()).then_some(map)
    }

    /// Reads an option, or yields its default.
    ///
    /// An option without default that is not set is an error that says so.
    pub fn get_or_default<T: OptionType>(
        &self,
        option: &ConfigOption<T>,
    ) -> Result<T, ConfigError> {
        match self.get(option)? {
            Some(value) => Ok(value),
            None => option.default_value(),
        }
    }

    /// Whether the option is set, under its own key or an older spelling.
    pub fn contains<T: OptionType>(&self, option: &ConfigOption<T>) -> bool {
        option
            .all_keys()
            .any(|key| self.values.contains_key(key) || (T::SPREADS && self.spread(key).is_some()))
    }

    /// Whether exactly this key is set.
    pub fn contains_key(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Puts every value of `upper` over this configuration, in the syntax of this one.
    pub fn overlay(&mut self, upper: &Self) {
        self.values.extend(upper.in_syntax(self.syntax).values);
    }

    /// Keeps the entries that the predicate accepts.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        self.values.retain(|key, value| keep(key, value));
    }

    /// The entries whose key starts with the prefix, each with the rest of its key.
    ///
    /// The prefix is taken as it is; give the dot at its end.
    pub fn with_prefix<'a>(&'a self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.values
            .range(prefix.to_owned()..)
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
    }

    /// Every value in its text form.
    pub fn text_map(&self) -> BTreeMap<String, String> {
        self.values.iter().map(|(key, value)| (key.clone(), value.text(self.syntax))).collect()
    }
}

impl<K: Into<String>, V: Into<Value>> Extend<(K, V)> for Configuration {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.values.extend(entries.into_iter().map(|(key, value)| (key.into(), value.into())));
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Configuration {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut configuration = Self::new();
        configuration.extend(entries);
        configuration
    }
}

#[cfg(test)]
mod tests;
