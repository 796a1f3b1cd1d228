//! Who leads: how a JobManager becomes the leader, and how it ends to be one.

use super::{Phase, Process, place};
use crate::around::Around;
use crate::behaviour::{Behaviour, LeaderLost};
use crate::ha::Lease;
use crate::settings::Availability;
use crate::task_managers;

impl Process {
    pub(super) fn try_to_lead(&mut self, behaviour: &Behaviour, around: &mut Around) {
        let now = around.now;
        if let (Availability::Kubernetes { lease_ms }, Some(metadata)) =
            (self.settings.availability, &self.metadata)
        {
            let lease = around.leases.get(&self.resource).cloned();
            if let Some(lease) = &lease
                && metadata.has_cluster_map(around)
                && lease.free_at(lease_ms).is_none_or(|free| free > now)
            {
                return;
            }
            let transitions = lease.map_or(0, |lease| lease.transitions + 1);
            let lease = Lease { holder: self.number, acquired: now, ended: None, transitions };
            let holder = around.ids.uid();
            metadata.lead(around, &lease, (&holder, &self.session), &self.pod.ip);
            around.leases.insert(self.resource.clone(), lease);
        }
        self.phase = Phase::Leading;
        self.led_since = now;
        self.idle_since = Some(now);
        self.task_managers = (task_managers::next_attempt(self, around), 0);
        if self.settings.is_application() {
            self.submit_application(behaviour, around);
        } else {
            self.recover_jobs(behaviour, around);
        }
    }

    /// Somebody deleted a ConfigMap of the metadata. Whether the JobManager ends of it.
    pub(crate) fn lose_metadata(&mut self, name: &str, around: &mut Around) -> bool {
        let Some(metadata) = self.metadata.clone() else { return false };
        if self.phase != Phase::Leading {
            return false;
        }
        if metadata.is_cluster_map(name) {
            if around.behaviours.of(&self.resource).leader_lost == LeaderLost::Ends {
                return true;
            }
            if let Some(lease) = around.leases.get(&self.resource).cloned() {
                let holder = around.ids.uid();
                metadata.lead(around, &lease, (&holder, &self.session), &self.pod.ip);
            }
            return false;
        }
        let job = self.jobs.iter().find(|job| metadata.is_job_map(name, &job.id));
        if let Some(id) = job.map(|job| job.id.clone()) {
            self.with_job(&id, around, |job, _, _, _| {
                // What was complete before is not written again; what completes from now on is.
                let newest = job.checkpoints.kept.back().map_or(0, |pointer| pointer.id);
                job.checkpoints.written = (newest, i64::MIN / 2);
            });
        }
        false
    }

    /// The process ends. One that was asked to gives its lease back.
    pub(crate) fn end(&mut self, was_asked: bool, around: &mut Around) {
        let behaviour = around.behaviour(&self.resource);
        let now = around.now;
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in &mut jobs {
            let home = job.home();
            let place = place(self, &behaviour, 0, &home);
            job.abandon(now, &place, around);
        }
        self.jobs = jobs;
        if let Some(lease) = around.leases.get_mut(&self.resource)
            && lease.holder == self.number
        {
            lease.ended = Some((now, was_asked));
            if was_asked && let Some(metadata) = &self.metadata {
                metadata.resign(around);
            }
        }
    }
}
