//! What a process keeps of each resource between two passes. No decision depends on it: if it is lost, some work is
//! repeated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flink_operator_core::fault::Fault;
use flink_operator_core::reconcile::decision::Because;
use flink_operator_core::rest_endpoint::RestEndpoint;
use flink_operator_core::validate::ValidDeployment;

/// The outcome of parsing a spec.
pub type Validated = Result<ValidDeployment, Vec<Fault>>;

/// What is parsed out of a resource.
#[derive(Debug)]
pub struct Parsed {
    /// The newest spec.
    pub validated: Validated,
    /// How the cluster that runs is reached.
    pub endpoint: RestEndpoint,
}

/// The entries of all resources, by uid. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct ResourceCache {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    parsed: Option<(Basis, Arc<Parsed>)>,
    because: Option<Because>,
    /// Failed passes in a row.
    failures: u32,
}

/// What the outcome of parsing depends on.
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

    /// What was parsed last, if what it depends on is the same.
    pub fn parsed(&self, uid: &str, basis: &Basis) -> Option<Arc<Parsed>> {
        self.with(uid, |entry| {
            entry
                .parsed
                .as_ref()
                .filter(|(of, _)| of == basis)
                .map(|(_, parsed)| Arc::clone(parsed))
        })
    }

    pub fn keep_parsed(&self, uid: &str, basis: Basis, parsed: Arc<Parsed>) {
        self.with(uid, |entry| entry.parsed = Some((basis, parsed)));
    }

    /// Whether the reason differs from that of the last pass, so that it is logged.
    pub fn is_news(&self, uid: &str, because: &Because) -> bool {
        // A resource that is gone gets no entry again by the end of its last pass.
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(uid) else { return true };
        entry.because.replace(because.clone()).as_ref() != Some(because)
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
        if let Some(entry) = self.lock().get_mut(uid) {
            entry.failures = 0;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_the_last_pass_does_not_bring_a_resource_back() {
        let cache = ResourceCache::default();
        cache.failed("u");
        assert_eq!(cache.len(), 1);
        cache.forget("u");
        assert!(cache.is_news("u", &Because::Deleting));
        cache.succeeded("u");
        assert!(cache.is_empty());
    }
}
