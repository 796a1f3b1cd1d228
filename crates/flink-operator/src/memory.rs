//! What a process remembers of a resource between two passes. Nothing that decides lives here: it can be lost at any
//! moment, and costs a little work then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use flink_operator_core::fault::Fault;
use flink_operator_core::reconcile::decision::Because;
use flink_operator_core::validate::ValidDeployment;

/// The outcome of parsing a spec.
pub type Validated = Result<ValidDeployment, Vec<Fault>>;

/// Memories of all resources, by uid.
#[derive(Debug, Default)]
pub struct Memories {
    inner: Mutex<HashMap<String, Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    validated: Option<(Basis, Arc<Validated>)>,
    because: Option<Because>,
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

impl Memories {
    fn with<R>(&self, uid: &str, look: impl FnOnce(&mut Memory) -> R) -> R {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        look(inner.entry(uid.to_owned()).or_default())
    }

    /// The outcome of the last validation if it was of the same things.
    pub fn validated(&self, uid: &str, basis: &Basis) -> Option<Arc<Validated>> {
        self.with(uid, |memory| {
            memory
                .validated
                .as_ref()
                .filter(|(of, _)| of == basis)
                .map(|(_, outcome)| Arc::clone(outcome))
        })
    }

    pub fn remember_validated(&self, uid: &str, basis: Basis, outcome: Arc<Validated>) {
        self.with(uid, |memory| memory.validated = Some((basis, outcome)));
    }

    /// Whether the reason differs from the last pass's: then it is worth a line in the log.
    pub fn is_news(&self, uid: &str, because: &Because) -> bool {
        self.with(uid, |memory| memory.because.replace(because.clone()).as_ref() != Some(because))
    }

    /// Counts a failed pass, and says how many there were in a row before it.
    pub fn failed(&self, uid: &str) -> u32 {
        self.with(uid, |memory| {
            let before = memory.failures;
            memory.failures = memory.failures.saturating_add(1);
            before
        })
    }

    pub fn succeeded(&self, uid: &str) {
        self.with(uid, |memory| memory.failures = 0);
    }

    pub fn forget(&self, uid: &str) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    pub fn len(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
