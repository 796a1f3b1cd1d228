//! Sets of fields, as trees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::path::Step;
use crate::api_server::types::Type;

/// A set of paths. That a field is in it says nothing about the fields inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    members: BTreeSet<Step>,
    children: BTreeMap<Step, Self>,
}

impl FieldSet {
    pub fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<Step> = path.iter().map(|name| Step::field(name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Adds a path. The empty path, the whole object, is never owned.
    pub fn insert(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    pub fn has(&self, step: &Step) -> bool {
        self.members.contains(step)
    }

    /// What the set holds below a step.
    pub fn below(&self, step: &Step) -> Option<&Self> {
        self.children.get(step)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.add(other);
        union
    }

    fn add(&mut self, other: &Self) {
        self.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            self.children.entry(step.clone()).or_default().add(child);
        }
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(step, child)| {
            let common = child.intersection(other.children.get(step)?);
            (!common.is_empty()).then(|| (step.clone(), common))
        });
        Self { members, children: children.collect() }
    }

    /// What is in this set and not in the other. Fields inside of a field of the other set stay.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(step, child)| {
            let left = match other.children.get(step) {
                Some(other) => child.difference(other),
                None => child.clone(),
            };
            (!left.is_empty()).then(|| (step.clone(), left))
        });
        Self { members, children: children.collect() }
    }

    /// What is neither in the other set nor inside of a field that is.
    #[must_use]
    pub fn outside(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(step, child)| {
            if other.members.contains(step) {
                return None;
            }
            let left = match other.children.get(step) {
                Some(other) => child.outside(other),
                None => child.clone(),
            };
            (!left.is_empty()).then(|| (step.clone(), left))
        });
        Self { members, children: children.collect() }
    }

    /// The set with the declared fields on the way to its members.
    #[must_use]
    pub fn with_declared_parents(&self, ty: &Type) -> Self {
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (step, child) in &self.children {
            let inner = super::typed::inside(ty, step);
            if inner.declared {
                members.insert(step.clone());
            }
            children.insert(step.clone(), child.with_declared_parents(&inner.ty));
        }
        Self { members, children }
    }

    /// Every path, parents first.
    pub fn paths(&self) -> Vec<Vec<Step>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            paths.push(path);
        }
        for (step, child) in &self.children {
            prefix.push(step.clone());
            child.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// The form of `fieldsV1`.
    pub fn to_json(&self) -> Value {
        let steps: BTreeSet<&Step> = self.members.iter().chain(self.children.keys()).collect();
        let mut json = Map::new();
        for step in steps {
            let mut inner = Map::new();
            if let Some(child) = self.children.get(step) {
                if self.members.contains(step) {
                    inner.insert(".".to_owned(), Value::Object(Map::new()));
                }
                if let Value::Object(fields) = child.to_json() {
                    inner.extend(fields);
                }
            }
            json.insert(step.encoded(), Value::Object(inner));
        }
        Value::Object(json)
    }

    /// Reads `fieldsV1`. `None` if it is not of this form.
    pub fn from_json(json: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (name, inner) in json.as_object()? {
            if name == "." {
                continue;
            }
            let step = Step::decoded(name)?;
            let inner = inner.as_object()?;
            if inner.is_empty() || inner.contains_key(".") {
                set.members.insert(step.clone());
            }
            if inner.keys().any(|name| name != ".") {
                set.children.insert(step, Self::from_json(&Value::Object(inner.clone()))?);
            }
        }
        Some(set)
    }
}

/// The type behind a step, and whether the step is a field that the type declares.
pub(super) struct Inside {
    pub ty: Arc<Type>,
    pub declared: bool,
}
