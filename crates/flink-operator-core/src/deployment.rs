//! One pass over a FlinkDeployment: what to do next, and why.
//!
//! ```text
//! decide(inputs, observed) ─► Ask(questions) ─► the process asks ─► … ─► decide(inputs, observed) ─► Done(decision)
//! ```
//!
//! [`decide`] is pure. The status is the log of intents: a step that cannot be undone comes after a record that says it
//! is under way, so that whoever reads the status next (this process, another one, the Java operator) goes on from there.

mod deletion;
mod last_valid;
mod observation;
mod running;

#[cfg(test)]
#[allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "tests pick one action out of many, and cases read best with their values in place"
)]
mod tests;

use std::sync::Arc;

use flink_operator_api::ReconciliationState;

use self::last_valid::LastValid;
use crate::cluster::{create, deploy};
use crate::job::upgrade::{cancel, rollback};
use crate::observed::Observed;
use crate::reconcile::decision::{Because, Blocked, Decision, Requeue};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Step;
use crate::reconcile::recorded::Recorded;
use crate::validate::Management;

/// Decides what one pass does, or says what has to be asked first. It is called again with the answers until it is done.
///
/// # Invariants
///
/// Those of [`crate::invariants`]. Whoever carries a decision out checks them first.
pub fn decide(inputs: &Inputs<'_>, observed: &Observed) -> Step {
    let pass = Pass::new(inputs, observed);
    if inputs.is_canary() {
        return canary(pass).into();
    }
    let recorded = match inputs.record {
        Ok(record) => record.last().map(Arc::as_ref),
        Err(error) => {
            let message = format!(
                "status.reconciliationStatus.lastReconciledSpec: {error}. What runs is left as it is; restore the \
                 field, or delete the resource."
            );
            return pass
                .end(Because::NeedsUser(Blocked::UnreadableRecord { message }), Requeue::OnChange)
                .into();
        }
    };
    match LastValid::find(inputs, recorded) {
        Some(last_valid) => {
            let inputs = last_valid.inputs(inputs);
            let pass = Pass::new(&inputs, observed).with_invalid_spec(last_valid.invalid.clone());
            decide_recorded(pass, recorded)
        }
        None => decide_recorded(pass, recorded),
    }
}

/// The pass of a resource whose record is readable.
fn decide_recorded(mut pass: Pass<'_>, recorded: Option<&Recorded>) -> Step {
    let inputs = pass.inputs;
    if let Some(recorded) = recorded {
        pass.is_deployed_as(&recorded.spec);
    }
    if inputs.is_being_deleted() {
        return deletion::decide(pass, recorded);
    }
    if let Ok(valid) = inputs.validated
        && valid.management == Management::Standalone
    {
        let message = "spec.mode standalone is not supported by this version of the operator; what runs is left as it \
                       is. Native mode (the default) is."
            .to_owned();
        let because = Because::NeedsUser(Blocked::NotSupported { message });
        return pass.end(because, Requeue::OnChange).into();
    }
    let Some(recorded) = recorded else { return create::first(pass).into() };
    let questions = observation::questions(&pass, recorded);
    if !questions.is_empty() {
        return Step::Ask(questions);
    }
    match pass.status.reconciliation_status.state.clone() {
        ReconciliationState::Upgrading if cancel::is_under_way(&pass, recorded) => {
            cancel::proceed(pass, recorded)
        }
        ReconciliationState::Upgrading => deploy::resume(pass, recorded).into(),
        ReconciliationState::RollingBack => rollback::resume(pass, recorded).into(),
        ReconciliationState::Deployed
        | ReconciliationState::RolledBack
        | ReconciliationState::Unrecognised(_) => running::decide(pass, recorded),
    }
}

fn canary(mut pass: Pass<'_>) -> Decision {
    if pass.inputs.is_being_deleted() {
        pass.remove_finalizer();
    }
    pass.end_without_record(Because::NotOurs, Requeue::OnChange)
}

/// The API server refused an object of the cluster (`reason` is its own word, such as `Forbidden`), or its name is taken.
/// What was recorded before stays the log of intents: the next pass tries again.
pub fn refused(inputs: &Inputs<'_>, observed: &Observed, reason: &str, message: &str) -> Decision {
    let mut pass = Pass::new(inputs, observed);
    if let Some(recorded) = pass.record.last().cloned() {
        pass.is_deployed_as(&recorded.spec);
    }
    pass.refused(reason, message);
    let message = message.to_owned();
    pass.end(Because::NeedsUser(Blocked::ObjectRefused { message }), Requeue::OnChange)
}
