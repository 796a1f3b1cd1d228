//! Rules on a FlinkSessionJob.

use super::{CLUSTER_NAME, CLUSTER_NAME_FORM, IS_RECORDED, Reason, Rule, record_ends_with};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule {
            at: &["spec"],
            must: "has(self.job) || !has(self.deploymentName)".to_owned(),
            message: "job must be set: it says what runs on the session cluster",
            field: Some(".job"),
            reason: Reason::Required,
            ..Rule::default()
        },
        Rule {
            at: &["spec"],
            must: "has(self.deploymentName) || !has(self.job)".to_owned(),
            message: "deploymentName must be set to the name of the FlinkDeployment whose session cluster runs \
                the job",
            field: Some(".deploymentName"),
            reason: Reason::Required,
            ..Rule::default()
        },
        Rule {
            at: &["spec", "deploymentName"],
            must: format!("self.matches('{CLUSTER_NAME}')"),
            message: "deploymentName must be the name of a FlinkDeployment: at most 45 lower case letters, \
                digits or hyphens, beginning with a letter and ending with a letter or digit",
            message_expression: Some(format!(
                "'\"' + self + '\" cannot be the name of a FlinkDeployment, which has {CLUSTER_NAME_FORM}'"
            )),
            ..Rule::default()
        },
        Rule {
            must: format!(
                "!{IS_RECORDED} || !has(self.spec) || !has(self.spec.deploymentName)
                 || (has(oldSelf.spec) && has(oldSelf.spec.deploymentName)
                     && self.spec.deploymentName == oldSelf.spec.deploymentName)
                 || !{ends_with_a_name} || {ends_with_this_name}",
                // The member is the last one of the spec, and the only one there that can end in a quote.
                ends_with_a_name = record_ends_with(r#"'"'"#),
                ends_with_this_name =
                    record_ends_with(r#"'"deploymentName":"' + self.spec.deploymentName + '"'"#),
            ),
            message: "a deployed session job cannot move to another cluster: delete it and create it anew",
            field: Some(".spec.deploymentName"),
            reason: Reason::Forbidden,
            ..Rule::default()
        },
    ]
}
