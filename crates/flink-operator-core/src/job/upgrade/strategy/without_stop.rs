//! A job that cannot be asked to stop: its JobManager does not answer, or is gone.

use flink_operator_api::{JobManagerDeploymentStatus, UpgradeMode};

use crate::job::restore::RestoreFrom;
use crate::job::upgrade::strategy::{Choice, Facts, Step, StopMethod, wait};

impl Facts<'_> {
    /// The job cannot be asked to stop: what can be done without it, or `otherwise`.
    pub(super) fn without_stop(&self, otherwise: Choice, may_use_ha_data: bool) -> Step<Choice> {
        if self.unseen_ha_data {
            return Ok(self.without_stop_and_ha_data_unseen(otherwise, may_use_ha_data));
        }
        if may_use_ha_data && self.keeps_ha_data && self.has_ha_data()? {
            let has_checkpoint = self.ha_data.present().is_some_and(|data| data.has_checkpoint);
            if !has_checkpoint
                && self.last_known.path().is_some()
                && self.recorded_mode == Some(UpgradeMode::Savepoint)
            {
                // Started from a path, no checkpoint since: restore from the same path.
                let from = self.last_known.clone();
                return Ok(Choice::Go { stop: StopMethod::DeleteCluster, from });
            }
            return Ok(Choice::Go {
                stop: StopMethod::DeleteClusterKeepHaData,
                from: RestoreFrom::HaMetadata,
            });
        }
        let stands = self.job_manager != JobManagerDeploymentStatus::Missing;
        if stands
            && self.never_available
            && self.recorded_mode != Some(UpgradeMode::LastState)
            && !self.has_ha_data()?
        {
            // It has never run, so where it was to start from is still where to start from.
            return Ok(self.of_status());
        }
        let down = matches!(
            self.job_manager,
            JobManagerDeploymentStatus::Missing | JobManagerDeploymentStatus::Error
        );
        if down && !self.has_ha_data()? {
            return Ok(Choice::Impossible {
                message: "The JobManager is gone, and HA metadata is not available, so the job's last state is not \
                          known. Manual restore required: set spec.job.initialSavepointPath and a new \
                          spec.job.savepointRedeployNonce."
                    .to_owned(),
            });
        }
        Ok(otherwise)
    }

    /// The same for a job whose high availability data nobody can look into.
    fn without_stop_and_ha_data_unseen(&self, otherwise: Choice, may_use_ha_data: bool) -> Choice {
        if self.has_ended() {
            return wait("it has ended, and its JobManager does not answer yet.");
        }
        let stands = self.job_manager != JobManagerDeploymentStatus::Missing;
        if stands && self.never_available && self.recorded_mode != Some(UpgradeMode::LastState) {
            return self.of_status();
        }
        if may_use_ha_data && self.shares_zookeeper {
            // If there is no checkpoint after all, Flink fails, and does not start empty.
            return Choice::Go {
                stop: StopMethod::DeleteClusterKeepHaData,
                from: RestoreFrom::HaMetadata,
            };
        }
        otherwise
    }
}
