//! How the tasks of a job end, and the job itself.

use super::{Job, Place, Stage};
use crate::around::{Around, timestamp};
use crate::behaviour::{Failure, millis};
use crate::ha::Pointer;

impl Job {
    /// The tasks end.
    pub(super) fn leave(
        &mut self,
        at: i64,
        how: &'static str,
        place: &Place<'_>,
        around: &mut Around,
    ) {
        self.catch_up(at, place, around);
        self.stand_still(at, place.behaviour);
        self.checkpoints.suspend(at);
        self.running_since = None;
        if let Some(attempt) = self.attempt.take() {
            around.ledger.end(attempt, timestamp(at), how);
            self.last_attempt = Some(attempt);
        }
    }

    /// The tasks fail: they are started again, if that is allowed.
    pub(crate) fn fail(
        &mut self,
        failure: &Failure,
        at: i64,
        place: &Place<'_>,
        around: &mut Around,
    ) {
        if self.has_ended() {
            return;
        }
        self.failures.push((at, failure.clone()));
        let restarts = place.settings.restarts;
        if restarts.attempts.is_some_and(|attempts| self.restarts >= attempts) {
            let trace = format!(
                "org.apache.flink.runtime.JobException: Recovery is suppressed by {}\n\
                 \tat org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(ExecutionFailureHandler.java:219)\n\
                 Caused by: {}",
                if restarts.attempts == Some(0) {
                    "NoRestartBackoffTimeStrategy".to_owned()
                } else {
                    format!(
                        "FixedDelayRestartBackoffTimeStrategy(maxNumberRestartAttempts={}, backoffTimeMS={})",
                        self.restarts, restarts.delay_ms
                    )
                },
                failure.trace()
            );
            self.failure = Some(("org.apache.flink.runtime.JobException".to_owned(), trace));
            self.end("FAILED", at, place, around);
            return;
        }
        self.restarts += 1;
        self.leave(at, "RESTARTING", place, around);
        self.enter("RESTARTING", at);
        self.stage = Stage::Restarting { until: at + restarts.delay_ms };
    }

    /// Begins to cancel.
    pub(crate) fn cancel(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        if matches!(self.stage, Stage::Cancelling { .. } | Stage::Ended) {
            return;
        }
        self.leave(now, "CANCELED", place, around);
        self.enter("CANCELLING", now);
        self.stage = Stage::Cancelling { until: now + millis(place.behaviour.cancel_takes) };
    }

    /// Its tasks finish: it is at its end.
    pub(crate) fn finish(&mut self, until: i64) {
        self.stage = Stage::Finishing { until };
    }

    pub(super) fn end(
        &mut self,
        how: &'static str,
        at: i64,
        place: &Place<'_>,
        around: &mut Around,
    ) {
        self.leave(at, how, place, around);
        self.enter(how, at);
        self.ended = Some(at);
        self.stage = Stage::Ended;
        if let Some((class, trace)) = self.failure.clone() {
            let message = trace.lines().next().unwrap_or_default();
            let message = message.strip_prefix(&format!("{class}: ")).unwrap_or(message);
            if self.failures.is_empty() {
                self.failures.push((at, Failure::new(&class, message)));
            }
        }
    }

    /// Once a job has ended for good, its metadata goes, and its result is written down.
    pub(super) fn clean(&mut self, place: &Place<'_>, around: &mut Around) {
        if !self.has_ended() || self.is_cleaned {
            return;
        }
        self.is_cleaned = true;
        self.checkpoints.discard(self.state, place.settings, around);
        if let Some(metadata) = place.metadata {
            metadata.remove_job(around, &self.id);
        }
        if let Some(folder) = &place.settings.results_path {
            around.store.put_result(folder, &self.id, self.state);
            if place.settings.deletes_results {
                around.store.remove_result(folder, &self.id);
            }
        }
    }

    /// The JobManager ends: the tasks end with it, and the job does not.
    pub(crate) fn abandon(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        if self.has_ended() {
            return;
        }
        self.catch_up(now, place, around);
        self.write(now, place, around);
        self.leave(now, "JobManager", place, around);
    }

    pub(super) fn write_if_due(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        let (_, at) = self.checkpoints.written;
        if now - at >= millis(place.behaviour.metadata_pause) {
            self.write(now, place, around);
        }
    }

    /// Writes the completed checkpoints into the metadata, if there are others than were written.
    pub(crate) fn write(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        let newest = self.checkpoints.kept.back().map_or(0, |pointer| pointer.id);
        let (written, _) = self.checkpoints.written;
        if let Some(metadata) = place.metadata
            && newest > written
        {
            let pointers: Vec<Pointer> = self.checkpoints.kept.iter().cloned().collect();
            metadata.point(around, &self.id, self.checkpoints.next_id, &pointers);
            self.checkpoints.written = (newest, now);
        }
    }
}
