//! Rules on a whole FlinkDeployment, and on what its spec must have.

use super::{
    CLUSTER_NAME, CLUSTER_NAME_FORM, IS_RECORDED, RECORDED, Reason, Rule, record_ends_with,
};

/// Rules on creation and on changes of a whole FlinkDeployment.
pub(super) fn transitions() -> Vec<Rule> {
    let describes_a_cluster = describes_a_cluster("self.spec");
    let has_job = "(has(self.spec) && has(self.spec.job))";
    let job_before = "(has(oldSelf.spec) && has(oldSelf.spec.job))";
    let mode = "(has(self.spec) && has(self.spec.mode) ? self.spec.mode : 'native')";
    let old_mode = "(has(oldSelf.spec) && has(oldSelf.spec.mode) ? oldSelf.spec.mode : 'native')";
    vec![
        Rule {
            must: format!(
                "oldSelf.hasValue() || !has(self.spec) || !{describes_a_cluster}
                 || self.metadata.name.matches('{CLUSTER_NAME}')"
            ),
            message: "the name of a FlinkDeployment must be at most 45 lower case letters, digits or \
                hyphens, beginning with a letter and ending with a letter or digit",
            message_expression: Some(format!(
                "'\"' + self.metadata.name + '\" cannot be the name of a Flink cluster; use {CLUSTER_NAME_FORM}'"
            )),
            field: Some(".metadata.name"),
            on_creation: true,
            ..Rule::default()
        },
        Rule {
            must: format!(
                r#"!{IS_RECORDED} || !{has_job} || {job_before}
                   || !{RECORDED}.startsWith('{{"spec":{{"job":null,')"#
            ),
            message: "a deployed session cluster cannot get a job: submit a FlinkSessionJob, or delete the \
                FlinkDeployment and create it anew",
            field: Some(".spec.job"),
            reason: Reason::Forbidden,
            ..Rule::default()
        },
        Rule {
            must: format!(
                r#"!{IS_RECORDED} || {has_job} || !{job_before}
                   || !{RECORDED}.startsWith('{{"spec":{{"job":{{')"#
            ),
            message: "the job of a deployed application cluster cannot be removed: set job.state to \
                suspended to stop it, or delete the FlinkDeployment",
            field: Some(".spec.job"),
            reason: Reason::Forbidden,
            ..Rule::default()
        },
        Rule {
            must: format!(
                "!{IS_RECORDED} || {mode} == {old_mode}
                 || !({mode} == 'native' ? {was_standalone} : ({was_native} || {was_unset}))",
                was_standalone = record_ends_with(r#"'"mode":"standalone"'"#),
                was_native = record_ends_with(r#"'"mode":"native"'"#),
                was_unset = record_ends_with(r#"'"mode":null'"#),
            ),
            message: "the mode of a deployed cluster cannot be changed: delete the FlinkDeployment and create \
                it anew",
            field: Some(".spec.mode"),
            reason: Reason::Forbidden,
            ..Rule::default()
        },
        redeploy_needs_a_path(),
    ]
}

/// A new nonce, compared with the last update and with the record, needs a savepoint.
fn redeploy_needs_a_path() -> Rule {
    // A text made from a number counts as endlessly long, so the number is read from the record.
    let recorded_nonce = format!(r#"{RECORDED}.find('"savepointRedeployNonce":-?[0-9]+')"#);
    let label_length = r#""savepointRedeployNonce":"#.len();
    Rule {
        must: format!(
            r#"!{IS_RECORDED} || !has(self.spec) || !has(self.spec.job)
               || !has(self.spec.job.savepointRedeployNonce)
               || (has(oldSelf.spec) && has(oldSelf.spec.job) && has(oldSelf.spec.job.savepointRedeployNonce)
                   && oldSelf.spec.job.savepointRedeployNonce == self.spec.job.savepointRedeployNonce)
               || (has(self.spec.job.initialSavepointPath) && self.spec.job.initialSavepointPath.matches('\\S'))
               || !{RECORDED}.startsWith('{{"spec":{{"job":{{')
               || [{recorded_nonce}].exists(member, member != ''
                   && int(member.substring({label_length})) == self.spec.job.savepointRedeployNonce)"#
        ),
        message: "a new savepointRedeployNonce needs an initialSavepointPath to redeploy from",
        field: Some(".spec.job.initialSavepointPath"),
        reason: Reason::Required,
        ..Rule::default()
    }
}

/// What the spec of a FlinkDeployment must have.
pub(super) fn demands() -> Vec<Rule> {
    let describes_a_cluster = describes_a_cluster("self");
    vec![
        Rule {
            must: format!("has(self.flinkVersion) || !{describes_a_cluster}"),
            message: "flinkVersion must be set to the version of Flink in the image, such as v1_20 or v2_2",
            field: Some(".flinkVersion"),
            reason: Reason::Required,
            ..Rule::default()
        },
        Rule {
            must: format!("has(self.serviceAccount) || !{describes_a_cluster}"),
            message: "serviceAccount must be set to the service account of the cluster's pods; the chart \
                creates one, with the name flink unless jobServiceAccount.name says otherwise",
            field: Some(".serviceAccount"),
            reason: Reason::Required,
            ..Rule::default()
        },
        Rule {
            must: "!has(self.job) || has(self.job.parallelism)
                   || (has(self.taskManager) && has(self.taskManager.replicas))"
                .to_owned(),
            message: "job.parallelism must be set, unless taskManager.replicas is",
            field: Some(".job.parallelism"),
            reason: Reason::Required,
            ..Rule::default()
        },
    ]
}

/// Whether a spec is more than a canary's.
fn describes_a_cluster(spec: &str) -> String {
    let fields = [
        "job",
        "image",
        "imagePullPolicy",
        "serviceAccount",
        "flinkVersion",
        "ingress",
        "podTemplate",
        "jobManager",
        "taskManager",
        "logConfiguration",
        "mode",
    ];
    format!("({})", fields.map(|field| format!("has({spec}.{field})")).join(" || "))
}
