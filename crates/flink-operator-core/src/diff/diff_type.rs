//! What a change of a spec asks for.

/// What a change asks for, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffType {
    /// Nothing: the running job is not concerned.
    Ignore,
    /// Another number of TaskManagers or other parallelisms, without a new cluster.
    Scale,
    /// The job is stopped and started again, with its state.
    Upgrade,
    /// The job is thrown away, and started from `job.initialSavepointPath`.
    SavepointRedeploy,
}
