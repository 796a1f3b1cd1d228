//! Rules on a FlinkStateSnapshot.

use super::{Reason, Rule};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule {
            must: "oldSelf.hasValue() || has(self.spec)".to_owned(),
            message: "exactly one of savepoint and checkpoint must be set",
            field: Some(".spec"),
            reason: Reason::Required,
            on_creation: true,
            ..Rule::default()
        },
        Rule {
            at: &["spec"],
            must: "has(self.savepoint) != has(self.checkpoint)".to_owned(),
            message: "exactly one of savepoint and checkpoint must be set",
            ..Rule::default()
        },
        Rule {
            at: &["spec"],
            must: "has(self.jobReference)
                   || (has(self.savepoint) && has(self.savepoint.alreadyExists) && self.savepoint.alreadyExists)"
                .to_owned(),
            message: "jobReference must be set to the resource whose job is taken a snapshot of, unless the \
                savepoint already exists",
            field: Some(".jobReference"),
            reason: Reason::Required,
            ..Rule::default()
        },
    ]
}
