//! The tasks of a job, and the slots that they need.

use std::collections::BTreeMap;

use super::{Job, Stage, VERTICES};

impl Job {
    /// How many slots its tasks are in.
    pub(crate) fn slots_held(&self) -> u32 {
        match self.stage {
            Stage::Deploying { .. } | Stage::Running | Stage::Finishing { .. } => self.parallelism,
            Stage::Initializing { .. }
            | Stage::Created { .. }
            | Stage::Waiting { .. }
            | Stage::Restarting { .. }
            | Stage::Cancelling { .. }
            | Stage::Ended => 0,
        }
    }

    /// How many slots it wants.
    pub(crate) fn slots_wanted(&self) -> u32 {
        if self.has_ended() { 0 } else { self.wanted_parallelism() }
    }

    pub(super) fn wanted_parallelism(&self) -> u32 {
        self.bounds.values().map(|(_, upper)| *upper).max().unwrap_or(self.parallelism)
    }

    /// How many tasks are in which state.
    pub(crate) fn tasks(&self) -> BTreeMap<&'static str, u32> {
        let total = self.parallelism * u32::try_from(VERTICES.len()).unwrap_or(0);
        let state = match self.stage {
            Stage::Initializing { .. } => return BTreeMap::new(),
            Stage::Created { .. } => "CREATED",
            Stage::Waiting { .. } if self.state == "CREATED" => return BTreeMap::new(),
            Stage::Waiting { .. } => "SCHEDULED",
            Stage::Deploying { .. } => "INITIALIZING",
            Stage::Running => "RUNNING",
            Stage::Finishing { .. } => "FINISHED",
            Stage::Restarting { .. } => "CANCELED",
            Stage::Cancelling { .. } => "CANCELING",
            Stage::Ended if self.last_attempt.is_none() => return BTreeMap::new(),
            Stage::Ended => match self.state {
                "FINISHED" => "FINISHED",
                "FAILED" => "FAILED",
                _ => "CANCELED",
            },
        };
        BTreeMap::from([(state, total)])
    }
}
