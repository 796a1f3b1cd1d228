//! The ConfigMap with Flink's configuration and its log configuration.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    error::BuildError,
    labels::Labels,
    object::{config_map, config_map_source},
    pod::Pod,
};
use crate::{
    conf::{
        Configuration, Unwritable, UnwritableProblem, YamlStyle, check_flink_conf,
        config_yaml_file, flink_conf_file, write_config_yaml, write_flink_conf,
    },
    flink_version::FlinkVersion,
};

/// Which file the cluster reads its configuration from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigFile {
    /// `flink-conf.yaml`, which Flink 1.x prefers and 2.x ignores.
    FlinkConf,
    /// `config.yaml`, the only file of Flink 2.x, with a level for each part of a key.
    ConfigYaml,
    /// `config.yaml` with a line for each key, so that keys of Flink 1.x can be the beginning of others.
    FlatConfigYaml,
}

impl ConfigFile {
    /// The file that the operator writes for a version, if it can hold what is to be written.
    pub fn of(version: FlinkVersion) -> Self {
        if version < FlinkVersion::V2_0 { Self::FlinkConf } else { Self::ConfigYaml }
    }

    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::FlinkConf => flink_conf_file::FILE_NAME,
            Self::ConfigYaml | Self::FlatConfigYaml => config_yaml_file::FILE_NAME,
        }
    }
}

/// What a `flink-conf.yaml` cannot hold. That it does not hold empty values does not matter: for Flink 1.x they are no values.
pub fn unwritable(configuration: &Configuration) -> Vec<Unwritable> {
    let mut found = check_flink_conf(configuration);
    found.retain(|entry| entry.problem != UnwritableProblem::Empty);
    found
}

/// Keys that mean something only where the objects are made, or that would make Flink listen
/// where nothing in a pod can reach it.
const NOT_FOR_THE_CLUSTER: [&str; 6] = [
    "kubernetes.config.file",
    "$internal.deployment.config-dir",
    "rest.bind-address",
    "jobmanager.bind-host",
    "taskmanager.bind-host",
    "taskmanager.host",
];

/// The log configurations that Flink's client hands on, in the order of the volume.
const LOG_FILES: [&str; 2] = ["logback-console.xml", "log4j-console.properties"];

/// The same since Flink 2.1.
const LOG_FILES_SINCE_2_1: [&str; 7] = [
    "logback.xml",
    "log4j.properties",
    "logback-console.xml",
    "log4j-console.properties",
    "logback-session.xml",
    "log4j-session.properties",
    "log4j-cli.properties",
];

/// The names of log configurations that a cluster of this version is given.
pub fn log_file_names(version: FlinkVersion) -> &'static [&'static str] {
    if version < FlinkVersion::V2_1 { &LOG_FILES } else { &LOG_FILES_SINCE_2_1 }
}

/// What ends up in the directory of Flink's configuration.
pub(super) struct FlinkConf<'c> {
    pub(super) version: FlinkVersion,
    pub(super) file: ConfigFile,
    pub(super) configuration: Configuration,
    /// Content by name; those that the version does not hand on are left out.
    pub(super) log_files: &'c BTreeMap<String, String>,
    pub(super) directory: &'c str,
}

impl FlinkConf<'_> {
    /// Mounts the directory, and gives the ConfigMap to create.
    pub(super) fn mount(
        self,
        pod: &mut Pod,
        cluster_id: &str,
        labels: &Labels,
    ) -> Result<Value, BuildError> {
        let name = format!("flink-config-{cluster_id}");
        let mut keys = Vec::new();
        let mut data = BTreeMap::new();
        for log_file in log_file_names(self.version) {
            if let Some(content) = self.log_files.get(*log_file) {
                keys.push(*log_file);
                data.insert((*log_file).to_owned(), content.clone());
            }
        }
        keys.push(self.file.name());
        pod.mount("flink-config-volume", config_map_source(&name, keys), self.directory);
        data.insert(self.file.name().to_owned(), self.text()?);
        Ok(config_map(&name, &labels.common(), &data))
    }

    fn text(self) -> Result<String, BuildError> {
        let mut configuration = self.configuration;
        for key in NOT_FOR_THE_CLUSTER {
            configuration.remove(key);
        }
        let style = match self.file {
            ConfigFile::FlinkConf => return Ok(write_flink_conf(&configuration)),
            ConfigFile::ConfigYaml => YamlStyle::Nested,
            ConfigFile::FlatConfigYaml => YamlStyle::Flat,
        };
        write_config_yaml(&configuration, style)
            .map_err(|source| BuildError::Overlap { version: self.version, source })
    }
}
