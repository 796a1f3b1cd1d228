//! Finds options that the configuration file of a cluster cannot contain together.

use std::collections::BTreeMap;

use super::rules::Rules;
use crate::{
    conf::{Configuration, current_key, is_sensitive, overlaps},
    fault::Fault,
    flink_version::FlinkVersion,
};

/// Checks the options for the configuration file of a Flink version.
///
/// `configuration` has all options of the cluster, including those that the operator adds.
pub(super) fn check(rules: &mut Rules, configuration: &Configuration, version: FlinkVersion) {
    if version >= FlinkVersion::V2_0 {
        check_overlaps(rules, configuration);
    }
}

/// Adds one fault for each key that is a prefix of other keys. Keys that the operator adds are named only if no key of
/// the user overlaps, because a user cannot change them.
fn check_overlaps(rules: &mut Rules, configuration: &Configuration) {
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
