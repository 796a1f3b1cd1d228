//! How a job is stopped for a change of its spec, and what the next one starts from: the decision alone.
//!
//! The tree is the Java operator's. Beyond it, a running job is stopped only when what the next one starts from is known:
//! see [`Choice::Wait`].

mod without_stop;

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus, UpgradeMode};
use jiff::Timestamp;

use crate::job::restore::RestoreFrom;
use crate::observed::{Asked, Checkpoints, HaData, Seen, is_globally_terminal};

/// How the running job is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopMethod {
    /// It has ended already, or has never begun.
    Ended,
    /// The cluster is deleted, and the job with it.
    DeleteCluster,
    /// The job stops with a savepoint.
    Savepoint,
    /// The job is cancelled, and keeps its checkpoints.
    Cancel,
    /// The cluster is deleted, and its high availability data stay.
    DeleteClusterKeepHaData,
}

/// What has to be seen before there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    HaData,
    Checkpoints,
    CheckpointsOutliveCancellation,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Go {
        stop: StopMethod,
        from: RestoreFrom,
    },
    Ask(Ask),
    /// Something could not be seen.
    Unseen {
        why: String,
    },
    /// Not now; the sentence says what is waited for.
    Wait {
        why: String,
    },
    /// Not without somebody's help.
    Impossible {
        message: String,
    },
}

/// What the choice depends on.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "facts, each independent of the others")]
pub(crate) struct Facts<'a> {
    /// `spec.job.upgradeMode`.
    pub mode: UpgradeMode,
    /// The job's state; `None` and RECONCILING: not known.
    pub job: Option<FlinkJobStatus>,
    /// The main method has failed, so there was no job that could have ended.
    pub main_failed: bool,
    pub job_manager: JobManagerDeploymentStatus,
    /// How long the job's state has been what it is.
    pub state_age: Duration,
    /// When the running job started.
    pub job_started: Option<Timestamp>,
    /// High availability data are kept by the deployed and by the desired spec alike.
    pub keeps_ha_data: bool,
    /// The deployed or the desired spec keeps high availability data, so that there may be some.
    pub may_have_ha_data: bool,
    /// The deployed spec keeps high availability data where nobody can look. They are never taken for absent.
    pub unseen_ha_data: bool,
    /// They are in ZooKeeper, and the desired spec keeps its own there, so that its job can go on from them.
    pub shares_zookeeper: bool,
    pub ha_data: &'a Asked<HaData>,
    pub checkpoints: &'a Asked<Checkpoints>,
    /// The newest savepoint or checkpoint that the status has.
    pub last_known: RestoreFrom,
    pub version_changed: bool,
    pub savepoint_directory: bool,
    pub last_state_fallback: bool,
    pub last_state_cancels: bool,
    pub checkpoint_age_max: Option<Duration>,
    pub checkpoints_outlive_cancellation: &'a Asked<bool>,
    /// How the job that runs was started.
    pub recorded_mode: Option<UpgradeMode>,
    /// No JobManager of the Deployment that stands there has ever answered.
    pub never_available: bool,
    pub now: Timestamp,
}

/// A job whose JobManager does not answer is given this long before a savepoint upgrade goes on without it: a restart of
/// the JobManager, or a busy moment, is no reason to take another way than the user asked for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Chooses.
pub(crate) fn choose(facts: &Facts<'_>) -> Choice {
    match tree(facts) {
        Ok(choice) | Err(choice) => choice,
    }
}

/// `Err` ends the choice early.
type Step<T> = Result<T, Choice>;

fn tree(facts: &Facts<'_>) -> Step<Choice> {
    if facts.mode == UpgradeMode::Stateless {
        let stop = if facts.has_ended() { StopMethod::Ended } else { StopMethod::DeleteCluster };
        return Ok(Choice::Go { stop, from: RestoreFrom::Empty });
    }
    if facts.status_is_the_restore_point()? {
        return Ok(facts.of_status());
    }
    if facts.job == Some(FlinkJobStatus::Cancelling) {
        return Ok(wait("it is being cancelled."));
    }
    if facts.mode != UpgradeMode::LastState {
        if facts.is_running() {
            return Ok(Choice::Go { stop: StopMethod::Savepoint, from: RestoreFrom::Unknown });
        }
        if facts.is_unreachable() && facts.state_age < PATIENCE {
            return Ok(wait("the JobManager does not answer, so no savepoint can be taken now."));
        }
        if !facts.version_changed && !facts.last_state_fallback {
            let waiting = wait(
                "it does not run, so no savepoint can be taken, and \
                 kubernetes.operator.job.upgrade.last-state-fallback.enabled is false.",
            );
            return facts.without_stop(waiting, false);
        }
    }
    if facts.version_changed {
        return if facts.is_running() && facts.savepoint_directory {
            Ok(Choice::Go { stop: StopMethod::Savepoint, from: RestoreFrom::Unknown })
        } else if facts.is_cancellable() {
            facts.cancel()
        } else {
            // High availability data of another version are not read.
            let waiting =
                wait("flinkVersion changes, and the job can be neither stopped nor cancelled now.");
            facts.without_stop(waiting, false)
        };
    }
    let cancel =
        facts.is_cancellable() && (facts.last_state_cancels || !facts.can_leave_ha_data()?);
    if facts.is_running() {
        return facts.by_checkpoint_age(cancel);
    }
    if cancel {
        return facts.cancel();
    }
    facts.without_stop(wait("it can be neither stopped nor cancelled now."), true)
}

fn wait(why: &str) -> Choice {
    Choice::Wait { why: why.to_owned() }
}

impl Facts<'_> {
    fn is_running(&self) -> bool {
        self.job == Some(FlinkJobStatus::Running)
    }

    fn has_ended(&self) -> bool {
        self.job.as_ref().is_some_and(is_globally_terminal)
    }

    fn job_manager_answers(&self) -> bool {
        self.job_manager == JobManagerDeploymentStatus::Ready
    }

    fn is_unreachable(&self) -> bool {
        matches!(self.job, None | Some(FlinkJobStatus::Reconciling))
            && matches!(
                self.job_manager,
                JobManagerDeploymentStatus::Ready
                    | JobManagerDeploymentStatus::DeployedNotReady
                    | JobManagerDeploymentStatus::Deploying
            )
            && !self.never_available
    }

    fn is_cancellable(&self) -> bool {
        self.job
            .as_ref()
            .is_some_and(|job| *job != FlinkJobStatus::Reconciling && !is_globally_terminal(job))
            && self.job_manager_answers()
    }

    /// Whether there is high availability data of a job.
    fn has_ha_data(&self) -> Step<bool> {
        if !self.may_have_ha_data {
            return Ok(false);
        }
        match self.ha_data {
            Asked::Answered(Seen::Present(data)) => Ok(data.job_metadata),
            Asked::Answered(Seen::Absent) => Ok(false),
            Asked::Answered(Seen::Unknown { why }) => Err(Choice::Unseen { why: why.clone() }),
            Asked::NotAsked => Err(Choice::Ask(Ask::HaData)),
        }
    }

    /// Whether there is a checkpoint in the high availability data. In those that nobody can look into there may be one.
    fn has_ha_checkpoint(&self) -> Step<bool> {
        if self.unseen_ha_data {
            return Ok(true);
        }
        Ok(self.has_ha_data()? && self.ha_data.present().is_some_and(|data| data.has_checkpoint))
    }

    /// Whether a job that could be asked to stop can as well be left to its high availability data. Of data that nobody
    /// can look into that is known only while the job runs. Data without a checkpoint are not enough for one that does
    /// not run: it may fail before its JobManager has ended, and nobody sees then what it has come to.
    fn can_leave_ha_data(&self) -> Step<bool> {
        if self.unseen_ha_data {
            return Ok(self.shares_zookeeper && self.is_running());
        }
        if !self.keeps_ha_data {
            return Ok(false);
        }
        if self.is_running() { self.has_ha_data() } else { self.has_ha_checkpoint() }
    }

    fn checkpoints(&self) -> Step<&Checkpoints> {
        static NONE: Checkpoints = Checkpoints { newest: None, in_progress_since: None };
        match self.checkpoints {
            Asked::Answered(Seen::Present(checkpoints)) => Ok(checkpoints),
            Asked::Answered(Seen::Absent) => Ok(&NONE),
            Asked::Answered(Seen::Unknown { why }) => Err(Choice::Unseen { why: why.clone() }),
            Asked::NotAsked => Err(Choice::Ask(Ask::Checkpoints)),
        }
    }

    fn checkpoints_outlive_cancellation(&self) -> Step<bool> {
        match self.checkpoints_outlive_cancellation {
            Asked::Answered(Seen::Present(outlive)) => Ok(*outlive),
            // It takes no checkpoints.
            Asked::Answered(Seen::Absent) => Ok(false),
            Asked::Answered(Seen::Unknown { why }) => Err(Choice::Unseen { why: why.clone() }),
            Asked::NotAsked => Err(Choice::Ask(Ask::CheckpointsOutliveCancellation)),
        }
    }

    /// Whether the job has ended in a way that left its newest state in the status.
    fn status_is_the_restore_point(&self) -> Step<bool> {
        Ok(match self.job {
            Some(FlinkJobStatus::Canceled) => true,
            Some(FlinkJobStatus::Failed | FlinkJobStatus::Finished) => {
                let told = self.job_manager_answers() && !self.main_failed;
                told || self.stays_ended()?
            }
            _ => false,
        })
    }

    /// Whether no JobManager that is about to answer brings the ended job back.
    fn stays_ended(&self) -> Step<bool> {
        if self.unseen_ha_data {
            return Ok(!self.main_failed
                && !matches!(
                    self.job_manager,
                    JobManagerDeploymentStatus::Deploying
                        | JobManagerDeploymentStatus::DeployedNotReady
                ));
        }
        Ok(!self.has_ha_data()?)
    }

    fn of_status(&self) -> Choice {
        match &self.last_known {
            RestoreFrom::HaMetadata | RestoreFrom::Unknown => Choice::Impossible {
                message: "The job has ended, and there is no checkpoint that it can go on from: its restore has failed, \
                          or Flink has deleted its checkpoints when it ended. Manual restore required: set \
                          spec.job.initialSavepointPath and a new spec.job.savepointRedeployNonce; or \
                          spec.job.upgradeMode stateless, to start empty."
                    .to_owned(),
            },
            RestoreFrom::Empty | RestoreFrom::NoState | RestoreFrom::Path(_) => {
                Choice::Go { stop: StopMethod::Ended, from: self.last_known.clone() }
            }
        }
    }

    /// Cancels the job if that keeps a checkpoint to go on from.
    fn cancel(&self) -> Step<Choice> {
        let checkpoints = self.checkpoints()?;
        let Some(newest) = &checkpoints.newest else {
            return self.cancel_without_checkpoint();
        };
        if let Some(path) = &newest.path
            && (newest.is_savepoint || self.checkpoints_outlive_cancellation()?)
        {
            let from = RestoreFrom::Path(path.clone());
            return Ok(Choice::Go { stop: StopMethod::Cancel, from });
        }
        if self.is_running() && self.savepoint_directory {
            return Ok(Choice::Go { stop: StopMethod::Savepoint, from: RestoreFrom::Unknown });
        }
        Ok(wait(if newest.path.is_none() {
            "its checkpoints are in the JobManager's memory only. Set execution.checkpointing.dir with upgradeMode \
             stateless, or execution.checkpointing.savepoint-dir."
        } else {
            "Flink deletes its checkpoints when it is cancelled \
             (execution.checkpointing.externalized-checkpoint-retention, or the same setting in the program), and no \
             savepoint can be taken now."
        }))
    }

    /// The same of a job that has completed no checkpoint, and was restored from none yet.
    fn cancel_without_checkpoint(&self) -> Step<Choice> {
        if self.is_running() {
            return Ok(no_checkpoint_yet());
        }
        let restoring =
            || wait("it is being restored, and does not say from which checkpoint yet.");
        // Whatever it was started from: a JobManager may have brought it back from something newer.
        if self.job == Some(FlinkJobStatus::Initializing) && self.has_ha_checkpoint()? {
            return self.without_stop(restoring(), !self.version_changed);
        }
        match &self.last_known {
            // It was to start from there, and has not come so far. One that does not run has nothing in memory either.
            RestoreFrom::Empty | RestoreFrom::NoState | RestoreFrom::Path(_) => {
                Ok(Choice::Go { stop: StopMethod::Cancel, from: self.last_known.clone() })
            }
            RestoreFrom::HaMetadata | RestoreFrom::Unknown => {
                self.without_stop(restoring(), !self.version_changed)
            }
        }
    }

    /// A running job of mode last-state: if the last checkpoint is too old, a savepoint is taken instead.
    fn by_checkpoint_age(&self, cancel: bool) -> Step<Choice> {
        let Some(age_max) = self.checkpoint_age_max else { return self.last_state(cancel) };
        let is_young = |at: Option<Timestamp>| {
            at.is_some_and(|at| {
                Duration::try_from(self.now.duration_since(at)).unwrap_or_default() <= age_max
            })
        };
        if is_young(self.job_started) {
            return self.last_state(cancel);
        }
        let checkpoints = self.checkpoints()?;
        if checkpoints.newest.as_ref().is_some_and(|newest| is_young(newest.at)) {
            return self.last_state(cancel);
        }
        Ok(if is_young(checkpoints.in_progress_since) {
            wait("its last checkpoint is too old, and the next one is under way.")
        } else {
            Choice::Go { stop: StopMethod::Savepoint, from: RestoreFrom::Unknown }
        })
    }

    fn last_state(&self, cancel: bool) -> Step<Choice> {
        if cancel {
            return self.cancel();
        }
        let has_checkpoint = if self.unseen_ha_data {
            self.checkpoints()?.newest.is_some()
        } else {
            self.ha_data.present().is_some_and(|data| data.has_checkpoint)
        };
        Ok(if has_checkpoint {
            Choice::Go { stop: StopMethod::DeleteClusterKeepHaData, from: RestoreFrom::HaMetadata }
        } else {
            no_checkpoint_yet()
        })
    }
}

fn no_checkpoint_yet() -> Choice {
    wait(
        "it has not completed a checkpoint yet, and stopping it now would lose its state. It goes on with the first \
         checkpoint; with upgradeMode stateless at once, and empty. A job that runs without \
         execution.checkpointing.interval takes none: with upgradeMode savepoint it is stopped with a savepoint.",
    )
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "cases read best with their values in place")]
mod tests;
