//! What a job begins from: the newest checkpoint that is known, a path, or nothing.

use super::{Job, Place, Stage};
use crate::around::Around;
use crate::behaviour::{Failure, MissingState, millis};
use crate::checkpoints::Restored;
use crate::ha::Pointer;
use crate::ledger::Cause;
use crate::store::{self, Kind};

/// How a JobManager ends that cannot set up a job of an earlier one: a job that was submitted has FAILED instead.
const FATAL: i32 = 239;
/// The exception of a job that cannot be set up.
const INITIALISATION: &str = "org.apache.flink.runtime.client.JobInitializationException";

impl Job {
    pub(super) fn initialise(&mut self, at: i64, place: &Place<'_>, around: &mut Around) {
        let recovery_fails = place.behaviour.recovery_fails.as_ref().filter(|_| self.is_recovered);
        if let Some(failure) = recovery_fails.or(place.behaviour.job_fails.as_ref()) {
            let failure = failure.clone();
            let trace = format!(
                "org.apache.flink.runtime.client.JobInitializationException: Could not start the JobMaster.\n\
                 \tat org.apache.flink.runtime.jobmaster.DefaultJobMasterServiceProcess.lambda$new$0(DefaultJobMasterServiceProcess.java:97)\n\
                 Caused by: {}",
                failure.trace()
            );
            if self.is_recovered {
                self.fatal = Some((FATAL, trace));
                return;
            }
            self.failure = Some((INITIALISATION.to_owned(), trace));
            self.end("FAILED", at, place, around);
            return;
        }
        match self.find_state(at, place, around) {
            Ok(()) => {
                self.enter("CREATED", at);
                self.stage = Stage::Created { until: at + millis(place.behaviour.job_creation) };
            }
            Err(path) => {
                let trace = missing_trace(&path);
                match place.behaviour.missing_state {
                    MissingState::FailsTheJob => {
                        self.failure = Some((INITIALISATION.to_owned(), trace));
                        self.end("FAILED", at, place, around);
                    }
                    MissingState::EndsTheJobManager => self.fatal = Some((1, trace)),
                }
            }
        }
    }

    /// Finds what the job begins from: the newest completed checkpoint that the metadata knows, else what it was told.
    pub(super) fn find_state(
        &mut self,
        at: i64,
        place: &Place<'_>,
        around: &mut Around,
    ) -> Result<(), String> {
        let (pointers, next) = match place.metadata {
            Some(metadata) => metadata.pointers(around, &self.id),
            None => (Vec::new(), 1),
        };
        self.checkpoints.next_id = next;
        if let Some(newest) = pointers.last() {
            let path = newest.path.clone();
            let is_savepoint = self.restore(&path, around)?;
            self.checkpoints.written = (newest.id, at);
            self.note_restored(newest.id, &path, is_savepoint, at);
            self.checkpoints.kept = pointers.into();
            return Ok(());
        }
        let Some(path) = self.restore_path.clone() else { return Ok(()) };
        let is_savepoint = self.restore(&path, around)?;
        let Some(found) = around.store.get(&path) else { return Err(path) };
        let (id, path) = (found.id, found.path.clone());
        self.checkpoints.next_id = next.max(id + 1);
        // What it began from is the first thing to go on from.
        let pointer = Pointer { id, path: path.clone(), owned: place.settings.claims };
        self.checkpoints.keep(pointer, place.settings.retained, around);
        self.note_restored(id, &path, is_savepoint, at);
        self.write(at, place, around);
        Ok(())
    }

    pub(super) fn note_restored(&mut self, id: i64, path: &str, is_savepoint: bool, at: i64) {
        self.checkpoints.restored_count += 1;
        self.checkpoints.restored = Some(Restored { id, path: path.to_owned(), is_savepoint, at });
    }

    /// Takes over a snapshot: its offset, and what its sink still had to commit.
    pub(super) fn restore(&mut self, path: &str, around: &mut Around) -> Result<bool, String> {
        let found = around.store.get(path).cloned().ok_or_else(|| path.to_owned())?;
        self.offset = found.offset;
        self.since = None;
        self.restored_path = Some(found.path.clone());
        around.ledger.commit(found.attempt, found.offset);
        Ok(found.kind != Kind::Checkpoint)
    }

    pub(super) fn restore_again(&mut self, at: i64, place: &Place<'_>, around: &mut Around) {
        self.cause = Cause::Restart;
        if let Some(pointer) = self.checkpoints.kept.back().cloned() {
            match self.restore(&pointer.path, around) {
                Ok(is_savepoint) => {
                    self.note_restored(pointer.id, &pointer.path, is_savepoint, at);
                }
                Err(path) => {
                    let failure = Failure::new("java.io.FileNotFoundException", &missing(&path));
                    self.fail(&failure, at, place, around);
                    return;
                }
            }
        } else {
            self.offset = 0;
            self.restored_path = None;
        }
        self.enter("CREATED", at);
        self.stage = Stage::Created { until: at };
    }
}

fn missing(path: &str) -> String {
    let scheme = store::normal(path);
    let scheme = scheme.split_once(':').map_or("file", |(scheme, _)| scheme).to_owned();
    format!(
        "Cannot find checkpoint or savepoint file/directory '{path}' on file system '{scheme}'."
    )
}

fn missing_trace(path: &str) -> String {
    let cause = format!("java.io.FileNotFoundException: {}", missing(path));
    format!(
        "{INITIALISATION}: Could not start the JobMaster.\n\
         \tat org.apache.flink.runtime.jobmaster.DefaultJobMasterServiceProcess.lambda$new$0(DefaultJobMasterServiceProcess.java:97)\n\
         Caused by: java.util.concurrent.CompletionException: java.lang.RuntimeException: {cause}\n\
         \tat java.base/java.util.concurrent.CompletableFuture.encodeThrowable(CompletableFuture.java:315)\n\
         Caused by: java.lang.RuntimeException: {cause}\n\
         \tat org.apache.flink.util.ExceptionUtils.rethrow(ExceptionUtils.java:321)\n\
         Caused by: {cause}\n\
         \tat org.apache.flink.runtime.state.filesystem.AbstractFsCheckpointStorageAccess.resolveCheckpointPointer(AbstractFsCheckpointStorageAccess.java:275)\n"
    )
}
