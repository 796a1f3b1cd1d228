//! The checkpoints of one job. Those of the past are worked out when somebody looks: an hour in which nobody asks costs
//! nothing.

use std::collections::{BTreeSet, VecDeque};

use super::around::Around;
use super::ha::Pointer;
use super::settings::{Retention, Settings};
use super::store::{Kind, Snapshot};

/// Flink shows so many in the history: `web.checkpoints.history`.
const HISTORY: usize = 10;
/// So many of the past are worked out one by one; what is before them is only counted.
const ONE_BY_ONE: i64 = 12;

/// One line of the statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) id: i64,
    pub(super) status: Status,
    /// The format of a savepoint.
    pub(super) format: Option<String>,
    pub(super) kind: &'static str,
    pub(super) triggered: i64,
    /// When it was complete, or had failed.
    pub(super) ended: Option<i64>,
    pub(super) path: Option<String>,
    pub(super) failure: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
    Failed,
}

/// What a job began from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Restored {
    pub(super) id: i64,
    pub(super) path: String,
    pub(super) is_savepoint: bool,
    pub(super) at: i64,
}

/// A checkpoint that Flink is taking.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    id: i64,
    at: i64,
    offset: u64,
}

/// How fast the job counts, for what was in its past.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The offset at this time …
    pub(super) offset: u64,
    pub(super) since: i64,
    /// … and so many records a second from then on, up to the end of the input.
    pub(super) per_second: u64,
    pub(super) end: Option<u64>,
}

impl Pace {
    pub(super) fn at(&self, now: i64) -> u64 {
        let elapsed = u64::try_from(now - self.since).unwrap_or(0);
        let offset = self.offset + elapsed * self.per_second / 1000;
        self.end.map_or(offset, |end| offset.min(end))
    }

    /// When the input ends.
    pub(super) fn ends_at(&self) -> Option<i64> {
        let left = self.end?.saturating_sub(self.offset);
        let ms = (left * 1000).div_ceil(self.per_second.max(1));
        Some(self.since + i64::try_from(ms).unwrap_or(i64::MAX / 2))
    }
}

/// Whose checkpoints they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) lineage: &'a str,
    pub(super) job_id: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) attempt: usize,
    /// How long a checkpoint takes, in milliseconds.
    pub(super) takes: i64,
    pub(super) fails: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    pub(super) next_id: i64,
    next_trigger: Option<i64>,
    pending: Option<Pending>,
    /// The completed ones that the job would go on from, oldest first.
    pub(super) kept: VecDeque<Pointer>,
    pub(super) restored_count: u64,
    pub(super) total: u64,
    pub(super) completed_count: u64,
    pub(super) failed_count: u64,
    pub(super) completed: Option<Stat>,
    pub(super) savepoint: Option<Stat>,
    pub(super) failed: Option<Stat>,
    pub(super) restored: Option<Restored>,
    /// Newest first.
    history: VecDeque<Stat>,
    /// The numbers of those that were deleted: subsumed by newer ones, or with the end of the job.
    pub(super) discarded: BTreeSet<i64>,
    /// The newest one that is in the metadata, and when that was written.
    pub(super) written: (i64, i64),
}

impl Checkpoints {
    pub(super) fn new() -> Self {
        Self {
            next_id: 1,
            next_trigger: None,
            pending: None,
            kept: VecDeque::new(),
            restored_count: 0,
            total: 0,
            completed_count: 0,
            failed_count: 0,
            completed: None,
            savepoint: None,
            failed: None,
            restored: None,
            history: VecDeque::new(),
            discarded: BTreeSet::new(),
            written: (0, i64::MIN / 2),
        }
    }

    /// From now on checkpoints are taken at the interval.
    pub(super) fn schedule(&mut self, now: i64, settings: &Settings) {
        self.next_trigger = settings.checkpoint_interval_ms.map(|interval| now + interval);
    }

    /// No checkpoint is taken any more; one that is under way is given up.
    pub(super) fn suspend(&mut self, now: i64) {
        self.next_trigger = None;
        if let Some(pending) = self.pending.take() {
            self.fail(pending.id, pending.at, now, None, "Checkpoint Coordinator is suspending.");
        }
    }

    /// Works out what has happened until now.
    pub(super) fn catch_up(
        &mut self,
        now: i64,
        pace: &Pace,
        owner: Owner<'_>,
        around: &mut Around,
    ) {
        let Some(interval) = owner.settings.checkpoint_interval_ms else { return };
        let step = interval.max(owner.takes).max(1);
        loop {
            if let Some(pending) = self.pending.clone() {
                let done = pending.at + owner.takes;
                if done > now {
                    return;
                }
                self.pending = None;
                if owner.fails {
                    self.fail(
                        pending.id,
                        pending.at,
                        done,
                        None,
                        "Asynchronous task checkpoint failed.",
                    );
                } else {
                    self.complete(&pending, done, owner, around);
                }
                continue;
            }
            let Some(trigger) = self.next_trigger.filter(|trigger| *trigger <= now) else { return };
            let behind = (now - trigger) / step;
            let skipped = if owner.fails { 0 } else { (behind - ONE_BY_ONE).max(0) };
            let trigger = trigger + skipped * step;
            let counted = u64::try_from(skipped).unwrap_or(0);
            self.next_id += skipped;
            self.total += counted + 1;
            self.completed_count += counted;
            self.pending =
                Some(Pending { id: self.next_id, at: trigger, offset: pace.at(trigger) });
            self.next_id += 1;
            self.next_trigger = Some(trigger + step);
        }
    }

    /// When the next checkpoint that is scheduled will be complete.
    pub(super) fn next_completion(&self, takes: i64) -> Option<i64> {
        let begins = self.pending.as_ref().map(|pending| pending.at).or(self.next_trigger)?;
        Some(begins + takes)
    }

    fn complete(&mut self, pending: &Pending, done: i64, owner: Owner<'_>, around: &mut Around) {
        let folder = owner.settings.checkpoint_dir.as_deref();
        let shown = folder.map(|folder| {
            let folder = super::store::normal(folder);
            format!("{folder}/{}/chk-{}", owner.job_id, pending.id)
        });
        // Without a folder checkpoints live in the JobManager; nobody else can start from them.
        let path = shown
            .clone()
            .unwrap_or_else(|| format!("jobmanager:/{}/chk-{}", owner.job_id, pending.id));
        let snapshot = Snapshot {
            path: path.clone(),
            resource: owner.lineage.to_owned(),
            job_id: owner.job_id.to_owned(),
            id: pending.id,
            offset: pending.offset,
            kind: Kind::Checkpoint,
            at_ms: pending.at,
            attempt: owner.attempt,
        };
        around.store.put(snapshot);
        around.ledger.commit(owner.attempt, pending.offset);
        around.ledger.complete(owner.attempt, pending.offset);
        self.keep(Pointer { id: pending.id, path, owned: true }, owner.settings.retained, around);
        let stat = Stat {
            id: pending.id,
            status: Status::Completed,
            format: None,
            kind: "CHECKPOINT",
            triggered: pending.at,
            ended: Some(done),
            path: shown,
            failure: None,
        };
        self.completed_count += 1;
        self.completed = Some(stat.clone());
        self.note(stat);
    }

    /// Adds a snapshot to those that the job would go on from, and drops the oldest.
    pub(super) fn keep(&mut self, pointer: Pointer, retained: usize, around: &mut Around) {
        self.kept.push_back(pointer);
        while self.kept.len() > retained {
            if let Some(old) = self.kept.pop_front()
                && old.owned
            {
                around.store.remove(&old.path);
                self.discarded.insert(old.id);
                // What is not shown any more need not be known.
                while self.discarded.len() > 4 * HISTORY {
                    self.discarded.pop_first();
                }
            }
        }
    }

    /// A checkpoint that was asked for: its number.
    pub(super) fn begin(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.total += 1;
        id
    }

    /// Completes a checkpoint that was asked for.
    pub(super) fn complete_asked(
        &mut self,
        asked: (i64, i64, u64),
        done: i64,
        owner: Owner<'_>,
        around: &mut Around,
    ) {
        let (id, at, offset) = asked;
        self.complete(&Pending { id, at, offset }, done, owner, around);
    }

    /// Writes down a savepoint that is complete.
    pub(super) fn note_savepoint(&mut self, stat: Stat) {
        self.completed_count += 1;
        self.savepoint = Some(stat.clone());
        self.note(stat);
    }

    /// Writes down a failure.
    pub(super) fn fail(
        &mut self,
        id: i64,
        at: i64,
        now: i64,
        format: Option<String>,
        message: &str,
    ) {
        let kind = if format.is_some() { "SAVEPOINT" } else { "CHECKPOINT" };
        let stat = Stat {
            id,
            status: Status::Failed,
            format,
            kind,
            triggered: at,
            ended: Some(now),
            path: None,
            failure: Some(message.to_owned()),
        };
        self.failed_count += 1;
        self.failed = Some(stat.clone());
        self.note(stat);
    }

    fn note(&mut self, stat: Stat) {
        self.history.push_front(stat);
        self.history.truncate(HISTORY);
    }

    /// The latest ones, newest first, with the one that is under way.
    pub(super) fn shown(&self) -> Vec<Stat> {
        let pending = self.pending.as_ref().map(|pending| Stat {
            id: pending.id,
            status: Status::InProgress,
            format: None,
            kind: "CHECKPOINT",
            triggered: pending.at,
            ended: None,
            path: None,
            failure: None,
        });
        let mut all: Vec<Stat> = pending.into_iter().chain(self.history.iter().cloned()).collect();
        all.sort_by_key(|stat| std::cmp::Reverse(stat.id));
        all.truncate(HISTORY);
        all
    }

    pub(super) fn in_progress(&self) -> u64 {
        u64::from(self.pending.is_some())
    }

    /// Deletes what does not outlive the job.
    pub(super) fn discard(&mut self, end: &str, settings: &Settings, around: &mut Around) {
        let goes = match settings.retention {
            Retention::Retain => end == "FINISHED",
            Retention::DeleteOnCancellation => end == "FINISHED" || end == "CANCELED",
            Retention::Never => true,
        };
        for pointer in self.kept.drain(..) {
            if goes && pointer.owned {
                around.store.remove(&pointer.path);
                self.discarded.insert(pointer.id);
            }
        }
    }
}
