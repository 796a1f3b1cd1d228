//! Operations of a sequence, as data: what differs between two servers (uids, versions) is named, not written.

use std::fmt;

use serde_json::Value;

/// A kind that is tried, by its plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    ConfigMaps,
    Deployments,
    FlinkDeployments,
    FlinkBlueGreenDeployments,
    FlinkSessionJobs,
    FlinkStateSnapshots,
}

impl Resource {
    pub const ALL: [Self; 6] = [
        Self::ConfigMaps,
        Self::Deployments,
        Self::FlinkDeployments,
        Self::FlinkBlueGreenDeployments,
        Self::FlinkSessionJobs,
        Self::FlinkStateSnapshots,
    ];

    pub fn plural(self) -> &'static str {
        match self {
            Self::ConfigMaps => "configmaps",
            Self::Deployments => "deployments",
            Self::FlinkDeployments => "flinkdeployments",
            Self::FlinkBlueGreenDeployments => "flinkbluegreendeployments",
            Self::FlinkSessionJobs => "flinksessionjobs",
            Self::FlinkStateSnapshots => "flinkstatesnapshots",
        }
    }

    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigMaps => "ConfigMap",
            Self::Deployments => "Deployment",
            Self::FlinkDeployments => "FlinkDeployment",
            Self::FlinkBlueGreenDeployments => "FlinkBlueGreenDeployment",
            Self::FlinkSessionJobs => "FlinkSessionJob",
            Self::FlinkStateSnapshots => "FlinkStateSnapshot",
        }
    }

    pub fn api_version(self) -> &'static str {
        match self {
            Self::ConfigMaps => "v1",
            Self::Deployments => "apps/v1",
            Self::FlinkDeployments
            | Self::FlinkBlueGreenDeployments
            | Self::FlinkSessionJobs
            | Self::FlinkStateSnapshots => "flink.apache.org/v1beta1",
        }
    }

    /// The address of all objects of this kind in a namespace.
    pub fn address(self, namespace: &str) -> String {
        let root = if self == Self::ConfigMaps { "api" } else { "apis" };
        format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version(), self.plural())
    }
}

/// Which version, of the one that each server gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// None is sent.
    None,
    /// That of the object as it was last seen.
    Current,
    /// One that the object had before, if there was one.
    Stale,
}

/// Which uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uid {
    None,
    Current,
    Wrong,
}

/// How much of an object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Whole,
    Metadata,
}

/// One request, or a few that belong together.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Creates an object; the name may be in it, or generated.
    Create {
        resource: Resource,
        object: Value,
        manager: &'static str,
        strict: bool,
    },
    Get {
        resource: Resource,
        name: &'static str,
        subresource: &'static str,
        shown: Shown,
    },
    /// A list; with a limit, its first page.
    List {
        resource: Resource,
        labels: &'static str,
        fields: &'static str,
        limit: u64,
        at: At,
        shown: Shown,
    },
    /// The next page of the last list that had one.
    Continue {
        resource: Resource,
    },
    /// Replaces an object by one that is written from nothing, or by the last seen one with changes.
    Replace {
        resource: Resource,
        name: &'static str,
        subresource: &'static str,
        base: Base,
        change: Value,
        version: Version,
        uid: Uid,
        manager: &'static str,
    },
    Patch {
        resource: Resource,
        name: &'static str,
        subresource: &'static str,
        /// A list of operations is a JSON patch, an object a merge patch.
        patch: Value,
        version: Version,
        manager: &'static str,
    },
    Apply {
        resource: Resource,
        name: &'static str,
        subresource: &'static str,
        config: Value,
        manager: &'static str,
        force: bool,
        version: Version,
    },
    Delete {
        resource: Resource,
        name: &'static str,
        policy: Option<&'static str>,
        uid: Uid,
        version: Version,
    },
    DeleteCollection {
        resource: Resource,
        labels: &'static str,
        policy: Option<&'static str>,
    },
    /// Everything that happened since the end of an operation, counted back from the last one.
    Watch {
        resource: Resource,
        labels: &'static str,
        back: usize,
        shown: Shown,
    },
    /// What is there, as a watch tells it.
    WatchFromNothing {
        resource: Resource,
        labels: &'static str,
    },
}

/// At which version a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Latest,
    /// Exactly as it was so many operations ago.
    Exact {
        back: usize,
    },
    /// Not older than the end of the last operation.
    NotOlder,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    LastSeen,
    New(Value),
}

impl Operation {
    pub fn resource(&self) -> Resource {
        match self {
            Self::Create { resource, .. }
            | Self::Get { resource, .. }
            | Self::List { resource, .. }
            | Self::Continue { resource }
            | Self::Replace { resource, .. }
            | Self::Patch { resource, .. }
            | Self::Apply { resource, .. }
            | Self::Delete { resource, .. }
            | Self::DeleteCollection { resource, .. }
            | Self::Watch { resource, .. }
            | Self::WatchFromNothing { resource, .. } => *resource,
        }
    }

    pub fn is_watch(&self) -> bool {
        matches!(self, Self::Watch { .. } | Self::WatchFromNothing { .. })
    }

    /// Whether it is a request to delete things of this kind.
    pub fn deletes(&self, kind: Resource) -> bool {
        matches!(self, Self::Delete { resource, .. } | Self::DeleteCollection { resource, .. } if *resource == kind)
    }

    /// For the count of verbs.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Get { .. } => "get",
            Self::List { .. } | Self::Continue { .. } => "list",
            Self::Replace { .. } => "update",
            Self::Patch { .. } => "patch",
            Self::Apply { .. } => "apply",
            Self::Delete { .. } => "delete",
            Self::DeleteCollection { .. } => "deletecollection",
            Self::Watch { .. } | Self::WatchFromNothing { .. } => "watch",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { resource, object, manager, strict } => {
                write!(f, "create {} by {manager:?} strict {strict}: {object}", resource.plural())
            }
            Self::Replace { resource, name, subresource, base, change, version, uid, manager } => {
                write!(
                    f,
                    "replace {}/{name}/{subresource} by {manager:?} version {version:?} uid {uid:?} from {base:?}: {change}",
                    resource.plural()
                )
            }
            Self::Patch { resource, name, subresource, patch, version, manager } => {
                write!(
                    f,
                    "patch {}/{name}/{subresource} by {manager:?} version {version:?}: {patch}",
                    resource.plural()
                )
            }
            Self::Apply { resource, name, subresource, config, manager, force, version } => write!(
                f,
                "apply {}/{name}/{subresource} by {manager:?} force {force} version {version:?}: {config}",
                resource.plural()
            ),
            other => write!(f, "{other:?}"),
        }
    }
}
