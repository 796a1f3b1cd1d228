//! What a job starts from.

use flink_operator_api::names::LAST_STATE_SAVEPOINT_PATH;
use flink_operator_api::{JobStatus, UpgradeMode};

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

/// The newest state that the status knows for the next start of the job: `jobStatus.upgradeSavepointPath`. Only this type
/// reads and writes that field, and only it knows the text that stands for the last state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KnownState {
    /// The status names none.
    None,
    /// There is one, and the status does not say where: the high availability data do, as long as they exist.
    NotNamed,
    /// A savepoint or a checkpoint.
    Path(String),
}

impl KnownState {
    pub(crate) fn read(job: &JobStatus) -> Self {
        match job.upgrade_savepoint_path.as_deref() {
            None => Self::None,
            Some(LAST_STATE_SAVEPOINT_PATH) => Self::NotNamed,
            Some(path) => Self::Path(path.to_owned()),
        }
    }

    pub(crate) fn write(self, job: &mut JobStatus) {
        job.upgrade_savepoint_path = match self {
            Self::None => None,
            Self::NotNamed => Some(LAST_STATE_SAVEPOINT_PATH.to_owned()),
            Self::Path(path) => Some(path),
        };
    }

    /// The state at a path that somebody else has named, if there is one.
    pub(crate) fn at(path: Option<String>) -> Self {
        path.map_or(Self::None, Self::Path)
    }

    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Path(path) => Some(path),
            Self::None | Self::NotNamed => None,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_as_it_was_written() {
        let path = KnownState::Path("s3://b/c/chk-1".to_owned());
        for state in [KnownState::None, KnownState::NotNamed, path] {
            let mut job = JobStatus::default();
            state.clone().write(&mut job);
            assert_eq!(KnownState::read(&job), state, "{:?}", job.upgrade_savepoint_path);
        }
    }

    #[test]
    fn last_state_has_the_text_that_the_java_operator_knows() {
        let mut job = JobStatus::default();
        KnownState::NotNamed.write(&mut job);
        assert_eq!(job.upgrade_savepoint_path.as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
    }
}
