//! A simulated object store: snapshots by path, and the results of jobs that have ended.

use std::collections::BTreeMap;

/// What a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Taken by Flink, from time to time or on demand. Completing it commits what the sink holds back.
    Checkpoint,
    /// Taken on demand while the job goes on. It commits nothing until somebody starts from it.
    Savepoint,
    /// Taken as the last thing of a job that is stopped.
    StopSavepoint {
        /// The input was declared to be at its end: a job should not go on from here.
        drained: bool,
    },
}

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// As it is stored: one slash after `file:`.
    pub path: String,
    /// Whose records it holds: `namespace/cluster-id`, or `namespace/cluster-id/job name` on a session cluster.
    pub resource: String,
    /// The job that took it.
    pub job_id: String,
    /// The number that Flink gave it.
    pub id: i64,
    /// So many records of the input are in it.
    pub offset: u64,
    pub kind: Kind,
    /// When it was triggered, in milliseconds since 1970.
    pub at_ms: i64,
    /// Number of the attempt in the ledger whose sink it belongs to.
    pub attempt: usize,
}

/// All snapshots that are there.
#[derive(Clone, Debug, Default)]
pub struct ObjectStore {
    snapshots: BTreeMap<String, Snapshot>,
    /// By folder and job: how it ended.
    results: BTreeMap<(String, String), String>,
}

impl ObjectStore {
    pub fn put(&mut self, snapshot: Snapshot) {
        self.snapshots.insert(snapshot.path.clone(), snapshot);
    }

    /// What is at a path, however it is spelled.
    pub fn get(&self, path: &str) -> Option<&Snapshot> {
        self.snapshots.get(&normal(path))
    }

    /// Deletes a snapshot. Whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.snapshots.remove(&normal(path)).is_some()
    }

    /// In the order of their paths.
    pub fn all(&self) -> impl Iterator<Item = &Snapshot> {
        self.snapshots.values()
    }

    /// Writes down how a job ended.
    pub(super) fn put_result(&mut self, folder: &str, job_id: &str, status: &str) {
        self.results.insert((folder.to_owned(), job_id.to_owned()), status.to_owned());
    }

    pub(super) fn remove_result(&mut self, folder: &str, job_id: &str) {
        self.results.remove(&(folder.to_owned(), job_id.to_owned()));
    }

    /// How a job ended, if that is written down in this folder.
    pub fn result(&self, folder: &str, job_id: &str) -> Option<&str> {
        self.results.get(&(folder.to_owned(), job_id.to_owned())).map(String::as_str)
    }
}

/// `file:///flink/sp/` as Flink writes it: `file:/flink/sp`.
pub fn normal(path: &str) -> String {
    let path = path.trim_end_matches('/');
    match path.strip_prefix("file://") {
        Some(rest) => format!("file:{rest}"),
        None => path.to_owned(),
    }
}
