//! The options that a resource itself sets.

use flink_operator_api::FlinkConfiguration;

use crate::conf::{Configuration, Shape, Syntax, Value};

/// Puts the options of a resource over a configuration, in the configuration's syntax.
///
/// The text of an option is what its cluster's version of Flink would read in its own file. For Flink 1 a list or map in
/// YAML, `[a, b]` or `{k: v}`, is one all the same: people write it, and in the file of Flink 1 it would be one odd element.
pub(crate) fn add(configuration: &mut Configuration, options: Option<&FlinkConfiguration>) {
    let legacy = configuration.syntax() == Syntax::Legacy;
    for (key, json) in options.map(FlinkConfiguration::leaves).unwrap_or_default() {
        let value = Value::from(json);
        let value = match (&value, legacy) {
            // The file of Flink 1 cannot say that a list is empty: the option has Flink's default, as without the key.
            (Value::YamlList(list), true) if list == "[]" => {
                configuration.remove(&key);
                continue;
            }
            (Value::Text(text), true) if is_flow(text) => Shape::of(&key)
                .and_then(|shape| shape.read(text, Syntax::Standard))
                .unwrap_or(value),
            _ => value,
        };
        configuration.set(key, value);
    }
}

/// Whether a text looks like a list or a map on one line of YAML.
fn is_flow(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with('[') && text.ends_with(']')) || (text.starts_with('{') && text.ends_with('}'))
}
