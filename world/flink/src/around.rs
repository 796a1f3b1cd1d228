//! What every JobManager has around it: the time, Kubernetes, the store, the ledger, and the TaskManagers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use simulated_kubernetes::chance::Chance;
use simulated_kubernetes::world::World;

use super::behaviour::{Behaviour, Behaviours};
use super::ha::Lease;
use super::ledger::Ledger;
use super::store::ObjectStore;

/// The surroundings of all JobManagers.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) world: World,
    /// Milliseconds since 1970.
    pub(super) now: i64,
    pub(super) store: ObjectStore,
    pub(super) ledger: Ledger,
    pub(super) behaviours: Behaviours,
    pub(super) ids: Chance,
    /// By `namespace/cluster-id`.
    pub(super) leases: BTreeMap<String, Lease>,
    /// By the uid of the pod.
    pub(super) task_managers: BTreeMap<String, TaskManager>,
}

/// A TaskManager's pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskManager {
    pub(super) resource: String,
    pub(super) name: String,
    pub(super) ip: String,
    /// Since when its container runs; `None`: not yet.
    pub(super) running_since: Option<i64>,
}

impl Around {
    pub(super) fn behaviour(&self, resource: &str) -> Behaviour {
        self.behaviours.of(resource).clone()
    }

    /// 32 hexadecimal digits.
    pub(super) fn hex_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.ids.number(), self.ids.number())
    }

    /// The TaskManagers of a cluster by name.
    pub(super) fn task_managers_of(&self, resource: &str) -> Vec<&TaskManager> {
        let mut all: Vec<&TaskManager> =
            self.task_managers.values().filter(|one| one.resource == resource).collect();
        all.sort_by(|one, two| one.name.cmp(&two.name));
        all
    }
}

/// A point in time from milliseconds since 1970.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
