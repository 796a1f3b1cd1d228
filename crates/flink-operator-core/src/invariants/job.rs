//! What is asked of a job names the job of this resource, and was recorded before.

use crate::invariants::broken::BrokenInvariant;
use crate::invariants::view::Check;
use crate::observed::Seen;

impl Check<'_> {
    pub(super) fn our_job(&self, job_id: &str) -> Result<(), BrokenInvariant> {
        if self.status.job_status.job_id.as_deref() == Some(job_id) {
            return Ok(());
        }
        Err(BrokenInvariant::UnknownJob { job_id: job_id.to_owned() })
    }

    /// A request that depends on what the job does is for a job that its JobManager lists.
    pub(super) fn listed_job(
        &self,
        action: &'static str,
        job_id: &str,
    ) -> Result<(), BrokenInvariant> {
        self.our_job(job_id)?;
        let unknown = match self.observed.jobs.seen() {
            Seen::Present(jobs) if jobs.iter().any(|job| job.id == job_id) => return Ok(()),
            Seen::Present(_) | Seen::Absent => "the JobManager does not list the job".to_owned(),
            Seen::Unknown { why } => why,
        };
        Err(BrokenInvariant::ActedOnUnknown { action, unknown })
    }

    pub(super) fn one_request(&mut self) -> Result<(), BrokenInvariant> {
        self.requests += 1;
        if self.requests > 1 { Err(BrokenInvariant::SecondRequest) } else { Ok(()) }
    }
}

pub(super) fn is_recorded(recorded: Option<&str>, trigger_id: &str) -> Result<(), BrokenInvariant> {
    if recorded == Some(trigger_id) {
        return Ok(());
    }
    Err(BrokenInvariant::RequestNotRecorded { trigger_id: trigger_id.to_owned() })
}
