//! What the API server checks of a pod before it stores it.
//!
//! The API server refuses a Deployment whose pod template has a fault, and the pods that a JobManager creates from the template
//! of the TaskManagers. Its refusal comes after the old cluster is gone, and speaks of a pod that the user has not written. So
//! the same is checked before.
//!
//! Nothing is refused here that an API server of a supported version accepts, with its defaults applied. What depends on the
//! cluster (quotas, policies, feature gates) is left to it. The rules are those of `pkg/apis/core/validation` of Kubernetes 1.34.

mod names;
mod node;

// Parts of a container.
mod env;
mod mounts;
mod ports;
mod probes;
mod quantities;

mod containers;
mod volumes;

// Parts of a pod.
mod metadata;
mod scheduling;
mod security;

mod pod;

mod object;

pub use self::{
    node::{Checked, Refusal},
    object::check_object,
    pod::{PodOf, check_pod},
};

#[cfg(test)]
mod tests;
