//! The configuration that a cluster really gets: the operator's defaults, the resource's options,
//! and what the operator derives from the other fields of the spec.

mod cluster;
mod defaults;
mod deploy_keys;
mod native_input;
mod observe;
mod parallelism;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::cluster::{base, version};
pub use self::{
    cluster::deploy,
    defaults::DefaultConfiguration,
    deploy_keys::{
        DeployKeys, JobKeys, LAST_STATE_MARKER, Owner, Restore, configured_job_id, for_flink,
        with_deploy_keys,
    },
    native_input::native_input,
    observe::{observe, session_job},
    parallelism::{needed as task_managers_needed, task_managers},
};
use crate::conf::Configuration;

/// What a cluster is made of, as far as its resource says.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveCluster {
    /// All options; those of the operator itself still among them, see [`for_flink`].
    pub configuration: Configuration,
    /// The pod that JobManagers start as.
    pub job_manager_template: Option<Value>,
    /// The pod that TaskManagers start as.
    pub task_manager_template: Option<Value>,
    /// Log configurations by the name of the file. None: those of the operator's own.
    pub log_files: Option<BTreeMap<String, String>>,
}

#[cfg(test)]
mod tests;
