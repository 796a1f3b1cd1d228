//! Operations in the background: savepoints, stops, checkpoints on demand, disposals. They live in the memory of their
//! JobManager, under the id that the caller chose.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::around::Around;
use super::behaviour::{Behaviour, Failure, SavepointOutcome, StopOutcome, millis};
use super::job::{Job, Place};
use super::store::{self};

mod outcome;

use outcome::completion_failure;
pub(super) use outcome::{failure_cause, not_running};

/// Longer than any run of the world.
const FOR_EVER_MS: i64 = 10 * 365 * 24 * 3_600_000;

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// Savepoints, and stops with one: they share their ids.
    Savepoint,
    Checkpoint,
    Disposal,
}

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    job_id: String,
    step: Step,
    /// What it came to, as answers show it, and when.
    result: Option<(Value, i64)>,
    /// A client has read the result.
    is_told: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Savepoint {
        due: i64,
        taken: Taken,
        format: String,
        outcome: SavepointOutcome,
    },
    Stop {
        due: i64,
        taken: Taken,
        format: String,
        drained: bool,
        outcome: StopOutcome,
    },
    /// The savepoint is there, and the job finishes.
    Stopping {
        due: i64,
        location: String,
        vanishes: bool,
    },
    Checkpoint {
        due: i64,
        taken: Taken,
        outcome: SavepointOutcome,
    },
    Done,
}

/// A snapshot that is being taken.
#[derive(Clone, Debug)]
struct Taken {
    id: i64,
    at: i64,
    offset: u64,
    path: String,
}

/// All operations of one JobManager.
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    all: BTreeMap<(Subject, String, String), Operation>,
}

/// What follows for the JobManager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// Its process dies.
    Dies,
}

impl Operations {
    /// Whether this operation was begun before: repeating it does nothing.
    pub(super) fn has(&self, subject: Subject, job: &str, trigger: &str) -> bool {
        self.all.contains_key(&key(subject, job, trigger))
    }

    /// How far it is: `None` for one that nobody began or that was forgotten.
    pub(super) fn status(&mut self, subject: Subject, job: &str, trigger: &str) -> Option<Value> {
        let operation = self.all.get_mut(&key(subject, job, trigger))?;
        Some(match &operation.result {
            None => json!({"status": {"id": "IN_PROGRESS"}, "operation": null}),
            Some((result, _)) => {
                operation.is_told = true;
                json!({"status": {"id": "COMPLETED"}, "operation": result})
            }
        })
    }

    /// Whether a result waits for somebody to ask for it, until when at most.
    pub(super) fn untold_until(&self, kept: i64) -> Option<i64> {
        let untold = self.all.values().filter(|operation| !operation.is_told);
        untold.filter_map(|operation| Some(operation.result.as_ref()?.1 + kept)).max()
    }

    /// Forgets results that are older than this many milliseconds.
    pub(super) fn forget(&mut self, now: i64, kept: i64) {
        self.all
            .retain(|_, operation| operation.result.as_ref().is_none_or(|(_, at)| now - at < kept));
    }

    fn add(
        &mut self,
        subject: Subject,
        ids: (&str, &str),
        step: Step,
        result: Option<(Value, i64)>,
    ) {
        let (job, trigger) = ids;
        let operation = Operation { job_id: job.to_owned(), step, result, is_told: false };
        self.all.insert(key(subject, job, trigger), operation);
    }

    /// An operation that fails at once.
    pub(super) fn refuse(&mut self, subject: Subject, ids: (&str, &str), why: &Failure, now: i64) {
        self.add(subject, ids, Step::Done, Some((completion_failure(why), now)));
    }

    /// An operation that is done at once.
    pub(super) fn settle(&mut self, subject: Subject, ids: (&str, &str), result: Value, now: i64) {
        self.add(subject, ids, Step::Done, Some((result, now)));
    }

    /// Begins a savepoint of a job that runs.
    pub(super) fn savepoint(
        &mut self,
        trigger: &str,
        job: &mut Job,
        request: (&str, &str),
        place: &Place<'_>,
        around: &mut Around,
    ) {
        let (folder, format) = request;
        let outcome = around.behaviours.take_savepoint(place.resource);
        job.catch_up(around.now, place, around);
        let taken = take(job, folder, place, around);
        let lasts = match outcome {
            SavepointOutcome::Hangs => place.settings.checkpoint_timeout_ms,
            SavepointOutcome::NeverEnds => FOR_EVER_MS,
            SavepointOutcome::Completes
            | SavepointOutcome::Fails(_)
            | SavepointOutcome::Vanishes => millis(place.behaviour.savepoint_takes),
        };
        let due = taken.at + lasts;
        let step = Step::Savepoint { due, taken, format: format.to_owned(), outcome };
        self.add(Subject::Savepoint, (&job.id, trigger), step, None);
    }

    /// Begins to stop a job that runs.
    pub(super) fn stop(
        &mut self,
        trigger: &str,
        job: &mut Job,
        request: (&str, &str, bool),
        place: &Place<'_>,
        around: &mut Around,
    ) {
        let (folder, format, drained) = request;
        let outcome = around.behaviours.take_stop(place.resource);
        let now = around.now;
        job.catch_up(now, place, around);
        let taken = take(job, folder, place, around);
        job.checkpoints.suspend(now);
        if outcome == StopOutcome::JobIsFaster {
            job.stand_still(now, place.behaviour);
            job.commit_all(around);
            job.finish(now);
            let why = Failure::new(
                "org.apache.flink.runtime.checkpoint.CheckpointException",
                "Checkpoint Coordinator is shutting down.",
            );
            self.refuse(Subject::Savepoint, (&job.id, trigger), &why, now);
            return;
        }
        let lasts = match outcome {
            StopOutcome::Hangs => place.settings.checkpoint_timeout_ms,
            StopOutcome::NeverEnds => FOR_EVER_MS,
            StopOutcome::Finishes
            | StopOutcome::SavepointFails(_)
            | StopOutcome::GoesOn
            | StopOutcome::FailsAfterwards
            | StopOutcome::JobIsFaster
            | StopOutcome::JobManagerDies
            | StopOutcome::Vanishes => {
                job.stand_still(now, place.behaviour);
                millis(place.behaviour.savepoint_takes)
            }
        };
        let due = now + lasts;
        let step = Step::Stop { due, taken, format: format.to_owned(), drained, outcome };
        self.add(Subject::Savepoint, (&job.id, trigger), step, None);
    }

    /// Begins a checkpoint of a job that runs.
    pub(super) fn checkpoint(
        &mut self,
        trigger: &str,
        job: &mut Job,
        place: &Place<'_>,
        around: &mut Around,
    ) {
        let outcome = around.behaviours.take_savepoint(place.resource);
        job.catch_up(around.now, place, around);
        let at = around.now;
        let offset = job.offset_at(at, place.behaviour);
        let id = job.checkpoints.begin();
        let taken = Taken { id, at, offset, path: String::new() };
        let lasts = match outcome {
            SavepointOutcome::Hangs => place.settings.checkpoint_timeout_ms,
            SavepointOutcome::NeverEnds => FOR_EVER_MS,
            SavepointOutcome::Completes
            | SavepointOutcome::Fails(_)
            | SavepointOutcome::Vanishes => millis(place.behaviour.checkpoint_takes),
        };
        let step = Step::Checkpoint { due: at + lasts, taken, outcome };
        self.add(Subject::Checkpoint, (&job.id, trigger), step, None);
    }

    /// Does what is due for the operations of one job.
    pub(super) fn advance(
        &mut self,
        job: &mut Job,
        place: &Place<'_>,
        around: &mut Around,
    ) -> After {
        let now = around.now;
        let mut after = After::Nothing;
        let id = job.id.clone();
        for operation in self.all.values_mut().filter(|operation| operation.job_id == id) {
            while let Some(due) = operation.due().filter(|due| *due <= now) {
                if operation.advance(due, job, place, around) == After::Dies {
                    after = After::Dies;
                }
            }
        }
        after
    }

    /// When something happens to an operation of a job.
    pub(super) fn next(&self, job: &str) -> Option<i64> {
        let of_job = self.all.values().filter(|operation| operation.job_id == job);
        of_job.filter_map(Operation::due).min()
    }
}

fn key(subject: Subject, job: &str, trigger: &str) -> (Subject, String, String) {
    (subject, job.to_owned(), trigger.to_owned())
}

fn take(job: &mut Job, folder: &str, place: &Place<'_>, around: &mut Around) -> Taken {
    let at = around.now;
    let id = job.checkpoints.begin();
    let letters = around.hex_id();
    let path = format!(
        "{}/savepoint-{}-{}",
        store::normal(folder),
        job.id.get(..6).unwrap_or_default(),
        letters.get(..12).unwrap_or_default()
    );
    Taken { id, at, offset: job.offset_at(at, place.behaviour), path }
}

/// How long results are kept.
pub(super) fn kept(behaviour: &Behaviour, configured: i64) -> i64 {
    behaviour.operations_kept.map_or(configured, millis)
}
