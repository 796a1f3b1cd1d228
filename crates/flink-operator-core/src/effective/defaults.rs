//! The operator's own file, and the defaults that it has for namespaces and versions of Flink.

use std::collections::BTreeMap;

use crate::{
    conf::{
        Configuration, Syntax,
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
    /// For clusters that read a `flink-conf.yaml`, whatever file the operator has been given.
    legacy: Layers,
    /// For clusters that read a `config.yaml`.
    standard: Layers,
    misspelt: Vec<String>,
}

/// The file's layers, in one syntax.
#[derive(Clone, Debug, PartialEq)]
struct Layers {
    /// The file without defaults for namespaces and versions.
    base: Configuration,
    namespaces: BTreeMap<String, Configuration>,
    since_version: BTreeMap<FlinkVersion, Configuration>,
    exact_version: BTreeMap<FlinkVersion, Configuration>,
}

impl DefaultConfiguration {
    /// Takes the operator's file apart.
    pub fn new(operator: Configuration) -> Self {
        let (layers, misspelt) = Layers::of(&operator);
        Self {
            legacy: layers.in_syntax(Syntax::Legacy),
            standard: layers.in_syntax(Syntax::Standard),
            operator,
            misspelt,
        }
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

    /// What holds for the resources of a namespace, in the syntax of the version's own file. Without a version, its layers
    /// are left out.
    pub fn for_resource(&self, namespace: &str, version: Option<FlinkVersion>) -> Configuration {
        let layers = match version.map_or(self.operator.syntax(), Syntax::of) {
            Syntax::Legacy => &self.legacy,
            Syntax::Standard => &self.standard,
        };
        let mut configuration = layers.base.clone();
        for layer in layers.above(namespace, version) {
            configuration.overlay(layer);
        }
        configuration
    }
}

impl Layers {
    /// Yields keys of no layer, too.
    fn of(operator: &Configuration) -> (Self, Vec<String>) {
        let empty = || Configuration::with_syntax(operator.syntax());
        let mut layers = Self {
            base: empty(),
            namespaces: BTreeMap::new(),
            since_version: BTreeMap::new(),
            exact_version: BTreeMap::new(),
        };
        let mut misspelt = Vec::new();
        for (key, value) in operator.iter() {
            let (layer, option) = if let Some(rest) = key.strip_prefix(NAMESPACE_DEFAULTS_PREFIX) {
                match rest.split_once('.') {
                    Some((namespace, option)) if !namespace.is_empty() => {
                        let layer = layers.namespaces.entry(namespace.to_owned());
                        (Some(layer.or_insert_with(empty)), option)
                    }
                    Some(_) | None => (None, ""),
                }
            } else if let Some(rest) = key.strip_prefix(FLINK_VERSION_DEFAULTS_PREFIX) {
                match layers.of_version(rest, empty) {
                    Some((layer, option)) => (Some(layer), option),
                    None => (None, ""),
                }
            } else {
                (Some(&mut layers.base), key)
            };
            match layer {
                Some(layer) if !option.is_empty() => layer.set(option, value.clone()),
                Some(_) | None => misspelt.push(key.to_owned()),
            }
        }
        (layers, misspelt)
    }

    /// The layer that `v1_20.` or `v1_20+.` names, and the option behind it.
    fn of_version<'k>(
        &mut self,
        rest: &'k str,
        empty: impl FnOnce() -> Configuration,
    ) -> Option<(&mut Configuration, &'k str)> {
        let (version, option) = rest.split_once('.')?;
        let (version, layers) = match version.strip_suffix('+') {
            Some(version) => (version, &mut self.since_version),
            None => (version, &mut self.exact_version),
        };
        let layer = layers.entry(version.parse().ok()?).or_insert_with(empty);
        Some((layer, option))
    }

    /// The layers that lie above the base, the lowest first.
    fn above(
        &self,
        namespace: &str,
        version: Option<FlinkVersion>,
    ) -> impl Iterator<Item = &Configuration> {
        let of_version = version.into_iter().flat_map(|version| {
            let since = self.since_version.range(..=version).map(|(_, layer)| layer);
            since.chain(self.exact_version.get(&version))
        });
        self.namespaces.get(namespace).into_iter().chain(of_version)
    }

    fn in_syntax(&self, syntax: Syntax) -> Self {
        let all = |layers: &BTreeMap<FlinkVersion, Configuration>| {
            layers.iter().map(|(version, layer)| (*version, layer.in_syntax(syntax))).collect()
        };
        Self {
            base: self.base.in_syntax(syntax),
            namespaces: self
                .namespaces
                .iter()
                .map(|(name, layer)| (name.clone(), layer.in_syntax(syntax)))
                .collect(),
            since_version: all(&self.since_version),
            exact_version: all(&self.exact_version),
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
