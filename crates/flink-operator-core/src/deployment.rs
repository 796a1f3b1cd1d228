//! One pass over a FlinkDeployment: what to do next, and why.
//!
//! ```text
//! questions(given, observed) ─► the shell asks ─► … ─► decide(given, observed) ─► Decision
//! ```
//!
//! [`decide`] is pure. The status is the log of intents: a step that cannot be undone comes after a record that says it
//! is under way, so that whoever reads the status next (this process, another one, the Java operator) goes on from there.

mod deletion;
mod running;

#[cfg(test)]
#[allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "tests pick one action out of many, and cases read best with their values in place"
)]
mod tests;

use flink_operator_api::ReconciliationState;

use crate::cluster::{create, deploy};
use crate::job::upgrade::{cancel, rollback};
use crate::observed::{Observed, Questions};
use crate::reconcile::decision::{Because, Blocked, Decision, Requeue};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::Pass;
use crate::reconcile::recorded;
use crate::validate::Management;

/// What has to be asked before a decision, given what was seen so far. The shell asks until nothing more is wanted.
pub fn questions(inputs: &Inputs<'_>, observed: &Observed) -> Questions {
    if inputs.is_canary() {
        return Questions::default();
    }
    match recorded::read(inputs) {
        Ok(recorded) if inputs.is_being_deleted() => {
            deletion::questions(inputs, recorded.as_ref(), observed)
        }
        Ok(Some(recorded)) => running::questions(inputs, &recorded, observed),
        Ok(None) | Err(_) => Questions::default(),
    }
}

/// Decides what one pass does.
///
/// # Invariants
///
/// Those of [`crate::invariants`]. Whoever carries a decision out checks them first.
pub fn decide(inputs: &Inputs<'_>, observed: &Observed) -> Decision {
    let pass = Pass::new(inputs, observed);
    if inputs.is_canary() {
        return canary(pass);
    }
    let recorded = match recorded::read(inputs) {
        Ok(recorded) => recorded,
        Err(error) => {
            let message = format!(
                "status.reconciliationStatus.lastReconciledSpec: {error}. What runs is left as it is; restore the \
                 field, or delete the resource."
            );
            return pass
                .end(Because::NeedsUser(Blocked::UnreadableRecord { message }), Requeue::OnChange);
        }
    };
    if inputs.is_being_deleted() {
        return deletion::decide(pass, recorded.as_ref());
    }
    if let Ok(valid) = inputs.validated
        && valid.management == Management::Standalone
    {
        let message = "spec.mode standalone is not supported by this version of the operator; what runs is left as it \
                       is. Native mode (the default) is."
            .to_owned();
        return pass.end(Because::NeedsUser(Blocked::NotSupported { message }), Requeue::OnChange);
    }
    match recorded {
        None => create::first(pass),
        Some(recorded) => {
            let state = pass.status.reconciliation_status.state.clone();
            match state {
                ReconciliationState::Upgrading if cancel::is_under_way(&pass, &recorded) => {
                    cancel::proceed(pass, &recorded)
                }
                ReconciliationState::Upgrading => deploy::resume(pass, recorded),
                ReconciliationState::RollingBack => rollback::resume(pass, &recorded),
                ReconciliationState::Deployed
                | ReconciliationState::RolledBack
                | ReconciliationState::Unrecognised(_) => running::decide(pass, &recorded),
            }
        }
    }
}

fn canary(mut pass: Pass<'_>) -> Decision {
    if pass.inputs.is_being_deleted() {
        pass.remove_finalizer();
    }
    pass.end_without_record(Because::NotOurs, Requeue::OnChange)
}

/// Flink refused to rescale the running job: what to do instead.
pub fn not_rescaled(inputs: &Inputs<'_>, observed: &Observed) -> Decision {
    let mut pass = Pass::new(inputs, observed);
    pass.may_rescale = false;
    match recorded::read(inputs) {
        Ok(Some(recorded)) => running::decide(pass, &recorded),
        Ok(None) | Err(_) => pass.end_without_record(Because::UpToDate, Requeue::OnChange),
    }
}

/// The API server refused an object of the cluster (`reason` is its own word, such as `Forbidden`), or its name is taken.
/// What was recorded before stays the log of intents: the next pass tries again.
pub fn refused(inputs: &Inputs<'_>, observed: &Observed, reason: &str, message: &str) -> Decision {
    let mut pass = Pass::new(inputs, observed);
    pass.refused(reason, message);
    let message = message.to_owned();
    pass.end(Because::NeedsUser(Blocked::ObjectRefused { message }), Requeue::OnChange)
}
