//! Mounts Hadoop's configuration: an existing ConfigMap, or a new one made from files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    labels::Labels,
    object::{config_map, config_map_source},
    pod::Pod,
    volumes::whole_config_map,
};

pub(super) const DIRECTORY: &str = "/opt/hadoop/conf";
pub(super) const VOLUME: &str = "hadoop-config-volume";
const FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];

/// Where Hadoop's configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HadoopConfiguration {
    /// A ConfigMap that the user has created.
    Existing { config_map: String },
    /// The contents of the files that Hadoop reads, by file name.
    Files(BTreeMap<String, String>),
}

impl HadoopConfiguration {
    /// Selects the files that Hadoop's clients read. `None` if there are none of them.
    pub(super) fn from_files(files: &BTreeMap<String, String>) -> Option<Self> {
        let known =
            |name: &&str| files.get(*name).map(|content| ((*name).to_owned(), content.clone()));
        let files: BTreeMap<String, String> = FILES.iter().filter_map(known).collect();
        (!files.is_empty()).then_some(Self::Files(files))
    }

    /// Mounts the configuration. Returns the ConfigMap to create, unless it exists already.
    pub(super) fn mount(&self, pod: &mut Pod, cluster_id: &str, labels: &Labels) -> Option<Value> {
        let own_name = format!("hadoop-config-{cluster_id}");
        let (source, object) = match self {
            Self::Existing { config_map } => (whole_config_map(config_map), None),
            Self::Files(files) => (
                config_map_source(&own_name, files.keys().map(String::as_str)),
                Some(config_map(&own_name, &labels.common(), files)),
            ),
        };
        pod.mount(VOLUME, source, DIRECTORY);
        pod.main.add_env("HADOOP_CONF_DIR", DIRECTORY);
        object
    }
}
