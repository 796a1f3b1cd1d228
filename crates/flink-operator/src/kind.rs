//! What every kind of resource has that a controller of this operator reconciles.

use std::fmt::Debug;

use flink_operator_api::{FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot, names};
use kube::Resource;
use kube::core::NamespaceResourceScope;
use kube::core::object::HasStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of resource.
pub trait Kind:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + HasStatus<Status: Serialize + PartialEq>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// Kept on each resource until what belongs to it is gone.
    const FINALIZER: &'static str;
}

impl Kind for FlinkDeployment {
    const FINALIZER: &'static str = names::finalizers::FLINK_DEPLOYMENT;
}

impl Kind for FlinkSessionJob {
    const FINALIZER: &'static str = names::finalizers::FLINK_SESSION_JOB;
}

impl Kind for FlinkStateSnapshot {
    const FINALIZER: &'static str = names::finalizers::FLINK_STATE_SNAPSHOT;
}
