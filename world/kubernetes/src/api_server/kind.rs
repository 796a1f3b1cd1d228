//! The kinds that the API server serves, and in what they differ.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::ownership::FieldSet;
use super::types::{Type, table::builtin};

pub mod builtin;
pub mod custom;
pub mod custom_file;

use custom::Schema;

/// A kind in one version.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a table of what kinds differ in")]
pub struct Kind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub namespaced: bool,
    pub ty: Arc<Type>,
    /// The schema of a custom kind.
    pub custom: Option<Arc<Schema>>,
    /// Where the objects are stored: events are served in two groups.
    pub storage: String,
    pub status: bool,
    pub scale: Option<Scale>,
    pub generation: Generation,
    pub deletion_answer: DeletionAnswer,
    /// Deletion waits for a grace period, and somebody deletes for good: pods.
    pub graceful: bool,
    /// A replace without a resource version is taken.
    pub unconditional_update: bool,
    /// A replace of what is not there creates it.
    pub create_on_update: bool,
    /// Labels of field selectors beside name and namespace, and where their values are.
    pub selectable: &'static [(&'static str, &'static str)],
    pub names: NameRule,
    /// Fields that the resource itself does not let anyone set, and those that its status does not.
    pub ignored: FieldSet,
    pub status_ignored: FieldSet,
}

/// What changes the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// There is none.
    None,
    Spec,
    SpecAndAnnotations,
    /// Everything outside of `metadata` (and the status, when it is a subresource).
    AllButMetadata,
}

/// What the deletion of an object that is gone at once is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionAnswer {
    Object,
    Status,
}

/// Which names are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    Subdomain,
    Label,
    /// A label that begins with a letter.
    Label1035,
}

/// Where the scale subresource finds its numbers, as JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    pub spec_replicas: String,
    pub status_replicas: String,
    pub selector: Option<String>,
}

impl Kind {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `deployments.apps`: how messages name the resource.
    pub fn resource(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// What is read of an object that was written, and what was written if that is something else. An applied
    /// configuration can leave nulls and fields that the schema does not know in custom resources. They are stored, but
    /// nobody reads them; the next write is without them, and so is a change even if it changes nothing else.
    pub fn read_back(&self, written: Value) -> (Value, Option<Value>) {
        let Some(schema) = &self.custom else { return (written, None) };
        let mut read = written.clone();
        if let Some(fields) = read.as_object_mut() {
            schema.prune(fields);
        }
        if read == written { (written, None) } else { (read, Some(written)) }
    }

    /// `Deployment.apps`: how messages about invalid objects name the kind.
    pub fn qualified_kind(&self) -> String {
        qualified(&self.kind, &self.group)
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// All kinds.
#[derive(Debug)]
pub struct Kinds {
    all: Vec<Arc<Kind>>,
    by_resource: HashMap<(String, String, String), usize>,
    by_kind: HashMap<(String, String), usize>,
}

static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    let mut all = builtin::kinds();
    all.extend(custom_file::kinds());
    Kinds::of(all)
});

impl Kinds {
    /// The kinds of every world: built-in ones, and the operator's own from the chart's definitions.
    pub fn known() -> &'static Self {
        &KINDS
    }

    fn of(mut all: Vec<Kind>) -> Self {
        for kind in all.iter_mut().filter(|kind| kind.storage.is_empty()) {
            kind.storage = kind.resource();
        }
        let all: Vec<Arc<Kind>> = all.into_iter().map(Arc::new).collect();
        let indexed = || all.iter().enumerate();
        Self {
            by_resource: indexed()
                .map(|(index, kind)| {
                    ((kind.group.clone(), kind.version.clone(), kind.plural.clone()), index)
                })
                .collect(),
            by_kind: indexed()
                .map(|(index, kind)| ((kind.api_version(), kind.kind.clone()), index))
                .collect(),
            all,
        }
    }

    pub fn all(&self) -> &[Arc<Kind>] {
        &self.all
    }

    pub fn by_resource(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        let key = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.all.get(*self.by_resource.get(&key)?)
    }

    pub fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.all.get(*self.by_kind.get(&(api_version.to_owned(), kind.to_owned()))?)
    }

    /// The kind with this plural, in whatever group.
    ///
    /// # Panics
    ///
    /// There is none: names of resources in tests are constants.
    pub fn plural(&self, plural: &str) -> &Arc<Kind> {
        let found = self.all.iter().find(|kind| kind.plural == plural);
        found.unwrap_or_else(|| unreachable!("no kind has the plural {plural}"))
    }
}

impl Default for Kind {
    /// A namespaced kind without status and generation, deleted at once.
    fn default() -> Self {
        Self {
            group: String::new(),
            version: "v1".to_owned(),
            kind: String::new(),
            plural: String::new(),
            singular: String::new(),
            namespaced: true,
            ty: builtin("ConfigMap"),
            custom: None,
            storage: String::new(),
            status: false,
            scale: None,
            generation: Generation::None,
            deletion_answer: DeletionAnswer::Status,
            graceful: false,
            unconditional_update: true,
            create_on_update: false,
            selectable: &[],
            names: NameRule::Subdomain,
            ignored: FieldSet::default(),
            status_ignored: FieldSet::default(),
        }
    }
}
