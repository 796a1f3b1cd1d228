//! What a job starts from.

use flink_operator_api::UpgradeMode;

/// What the next job starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestoreFrom {
    /// From nothing, as `upgradeMode: stateless` asks for.
    Empty,
    /// From nothing, for the job has no state: it has never completed a checkpoint.
    NoState,
    /// From the savepoint or checkpoint whose path the status has, or is about to have.
    Path,
    /// From the high availability data.
    HaMetadata,
}

impl RestoreFrom {
    /// What is recorded as `upgradeMode`: how the state is carried over, which need not be what the user asked for.
    pub(crate) fn recorded(self) -> UpgradeMode {
        match self {
            Self::Empty | Self::NoState => UpgradeMode::Stateless,
            Self::Path => UpgradeMode::Savepoint,
            Self::HaMetadata => UpgradeMode::LastState,
        }
    }
}
