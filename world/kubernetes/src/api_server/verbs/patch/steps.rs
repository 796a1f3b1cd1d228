//! JSON patch and merge patch, as the API server does them: in a few points not as their RFCs say.

use serde_json::{Map, Value};

/// A step that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

/// Takes the steps of a JSON patch. A step that does not fit ends it; the value is then half patched.
pub fn patch(value: &mut Value, steps: &Value) -> Result<(), Unfit> {
    steps.as_array().ok_or(Unfit)?.iter().try_for_each(|step| take(value, step))
}

fn take(value: &mut Value, step: &Value) -> Result<(), Unfit> {
    let text = |field: &str| step.get(field).and_then(Value::as_str);
    let path = text("path").ok_or(Unfit)?;
    let given = step.get("value").cloned();
    match text("op") {
        Some("add") => add(value, path, given.unwrap_or_default()),
        Some("remove") => remove(value, path),
        Some("replace") if path.is_empty() => {
            let whole = given.filter(|given| given.is_object() || given.is_array());
            *value = whole.ok_or(Unfit)?;
            Ok(())
        }
        Some("replace") => replace(value, path, given.unwrap_or_default()),
        Some("move") => {
            let from = text("from").ok_or(Unfit)?;
            let moved = read(value, from)?;
            remove(value, from)?;
            add(value, path, moved)
        }
        Some("copy") => {
            let copied = read(value, text("from").ok_or(Unfit)?)?;
            add(value, path, copied)
        }
        Some("test") => {
            let found = if path.is_empty() { value.clone() } else { read(value, path)? };
            (Some(found) == given).then_some(()).ok_or(Unfit)
        }
        _ => Err(Unfit),
    }
}

/// What holds the value at a path, and its key there.
fn place<'a>(value: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Unfit> {
    let mut parts: Vec<String> =
        path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let key = parts.pop().ok_or(Unfit)?;
    let mut place = value;
    for part in parts {
        place = match place {
            Value::Object(fields) => fields.get_mut(&part).ok_or(Unfit)?,
            Value::Array(items) => {
                let index = index(&part, items.len())?;
                items.get_mut(index).ok_or(Unfit)?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(Unfit);
            }
        };
    }
    Ok((place, key))
}

/// An index, from the end if it is negative.
fn index(text: &str, length: usize) -> Result<usize, Unfit> {
    let index: i64 = text.parse().map_err(|_| Unfit)?;
    if index >= 0 {
        return usize::try_from(index).map_err(|_| Unfit);
    }
    let back = usize::try_from(index.unsigned_abs()).map_err(|_| Unfit)?;
    length.checked_sub(back).ok_or(Unfit)
}

/// What an object does not have reads as null.
fn read(value: &mut Value, path: &str) -> Result<Value, Unfit> {
    match place(value, path)? {
        (Value::Object(fields), key) => Ok(fields.get(&key).cloned().unwrap_or_default()),
        (Value::Array(items), key) => items.get(index(&key, items.len())?).cloned().ok_or(Unfit),
        _ => Err(Unfit),
    }
}

pub fn add(value: &mut Value, path: &str, given: Value) -> Result<(), Unfit> {
    match place(value, path)? {
        (Value::Object(fields), key) => {
            fields.insert(key, given);
            Ok(())
        }
        (Value::Array(items), key) => {
            let at = if key == "-" { items.len() } else { index(&key, items.len() + 1)? };
            if at > items.len() {
                return Err(Unfit);
            }
            items.insert(at, given);
            Ok(())
        }
        _ => Err(Unfit),
    }
}

/// A key that an object does not have is added.
pub fn replace(value: &mut Value, path: &str, given: Value) -> Result<(), Unfit> {
    match place(value, path)? {
        (Value::Object(fields), key) => {
            fields.insert(key, given);
            Ok(())
        }
        (Value::Array(items), key) => {
            let index = index(&key, items.len())?;
            *items.get_mut(index).ok_or(Unfit)? = given;
            Ok(())
        }
        _ => Err(Unfit),
    }
}

pub fn remove(value: &mut Value, path: &str) -> Result<(), Unfit> {
    match place(value, path)? {
        (Value::Object(fields), key) => fields.shift_remove(&key).map(drop).ok_or(Unfit),
        (Value::Array(items), key) => {
            let index = index(&key, items.len())?;
            if index >= items.len() {
                return Err(Unfit);
            }
            items.remove(index);
            Ok(())
        }
        _ => Err(Unfit),
    }
}

/// Merges a patch into a value.
pub fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (Value::Object(fields), Value::Object(patch)) => merge_fields(fields, patch),
        (value @ Value::Object(_), patch) => *value = patch.clone(),
        // In what is put in the place of something else, nulls of objects inside of lists go too.
        (value, patch) => *value = without_nulls(patch),
    }
}

fn merge_fields(fields: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, patch) in patch {
        if patch.is_null() {
            fields.shift_remove(name);
        } else if let Some(field) = fields.get_mut(name) {
            merge(field, patch);
        } else {
            fields.insert(name.clone(), without_nulls(patch));
        }
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect(),
            )
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
