//! Reading one's own writes: a pass never decides on a view that is older than what this process wrote itself.
//!
//! A watch shows a write some milliseconds after its answer. Until then the answer itself is the newest view, and it is
//! kept here. Resource versions are compared as numbers, as KEP-5504 allows for every built-in and custom resource.

mod job_manager;
mod resource;

use kube::Resource;

pub use job_manager::{JobManagerRequest, JobManagerWrites};
pub use resource::{ResourceWrites, Watch};

/// The resource version as a number; 0 if there is none, so that what was written counts as newer.
fn version<K: Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}
