//! What operations come to.

use serde_json::{Value, json};

use super::{After, Operation, Step, Taken};
use crate::around::Around;
use crate::behaviour::{Failure, SavepointOutcome, StopOutcome, millis};
use crate::checkpoints::{Stat, Status};
use crate::job::{Job, Place};
use crate::store::{Kind, Snapshot};

impl Operation {
    pub(super) fn due(&self) -> Option<i64> {
        match &self.step {
            Step::Savepoint { due, .. }
            | Step::Stop { due, .. }
            | Step::Stopping { due, .. }
            | Step::Checkpoint { due, .. } => Some(*due),
            Step::Done => None,
        }
    }

    pub(super) fn settle(&mut self, result: Value, at: i64) {
        self.result = Some((result, at));
        self.step = Step::Done;
    }

    pub(super) fn advance(
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
            SavepointOutcome::Hangs | SavepointOutcome::NeverEnds => {
                self.fail_savepoint(due, job, (taken, format), &expired());
            }
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
            SavepointOutcome::Hangs | SavepointOutcome::NeverEnds => expired(),
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
            StopOutcome::Hangs | StopOutcome::NeverEnds => {
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
        resource: place.lineage.to_owned(),
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
pub(crate) fn not_running(job: &str) -> Failure {
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
pub(super) fn completion_failure(why: &Failure) -> Value {
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
pub(crate) fn failure_cause(class: &str, trace: &str) -> Value {
    json!({"failure-cause": {
        "class": class, "stack-trace": trace, "serialized-throwable": "rO0ABXNyAClvcmcuYXBhY2hl",
    }})
}
