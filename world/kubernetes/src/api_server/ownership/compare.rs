//! The fields in which two objects differ.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::path::Step;
use super::set::FieldSet;
use super::typed::{Shape, field, item_step, shape};
use crate::api_server::types::{List, Type};

/// Fields that were removed, that have another value, and that were added. No field is in two of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub removed: FieldSet,
    pub modified: FieldSet,
    pub added: FieldSet,
}

impl Comparison {
    /// Without the fields of the set, and without what is inside of them.
    #[must_use]
    pub fn outside(self, ignored: &FieldSet) -> Self {
        Self {
            removed: self.removed.outside(ignored),
            modified: self.modified.outside(ignored),
            added: self.added.outside(ignored),
        }
    }
}

/// Compares two objects of one type.
pub fn compare(ty: &Type, before: &Value, after: &Value) -> Comparison {
    let mut walk = Walk { path: Vec::new(), found: Comparison::default() };
    walk.pair(ty, Some(before), Some(after));
    walk.found
}

struct Walk {
    path: Vec<Step>,
    found: Comparison,
}

impl Walk {
    /// Compares the two values at the current path; at least one is there.
    fn pair(&mut self, ty: &Type, before: Option<&Value>, after: Option<&Value>) {
        let was_leaf = match (before, after) {
            (Some(before), None) => self.shaped(ty, before, Some(before), None),
            (None, Some(after)) => self.shaped(ty, after, None, Some(after)),
            (Some(before), Some(after)) => {
                // Equal values have nothing to tell, and most values are equal.
                if before == after {
                    return;
                }
                if same_form(ty, before, after) {
                    self.shaped(ty, after, Some(before), Some(after))
                } else {
                    // A value of another form: all of the one goes, all of the other comes.
                    self.shaped(ty, before, Some(before), Some(after));
                    self.shaped(ty, after, Some(before), Some(after))
                }
            }
            (None, None) => return,
        };
        if !was_leaf {
            match (before, after) {
                (None, Some(_)) => self.found.added.insert(&self.path),
                (Some(_), None) => self.found.removed.insert(&self.path),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
    }

    /// Compares by the form of `like`. True if the values were taken as a whole.
    fn shaped(
        &mut self,
        ty: &Type,
        like: &Value,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> bool {
        match shape(ty, like) {
            Shape::Scalar | Shape::Atomic => self.leaf(before, after),
            Shape::Items(list) => {
                let (before_items, after_items) = (as_items(before), as_items(after));
                if before_items.is_empty() && after_items.is_empty() {
                    return self.leaf(before, after);
                }
                self.items(list, before_items, after_items);
                false
            }
            Shape::Fields => {
                let (before_fields, after_fields) = (as_fields(before), as_fields(after));
                if before_fields.is_none_or(Map::is_empty) && after_fields.is_none_or(Map::is_empty)
                {
                    return self.leaf(before, after);
                }
                self.fields(ty, before_fields, after_fields);
                false
            }
        }
    }

    fn leaf(&mut self, before: Option<&Value>, after: Option<&Value>) -> bool {
        match (before, after) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(before), Some(after)) if before != after => {
                self.found.modified.insert(&self.path);
            }
            (Some(_), Some(_)) => {}
        }
        true
    }

    fn fields(
        &mut self,
        ty: &Type,
        before: Option<&Map<String, Value>>,
        after: Option<&Map<String, Value>>,
    ) {
        let names: BTreeSet<&String> =
            before.into_iter().chain(after).flat_map(Map::keys).collect();
        for name in names {
            let inner = field(ty, name);
            self.path.push(Step::field(name));
            self.pair(
                &inner.ty,
                before.and_then(|fields| fields.get(name)),
                after.and_then(|fields| fields.get(name)),
            );
            self.path.pop();
        }
    }

    fn items(&mut self, list: &List, before: &[Value], after: &[Value]) {
        let (before, after) = (stepped(list, before), stepped(list, after));
        let mut steps: Vec<&Step> = Vec::new();
        for (step, _) in before.iter().chain(&after) {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        for step in steps {
            let of = |items: &[(Step, &Value)]| -> Vec<Value> {
                items
                    .iter()
                    .filter(|(other, _)| other == step)
                    .map(|(_, item)| (*item).clone())
                    .collect()
            };
            let (old, new) = (of(&before), of(&after));
            self.path.push(step.clone());
            match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => self.pair(&list.items, old.first(), new.first()),
                ([_, _, ..], [_, _, ..]) => {
                    if old != new {
                        self.found.modified.insert(&self.path);
                    }
                }
                // Duplicates became one item, or none.
                ([_, _, ..], [] | [_]) => {
                    self.pair(&list.items, None, new.first());
                    self.found.removed.insert(&self.path);
                }
                // One item, or none, became duplicates.
                ([] | [_], [_, _, ..]) => {
                    self.pair(&list.items, old.first(), None);
                    self.found.added.insert(&self.path);
                }
            }
            self.path.pop();
        }
    }
}

fn as_items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn as_fields(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn stepped<'a>(list: &List, items: &'a [Value]) -> Vec<(Step, &'a Value)> {
    items.iter().filter_map(|item| Some((item_step(list, item).ok()?, item))).collect()
}

/// Only values of a free form can be an object here and a list there. Null is of every form.
fn same_form(ty: &Type, one: &Value, two: &Value) -> bool {
    let rank = |value: &Value| match value {
        Value::Object(_) => 0,
        Value::Array(_) => 1,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => 2,
        Value::Null => 3,
    };
    *ty != Type::Any || rank(one) == rank(two)
}
