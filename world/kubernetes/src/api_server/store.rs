//! What is stored: objects, the version of each write, and the changes that watches are fed from.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;

use super::object;
use super::ownership::{Managed, insert_into};

/// Changes that are remembered of each resource, as in the API server's watch cache at its largest.
const HISTORY_MAX: usize = 102_400;

/// One version of an object.
#[derive(Debug)]
pub struct Stored {
    /// Without `managedFields`.
    pub object: Value,
    pub managed: Managed,
    pub version: u64,
    /// What was written, where reading it gives something else.
    written: Option<Value>,
    encoded: OnceLock<Bytes>,
}

impl Stored {
    pub fn new(mut object: Value, managed: Managed, version: u64) -> Self {
        object::set(&mut object, "resourceVersion", version.to_string());
        Self { object, managed, version, written: None, encoded: OnceLock::new() }
    }

    /// Whether writing this object would change nothing of what is stored.
    pub fn holds(&self, object: &Value) -> bool {
        *object == *self.written.as_ref().unwrap_or(&self.object)
    }

    /// The object as clients see it.
    pub fn full(&self) -> Value {
        let mut full = self.object.clone();
        insert_into(&mut full, &self.managed);
        full
    }

    /// The same as JSON text.
    pub fn encoded(&self) -> Bytes {
        self.encoded.get_or_init(|| Bytes::from(self.full().to_string())).clone()
    }
}

/// Where an object is: its namespace and name, in the order of the API server's lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The namespace is empty for objects of the cluster.
    pub fn new(namespace: &str, name: &str) -> Self {
        if namespace.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{namespace}/{name}"))
        }
    }

    pub fn of(object: &Value) -> Self {
        Self::new(object::namespace(object), object::name(object))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn is_in(&self, namespace: &str) -> bool {
        self.0.split_once('/').is_some_and(|(own, _)| own == namespace)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write.
#[derive(Debug)]
pub struct Change {
    pub kind: ChangeKind,
    pub version: u64,
    pub key: Key,
    /// The object afterwards; of a deletion: its last state, with the version of the deletion.
    pub object: Arc<Stored>,
    pub previous: Option<Arc<Stored>>,
}

/// The objects of one resource.
#[derive(Debug, Default)]
pub struct Collection {
    objects: BTreeMap<Key, Arc<Stored>>,
    history: VecDeque<Arc<Change>>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
}

/// Everything.
#[derive(Debug)]
pub struct Store {
    version: u64,
    collections: BTreeMap<String, Collection>,
}

impl Store {
    /// Versions begin anywhere but at one in a real cluster too.
    pub fn new(version: u64) -> Self {
        Self { version, collections: BTreeMap::new() }
    }

    /// The version of the last write to anything.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, storage: &str, key: &Key) -> Option<&Arc<Stored>> {
        self.collections.get(storage)?.objects.get(key)
    }

    /// The objects of a resource, in a namespace or in all (the empty one), in order.
    pub fn list(&self, storage: &str, namespace: &str) -> Vec<Arc<Stored>> {
        let Some(collection) = self.collections.get(storage) else { return Vec::new() };
        if namespace.is_empty() {
            return collection.objects.values().cloned().collect();
        }
        let from = Key(format!("{namespace}/"));
        let range = collection.objects.range((Bound::Included(from), Bound::Unbounded));
        range
            .take_while(|(key, _)| key.is_in(namespace))
            .map(|(_, stored)| Arc::clone(stored))
            .collect()
    }

    /// The same as it was at a version. `None` if that is forgotten.
    pub fn list_at(
        &self,
        storage: &str,
        namespace: &str,
        version: u64,
    ) -> Option<Vec<Arc<Stored>>> {
        let Some(collection) = self.collections.get(storage) else { return Some(Vec::new()) };
        if version < collection.forgotten {
            return None;
        }
        let mut objects = collection.objects.clone();
        for change in collection.history.iter().rev().take_while(|change| change.version > version)
        {
            match &change.previous {
                Some(previous) => objects.insert(change.key.clone(), Arc::clone(previous)),
                None => objects.remove(&change.key),
            };
        }
        let inside =
            objects.into_iter().filter(|(key, _)| namespace.is_empty() || key.is_in(namespace));
        Some(inside.map(|(_, stored)| stored).collect())
    }

    /// The changes after a version, oldest first. The version up to which they are forgotten, if that is too far back.
    pub fn changes_after(&self, storage: &str, version: u64) -> Result<Vec<Arc<Change>>, u64> {
        let Some(collection) = self.collections.get(storage) else { return Ok(Vec::new()) };
        if version < collection.forgotten {
            return Err(collection.forgotten);
        }
        let after = collection.history.partition_point(|change| change.version <= version);
        Ok(collection.history.range(after..).cloned().collect())
    }

    /// Forgets every change up to now: watches that ask for an older version are told that it is gone.
    pub fn compact(&mut self) {
        for collection in self.collections.values_mut() {
            collection.history.clear();
            collection.forgotten = self.version;
        }
    }

    /// Stores an object: a new one, or a new version. `written` is what was written, if reading it gives something else.
    pub fn put(
        &mut self,
        storage: &str,
        object: Value,
        managed: Managed,
        written: Option<Value>,
    ) -> Arc<Change> {
        self.version += 1;
        let key = Key::of(&object);
        let mut stored = Stored::new(object, managed, self.version);
        stored.written = written.map(|mut written| {
            object::set(&mut written, "resourceVersion", self.version.to_string());
            written
        });
        let stored = Arc::new(stored);
        let collection = self.collections.entry(storage.to_owned()).or_default();
        let previous = collection.objects.insert(key.clone(), Arc::clone(&stored));
        let kind = if previous.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        Self::remember(
            collection,
            Change { kind, version: self.version, key, object: stored, previous },
        )
    }

    /// Removes an object. `None` if it is not there.
    pub fn remove(&mut self, storage: &str, key: &Key) -> Option<Arc<Change>> {
        let collection = self.collections.get_mut(storage)?;
        let previous = collection.objects.remove(key)?;
        self.version += 1;
        let last = Stored::new(previous.object.clone(), previous.managed.clone(), self.version);
        let change = Change {
            kind: ChangeKind::Deleted,
            version: self.version,
            key: key.clone(),
            object: Arc::new(last),
            previous: Some(previous),
        };
        Some(Self::remember(collection, change))
    }

    fn remember(collection: &mut Collection, change: Change) -> Arc<Change> {
        let change = Arc::new(change);
        collection.history.push_back(Arc::clone(&change));
        if collection.history.len() > HISTORY_MAX
            && let Some(oldest) = collection.history.pop_front()
        {
            collection.forgotten = oldest.version;
        }
        change
    }
}
