//! What the API server checks of a pod before it stores it.
//!
//! The API server refuses a Deployment whose pod template has a fault, and the pods that a JobManager creates from the template
//! of the TaskManagers. Its refusal comes after the old cluster is gone, and speaks of a pod that the user has not written. So
//! the same is checked before.
//!
//! Nothing is refused here that an API server of a supported version accepts, with its defaults applied. What depends on the
//! cluster (quotas, policies, feature gates) is left to it. The rules are those of `pkg/apis/core/validation` of Kubernetes 1.34.

mod names;
mod node;

// Parts of a container.
mod env;
mod mounts;
mod ports;
mod probes;
mod quantities;

mod containers;
mod volumes;

// Parts of a pod.
mod metadata;
mod scheduling;
mod security;

mod pod;

mod object;

pub use self::{
    object::check_object,
    pod::{PodOf, check_pod},
};

/// One thing that the API server refuses, or that has no effect there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The place in the pod. Elements of lists are named by their names, where they have one: `spec.containers[a].image`.
    pub path: String,
    pub value: Option<String>,
    /// What is wrong, as a clause.
    pub problem: String,
    /// How to correct it, as an instruction.
    pub remedy: String,
}

/// The result of the checks of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the API server refuses.
    pub refusals: Vec<Refusal>,
    /// What it accepts, although it cannot work.
    pub warnings: Vec<Refusal>,
}

impl Checked {
    fn refuse(
        &mut self,
        at: &node::Node<'_>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.refusals.push(at.refusal(problem.into(), remedy.into()));
    }

    /// Refuses a field that is missing.
    fn require(&mut self, parent: &node::Node<'_>, field: &str, remedy: impl Into<String>) {
        self.refusals.push(Refusal {
            path: parent.path_of(field),
            value: None,
            problem: "it is not set".to_owned(),
            remedy: remedy.into(),
        });
    }

    fn warn(&mut self, at: &node::Node<'_>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.warnings.push(at.refusal(problem.into(), remedy.into()));
    }

    /// Refuses a text that is none of `allowed`.
    fn one_of(&mut self, parent: &node::Node<'_>, field: &str, allowed: &[&str]) {
        let Some(node) = parent.child(field) else { return };
        if let Some(text) = node.text(self)
            && !text.is_empty()
            && !allowed.contains(&text)
        {
            self.refuse(
                &node,
                "Kubernetes does not know it",
                format!("write {}", allowed.join(" or ")),
            );
        }
    }

    /// Refuses a text that breaks a rule of names.
    fn name(&mut self, parent: &node::Node<'_>, field: &str, rule: &names::Rule) {
        let Some(node) = parent.child(field) else { return };
        if let Some(text) = node.text(self)
            && !text.is_empty()
            && !(rule.holds)(text)
        {
            self.refuse(&node, rule.problem, rule.remedy);
        }
    }

    /// Refuses a number outside of a range.
    fn range(&mut self, parent: &node::Node<'_>, field: &str, least: i64, most: i64) {
        let Some(node) = parent.child(field) else { return };
        if let Some(number) = node.int(self)
            && !(least..=most).contains(&number)
        {
            self.refuse(
                &node,
                "it is out of range",
                format!("write a number from {least} to {most}"),
            );
        }
    }
}

#[cfg(test)]
mod tests;
