//! What Flink is asked to do with a job.

use std::collections::BTreeMap;

use flink_operator_core::conf::options::operator::resource::CheckpointType;
use flink_operator_core::observed::Parallelism;
use flink_operator_core::reconcile::decision::SavepointRequest;
use flink_rest::savepoints::StopMode;

use super::error::ExecuteError;
use crate::flink_api::{AskError, FlinkApi};
use crate::rest_gate::without_slot;

/// The next pass observes what has become of it. A deletion has a deadline of its own.
pub(super) async fn cancel(flink: &FlinkApi, job_id: &str) {
    log("cancel the job", without_slot(flink.cancel(job_id)).await);
}

/// The request is recorded, and the next pass observes what has become of it. So it is with savepoints and checkpoints.
pub(super) async fn stop(
    flink: &FlinkApi,
    job_id: &str,
    savepoint: &SavepointRequest,
    mode: StopMode,
) {
    log("stop the job", without_slot(flink.stop(job_id, savepoint, mode)).await);
}

pub(super) async fn trigger_savepoint(
    flink: &FlinkApi,
    job_id: &str,
    savepoint: &SavepointRequest,
) {
    log("take a savepoint", without_slot(flink.trigger_savepoint(job_id, savepoint)).await);
}

pub(super) async fn trigger_checkpoint(
    flink: &FlinkApi,
    job_id: &str,
    trigger_id: &str,
    kind: CheckpointType,
) {
    log(
        "take a checkpoint",
        without_slot(flink.trigger_checkpoint(job_id, trigger_id, kind)).await,
    );
}

pub(super) async fn rescale(
    flink: &FlinkApi,
    job_id: &str,
    bounds: &BTreeMap<String, Parallelism>,
) -> Result<(), ExecuteError> {
    without_slot(flink.rescale(job_id, bounds)).await.map_err(|source| {
        if source.is_refusal() {
            ExecuteError::NotRescaled { source }
        } else {
            // The next pass observes which parallelism the job has.
            ExecuteError::Flink { doing: "rescale the running job", source }
        }
    })
}

pub(super) async fn dispose_savepoint(flink: &FlinkApi, path: &str) -> Result<(), ExecuteError> {
    let disposed = without_slot(flink.dispose(path)).await;
    disposed.map_err(|source| ExecuteError::Flink { doing: "dispose of a savepoint", source })
}

fn log(doing: &str, outcome: Result<(), AskError>) {
    if let Err(error) = outcome {
        tracing::info!(
            doing,
            error = &error as &dyn std::error::Error,
            "a request to Flink has failed"
        );
    }
}
