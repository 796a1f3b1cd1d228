//! One JobManager: a process in the container of a pod.

use std::sync::Arc;

use simulated_kubernetes::api_server::Caller;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::verbs::{DeleteOptions, Propagation};

use super::around::{Around, timestamp};
use super::behaviour::{Behaviour, Failure, millis};
use super::ha::Metadata;
use super::job::{Home, Job, Place, Stage};
use super::operations::{After, Operations, kept};
use super::settings::{Availability, Settings};

mod leadership;
mod pod;
mod submission;

pub(super) use pod::{Pod, config_data};
pub(super) use submission::{Refused, Submission};

/// How long a JobManager waits before it asks again for a pod that was refused:
/// `resourcemanager.start-worker.retry-interval`.
const START_RETRY_MS: i64 = 3000;

/// From the end of an application to the end of its clean-up. Its result is dirty until then: whoever finds it goes on with
/// the clean-up.
const APPLICATION_CLEANUP_MS: i64 = 2000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing answers.
    Starting,
    /// REST answers, and somebody else leads.
    Standby,
    Leading,
}

/// Why a process ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) code: i32,
    pub(super) message: String,
}

#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) number: u64,
    pub(super) resource: String,
    pub(super) cluster_id: String,
    pub(super) pod: Pod,
    pub(super) started: i64,
    pub(super) settings: Arc<Settings>,
    pub(super) metadata: Option<Metadata>,
    pub(super) phase: Phase,
    session: String,
    led_since: i64,
    pub(super) jobs: Vec<Job>,
    pub(super) operations: Operations,
    /// The first number in the names of its TaskManagers, and the last second one.
    pub(super) task_managers: (u32, u32),
    idle_since: Option<i64>,
    /// Names of the jars that were uploaded.
    pub(super) jars: Vec<String>,
    /// The cluster is to go: nothing but unread results keeps it.
    shuts_down: bool,
}

impl Process {
    pub(super) fn new(
        number: u64,
        cluster_id: &str,
        pod: Pod,
        settings: Settings,
        around: &mut Around,
    ) -> Self {
        let metadata = settings.has_high_availability().then(|| Metadata {
            namespace: pod.namespace.clone(),
            cluster_id: cluster_id.to_owned(),
            version: settings.version,
        });
        Self {
            number,
            resource: format!("{}/{cluster_id}", pod.namespace),
            cluster_id: cluster_id.to_owned(),
            pod,
            started: around.now,
            settings: Arc::new(settings),
            metadata,
            phase: Phase::Starting,
            session: around.ids.uid(),
            led_since: 0,
            jobs: Vec::new(),
            operations: Operations::default(),
            task_managers: (0, 0),
            idle_since: None,
            jars: Vec::new(),
            shuts_down: false,
        }
    }

    /// Does what is due. Why the process ends, if it does.
    pub(super) fn step(&mut self, around: &mut Around) -> Option<Ending> {
        let behaviour = around.behaviour(&self.resource);
        let now = around.now;
        if let Some(exit) = &behaviour.job_manager_exit
            && self.started + millis(exit.after) <= now
        {
            return Some(Ending { code: exit.code, message: exit.message.clone() });
        }
        if self.phase == Phase::Starting
            && self.started + millis(behaviour.job_manager_start) <= now
        {
            self.phase = Phase::Standby;
            around.world.set_pod_ready(&self.pod.uid, true);
        }
        if self.phase == Phase::Standby {
            self.try_to_lead(&behaviour, around);
        }
        if self.phase != Phase::Leading {
            return None;
        }
        self.forget_results(&behaviour, now);
        let slots = self.slots(&behaviour, around).0;
        let mut jobs = std::mem::take(&mut self.jobs);
        let mut ending = None;
        let mut operations = std::mem::take(&mut self.operations);
        let mut held: u32 = jobs.iter().map(Job::slots_held).sum();
        for job in &mut jobs {
            let (before, home) = (job.slots_held(), job.home());
            let free = (slots + before).saturating_sub(held);
            let place = place(self, &behaviour, free, &home);
            job.advance(now, &place, around);
            let after = operations.advance(job, &place, around);
            job.advance(now, &place, around);
            held = held + job.slots_held() - before;
            if after == After::Dies {
                ending = Some(Ending { code: 137, message: String::new() });
            } else if let Some((code, message)) = job.fatal.take() {
                ending = Some(Ending { code, message });
            }
        }
        self.jobs = jobs;
        self.operations = operations;
        if ending.is_none() {
            self.care_for_task_managers(around);
            self.write_application_result(around);
            self.shut_down_if_done(&behaviour, around);
        }
        ending
    }

    fn forget_results(&mut self, behaviour: &Behaviour, now: i64) {
        let kept = kept(behaviour, self.settings.operations_kept_ms);
        self.operations.forget(now, kept);
    }

    /// The slots that are registered, and when the next ones will be.
    fn slots(&self, behaviour: &Behaviour, around: &Around) -> (u32, Option<i64>) {
        let takes = millis(behaviour.task_manager_start);
        let mut count = 0;
        let mut next: Option<i64> = None;
        for one in around.task_managers_of(&self.resource) {
            let Some(since) = one.running_since else { continue };
            // Those that were there before have to find the new leader.
            let registered = (since + takes).max(self.led_since + 1000);
            if registered <= around.now {
                count += 1;
            } else {
                next = Some(next.map_or(registered, |next| next.min(registered)));
            }
        }
        (count * self.settings.slots, next)
    }

    /// The TaskManagers that are registered.
    pub(super) fn registered(&self, around: &Around) -> u32 {
        let behaviour = around.behaviour(&self.resource);
        self.slots(&behaviour, around).0 / self.settings.slots.max(1)
    }

    /// How many TaskManagers the jobs need.
    fn task_managers_wanted(&self) -> u32 {
        let asks =
            |job: &&Job| !matches!(job.stage, Stage::Initializing { .. } | Stage::Created { .. });
        let slots: u32 = self.jobs.iter().filter(asks).map(Job::slots_wanted).sum();
        slots.div_ceil(self.settings.slots.max(1))
    }

    fn care_for_task_managers(&mut self, around: &mut Around) {
        let wanted = self.task_managers_wanted();
        if self.jobs.iter().any(|job| !job.has_ended()) {
            self.idle_since = None;
        } else if self.idle_since.is_none() {
            self.idle_since = Some(around.now);
        }
        super::task_managers::ask_for(self, wanted, around);
        if self.idle_since.is_some_and(|since| since + self.settings.idle_ms <= around.now) {
            super::task_managers::release_all(self, around);
        }
    }

    /// A TaskManager is gone: tasks that ran there fail.
    pub(super) fn lose_task_manager(&mut self, name: &str, around: &mut Around) {
        let behaviour = around.behaviour(&self.resource);
        let slots = self.slots(&behaviour, around).0;
        let now = around.now;
        let mut jobs = std::mem::take(&mut self.jobs);
        let held: u32 = jobs.iter().map(Job::slots_held).sum();
        for job in &mut jobs {
            let home = job.home();
            let place = place(self, &behaviour, slots, &home);
            let ran = matches!(job.stage, Stage::Running | Stage::Deploying { .. });
            if ran && slots < held {
                let failure = Failure::new(
                    "org.apache.flink.runtime.jobmaster.JobMasterException",
                    &format!("TaskManager with id {name} is no longer reachable."),
                );
                job.fail(&failure, now, &place, around);
            }
        }
        self.jobs = jobs;
    }

    /// Does something with a job, as it is now.
    pub(super) fn with_job<R>(
        &mut self,
        id: &str,
        around: &mut Around,
        act: impl FnOnce(&mut Job, &mut Operations, &Place<'_>, &mut Around) -> R,
    ) -> Option<R> {
        let behaviour = around.behaviour(&self.resource);
        let slots = self.slots(&behaviour, around).0;
        let index = self.jobs.iter().position(|job| job.id == id)?;
        let mut job = self.jobs.remove(index);
        let mut operations = std::mem::take(&mut self.operations);
        let others: u32 = self.jobs.iter().map(Job::slots_held).sum();
        let home = job.home();
        let place = place(self, &behaviour, slots.saturating_sub(others), &home);
        job.catch_up(around.now, &place, around);
        let result = act(&mut job, &mut operations, &place, around);
        self.operations = operations;
        self.jobs.insert(index, job);
        Some(result)
    }

    /// Works out what has happened until now, and writes what is to be written.
    pub(super) fn settle(&mut self, around: &mut Around) {
        let behaviour = around.behaviour(&self.resource);
        self.forget_results(&behaviour, around.now);
        let ids: Vec<String> = self.jobs.iter().map(|job| job.id.clone()).collect();
        for id in ids {
            self.with_job(&id, around, |job, _, place, around| {
                job.write(around.now, place, around);
            });
        }
    }

    /// The cluster is to go, once every result has been read or is too old.
    pub(super) fn shut_down(&mut self) {
        self.shuts_down = true;
    }

    /// When the application has ended: with the last of its jobs.
    fn application_ended(&self) -> Option<i64> {
        self.settings.application_results_path.as_ref()?;
        let ended: Option<Vec<i64>> = self.jobs.iter().map(|job| job.ended).collect();
        ended?.into_iter().max()
    }

    fn write_application_result(&self, around: &mut Around) {
        let Some(folder) = &self.settings.application_results_path else { return };
        let Some(ended) = self.application_ended() else { return };
        // The application's id is made from the cluster's.
        if ended + APPLICATION_CLEANUP_MS <= around.now {
            around.store.remove_result(folder, &self.cluster_id);
        } else {
            around.store.put_result(folder, &self.cluster_id, "dirty");
        }
    }

    fn shut_down_if_done(&mut self, behaviour: &Behaviour, around: &mut Around) {
        let is_done = self.settings.is_application()
            && self.settings.shuts_down
            && !self.jobs.is_empty()
            && self.jobs.iter().all(Job::has_ended);
        if !self.shuts_down && !is_done {
            return;
        }
        self.shuts_down = true;
        let kept = kept(behaviour, self.settings.operations_kept_ms);
        if self.operations.untold_until(kept).is_some_and(|until| until > around.now) {
            return;
        }
        let caller = Caller::component("flink", timestamp(around.now));
        let options = DeleteOptions {
            propagation: Some(Propagation::Background),
            ..DeleteOptions::default()
        };
        around.world.kubernetes(|kubernetes| {
            // It may be gone already.
            drop(kubernetes.delete(
                Kinds::known().plural("deployments"),
                &self.pod.namespace,
                &self.cluster_id,
                &options,
                &caller,
            ));
        });
    }

    /// When something happens by itself.
    pub(super) fn next(&self, around: &Around) -> Option<i64> {
        let behaviour = around.behaviours.of(&self.resource);
        let now = around.now;
        let exit =
            behaviour.job_manager_exit.as_ref().map(|exit| self.started + millis(exit.after));
        let step = match self.phase {
            Phase::Starting => Some(self.started + millis(behaviour.job_manager_start)),
            Phase::Standby => match self.settings.availability {
                Availability::Kubernetes { lease_ms } => around
                    .leases
                    .get(&self.resource)
                    .and_then(|lease| lease.free_at(lease_ms))
                    .filter(|free| *free > now),
                Availability::Off => None,
            },
            Phase::Leading => self.next_of_jobs(behaviour, around),
        };
        [exit, step].into_iter().flatten().min()
    }

    fn next_of_jobs(&self, behaviour: &Behaviour, around: &Around) -> Option<i64> {
        let (slots, more) = self.slots(behaviour, around);
        let waits = self.jobs.iter().any(|job| {
            matches!(job.stage, Stage::Waiting { .. })
                || (!job.has_ended() && job.slots_wanted() > slots)
        });
        // Pods that were refused are asked for again.
        let there = around.task_managers_of(&self.resource).len();
        let is_short = u32::try_from(there).is_ok_and(|there| there < self.task_managers_wanted());
        let retry = is_short.then_some(around.now + START_RETRY_MS);
        let idle = self
            .idle_since
            .map(|since| since + self.settings.idle_ms)
            .filter(|due| *due > around.now);
        let results = if self.shuts_down {
            let kept = kept(behaviour, self.settings.operations_kept_ms);
            self.operations.untold_until(kept).filter(|until| *until > around.now)
        } else {
            None
        };
        let jobs = self.jobs.iter().flat_map(|job| {
            let home = job.home();
            let next = job.next(around.now, &place(self, behaviour, slots, &home));
            [next, self.operations.next(&job.id)].into_iter().flatten()
        });
        let cleaned_up = self
            .application_ended()
            .map(|ended| ended + APPLICATION_CLEANUP_MS)
            .filter(|due| *due > around.now);
        jobs.chain(more.filter(|_| waits))
            .chain(idle)
            .chain(results)
            .chain(retry)
            .chain(cleaned_up)
            .min()
    }

    /// Counts of jobs: running, finished, cancelled, failed.
    pub(super) fn job_counts(&self) -> [usize; 4] {
        let count =
            |states: &[&str]| self.jobs.iter().filter(|job| states.contains(&job.state)).count();
        let ended = count(&["FINISHED"]) + count(&["CANCELED"]) + count(&["FAILED"]);
        [self.jobs.len() - ended, count(&["FINISHED"]), count(&["CANCELED"]), count(&["FAILED"])]
    }
}

/// Where the jobs of a process run.
fn place<'a>(
    process: &'a Process,
    behaviour: &'a Behaviour,
    slots: u32,
    home: &'a Home,
) -> Place<'a> {
    Place {
        resource: &process.resource,
        pod_uid: &process.pod.uid,
        settings: &home.settings,
        lineage: &home.lineage,
        behaviour,
        metadata: process.metadata.as_ref(),
        slots,
    }
}
