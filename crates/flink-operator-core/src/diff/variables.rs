//! Hides the values of the variables of containers.

use serde_json::Value;

/// Stands for a value that is not shown.
pub(super) const HIDDEN: &str = "******";

/// The value, with the values of all variables hidden that are in lists called `env`. Their names stay: what is a secret
/// cannot be told from them.
pub(super) fn without_variables(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let hidden = members.iter().map(|(name, member)| {
                let member =
                    if name == "env" { hide_all(member) } else { without_variables(member) };
                (name.clone(), member)
            });
            Value::Object(hidden.collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_variables).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn hide_all(variables: &Value) -> Value {
    let Value::Array(variables) = variables else { return variables.clone() };
    Value::Array(variables.iter().map(hide_one).collect())
}

fn hide_one(variable: &Value) -> Value {
    let mut variable = variable.clone();
    if let Some(value) = variable.get_mut("value")
        && !value.is_null()
    {
        *value = Value::from(HIDDEN);
    }
    variable
}
