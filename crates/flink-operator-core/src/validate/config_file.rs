//! Finds options that the configuration file of a cluster cannot contain together.

use std::collections::BTreeMap;

use flink_operator_api::FlinkDeploymentSpec;

use super::rules::Rules;
use crate::{
    build::native::{ClusterInput, ConfigFile},
    conf::{
        Configuration, Unwritable, UnwritableProblem, current_key,
        flink_conf_file::problem_of_value,
        is_sensitive,
        options::{job, kubernetes},
        overlaps,
    },
    fault::Fault,
    flink_version::FlinkVersion,
};

/// Checks what is about to be written into the file that the cluster reads.
pub(super) fn check(
    rules: &mut Rules,
    spec: &FlinkDeploymentSpec,
    input: &ClusterInput,
    version: FlinkVersion,
) {
    check_overlaps(rules, &input.configuration, version);
    check_dots(rules, &input.configuration, version);
    for entry in input.unwritable() {
        for fault in unwritable(rules, spec, &entry) {
            rules.add(fault);
        }
    }
    if input.config_file == ConfigFile::FlatConfigYaml {
        rules.note(
            "the cluster is given a config.yaml, which Flink 1.19 and 1.20 read too: a flink-conf.yaml cannot hold every \
             value of this resource",
        );
    }
}

/// In nested YAML a dot at the end of a key has nothing behind it to be a level, so that Flink would read another key.
fn check_dots(rules: &mut Rules, configuration: &Configuration, version: FlinkVersion) {
    if version < FlinkVersion::V2_0 {
        return;
    }
    for key in configuration.keys().filter(|key| key.ends_with('.')) {
        rules.add(Fault::new(
            rules.field(key),
            "it ends with a dot, which the config.yaml of Flink 2 cannot hold",
            format!("write {} instead, or leave it out", key.trim_end_matches('.')),
        ));
    }
}

const ON_1_18: &str = "leave that out, or move to Flink 1.19 or later, which can read it";

/// An entry that a cluster of Flink 1.18 or older would read differently. An argument is named by itself, without its text:
/// passwords are passed like this.
fn unwritable(rules: &Rules, spec: &FlinkDeploymentSpec, entry: &Unwritable) -> Vec<Fault> {
    let Unwritable { key, problem } = entry;
    let fault = |field: String, problem: UnwritableProblem| {
        Fault::new(
            field,
            format!("the flink-conf.yaml of Flink 1.18 cannot hold it: {problem}"),
            ON_1_18,
        )
    };
    let arguments = spec.job.as_ref().and_then(|job| job.args.as_ref());
    if let (true, Some(arguments)) = (key == job::APPLICATION_ARGS.key, arguments) {
        return arguments
            .iter()
            .enumerate()
            .filter_map(|(index, argument)| match problem_of_value(argument)? {
                problem @ (UnwritableProblem::LineBreak | UnwritableProblem::Comment) => {
                    Some(fault(format!("spec.job.args[{index}]"), problem))
                }
                // In a list these survive within quotes.
                UnwritableProblem::Empty
                | UnwritableProblem::OuterBlanks
                | UnwritableProblem::Key => None,
            })
            .collect();
    }
    let field = match FIELDS.iter().find(|(derived, _)| derived == key) {
        Some((_, field)) if !rules.configuration.contains_key(key) => (*field).to_owned(),
        Some(_) | None => rules.field(key),
    };
    vec![fault(field, *problem)]
}

/// Fields from which options are derived.
const FIELDS: [(&str, &str); 5] = [
    (job::APPLICATION_MAIN.key, "spec.job.entryClass"),
    (job::PIPELINE_JARS.key, "spec.job.jarURI"),
    ("kubernetes.container.image", "spec.image"),
    (kubernetes::CONTAINER_IMAGE.key, "spec.image"),
    (kubernetes::SERVICE_ACCOUNT.key, "spec.serviceAccount"),
];

/// Adds one fault for each key that is a prefix of other keys, which a nested config.yaml cannot hold.
///
/// `configuration` has all options of the cluster. Keys that the operator adds are named only if no key of the user overlaps,
/// because a user cannot change them.
pub(super) fn check_overlaps(
    rules: &mut Rules,
    configuration: &Configuration,
    version: FlinkVersion,
) {
    if version < FlinkVersion::V2_0 {
        return;
    }
    let mut longer_keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in overlaps(configuration) {
        longer_keys.entry(pair.shorter).or_default().push(pair.longer);
    }
    for (shorter, longer) in longer_keys {
        let (written, added): (Vec<String>, Vec<String>) =
            longer.into_iter().partition(|key| rules.configuration.contains_key(key));
        let beginning_of = match (written.as_slice(), added.as_slice()) {
            ([], added) => format!("{}, which the operator sets", added.join(" and ")),
            (written, _) => written.join(" and "),
        };
        let renamed = |key: &String| current_key(key).map(|current| (key.clone(), current));
        let (to_blame, remedy) = match (renamed(&shorter), written.iter().find_map(renamed)) {
            (Some((old, current)), _) => (old, format!("write {current} instead")),
            (None, Some((old, current))) => {
                let remedy = format!("write {current} instead of {old}");
                (old, remedy)
            }
            (None, None) => (shorter.clone(), "write only one of them".to_owned()),
        };
        let problem = format!(
            "{shorter} is the beginning of {beginning_of}, and the config.yaml of Flink 2 cannot hold both"
        );
        let fault = Fault::new(rules.field(&to_blame), problem, remedy);
        let value = configuration.text(&to_blame).filter(|_| !is_sensitive(&to_blame));
        rules.add(match value {
            Some(value) => fault.with_value(value),
            None => fault,
        });
    }
}
