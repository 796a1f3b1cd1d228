//! The effect of a change in a spec.

/// What the operator must do about a change, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffType {
    /// Nothing: the change does not affect the running job.
    Ignore,
    /// Change the number of TaskManagers or the parallelism, without a new cluster.
    Scale,
    /// Stop the job and start it again with its state.
    Upgrade,
    /// Stop the job, discard its state, and start it from `job.initialSavepointPath`.
    SavepointRedeploy,
}
