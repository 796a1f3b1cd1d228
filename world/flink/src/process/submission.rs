//! How jobs get into a JobManager: from its configuration, from the metadata, or over REST.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Process;
use crate::around::Around;
use crate::behaviour::Behaviour;
use crate::configuration::ConfigurationError;
use crate::ha::Plan;
use crate::job::{Home, Job};

/// A job that is submitted to a session cluster.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) id: String,
    pub(crate) parallelism: Option<u32>,
    pub(crate) restore_path: Option<String>,
    pub(crate) configuration: BTreeMap<String, String>,
}

impl Process {
    /// Runs the application's job, unless its result is known. A JobManager of 2.3 that finds what an earlier one has
    /// written down of the end of this application removes what is left of it, and runs nothing (FLINK-40467).
    pub(super) fn submit_application(&mut self, behaviour: &Behaviour, around: &mut Around) {
        if let Some(folder) = &self.settings.application_results_path
            && around.store.result(folder, &self.cluster_id).is_some()
        {
            around.store.remove_result(folder, &self.cluster_id);
            return;
        }
        let job_id = self.settings.job_id.clone().unwrap_or_else(|| match self.metadata {
            // With metadata the id has to be the same again.
            Some(_) => format!("{}{:0>24}", hex_of(&self.cluster_id), ""),
            None => around.hex_id(),
        });
        if self.result_of(&job_id, around).is_some() {
            return;
        }
        let kept = self.metadata.as_ref().and_then(|metadata| metadata.plan(around, &job_id));
        let is_recovered = kept.is_some();
        let plan = kept.unwrap_or_else(|| Plan {
            name: self.settings.job_name.clone(),
            parallelism: self.settings.parallelism,
            restore_path: self.settings.restore_path.clone(),
            configuration: BTreeMap::new(),
        });
        let home =
            Home { settings: Arc::clone(&self.settings), lineage: self.resource.as_str().into() };
        self.begin(&job_id, &plan, home, behaviour, around);
        self.note_recovered(is_recovered);
    }

    fn note_recovered(&mut self, is_recovered: bool) {
        if let Some(job) = self.jobs.last_mut() {
            job.is_recovered = is_recovered;
        }
    }

    /// How a job ended before, if that is written down.
    fn result_of(&self, job_id: &str, around: &Around) -> Option<String> {
        let folder = self.settings.results_path.as_ref()?;
        around.store.result(folder, job_id).map(str::to_owned)
    }

    /// Runs the jobs of a session cluster that an earlier JobManager left.
    pub(super) fn recover_jobs(&mut self, behaviour: &Behaviour, around: &mut Around) {
        let Some(metadata) = self.metadata.clone() else { return };
        for job_id in metadata.job_ids(around) {
            if let Some(plan) = metadata.plan(around, &job_id)
                && let Ok(home) = self.home(&plan)
            {
                self.begin(&job_id, &plan, home, behaviour, around);
                self.note_recovered(true);
            }
        }
    }

    /// Runs a job that was submitted. Refused when its id is known, or what it is configured with cannot be read.
    pub(crate) fn submit(
        &mut self,
        submission: &Submission,
        around: &mut Around,
    ) -> Result<(), Refused> {
        let known = self.jobs.iter().any(|job| job.id == submission.id);
        if known || self.result_of(&submission.id, around).is_some() {
            return Err(Refused::Duplicate);
        }
        let name = submission.configuration.get("pipeline.name");
        let plan = Plan {
            name: name.map_or("session job", String::as_str).to_owned(),
            parallelism: submission.parallelism.unwrap_or(self.settings.parallelism),
            restore_path: submission.restore_path.clone(),
            configuration: submission.configuration.clone(),
        };
        let home = self.home(&plan).map_err(Refused::Configuration)?;
        let behaviour = around.behaviour(&self.resource);
        self.begin(&submission.id, &plan, home, &behaviour, around);
        Ok(())
    }

    fn home(&self, plan: &Plan) -> Result<Home, ConfigurationError> {
        let settings = self.settings.for_job(&plan.configuration)?;
        let lineage = format!("{}/{}", self.resource, plan.name);
        Ok(Home { settings: Arc::new(settings), lineage: lineage.into() })
    }

    fn begin(
        &mut self,
        job_id: &str,
        plan: &Plan,
        home: Home,
        behaviour: &Behaviour,
        around: &mut Around,
    ) {
        if let Some(metadata) = &self.metadata {
            metadata.add_job(around, job_id, plan, (&self.session, &self.pod.ip));
        }
        self.jobs.push(Job::new(job_id, plan, home, around.now, behaviour));
    }
}

/// Why a job is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Duplicate,
    Configuration(ConfigurationError),
}

/// Eight hexadecimal digits that only this text has, nearly.
fn hex_of(text: &str) -> String {
    let mark = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{mark:08x}")
}
