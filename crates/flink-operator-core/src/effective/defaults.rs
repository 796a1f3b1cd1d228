//! The operator's own file, and the defaults that it has for namespaces and versions of Flink.

use std::collections::BTreeMap;

use crate::{
    conf::{
        Configuration, Value,
        options::operator::{FLINK_VERSION_DEFAULTS_PREFIX, NAMESPACE_DEFAULTS_PREFIX},
    },
    flink_version::FlinkVersion,
};

/// The operator's file, taken apart once, so that asking it for a resource costs one copy.
///
/// Later layers win: the file itself, defaults for the namespace, defaults for a version and later
/// ones (`v1_20+`, ascending), defaults for exactly the version.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultConfiguration {
    /// The file as it is.
    operator: Configuration,
    /// The file without defaults for namespaces and versions.
    base: Configuration,
    namespaces: BTreeMap<String, Configuration>,
    since_version: BTreeMap<FlinkVersion, Configuration>,
    exact_version: BTreeMap<FlinkVersion, Configuration>,
    misspelt: Vec<String>,
}

impl DefaultConfiguration {
    /// Takes the operator's file apart.
    pub fn new(operator: Configuration) -> Self {
        let mut defaults = Self {
            base: Configuration::with_syntax(operator.syntax()),
            operator: Configuration::new(),
            namespaces: BTreeMap::new(),
            since_version: BTreeMap::new(),
            exact_version: BTreeMap::new(),
            misspelt: Vec::new(),
        };
        for (key, value) in operator.iter() {
            if let Some(rest) = key.strip_prefix(NAMESPACE_DEFAULTS_PREFIX) {
                defaults.add_of_namespace(key, rest, value);
            } else if let Some(rest) = key.strip_prefix(FLINK_VERSION_DEFAULTS_PREFIX) {
                defaults.add_of_version(key, rest, value);
            } else {
                defaults.base.set(key, value.clone());
            }
        }
        defaults.operator = operator;
        defaults
    }

    /// The file as it is: what configures the operator as a whole.
    pub fn operator(&self) -> &Configuration {
        &self.operator
    }

    /// Keys that look like defaults for a namespace or version but name none, so that they have no
    /// effect. Whoever reads the file says so.
    pub fn misspelt(&self) -> &[String] {
        &self.misspelt
    }

    /// What holds for the resources of a namespace. Without a version, its layers are left out.
    pub fn for_resource(&self, namespace: &str, version: Option<FlinkVersion>) -> Configuration {
        let mut configuration = self.base.clone();
        let layers = self.namespaces.get(namespace).into_iter().chain(
            version.into_iter().flat_map(|version| {
                let since = self.since_version.range(..=version).map(|(_, layer)| layer);
                since.chain(self.exact_version.get(&version))
            }),
        );
        for layer in layers {
            configuration.overlay(layer);
        }
        configuration
    }

    fn add_of_namespace(&mut self, key: &str, rest: &str, value: &Value) {
        match rest.split_once('.') {
            Some((namespace, option)) if !namespace.is_empty() && !option.is_empty() => {
                let layer = self.namespaces.entry(namespace.to_owned()).or_default();
                layer.set(option, value.clone());
            }
            Some(_) | None => self.misspelt.push(key.to_owned()),
        }
    }

    fn add_of_version(&mut self, key: &str, rest: &str, value: &Value) {
        let parsed = rest.split_once('.').and_then(|(version, option)| {
            let (version, layers) = match version.strip_suffix('+') {
                Some(version) => (version, &mut self.since_version),
                None => (version, &mut self.exact_version),
            };
            Some((version.parse::<FlinkVersion>().ok()?, option, layers))
        });
        match parsed {
            Some((version, option, layers)) if !option.is_empty() => {
                layers.entry(version).or_default().set(option, value.clone());
            }
            Some(_) | None => self.misspelt.push(key.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> DefaultConfiguration {
        let prefix = "kubernetes.operator.default-configuration";
        DefaultConfiguration::new(
            [
                ("a".to_owned(), "file"),
                ("b".to_owned(), "file"),
                ("c".to_owned(), "file"),
                ("d".to_owned(), "file"),
                (format!("{prefix}.namespace.team-1.a"), "namespace"),
                (format!("{prefix}.namespace.team-1.b"), "namespace"),
                (format!("{prefix}.flink-version.v1_9+.b"), "since 1.9"),
                (format!("{prefix}.flink-version.v1_19+.b"), "since 1.19"),
                (format!("{prefix}.flink-version.v1_19+.c"), "since 1.19"),
                (format!("{prefix}.flink-version.v1_20.c"), "exactly 1.20"),
                (format!("{prefix}.flink-version.v2_0+.d"), "since 2.0"),
                (format!("{prefix}.flink-version.1.20.x"), "no version"),
                (format!("{prefix}.flink-version.v1_20"), "no option"),
                (format!("{prefix}.namespace.team-1"), "no option"),
            ]
            .into_iter()
            .collect(),
        )
    }

    #[track_caller]
    fn check(namespace: &str, version: Option<FlinkVersion>, expected: [&str; 4]) {
        let configuration = defaults().for_resource(namespace, version);
        let found = ["a", "b", "c", "d"].map(|key| configuration.text(key).unwrap());
        assert_eq!(found, expected);
        assert_eq!(configuration.len(), 4);
    }

    #[test]
    fn later_layers_win_and_versions_are_compared_as_numbers() {
        check("other", None, ["file", "file", "file", "file"]);
        check("team-1", None, ["namespace", "namespace", "file", "file"]);
        check(
            "team-1",
            Some(FlinkVersion::V1_20),
            ["namespace", "since 1.19", "exactly 1.20", "file"],
        );
        check("other", Some(FlinkVersion::V1_18), ["file", "since 1.9", "file", "file"]);
        check("other", Some(FlinkVersion::V2_0), ["file", "since 1.19", "since 1.19", "since 2.0"]);
    }

    #[test]
    fn keys_that_name_no_namespace_or_version_are_told() {
        let prefix = "kubernetes.operator.default-configuration";
        assert_eq!(
            defaults().misspelt(),
            [
                format!("{prefix}.flink-version.1.20.x"),
                format!("{prefix}.flink-version.v1_20"),
                format!("{prefix}.namespace.team-1"),
            ]
        );
        assert_eq!(defaults().operator().len(), 14);
    }
}
