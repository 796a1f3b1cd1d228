//! Rules on what is in the spec of a FlinkDeployment, also where it is a template.

use super::{Reason, Rule};
use crate::FlinkVersionName;

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        Rule {
            at: &["flinkVersion"],
            must: format!("self.matches('{}')", FlinkVersionName::PATTERN),
            message: "write the version of Flink like v1_20 or v2_2",
            message_expression: Some(
                "'\"' + self + '\" is not a version of Flink; write it like v1_20 or v2_2'"
                    .to_owned(),
            ),
            ..Rule::default()
        },
        Rule {
            at: &["ingress"],
            must: "has(self.template)".to_owned(),
            message: "template must be set: host and path of the ingress, such as \
                {{name}}.{{namespace}}.flink.example.com",
            field: Some(".template"),
            reason: Reason::Required,
            ..Rule::default()
        },
        Rule {
            at: &["logConfiguration"],
            // Counting the known keys costs nothing, whatever the size of the map.
            must: "size(self) == ('log4j-console.properties' in self ? 1 : 0)
                   + ('logback-console.xml' in self ? 1 : 0)"
                .to_owned(),
            message: "the only keys are log4j-console.properties and logback-console.xml",
            ..Rule::default()
        },
        Rule {
            must: "!has(self.job) || !has(self.job.parallelism) || self.job.parallelism >= 1
                   || (has(self.taskManager) && has(self.taskManager.replicas))"
                .to_owned(),
            message: "job.parallelism must be at least 1, unless taskManager.replicas is set",
            field: Some(".job.parallelism"),
            ..Rule::default()
        },
        Rule {
            at: &["jobManager", "replicas"],
            must: "self >= 1".to_owned(),
            message: "there must be at least 1 JobManager",
            ..Rule::default()
        },
        Rule {
            at: &["taskManager", "replicas"],
            must: "self >= 1".to_owned(),
            message: "there must be at least 1 TaskManager",
            ..Rule::default()
        },
    ];
    rules.extend(resource_rules(&["jobManager", "resources"]));
    rules.extend(resource_rules(&["taskManager", "resources"]));
    rules
}

/// Rules on requests and limits.
///
/// Amounts of memory may be in Flink's notation, in which `1024m` are mebibytes, so they are
/// compared only if both have a unit that means the same to Flink and Kubernetes.
fn resource_rules(at: &'static [&'static str]) -> [Rule; 4] {
    let is_quantity = |amount: &str| format!("isQuantity({amount})");
    let has_binary_unit = |amount: &str| format!("{amount}.matches('^[0-9]{{1,12}}[KMGT]i$')");
    [
        Rule { at, field: Some(".requests"), ..cpu_is_positive("requests") },
        Rule { at, field: Some(".limits"), ..cpu_is_positive("limits") },
        Rule {
            at,
            message: "the request of cpu must not exceed its limit",
            ..request_within_limit("cpu", &is_quantity)
        },
        Rule {
            at,
            message: "the request of memory must not exceed its limit",
            ..request_within_limit("memory", &has_binary_unit)
        },
    ]
}

fn cpu_is_positive(list: &str) -> Rule {
    let amount = format!("string(self.{list}['cpu'])");
    Rule {
        must: format!(
            "!has(self.{list}) || !('cpu' in self.{list}) || !isQuantity({amount})
             || quantity({amount}).isGreaterThan(quantity('0'))"
        ),
        message: "the amount of cpu must be greater than 0",
        ..Rule::default()
    }
}

fn request_within_limit(resource: &str, is_comparable: &dyn Fn(&str) -> String) -> Rule {
    let request = format!("string(self.requests['{resource}'])");
    let limit = format!("string(self.limits['{resource}'])");
    Rule {
        must: format!(
            "!has(self.requests) || !('{resource}' in self.requests)
             || !has(self.limits) || !('{resource}' in self.limits)
             || !{} || !{} || !quantity({request}).isGreaterThan(quantity({limit}))",
            is_comparable(&request),
            is_comparable(&limit),
        ),
        field: Some(".requests"),
        ..Rule::default()
    }
}
