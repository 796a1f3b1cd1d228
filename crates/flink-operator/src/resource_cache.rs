//! What a process keeps of each resource between two passes. No decision depends on it: if it is lost, some work is
//! repeated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flink_operator_core::fault::Fault;
use flink_operator_core::reconcile::decision::Because;
use flink_operator_core::validate::ValidDeployment;

/// The outcome of parsing a spec.
pub type Validated = Result<ValidDeployment, Vec<Fault>>;

/// The entries of all resources, by uid.
#[derive(Debug, Default)]
pub struct ResourceCache {
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    validated: Option<(Basis, Arc<Validated>)>,
    because: Option<Because>,
    /// Failed passes in a row.
    failures: u32,
}

/// What the outcome of a validation depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    pub generation: Option<i64>,
    /// Rules about changes compare with what was deployed.
    pub last_reconciled_spec: Option<String>,
    pub reconciliation_state: String,
}

impl ResourceCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // An entry is valid whatever a panicking holder was doing: each operation sets one field.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(&self, uid: &str, look: impl FnOnce(&mut Entry) -> R) -> R {
        look(self.lock().entry(uid.to_owned()).or_default())
    }

    /// The outcome of the last validation, if what it depends on is the same.
    pub fn validated(&self, uid: &str, basis: &Basis) -> Option<Arc<Validated>> {
        self.with(uid, |entry| {
            entry
                .validated
                .as_ref()
                .filter(|(of, _)| of == basis)
                .map(|(_, outcome)| Arc::clone(outcome))
        })
    }

    pub fn keep_validated(&self, uid: &str, basis: Basis, outcome: Arc<Validated>) {
        self.with(uid, |entry| entry.validated = Some((basis, outcome)));
    }

    /// Whether the reason differs from that of the last pass, so that it is logged.
    pub fn is_news(&self, uid: &str, because: &Because) -> bool {
        self.with(uid, |entry| entry.because.replace(because.clone()).as_ref() != Some(because))
    }

    /// Counts a failed pass. Returns how many there were in a row before it.
    pub fn failed(&self, uid: &str) -> u32 {
        self.with(uid, |entry| {
            let before = entry.failures;
            entry.failures = entry.failures.saturating_add(1);
            before
        })
    }

    pub fn succeeded(&self, uid: &str) {
        self.with(uid, |entry| entry.failures = 0);
    }

    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
