//! There is one cluster of a resource, and what belongs to somebody else is left alone.

use crate::invariants::broken::BrokenInvariant;
use crate::invariants::view::{Check, is_replacing};
use crate::observed::{JobManagerDeployment, Owner, Seen};

impl Check<'_> {
    pub(super) fn our_deployment(
        &self,
        action: &'static str,
        uid: &str,
    ) -> Result<(), BrokenInvariant> {
        match &self.observed.job_manager {
            Seen::Present(JobManagerDeployment { owner: Owner::Other { described }, .. }) => {
                Err(BrokenInvariant::NotOurs { owner: described.clone() })
            }
            Seen::Present(found) if found.uid == uid => Ok(()),
            Seen::Present(_) | Seen::Absent => {
                Err(BrokenInvariant::UidNotSeen { uid: uid.to_owned() })
            }
            Seen::Unknown { why } => {
                Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() })
            }
        }
    }

    pub(super) fn no_cluster(&self, action: &'static str) -> Result<(), BrokenInvariant> {
        match &self.observed.job_manager {
            Seen::Absent => {}
            Seen::Present(found) => {
                let found = format!("the Deployment with uid {}", found.uid);
                return Err(BrokenInvariant::SecondCluster { found });
            }
            Seen::Unknown { why } => {
                return Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() });
            }
        }
        // A cluster whose Deployment somebody else has deleted comes back at once, while its pods may still end. One that
        // the operator replaces has to be gone.
        let is_under_way = self.resource.status.as_ref().is_some_and(is_replacing);
        match self.observed.pods.iter().find(|pod| pod.failed.is_none()) {
            Some(pod) if is_under_way => {
                Err(BrokenInvariant::SecondCluster { found: format!("the pod {}", pod.name) })
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn nothing_is_left(&self) -> Result<(), BrokenInvariant> {
        self.is_being_deleted()?;
        let action = "removing the finalizer";
        if let Seen::Unknown { why } = &self.observed.job_manager {
            return Err(BrokenInvariant::ActedOnUnknown { action, unknown: why.clone() });
        }
        if self.standing().is_some() {
            let why = "the cluster stands";
            return Err(BrokenInvariant::FinalizerTooEarly { why });
        }
        let is_ours =
            self.observed.job_manager.present().is_none_or(|found| found.owner == Owner::This);
        let recorded = self.status.reconciliation_status.last_reconciled_spec.is_some();
        let left = self.observed.ha_data.present();
        if is_ours && recorded && left.is_some_and(|data| !data.config_maps.is_empty()) {
            let why = "high availability data are left";
            return Err(BrokenInvariant::FinalizerTooEarly { why });
        }
        Ok(())
    }
}
