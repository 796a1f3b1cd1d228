//! Field ownership: who set which field (`metadata.managedFields`), and server-side apply on top of it.
//!
//! The rules are those of Kubernetes' structured merge: a manager is a name, an operation (Apply or Update), a version
//! and a subresource; whoever changes a field owns it, and takes it from the others; applying what another owns with
//! another value is a conflict unless it is forced; what a manager applied once and not again is removed when nobody
//! else owns it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::types::{Type, time};

mod apply;
pub mod compare;
pub mod merge;
pub mod path;
pub mod set;
mod typed;

pub use apply::conflict_texts;
pub use apply::{ApplyError, apply};
pub use set::FieldSet;

/// More managers that updated an object than this are not kept apart.
const UPDATE_MANAGERS_MAX: usize = 10;

/// Who set a field, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    pub name: String,
    pub operation: Operation,
    /// Empty for those that apply: they are the same whatever version they use.
    pub api_version: String,
    pub subresource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What one manager owns.
#[derive(Clone, Debug)]
pub struct Owned {
    pub fields: Arc<FieldSet>,
    pub api_version: String,
    /// When the manager last changed something; absent where a client wrote so.
    pub time: Option<Timestamp>,
    encoded: Arc<OnceLock<Value>>,
}

impl Owned {
    pub fn new(fields: FieldSet, api_version: &str, time: Option<Timestamp>) -> Self {
        Self {
            fields: Arc::new(fields),
            api_version: api_version.to_owned(),
            time,
            encoded: Arc::default(),
        }
    }

    fn with(&self, fields: FieldSet) -> Self {
        Self::new(fields, &self.api_version, self.time)
    }
}

impl PartialEq for Owned {
    fn eq(&self, other: &Self) -> bool {
        self.api_version == other.api_version
            && self.time == other.time
            && self.fields == other.fields
    }
}

/// Who owns what of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed {
    owned: BTreeMap<Manager, Owned>,
}

impl Managed {
    pub fn is_empty(&self) -> bool {
        self.owned.is_empty()
    }

    /// Whether nobody else has written to the object.
    pub fn is_of(&self, manager: &str) -> bool {
        !self.is_empty() && self.owned.keys().all(|owner| owner.name == manager)
    }

    /// The same owners of the same fields, whenever they wrote.
    pub fn same_but_for_times(&self, other: &Self) -> bool {
        self.owned.len() == other.owned.len()
            && self.owned.iter().zip(&other.owned).all(|((one, mine), (two, theirs))| {
                one == two && mine.api_version == theirs.api_version && mine.fields == theirs.fields
            })
    }

    /// The entries of `metadata.managedFields`, in Kubernetes' order.
    pub fn to_json(&self) -> Vec<Value> {
        let mut entries: Vec<(&Manager, &Owned)> = self.owned.iter().collect();
        entries.sort_by_key(|(manager, owned)| {
            let second = owned.time.map_or(0, Timestamp::as_second);
            (manager.operation, second, &manager.name, &owned.api_version, &manager.subresource)
        });
        entries.into_iter().map(|(manager, owned)| entry(manager, owned)).collect()
    }

    /// Reads the entries of `metadata.managedFields`. `None` if one is not in order.
    pub fn from_json(entries: &[Value]) -> Option<Self> {
        let mut owned = BTreeMap::new();
        for entry in entries {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            let api_version = text("apiVersion").to_owned();
            if api_version.is_empty() || text("fieldsType") != "FieldsV1" {
                return None;
            }
            let fields = match entry.get("fieldsV1") {
                Some(fields) => FieldSet::from_json(fields)?,
                None => FieldSet::default(),
            };
            let manager = Manager {
                name: text("manager").to_owned(),
                operation,
                api_version: if operation == Operation::Apply {
                    String::new()
                } else {
                    api_version.clone()
                },
                subresource: text("subresource").to_owned(),
            };
            owned.insert(manager, Owned::new(fields, &api_version, time::parse(text("time"))));
        }
        Some(Self { owned })
    }
}

fn entry(manager: &Manager, owned: &Owned) -> Value {
    let mut entry = Map::new();
    if !manager.name.is_empty() {
        entry.insert("manager".to_owned(), Value::from(manager.name.clone()));
    }
    entry.insert("operation".to_owned(), Value::from(manager.operation.text()));
    entry.insert("apiVersion".to_owned(), Value::from(owned.api_version.clone()));
    if let Some(time) = owned.time {
        entry.insert("time".to_owned(), Value::from(time::seconds(time)));
    }
    entry.insert("fieldsType".to_owned(), Value::from("FieldsV1"));
    entry.insert(
        "fieldsV1".to_owned(),
        owned.encoded.get_or_init(|| owned.fields.to_json()).clone(),
    );
    if !manager.subresource.is_empty() {
        entry.insert("subresource".to_owned(), Value::from(manager.subresource.clone()));
    }
    Value::Object(entry)
}

/// One write: who writes, when, through which version, and which fields the resource ignores.
#[derive(Debug)]
pub struct Write<'a> {
    pub ty: &'a Type,
    /// Name of the field manager.
    pub manager: &'a str,
    pub api_version: &'a str,
    pub subresource: &'a str,
    /// Fields that this resource does not let anyone set.
    pub ignored: &'a FieldSet,
    pub now: Timestamp,
}

impl Write<'_> {
    fn manager(&self, operation: Operation) -> Manager {
        let name = if self.manager.is_empty() { "unknown" } else { self.manager };
        Manager {
            name: name.to_owned(),
            operation,
            api_version: if operation == Operation::Apply {
                String::new()
            } else {
                self.api_version.to_owned()
            },
            subresource: self.subresource.to_owned(),
        }
    }
}

/// Whether the value is of the type, as far as ownership is concerned. Who owns what of an object that is not, is not kept
/// track of.
pub fn fits(ty: &Type, value: &Value) -> bool {
    typed::faults(ty, value, false).is_empty()
}

/// The owners after an update (create, replace, or a patch that is no apply) has made `after` of `before`.
pub fn update(write: &Write<'_>, before: &Value, after: &Value, managed: Managed) -> Managed {
    let updater = write.manager(Operation::Update);
    let compared = compare::compare(write.ty, before, after).outside(write.ignored);
    let changed = compared.modified.union(&compared.added);
    let mut managed = taken(managed, None, &changed, &compared.removed);
    let mut fields = strip(&changed.outside(write.ignored));
    if fields.is_empty() {
        return managed;
    }
    if let Some(previous) = managed.owned.get(&updater) {
        fields = fields.union(&previous.fields);
    }
    managed.owned.insert(updater, Owned::new(fields, write.api_version, Some(write.now)));
    capped(managed)
}

/// Takes changed and removed fields from all managers but one.
fn taken(
    managed: Managed,
    but: Option<&Manager>,
    changed: &FieldSet,
    removed: &FieldSet,
) -> Managed {
    let mut left = BTreeMap::new();
    for (manager, owned) in managed.owned {
        if Some(&manager) == but {
            left.insert(manager, owned);
            continue;
        }
        let gone = owned.fields.intersection(changed).union(&owned.fields.intersection(removed));
        let owned =
            if gone.is_empty() { owned } else { owned.with(owned.fields.difference(&gone)) };
        if !owned.fields.is_empty() {
            left.insert(manager, owned);
        }
    }
    Managed { owned: left }
}

/// The fields that belong to the server.
static STRIPPED: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::of(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

/// Without the fields that belong to the server.
fn strip(fields: &FieldSet) -> FieldSet {
    fields.difference(&STRIPPED)
}

/// The oldest managers that updated become one, when there are too many.
fn capped(mut managed: Managed) -> Managed {
    let mut updaters: Vec<(Manager, Option<Timestamp>)> = managed
        .owned
        .iter()
        .filter(|(manager, _)| manager.operation == Operation::Update)
        .map(|(manager, owned)| (manager.clone(), owned.time))
        .collect();
    let Some(surplus) =
        updaters.len().checked_sub(UPDATE_MANAGERS_MAX).filter(|surplus| *surplus > 0)
    else {
        return managed;
    };
    updaters.sort_by_key(|(manager, time)| {
        (time.map_or(0, Timestamp::as_second), manager.name.clone())
    });
    for (manager, time) in updaters.into_iter().take(surplus + 1) {
        let Some(owned) = managed.owned.remove(&manager) else { continue };
        let shared = Manager { name: "ancient-changes".to_owned(), ..manager };
        let shared = Manager { subresource: String::new(), ..shared };
        let fields = match managed.owned.get(&shared) {
            Some(previous) => previous.fields.union(&owned.fields),
            None => (*owned.fields).clone(),
        };
        managed.owned.insert(shared, Owned::new(fields, &owned.api_version, time));
    }
    managed
}

/// `metadata.managedFields` as it is stored: nothing at all when nobody owns anything.
pub fn insert_into(object: &mut Value, managed: &Managed) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if managed.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), json!(managed.to_json()));
    }
}
