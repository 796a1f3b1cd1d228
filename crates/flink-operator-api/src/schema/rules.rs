//! Rules that the API server itself checks. So a mistake is refused when the resource is written,
//! even if the operator is down.
//!
//! A rule may refuse only what the operator's validation always refuses. It must not depend on the
//! operator's configuration, on its defaults or on other objects. Three more limits decide where a
//! rule is placed and how it is written:
//!
//! - A rule must not block writes of the status or the removal of the finalizer of an object that
//!   was stored before the rule existed. The API server skips a rule whose value did not change
//!   (Kubernetes 1.30 and later), so rules are placed on the spec or below it. Every write changes
//!   the root, so a rule there must compare two versions of the spec, or apply to creation only.
//! - Rules cannot see labels, and canaries (label `flink.apache.org/canary`) are never validated.
//!   They have no spec, or one with only a nonce, so fields are required only in a spec that
//!   describes a cluster or a job.
//! - The operator compares with the spec that it recorded, not with the one before the update. A
//!   rule about a change compares with both, so that a user can always return to the deployed spec.
//!   If the record has an unknown form the rule passes, and the operator decides.

mod deployment;
mod session_job;
mod spec;
mod state_snapshot;

use serde_json::{Map, Value, json};

/// One rule of a schema (`x-kubernetes-validations`).
#[derive(Default)]
struct Rule {
    /// Path of property names from where the rules are added to the property that `self` is.
    at: &'static [&'static str],
    /// The expression, in CEL. White space is collapsed, so it may span lines.
    must: String,
    message: &'static str,
    /// A CEL expression for the message, if it quotes the value.
    message_expression: Option<String>,
    /// The field that the error names, below `at`.
    field: Option<&'static str>,
    reason: Reason,
    /// Check creations too, with an `oldSelf` that may have no value.
    on_creation: bool,
}

#[derive(Default)]
enum Reason {
    #[default]
    Invalid,
    Required,
    Forbidden,
}

/// Pattern of cluster names, which become labels, and names of Services and pods.
const CLUSTER_NAME: &str = "^[a-z]([-a-z0-9]{0,43}[a-z0-9])?$";

/// [`CLUSTER_NAME`] in words. It has no quotes, since it is used inside expressions.
const CLUSTER_NAME_FORM: &str = "at most 45 lower case letters, digits or hyphens, \
    beginning with a letter and ending with a letter or digit, such as my-cluster";

/// The recorded spec of a whole object, as text.
const RECORDED: &str = "self.status.reconciliationStatus.lastReconciledSpec";

/// Whether a whole object has a recorded spec, so that it was deployed before.
const IS_RECORDED: &str = "(has(self.status) && has(self.status.reconciliationStatus) \
    && has(self.status.reconciliationStatus.lastReconciledSpec))";

/// Adds the rules of a kind to its schema.
pub(super) fn add_rules(kind: &str, schema: &mut Value) {
    match kind {
        "FlinkDeployment" => {
            add(schema, &[], deployment::transitions());
            add(schema, &["spec"], deployment::demands());
            add(schema, &["spec"], spec::rules());
        }
        "FlinkSessionJob" => add(schema, &[], session_job::rules()),
        "FlinkStateSnapshot" => add(schema, &[], state_snapshot::rules()),
        // A webhook may fill in missing fields when the children are created, so only fields
        // that are set are checked.
        "FlinkBlueGreenDeployment" => add(schema, &["spec", "template", "spec"], spec::rules()),
        _ => {}
    }
}

/// Whether the last member of the recorded spec is `member`, an expression.
///
/// The text behind the spec is known, so only the end of the record is compared. A search through
/// the whole record would exceed the cost that the API server allows for a rule.
fn record_ends_with(member: &str) -> String {
    let metadata =
        r#"},"resource_metadata":{"apiVersion":"flink.apache.org/v1beta1","firstDeployment":"#;
    format!(
        "['true', 'false'].exists(first, {RECORDED}.endsWith({member} + '{metadata}' + first + '}}}}'))"
    )
}

/// Adds rules to the properties that they are about.
fn add(schema: &mut Value, base: &[&str], rules: Vec<Rule>) {
    for rule in rules {
        let mut target = &mut *schema;
        for name in base.iter().chain(rule.at) {
            target = target
                .get_mut("properties")
                .and_then(|properties| properties.get_mut(name))
                .expect("rules are about fields of the kind's own spec");
        }
        let Value::Object(members) = target else { continue };
        let list = members.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(rule.into_value());
        }
    }
}

impl Rule {
    fn into_value(self) -> Value {
        let rule = self.must.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut members = Map::new();
        members.insert("rule".to_owned(), rule.into());
        members.insert("message".to_owned(), self.message.into());
        members.insert("reason".to_owned(), self.reason.as_str().into());
        if let Some(expression) = self.message_expression {
            members.insert("messageExpression".to_owned(), expression.into());
        }
        if let Some(field) = self.field {
            members.insert("fieldPath".to_owned(), field.into());
        }
        if self.on_creation {
            members.insert("optionalOldSelf".to_owned(), true.into());
        }
        Value::Object(members)
    }
}

impl Reason {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Invalid => "FieldValueInvalid",
            Self::Required => "FieldValueRequired",
            Self::Forbidden => "FieldValueForbidden",
        }
    }
}
