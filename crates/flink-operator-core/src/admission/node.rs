//! A place in a pod, and what is wrong there.

use serde_json::Value;

use super::names::Rule;

/// Longer values are cut off.
const VALUE_CHARS_MAX: usize = 100;

/// A value that is set. A null is like a missing field.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    path: String,
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    pub(super) fn path_of(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// A member of an object; `None` if it is not set.
    pub(super) fn child(&self, field: &str) -> Option<Self> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        Some(Self { path: self.path_of(field), value })
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.child(field).is_some()
    }

    /// The elements of a list that is a member of this object.
    pub(super) fn list(&self, field: &str, checked: &mut Checked) -> Vec<Self> {
        let Some(list) = self.child(field) else { return Vec::new() };
        let Some(elements) = list.value.as_array() else {
            checked.refuse(&list, "it is not a list", "write a list");
            return Vec::new();
        };
        let node = |(index, value): (usize, &'a Value)| {
            let name = value.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
            let path = match name {
                Some(name) => format!("{}[{name}]", list.path),
                None => format!("{}[{index}]", list.path),
            };
            Self { path, value }
        };
        elements.iter().enumerate().map(node).collect()
    }

    /// The members of an object that is a member of this one.
    pub(super) fn members(&self, field: &str, checked: &mut Checked) -> Vec<(&'a str, Self)> {
        let Some(object) = self.child(field) else { return Vec::new() };
        let Some(members) = object.value.as_object() else {
            checked.refuse(&object, "it is not an object", "write names with values");
            return Vec::new();
        };
        members
            .iter()
            .map(|(name, value)| (name.as_str(), Self { path: object.path_of(name), value }))
            .collect()
    }

    /// The text; a fault if it is none.
    pub(super) fn text(&self, checked: &mut Checked) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            checked.refuse(self, "it is not a text", "write a text; put a number in quotes");
        }
        text
    }

    /// The text of a member; `None` if it is not set, or empty.
    pub(super) fn text_of(&self, field: &str, checked: &mut Checked) -> Option<&'a str> {
        self.child(field)?.text(checked).filter(|text| !text.is_empty())
    }

    /// The whole number; a fault if it is none.
    pub(super) fn int(&self, checked: &mut Checked) -> Option<i64> {
        let number = self.value.as_i64();
        if number.is_none() {
            checked.refuse(self, "it is not a whole number", "write a number without quotes");
        }
        number
    }

    pub(super) fn int_of(&self, field: &str, checked: &mut Checked) -> Option<i64> {
        self.child(field)?.int(checked)
    }

    pub(super) fn flag_of(&self, field: &str) -> Option<bool> {
        self.child(field)?.value.as_bool()
    }

    pub(super) fn refusal(&self, problem: String, remedy: String) -> Refusal {
        let value = match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let value = value.map(|text| text.chars().take(VALUE_CHARS_MAX).collect());
        Refusal { path: self.path.clone(), value, problem, remedy }
    }
}

/// One thing that the API server refuses, or that has no effect there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The place in the pod. Elements of lists are named by their names, where they have one: `spec.containers[a].image`.
    pub path: String,
    pub value: Option<String>,
    /// What is wrong, as a clause.
    pub problem: String,
    /// How to correct it, as an instruction.
    pub remedy: String,
}

/// The result of the checks of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the API server refuses.
    pub refusals: Vec<Refusal>,
    /// What it accepts, although it cannot work.
    pub warnings: Vec<Refusal>,
}

impl Checked {
    pub(super) fn refuse(
        &mut self,
        at: &Node<'_>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.refusals.push(at.refusal(problem.into(), remedy.into()));
    }

    /// Refuses a field that is missing.
    pub(super) fn require(&mut self, parent: &Node<'_>, field: &str, remedy: impl Into<String>) {
        self.refusals.push(Refusal {
            path: parent.path_of(field),
            value: None,
            problem: "it is not set".to_owned(),
            remedy: remedy.into(),
        });
    }

    pub(super) fn warn(
        &mut self,
        at: &Node<'_>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.warnings.push(at.refusal(problem.into(), remedy.into()));
    }

    /// Refuses a text that is none of `allowed`.
    pub(super) fn one_of(&mut self, parent: &Node<'_>, field: &str, allowed: &[&str]) {
        let Some(node) = parent.child(field) else { return };
        if let Some(text) = node.text(self)
            && !text.is_empty()
            && !allowed.contains(&text)
        {
            self.refuse(
                &node,
                "Kubernetes does not know it",
                format!("write {}", allowed.join(" or ")),
            );
        }
    }

    /// Refuses a text that breaks a rule of names.
    pub(super) fn name(&mut self, parent: &Node<'_>, field: &str, rule: &Rule) {
        let Some(node) = parent.child(field) else { return };
        if let Some(text) = node.text(self)
            && !text.is_empty()
            && !(rule.holds)(text)
        {
            self.refuse(&node, rule.problem, rule.remedy);
        }
    }

    /// Refuses a number outside of a range.
    pub(super) fn range(&mut self, parent: &Node<'_>, field: &str, least: i64, most: i64) {
        let Some(node) = parent.child(field) else { return };
        if let Some(number) = node.int(self)
            && !(least..=most).contains(&number)
        {
            self.refuse(
                &node,
                "it is out of range",
                format!("write a number from {least} to {most}"),
            );
        }
    }
}
