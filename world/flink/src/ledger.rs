//! What happened to the records: every attempt of every job, what each committed, and where that went wrong.
//!
//! The input of a job is numbered from 0 on. A job that is exactly once commits every number once: the ledger tells which
//! numbers were committed twice, which were left out, and which attempts began from state that was not the newest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

/// One run of a job's tasks, from one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// `namespace/cluster-id`; on a session cluster `namespace/cluster-id/job name`.
    pub resource: String,
    pub job_id: String,
    /// The JobManager's pod.
    pub pod_uid: String,
    pub cause: Cause,
    /// Where its state came from; `None`: it began without state.
    pub restored_path: Option<String>,
    /// It begins with this record.
    pub restored_offset: u64,
    pub started: Timestamp,
    /// `None`: it runs.
    pub ended: Option<Timestamp>,
    /// How it ended: `FINISHED`, `CANCELED`, `FAILED`, `RESTARTING`, `JobManager`.
    pub end: Option<&'static str>,
    /// The record after the last one that it committed.
    pub committed: u64,
}

/// Why an attempt began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A JobManager started the job.
    Start,
    /// The same JobManager started the tasks again.
    Restart,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Records were committed again.
    Doubled { resource: String, attempt: usize, from: u64, to: u64 },
    /// Records were never committed, although later ones were.
    Lost { resource: String, from: u64, to: u64 },
    /// Two attempts ran at the same time.
    Together { resource: String, earlier: usize, later: usize },
    /// An attempt began without state, although there was some.
    Empty { resource: String, attempt: usize, newest: u64 },
    /// An attempt began from state that was older than the newest.
    Older { resource: String, attempt: usize, restored: u64, newest: u64 },
}

impl Violation {
    pub fn resource(&self) -> &str {
        match self {
            Self::Doubled { resource, .. }
            | Self::Lost { resource, .. }
            | Self::Together { resource, .. }
            | Self::Empty { resource, .. }
            | Self::Older { resource, .. } => resource,
        }
    }

    /// How many records it is about: doubled, lost, or processed anew; 1 for attempts that ran together.
    pub fn records(&self) -> u64 {
        match self {
            Self::Doubled { from, to, .. } | Self::Lost { from, to, .. } => to - from,
            Self::Together { .. } => 1,
            Self::Empty { newest, .. } => *newest,
            Self::Older { restored, newest, .. } => newest.saturating_sub(*restored),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = self.records();
        match self {
            Self::Doubled { resource, attempt, from, to } => write!(
                f,
                "{resource}: attempt {attempt} committed {records} records again, from {from} to {to}"
            ),
            Self::Lost { resource, from, to } => {
                write!(f, "{resource}: {records} records were lost, from {from} to {to}")
            }
            Self::Together { resource, earlier, later } => {
                write!(f, "{resource}: attempt {later} began while attempt {earlier} was running")
            }
            Self::Empty { resource, attempt, newest } => write!(
                f,
                "{resource}: attempt {attempt} began without state, and there was state with {newest} records"
            ),
            Self::Older { resource, attempt, restored, newest } => write!(
                f,
                "{resource}: attempt {attempt} began from record {restored}, and there was state with {newest}"
            ),
        }
    }
}

/// Everything that was committed since the input of a resource was last begun anew.
#[derive(Clone, Debug, Default)]
struct Epoch {
    start: u64,
    /// Ends by beginning; they do not touch.
    committed: BTreeMap<u64, u64>,
    /// The largest offset of a state that is there to go on from: one that commits what is before it, or the first one.
    newest: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Book {
    epochs: Vec<Epoch>,
    last_attempt: Option<usize>,
    running: BTreeSet<usize>,
}

/// The ledger of all clusters.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    attempts: Vec<Attempt>,
    books: BTreeMap<String, Book>,
    allowed: BTreeSet<String>,
    found: Vec<Violation>,
}

impl Ledger {
    /// The next start of this resource may begin anywhere: the user wants it so. It holds for the first start that needs it
    /// or that has another job id than the one before.
    pub fn allow_rewind(&mut self, resource: &str) {
        self.allowed.insert(resource.to_owned());
    }

    /// Takes that back.
    pub fn forbid_rewind(&mut self, resource: &str) {
        self.allowed.remove(resource);
    }

    /// All attempts, in the order of their beginnings. Their numbers count from 0.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempts of one resource.
    pub fn attempts_of<'a>(&'a self, resource: &'a str) -> impl Iterator<Item = &'a Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.resource == resource)
    }

    /// What was committed, since the input was last begun anew: beginnings and ends, apart.
    pub fn committed(&self, resource: &str) -> Vec<(u64, u64)> {
        let epoch = self.books.get(resource).and_then(|book| book.epochs.last());
        epoch
            .into_iter()
            .flat_map(|epoch| &epoch.committed)
            .map(|(from, to)| (*from, *to))
            .collect()
    }

    /// Everything that went wrong so far.
    pub fn violations(&self) -> Vec<Violation> {
        let mut all = self.found.clone();
        for (resource, book) in &self.books {
            for epoch in &book.epochs {
                let mut end = epoch.start;
                for (from, to) in &epoch.committed {
                    if *from > end {
                        let resource = resource.clone();
                        all.push(Violation::Lost { resource, from: end, to: *from });
                    }
                    end = end.max(*to);
                }
            }
        }
        all
    }

    /// Writes down that tasks begin to run, and judges what they begin from.
    pub fn begin(&mut self, attempt: Attempt) -> usize {
        let number = self.attempts.len();
        let resource = attempt.resource.clone();
        let book = self.books.entry(resource.clone()).or_default();
        for earlier in &book.running {
            let resource = resource.clone();
            self.found.push(Violation::Together { resource, earlier: *earlier, later: number });
        }
        let previous = book.last_attempt.and_then(|last| self.attempts.get(last));
        let is_other_job = previous.is_some_and(|previous| previous.job_id != attempt.job_id);
        let is_first = previous.is_none();
        let offset = attempt.restored_offset;
        let newest = book.epochs.last().and_then(|epoch| epoch.newest);
        let is_empty = attempt.restored_path.is_none() && newest.is_some();
        let is_older = newest.is_some_and(|newest| offset < newest);
        let needs = is_empty || is_older;
        let is_allowed = attempt.cause == Cause::Start
            && (needs || is_other_job)
            && self.allowed.remove(&resource);
        // A container that is started again goes on from the newest checkpoint that Flink knows of. What a savepoint of its
        // last moment has committed is committed again then, and nobody but Flink has a part in that.
        let is_flinks_own = is_older
            && !is_empty
            && previous.is_some_and(|previous| {
                previous.pod_uid == attempt.pod_uid && previous.job_id == attempt.job_id
            });
        let starts_anew = book.epochs.last().is_none_or(|epoch| needs || offset < epoch.start);
        if needs && !is_allowed && !is_flinks_own {
            let (resource, newest) = (resource.clone(), newest.unwrap_or(0));
            self.found.push(if is_empty {
                Violation::Empty { resource, attempt: number, newest }
            } else {
                Violation::Older { resource, attempt: number, restored: offset, newest }
            });
        }
        if is_first || ((is_allowed || is_flinks_own) && starts_anew) {
            // The first attempt of all may begin from a state of another cluster.
            book.epochs.push(Epoch { start: offset, ..Epoch::default() });
        }
        if let Some(epoch) = book.epochs.last_mut()
            && attempt.restored_path.is_some()
        {
            // Whatever comes next has this at least to go on from.
            epoch.newest = epoch.newest.max(Some(offset));
        }
        book.running.insert(number);
        book.last_attempt = Some(number);
        self.attempts.push(attempt);
        number
    }

    /// Writes down that an attempt's tasks have ended.
    pub fn end(&mut self, number: usize, at: Timestamp, how: &'static str) {
        let Some(attempt) = self.attempts.get_mut(number) else { return };
        if attempt.ended.is_none() {
            attempt.ended = Some(at);
            attempt.end = Some(how);
        }
        if let Some(book) = self.books.get_mut(&attempt.resource) {
            book.running.remove(&number);
        }
    }

    /// An attempt's sink commits everything before this record. What it has committed already it does not commit again, as
    /// a transaction that is committed twice is committed once.
    pub fn commit(&mut self, number: usize, to: u64) {
        let Some(attempt) = self.attempts.get_mut(number) else { return };
        let from = attempt.committed;
        if to <= from {
            return;
        }
        attempt.committed = to;
        let resource = attempt.resource.clone();
        let Some(epoch) = self.books.get_mut(&resource).and_then(|book| book.epochs.last_mut())
        else {
            return;
        };
        for (start, end) in epoch.overlaps(from, to) {
            let resource = resource.clone();
            self.found.push(Violation::Doubled { resource, attempt: number, from: start, to: end });
        }
        epoch.add(from, to);
    }

    /// A state was completed from which everything may go on.
    pub fn complete(&mut self, number: usize, offset: u64) {
        let Some(attempt) = self.attempts.get(number) else { return };
        let book = self.books.get_mut(&attempt.resource);
        if let Some(epoch) = book.and_then(|book| book.epochs.last_mut()) {
            epoch.newest = epoch.newest.max(Some(offset));
        }
    }
}

impl Epoch {
    fn overlaps(&self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let near = self.committed.range(..to).filter(|(_, end)| **end > from);
        near.map(|(start, end)| ((*start).max(from), (*end).min(to))).collect()
    }

    fn add(&mut self, from: u64, to: u64) {
        let (mut from, mut to) = (from, to);
        let touching: Vec<u64> = self
            .committed
            .range(..=to)
            .filter(|(_, end)| **end >= from)
            .map(|(start, _)| *start)
            .collect();
        for start in touching {
            if let Some(end) = self.committed.remove(&start) {
                from = from.min(start);
                to = to.max(end);
            }
        }
        self.committed.insert(from, to);
    }
}
