//! Clusters that do not do what they are asked for, and answers that do not come.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_flink::behaviour::{
    Behaviour, Failure, Flapping, JobManagerExit, SavepointOutcome, StopOutcome,
};

use super::steps::{change, changed, goes_on, running};
use super::{Scenario, both, once};
use crate::explore::application::{RESOURCE, Version, configured, with_ha};
use crate::explore::stage::{self, Stage, Stuck};

fn failure() -> Failure {
    Failure::new("java.io.IOException", "the store does not answer")
}

/// Flink gives a savepoint up after a minute, not after ten.
fn impatient(version: Version, upgrade_mode: &str) -> Value {
    configured(with_ha(version, upgrade_mode), &json!({"execution.checkpointing.timeout": "1 min"}))
}

/// An upgrade whose first stop with a savepoint comes to this.
async fn stopped(stage: &Stage, version: Version, outcome: StopOutcome) -> Result<(), Stuck> {
    running(stage, impatient(version, "savepoint")).await?;
    stage.flink.next_stop(RESOURCE, outcome);
    changed(stage).await
}

/// A savepoint that a user asks for while the cluster behaves so.
async fn asked(
    stage: &Stage,
    resource: Value,
    nonce: &str,
    misbehave: impl FnOnce(&Stage),
) -> Result<(), Stuck> {
    running(stage, resource).await?;
    misbehave(stage);
    stage.edit(json!({"spec": {"job": {nonce: 7}}})).await?;
    // What comes of it may be told in an event alone, and events may get lost.
    stage.pass(Duration::from_mins(4)).await;
    stage.until_running().await
}

/// An upgrade of a cluster that behaves so from then on.
async fn upgraded(
    stage: &Stage,
    resource: Value,
    misbehave: impl FnOnce(&mut Behaviour),
) -> Result<(), Stuck> {
    running(stage, resource).await?;
    stage.flink.change(RESOURCE, misbehave);
    changed(stage).await
}

pub(super) const SCENARIOS: &[Scenario] = &[
    once("stop-hangs", |stage, version| Box::pin(stopped(stage, version, StopOutcome::Hangs))),
    once("stop-never-ends", |stage, version| {
        Box::pin(async move {
            running(stage, impatient(version, "savepoint")).await?;
            stage.flink.next_stop(RESOURCE, StopOutcome::NeverEnds);
            stage.edit(change()).await?;
            stage
                .until("the delay to be told, or the change made with somebody else's", |found| {
                    let status = found.and_then(|resource| resource.status.as_ref());
                    let error = status.and_then(|status| status.error.as_ref());
                    error.is_some_and(|error| error.contains("is awaited"))
                        || found.is_some_and(stage::is_observed)
                })
                .await?;
            // Only the user can say that what the job has done since does not count.
            stage.allow_rewind();
            stage
                .edit(json!({"spec": {"restartNonce": 1, "job": {"upgradeMode": "stateless"}}}))
                .await?;
            goes_on(stage).await
        })
    }),
    once("stop-whose-files-vanish", |stage, version| {
        Box::pin(async move {
            running(stage, impatient(version, "savepoint")).await?;
            stage.flink.next_stop(RESOURCE, StopOutcome::Vanishes);
            stage.edit(change()).await?;
            stage.until_failed_or_running().await?;
            let by_hand = "s3://state/savepoints/by-hand";
            stage.put_savepoint(by_hand, 12_345);
            stage.allow_rewind();
            stage
                .edit(json!({"spec": {"job": {
                    "initialSavepointPath": by_hand, "savepointRedeployNonce": 1,
                }}}))
                .await?;
            goes_on(stage).await
        })
    }),
    once("savepoint-by-nonce-never-ends-and-an-upgrade-follows", |stage, version| {
        Box::pin(async move {
            let resource = impatient(version, "savepoint");
            asked(stage, resource, "savepointTriggerNonce", |stage| {
                stage.flink.next_savepoint(RESOURCE, SavepointOutcome::NeverEnds);
            })
            .await?;
            changed(stage).await
        })
    }),
    once("stop-fails-after-its-savepoint", |stage, version| {
        Box::pin(stopped(stage, version, StopOutcome::FailsAfterwards))
    }),
    once("job-goes-on-after-its-savepoint", |stage, version| {
        Box::pin(stopped(stage, version, StopOutcome::GoesOn))
    }),
    once("job-finishes-before-its-stop", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "savepoint")).await?;
            stage.flink.next_stop(RESOURCE, StopOutcome::JobIsFaster);
            stage.edit(change()).await?;
            // Flink has removed the checkpoints of a job that has FINISHED: only the user can say that it begins anew.
            stage.until_held_or_running().await?;
            stage.allow_rewind();
            stage
                .edit(json!({"spec": {"restartNonce": 1, "job": {"upgradeMode": "stateless"}}}))
                .await?;
            goes_on(stage).await
        })
    }),
    both("job-manager-dies-with-the-path", |stage, version| {
        Box::pin(stopped(stage, version, StopOutcome::JobManagerDies))
    }),
    once("stop-is-forgotten", |stage, version| {
        Box::pin(upgraded(stage, impatient(version, "savepoint"), |behaviour| {
            behaviour.operations_kept = Some(Duration::from_millis(100));
        }))
    }),
    once("savepoint-by-nonce-fails", |stage, version| {
        let resource = impatient(version, "last-state");
        Box::pin(asked(stage, resource, "savepointTriggerNonce", |stage| {
            stage.flink.next_savepoint(RESOURCE, SavepointOutcome::Fails(failure()));
        }))
    }),
    once("savepoint-by-nonce-hangs", |stage, version| {
        let resource = impatient(version, "last-state");
        Box::pin(asked(stage, resource, "savepointTriggerNonce", |stage| {
            stage.flink.next_savepoint(RESOURCE, SavepointOutcome::Hangs);
        }))
    }),
    once("savepoint-by-nonce-is-forgotten", |stage, version| {
        let resource = impatient(version, "last-state");
        Box::pin(asked(stage, resource, "savepointTriggerNonce", |stage| {
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.operations_kept = Some(Duration::from_millis(100));
            });
        }))
    }),
    once("checkpoint-by-nonce-fails", |stage, version| {
        let resource = impatient(version, "last-state");
        Box::pin(asked(stage, resource, "checkpointTriggerNonce", |stage| {
            stage.flink.next_savepoint(RESOURCE, SavepointOutcome::Fails(failure()));
        }))
    }),
    once("cancel-is-ignored-in-an-upgrade", |stage, version| {
        let resource = configured(
            with_ha(version, "last-state"),
            &json!({"kubernetes.operator.job.upgrade.last-state.job-cancel.enabled": "true"}),
        );
        Box::pin(upgraded(stage, resource, |behaviour| {
            behaviour.cancel_ignored = Duration::from_mins(3);
        }))
    }),
    once("delete-with-cancel-that-is-ignored", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.cancel_ignored = Duration::from_hours(1);
            });
            stage.delete().await?;
            stage.until_gone().await
        })
    }),
    once("jobs-are-hidden-during-recovery", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.overview_empty = Duration::from_secs(30);
            });
            stage.kill_job_manager();
            stage.pass(Duration::from_secs(1)).await;
            goes_on(stage).await
        })
    }),
    once("job-flaps", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "last-state")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.flapping = Some(Flapping {
                    runs: Duration::from_secs(5),
                    failure: failure(),
                    shows_failed: false,
                });
            });
            stage.pass(Duration::from_mins(1)).await;
            stage.flink.change(RESOURCE, |behaviour| behaviour.flapping = None);
            goes_on(stage).await
        })
    }),
    once("state-that-nobody-knows", |stage, version| {
        Box::pin(async move {
            running(stage, with_ha(version, "savepoint")).await?;
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.shown_state = Some("HIBERNATING".to_owned());
            });
            stage.pass(Duration::from_mins(1)).await;
            stage.edit(change()).await?;
            stage.pass(Duration::from_mins(1)).await;
            stage.flink.change(RESOURCE, |behaviour| behaviour.shown_state = None);
            goes_on(stage).await
        })
    }),
    once("answers-beside-the-point-are-errors", |stage, version| {
        Box::pin(upgraded(stage, with_ha(version, "savepoint"), |behaviour| {
            for site in [
                "GET /config",
                "GET /taskmanagers",
                "GET /jobs/:id/exceptions",
                "GET /jobs/:id/checkpoints",
            ] {
                behaviour.broken.insert(site, 500);
            }
        }))
    }),
    once("answers-take-up-to-a-minute", |stage, version| {
        Box::pin(upgraded(stage, with_ha(version, "last-state"), |behaviour| {
            behaviour.slow.insert("GET /jobs/overview", Duration::from_secs(1));
            behaviour.slow.insert("GET /jobs/:id/checkpoints", Duration::from_secs(9));
            behaviour.slow.insert("GET /config", Duration::from_mins(1));
            behaviour.slow.insert("GET /taskmanagers", Duration::from_mins(1));
            behaviour.slow.insert("GET /jobs/:id/exceptions", Duration::from_mins(1));
        }))
    }),
    once("job-manager-crashes-then-starts", |stage, version| {
        Box::pin(async move {
            stage.flink.change(RESOURCE, |behaviour| {
                behaviour.job_manager_exit = Some(JobManagerExit {
                    after: Duration::from_secs(1),
                    code: 1,
                    message: "java.lang.Exception: no main class".to_owned(),
                });
            });
            stage.create(with_ha(version, "last-state")).await?;
            stage.until_error().await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.job_manager_exit = None);
            goes_on(stage).await
        })
    }),
    once("job-fails-before-its-tasks-are-made", |stage, version| {
        Box::pin(async move {
            stage.flink.change(RESOURCE, |behaviour| behaviour.job_fails = Some(failure()));
            stage.create(with_ha(version, "last-state")).await?;
            stage.until_failed().await?;
            stage.flink.change(RESOURCE, |behaviour| behaviour.job_fails = None);
            stage.edit(change()).await?;
            stage.until_running().await
        })
    }),
];
