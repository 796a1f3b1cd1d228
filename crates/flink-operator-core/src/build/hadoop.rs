//! Hadoop's configuration: a ConfigMap of the user's, or one made of files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    labels::Labels,
    object::{config_map, config_map_source},
    pod::Pod,
    volumes::whole_config_map,
};

const DIRECTORY: &str = "/opt/hadoop/conf";
const FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];

/// Where Hadoop's configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HadoopConfiguration {
    /// A ConfigMap that exists already.
    Existing { config_map: String },
    /// The files that Hadoop reads, by name.
    Files(BTreeMap<String, String>),
}

impl HadoopConfiguration {
    /// Keeps the files that Hadoop's clients read. None of them is no configuration.
    pub(super) fn from_files(files: &BTreeMap<String, String>) -> Option<Self> {
        let known =
            |name: &&str| files.get(*name).map(|content| ((*name).to_owned(), content.clone()));
        let files: BTreeMap<String, String> = FILES.iter().filter_map(known).collect();
        (!files.is_empty()).then_some(Self::Files(files))
    }

    /// Mounts the configuration, and gives the ConfigMap to create, if it takes one.
    pub(super) fn mount(&self, pod: &mut Pod, cluster_id: &str, labels: &Labels) -> Option<Value> {
        let own_name = format!("hadoop-config-{cluster_id}");
        let (source, object) = match self {
            Self::Existing { config_map } => (whole_config_map(config_map), None),
            Self::Files(files) => (
                config_map_source(&own_name, files.keys().map(String::as_str)),
                Some(config_map(&own_name, &labels.common(), files)),
            ),
        };
        pod.mount("hadoop-config-volume", source, DIRECTORY);
        pod.main.add_env("HADOOP_CONF_DIR", DIRECTORY);
        object
    }
}
