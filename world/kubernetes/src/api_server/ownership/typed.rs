//! Walking over a value with its type: which steps lead where.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::path::{Scalar, Step};
use super::set::{FieldSet, Inside};
use crate::api_server::types::{List, Merged, Struct, Type};

pub(super) static ANY: LazyLock<Arc<Type>> = LazyLock::new(|| Arc::new(Type::Any));

/// What a type is for one value of it.
pub(super) enum Shape<'a> {
    Scalar,
    /// Merged as a whole.
    Atomic,
    /// A list whose items have steps of their own.
    Items(&'a List),
    /// An object whose fields have steps of their own.
    Fields,
}

pub(super) fn shape<'a>(ty: &'a Type, value: &Value) -> Shape<'a> {
    match ty {
        Type::Any => match value {
            Value::Array(_) => Shape::Atomic,
            Value::Object(_) | Value::Null => Shape::Fields,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Shape::Scalar,
        },
        Type::List(list) if list.merged == Merged::Whole => Shape::Atomic,
        Type::List(list) => Shape::Items(list),
        Type::Map(map) if map.atomic => Shape::Atomic,
        Type::Struct(ty) if ty.atomic => Shape::Atomic,
        Type::Map(_) | Type::Struct(_) => Shape::Fields,
        Type::String
        | Type::Integer { .. }
        | Type::Number
        | Type::Boolean
        | Type::Bytes
        | Type::Time
        | Type::MicroTime
        | Type::Quantity
        | Type::IntOrString => Shape::Scalar,
    }
}

/// The type behind a field of an object.
pub(super) fn field(ty: &Type, name: &str) -> Inside {
    if let Type::Struct(ty) = ty
        && let Some(field) = ty.fields.get(name)
    {
        return Inside { ty: Arc::clone(&field.ty), declared: true };
    }
    let ty = if let Type::Map(map) = ty { &map.values } else { &*ANY };
    Inside { ty: Arc::clone(ty), declared: false }
}

/// The type behind a step.
pub(super) fn inside(ty: &Type, step: &Step) -> Inside {
    match (step, ty) {
        (Step::Field(name), _) => field(ty, name),
        (Step::Key(_) | Step::Value(_) | Step::Index(_), Type::List(list)) => {
            Inside { ty: Arc::clone(&list.items), declared: false }
        }
        (Step::Key(_) | Step::Value(_) | Step::Index(_), _) => {
            Inside { ty: Arc::clone(&ANY), declared: false }
        }
    }
}

/// The step that leads to an item of a list that is merged by keys or values; why there is none.
pub(super) fn item_step(list: &List, item: &Value) -> Result<Step, String> {
    match &list.merged {
        Merged::Whole => Err("invalid indexing of non-associative list".to_owned()),
        Merged::ByValue => match Scalar::of(item) {
            Some(scalar) => Ok(Step::Value(scalar)),
            None if item.is_object() => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            None if item.is_null() => {
                Err("associative list without keys has an element that's an explicit null"
                    .to_owned())
            }
            None => Err("not supported: associative list with lists as elements".to_owned()),
        },
        Merged::ByKeys(keys) => {
            let Some(item) = item.as_object() else {
                let what = if item.is_null() { "a null element" } else { "non-map elements" };
                return Err(format!("associative list with keys may not have {what}"));
            };
            let mut found: Vec<(Arc<str>, Scalar)> = keys
                .iter()
                .filter_map(|key| {
                    let value = item.get(&key.name).or(key.default.as_ref())?;
                    Some((key.name.as_str().into(), Scalar::of(value)?))
                })
                .collect();
            if found.is_empty() {
                let names: Vec<String> = keys.iter().map(|key| format!("{:?}", key.name)).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                    names.join(" ")
                ));
            }
            found.sort();
            Ok(Step::Key(found.into()))
        }
    }
}

/// Every field that a value sets.
pub(super) fn fields_of(ty: &Type, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    add_fields(ty, value, &mut Vec::new(), &mut set);
    set
}

fn add_fields(ty: &Type, value: &Value, path: &mut Vec<Step>, set: &mut FieldSet) {
    match (shape(ty, value), value) {
        (Shape::Scalar | Shape::Atomic, _) => set.insert(path),
        (Shape::Items(list), Value::Array(items)) => {
            let steps: Vec<Option<Step>> =
                items.iter().map(|item| item_step(list, item).ok()).collect();
            for (step, item) in steps.iter().zip(items) {
                let Some(step) = step else { continue };
                path.push(step.clone());
                // Of duplicates only that they are there is known.
                if steps.iter().filter(|other| other.as_ref() == Some(step)).count() == 1 {
                    add_fields(&list.items, item, path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
        (Shape::Fields, Value::Object(fields)) => {
            for (name, value) in fields {
                let inner = field(ty, name);
                path.push(Step::field(name));
                add_fields(&inner.ty, value, path, set);
                let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                if empty || !inner.declared {
                    set.insert(path);
                }
                path.pop();
            }
        }
        (Shape::Items(_) | Shape::Fields, _) => {}
    }
}

/// What is wrong with a value, by its type: path and message. With `unique`, lists that are merged by keys or values
/// must not name an item twice.
pub(super) fn faults(ty: &Type, value: &Value, unique: bool) -> Vec<String> {
    let mut faults = Vec::new();
    add_faults(ty, value, unique, "", &mut faults);
    faults
}

fn add_faults(ty: &Type, value: &Value, unique: bool, path: &str, faults: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    let mut fault = |message: &str| faults.push(format!("{path}: {message}"));
    match ty {
        Type::String | Type::Bytes if !value.is_string() => fault("expected string"),
        Type::Integer { .. } | Type::Number if !value.is_number() => {
            fault("expected numeric (int or float)");
        }
        Type::Boolean if !value.is_boolean() => fault("expected boolean"),
        Type::Time | Type::MicroTime | Type::Quantity | Type::IntOrString
            if value.is_array() || value.is_object() =>
        {
            fault("expected any scalar");
        }
        Type::List(list) => {
            let Some(items) = value.as_array() else { return fault("expected list") };
            let mut seen = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let step = match list.merged {
                    Merged::Whole => Step::Index(index),
                    Merged::ByValue | Merged::ByKeys(_) => match item_step(list, item) {
                        Ok(step) => step,
                        Err(message) => {
                            return faults.push(format!("{path}: element {index}: {message}"));
                        }
                    },
                };
                if unique && seen.contains(&step) {
                    faults.push(format!("{path}: duplicate entries for key {step}"));
                }
                add_faults(&list.items, item, unique, &format!("{path}{step}"), faults);
                seen.push(step);
            }
        }
        Type::Map(map) => {
            let Some(entries) = value.as_object() else { return fault("expected map") };
            for (name, entry) in entries {
                add_faults(&map.values, entry, unique, &format!("{path}.{name}"), faults);
            }
        }
        Type::Struct(ty) => {
            let Some(fields) = value.as_object() else { return fault("expected map") };
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match ty.fields.get(name) {
                    Some(field) => add_faults(&field.ty, value, unique, &path, faults),
                    None if ty.open || is_free(ty) => {}
                    None => return faults.push(format!("{path}: field not declared in schema")),
                }
            }
        }
        Type::String
        | Type::Integer { .. }
        | Type::Number
        | Type::Boolean
        | Type::Bytes
        | Type::Time
        | Type::MicroTime
        | Type::Quantity
        | Type::IntOrString
        | Type::Any => {}
    }
}

/// An object of which nothing is declared may have any fields, as far as merging goes.
fn is_free(ty: &Struct) -> bool {
    ty.fields.is_empty()
}
