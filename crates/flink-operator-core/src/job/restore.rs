//! What a job starts from.
//!
//! Only this file reads and writes `jobStatus.upgradeSavepointPath`, and only it knows the text in that field and in Flink's
//! options that stands for the high availability data.

use flink_operator_api::names::LAST_STATE_SAVEPOINT_PATH;
use flink_operator_api::{JobSpec, JobStatus, UpgradeMode};

/// What a job starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreFrom {
    /// From nothing, as `upgradeMode: stateless` asks for.
    Empty,
    /// From nothing, for the job has no state: it has never completed a checkpoint.
    NoState,
    /// From the savepoint or checkpoint at this path.
    Path(String),
    /// From the high availability data.
    HaMetadata,
    /// From a state whose path is not known, or not known yet.
    Unknown,
}

impl RestoreFrom {
    /// The state at a path that somebody else has named, if there is one.
    pub(crate) fn at(path: Option<String>) -> Self {
        path.map_or(Self::NoState, Self::Path)
    }

    /// The newest state that the status knows for the next start.
    pub(crate) fn of_status(job: &JobStatus) -> Self {
        match job.upgrade_savepoint_path.as_deref() {
            None => Self::NoState,
            Some(LAST_STATE_SAVEPOINT_PATH) => Self::Unknown,
            Some(path) => Self::Path(path.to_owned()),
        }
    }

    /// What the next start restores from by the record: by its mode, and by the status where the mode is `savepoint`.
    pub(crate) fn of_record(mode: Option<&UpgradeMode>, known: Self) -> Self {
        match mode {
            Some(UpgradeMode::Savepoint) => known,
            Some(UpgradeMode::LastState) => Self::HaMetadata,
            Some(UpgradeMode::Stateless | UpgradeMode::Unrecognised(_)) | None => Self::Empty,
        }
    }

    /// Puts it into the status.
    pub(crate) fn write(&self, job: &mut JobStatus) {
        job.upgrade_savepoint_path = self.option().map(str::to_owned);
    }

    /// Puts it into the spec that is recorded, as the mode in which the state is carried over. That need not be the mode
    /// that the user asked for.
    pub(crate) fn write_mode(&self, job: Option<&mut JobSpec>) {
        if let Some(job) = job {
            job.upgrade_mode = Some(self.upgrade_mode());
        }
    }

    pub(crate) fn upgrade_mode(&self) -> UpgradeMode {
        match self {
            Self::Empty | Self::NoState => UpgradeMode::Stateless,
            Self::Path(_) | Self::Unknown => UpgradeMode::Savepoint,
            Self::HaMetadata => UpgradeMode::LastState,
        }
    }

    /// The value of Flink's option for the path of the savepoint; `None` for a start without state.
    ///
    /// Flink ignores the path if it finds high availability data. If it finds none, it fails because there is nothing at
    /// this path, and does not start without state.
    pub(crate) fn option(&self) -> Option<&str> {
        match self {
            Self::Empty | Self::NoState => None,
            Self::Path(path) => Some(path),
            Self::HaMetadata | Self::Unknown => Some(LAST_STATE_SAVEPOINT_PATH),
        }
    }

    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Path(path) => Some(path),
            Self::Empty | Self::NoState | Self::HaMetadata | Self::Unknown => None,
        }
    }

    /// Whether the job starts without state.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Empty | Self::NoState => true,
            Self::Path(_) | Self::HaMetadata | Self::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_as_it_was_written() {
        let path = RestoreFrom::Path("s3://b/c/chk-1".to_owned());
        for from in [RestoreFrom::NoState, RestoreFrom::Unknown, path] {
            let mut job = JobStatus::default();
            from.write(&mut job);
            assert_eq!(RestoreFrom::of_status(&job), from, "{:?}", job.upgrade_savepoint_path);
        }
    }

    #[test]
    fn last_state_has_the_text_that_the_java_operator_knows() {
        let mut job = JobStatus::default();
        RestoreFrom::HaMetadata.write(&mut job);
        assert_eq!(job.upgrade_savepoint_path.as_deref(), Some("KUBERNETES_OPERATOR_LAST_STATE"));
    }

    #[test]
    fn record_is_read_as_it_was_written() {
        let path = RestoreFrom::Path("s3://b/c/chk-1".to_owned());
        for from in [RestoreFrom::Empty, RestoreFrom::HaMetadata, RestoreFrom::Unknown, path] {
            let (mut job, mut spec) = (JobStatus::default(), JobSpec::default());
            from.write(&mut job);
            from.write_mode(Some(&mut spec));
            let known = RestoreFrom::of_status(&job);
            assert_eq!(RestoreFrom::of_record(spec.upgrade_mode.as_ref(), known), from);
        }
    }
}
