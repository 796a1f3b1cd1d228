//! Warnings about a valid spec: a condition while they hold, and one event for each generation that has them.

use flink_operator_api::{Condition, FlinkDeploymentStatus};

use crate::reconcile::conditions;
use crate::reconcile::decision::{Event, Occurrence};
use crate::reconcile::inputs::Inputs;

/// True while the spec has settings that are allowed, but do not do what the user may expect. A resource without such settings
/// does not have the condition.
pub(crate) const SPEC_WARNINGS: &str = "SpecWarnings";

/// Brings the condition up to date. Returns the event if these warnings have not been reported yet.
pub(crate) fn settle(status: &mut FlinkDeploymentStatus, inputs: &Inputs<'_>) -> Option<Event> {
    // The warnings of a spec with faults are not known.
    let Ok(valid) = inputs.validated else { return None };
    if inputs.is_being_deleted() {
        return None;
    }
    if valid.notes.is_empty() {
        status.conditions.retain(|condition| condition.type_ != SPEC_WARNINGS);
        return None;
    }
    let message = valid.notes.join(". ");
    let generation = Some(inputs.generation());
    let before = status.conditions.iter().find(|condition| condition.type_ == SPEC_WARNINGS);
    let is_reported = before.is_some_and(|before| {
        before.observed_generation == generation && before.message.as_ref() == Some(&message)
    });
    let since = before.and_then(|before| before.last_transition_time.clone());
    let condition = Condition {
        type_: SPEC_WARNINGS.to_owned(),
        status: "True".to_owned(),
        reason: Some("SettingsToReview".to_owned()),
        message: Some(message.clone()),
        observed_generation: generation,
        last_transition_time: since.or_else(|| Some(inputs.now.to_string())),
    };
    conditions::put(status, condition);
    let occurrence =
        Occurrence { key: format!("spec-warnings {}", inputs.generation()), at: inputs.now };
    let event = Event { once: Some(occurrence), ..Event::warning(SPEC_WARNINGS, message) };
    (!is_reported).then_some(event)
}
