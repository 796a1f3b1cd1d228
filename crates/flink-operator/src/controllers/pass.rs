//! What the passes over every kind of resource share: a deadline, an end for panics, back-off, logs and counts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flink_operator_core::invariants::BrokenInvariant;
use flink_operator_core::reconcile::decision::Requeue;
use futures::FutureExt;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use tokio::time::Instant;
use tracing::Instrument;

use super::backoff::Backoff;
use crate::execute::ExecuteError;
use crate::metrics::{Metrics, Outcome};
use crate::observe::TooManyRounds;
use crate::resource_cache::ResourceCache;

/// Passes in a row over one resource before others have a turn. A deployment needs two, an upgrade three.
const PASSES_MAX: usize = 8;

/// A pass that takes longer is dropped and counted as failed. It makes a few REST calls and API requests, each with a
/// deadline of its own.
const PASS_DEADLINE: Duration = Duration::from_mins(2);

/// Why a pass has failed.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// A fault of the operator. The next pass decides again; if it decides the same, it is refused again.
    #[error("the decision breaks an invariant")]
    Invariant(#[from] BrokenInvariant),
    #[error(transparent)]
    TooManyRounds(#[from] TooManyRounds),
    #[error("the pass did not end within {0:?}")]
    Deadline(Duration),
    #[error("the pass panicked: {0}")]
    Panic(String),
}

/// What the controller of one kind keeps about its passes.
#[derive(Debug)]
pub struct Passes {
    pub cache: ResourceCache,
    pub metrics: Metrics,
    pub backoff: Backoff,
}

impl Passes {
    /// Runs the passes over one resource within a span of their own. One that panics, or does not end, must not stop the
    /// passes over other resources.
    ///
    /// # Errors
    ///
    /// The pass that has failed. [`Self::retry`] says when the next one is due.
    pub async fn run(
        &self,
        object: &impl ResourceExt,
        passes: impl Future<Output = Result<(Action, Outcome), PassError>>,
    ) -> Result<Action, PassError> {
        let span = tracing::info_span!(
            "pass",
            namespace = object.namespace().unwrap_or_default(),
            name = object.name_any(),
            generation = object.meta().generation,
        );
        let began = Instant::now();
        let passes = AssertUnwindSafe(passes).catch_unwind();
        let ended = tokio::time::timeout(PASS_DEADLINE, passes).instrument(span.clone()).await;
        let result = match ended {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(PassError::Panic(panic_text(panic.as_ref()))),
            Err(_) => Err(PassError::Deadline(PASS_DEADLINE)),
        };
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        let outcome = span.in_scope(|| self.report(uid, &result));
        self.metrics.pass_ended(outcome, began.elapsed());
        result.map(|(action, _)| action)
    }

    /// Logs and counts how the pass ended.
    pub(super) fn report(
        &self,
        uid: &str,
        result: &Result<(Action, Outcome), PassError>,
    ) -> Outcome {
        match result {
            Ok((_, outcome)) => {
                self.cache.succeeded(uid);
                *outcome
            }
            Err(PassError::Execute(ExecuteError::Conflict { .. })) => Outcome::Conflict,
            Err(PassError::Invariant(broken)) => {
                self.metrics.decision_was_refused(broken);
                tracing::error!(
                    invariant = broken.name(),
                    error = broken as &dyn std::error::Error,
                    "the decision breaks an invariant; nothing of it is carried out"
                );
                Outcome::Failed
            }
            Err(
                error @ (PassError::Execute(_)
                | PassError::TooManyRounds(_)
                | PassError::Deadline(_)
                | PassError::Panic(_)),
            ) => {
                tracing::warn!(error = error as &dyn std::error::Error, "the pass failed");
                Outcome::Failed
            }
        }
    }

    /// When the next pass is due after one that has failed.
    pub fn retry(&self, uid: &str, error: &PassError) -> Action {
        let failures = self.cache.failed(uid);
        match error {
            // The watch is about to show what was missed. If it does not, the next pass comes all the same.
            PassError::Execute(ExecuteError::Conflict { .. }) => Action::requeue(
                Duration::from_millis(100).saturating_mul(2_u32.saturating_pow(failures.min(6))),
            ),
            PassError::Execute(_)
            | PassError::Invariant(_)
            | PassError::TooManyRounds(_)
            | PassError::Deadline(_)
            | PassError::Panic(_) => Action::requeue(self.backoff.after(failures)),
        }
    }
}

/// Continues with a resource as long as each pass makes another one possible at once.
///
/// # Errors
///
/// The first pass that has failed.
pub async fn in_a_row<K, F>(
    mut resource: Arc<K>,
    pass: impl Fn(Arc<K>) -> F,
) -> Result<(Action, Outcome), PassError>
where
    F: Future<Output = Result<(Arc<K>, Requeue, Outcome), PassError>>,
{
    for _ in 0..PASSES_MAX {
        let (next, requeue, outcome) = pass(resource).await?;
        resource = next;
        match requeue {
            Requeue::Now => {}
            Requeue::After(wait) => return Ok((Action::requeue(wait), outcome)),
            Requeue::OnChange => return Ok((Action::await_change(), outcome)),
        }
    }
    Ok((Action::requeue(Duration::from_secs(1)), Outcome::Waited))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
