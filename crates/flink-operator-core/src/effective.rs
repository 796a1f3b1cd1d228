//! The complete configuration of a cluster: the operator's defaults, the resource's options, and the
//! options that are derived from the other fields of the spec.

mod cluster;
mod defaults;
mod deploy_keys;
mod native_input;
mod observe;
mod parallelism;
mod resource_options;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::cluster::{base, version};
pub(crate) use self::resource_options::add as add_resource_options;
pub use self::{
    cluster::deploy,
    defaults::DefaultConfiguration,
    deploy_keys::{DeployKeys, JobKeys, Owner, configured_job_id, for_flink, with_deploy_keys},
    native_input::native_input,
    observe::{observe, session_job},
    parallelism::{needed as task_managers_needed, task_managers},
};
use crate::conf::Configuration;
pub use crate::job::restore::RestoreFrom;

/// The complete configuration and the pod templates of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveCluster {
    /// All options, including those of the operator: see [`for_flink`].
    pub configuration: Configuration,
    pub job_manager_template: Option<Value>,
    pub task_manager_template: Option<Value>,
    /// Log configurations by file name; `None` for those of the operator's installation.
    pub log_files: Option<BTreeMap<String, String>>,
}

#[cfg(test)]
mod tests;
