//! Operations in the background: savepoints, stops, checkpoints on demand, disposals. They live in the memory of their
//! JobManager, under the id that the caller chose.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::around::Around;
use super::behaviour::{Behaviour, Failure, SavepointOutcome, StopOutcome, millis};
use super::checkpoints::{Stat, Status};
use super::job::{Job, Place};
use super::store::{self, Kind, Snapshot};

/// What an operation is.
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
    /// Somebody has been told.
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
        let hangs = outcome == StopOutcome::Hangs;
        if !hangs {
            job.stand_still(now, place.behaviour);
        }
        let lasts = if hangs {
            place.settings.checkpoint_timeout_ms
        } else {
            millis(place.behaviour.savepoint_takes)
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

impl Operation {
    fn due(&self) -> Option<i64> {
        match &self.step {
            Step::Savepoint { due, .. }
            | Step::Stop { due, .. }
            | Step::Stopping { due, .. }
            | Step::Checkpoint { due, .. } => Some(*due),
            Step::Done => None,
        }
    }

    fn settle(&mut self, result: Value, at: i64) {
        self.result = Some((result, at));
        self.step = Step::Done;
    }

    fn advance(
        &mut self,
        due: i64,
        job: &mut Job,
        place: &Place<'_>,
        around: &mut Around,
    ) -> After {
        match std::mem::replace(&mut self.step, Step::Done) {
            Step::Savepoint { taken, format, outcome, .. } => {
                self.end_savepoint(due, job, (&taken, &format, &outcome), place, around);
                After::Nothing
            }
            Step::Checkpoint { taken, outcome, .. } => {
                self.end_checkpoint(due, job, (&taken, &outcome), place, around);
                After::Nothing
            }
            Step::Stop { taken, format, drained, outcome, .. } => {
                self.end_stop(due, job, (&taken, &format, drained, &outcome), place, around)
            }
            Step::Stopping { location, vanishes, .. } => {
                job.finish(due);
                if vanishes {
                    around.store.remove(&location);
                }
                self.settle(json!({"location": location}), due);
                After::Nothing
            }
            Step::Done => After::Nothing,
        }
    }

    fn end_savepoint(
        &mut self,
        due: i64,
        job: &mut Job,
        what: (&Taken, &str, &SavepointOutcome),
        place: &Place<'_>,
        around: &mut Around,
    ) {
        let (taken, format, outcome) = what;
        if !job.runs() {
            self.fail_savepoint(due, job, (taken, format), &not_running(&job.id));
            return;
        }
        match outcome {
            SavepointOutcome::Completes | SavepointOutcome::Vanishes => {
                put(job, (taken, format), Kind::Savepoint, due, place, around);
                if *outcome == SavepointOutcome::Vanishes {
                    around.store.remove(&taken.path);
                }
                self.settle(json!({"location": taken.path}), due);
            }
            SavepointOutcome::Fails(why) => self.fail_savepoint(due, job, (taken, format), why),
            SavepointOutcome::Hangs => self.fail_savepoint(due, job, (taken, format), &expired()),
        }
    }

    fn end_checkpoint(
        &mut self,
        due: i64,
        job: &mut Job,
        what: (&Taken, &SavepointOutcome),
        place: &Place<'_>,
        around: &mut Around,
    ) {
        let (taken, outcome) = what;
        let failure = match outcome {
            _ if !job.runs() => not_running(&job.id),
            SavepointOutcome::Completes | SavepointOutcome::Vanishes => {
                job.catch_up(due, place, around);
                job.complete_asked((taken.id, taken.at, taken.offset), due, place, around);
                self.settle(json!({"checkpointId": taken.id}), due);
                return;
            }
            SavepointOutcome::Fails(why) => why.clone(),
            SavepointOutcome::Hangs => expired(),
        };
        job.checkpoints.fail(taken.id, taken.at, due, None, &failure.message);
        self.settle(completion_failure(&failure), due);
    }

    fn end_stop(
        &mut self,
        due: i64,
        job: &mut Job,
        what: (&Taken, &str, bool, &StopOutcome),
        place: &Place<'_>,
        around: &mut Around,
    ) -> After {
        let (taken, format, drained, outcome) = what;
        let kind = Kind::StopSavepoint { drained };
        if !job.runs() {
            self.fail_savepoint(due, job, (taken, format), &not_running(&job.id));
            return After::Nothing;
        }
        match outcome {
            StopOutcome::Finishes | StopOutcome::Vanishes => {
                put(job, (taken, format), kind, due, place, around);
                job.commit_all(around);
                self.step = Step::Stopping {
                    due: due + millis(place.behaviour.stop_takes),
                    location: taken.path.clone(),
                    vanishes: *outcome == StopOutcome::Vanishes,
                };
            }
            StopOutcome::GoesOn => {
                put(job, (taken, format), kind, due, place, around);
                job.commit_all(around);
                job.count_on(due, place.settings);
                self.settle(json!({"location": taken.path}), due);
            }
            StopOutcome::SavepointFails(why) => {
                job.count_on(due, place.settings);
                self.fail_savepoint(due, job, (taken, format), why);
            }
            StopOutcome::Hangs => {
                job.catch_up(due, place, around);
                job.stand_still(due, place.behaviour);
                job.count_on(due, place.settings);
                self.fail_savepoint(due, job, (taken, format), &expired());
            }
            StopOutcome::FailsAfterwards => {
                put(job, (taken, format), Kind::Savepoint, due, place, around);
                let why = Failure::new(
                    "org.apache.flink.util.FlinkException",
                    "Task local recovery failed while the job was stopping.",
                );
                job.fail(&why, due, place, around);
                self.settle(stopping_failure(&taken.path, &job.id, &why), due);
            }
            StopOutcome::JobManagerDies => {
                put(job, (taken, format), Kind::Savepoint, due, place, around);
                return After::Dies;
            }
            // It was settled when it was asked for.
            StopOutcome::JobIsFaster => {}
        }
        After::Nothing
    }

    fn fail_savepoint(&mut self, due: i64, job: &mut Job, what: (&Taken, &str), why: &Failure) {
        let (taken, format) = what;
        let format = Some(format.to_owned());
        job.checkpoints.fail(taken.id, taken.at, due, format, &why.message);
        self.settle(completion_failure(why), due);
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

fn put(
    job: &mut Job,
    what: (&Taken, &str),
    kind: Kind,
    due: i64,
    place: &Place<'_>,
    around: &mut Around,
) {
    let (taken, format) = what;
    job.catch_up(due, place, around);
    around.store.put(Snapshot {
        path: taken.path.clone(),
        resource: place.resource.to_owned(),
        job_id: job.id.clone(),
        id: taken.id,
        offset: taken.offset,
        kind,
        at_ms: taken.at,
        attempt: job.attempt().unwrap_or(usize::MAX),
    });
    job.checkpoints.note_savepoint(Stat {
        id: taken.id,
        status: Status::Completed,
        format: Some(format.to_owned()),
        kind: if kind == Kind::Savepoint { "SAVEPOINT" } else { "SYNC_SAVEPOINT" },
        triggered: taken.at,
        ended: Some(due),
        path: Some(taken.path.clone()),
        failure: None,
    });
}

/// Why a job whose tasks do not all run takes no snapshot.
pub(super) fn not_running(job: &str) -> Failure {
    Failure::new(
        "org.apache.flink.runtime.checkpoint.CheckpointException",
        &format!(
            "Checkpoint triggering task Source: numbers (1/1) of job {job} is not being executed at the moment. \
             Aborting checkpoint. Failure reason: Not all required tasks are currently running."
        ),
    )
}

fn expired() -> Failure {
    Failure::new(
        "org.apache.flink.runtime.checkpoint.CheckpointException",
        "Checkpoint expired before completing.",
    )
}

/// A failure as the status of an operation shows it: inside of a wrapper.
fn completion_failure(why: &Failure) -> Value {
    let cause = format!("{}: {}", why.class, why.message);
    failure_cause(
        "java.util.concurrent.CompletionException",
        &format!(
            "java.util.concurrent.CompletionException: {cause}\n\
             \tat java.base/java.util.concurrent.CompletableFuture.encodeRelay(CompletableFuture.java:368)\n\
             Caused by: {cause}\n\
             \tat org.apache.flink.runtime.checkpoint.PendingCheckpoint.abort(PendingCheckpoint.java:561)\n"
        ),
    )
}

/// The failure of a stop whose savepoint is good.
fn stopping_failure(path: &str, job: &str, why: &Failure) -> Value {
    let class =
        "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException";
    let message = format!(
        "A savepoint has been created at: {path}, but the corresponding job {job} failed during stopping. The savepoint \
         is consistent, but might have uncommitted transactions. If you want to commit the transaction please restart a \
         job from this savepoint."
    );
    failure_cause(
        "java.util.concurrent.CompletionException",
        &format!(
            "java.util.concurrent.CompletionException: {class}: {message}\n\
             \tat java.base/java.util.concurrent.CompletableFuture.encodeThrowable(CompletableFuture.java:315)\n\
             Caused by: {class}: {message}\n\
             \tat org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointTerminationHandlerImpl.terminateExceptionallyWithGlobalFailover(StopWithSavepointTerminationHandlerImpl.java:150)\n\
             Caused by: {}: {}\n",
            why.class, why.message
        ),
    )
}

/// An exception in an answer.
pub(super) fn failure_cause(class: &str, trace: &str) -> Value {
    json!({"failure-cause": {
        "class": class, "stack-trace": trace, "serialized-throwable": "rO0ABXNyAClvcmcuYXBhY2hl",
    }})
}

/// How long results are kept.
pub(super) fn kept(behaviour: &Behaviour, configured: i64) -> i64 {
    behaviour.operations_kept.map_or(configured, millis)
}
